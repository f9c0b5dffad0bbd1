"""Flows to Redshift: records are staged in a bucket and loaded by one COPY, into a real PostgreSQL
whose front loads the objects as Redshift would. What the database has afterwards is what the
records were, once, also when answers are lost or the server is killed."""

import json

import pytest

from support import aws, moving, postgres
from support.warehouse import USER, Warehouse

pytestmark = [
    pytest.mark.shows("records peer", "PostgreSQL", kind="Redshift"),
    pytest.mark.skipif(postgres.programs() is None,
                       reason="PostgreSQL is not installed (Debian's package postgresql)"),
]

ROLE = "arn:aws:iam::123456789012:role/stage"
RECORDS = [{"Id": number, "Name": f"“{number}” L'Aquila \\ {chr(0x1F600)}",
            "Amount": f"{number}.50", "Placed": "2026-01-31T23:59:59.250Z",
            "Note": None if number % 3 else "a, \"b\"\nc"}
           for number in range(500)]
TABLES = """
    CREATE TABLE orders (id bigint, name varchar(80), amount numeric(12,2), placed timestamptz,
        note text, kept integer DEFAULT 7);
    CREATE TABLE "Mixed" (id bigint);
    CREATE SCHEMA eu;
    GRANT USAGE ON SCHEMA eu TO loader;
    CREATE TABLE eu.orders (id bigint, amount numeric(4,1));
    GRANT INSERT, SELECT ON eu.orders TO loader"""


@pytest.fixture(scope="module")
def warehouse():
    made = Warehouse(TABLES)
    yield made
    made.close()


@pytest.fixture
def server(servers, warehouse, store, canaries):
    made = servers("--egress-allow", "127.0.0.1", "--s3-url", store.url, env={
        "AWS_ACCESS_KEY_ID": store.key_id, "AWS_SECRET_ACCESS_KEY": store.secret})
    warehouse.buckets = store.objects
    (made.data / "s3").symlink_to(store.objects)
    password = canaries.new("password")
    warehouse.do(f"SET password_encryption = 'md5'; ALTER ROLE {USER} PASSWORD '{password}'; "
                 "TRUNCATE orders, eu.orders, sys_load_history, sys_load_error_detail")
    del warehouse.copies[:]
    moving.clear(made)
    aws.create(aws.boto(made), "lake", "Redshift", {
        "connectorProfileProperties": {"Redshift": {
            "databaseUrl": f"jdbc:redshift://127.0.0.1:{warehouse.port}/dev?ssl=false",
            "bucketName": "stage", "roleArn": ROLE}},
        "connectorProfileCredentials": {"Redshift": {"username": USER, "password": password}}})
    return made


def flow(table="orders", prefix="staged", **more):
    properties = {"object": table, "intermediateBucketName": moving.OUT, **more}
    if prefix:
        properties["bucketPrefix"] = prefix
    return {**moving.flow("load"), "destinationFlowConfigList": [{
        "connectorType": "Redshift", "connectorProfileName": "lake",
        "destinationConnectorProperties": {"Redshift": properties}}]}


def run(server, records, **more):
    moving.put(server, "records", moving.lines_of(records))
    server.ok("CreateFlow", flow(**more))
    return moving.run(server, "load")


def test_records_are_staged_and_loaded(server, warehouse):
    record = run(server, RECORDS)
    assert record["executionStatus"] == "Successful", record
    assert record["executionResult"]["recordsProcessed"] == len(RECORDS)
    loaded = warehouse.rows("SELECT * FROM orders ORDER BY id")
    assert [(each["id"], each["name"], f"{each['amount']:.2f}", each["note"])
            for each in loaded] == [
        (each["Id"], each["Name"], each["Amount"], each["Note"]) for each in RECORDS]
    assert warehouse.copies == [{
        "table": '"public"."orders"', "bucket": moving.OUT, "role": ROLE, "region": "us-east-1",
        "key": f"staged/load/{record['executionId']}/{record['executionId']}.manifest"}]
    folder = f"staged/load/{record['executionId']}/{record['executionId']}"
    written = moving.written(server)
    assert set(written) == {f"{folder}-00000", f"{folder}.manifest"}
    assert [json.loads(line) for line in written[f"{folder}-00000"].splitlines()] == RECORDS
    assert json.loads(written[f"{folder}.manifest"]) == {"entries": [
        {"url": f"s3://{moving.OUT}/{folder}-00000", "mandatory": True}]}


def failed(record):
    assert record["executionStatus"] == "Error", record
    return record["executionResult"]["errorInfo"]["executionMessage"]


def test_a_record_that_does_not_fit_is_named_and_nothing_is_loaded(server, warehouse):
    record = run(server, [*RECORDS[:7], {"Id": 7, "Amount": "seven"}, *RECORDS[8:]])
    said = failed(record)
    staged = f"s3://{moving.OUT}/staged/load/{record['executionId']}/"
    assert "Load into table" in said and f"line 8 of {staged}" in said and \
        'invalid input syntax for type numeric: "seven"' in said, said
    assert "Change the table or the flow's tasks" in said and \
        f"Nothing was loaded; the records are in {staged}" in said and \
        "connector profile lake" in said, said
    assert not warehouse.rows("SELECT * FROM orders")
    assert len(warehouse.copies) == 1


