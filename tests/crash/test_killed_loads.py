"""Kills the server while a run has a database load its staged objects, and starts it again: the
table has each record once."""

import json
import signal

import pytest

from support import aws, moving
from support.server import headgate
from test_crash import call_until_death, start_with_fault

RECORDS = [{"id": number, "name": f"record {number}"} for number in range(30)]
DATABASES = {
    "data-api": ("Redshift", "accepted", "sales.orders", moving.OUT),
    "jdbc": ("Redshift", "accepted-jdbc", "sales.orders", moving.OUT),
    "snowflake": ("Snowflake", "accepted", "APPFLOW.PUBLIC.ORDERS", "acme-appflow"),
}


@pytest.mark.parametrize("database, point", [
    ("data-api", "load:noted"), ("data-api", "load:made"), ("data-api", "load:noted#2"),
    ("data-api", "load:made#2"), ("jdbc", "load:noted"), ("jdbc", "load:made#2"),
    ("snowflake", "load:noted"), ("snowflake", "load:made")])
def test_killed_while_objects_are_loaded(servers, database, point):
    kind, outcome, table, bucket = DATABASES[database]
    server = servers("--sandbox")
    aws.create(aws.boto(server), database, kind, json.loads(headgate(
        "sandbox", "--list", "--json", "--connector", kind, "--outcome", outcome)))
    (server.data / "s3" / bucket).mkdir(parents=True)
    moving.put(server, "records", moving.lines_of(RECORDS))
    server.ok("CreateFlow", {**moving.flow("load"), "destinationFlowConfigList": [{
        "connectorType": kind, "connectorProfileName": database,
        "destinationConnectorProperties": {kind: {
            "object": table, "intermediateBucketName": bucket}}}]})
    server.stop()
    assert start_with_fault(server, point)
    call_until_death(server, "StartFlow", {"flowName": "load"})
    assert server.wait_for_end() == -signal.SIGKILL
    server.start()
    record = moving.ended(server, "load")
    assert record["executionStatus"] == "Successful", record
    assert record["executionResult"]["recordsProcessed"] == len(RECORDS)
    loaded = headgate("sandbox", "--records", "--connector", kind, "--entity", table,
                      "--records-dir", server.data / "records").splitlines()
    assert [json.loads(line) for line in loaded] == RECORDS
