"""Runs whose S3 is away for a while: they go on from their checkpoint, end after 48 hours, and
leave no upload in parts behind, however they end."""

import re
import threading

import pytest

from support import moving, s3, s3_front
from support.s3_front import AWAY, DENIED, LOST, times

PAGES = {f"page-{page}": moving.lines_of({"Id": f"{page}-{row}"} for row in range(3))
         for page in range(3)}
# An object of two parts.
LARGE = {"large": moving.lines_of({"Id": row, "Text": "x" * 100_000} for row in range(90))}
TRIED_AGAIN = "is tried again until it can go on: S3 was busy each time"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with s3.stand_in(tmp_path_factory.mktemp("s3")) as each:
        for bucket in (moving.IN, moving.OUT):
            each.boto().create_bucket(Bucket=bucket)
        yield each


@pytest.fixture(scope="module")
def front(store):
    with s3_front.before(store.url) as each:
        yield each


@pytest.fixture
def server(servers, store, front):
    """A server of its own, since tests wait for what its log says."""
    front.pass_all()
    made = servers("--egress-allow", "127.0.0.1", "--s3-url", front.url, env={
        "AWS_ACCESS_KEY_ID": store.key_id, "AWS_SECRET_ACCESS_KEY": store.secret})
    made.boto = store.boto()
    yield made
    front.pass_all()
    for bucket in (moving.IN, moving.OUT):
        for each in made.boto.list_objects_v2(Bucket=bucket).get("Contents", []):
            made.boto.delete_object(Bucket=bucket, Key=each["Key"])
        for each in uploads(made, bucket):
            made.boto.abort_multipart_upload(Bucket=bucket, Key=each["Key"],
                                             UploadId=each["UploadId"])


def uploads(server, bucket=moving.OUT):
    return server.boto.list_multipart_uploads(Bucket=bucket).get("Uploads", [])


def written(server):
    """Objects in the order of their keys."""
    listed = server.boto.list_objects_v2(Bucket=moving.OUT).get("Contents", [])
    return [server.boto.get_object(Bucket=moving.OUT, Key=each["Key"])["Body"].read()
            for each in listed]


def compact(body):
    return body.replace(b'": ', b'":').replace(b', "', b',"')


def start(server, pages):
    for key, body in pages.items():
        server.boto.put_object(Bucket=moving.IN, Key=key, Body=body)
    server.ok("CreateFlow", moving.flow())
    server.ok("StartFlow", {"flowName": "copy"})


def is_part(method, target):
    return method == "PUT" and "partNumber=" in target


def is_begin(method, target):
    return method == "POST" and "?uploads" in target


def is_list_of_uploads(method, target):
    return method == "GET" and "?uploads" in target


def is_abort(method, target):
    return method == "DELETE" and "uploadId=" in target


OUTAGES = {
    "list": lambda method, target: method == "GET" and "list-type=2" in target,
    "second object read": lambda method, target: method == "GET" and target.endswith("/page-1"),
    "last object written": lambda method, target: method == "PUT" and target.endswith("-00002")}


@pytest.mark.parametrize("where", OUTAGES)
def test_a_run_goes_on_when_s3_is_back(server, front, where):
    front.instead = times(AWAY, 1, OUTAGES[where])
    start(server, PAGES)
    record = moving.ended(server)
    assert record["executionStatus"] == "Successful", record
    assert written(server) == [compact(body) for body in PAGES.values()]
    assert record["executionResult"]["recordsProcessed"] == 9
    server.wait_for_log(TRIED_AGAIN)


def test_the_record_says_what_the_run_waits_for(server, front):
    """It has the time of the next try and the reason, and neither once the run continues."""
    front.instead = lambda method, target: AWAY
    start(server, PAGES)

    def message():
        result = moving.records(server)[0]["executionResult"]
        return result.get("errorInfo", {}).get("executionMessage", "")
    moving.until(lambda: re.match(
        r"The run waits until \S+Z, then it is tried again\. S3 was busy each time", message()))
    front.pass_all()
    record = moving.ended(server)
    assert record["executionStatus"] == "Successful" and message() == "", record


def test_a_run_that_cannot_begin_ends_after_48_hours(server, front):
    front.instead = lambda method, target: AWAY
    start(server, PAGES)
    server.wait_for_log(TRIED_AGAIN)
    server.database.change("UPDATE flow_runs SET started_at_ms = started_at_ms - ?",
                           49 * 60 * 60 * 1000)
    record = moving.ended(server)
    assert record["executionResult"]["errorInfo"]["executionMessage"] == (
        "The run has taken more than 48 hours.")


def test_an_upload_whose_beginning_was_not_answered_is_aborted(server, front):
    front.instead = times(LOST, 1, is_begin)
    start(server, LARGE)
    record = moving.ended(server)
    assert record["executionStatus"] == "Successful", record
    assert written(server) == [compact(LARGE["large"])]
    assert uploads(server) == []


def test_a_run_that_fails_leaves_no_upload(server, front):
    abort_fails = times(AWAY, 1, is_abort)
    front.instead = lambda method, target: (
        DENIED if is_part(method, target) else abort_fails(method, target))
    start(server, LARGE)
    record = moving.ended(server)
    assert record["executionStatus"] == "Error", record
    assert uploads(server) == []


def test_a_run_that_is_canceled_within_an_upload_leaves_none(server, front):
    """Its own abort is a single attempt, which fails."""
    part, canceled = threading.Event(), threading.Event()
    abort_fails = times((503, {}), 1, is_abort)

    def instead(method, target):
        if not is_part(method, target):
            return abort_fails(method, target)
        part.set()
        assert canceled.wait(s3_front.TIMEOUT_S)
        return (503, {})

    front.instead = instead
    start(server, LARGE)
    assert part.wait(s3_front.TIMEOUT_S)
    server.ok("CancelFlowExecutions", {"flowName": "copy"})
    canceled.set()
    assert moving.ended(server)["executionStatus"] == "Canceled"
    assert uploads(server) == []


def test_a_run_that_is_canceled_between_tries_leaves_no_upload(server, front):
    front.instead = lambda method, target: (
        AWAY if is_part(method, target) or is_abort(method, target) else None)
    start(server, LARGE)
    server.wait_for_log(TRIED_AGAIN)
    assert len(uploads(server)) == 1
    server.ok("CancelFlowExecutions", {"flowName": "copy"})
    front.pass_all()
    assert moving.ended(server)["executionStatus"] == "Canceled"
    assert uploads(server) == []


@pytest.mark.embedded  # another node waits for the lease there
def test_a_stop_while_a_canceled_run_cleans_up_leaves_that_to_the_next_start(server, front):
    asked = threading.Event()

    def instead(method, target):
        if is_list_of_uploads(method, target):
            asked.set()
        return (503, {"Retry-After": "20"})  # a pause that the stop ends

    front.instead = lambda method, target: (
        AWAY if is_part(method, target) or is_abort(method, target) else None)
    start(server, LARGE)
    server.wait_for_log(TRIED_AGAIN)
    front.instead = instead
    server.ok("CancelFlowExecutions", {"flowName": "copy"})
    assert asked.wait(s3_front.TIMEOUT_S)
    server.stop()
    assert len(uploads(server)) == 1
    front.pass_all()
    server.start()
    assert moving.ended(server)["executionStatus"] == "Canceled"
    assert uploads(server) == []
