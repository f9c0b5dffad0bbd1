"""Runs over a window of the past: by the command, and by a tag for clients without headers of their
own. The flow's schedule stays as it is."""

import datetime
import json
import os
import uuid

import pytest

from support import aws, moving
from support.sandbox_records import truth
from support.vendor_flows import PROFILE, create_profile, flow as vendor_flow, task
from test_flow_runs import asks
from test_flows import refused

TAG = "headgate:window"
ARN = "arn:aws:appflow:us-east-1:123456789012:flow/copy"
COPY = {"flowName": "copy"}
DAY = {"triggerType": "Scheduled", "triggerProperties": {"Scheduled": {
    "scheduleExpression": "rate(1days)", "dataPullMode": "Incremental"}}}


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    server = lasting_servers("--sandbox")
    create_profile(server, PROFILE, "Salesforce")
    return server


@pytest.fixture
def server(lasting):
    yield lasting
    moving.clear(lasting)


def accounts():
    """Each with when it changed, in the order of that."""
    return sorted((each["SystemModstamp"][:19], each["Id"])
                  for each in truth("Salesforce", "Account") if not each["IsDeleted"])


def definition(**changes):
    made = vendor_flow("copy", "Account", [task("Map_all", "NO_OP", [])])
    made["sourceFlowConfig"]["incrementalPullConfig"] = {"datetimeTypeFieldName": "SystemModstamp"}
    return {**made, **changes}


def written_ids(server):
    return [each["Id"] for body in moving.written(server).values()
            for each in map(json.loads, body.splitlines())]


def seconds(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC).timestamp()


def run(server, *words):
    done = asks(server, "run", "copy", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def schedule(server):
    return server.query("SELECT * FROM flow_schedules")


def test_the_command_runs_a_window(server):
    """Half-open: what changed at its end is not in it."""
    changes = accounts()
    begin, end = changes[len(changes) // 4][0], changes[len(changes) // 2][0]
    server.ok("CreateFlow", definition())
    moving.buckets(server)
    shown = run(server, "--from", begin + "Z", "--to", end)
    assert "Successful" in shown
    wanted = [key for changed, key in changes if begin <= changed < end]
    assert 0 < len(wanted) < len(changes)
    assert sorted(written_ids(server)) == sorted(wanted)
    record, = moving.records(server)
    assert (record["dataPullStartTime"], record["dataPullEndTime"]) == (
        seconds(begin), seconds(end))


def test_without_an_end_it_is_until_now(server):
    changes = accounts()
    begin = changes[-3][0]
    server.ok("CreateFlow", definition())
    moving.buckets(server)
    run(server, "--from", begin + "Z")
    assert sorted(written_ids(server)) == sorted(
        key for changed, key in changes if changed >= begin)


def test_a_schedule_s_own_windows_stay_as_they_are(server):
    begin, end = accounts()[0][0], accounts()[5][0]
    server.ok("CreateFlow", definition(triggerConfig=DAY))
    moving.buckets(server)
    assert server.ok("StartFlow", COPY)["flowStatus"] == "Active"
    moving.until(lambda: moving.records(server))
    assert moving.ended(server)["executionStatus"] == "Successful"
    before = schedule(server)
    run(server, "--from", begin, "--to", end)
    newest, scheduled = moving.records(server)
    assert newest["dataPullEndTime"] == seconds(end)
    assert scheduled["dataPullEndTime"] > newest["dataPullEndTime"]
    assert schedule(server) == before
    assert server.ok("DescribeFlow", COPY)["flowStatus"] == "Active"


def test_a_tag_names_the_window_for_other_clients(server):
    """StartFlow of a flow with a schedule then runs it once, and does not make it active."""
    changes = accounts()
    begin, end = changes[0][0], changes[7][0]
    server.ok("CreateFlow", definition(triggerConfig=DAY, tags={TAG: f"{begin}Z/{end}Z"}))
    moving.buckets(server)
    started = server.ok("StartFlow", COPY)
    assert started["flowStatus"] != "Active" and started["executionId"]
    assert moving.ended(server)["executionStatus"] == "Successful"
    assert sorted(written_ids(server)) == sorted(
        key for changed, key in changes if begin <= changed < end)
    aws.boto(server).untag_resource(resourceArn=ARN, tagKeys=[TAG])
    started = server.ok("StartFlow", COPY)
    assert started["flowStatus"] == "Active" and "executionId" not in started


def test_objects_of_a_window(server):
    """By the time at which each was written."""
    moving.put(server, "people.json", b'{"Id": 1}\n')
    server.ok("CreateFlow", moving.flow())
    run(server, "--from", "2001-01-01", "--to", "2001-01-02")
    assert moving.records(server)[0]["executionResult"]["recordsProcessed"] == 0
    os.utime(moving.buckets(server)[0] / "people.json", (seconds("2001-01-02"),) * 2)
    run(server, "--from", "2001-01-02", "--to", "2001-01-03")
    assert moving.records(server)[0]["executionResult"]["recordsProcessed"] == 1


@pytest.mark.parametrize("window, words", [
    ("", "is not two times"), ("2026-01-01", "is not two times"), ("/2026-01-01", "is not two"),
    ("2026-01-01/soon", "is not two times"), ("2026-13-01/2026-01-01", "is not two times"),
    ("1969-01-01/1970-01-01", "is not two times"), ("2026-01-01/2026-01-01", "before it begins"),
    ("2026/", "is not two times"), ("20260131/", "is not two times"),
    ("2026-01-02/2026-01-01", "before it begins"), ("2026-01-01/2999-01-01", "has not passed"),
    ("2026-01-01/2026-01-02/2026-01-03", "is not two times"),
])
def test_what_is_no_window_starts_nothing(server, window, words):
    server.ok("CreateFlow", definition(tags={TAG: window}))
    status, error, message = refused(server, "StartFlow", COPY)
    assert (status, error) == (400, "ValidationException") and words in message, message
    assert message.endswith("It is the flow's tag headgate:window.")
    assert moving.records(server) == []


def test_a_flow_that_cannot_be_read_by_windows(server):
    plain = definition()
    del plain["sourceFlowConfig"]["incrementalPullConfig"]
    server.ok("CreateFlow", plain)
    done = asks(server, "run", "copy", "--from", "2026-01-01")
    assert done.returncode == 1
    assert "Name the field that does in incrementalPullConfig" in done.stderr
    done = asks(server, "run", "copy", "--to", "2026-01-01")
    assert done.returncode != 0 and "--to needs --from" in done.stderr
    assert moving.records(server) == []


def test_a_client_token_is_of_one_window(server):
    server.ok("CreateFlow", definition())
    moving.buckets(server)
    token = {**COPY, "clientToken": str(uuid.uuid4())}
    first = [("X-Headgate-Window", "2026-01-01/2026-01-02")]
    started = server.call("StartFlow", token, headers=first)
    assert started.status == 200, started.body
    moving.ended(server)
    again = server.call("StartFlow", token, headers=first)
    assert again.json() == started.json()
    other = server.call("StartFlow", token, headers=[("X-Headgate-Window", "2026-01-01/")])
    assert (other.status, other.error) == (409, "ConflictException")
    assert len(moving.records(server)) == 1
