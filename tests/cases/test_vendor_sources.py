"""Sources whose records come page by page: the bytes of what a run writes are those that the
stand-in has, whatever happens between two pages."""

import copy
import datetime
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


def config_of(source, token=None):
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", source.kind,
                                 "--outcome", source.outcome))
    if token:
        config = copy.deepcopy(config)
        config["connectorProfileCredentials"][source.key][source.token] = token
    return config


def create(server, name, config):
    kind = next(iter(config["connectorProfileProperties"]))
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": name, "connectorType": kind,
        "connectionMode": "Public", "connectorProfileConfig": config})


def sorted_lines(source):
    """What `headgate sandbox --records` prints, in the order of the vendor's pages."""
    lines = headgate("sandbox", "--records", "--connector", source.kind, "--entity",
                     source.records).splitlines()
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
    record, lines = run(server, copying(source, fields_of(source), profile="later"))
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "later", "forceDelete": True})
    if outcome == "cursor-expired" or (outcome == "expired" and not source.renews):
        assert record["executionStatus"] == "Error"
        message = record["executionResult"]["errorInfo"]["executionMessage"]
        assert (source.cursor_fault if outcome == "cursor-expired" else "profile later") in message
        return
    wanted = sorted_lines(source)
    assert record["executionStatus"] == "Successful", record
    if outcome != "schema-changed":
        assert lines == wanted
        return
    first = next(at for at, line in enumerate(lines) if line != wanted[at])
    found = list(map(json.loads, lines[first:]))
    assert 0 < first < len(lines) == len(wanted)
    assert found == [{**json.loads(line), **dict.fromkeys(source.gone)} for line in wanted[first:]]
