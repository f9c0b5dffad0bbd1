"""What a running server tells its operator: health, readiness, metrics."""

import json
import socket
import subprocess
import threading
import urllib.parse

import pytest

from support import aws, operations, private, wire
from support.background import Background
from support.programs import find
from support.server import OTHER_ACCOUNT, Key, command, headgate
from support.vendor import Vendor, http

CONNECTIONS = 64  # OPERATIONS_CONNECTIONS_MAX
WRITES = 3  # of one change, one that was refused, and the first use of the access key


def amplitude(secret, name="p"):
    return {"connectorProfileName": name, "connectorType": "Amplitude", "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"Amplitude": {}},
                "connectorProfileCredentials": {
                    "Amplitude": {"apiKey": "api-key", "secretKey": secret}}}}


class Gate(Vendor):
    """Accepts whatever it is sent, once the gate is open."""

    def __init__(self):
        super().__init__(self.answer_when_open)
        self.open = threading.Event()
        self.asked = threading.Semaphore(0)

    def answer_when_open(self, _):
        self.asked.release()
        assert self.open.wait(60)
        return http("200 OK", '{"data": {"series": []}}')

    def wait_for_calls(self, count):
        for _ in range(count):
            assert self.asked.acquire(timeout=60)

    def options(self):
        return ("--egress-allow", "127.0.0.1", "--endpoint", f"Amplitude={self.url}")

    def __exit__(self, *exception):
        self.open.set()
        super().__exit__(*exception)


@pytest.fixture
def gate():
    with Gate() as each:
        yield each


@pytest.fixture
def in_background():
    """Runs calls on threads of their own, each ended when the test ends."""
    threads = []

    def run(work):
        threads.append(Background(work))
        return threads[-1]

    yield run
    for each in threads:
        each.join(60)
        assert not each.is_alive()


def test_off_unless_asked_for(servers):
    assert "Health and metrics" not in servers().log


def test_pages(servers):
    server = servers(*operations.OPTION)
    assert operations.ask(server, "/healthz")[::2] == (200, "ok\n")
    assert operations.ask(server, "/readyz?verbose")[::2] == (200, "ready\n")
    assert operations.ask(server, "/")[0] == 404
    status, headers, _ = operations.ask(server, "/healthz", "POST")
    assert (status, headers["Allow"]) == (405, "GET")
    assert operations.ask(server, "/metrics")[1]["Content-Type"].startswith(
        "text/plain; version=0.0.4")


def test_the_api_does_not_answer_there(servers):
    server = servers(*operations.OPTION)
    assert operations.ask(server, "/describe-connector-profiles", "POST")[0] == 405


def test_idle_connections_do_not_keep_probes_out(servers):
    """More than there may be, left alone or with half a request: each probe is answered."""
    server = servers(*operations.OPTION)
    where = urllib.parse.urlsplit(operations.address(server))
    idle = []
    for number in range(2 * CONNECTIONS):
        idle.append(socket.create_connection((where.hostname, where.port)))
        if number % 2:
            idle[-1].sendall(b"GET /healthz HTTP/1.1\r\n")
        for page in ("/healthz", "/readyz"):
            assert operations.ask(server, page)[0] == 200
    for each in idle:
        each.close()


def test_a_probe_has_no_body(servers):
    server = servers(*operations.OPTION)
    where = urllib.parse.urlsplit(operations.address(server))
    for size, status in ((10, 200), (64 * 1024, 413)):
        with wire.Connection(where.hostname, where.port) as connection:
            answer = connection.exchange(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: "
                                         b"%d\r\n\r\n%b" % (size, bytes(size)))
            assert answer.status == status


@pytest.mark.parametrize("change", [
    "DELETE FROM meta WHERE name = 'service-secret'",
    "UPDATE meta SET value = ZEROS WHERE name = 'service-secret'"])
def test_not_ready_when_the_key_does_not_open_the_store(servers, change):
    """It looks each time: what is broken behind its back is noticed, and that it is mended."""
    server = servers(*operations.OPTION)
    database = server.database
    (kept,) = database.query("SELECT value FROM meta WHERE name = 'service-secret'")
    database.change(change.replace("ZEROS", database.zeros.format(120)))
    status, _, words = operations.ask(server, "/readyz")
    assert status == 503 and len(words) > 10, words
    assert operations.ask(server, "/healthz")[0] == 200
    database.change("INSERT INTO meta (name, value) VALUES ('service-secret', ?) "
                    "ON CONFLICT (name) DO UPDATE SET value = excluded.value", kept["value"])
    assert operations.ask(server, "/readyz")[0] == 200


