"""Runs of flows on the wire: one at a time, with a record each, until their flow is deleted; and
schedules that are started and stopped."""

import json
import re
import socket
import subprocess
import time

import pytest

from support import aws, operations
from support.server import OTHER_ACCOUNT, command, headgate
from test_flows import ALL, ARN, COPY, NIGHTLY, flow, refused

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NIGHT = {"flowName": "nightly"}
WAIT_S = 60
NO_KEY = ("This server has no access key for Amazon S3. Its operator sets AWS_ACCESS_KEY_ID and "
          "AWS_SECRET_ACCESS_KEY.")
RUNNING = "Conflict executing request: Flow nightly is already running"


def copying(name="nightly", **changes):
    """A flow that needs no profile."""
    return flow(name, sourceFlowConfig=COPY, tasks=[ALL], **changes)


def records(server, name="nightly", **more):
    return server.ok("DescribeFlowExecutionRecords", {"flowName": name, **more})["flowExecutions"]


def ended(server, name="nightly"):
    """Its newest record, once the run has ended."""
    until = time.monotonic() + WAIT_S
    while True:
        found = records(server, name)
        if found and found[0]["executionStatus"] not in ("InProgress", "CancelStarted"):
            return found[0]
        assert time.monotonic() < until, found
        time.sleep(0.02)


def wait_until(condition):
    until = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def run(server, name="nightly", **more):
    answer = server.ok("StartFlow", {"flowName": name, **more})
    record = ended(server, name)
    assert record["executionId"] == answer["executionId"]
    return record


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    return lasting_servers(*operations.OPTION)


@pytest.fixture
def server(lasting):
    lasting.ok("CreateFlow", copying())
    yield lasting
    for each in lasting.ok("ListFlows", {})["flows"]:
        lasting.ok("DeleteFlow", {"flowName": each["flowName"], "forceDelete": True})


def test_a_run_has_a_record_and_says_why_it_failed(server):
    assert records(server) == []
    assert "lastRunExecutionDetails" not in server.ok("DescribeFlow", NIGHT)
    answer = server.ok("StartFlow", NIGHT)
    assert UUID.fullmatch(answer["executionId"])
    assert answer == {"flowArn": ARN.format("nightly"), "flowStatus": "Active",
                      "executionId": answer["executionId"]}
    record = ended(server)
    message = record["executionResult"]["errorInfo"].pop("executionMessage")
    assert message == NO_KEY
    assert 0 <= record["lastUpdatedAt"] - record["startedAt"] < 60
    assert record == {
        "executionId": answer["executionId"], "executionStatus": "Error",
        "startedAt": record["startedAt"], "lastUpdatedAt": record["lastUpdatedAt"],
        "executionResult": {"errorInfo": {"putFailuresCount": 0}, "bytesProcessed": 0,
                            "bytesWritten": 0, "recordsProcessed": 0}}
    details = {"mostRecentExecutionMessage": message, "mostRecentExecutionStatus": "Error",
               "mostRecentExecutionTime": record["lastUpdatedAt"]}
    server.ok("CreateFlow", copying("a-flow-without-runs"))
    assert server.ok("DescribeFlow", NIGHT)["lastRunExecutionDetails"] == details
    assert [each.get("lastRunExecutionDetails") for each in server.ok("ListFlows", {})["flows"]] \
        == [None, details]
    operations.wait_until(server, lambda seen: seen.get(
        'headgate_flow_runs_total{state="Error"}', 0) > 0)
    server.wait_for_log(f"Run {answer['executionId']} of flow nightly")


def test_pages_are_from_the_newest_run(server):
    ids = [run(server)["executionId"] for _ in range(5)]
    assert ids == sorted(ids)
    found, token = [], {}
    while True:
        page = server.ok("DescribeFlowExecutionRecords", {**NIGHT, "maxResults": 2, **token})
        found.append([each["executionId"] for each in page["flowExecutions"]])
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert found == [ids[4:2:-1], ids[2:0:-1], ids[:1]]
    assert refused(server, "DescribeFlowExecutionRecords", {
        **NIGHT, "nextToken": "AAAA"})[:2] == (400, "ValidationException")


def test_a_client_token_starts_one_run(server):
    first = run(server, clientToken="once")
    assert server.ok("StartFlow", {**NIGHT, "clientToken": "once"})["executionId"] \
        == first["executionId"]
    assert len(records(server)) == 1
    assert run(server, clientToken="twice")["executionId"] != first["executionId"]


def test_a_flow_that_is_not_there(server):
    stranger = server.make_key("AKIAHEADGATETEST0005", "runs", OTHER_ACCOUNT)
    missing = (404, "ResourceNotFoundException", "Flow with name nightly does not exist.")
    for operation in ("StartFlow", "StopFlow", "CancelFlowExecutions",
                      "DescribeFlowExecutionRecords"):
        assert refused(server, operation, NIGHT, key=stranger) == missing
        assert refused(server, operation, NIGHT, region="eu-west-1") == missing


