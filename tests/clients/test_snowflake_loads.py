"""Flows to Snowflake: records are staged in a bucket, over which the profile's stage is, and loaded
by COPY INTO, into fakesnow, whose stage is the folder in which the sandbox keeps that bucket.
fakesnow loads each record of JSON as one value, whatever MATCH_BY_COLUMN_NAME says."""

import importlib.util
import json

import pytest

from support import aws, moving
from test_peer_snowflake import Peer

pytestmark = [
    pytest.mark.shows("records peer", "fakesnow", kind="Snowflake"),
    pytest.mark.skipif(importlib.util.find_spec("fakesnow") is None,
                       reason="fakesnow is not installed (tests/requirements-peers.txt)"),
]

RECORDS = [{"Id": number, "Name": f"“{number}” L'Aquila \\ {chr(0x1F600)}",
            "Amount": f"{number}.50", "Note": None if number % 3 else "a, \"b\"\nc"}
           for number in range(300)]


class Lake(Peer):
    def rows(self, *statements):
        """Of the last one, by Snowflake's own client."""
        import snowflake.connector
        with snowflake.connector.connect(
                user="SERVICE", password="unread", account="acme", host="127.0.0.1",
                port=self.port, protocol="http", session_parameters={
                    "CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False}) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def records(self):
        return [json.loads(row) for row, in self.rows("SELECT record FROM appflow.load.orders")]


@pytest.fixture(scope="module")
def lake(store):
    made = Lake("APPFLOW")
    made.rows(
        f"CREATE STAGE appflow.load.flows URL = 'file://{store.objects}/{moving.OUT}/'",
        "CREATE TABLE appflow.load.flows (id INT)",  # fakesnow takes DESC STAGE for DESC TABLE
        "CREATE TABLE appflow.load.orders (record VARIANT)")
    yield made
    made.close()


@pytest.fixture
def server(servers, lake, store, canaries):
    made = servers("--egress-allow", "127.0.0.1", "--s3-url", store.url,
                   "--endpoint", f"Snowflake=http://127.0.0.1:{lake.port}", env={
                       "AWS_ACCESS_KEY_ID": store.key_id, "AWS_SECRET_ACCESS_KEY": store.secret})
    (made.data / "s3").symlink_to(store.objects)
    lake.rows("TRUNCATE TABLE appflow.load.orders")
    moving.clear(made)
    aws.create(aws.boto(made), "lake", "Snowflake", {
        "connectorProfileProperties": {"Snowflake": {
            "accountName": "acme-prod", "warehouse": "load_wh", "stage": "appflow.load.flows",
            "bucketName": moving.OUT}},
        "connectorProfileCredentials": {"Snowflake": {
            "username": "SERVICE", "password": canaries.new("password")}}})
    return made


def flow(table="appflow.load.orders", **more):
    properties = {"object": table, "intermediateBucketName": moving.OUT, "bucketPrefix": "staged",
                  **more}
    return {**moving.flow("load"), "destinationFlowConfigList": [{
        "connectorType": "Snowflake", "connectorProfileName": "lake",
        "destinationConnectorProperties": {"Snowflake": properties}}]}


def run(server, records, **more):
    moving.put(server, "records", moving.lines_of(records))
    server.ok("CreateFlow", flow(**more))
    return moving.run(server, "load")


def by_id(records):
    return sorted(records, key=lambda each: each["Id"])


def test_records_are_staged_and_loaded(server, lake):
    before = lake.sessions()
    record = run(server, RECORDS)
    assert lake.sessions() == before
    assert record["executionStatus"] == "Successful", json.dumps(record)
    assert record["executionResult"]["recordsProcessed"] == len(RECORDS)
    assert by_id(lake.records()) == RECORDS
    key = f"staged/load/{record['executionId']}/{record['executionId']}-00000"
    assert list(moving.written(server)) == [key]


def test_a_second_run_loads_its_own_objects(server, lake):
    run(server, RECORDS)
    assert moving.run(server, "load")["executionStatus"] == "Successful"
    assert by_id(lake.records()) == by_id(RECORDS + RECORDS)