def test_not_ready_while_stopping(servers, gate, canaries, in_background):
    server = servers(*operations.OPTION, *gate.options())
    call = in_background(lambda: server.call("CreateConnectorProfile", amplitude(canaries.new())))
    gate.wait_for_calls(1)
    server.process.terminate()
    server.wait_for_log("Shutting down")
    assert operations.ask(server, "/readyz")[::2] == (503, "The server is stopping.\n")
    assert operations.ask(server, "/healthz")[0] == 200
    gate.open.set()
    assert call.result().status == 200
    assert server.wait_for_end() == 0


def requests_counted(server):
    """How often what came of which operation."""
    return {name.removeprefix("headgate_requests_total"): value
            for name, value in operations.metrics(server).items()
            if name.startswith("headgate_requests_total")}


def test_requests_are_counted_by_operation_and_outcome(servers, vendor, canaries):
    server = servers(*operations.OPTION, "--egress-allow", "127.0.0.1", "--endpoint",
                     f"Amplitude={vendor.url}")
    vendor.script += [http("200 OK", '{"data": {"series": []}}'),
                      http("401 Unauthorized", "{}"), http("401 Unauthorized", "{}")]
    assert requests_counted(server) == {}
    assert server.call("CreateConnectorProfile", amplitude(canaries.new())).status == 200
    for _ in range(2):
        refused = server.call("CreateConnectorProfile", amplitude(canaries.new(), "q"))
        assert refused.status == 401
    for _ in range(3):
        server.listing()
    assert server.call("CreateFlow", {}).status == 400
    assert server.call("NoOperation", {}).status == 404
    assert requests_counted(server) == {
        '{operation="CreateConnectorProfile",outcome="ok"}': 1,
        '{operation="CreateConnectorProfile",outcome="ConnectorAuthenticationException"}': 2,
        '{operation="DescribeConnectorProfiles",outcome="ok"}': 3,
        '{operation="CreateFlow",outcome="ValidationException"}': 1,
        '{operation="unknown",outcome="UnknownOperationException"}': 1,
    }


def test_what_else_is_counted(servers, vendor, canaries):
    server = servers(*operations.OPTION, "--egress-allow", "127.0.0.1", "--endpoint",
                     f"Amplitude={vendor.url}")
    before = operations.metrics(server)
    vendor.script += [http("200 OK", '{"data": {"series": []}}'), http("403 Forbidden", "{}")]
    server.call("CreateConnectorProfile", amplitude(canaries.new()))
    server.call("CreateConnectorProfile", amplitude(canaries.new(), "q"))
    with socket.create_connection((server.host, server.port), 60) as connection:
        connection.sendall(b"no request\r\n\r\n")
        assert b" 400 " in connection.recv(65536)

    def grown_since(after):
        return {name: after[name] - before.get(name, 0) for name in after}

    def settled(after):
        """The audit's row about the refusal is committed when its client has gone, and so is the
        hour of the access key's last use."""
        grown = grown_since(after)
        return grown["headgate_commit_writes_sum"] >= WRITES and (
            grown["headgate_commit_duration_seconds_count"] ==
            grown["headgate_commit_writes_count"])

    after = operations.wait_until(server, settled)
    grown = grown_since(after)
    commits = grown["headgate_commit_writes_count"]
    verdicts = {name: value for name, value in after.items()
                if name.startswith("headgate_verifications_total")}
    assert sum(verdicts.values()) == 2
    assert verdicts['headgate_verifications_total{connector="Amplitude",verdict="accepted"}'] == 1
    assert after['headgate_client_calls_total{connection="new"}'] == 1
    assert after['headgate_client_calls_total{connection="reused"}'] == 1
    assert after['headgate_verification_duration_seconds_count{connector="Amplitude"}'] == 2
    name = "headgate_request_duration_seconds"
    operation = 'operation="CreateConnectorProfile"'
    assert after[f"{name}_count{{{operation}}}"] == 2
    assert after[f'{name}_bucket{{{operation},le="+Inf"}}'] == 2
    assert after[f"{name}_sum{{{operation}}}"] > 0
    assert 1 <= commits <= grown["headgate_commit_writes_sum"] == WRITES
    assert grown["headgate_http_refused_total"] == 1
    assert after["headgate_store_failing"] == 0 and after["headgate_store_errors_total"] == 0


