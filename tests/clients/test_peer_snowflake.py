"""Snowflake against a server that is not ours, fakesnow: the login, both statements and the end of
the session. It takes any password, so wrong ones are the sandbox's part."""

import importlib.util
import json
import pathlib
import subprocess
import sys
import urllib.request

import pytest

from support import aws

pytestmark = [
    pytest.mark.shows("peer", "fakesnow", kind="Snowflake"),
    pytest.mark.skipif(importlib.util.find_spec("fakesnow") is None,
                       reason="fakesnow is not installed (tests/requirements-peers.txt)"),
]

SANDBOX = pathlib.Path(__file__).parents[2] / "connectors/snowflake/sandbox.json"
SCRIPT = pathlib.Path(__file__).with_name("fakesnow_server.py")

# fakesnow takes DESC STAGE for DESC TABLE, so the stage has a table of its name.
SETUP = ("CREATE DATABASE IF NOT EXISTS appflow", "CREATE SCHEMA appflow.load",
         "CREATE STAGE appflow.load.s3_stage", "CREATE TABLE appflow.load.s3_stage (id INT)")


class Peer:
    def __init__(self, *database):
        self.process = subprocess.Popen(
            [sys.executable, SCRIPT, *database], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.port = self._read()
        token = self._post("/session/v1/login-request", {"data": {"SESSION_PARAMETERS": {}}})
        for statement in SETUP:
            self._post("/queries/v1/query-request", {"sqlText": statement}, token["token"])
        self._post("/session?delete=true", {}, token["token"])

    def _read(self):
        line = self.process.stdout.readline()
        assert line, "fakesnow has ended"
        return int(line)

    def _post(self, path, body, token=None):
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f'Snowflake Token="{token}"'
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer = json.load(answer)
        assert answer["success"], answer
        return answer["data"]

    def columns(self, *statements):
        """The names of the columns of what each statement returns."""
        token = self._post("/session/v1/login-request?databaseName=appflow&schemaName=load",
                           {"data": {"SESSION_PARAMETERS": {}}})["token"]
        answers = [self._post("/queries/v1/query-request", {"sqlText": statement}, token)
                   for statement in statements]
        self._post("/session?delete=true", {}, token)
        return [[column["name"] for column in answer["rowtype"]] for answer in answers]

    def sessions(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return self._read()

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


@pytest.fixture(scope="module")
def peer():
    made = Peer()
    yield made
    made.close()


@pytest.fixture
def server(servers, peer):
    return servers("--egress-allow", "127.0.0.1",
                   "--endpoint", f"Snowflake=http://127.0.0.1:{peer.port}")


def config(canaries, stage="appflow.load.s3_stage", warehouse="load_wh"):
    made = {"connectorProfileProperties": {"Snowflake": {
                "accountName": "acme-prod", "warehouse": warehouse, "stage": stage,
                "bucketName": "acme-appflow"}},
            "connectorProfileCredentials": {"Snowflake": {
                "username": "SERVICE", "password": canaries.new("password")}}}
    return made


def test_a_session_is_used_and_ended(server, peer, canaries, record_property):
    client = aws.boto(server)
    aws.create(client, "lake", "Snowflake", config(canaries))
    aws.update(client, "lake", config(canaries, warehouse="Load WH"))
    aws.update(client, "lake", aws.properties_only(config(canaries, "APPFLOW.LOAD.S3_STAGE")))
    assert peer.sessions() == 0
    record_property("connector_peer", "Snowflake: fakesnow")


@pytest.mark.parametrize("stage", ("appflow.load.nothing", "appflow.nothing.s3_stage",
                                   "nothing.load.s3_stage"))
def test_a_stage_that_is_not_there(server, peer, canaries, stage):
    client = aws.boto(server)
    aws.create(client, "lake", "Snowflake", config(canaries))
    row = server.profile_row("lake")
    name, status, message = aws.refused(aws.update, client=client, name="lake",
                                        config=config(canaries, stage))
    assert (name, status) == ("ConnectorAuthenticationException", 401)
    assert "002003" in message and "USAGE" in message, message
    assert server.profile_row("lake") == row
    assert peer.sessions() == 0


def test_rows_of_the_sandbox_have_the_columns_that_this_server_s_have(peer):
    """It sends the rows as Arrow, which Snowflake does not for these statements."""
    terse, columns = peer.columns("SHOW TERSE TABLES IN SCHEMA appflow.load LIMIT 500",
                                  "DESC TABLE appflow.load.s3_stage")
    responses = json.loads(SANDBOX.read_text())["responses"]
    for name, expected in (("schemas", terse), ("tables", terse), ("columns-orders", columns)):
        rowtype = responses[name]["json"]["data"]["rowtype"]
        assert [column["name"] for column in rowtype] == expected, name