@pytest.mark.parametrize("table, expected", [
    ("nothing", 'relation ""public"."nothing"" does not exist'),
    ("public.a.b", "whose names have neither a dot nor a backslash"),
])
def test_a_table_that_is_not_there(server, warehouse, table, expected):
    said = failed(run(server, RECORDS[:3], table=table))
    assert expected in said and ("Check schema and table" in said or "object so" in said), said


@pytest.mark.parametrize("table, written", [
    ("eu.orders", '"eu"."orders"'), ("EU.Orders", "EU.Orders"), ("orders", '"public"."orders"')])
def test_names_of_tables(server, warehouse, table, written):
    record = run(server, [{"ID": 1, "amount": 2.5, "other": {"a": 1}}], table=table, prefix=None)
    assert record["executionStatus"] == "Successful", record
    assert [each["table"] for each in warehouse.copies] == [written]
    assert warehouse.rows(f"SELECT id, amount FROM {written}") == [{"id": 1, "amount": 2.5}]
    assert list(moving.written(server))[0].startswith(f"load/{record['executionId']}/")


def test_a_run_without_records_loads_nothing(server, warehouse):
    record = run(server, [])
    assert record["executionStatus"] == "Successful", record
    assert not warehouse.copies and not moving.written(server)


def test_an_answer_that_is_lost_is_looked_for(server, warehouse):
    warehouse.cut_after = True
    record = run(server, RECORDS)
    assert record["executionStatus"] == "Successful", record
    assert len(warehouse.copies) == 1
    assert warehouse.rows("SELECT count(*) FROM orders") == [{"count": len(RECORDS)}]


def test_a_statement_that_did_not_arrive_is_sent_again(server, warehouse):
    warehouse.cut_before = True
    record = run(server, RECORDS)
    assert record["executionStatus"] == "Successful", record
    assert len(warehouse.copies) == 1
    assert warehouse.rows("SELECT count(*) FROM orders") == [{"count": len(RECORDS)}]


def test_a_load_that_is_aborted_in_the_database_ends_the_run(server, warehouse):
    """The answer is lost, and the load has failed."""
    warehouse.cut_after = True
    said = failed(run(server, [{"Id": "one"}]))
    assert "aborted the load" in said and "invalid input syntax" in said, said
    assert not warehouse.rows("SELECT * FROM orders") and len(warehouse.copies) == 1


def test_a_load_whose_end_cannot_be_found_out_is_said_to_be_unknown(server, warehouse):
    """The answer is lost, all is loaded, and the user may not see its loads."""
    warehouse.cut_after = True
    warehouse.do(f"REVOKE SELECT ON sys_load_history FROM {USER}")
    try:
        record = run(server, RECORDS[:3])
    finally:
        warehouse.do(f"GRANT SELECT ON sys_load_history TO {USER}")
    said = failed(record)
    assert "permission denied" in said and \
        "It is not known whether the records were loaded; the records are in s3://" in said, said
    assert warehouse.rows("SELECT count(*) FROM orders") == [{"count": 3}]


def test_a_server_that_is_killed_during_a_load_loads_once(server, warehouse):
    moving.put(server, "records", moving.lines_of(RECORDS))
    server.ok("CreateFlow", flow())
    warehouse.held.clear()
    warehouse.goes.clear()
    server.ok("StartFlow", {"flowName": "load"})
    assert warehouse.held.wait(60)
    server.kill()
    warehouse.goes.set()
    server.start()
    record = moving.ended(server, "load")
    assert record["executionStatus"] == "Successful", record
    assert len(warehouse.copies) == 1
    assert warehouse.rows("SELECT count(*) FROM orders") == [{"count": len(RECORDS)}]


@pytest.mark.waits(40)
def test_a_load_that_is_at_work_is_waited_for(server, warehouse):
    """For more looks than there are for a load that the database does not show."""
    moving.put(server, "records", moving.lines_of(RECORDS))
    server.ok("CreateFlow", flow())
    warehouse.held.clear()
    warehouse.goes.clear()
    server.ok("StartFlow", {"flowName": "load"})
    assert warehouse.held.wait(60)
    run_id = moving.records(server, "load")[0]["executionId"]
    server.kill()
    warehouse.do(f"INSERT INTO sys_load_history VALUES ('s3://of/{run_id}.manifest', 'running', 0)")
    server.start()
    while warehouse.looked.acquire(blocking=False):
        continue
    for _ in range(12):
        assert warehouse.looked.acquire(timeout=60)
    warehouse.goes.set()
    record = moving.ended(server, "load")
    assert record["executionStatus"] == "Successful", record
    assert len(warehouse.copies) == 1
    assert warehouse.rows("SELECT count(*) FROM orders") == [{"count": len(RECORDS)}]


def test_a_run_that_is_canceled_during_a_load_ends(server, warehouse):
    moving.put(server, "records", moving.lines_of(RECORDS))
    server.ok("CreateFlow", flow())
    warehouse.held.clear()
    warehouse.goes.clear()
    server.ok("StartFlow", {"flowName": "load"})
    assert warehouse.held.wait(60)
    server.ok("CancelFlowExecutions", {"flowName": "load"})
    assert moving.ended(server, "load")["executionStatus"] == "Canceled"
    warehouse.goes.set()
