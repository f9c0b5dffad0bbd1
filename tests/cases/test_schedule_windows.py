"""Windows of scheduled runs at vendors: those of a stand-in whose records changed over years, which
the server's clock runs through, and those of a registered connector whose records come late."""

import datetime
import json
import threading
import time

import pytest

import test_sapodata_records
from support import aws, custom, moving, s3, wire
from support.clock import Clock
from support.functions import MINIMAL, to_functions
from support.sandbox_records import truth
from support.vendor_flows import create_profile, flow, task
from test_schedules import activate, on

BEGIN = datetime.datetime(2020, 3, 1, tzinfo=datetime.timezone.utc)
FROM = datetime.datetime(2020, 1, 10, 8, 30, tzinfo=datetime.timezone.utc)
OFFSET_S = 7200
STEPS_DAYS = (0, 170, 40, 400)
COPY = {"flowName": "copy"}


def incident():
    definition = flow("copy", "incident", [task("Map_all", "NO_OP", [], key="ServiceNow")],
                      kind="Servicenow", profile="desk")
    definition["sourceFlowConfig"]["sourceConnectorProperties"] = {
        "ServiceNow": {"object": "incident"}}
    return definition


def ticket():
    """Zendesk is asked for one bound alone: the window's, not the flow's own."""
    own = task("Filter", "GREATER_THAN", ["updated_at"], key="Zendesk",
               DATA_TYPE="datetime", VALUE="1420070400000")
    definition = flow("copy", "tickets", [own, task("Map_all", "NO_OP", [], key="Zendesk")],
                      kind="Zendesk", profile="help")
    definition["sourceFlowConfig"]["incrementalPullConfig"] = {
        "datetimeTypeFieldName": "updated_at"}
    return definition


def order():
    definition = test_sapodata_records.flow("Order", test_sapodata_records.ALL)
    definition["sourceFlowConfig"]["incrementalPullConfig"] = {
        "datetimeTypeFieldName": "ChangedAt"}
    return definition


# A flow; its records with keys and times of change; what the vendor is asked for beyond a window at
# its begin and end: ServiceNow takes times as its user's zone has them, and an export has no end.
DAY_S = 86400
VENDORS = {
    "Servicenow": (incident, "incident", "sys_id", "sys_updated_on", (DAY_S, DAY_S)),
    "Zendesk": (ticket, "tickets", "id", "updated_at", (0, None)),
    "SAPOData": (order, "Order", "OrderID", "ChangedAt", (0, 0)),
}


def seconds(text):
    """A vendor's time, with or without a zone: all are in UTC."""
    time_ = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return time_.replace(tzinfo=datetime.timezone.utc).timestamp()


class Past:
    """The server's clock, and that of its clients, in the past."""

    def __init__(self, directory, monkeypatch):
        self.clock = Clock(directory)
        self.at(BEGIN)
        sign = wire.sigv4.sign
        monkeypatch.setattr(wire.sigv4, "sign", lambda *args, **kwargs: sign(
            *args, **kwargs, now=self.now()))

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc) + self.ahead

    def at(self, when):
        self.ahead = when - datetime.datetime.now(datetime.timezone.utc)
        self.clock.set(self.ahead.total_seconds())


@pytest.fixture
def past(tmp_path, monkeypatch):
    return Past(tmp_path, monkeypatch)


def look(server):
    """Schedules are looked at, so that a step of the clock is noticed soon."""
    server.ok("StartFlow", {"flowName": "never"})
    server.ok("StopFlow", {"flowName": "never"})


def all_successful(server, count):
    found = moving.records(server)
    assert all(each["executionStatus"] != "Error" for each in found), found
    return len(found) == count and found[0]["executionStatus"] == "Successful"


@pytest.mark.embedded
@pytest.mark.as_users_run_it  # the shared object that sets the clock is not for sanitizers
@pytest.mark.parametrize("kind", VENDORS)
def test_windows_over_years(servers, past, kind):
    definition, entity, key, changed, (before, after) = VENDORS[kind]
    server = servers("--sandbox", env=past.clock.environment)
    create_profile(server, {"Servicenow": "desk", "Zendesk": "help"}.get(kind, "sap-v2"), kind)
    if kind == "SAPOData":
        test_sapodata_records.create_profile(server, "sap-v4", "accepted-v4")
    server.ok("CreateFlow", moving.flow("never") | {"triggerConfig": on(
        "cron(0 0 1 1 ? 2190)")})
    activate(server, "rate(1days)", definition(), dataPullMode="Incremental",
             firstExecutionFrom=int(FROM.timestamp()), scheduleOffset=OFFSET_S)
    for number, days in enumerate(STEPS_DAYS):
        past.at(past.now() + datetime.timedelta(days=days, hours=1))  # after what spreads starts
        look(server)
        moving.until(lambda count=number + 1: all_successful(server, count))
    records = list(reversed(moving.records(server)))
    windows = [(each["dataPullStartTime"], each["dataPullEndTime"]) for each in records]
    assert windows[0][0] == FROM.timestamp()
    assert [start for start, _ in windows[1:]] == [end for _, end in windows[:-1]]
    assert all(each["startedAt"] - 86400 - OFFSET_S < end <= each["startedAt"] - OFFSET_S
               for each, (_, end) in zip(records, windows))
    times = {each[key]: seconds(each[changed]) for each in truth(kind, entity)
             if each.get("status") != "deleted"}
    for each, (start, end) in zip(records, windows):
        asked = sum(start - before <= at and (after is None or at < end + after)
                    for at in times.values())
        assert each["executionResult"]["recordsProcessed"] == asked
        assert 0 < sum(start <= at < end for at in times.values()) <= asked < len(times)
    lines = [json.loads(line) for body in moving.written(server).values()
             for line in body.splitlines()]
    wanted = [each for each, at in times.items() if FROM.timestamp() <= at < windows[-1][1]]
    assert sorted(each[key] for each in lines) == sorted(wanted)
    assert len(wanted) < len(times)


