"""Runs that read the records of vendors with ranges, selectors and cursors of their own, from the
stand-ins: what is written equals their truth, byte for byte, whatever happens between two pages."""

import dataclasses
import datetime
import functools
import json
import re

import pytest

from support import moving
from support.server import headgate
from support.vendor_flows import flow, task


@functools.cache
def exact(kind, entity):
    """Every record, with numbers that have a point as texts, whose digits stay as they are."""
    printed = headgate("sandbox", "--records", "--connector", kind, "--entity", entity)
    return [json.loads(line, parse_float=lambda digits: f"\0{digits}\0")
            for line in printed.splitlines()]


def lines(records):
    """As JSON lines."""
    text = "".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n"
                   for each in records)
    return re.sub(r'"\\u0000([^"\\]*)\\u0000"', r"\1", text).encode()


@dataclasses.dataclass
class Source:
    """How one entity of a connector is read: the filters that its flows must have, and the field of
    the records that the range is about, whose form `time` reads as milliseconds."""
    kind: str
    entity: str
    key: str                 # of connectorOperator and of the properties
    secret: str              # member of the credentials that names the outcome
    later: str               # its value, with the outcome to fill in
    filters: tuple
    page: int                # records of one; None: there is nothing to happen between pages
    keeps: object = lambda record: True
    order: object = None     # of the records that come; None: that of the truth
    gone: tuple = ()         # fields that later pages leave out where the schema changes
    time: object = None      # of a record, in milliseconds, by which `ranged` selects
    ranged: object = None    # filters for the records between two times, neither of them within

    unsent: tuple = ()       # what the truth has for the stand-in's own use
    has_cursor: bool = True  # pages go on by what may end
    is_named: bool = False   # flows name the fields: there are others of the customer's own

    def wanted(self, keeps=None):
        records = [{key: value for key, value in each.items() if key not in self.unsent}
                   for each in exact(self.kind, self.entity)
                   if self.keeps(each) and (keeps is None or keeps(each))]
        return sorted(records, key=self.order) if self.order else records


def equal(field, value, key, kind="string"):
    return task("Filter", "EQUAL_TO", [field], key=key, DATA_TYPE=kind, VALUE=value)


def between(field, low, high, key):
    return task("Filter", "BETWEEN", [field], key=key, DATA_TYPE="datetime",
                LOWER_BOUND=str(low), UPPER_BOUND=str(high))


FAR = 4102444800000  # 2100, in milliseconds
DAY = 24 * 3600 * 1000

DYNATRACE = Source(
    "Dynatrace", "problem", "Dynatrace", "apiToken", "dt0c01.SANDBOX.accepted-later-{}-{}",
    (between("startTime", 0, FAR, "Dynatrace"),), 50,
    order=lambda record: record["startTime"], gone=("title", "entityTags"),
    time=lambda record: record["startTime"],
    ranged=lambda low, high: (between("startTime", low, high, "Dynatrace"),))

