"""Sources whose records come page by page: the bytes of what a run writes are those that the
stand-in has, whatever happens between two pages."""

import copy
import datetime
import functools
import json
from dataclasses import dataclass, field

import pytest

from support import moving
from support.sandbox_records import truth
from support.server import headgate
from support.vendor_flows import flow, task


@dataclass
class Source:
    kind: str
    entity: str  # of the flow
    records: str  # the stand-in's name of it
    time: str  # the field that incremental flows go by
    token: str = "accessToken"  # member of the credentials
    outcome: str = "accepted"  # of the profile whose token is exchanged
    descending: bool = False  # the order of the vendor's pages
    renews: bool = False  # a token that ends is replaced
    gone: tuple = ()  # fields that later pages do not have
    cursor_fault: str = ""  # of a page that is no longer known; "": there are no cursors
    schema_fault: str = ""  # of a page whose fields are others; "": it is read
    base: tuple = ()  # times between which records are enough for three pages; (): all are read
    order: str = ""  # field that pages are sorted by; "": the order of the rows
    equal: tuple = ()  # a number and a flag, where EQUAL_TO is the only filter
    more: dict = field(default_factory=dict)  # further source properties

    @property
    def key(self):
        return self.kind


SOURCES = {each.kind: each for each in (
    Source("Slack", "conversations/C012AB3CD", "C012AB3CD", time="ts", order="ts",
           descending=True, gone=("text", "reactions"),
           cursor_fault="invalid_cursor"),
    Source("Pardot", "prospect", "prospect", time="updated_at", order="id", renews=True,
           outcome="accepted-refresh", gone=("source", "opted_out"),
           equal=("score", "is_starred")),
    Source("Veeva", "product__v", "product__v", time="modified_date__v", renews=True,
           token="password", gone=("abbreviation__c", "annual_sales__c"),
           cursor_fault="The query ID is not valid"),
    Source("Marketo", "leads", "leads", time="createdAt", order="createdAt", renews=True,
           cursor_fault="is refused by the vendor", schema_fault="'contractValue' not found",
           base=(1577836800, 1588000000)),
)}


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    server = lasting_servers("--sandbox")
    for each in SOURCES.values():
        create(server, each.kind, config_of(each))
    return server


@pytest.fixture
def server(lasting):
    """One for all tests of this file, without flows and objects."""
    yield lasting
    moving.clear(lasting)


@pytest.fixture(params=list(SOURCES))
def source(request):
    return SOURCES[request.param]


@functools.cache
def listed(kind, outcome):
    return json.loads(headgate("sandbox", "--list", "--json", "--connector", kind,
                               "--outcome", outcome))


def config_of(source, token=None):
    config = copy.deepcopy(listed(source.kind, source.outcome))
    if token:
        config["connectorProfileCredentials"][source.key][source.token] = token
    return config


def create(server, name, config):
    kind = next(iter(config["connectorProfileProperties"]))
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": name, "connectorType": kind,
        "connectionMode": "Public", "connectorProfileConfig": config})


@functools.cache
def printed(kind, records):
    """What `headgate sandbox --records` prints."""
    return headgate("sandbox", "--records", "--connector", kind, "--entity", records).splitlines()


def sorted_lines(source):
    """The same in the order of the vendor's pages."""
    lines = list(printed(source.kind, source.records))
    if source.order:
        lines.sort(key=lambda line: json.loads(line)[source.order])
    return [line.encode() for line in (reversed(lines) if source.descending else lines)]


def copying(source, fields, *filters, profile=None):
    tasks = [task("Filter", "PROJECTION", fields, key=source.key), *filters,
             *({**task("Map", "NO_OP", [each], key=source.key), "destinationField": each}
               for each in fields)]
    return flow("copy", source.entity, tasks, kind=source.kind, profile=profile or source.kind,
                **source.more)


def run(server, definition):
    server.ok("CreateFlow", definition)
    moving.buckets(server)
    record = moving.run(server, "copy")
    body = b"".join(body for _, body in sorted(moving.written(server).items()))
    return record, body.splitlines()


def fields_of(source):
    return list(truth(source.kind, source.records)[0])


def test_every_record_once_byte_for_byte(server, source):
    wanted = sorted_lines(source)
    record, lines = run(server, copying(source, fields_of(source)))
    assert record["executionStatus"] == "Successful", record
    assert lines == wanted and len(wanted) >= 1000
    assert record["executionResult"]["recordsProcessed"] == len(wanted)


def seconds(text):
    """Since 1970, of a time as any of these vendors writes it."""
    if "-" not in text:
        return float(text)
    return datetime.datetime.fromisoformat(text[:19].replace(" ", "T") + "+00:00").timestamp()


