"""Flows to databases that load staged objects: in the sandbox's stand-ins, by each way to them."""

import json

import pytest

from support import aws, moving
from support.server import headgate

RECORDS = [{"ID": number, "name": f"“{number}” L'Aquila \\ {chr(0x1F600)}", "amount": 12.5,
            "note": None, "tags": ["a", {"b": 1}]} for number in range(40)]
WAYS = {  # outcome of `headgate sandbox --list`, table, bucket
    "data-api": ("Redshift", "accepted", "sales.orders", moving.OUT),
    "serverless": ("Redshift", "accepted-serverless", "public.accounts", moving.OUT),
    "jdbc": ("Redshift", "accepted-jdbc", "Sales.Orders", moving.OUT),
    "snowflake": ("Snowflake", "accepted", "APPFLOW.PUBLIC.ORDERS", "acme-appflow"),
    "quoted": ("Snowflake", "accepted", 'APPFLOW.PUBLIC."order-lines"', "acme-appflow"),
}


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    made = lasting_servers("--sandbox")
    client = aws.boto(made)
    for name, (kind, outcome, _, _) in WAYS.items():
        aws.create(client, name, kind, json.loads(headgate(
            "sandbox", "--list", "--json", "--connector", kind, "--outcome", outcome)))
    (made.data / "s3/acme-appflow").mkdir(parents=True)
    return made


@pytest.fixture
def server(lasting):
    moving.clear(lasting)
    return lasting


def flow(way, table=None, bucket=None, **more):
    kind, _, usual, stage = WAYS[way]
    return {**moving.flow("load"), "destinationFlowConfigList": [{
        "connectorType": kind, "connectorProfileName": way,
        "destinationConnectorProperties": {kind: {
            "object": table or usual, "intermediateBucketName": bucket or stage, **more}}}]}


def run(server, way, records=RECORDS, **more):
    moving.put(server, "records", moving.lines_of(records))
    server.ok("CreateFlow", flow(way, **more))
    return moving.run(server, "load")


def loaded(server, way, table=None):
    kind, _, usual, _ = WAYS[way]
    return [json.loads(line) for line in headgate(
        "sandbox", "--records", "--connector", kind, "--entity", table or usual, "--records-dir",
        server.data / "records").splitlines()]


def failed(record):
    assert record["executionStatus"] == "Error", record
    return record["executionResult"]["errorInfo"]["executionMessage"]


@pytest.mark.parametrize("way", WAYS)
def test_records_are_loaded(server, way):
    table = "sales.orders" if way == "jdbc" else None
    kind, _, _, bucket = WAYS[way]
    before = 0 if way != "jdbc" else len(loaded(server, "data-api"))
    record = run(server, way)
    assert record["executionStatus"] == "Successful", json.dumps(record)
    assert record["executionResult"]["recordsProcessed"] == len(RECORDS)
    assert loaded(server, way, table)[before:] == RECORDS
    names = {path.name for path in (server.data / "s3" / bucket / "load").rglob("*")
             if path.is_file()}
    run_id = record["executionId"]
    assert names >= {f"{run_id}-00000"} | ({f"{run_id}.manifest"} if kind == "Redshift" else set())


@pytest.mark.parametrize("way", ("data-api", "jdbc", "snowflake"))
def test_a_table_that_is_not_there(server, way):
    table = "APPFLOW.PUBLIC.NOTHING" if way == "snowflake" else "public.nothing"
    said = failed(run(server, way, table=table))
    assert "does not exist" in said and "Nothing was loaded; the records are in s3://" in said, said
    assert f"connector profile {way}." in said, said


def test_a_bucket_that_is_not_the_stage_s(server):
    said = failed(run(server, "snowflake", bucket=moving.OUT))
    assert "the stage is over s3://acme-appflow/" in said, said
    assert f"s3://{moving.OUT}/load/" in said and "lie within the stage" in said