def ms(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def search(low, high):
    return (equal("query", "*", "Datadog"), between("from", low, high, "Datadog"))


LOGS = Source(
    "Datadog", "log-queries", "Datadog", "apiKey", "sandbox-key-accepted-later-{}-{}",
    search(0, FAR), 1000, order=lambda record: ms(record["attributes"]["timestamp"]),
    gone=("type",), unsent=("timestamp",),
    time=lambda record: ms(record["attributes"]["timestamp"]),
    ranged=lambda low, high: search(low + 1, high))  # the vendor takes the lower bound as within

METRICS = Source(
    "Datadog", "metrics-timeseries", "Datadog", "apiKey", "", (
        equal("query", "avg:system.cpu.user{*} by {host}", "Datadog"),
        between("from_to_date", 0, FAR, "Datadog")), None)

NEXUS = Source(
    "Infornexus", "OrderDetail", "InforNexus", "accessKeyId", "SANDBOX-accepted-later-{}-{}", (),
    1000, gone=("status", "totals"), time=lambda record: ms(record["modifyTimestamp"]),
    ranged=lambda low, high: (between("modifyTimestamp", low, high, "InforNexus"),),
    has_cursor=False)

COMPUTERS = Source(
    "Trendmicro", "computers", "Trendmicro", "apiSecretKey", "7:sandbox-accepted-later-{}-{}", (),
    500, gone=("description", "antiMalware"), has_cursor=False)

REPORT = Source(
    "Singular", "reporting", "Singular", "apiKey", "sandbox-key-accepted-later-{}-{}", (
        equal("start_date", "2024-01-01", "Singular", "date"),
        equal("end_date", "2024-01-31", "Singular", "date")), 0, has_cursor=False,
    is_named=True)

SOURCES = {
    "dynatrace": DYNATRACE, "logs": LOGS, "metrics": METRICS, "nexus": NEXUS,
    "computers": COMPUTERS,
    "report": REPORT,
    "rules": dataclasses.replace(COMPUTERS, entity="firewallrules", page=None),
}


def config(source, **credentials):
    made = json.loads(headgate("sandbox", "--list", "--json", "--connector", source.kind,
                               "--outcome", "accepted"))
    made["connectorProfileCredentials"][source.key].update(credentials)
    return made


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    server = lasting_servers("--sandbox")
    for name, source in SOURCES.items():
        server.ok("CreateConnectorProfile", {
            "connectorProfileName": name, "connectorType": source.kind,
            "connectionMode": "Public", "connectorProfileConfig": config(source)})
    return server


@pytest.fixture
def server(lasting):
    """One for all tests of this file, without flows and objects."""
    yield lasting
    moving.clear(lasting)


def definition(name, source, profile, filters=None):
    filters = source.filters if filters is None else filters
    fields = list(exact(source.kind, source.entity)[0]) if source.is_named else None
    maps = ([task("Map_all", "NO_OP", [], key=source.key)] if fields is None else
            [task("Filter", "PROJECTION", fields, key=source.key),
             *({**task("Map", "NO_OP", [each], key=source.key), "destinationField": each}
               for each in fields)])
    made = flow(name, source.entity, [*filters, *maps], kind=source.kind, profile=profile)
    made["sourceFlowConfig"]["sourceConnectorProperties"] = {source.key: {"object": source.entity}}
    return made


def moved(server, made):
    """The record of its run, and the bytes of what was written."""
    server.ok("CreateFlow", made)
    moving.buckets(server)
    record = moving.run(server, made["flowName"])
    return record, b"".join(body for _, body in sorted(moving.written(server).items()))


@pytest.mark.parametrize("name", SOURCES)
def test_all_records(server, name):
    source = SOURCES[name]
    wanted = source.wanted()
    assert len(wanted) >= 1000 and len(wanted) > (source.page or 0)
    record, body = moved(server, definition(name, source, name))
    assert record["executionStatus"] == "Successful", record
    assert body == lines(wanted)
    assert record["executionResult"]["recordsProcessed"] == len(wanted)


@pytest.mark.parametrize("name", [name for name, each in SOURCES.items() if each.ranged])
def test_one_page_and_none(server, name):
    source = SOURCES[name]
    times = sorted({source.time(each) for each in source.wanted()})
    low, high = times[len(times) // 2], times[len(times) // 2 + 9]
    wanted = source.wanted(lambda each: low < source.time(each) < high)
    assert 0 < len(wanted) < source.page
    record, body = moved(server, definition(name, source, name, source.ranged(low, high)))
    assert record["executionStatus"] == "Successful", record
    assert body == lines(wanted)
    later = source.ranged(times[-1] + 2 * DAY, times[-1] + 4 * DAY)
    record, body = moved(server, definition("none", source, name, later))
    assert record["executionStatus"] == "Successful", record
    assert record["executionResult"]["recordsProcessed"] == 0


def test_a_selector(server):
    """What it asks for is what the flow would keep."""
    filters = [*DYNATRACE.filters, equal("status", "OPEN", "Dynatrace"),
               equal("severityLevel", "ERROR", "Dynatrace")]
    _, body = moved(server, definition("selected", DYNATRACE, "dynatrace", filters))
    wanted = DYNATRACE.wanted(
        lambda each: each["status"] == "OPEN" and each["severityLevel"] == "ERROR")
    assert wanted and body == lines(wanted)


def error_of(record):
    assert record["executionStatus"] == "Error", record
    return record["executionResult"]["errorInfo"]["executionMessage"]


@pytest.mark.parametrize("name, filters, says", [
    ("dynatrace", (), "the flow needs a filter on startTime"),
    ("dynatrace", (*DYNATRACE.filters, equal("text", 'a "b"', "Dynatrace")),
     "the filter on text cannot be given to the vendor, which alone could apply it"),
    ("logs", (between("from", 0, FAR, "Datadog"),), "the flow needs a filter on query"),
    ("logs", (equal("query", "*", "Datadog"),), "the flow needs a filter on from"),
    ("logs", (equal("query", "timeout", "Datadog"), between("from", 0, FAR, "Datadog")),
     "gave only a part of the logs"),
    ("report", REPORT.filters[:1], "the flow needs filters on start_date and end_date"),
    ("metrics", (equal("query", "error", "Datadog"), between("from_to_date", 0, FAR, "Datadog")),
     "Error parsing query"),
])
def test_filters_that_the_vendor_needs(server, name, filters, says):
    record, body = moved(server, definition("refused", SOURCES[name], name, filters))
    assert says in error_of(record) and not body


LATER = {"throttled": True, "server-error": True, "truncated": True, "expired": False,
         "cursor-expired": False, "schema-changed": True}


@pytest.mark.parametrize("name, outcome", [
    (name, outcome) for name, each in SOURCES.items() for outcome in LATER
    if each.page and (each.has_cursor or outcome != "cursor-expired")])
def test_what_happens_between_two_pages(server, name, outcome):
    source = SOURCES[name]
    profile = f"{name}-{outcome}"
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": profile, "connectorType": source.kind,
        "connectionMode": "Public", "connectorProfileConfig": config(
            source, **{source.secret: source.later.format(outcome, "1")})})
    record, body = moved(server, definition(profile, source, profile))
    wanted = source.wanted()
    if outcome == "schema-changed":
        wanted = wanted[:source.page] + [
            {key: value for key, value in each.items() if key not in source.gone}
            for each in wanted[source.page:]]
    if LATER[outcome]:
        assert record["executionStatus"] == "Successful", record
        assert body == lines(wanted)
    else:
        assert record["executionStatus"] == "Error", record
        assert profile in record["executionResult"]["errorInfo"]["executionMessage"]


@pytest.mark.parametrize("outcome", ["throttled", "server-error", "expired"])
def test_a_report_that_is_looked_at(server, outcome):
    """What a look at its state meets; then it is done, and read."""
    profile = f"report-{outcome}"
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": profile, "connectorType": "Singular",
        "connectionMode": "Public", "connectorProfileConfig": config(
            REPORT, apiKey=REPORT.later.format(outcome, "1"))})
    record, body = moved(server, definition(profile, REPORT, profile))
    if outcome == "expired":
        assert profile in error_of(record) and not body
    else:
        assert record["executionStatus"] == "Successful", record
        assert body == lines(REPORT.wanted())