def test_stages_are_measured_of_a_request_in_sixteen(servers, vendor, canaries):
    server = servers(*operations.OPTION, "--egress-allow", "127.0.0.1", "--endpoint",
                     f"Amplitude={vendor.url}")
    vendor.script += [http("200 OK", '{"data": {"series": []}}')] * 32
    with wire.Connection(server.host, server.port) as connection:  # so that one loop sees them all
        for number in range(32):
            body = json.dumps(amplitude(canaries.new(), f"p{number}")).encode()
            assert connection.exchange(wire.signed_request(
                server, "POST", wire.kebab("CreateConnectorProfile"), body)).status == 200
        name = "headgate_stage_duration_seconds"
        after = operations.wait_until(server,
                                      lambda seen: f'{name}_count{{stage="answer"}}' in seen)
    counts = {label: after[f'{name}_count{{stage="{label}"}}'] for label in (
        "signature", "decode", "hand-over", "check", "load", "verify", "seal", "commit",
        "hand-back")}
    assert set(counts.values()) == {2}
    assert all(after[f'{name}_sum{{stage="{label}"}}'] > 0 for label in counts)


def test_work_that_waits_is_seen(servers, gate, canaries, in_background):
    server = servers(*operations.OPTION, "--vendor-updates", "2", *gate.options())
    calls = [in_background(lambda name=name: server.call(
        "CreateConnectorProfile", amplitude(canaries.new(), name))) for name in "abc"]
    gate.wait_for_calls(2)
    seen = operations.wait_for(server, workers_queued=1)
    assert (seen["headgate_workers"], seen["headgate_workers_busy"]) == (2, 2)
    assert seen["headgate_connections_open"] == 3
    gate.open.set()
    assert [call.result().status for call in calls] == [200, 200, 200]


def test_private_connections_under_way_are_seen(servers, canaries):
    with private.Gated(canaries) as vendor:
        vendor.gate.clear()
        server = servers(*operations.OPTION, *private.options(vendor))
        server.ok("CreateConnectorProfile", {
            **private.change(vendor.new_tokens()), "connectorType": "Salesforce"})
        assert operations.metrics(server)["headgate_provisioning"] == 1
        vendor.gate.set()
        counted = operations.wait_for(server, provisioning=0)
        name = 'headgate_verifications_total{connector="Salesforce",verdict="accepted"}'
        assert counted[name] == 1


