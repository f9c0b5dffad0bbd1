"""What EventBridge gets of runs: docs/notices.md."""

import calendar
import json
import subprocess
import time

import pytest

from support import moving, operations, s3
from support.event_bus import EventBus, not_taken, refused
from support.server import ACCOUNT, command
from support.sigv4 import REGION
from support.vendor import http, reset
from support.webhook import Receiver

START, END = "AppFlow Start Flow Run Report", "AppFlow End Flow Run Report"
ARN = f"arn:aws:appflow:{REGION}:{ACCOUNT}:flow/"
RECORDS = [{"id": number} for number in range(5)]


@pytest.fixture
def bus():
    with EventBus() as made:
        yield made


@pytest.fixture
def make_server(servers, bus, tmp_path):
    with s3.stand_in(tmp_path) as stand_in:
        def make(*options):
            made = servers("--egress-allow", "127.0.0.1", "--s3-url", stand_in.url,
                           "--events-url", bus.url, *operations.OPTION, *options, env={
                               "AWS_ACCESS_KEY_ID": stand_in.key_id,
                               "AWS_SECRET_ACCESS_KEY": stand_in.secret})
            made.boto = stand_in.boto()
            for bucket in (moving.IN, moving.OUT):
                made.boto.create_bucket(Bucket=bucket)
            made.boto.put_object(Bucket=moving.IN, Key="page", Body=moving.lines_of(RECORDS))
            return made

        yield make


def count(server, outcome):
    return operations.metrics(server)[f'headgate_event_bus_events_total{{outcome="{outcome}"}}']


def test_a_run_is_two_entries(make_server, bus):
    server = make_server()
    before = int(time.time())
    server.ok("CreateFlow", moving.flow())
    record = moving.run(server)
    first, second = bus.taken(2)
    assert [each["DetailType"] for each in (first, second)] == [START, END]
    for entry in (first, second):
        assert set(entry) == {"Time", "Source", "Resources", "DetailType", "Detail",
                              "EventBusName"}
        assert (entry["Source"], entry["EventBusName"]) == ("aws.appflow", "default")
        assert entry["Resources"][1] == ARN + "copy"
        assert before <= entry["Time"] <= time.time()
        assert json.loads(entry["Detail"])["execution-id"] == record["executionId"]
    assert json.loads(second["Detail"])["status"] == "Execution Successful"
    for request in bus.requests:
        scope = f"/{time.strftime('%Y%m%d', time.gmtime())}/{REGION}/events/aws4_request"
        assert scope in request.headers["authorization"]
    moving.until(lambda: server.count_rows("credential_events") == 0)
    assert count(server, "delivered") == 2


def test_the_bus_and_the_source_are_the_operators(make_server, bus):
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/data"
    server = make_server("--events-bus", arn, "--events-source", "headgate.appflow",
                         "--egress-ports", "443")  # which its own port need not be named for
    server.ok("CreateFlow", moving.flow())
    moving.run(server)
    for entry in bus.taken(2):
        assert (entry["Source"], entry["EventBusName"]) == ("headgate.appflow", arn)


def test_the_webhook_gets_the_same_event(make_server, bus, canaries, tmp_path):
    secret = tmp_path / "webhook"
    secret.write_text(canaries.new("webhook") + "\n")
    secret.chmod(0o600)
    with Receiver() as receiver:
        server = make_server("--webhook-url", receiver.url, "--webhook-secret", secret)
        server.ok("CreateFlow", moving.flow())
        moving.run(server)
        for event, entry in zip(receiver.events(2), bus.taken(2), strict=True):
            assert json.loads(entry["Detail"]) == event["detail"]
            assert entry["Resources"] == event["resources"]
            assert entry["DetailType"] == event["detail-type"]
            at = time.strptime(event["time"], "%Y-%m-%dT%H:%M:%SZ")
            assert entry["Time"] == calendar.timegm(at)


FAILURES = {
    "a busy service": (http("503 Service Unavailable"), "answered 503"),
    "throttled": (refused("ThrottlingException"), "answered 400 with ThrottlingException"),
    "an entry that failed": (not_taken("InternalFailure"), "answered 200 with InternalFailure"),
    "a source that is AWS's": (not_taken("NotAuthorizedForSourceException"),
                               "Set --events-source"),
    "no permission": (refused("AccessDeniedException"), "needs events:PutEvents on the bus"),
    "no such bus": (refused("ResourceNotFoundException"), "Check --events-bus"),
    "a key that is refused": (refused("UnrecognizedClientException"), "check AWS_ACCESS_KEY_ID"),
    "no JSON": (http("200 OK", "<html>not-seen-outside</html>", "text/html"),
                "again: answered 200."),
    "no count": (http("200 OK", "{}"), "again: answered 200."),
    "a name that is none": (not_taken("line\nnot-seen-outside"), "again: answered 200."),
    "a reset": (reset, "is tried again"),
}


@pytest.mark.every_row
@pytest.mark.parametrize("what", FAILURES)
def test_what_is_not_taken_is_tried_again(make_server, bus, what):
    """In order: the second event waits for the first."""
    answer, words = FAILURES[what]
    bus.instead = [answer]
    server = make_server()
    server.ok("CreateFlow", moving.flow())
    moving.run(server)
    assert [each["DetailType"] for each in bus.taken(2)] == [START, END]
    assert words in server.log and "not-seen-outside" not in server.log
    assert count(server, "failed") == 1


def test_the_events_of_one_flow_hold_back_no_others(make_server, bus):
    server = make_server()
    bus.refuses = lambda entry: ARN + "held" in entry["Resources"] and not_taken("InternalFailure")
    for name in ("held", "copy"):
        server.ok("CreateFlow", moving.flow(name))
        moving.run(server, name)
    assert {entry["Resources"][1] for entry in bus.taken(2)} == {ARN + "copy"}
    bus.refuses = lambda entry: None
    assert [entry["DetailType"] for entry in bus.taken(4)[2:]] == [START, END]


def test_events_outlive_a_crash(make_server, bus):
    """The answer to the first is lost with the process: it comes again, before the next."""
    server = make_server()
    bus.instead = [http("503 Service Unavailable", headers=[("Retry-After", "3600")])]
    server.ok("CreateFlow", moving.flow())
    moving.run(server)
    assert bus.came.acquire(timeout=30)
    server.kill()
    server.database.change("UPDATE jobs SET lease_until_ms = 0, due_at_ms = 0")
    server.start()
    assert [each["DetailType"] for each in bus.taken(2)] == [START, END]


def test_without_an_access_key_events_wait(servers, bus, tmp_path):
    server = servers("--egress-allow", "127.0.0.1", "--events-url", bus.url,
                     env={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})
    server.ok("CreateFlow", moving.flow())
    server.ok("StartFlow", {"flowName": "copy"})
    moving.until(lambda: "this server has no access key for AWS" in server.log)
    assert not bus.requests and server.count_rows("credential_events") > 0


@pytest.mark.as_users_run_it
@pytest.mark.parametrize("options, words", [
    (("--events-source", "x.y"), "--events-source needs --events-url"),
    (("--events-url", "ftp://x"), "starts with https:// or http://"),
    (("--events-url", "http://x", "--events-bus", "a b"), "letters, digits"),
    (("--events-url", "http://x", "--events-source", "a" * 257), "1 to 256 letters"),
    (("--sandbox", "--events-url", "http://x"), "--events-url is not used in sandbox mode"),
])
def test_options_that_are_refused(tmp_path, options, words):
    done = subprocess.run(command("serve", "--data", tmp_path / "data", *options),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and words in done.stderr, done