def left_running(server, *changes):
    """A run as a node leaves it that has died, and whose job is lost. Each further change is SQL in
    which ? is the run's id."""
    run_id = run(server)["executionId"]
    server.stop()
    for sql in ("UPDATE flow_runs SET state = 'InProgress' WHERE id = ?", *changes):
        server.database.change(sql, run_id)
    server.start()
    return run_id


JOB_OF_RUN = (
    "INSERT INTO jobs (kind, account, region, name, due_at_ms, fence, lease_until_ms, owner,"
    " attempts, payload) VALUES ('flow-run', '123456789012', 'us-east-1', 'nightly', 0, 1, 0,"
    " '', 0, ?)")


def test_a_run_in_progress_is_the_only_one_until_it_is_canceled(server):
    before = run(server)["executionId"]
    run_id = left_running(server)
    assert refused(server, "StartFlow", NIGHT) == (409, "ConflictException", RUNNING)
    assert refused(server, "DeleteFlow", NIGHT) == (
        409, "ConflictException", "Conflict executing request: Flow has a run in progress, please "
        "set forceDelete to true or cancel the run: nightly")
    asked = [before, run_id, "no-such-run"]
    assert server.ok("CancelFlowExecutions", {**NIGHT, "executionIds": asked}) == {
        "invalidExecutions": [before, "no-such-run"]}
    record = ended(server)
    assert (record["executionId"], record["executionStatus"]) == (run_id, "Canceled")
    assert server.ok("CancelFlowExecutions", {**NIGHT, "executionIds": [run_id]}) == {
        "invalidExecutions": [run_id]}
    assert run(server)["executionStatus"] == "Error"


def test_all_that_run_are_canceled_unless_some_are_named(server):
    assert server.ok("CancelFlowExecutions", NIGHT) == {"invalidExecutions": []}
    left_running(server)
    assert server.ok("CancelFlowExecutions", {**NIGHT, "executionIds": []}) == {
        "invalidExecutions": []}
    assert records(server)[0]["executionStatus"] == "InProgress"
    assert server.ok("CancelFlowExecutions", NIGHT) == {"invalidExecutions": []}
    assert ended(server)["executionStatus"] == "Canceled"


def test_a_definition_that_something_else_wrote_is_not_run(server):
    run_id = left_running(
        server, "UPDATE flow_runs SET definition = '{}' WHERE id = ?", JOB_OF_RUN)
    record = ended(server)
    assert record["executionResult"]["errorInfo"]["executionMessage"] == (
        f"What is stored of run {run_id} of flow nightly was not written by this server.")
    assert run(server)["executionStatus"] == "Error"


def test_a_state_that_is_not_known_is_logged_once_and_waited_out(server):
    """As a node of a newer version may write it."""
    run_id = left_running(
        server, "UPDATE flow_runs SET state = 'Paused' WHERE id = ?", JOB_OF_RUN)
    server.wait_for_log(f"Run {run_id} of flow nightly is in the unknown state Paused.")
    server.database.change("UPDATE flow_runs SET state = 'InProgress' WHERE id = ?", run_id)
    assert ended(server)["executionStatus"] == "Error"
    assert server.log.count("is in the unknown state Paused.") == 1


def test_runs_end_with_their_flow(server):
    left_running(server)
    server.ok("DeleteFlow", {**NIGHT, "forceDelete": True})
    server.ok("CreateFlow", copying())
    assert records(server) == [] and server.count_rows("flow_runs") == 0


def test_a_schedule_is_started_and_stopped(server):
    server.ok("CreateFlow", copying("weekly", triggerConfig=NIGHTLY))
    week = {"flowName": "weekly"}
    made = server.ok("DescribeFlow", week)
    assert made["flowStatus"] == "Draft"
    assert refused(server, "StopFlow", week) == (
        409, "ConflictException", "Conflict executing request: Flow is not active: weekly")
    for _ in range(2):  # deployment tools start it again and again
        assert server.ok("StartFlow", week) == {
            "flowArn": ARN.format("weekly"), "flowStatus": "Active"}
    first = ended(server, "weekly")  # it runs once at its activation
    active = server.ok("DescribeFlow", week)
    assert active.pop("lastRunExecutionDetails")["mostRecentExecutionStatus"] == "Error"
    assert active == {**made, "flowStatus": "Active"}
    assert refused(server, "DeleteFlow", week)[:2] == (409, "ConflictException")
    assert server.ok("StopFlow", week) == {
        "flowArn": ARN.format("weekly"), "flowStatus": "Suspended"}
    suspended = server.ok("DescribeFlow", week)
    suspended.pop("lastRunExecutionDetails")
    assert suspended == {**made, "flowStatus": "Suspended"}
    assert server.ok("StartFlow", week)["flowStatus"] == "Active"
    wait_until(lambda: len(records(server, "weekly")) == 2)
    assert records(server, "weekly")[1] == first
    assert refused(server, "StopFlow", NIGHT) == (
        400, "UnsupportedOperationException", "Flow nightly runs on demand: it has no schedule and "
        "no events to stop. CancelFlowExecutions ends a run.")