def by_time(source, pages, records):
    """Bounds between which there are records for so many pages, and which records these are."""
    times = sorted(seconds(each[source.time]) for each in records)
    middle = len(times) // 2
    low = {"none": times[-1] + 86400, "one": times[middle], "some": times[middle // 2]}[pages]
    high = {"none": low + 86400, "one": times[middle + 5], "some": times[-middle // 2]}[pages]
    return within(source, low, high)


def within(source, low, high):
    bounds = {"LOWER_BOUND": str(int(low * 1000)), "UPPER_BOUND": str(int(high * 1000))}
    return (task("Filter", "BETWEEN", [source.time], key=source.key, DATA_TYPE="datetime",
                 **bounds),
            lambda record: low < seconds(record[source.time]) < high)


def by_value(source, pages, records):
    """The same for a source that has no other filters than EQUAL_TO."""
    field, flag = source.equal
    found = records[len(records) // 2][field]
    name, kind, value = {"none": (field, "integer", 10 ** 9), "one": (field, "integer", found),
                         "some": (flag, "boolean", True)}[pages]
    return (task("Filter", "EQUAL_TO", [name], key=source.key, DATA_TYPE=kind,
                 VALUE=json.dumps(value)), lambda record: record[name] == value)


@pytest.mark.parametrize("pages", ["none", "one", "some"])
def test_filtered_records(server, source, pages):
    """No page, a page, more than one of them."""
    lines = sorted_lines(source)
    records = list(map(json.loads, lines))
    make = by_value if source.equal else by_time
    chosen, keeps = make(source, pages, records)
    record, found = run(server, copying(source, fields_of(source), chosen))
    assert record["executionStatus"] == "Successful", record
    wanted = [line for line, each in zip(lines, records) if keeps(each)]
    assert found == wanted and len(wanted) in {
        "none": [0], "one": range(1, 10), "some": range(300, 2000)}[pages]


@pytest.mark.parametrize("outcome", [
    "throttled", "server-error", "truncated", "expired", "cursor-expired", "schema-changed"])
def test_a_later_page_that_fails(server, canaries, source, outcome):
    prefix = "password" if source.token == "password" else "token"
    token = f"sandbox-{prefix}-accepted-later-{outcome}-{canaries.new('token')}"
    if outcome == "cursor-expired" and not source.cursor_fault:
        return
    create(server, "later", config_of(source, token))
    chosen, keeps = [], lambda record: True
    if source.base:
        between, keeps = within(source, *source.base)
        chosen = [between]
    record, lines = run(server, copying(source, fields_of(source), *chosen, profile="later"))
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "later", "forceDelete": True})
    faults = {"cursor-expired": source.cursor_fault, "schema-changed": source.schema_fault,
              "expired": "" if source.renews else "profile later"}
    if faults.get(outcome):
        assert record["executionStatus"] == "Error"
        assert faults[outcome] in record["executionResult"]["errorInfo"]["executionMessage"]
        return
    wanted = [line for line in sorted_lines(source) if keeps(json.loads(line))]
    assert record["executionStatus"] == "Successful", record
    if outcome != "schema-changed":
        assert lines == wanted
        return
    first = next(at for at, line in enumerate(lines) if line != wanted[at])
    found = list(map(json.loads, lines[first:]))
    assert 0 < first < len(lines) == len(wanted)
    assert found == [{**json.loads(line), **dict.fromkeys(source.gone)} for line in wanted[first:]]


# Entities that are read by other calls than those of the table, and a key of each.
OTHERS = [
    ("Slack", "conversations/D0C0F7S8Y", "D0C0F7S8Y", "ts"),
    ("Pardot", "visitorActivity", "visitorActivity", "id"),
    ("Pardot", "listMembership", "listMembership", "id"),
    ("Pardot", "emailClick", "emailClick", "id"),
    ("Pardot", "campaign", "campaign", "id"),
    ("Veeva", "campaign__c", "campaign__c", "id"),
    ("Marketo", "activities", "activities", "leadId"),
    ("Marketo", "customobjects/car_c", "car_c", "marketoGUID"),
]


@pytest.mark.parametrize("kind, entity, records, key", OTHERS)
def test_other_entities(server, kind, entity, records, key):
    """One field alone, whatever else the vendor must be asked for."""
    source = Source(kind, entity, records, time="activityDate" if records == "activities"
                    else "updatedAt")
    chosen, wanted = [], truth(kind, records)
    if kind == "Marketo":
        between, keeps = within(source, 1577836800, 1585000000)
        chosen, wanted = [between], [each for each in wanted if keeps(each)]
    record, lines = run(server, copying(source, [key], *chosen))
    assert record["executionStatus"] == "Successful", record
    found = [json.loads(line) for line in lines]
    assert sorted(str(each[key]) for each in found) == sorted(str(each[key]) for each in wanted)
    assert wanted and all(set(each) == {key} for each in found)


@pytest.mark.parametrize("kind, entity, words", [
    ("Slack", "conversations", "Messages are read of one channel"),
    ("Slack", "conversations/C000", "channel_not_found"),
    ("Pardot", "visit", "The vendor lists visits of visitors"),
    ("Veeva", "documents/types/component__c", "does not read documents yet"),
    ("Veeva", "nothing__c", "nothing__c"),
    ("Marketo", "programs", "programs has no records that can be read"),
])
def test_what_cannot_be_read(server, kind, entity, words):
    definition = copying(Source(kind, entity, "", time=""), ["id"])
    record, lines = run(server, definition)
    assert record["executionStatus"] == "Error" and not lines
    assert words in record["executionResult"]["errorInfo"]["executionMessage"]
