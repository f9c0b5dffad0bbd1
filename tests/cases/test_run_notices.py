"""What the webhook's receiver is told of runs: docs/notices.md."""

import re
import time

import pytest

from support import moving, s3
from support.server import ACCOUNT
from support.sigv4 import REGION
from support.webhook import Receiver, documented

START, END = "AppFlow Start Flow Run Report", "AppFlow End Flow Run Report"
DEACTIVATED = "AppFlow Scheduled Flow Deactivated"
ARN = f"arn:aws:appflow:{REGION}:{ACCOUNT}:flow/copy"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\[UTC\]")
RECORDS = [{"id": number, "name": f"n{number}"} for number in range(5)]
SMALL = {"taskType": "Filter", "sourceFields": ["id"], "connectorOperator": {"S3": "LESS_THAN"},
         "taskProperties": {"DATA_TYPE": "number", "VALUE": "3"}}


@pytest.fixture
def receiver():
    with Receiver() as made:
        yield made
        made.hold.set()


@pytest.fixture
def secret_file(tmp_path, canaries):
    path = tmp_path / "webhook"
    path.write_text(canaries.new("webhook") + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def server(servers, receiver, secret_file, tmp_path):
    with s3.stand_in(tmp_path) as stand_in:
        made = servers("--egress-allow", "127.0.0.1", "--s3-url", stand_in.url,
                       "--webhook-url", receiver.url, "--webhook-secret", secret_file, env={
                           "AWS_ACCESS_KEY_ID": stand_in.key_id,
                           "AWS_SECRET_ACCESS_KEY": stand_in.secret})
        made.boto = stand_in.boto()
        for bucket in (moving.IN, moving.OUT):
            made.boto.create_bucket(Bucket=bucket)
        made.boto.put_object(Bucket=moving.IN, Key="page", Body=moving.lines_of(RECORDS))
        yield made


def common(event):
    """What both reports say of the flow."""
    detail = event["detail"]
    assert (event["version"], event["source"]) == ("0", "aws.appflow")
    assert (event["account"], event["region"]) == (ACCOUNT, REGION)
    assert re.fullmatch("[0-9a-f]{32}", event["resources"][0]) and event["resources"][1] == ARN
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"])
    assert all(isinstance(each, str) for each in detail.values())
    assert TIME.fullmatch(detail["start-time"])
    return detail


def test_a_run_is_told_when_it_starts_and_when_it_ends(server, receiver, secret_file):
    server.ok("CreateFlow", moving.flow(tasks=[SMALL, moving.ALL]))
    record = moving.run(server)
    assert record["executionStatus"] == "Successful", record
    first, second = receiver.events(2)
    assert [first["detail-type"], second["detail-type"]] == [START, END]
    assert first["resources"] == second["resources"] and first["id"] != second["id"]
    flow = server.ok("DescribeFlow", {"flowName": "copy"})
    of_flow = {"flow-name": "copy", "flow-arn": ARN, "created-by": flow["createdBy"],
               "source": "S3", "destination": "S3", "source-object": f"s3://{moving.IN}",
               "destination-object": f"s3://{moving.OUT}", "trigger-type": "ONDEMAND",
               "execution-id": record["executionId"]}
    for event in (first, second):
        detail = common(event)
        assert {name: detail[name] for name in of_flow} == of_flow
    assert set(first["detail"]) == {*of_flow, "start-time"}
    ended = second["detail"]
    assert TIME.fullmatch(ended["end-time"]) and ended["end-time"] > ended["start-time"]
    assert {name: value for name, value in ended.items()
            if name not in {*first["detail"], "end-time"}} == {
        "num-of-records-processed": "5", "num-of-record-failures": "0",
        "num-of-records-filtered": "2", "num-of-documents-processed": "0",
        "data-processed": str(record["executionResult"]["bytesWritten"]),
        "status": "Execution Successful"}
    is_genuine = documented()
    for request in receiver.requests:
        headers = {name.title(): value for name, value in request.headers.items()}
        assert is_genuine(secret_file.read_bytes().strip(), headers, request.body)


def test_a_failed_run_says_why(server, receiver):
    server.ok("CreateFlow", moving.flow())
    server.boto.delete_object(Bucket=moving.IN, Key="page")
    server.boto.delete_bucket(Bucket=moving.IN)
    record = moving.run(server)
    assert record["executionStatus"] == "Error", record
    detail = common(receiver.events(2)[1])
    assert detail["status"] == "Execution Failed"
    assert detail["error"] == record["executionResult"]["errorInfo"]["executionMessage"]


def test_an_event_of_a_run_outlives_a_crash_and_its_flow(server, receiver):
    """The receiver has the first one when the server is killed; it comes again, before the next."""
    receiver.hold.clear()
    server.ok("CreateFlow", moving.flow())
    moving.run(server)
    assert receiver.came.acquire(timeout=moving.WAIT_S)
    server.ok("DeleteFlow", {"flowName": "copy"})
    server.kill()
    receiver.hold.set()
    server.database.change("UPDATE jobs SET lease_until_ms = 0")
    server.start()
    assert [each["detail-type"] for each in receiver.events(2)] == [START, END]
    moving.until(lambda: not server.count_rows("credential_events"))
    assert len(receiver.requests) == 3


def test_each_flow_has_its_events_in_order(server, receiver):
    """Whatever happens to those of another one meanwhile."""
    names = [f"copy-{number}" for number in range(3)]
    for name in names:
        server.ok("CreateFlow", moving.flow(name))
    for name in names:
        moving.run(server, name)
    events = receiver.events(2 * len(names))
    for name in names:
        assert [each["detail-type"] for each in events
                if each["detail"]["flow-name"] == name] == [START, END]


def scheduled(**more):
    return {"triggerType": "Scheduled", "triggerProperties": {"Scheduled": {
        "scheduleExpression": "rate(1days)", **more}}}


def test_a_schedule_starts_runs_with_events(server, receiver):
    """A run of a schedule that is due once."""
    definition = moving.flow()
    definition["triggerConfig"] = scheduled(dataPullMode="Complete")
    server.ok("CreateFlow", definition)
    server.ok("StartFlow", {"flowName": "copy"})
    first, second = receiver.events(2)
    assert [first["detail-type"], second["detail-type"]] == [START, END]
    assert {each["detail"]["trigger-type"] for each in (first, second)} == {"SCHEDULED"}
    assert first["detail"]["execution-id"] == moving.records(server)[0]["executionId"]
    assert not any("incremental-transfer-time-range" in each["detail"] for each in (first, second))


def test_both_events_have_the_window(server, receiver):
    definition = moving.flow()
    definition["triggerConfig"] = scheduled(dataPullMode="Incremental",
                                            firstExecutionFrom=1700000000)
    server.ok("CreateFlow", definition)
    server.ok("StartFlow", {"flowName": "copy"})
    details = [common(each) for each in receiver.events(2)]
    until = moving.records(server)[0]["dataPullEndTime"]
    end = time.strftime("%Y-%m-%dT%H:%M:%S.000Z[UTC]", time.gmtime(until))
    assert {each["incremental-transfer-time-range"] for each in details} == {
        f"2023-11-14T22:13:20.000Z[UTC]/{end}"}


def test_a_deactivation_has_an_event(server, receiver):
    """Once, for failures; a schedule that has come to its end is not switched off by a failure."""
    definition = moving.flow()
    definition["sourceFlowConfig"]["sourceConnectorProperties"]["S3"]["bucketName"] = "not-there"
    definition["triggerConfig"] = scheduled(flowErrorDeactivationThreshold=1)
    server.ok("CreateFlow", definition)
    server.ok("StartFlow", {"flowName": "copy"})
    start, end, last = receiver.events(3)
    assert [each["detail-type"] for each in (start, end, last)] == [START, END, DEACTIVATED]
    detail = last["detail"]
    assert detail["deactivation-reason"] == server.ok(
        "DescribeFlow", {"flowName": "copy"})["flowStatusMessage"]
    assert TIME.fullmatch(detail["deactivation-time"])
    assert (detail["source-object"], detail["trigger-type"]) == ("s3://not-there", "SCHEDULED")
    assert "execution-id" not in detail and "start-time" not in detail
    past = moving.flow("past")
    past["triggerConfig"] = scheduled(scheduleExpression="at(2020-01-01T00:00:00)")
    server.ok("CreateFlow", past)
    server.ok("StartFlow", {"flowName": "past"})
    moving.until(lambda: server.ok(
        "DescribeFlow", {"flowName": "past"})["flowStatus"] == "Suspended")
    assert server.count_rows("credential_events") == 0 and len(receiver.requests) == 3