def test_boto3_reads_what_it_needs(server):
    client = aws.boto(server)
    run_id = client.start_flow(flowName="nightly")["executionId"]
    ended(server)
    record, = client.describe_flow_execution_records(flowName="nightly")["flowExecutions"]
    assert record["executionId"] == run_id and record["executionResult"]["recordsProcessed"] == 0
    assert record["startedAt"] <= record["lastUpdatedAt"]
    answer = client.cancel_flow_executions(flowName="nightly", executionIds=[run_id])
    assert answer["invalidExecutions"] == [run_id]
    assert client.describe_flow(flowName="nightly")["lastRunExecutionDetails"][
        "mostRecentExecutionTime"] == record["lastUpdatedAt"]


def asks(server, *words):
    return subprocess.run(command("flow", *words, "--server", server.endpoint), env=aws.tool_env(
        server), capture_output=True, text=True, timeout=60, check=False)


def test_the_commands(server):
    done = asks(server, "run", "nightly")
    line, why = done.stdout.splitlines()
    assert done.returncode == 1 and re.fullmatch(
        rf"Run ({UUID.pattern}): Error after \d+\.\d s, 0 records, 0 bytes read, "
        r"0 bytes written", line), done
    assert why.strip() == NO_KEY
    record, = records(server)
    waited = asks(server, "wait", "nightly", "--json")
    assert waited.returncode == 1 and json.loads(waited.stdout) == record
    detached = asks(server, "run", "nightly", "--detach")
    assert detached.returncode == 0 and UUID.fullmatch(detached.stdout.strip())
    assert asks(server, "wait", "nightly", "--run", detached.stdout.strip()).returncode == 1
    listed = asks(server, "runs", "nightly").stdout.splitlines()
    assert listed[0].split() == ["RUN", "STATE", "STARTED", "SECONDS", "RECORDS", "READ",
                                 "WRITTEN", "MESSAGE"]
    assert [row.split()[:2] for row in listed[1:]] == [
        [each["executionId"], "Error"] for each in records(server)]
    lines = asks(server, "runs", "nightly", "--json", "--limit", "1").stdout.splitlines()
    assert [json.loads(each) for each in lines] == records(server)[:1]


def test_wait_outlives_a_restart_of_the_server(server):
    """While it is stopped, a listener in its place closes what comes without an answer."""
    left_running(server)
    place = ("127.0.0.1", server.port)
    asked = 'headgate_requests_total{operation="DescribeFlowExecutionRecords",outcome="ok"}'
    with subprocess.Popen(
            command("flow", "wait", "nightly", "--server", server.endpoint),
            env=aws.tool_env(server), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True) as waiting:
        operations.wait_until(server, lambda seen: seen.get(asked, 0) > 0)
        server.stop()
        with socket.create_server(place) as listener:
            listener.settimeout(WAIT_S)
            for _ in range(2):
                listener.accept()[0].close()
        server.listen = f"{place[0]}:{place[1]}"
        server.start()
        server.listen = f"{place[0]}:0"
        server.ok("CancelFlowExecutions", NIGHT)
        out, errors = waiting.communicate(timeout=WAIT_S)
    assert waiting.returncode == 1 and ": Canceled after" in out, errors


def test_commands_that_fail(server):
    for words, why in ((("wait", "nightly"), "Flow nightly has no run yet."),
                       (("wait", "nightly", "--run", "none"), "Flow nightly has no run none."),
                       (("cancel", "nightly", "--run", "none"),
                        "Flow nightly has no run none in progress."),
                       (("run", "none"), "Flow with name none does not exist.")):
        failed = asks(server, *words)
        assert failed.returncode == 1 and why in failed.stderr, failed
    left_running(server)
    waited = asks(server, "wait", "nightly", "--timeout", "0")
    assert waited.returncode == 3 and ": InProgress after" in waited.stdout, waited
    assert asks(server, "cancel", "nightly").returncode == 0
    assert ended(server)["executionStatus"] == "Canceled"
    server.ok("CreateFlow", copying("weekly", triggerConfig=NIGHTLY))
    assert asks(server, "run", "weekly").stdout == "Flow weekly is active.\n"
    assert "flow runs" in headgate("help")
