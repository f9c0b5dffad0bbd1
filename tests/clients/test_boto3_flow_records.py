"""What flows read and write, with boto3, against the stand-ins: every source's records come, and
every destination has what was written. The bytes of each are the case files' part (tests/cases)."""

import datetime
import json
import re
import time

import pytest

from support import aws, moving
from support.sandbox_records import truth, written
from support.server import headgate

FAR_MS = 4102444800000  # 2100


def operator(kind, connector, name, fields, **properties):
    return {"taskType": kind, "sourceFields": fields, "connectorOperator": {connector: name},
            "taskProperties": properties}


def equal(connector, field, value, kind="string"):
    return operator("Filter", connector, "EQUAL_TO", [field], DATA_TYPE=kind, VALUE=value)


def between(connector, field, low=0, high=FAR_MS):
    return operator("Filter", connector, "BETWEEN", [field], DATA_TYPE="datetime",
                    LOWER_BOUND=str(low), UPPER_BOUND=str(high))


# The flow's object, the stand-in's name of it, what the object is called in the properties, and
# filters that the vendor needs, or without which it would be asked for years of hours.
SOURCES = {
    "Amplitude": ("events", "events", "object", [between("Amplitude", "server_upload_time",
                                                         1451606400000, 1735689600000)]),
    "Datadog": ("log-queries", "log-queries", "object", [
        equal("Datadog", "query", "*"), between("Datadog", "from")]),
    "Dynatrace": ("problem", "problem", "object", [between("Dynatrace", "startTime")]),
    "Infornexus": ("OrderDetail", "OrderDetail", "object", []),
    "Marketo": ("leads", "leads", "object", [
        between("Marketo", "createdAt", 1546300800000, 1577836800000)]),
    "Pardot": ("prospect", "prospect", "object", []),
    "Salesforce": ("Account", "Account", "object", []),
    "SAPOData": ("/sap/opu/odata/sap/API_BUSINESS_PARTNER/A_BusinessPartner",
                 "A_BusinessPartner", "objectPath", []),
    "Servicenow": ("incident", "incident", "object", []),
    "Singular": ("reporting", "reporting", "object", [
        equal("Singular", "start_date", "2024-01-01", "date"),
        equal("Singular", "end_date", "2024-01-31", "date")]),
    "Slack": ("conversations/C012AB3CD", "C012AB3CD", "object", []),
    "Trendmicro": ("computers", "computers", "object", []),
    "Veeva": ("product__v", "product__v", "object", []),
    "Zendesk": ("tickets", "tickets", "object", []),
}
KEYS = {"Infornexus": "InforNexus", "Servicenow": "ServiceNow"}
MARKETO_YEAR = ("2019", "2020-01-01T00:00:00Z")


# The field that incremental flows go by.
INCREMENTAL = {
    "Amplitude": "server_upload_time", "Dynatrace": "startTime", "Infornexus": "modifyTimestamp",
    "Marketo": "createdAt", "Pardot": "updated_at", "Salesforce": "SystemModstamp",
    "SAPOData": "LastChangeDate", "Servicenow": "sys_updated_on", "Slack": "ts",
    "Veeva": "modified_date__v", "Zendesk": "updated_at",
}
WINDOW = ("2020-06-01T00:00:00Z", "2020-07-01T00:00:00Z")


def moment_ms(value):
    """Of a time in any of the vendors' forms."""
    text = str(value)
    if text.startswith("/Date("):
        return int(text[6:].partition(")")[0])
    if re.fullmatch(r"\d{10}\.\d+", text):
        return int(float(text) * 1000)
    if text.isdigit():
        return int(text)
    moment = datetime.datetime.fromisoformat(text)
    return int(moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp() * 1000)


def expected(kind, entity):
    records = truth(kind, entity)
    if kind == "Salesforce":
        return [each for each in records if not each["IsDeleted"]]
    if kind == "Marketo":
        return [each for each in records if MARKETO_YEAR[0] <= each["createdAt"] < MARKETO_YEAR[1]]
    return records


def run(client, definition):
    client.create_flow(**definition)
    client.start_flow(flowName=definition["flowName"])
    until = time.monotonic() + 120
    while True:
        record = client.describe_flow_execution_records(
            flowName=definition["flowName"])["flowExecutions"][0]
        if record["executionStatus"] != "InProgress":
            assert record["executionStatus"] == "Successful", record
            return record["executionResult"]
        assert time.monotonic() < until, record
        time.sleep(0.05)


def profile(client, name, kind, outcome):
    aws.create(client, name, kind, json.loads(headgate(
        "sandbox", "--list", "--json", "--connector", kind, "--outcome", outcome)))


@pytest.fixture(scope="module")
def server(lasting_servers):
    made = lasting_servers("--sandbox")
    moving.buckets(made)
    return made


OUTCOMES = {"Pardot": "accepted-refresh"}


def reading(client, name, kind, tasks):
    """A flow from the vendor to the bucket, with a profile of its own."""
    entity, _, member, _ = SOURCES[kind]
    profile(client, name, kind, OUTCOMES.get(kind, "accepted"))
    return {
        "flowName": name, "triggerConfig": {"triggerType": "OnDemand"},
        "sourceFlowConfig": {
            "connectorType": kind, "connectorProfileName": name,
            "sourceConnectorProperties": {KEYS.get(kind, kind): {member: entity}}},
        "destinationFlowConfigList": [{
            "connectorType": "S3", "destinationConnectorProperties": {"S3": {
                "bucketName": moving.OUT, "s3OutputFormatConfig": {"fileType": "JSON"}}}}],
        "tasks": tasks}