class Orchard(custom.Connector):
    """Has records that come late, and leaves filters to others."""

    FIELDS = [{"fieldName": name, "dataType": kind, "label": name, "isPrimaryKey": name == "id",
               "readProperties": {"isRetrievable": True, "isQueryable": True, **more}}
              for name, kind, more in (
                  ("id", "String", {}),
                  ("changed", "DateTime", {"isTimestampFieldForIncrementalQueries": True}))]

    def __init__(self, canaries):
        super().__init__(canaries)
        self.lock = threading.Lock()
        self.records = []
        self.filters = []

    def configuration(self):
        return {**MINIMAL, "supportedTriggerTypes": ["SCHEDULED", "ONDEMAND"],
                "triggerFrequenciesSupported": ["BYMINUTE", "DAILY"],
                "operatorsSupported": ["PROJECTION", "EQUAL_TO", "GREATER_THAN_OR_EQUAL_TO",
                                       "LESS_THAN"]}

    def add(self, late_s):
        with self.lock:
            at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - late_s))
            self.records.append(json.dumps({"id": str(len(self.records)), "changed": f"{at}Z"}))

    def answer_of(self, request):
        kind = request["type"].removesuffix("Request")
        if kind == "DescribeEntity":
            return {"isSuccess": True, "entityDefinition": {
                "entity": {"entityIdentifier": "Apple", "hasNestedEntities": False},
                "fields": self.FIELDS}}
        if kind == "QueryData":
            with self.lock:
                self.filters.append(request.get("filterExpression"))
                return {"isSuccess": True, "records": list(self.records)}
        return super().answer_of(request)


def apples():
    return {
        **moving.flow(), "tasks": [{"taskType": "Map_all", "sourceFields": [],
                                    "connectorOperator": {"CustomConnector": "NO_OP"}}],
        "sourceFlowConfig": {
            "connectorType": aws.CUSTOM, "connectorProfileName": "own", "apiVersion": "v1",
            "sourceConnectorProperties": {"CustomConnector": {"entityName": "Apple"}},
            "incrementalPullConfig": {"datetimeTypeFieldName": "changed"}}}


def test_late_records_of_a_connector_that_filters_nothing(servers, canaries, tmp_path):
    with Orchard(canaries) as orchard, s3.stand_in(tmp_path) as stand_in:
        options, env = to_functions(orchard, canaries)
        server = servers("--sub-minute-schedules", "yes", *options, "--s3-url", stand_in.url, env={
            **env, "AWS_ACCESS_KEY_ID": stand_in.key_id, "AWS_SECRET_ACCESS_KEY": stand_in.secret})
        boto = stand_in.boto()
        boto.create_bucket(Bucket=moving.OUT)
        custom.register(server)
        server.ok("CreateConnectorProfile", custom.create(custom.basic(canaries.new())))
        activate(server, "rate(1seconds)", apples(), dataPullMode="Incremental",
                 scheduleOffset=2)
        for number in range(25):
            orchard.add(1 if number % 3 == 0 else 0)
            time.sleep(0.1)
        last = time.time()
        moving.until(lambda: moving.records(server)[0].get("dataPullEndTime", 0) > last)
        server.ok("StopFlow", COPY)
        moving.ended(server)
        done = list(reversed(moving.records(server)))
        keys = [each["Key"] for each in boto.list_objects_v2(Bucket=moving.OUT)["Contents"]]
        lines = [json.loads(line) for key in keys for line in
                 boto.get_object(Bucket=moving.OUT, Key=key)["Body"].iter_lines()]
    assert all(each["executionStatus"] == "Successful" for each in done), done
    assert sorted(int(each["id"]) for each in lines) == list(range(25))
    windows = [(each["dataPullStartTime"], each["dataPullEndTime"]) for each in done]
    assert [start for start, _ in windows[1:]] == [end for _, end in windows[:-1]]
    assert len(windows) > 3 and all("changed" in each for each in orchard.filters)