def test_promtool_finds_nothing(servers, vendor, canaries):
    if not find("promtool"):
        pytest.skip("promtool, of Debian's package prometheus, is not there")
    server = servers(*operations.OPTION, "--egress-allow", "127.0.0.1", "--endpoint",
                     f"Amplitude={vendor.url}")
    server.call("CreateConnectorProfile", amplitude(canaries.new()))
    text = operations.ask(server, "/metrics")[2]
    done = subprocess.run([find("promtool"), "check", "metrics"], input=text.encode(),
                          capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_every_log_line_is_json(servers, vendor, canaries):
    """Each line parses, and a change's line has the request id that its client was told."""
    server = servers("--log-format", "json", *operations.OPTION, "--egress-allow", "127.0.0.1",
                     "--endpoint", f"Amplitude={vendor.url}")
    vendor.script.append(http("401 Unauthorized", '{"error": "\\"no\\"\n"}'))
    answer = server.call("CreateConnectorProfile", amplitude(canaries.new()))
    assert answer.status == 401
    server.stop()
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert all(set(line) - {"request"} == {"time", "level", "message"} for line in lines)
    told = [line for line in lines if line.get("request") == answer.header("x-amzn-RequestId")]
    assert [line["level"] for line in told] == ["warn"], lines
    assert answer.message in told[0]["message"]


def test_a_start_that_fails_in_json(servers, tmp_path):
    server = servers("--log-format", "json")
    done = subprocess.run(command("serve", "--log-format", "json", "--data", tmp_path / "other",
                                  "--listen", server.authority), capture_output=True, timeout=60)
    assert done.returncode == 1
    last = json.loads(done.stderr.decode().splitlines()[-1])
    assert last["level"] == "error" and "Cannot listen" in last["message"]


def test_there_are_two_log_formats(tmp_path):
    words = headgate("serve", "--data", tmp_path / "data", "--log-format", "xml", expect=2)
    assert words == "" and not (tmp_path / "data").exists()


def throttled(answer):
    return (answer.status, answer.error, answer.header("Retry-After"),
            answer.header("x-amz-retry-after")) == (429, "ThrottlingException", "1", "1000")


def test_past_the_queue_changes_are_throttled(servers, gate, canaries, in_background):
    """Reads go on, and what was taken ends well."""
    server = servers("--workers", "1", "--queue", "1", *gate.options())
    calls = [in_background(lambda: server.call("CreateConnectorProfile",
                                               amplitude(canaries.new(), "in-hand")))]
    gate.wait_for_calls(1)
    # Of two more, one waits and one is told to come back.
    more = [in_background(lambda name=name: server.call(
        "CreateConnectorProfile", amplitude(canaries.new(), name))) for name in ("a", "b")]
    operations.wait_until(server, any, lambda _: [each.results for each in more])
    assert server.call("DescribeConnectorProfiles").status == 200
    assert throttled(server.call("DeleteConnectorProfile", {"connectorProfileName": "in-hand"}))
    gate.open.set()
    statuses = [call.result().status for call in calls + more]
    assert statuses[0] == 200 and sorted(statuses[1:]) == [200, 429], statuses
    assert throttled(next(each for each in map(Background.result, more) if each.status == 429))


def test_an_account_has_its_share(servers, gate, canaries, in_background):
    server = servers("--account-updates", "1", *gate.options())
    other = server.make_key("AKIAHEADGATETEST0002", "other-key", OTHER_ACCOUNT)
    first = in_background(lambda: server.call("CreateConnectorProfile",
                                              amplitude(canaries.new())))
    gate.wait_for_calls(1)
    assert throttled(server.call("CreateConnectorProfile", amplitude(canaries.new(), "q")))
    of_other = in_background(lambda: server.call("CreateConnectorProfile",
                                                 amplitude(canaries.new()), key=other))
    gate.wait_for_calls(1)
    gate.open.set()
    assert (first.result().status, of_other.result().status) == (200, 200)
    assert server.call("CreateConnectorProfile", amplitude(canaries.new(), "q")).status == 200


def test_an_account_keeps_its_share_after_it_was_throttled(servers, gate, canaries, in_background):
    """However its changes ended: refused by the full queue, by the vendor, or well."""
    server = servers("--workers", "1", "--queue", "1", "--account-updates", "2",
                     *operations.OPTION, *gate.options())

    def change(name):
        return server.call("CreateConnectorProfile", amplitude(canaries.new(), name))

    filler = server.make_key("AKIAHEADGATETEST0002", "other-key", OTHER_ACCOUNT)
    held = [in_background(lambda name=name: server.call(
        "CreateConnectorProfile", amplitude(canaries.new(), name), key=filler)) for name in "ab"]
    gate.wait_for_calls(1)
    operations.wait_for(server, workers_queued=1)
    for _ in range(4):
        answer = change("full")
        assert throttled(answer) and "account" not in answer.message, answer.message
    gate.open.set()
    assert [call.result().status for call in held] == [200, 200]
    invalid = {**amplitude(canaries.new(), "bad"), "connectorLabel": "no"}
    for _ in range(3):
        assert server.call("CreateConnectorProfile", invalid).status == 400
    gate.open.clear()
    # Two at once, as at first.
    mine = [in_background(lambda name=name: change(name)) for name in "cd"]
    gate.wait_for_calls(1)
    operations.wait_for(server, workers_queued=1)
    assert "account" in change("third").message
    gate.open.set()
    assert [call.result().status for call in mine] == [200, 200]


def test_the_sdk_tries_a_throttled_change_again(servers, gate, canaries, in_background):
    server = servers("--account-updates", "1", *operations.OPTION, *gate.options())
    client = aws.boto(server, retries=10)
    first = in_background(lambda: server.call("CreateConnectorProfile",
                                              amplitude(canaries.new())))
    gate.wait_for_calls(1)
    second = in_background(lambda: client.create_connector_profile(
        **amplitude(canaries.new(), "q")))
    name = ('headgate_requests_total{operation="CreateConnectorProfile",'
            'outcome="ThrottlingException"}')
    operations.wait_until(server, lambda seen: seen.get(name, 0) >= 1)
    gate.open.set()
    assert first.result().status == 200
    assert second.result()["ResponseMetadata"]["RetryAttempts"] >= 1


SLOW = "0.01:2"  # two requests at once, and no third for longer than any test takes
BOUND = ("20", "20000")  # seconds and milliseconds: SDKs sleep for as long as they are told to


def test_retry_after_is_not_too_early(servers):
    """In whole seconds for what reads Retry-After, in milliseconds for newer SDKs."""
    server = servers("--account-read-rate", "0.1:1")
    assert server.call("DescribeConnectorProfiles").status == 200
    refused = server.call("DescribeConnectorProfiles")
    wait_ms = int(refused.header("x-amz-retry-after"))
    assert refused.status == 429 and 0 < wait_ms <= 10000
    assert int(refused.header("Retry-After")) == -(-wait_ms // 1000)


def test_an_account_s_reads_have_a_rate(servers):
    """Its changes have not, nor have other accounts; and Retry-After has an upper bound."""
    server = servers("--account-read-rate", SLOW, *operations.OPTION)
    other = server.make_key("AKIAHEADGATETEST0002", "other-key", OTHER_ACCOUNT)
    read = "DescribeConnectorProfiles"
    dry = [("X-Headgate-Dry-Run", "true")]
    assert [server.call(read).status, server.call(read, headers=dry).status] == [200, 400]
    assert server.call(read, headers=dry).status == 429
    refused = server.call(read)
    assert (refused.status, refused.error) == (429, "ThrottlingException")
    assert (refused.header("Retry-After"), refused.header("x-amz-retry-after")) == BOUND
    # One that nobody knows is no read.
    assert server.call("DescribeFlowExecutionRecords").status == 429
    assert server.call("NoOperation").status == 404
    assert server.call("DeleteConnectorProfile", {"connectorProfileName": "p"}).status == 404
    assert server.call(read, key=other).status == 200
    assert operations.throttled(server, "account-read-rate") == 3


def test_an_account_s_changes_have_a_rate(servers, canaries):
    """Whatever comes of them: what is over it is not even read. Others cannot use it up."""
    server = servers("--sandbox", "--account-change-rate", SLOW, *operations.OPTION)
    stranger = Key(server.key.id, canaries.new("stranger"))
    for _ in range(3):
        assert server.call("DeleteConnectorProfile", {}, key=stranger).status == 403
    assert server.call("CreateConnectorProfile", {}).status == 400
    assert server.call("DeleteConnectorProfile", {"connectorProfileName": "p"}).status == 404
    for operation in ("CreateConnectorProfile", "UpdateConnectorProfile", "DeleteConnectorProfile"):
        refused = server.call(operation, {})
        assert (refused.status, refused.error) == (429, "ThrottlingException")
        assert (refused.header("Retry-After"), refused.header("x-amz-retry-after")) == BOUND
    assert server.call("DescribeConnectorProfiles").status == 200
    assert operations.throttled(server, "account-change-rate") == 3


@pytest.mark.waits(3)
def test_the_sdk_sends_again_what_is_over_the_rate(servers):
    server = servers("--account-read-rate", "1", *operations.OPTION)
    client = aws.boto(server, retries=10)
    retries = [client.describe_connector_profiles()["ResponseMetadata"]["RetryAttempts"]
               for _ in range(3)]
    assert sum(retries) == operations.throttled(server, "account-read-rate") > 0


@pytest.mark.parametrize("words", ["-1", "1:0", "many"])
def test_a_rate_that_is_none(tmp_path, words):
    done = subprocess.run(command("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0",
                                  "--account-read-rate", words), capture_output=True, timeout=60)
    assert done.returncode == 2 and b"for --account-read-rate: expected requests" in done.stderr
    assert not (tmp_path / "data").exists()