def lines_of(server, name):
    return [line for path in (server.data / "s3" / moving.OUT / name).rglob("*") if path.is_file()
            for line in path.read_bytes().splitlines()]


@pytest.mark.shows("source", "object")
@pytest.mark.parametrize("kind", SOURCES)
def test_records_are_read(server, kind):
    client = aws.boto(server)
    _, records, _, filters = SOURCES[kind]
    key = KEYS.get(kind, kind)
    tasks = [*filters, moving.ALL]
    if kind == "Singular":  # its fields are named
        fields = list(truth(kind, records)[0])
        tasks = [*filters, operator("Filter", key, "PROJECTION", fields),
                 *({**operator("Map", key, "NO_OP", [each]), "destinationField": each}
                   for each in fields)]
    result = run(client, reading(client, f"from-{kind}", kind, tasks))
    wanted = expected(kind, records)
    assert result["recordsProcessed"] == len(wanted) > 0
    assert len(lines_of(server, f"from-{kind}")) == len(wanted)


@pytest.mark.shows("incremental", "window")
@pytest.mark.parametrize("kind", INCREMENTAL)
def test_a_window_of_time_is_read(server, kind):
    """As a schedule's run reads it: what changed at its end is not in it."""
    client = aws.boto(server)
    name, field = f"window-{kind}", INCREMENTAL[kind]
    low, high = map(moment_ms, WINDOW)
    definition = reading(client, name, kind, [moving.ALL])
    definition["sourceFlowConfig"]["incrementalPullConfig"] = {"datetimeTypeFieldName": field}
    definition["tags"] = {"headgate:window": "/".join(WINDOW)}
    run(client, definition)
    wanted = [each for each in truth(kind, SOURCES[kind][1])
              if each[field] is not None and low <= moment_ms(each[field]) < high
              and not each.get("IsDeleted")]
    assert len(lines_of(server, name)) == len(wanted) > 0


# Object, operation, fields that records are found by, records, and what the stand-in is asked for.
def numbered(**values):
    return [{name: value.format(number) for name, value in values.items()}
            for number in range(1, 8)]


DESTINATIONS = [
    ("Salesforce", "INSERT", "Account", (), numbered(Name="written {} é"), "Account"),
    ("Salesforce", "UPSERT", "Invoice__c", ("Number__c",),
     numbered(Number__c="own-{}", Due_Date__c="2026-03-0{}"), "Invoice__c"),
    ("Zendesk", "INSERT", "organizations", (), numbered(name="written {} é"), "organizations"),
    ("Zendesk", "UPSERT", "users", ("email",),
     numbered(email="written{}@b.example", name="written {} é"), "users"),
    ("SAPOData", "INSERT", "/sap/opu/odata/sap/API_BUSINESS_PARTNER/A_BusinessPartner", (),
     numbered(OrganizationBPName1="written {} é"), "A_BusinessPartner"),
    ("Marketo", "create or update", "leads", (),
     numbered(email="written{}@b.example", firstName="written {} é"), "leads"),
    ("Redshift", "COPY", "sales.orders", (), numbered(id="{}", account_id="{}"), "sales.orders"),
    ("Snowflake", "COPY", "APPFLOW.PUBLIC.ORDERS", (), numbered(ID="{}"),
     "APPFLOW.PUBLIC.ORDERS"),
]


@pytest.mark.shows("destination")
@pytest.mark.parametrize("kind, outcome, entity, ids, records, asked", DESTINATIONS)
def test_records_are_written(server, kind, outcome, entity, ids, records, asked):
    client = aws.boto(server)
    name = f"to-{kind}-{outcome}".replace(" ", "-")
    profile(client, name, kind, "accepted")
    properties = {"objectPath" if kind == "SAPOData" else "object": entity}
    if outcome == "COPY":
        properties["intermediateBucketName"] = "acme-appflow"
        (server.data / "s3/acme-appflow").mkdir(exist_ok=True)
    elif kind != "Marketo":
        properties["writeOperationType"] = outcome
    if ids:
        properties["idFieldNames"] = list(ids)
    moving.put(server, f"{name}/records", moving.lines_of(records))
    source = moving.flow(name, prefix=name)["sourceFlowConfig"]
    result = run(client, {
        "flowName": name, "triggerConfig": {"triggerType": "OnDemand"}, "sourceFlowConfig": source,
        "destinationFlowConfigList": [{
            "connectorType": kind, "connectorProfileName": name,
            "destinationConnectorProperties": {kind: properties}}],
        "tasks": [{**operator("Map", "S3", "NO_OP", [each]), "destinationField": each}
                  for each in records[0]]})
    assert result["recordsProcessed"] == len(records)
    assert result.get("errorInfo", {}).get("putFailuresCount", 0) == 0
    host = ("--host", "acme.zendesk.com") if kind == "Zendesk" else ()
    there = written(server.data / "records", kind, asked, *host)
    for each in records:
        assert any(each.items() <= one.items() for one in there), each
