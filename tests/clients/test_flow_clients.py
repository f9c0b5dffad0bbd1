"""The nine operations of flows in AWS's own clients, with real runs: boto3, the AWS CLI and the SDK
for JavaScript see the same flow, in the same states, and the same objects."""

import csv
import io
import json
import re
import subprocess

import pytest

from support import aws, moving, wire
from support.server import command
from test_awscli import Cli
from test_javascript import send

pytestmark = pytest.mark.as_users_run_it

PEOPLE = [{"Id": str(number), "Name": name, "Pay": pay} for number, (name, pay) in enumerate(
    [("Ada Löve", "12.50"), ("Grace, H.", "9007199254740993"), ("", "-0.1")])]
NAME = {"flowName": "copy"}
MAPS = [{"taskType": "Map", "sourceFields": [field], "destinationField": wanted,
         "connectorOperator": {"S3": "NO_OP"}, "taskProperties": {}}
        for field, wanted in (("Id", "Key"), ("Name", "Name"), ("Pay", "Pay"))]
SCHEDULE = {"triggerType": "Scheduled", "triggerProperties": {"Scheduled": {
    "scheduleExpression": "rate(1hours)", "dataPullMode": "Complete"}}}
ARN = "arn:aws:appflow:us-east-1:123456789012:flow/copy"
FLOW = moving.flow(tasks=MAPS, fileType="CSV")
CHANGED = {**FLOW, "triggerConfig": SCHEDULE, "description": "each hour"}


def boto3(server):
    client = aws.boto(server)

    def call(operation, parameters):
        method = wire.kebab(operation)[1:].replace("-", "_")
        try:
            answer = getattr(client, method)(**parameters)
        except client.exceptions.ClientError as error:
            return aws.refusal(error)[0]
        answer.pop("ResponseMetadata")
        return answer

    return lambda calls: [call(*each) for each in calls]


def awscli(server):
    cli = Cli(server)

    def call(operation, parameters):
        done = cli.run(wire.kebab(operation)[1:], "--cli-input-json", json.dumps(parameters))
        if done.returncode != 0:
            if operation == "CancelFlowExecutions" and b"usage: aws" in done.stderr:
                return server.ok(operation, parameters)  # Debian's release does not know it
            refused = re.search(rb"\((\w+)\) when calling", done.stderr)
            assert refused, (operation, done.stderr)
            return refused.group(1).decode()
        return json.loads(done.stdout) if done.stdout.strip() else {}

    return lambda calls: [call(*each) for each in calls]


def javascript(server):
    return lambda calls: [each["output"] if "output" in each else each["error"]
                          for each in send(server, calls)]


CLIENTS = [boto3, awscli, javascript]


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    return lasting_servers("--sandbox")


@pytest.fixture
def server(lasting):
    yield lasting
    moving.clear(lasting)


def objects(server):
    return [row for body in moving.written(server).values()
            for row in csv.DictReader(io.StringIO(body.decode(), newline=""))]


def without_times(value):
    """Each client has times of its own kind."""
    if isinstance(value, dict):
        return {name: without_times(each) for name, each in value.items()
                if not name.endswith(("At", "Time"))}
    return [without_times(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("client", CLIENTS)
def test_a_flow_s_life(server, client):
    moving.put(server, "people.json", moving.lines_of(PEOPLE))
    call = client(server)
    made, described, started = call([
        ("CreateFlow", {**FLOW, "tags": {"team": "sales"}}), ("DescribeFlow", NAME),
        ("StartFlow", NAME)])
    assert made == {"flowArn": ARN, "flowStatus": "Active"}
    for member in ("sourceFlowConfig", "destinationFlowConfigList", "tasks"):
        assert described[member] == FLOW[member]
    assert described["tags"] == {"team": "sales"}
    assert started == {**made, "executionId": started["executionId"]}
    moving.ended(server)
    written = [{"Key": each["Id"], "Name": each["Name"], "Pay": each["Pay"]} for each in PEOPLE]
    assert objects(server) == written
    size = sum(map(len, moving.written(server).values()))

    run = {**NAME, "executionIds": [started["executionId"]]}
    (records, canceled, updated, changed, scheduled, stopped, listed, deleted,
     missing) = call([
         ("DescribeFlowExecutionRecords", NAME), ("CancelFlowExecutions", run),
         ("UpdateFlow", CHANGED), ("DescribeFlow", NAME), ("StartFlow", NAME), ("StopFlow", NAME),
         ("ListFlows", {}), ("DeleteFlow", {**NAME, "forceDelete": True}),
         ("DescribeFlow", NAME)])
    record, = records["flowExecutions"]
    assert without_times(record) == {
        "executionId": started["executionId"], "executionStatus": "Successful",
        "executionResult": {"bytesProcessed": len(moving.lines_of(PEOPLE)), "bytesWritten": size,
                            "recordsProcessed": len(PEOPLE)}}
    assert canceled == {"invalidExecutions": [started["executionId"]]}
    assert updated == {"flowStatus": "Draft"}
    assert changed["description"] == "each hour" and changed["triggerConfig"] == SCHEDULE
    assert changed["lastRunExecutionDetails"]["mostRecentExecutionStatus"] == "Successful"
    assert scheduled == {"flowArn": ARN, "flowStatus": "Active"}
    assert stopped == {"flowArn": ARN, "flowStatus": "Suspended"}
    one, = listed["flows"]
    assert (one["flowName"], one["flowStatus"], one["triggerType"], one["tags"]) == (
        "copy", "Suspended", "Scheduled", {"team": "sales"})
    assert deleted == {} and missing == "ResourceNotFoundException"


def test_the_commands_see_the_run_of_another_client(server):
    """What headgate flow prints is what the API says to all others."""
    moving.put(server, "people.json", moving.lines_of(PEOPLE))
    client = aws.boto(server)
    client.create_flow(**FLOW)
    run_id = client.start_flow(flowName="copy")["executionId"]
    done = subprocess.run(command("flow", "wait", "copy", "--server", server.endpoint, "--json"),
                          env=aws.tool_env(server), capture_output=True, text=True, timeout=60,
                          check=True)
    record = json.loads(done.stdout)
    assert (record["executionId"], record["executionStatus"]) == (run_id, "Successful")
