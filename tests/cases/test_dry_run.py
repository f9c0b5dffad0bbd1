"""Dry runs of changes: every check, the vendor too, and nothing stored. By the signed header, and
by `headgate profile verify`."""

import concurrent.futures
import contextlib
import fcntl
import itertools
import json
import os
import pty
import struct
import subprocess
import termios
import threading
import time

import pytest

from support import operations, wire
from support.aws import boto
from support.salesforce import REDIRECT, Salesforce, set_app
from support.server import clean_environment, command, headgate
from support.vendor import Vendor, http, silence, to_vendor

DRY = [("X-Headgate-Dry-Run", "true")]
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def vendor(lasting_canaries):
    with Salesforce(lasting_canaries) as each:
        yield each


@pytest.fixture(scope="module")
def server(lasting_servers, vendor, lasting_canaries):
    made = lasting_servers(*to_vendor(vendor, "Salesforce"), "--verify-timeout", "1")
    set_app(made, lasting_canaries)
    return made


@pytest.fixture
def name():
    return f"profile-{next(NUMBERS)}"


def change(vendor, name, credentials, **more):
    return {"connectorProfileName": name, "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"Salesforce": {"instanceUrl": vendor.url}},
                **({"connectorProfileCredentials": {"Salesforce": credentials}}
                   if credentials else {})}, **more}


def new(vendor, name, credentials, **more):
    return change(vendor, name, credentials, connectorType="Salesforce", **more)


def report(answer):
    return json.loads(answer.header("x-headgate-verification"))


def stored(server):
    """All that a change could have touched, but for the token keeper's own work."""
    tables = ("profiles", "client_tokens", "jobs WHERE kind <> 'token-keeper'", "metadata_resets")
    return [server.query(f"SELECT * FROM {table}") for table in tables]


def audited(server, name):
    lines = headgate("audit", *server.place, "--json").splitlines()
    return [(each["operation"], each["outcome"]) for each in map(json.loads, lines)
            if each.get("resource") == name]


def most_shown(vendor):
    return max(vendor.refreshed.values(), default=0)


# --- the header ---

def test_an_update_is_tried_and_nothing_is_stored(server, vendor, name):
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    before = stored(server)
    request = change(vendor, name, vendor.new_tokens(), clientToken="token-" + name)
    answer = server.call("UpdateConnectorProfile", request, headers=DRY)
    assert answer.status == 200 and list(answer.json()) == ["connectorProfileArn"]
    said = report(answer)
    assert said["verdict"] == "accepted" and "hint" not in said
    assert [each["step"] for each in said["steps"]][-1] == "api"
    assert stored(server) == before
    assert audited(server, name)[-1] == ("UpdateConnectorProfileDryRun", "ok")
    # The client token is not used up, not even for other parameters.
    other = change(vendor, name, vendor.new_tokens(), clientToken="token-" + name)
    server.ok("UpdateConnectorProfile", other)
    used = server.call("UpdateConnectorProfile", request, headers=DRY)
    assert (used.status, used.error) == (409, "ConflictException")
    again = server.call("UpdateConnectorProfile", other, headers=DRY)
    assert report(again)["verdict"] == "accepted"  # and not the stored answer


def test_a_creation_is_tried(server, vendor, name):
    before = stored(server)
    answer = server.call("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()),
                         headers=DRY)
    assert answer.status == 200 and answer.json()["connectorProfileArn"].endswith("/" + name)
    assert stored(server) == before
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    taken = server.call("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()),
                        headers=DRY)
    assert (taken.status, taken.error) == (409, "ConflictException")


def test_a_refusal_is_that_of_the_operation(server, vendor, name, lasting_canaries):
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    wrong = change(vendor, name, {"accessToken": lasting_canaries.new("wrong")})
    tried = server.call("UpdateConnectorProfile", wrong, headers=DRY)
    made = server.call("UpdateConnectorProfile", wrong)
    assert (tried.status, tried.error, tried.body) == (made.status, made.error, made.body)
    said = report(tried)
    assert (said["verdict"], said["step"], said["status"]) == ("rejected", "api", 401)
    assert "Session expired" in said["message"] and said["hint"]
    assert made.header("x-headgate-verification") is None
    row = ("UpdateConnectorProfileDryRun", "ConnectorAuthenticationException")
    operations.wait_until(server, lambda rows: row in rows, lambda _: audited(server, name))
    missing = server.call("UpdateConnectorProfile", change(vendor, "no-such", None), headers=DRY)
    assert (missing.status, missing.error) == (404, "ResourceNotFoundException")


@pytest.mark.parametrize("operation, headers, error, says", [
    ("UpdateConnectorProfile", [("X-Headgate-Dry-Run", "yes")], "ValidationException", "true"),
    ("UpdateConnectorProfile", DRY + DRY, "ValidationException", "once"),
    ("DeleteConnectorProfile", DRY, "ValidationException", "no dry run"),
    ("DescribeConnectorProfiles", DRY, "ValidationException", "no dry run"),
])
def test_a_header_that_cannot_be_meant_is_refused(server, vendor, name, operation, headers, error,
                                                  says):
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    before = stored(server)
    request = change(vendor, name, None) if operation.startswith("Update") else (
        {"connectorProfileName": name} if operation.startswith("Delete") else {})
    answer = server.call(operation, request, headers=headers)
    assert (answer.status, answer.error) == (400, error) and says in answer.message
    assert stored(server) == before


def test_a_header_that_is_not_signed_is_refused(server, vendor, name):
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    before = stored(server)
    body = json.dumps(change(vendor, name, vendor.new_tokens())).encode()
    raw = wire.signed_request(server, "POST", wire.kebab("UpdateConnectorProfile"), body)
    raw = raw.replace(b"\r\n", b"\r\nX-Headgate-Dry-Run: true\r\n", 1)
    with wire.Connection(server.host, server.port) as connection:
        answer = connection.exchange(raw)
    assert (answer.status, answer.error) == (403, "InvalidSignatureException")
    assert stored(server) == before


# --- tokens ---

def test_tokens_of_stored_credentials_are_kept(server, vendor, name):
    tokens = vendor.new_tokens()
    server.ok("CreateConnectorProfile", new(vendor, name, tokens))
    version = server.profile_row(name)["version"]
    for _ in range(3):
        vendor.live_access.clear()
        answer = server.call("UpdateConnectorProfile", change(vendor, name, None), headers=DRY)
        assert report(answer)["verdict"] == "accepted"
        assert "token" in [each["step"] for each in report(answer)["steps"]]
    assert most_shown(vendor) == 1
    assert server.profile_row(name)["version"] == version
    vendor.live_access.clear()
    server.ok("UpdateConnectorProfile", change(vendor, name, tokens))
    assert most_shown(vendor) == 1


@contextlib.contextmanager
def refusing_in_the_end(vendor):
    """It gives tokens and refuses each at once. Yields the refresh tokens that it gave."""
    judge, make, renewed, given = vendor.judge, vendor.new_tokens, [], []

    def judge_once(request):
        answer = judge(request)
        if request.target.startswith("/services/oauth2/token"):
            renewed.append(request)
        elif renewed:
            return http("403 Forbidden", json.dumps(
                [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}]))
        return answer

    def make_noted():
        tokens = make()
        given.append(tokens["refreshToken"])
        return tokens

    vendor.live_access.clear()
    vendor.judge, vendor.new_tokens = judge_once, make_noted
    try:
        yield given
    finally:
        vendor.judge, vendor.new_tokens = judge, make


def test_tokens_are_kept_also_when_the_vendor_refuses_in_the_end(server, vendor, name):
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    with refusing_in_the_end(vendor):
        answer = server.call("UpdateConnectorProfile", change(vendor, name, None), headers=DRY)
    assert answer.status == 401 and report(answer)["verdict"] == "forbidden"
    vendor.live_access.clear()
    answer = server.call("UpdateConnectorProfile", change(vendor, name, None), headers=DRY)
    assert report(answer)["verdict"] == "accepted" and most_shown(vendor) == 1


def test_a_replaced_refresh_token_waits_for_the_update(server, vendor, name):
    """Each dry run starts with the same refresh token, which the vendor replaced long ago."""
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    credentials = {"refreshToken": vendor.new_tokens()["refreshToken"]}
    for _ in range(4):
        vendor.live_access.clear()
        answer = server.call("UpdateConnectorProfile", change(vendor, name, credentials),
                             headers=DRY)
        assert report(answer)["verdict"] == "accepted", answer.raw
    vendor.live_access.clear()
    server.ok("UpdateConnectorProfile", change(vendor, name, credentials))
    vendor.live_access.clear()
    server.ok("UpdateConnectorProfile", change(vendor, name, credentials))
    assert most_shown(vendor) == 1


def grants_of(server, name):
    return server.query(f"SELECT * FROM token_grants WHERE profile = '{name}'")


def test_tokens_of_a_change_that_failed_are_kept_for_sixty_days(server, vendor, name):
    """They are all that works of the grant. No later change or dry run shortens that."""
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    credentials = {"refreshToken": vendor.new_tokens()["refreshToken"]}
    lives, longer = [], 59 * 24 * 3600 * 1000
    for headers in ([], [], DRY, []):
        with refusing_in_the_end(vendor):
            answer = server.call("UpdateConnectorProfile", change(vendor, name, credentials),
                                 headers=headers)
        assert answer.status == 401, answer.raw
        lives.append(max(row["expires_at_ms"] for row in grants_of(server, name))
                     - time.time() * 1000)
    assert [life > longer for life in lives] == [True] * 4
    assert most_shown(vendor) == 1


def test_a_change_consumes_all_grants_that_it_followed(server, vendor, name):
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    chain = [vendor.new_tokens()["refreshToken"]]
    for _ in range(8):  # as many as one connection follows
        with refusing_in_the_end(vendor) as given:
            server.call("UpdateConnectorProfile",
                        change(vendor, name, {"refreshToken": chain[-1]}))
        chain += given
    vendor.live_access.clear()
    server.ok("UpdateConnectorProfile", change(vendor, name, {"refreshToken": chain[0]}))
    rows = grants_of(server, name)
    assert [(row["consumed"], row["sealed"]) for row in rows] == [(2, None)] * 9
    assert most_shown(vendor) == 1


def test_many_dry_runs_at_once_show_a_refresh_token_once(server, vendor, name):
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    credentials = {"refreshToken": vendor.new_tokens()["refreshToken"]}
    request = change(vendor, name, credentials)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(2):
            vendor.live_access.clear()
            answers = list(pool.map(lambda _: server.call("UpdateConnectorProfile", request,
                                                          headers=DRY), range(4)))
            assert [each.status for each in answers] == [200] * 4
    server.ok("UpdateConnectorProfile", request)
    assert most_shown(vendor) == 1


def test_a_code_is_not_used_up(server, vendor, name, lasting_canaries):
    code = vendor.new_code()
    credentials = {"oAuthRequest": {"authCode": code, "redirectUri": REDIRECT}}
    answer = server.call("CreateConnectorProfile", new(vendor, name, credentials), headers=DRY)
    assert (answer.status, answer.error) == (400, "ValidationException")
    assert "works only once" in answer.message and vendor.codes[code] == 0
    assert answer.header("x-headgate-verification") is None
    beside = {**credentials, "accessToken": lasting_canaries.new("old")}
    answer = server.call("CreateConnectorProfile", new(vendor, name, beside), headers=DRY)
    assert report(answer)["verdict"] == "rejected" and vendor.codes[code] == 0
    assert "not used" in report(answer)["hint"]
    server.ok("CreateConnectorProfile", new(vendor, name, credentials))
    answer = server.call("UpdateConnectorProfile", change(vendor, name, credentials), headers=DRY)
    assert report(answer)["verdict"] == "accepted" and vendor.codes[code] == 1


# --- beside a change, and a vendor that is slow or away ---

def test_a_dry_run_beside_an_update(server, vendor, name):
    """The dry run waits at the vendor while the update is made: it says so, and undoes nothing."""
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    arrived, go, judge = threading.Event(), threading.Event(), vendor.judge
    slow = vendor.new_tokens()

    def answer_one(request):
        if slow["accessToken"] in request.headers.get("authorization", ""):
            arrived.set()
            go.wait(10)
        return judge(request)

    usual, vendor.answer = vendor.answer, answer_one
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            tried = pool.submit(server.call, "UpdateConnectorProfile", change(vendor, name, slow),
                                headers=DRY)
            assert arrived.wait(10)
            server.ok("UpdateConnectorProfile", change(vendor, name, vendor.new_tokens()))
            after = stored(server)
            go.set()
            answer = tried.result()
    finally:
        vendor.answer = usual
    assert (answer.status, answer.error) == (409, "ConflictException")
    assert report(answer)["verdict"] == "accepted" and stored(server) == after


def test_a_vendor_that_is_silent_is_no_verdict_on_the_credentials(server, vendor, name):
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    before = stored(server)
    usual, vendor.answer = vendor.answer, lambda request: silence
    try:
        said = json.loads(verify(server, name, "--json", status=3))
    finally:
        vendor.answer = usual
    assert (said["verdict"], said["step"]) == ("unreachable", "api") and said["ms"] >= 900
    assert said["exception"] == "ConnectorAuthenticationException"
    assert stored(server) == before


# --- the command ---

def words_of(server, name, *more):
    return command("profile", "verify", name, "--server", server.endpoint, *more)


def key_of(server, key=None):
    key = key or server.key
    return {**clean_environment(), "AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}


def verify(server, name, *more, status=0, given=None, key=None):
    done = subprocess.run(words_of(server, name, *more), capture_output=True, timeout=60,
                          env=key_of(server, key), input=given, check=False)
    server.answers.append(done.stdout + done.stderr)
    assert done.returncode == status, done
    return (done.stdout or done.stderr).decode()


def test_the_command_finds_its_key_where_the_aws_cli_does(server, vendor, name, tmp_path):
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    path = tmp_path / "key"
    path.write_text(f"[default]\naws_access_key_id = {server.key.id}\n"
                    f"aws_secret_access_key = {server.key.secret}\n")
    env = {each: value for each, value in clean_environment().items()
           if not each.startswith("AWS_")}
    for more, status in (({"AWS_SHARED_CREDENTIALS_FILE": str(path)}, 0), ({}, 2)):
        done = subprocess.run(words_of(server, name), capture_output=True, timeout=60, text=True,
                              env={**env, **more}, check=False)
        assert done.returncode == status, done
    assert "AWS_SHARED_CREDENTIALS_FILE" in done.stderr


def test_the_command_verifies_what_is_stored(server, vendor, name):
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    before = stored(server)
    shown = verify(server, name)
    assert shown.splitlines()[0] == f"{name}: accepted"
    assert [line.split()[0] for line in shown.splitlines()[1:]][-2:] == ["api", "all"]
    said = json.loads(verify(server, name, "--json"))
    assert said["profile"] == name and said["verdict"] == "accepted" and said["steps"]
    assert stored(server) == before
    vendor.live_access.clear()
    vendor.live_refresh.clear()
    shown = verify(server, name, status=1)
    assert f"{name}: rejected at step token (HTTP 400)" in shown
    assert "vendor  " in shown and "expired access/refresh token" in shown and "hint" in shown
    said = json.loads(verify(server, name, "--json", status=1))
    assert said["exception"] == "ConnectorAuthenticationException" and said["hint"]


def test_the_command_verifies_a_file(server, vendor, name, tmp_path):
    good = new(vendor, name, vendor.new_tokens())
    verify(server, name, "--with", "-", given=json.dumps(good).encode())
    assert server.describe(name) is None
    server.ok("CreateConnectorProfile", good)
    config = json.dumps(change(vendor, name, vendor.new_tokens())["connectorProfileConfig"])
    assert "accepted" in verify(server, name, "--with", "-", given=config.encode())
    refused = verify(server, "another", "--with", "-", given=json.dumps(good).encode(), status=2)
    assert "is for the profile" in refused
    assert "not a JSON object" in verify(server, name, "--with", "-", given=b"[", status=2)
    assert "cannot open" in verify(server, name, "--with", tmp_path / "none", status=2)
    assert "does not exist" in verify(server, "no-such", status=1)


class Stranger(Vendor):
    """A server that answers the command as it was told, and notes what it was asked."""

    def __init__(self, server, described, answered):
        super().__init__(self.answer_of)
        self.endpoint, self.key, self.answers = self.url, server.key, []
        self.described, self.answered, self.paths = described, answered, []

    def answer_of(self, request):
        self.paths.append(request.target)
        return self.described if "describe" in request.target else self.answered


KNOWS = http("400 Bad Request", json.dumps({"message": "no X-Headgate-Dry-Run here"}))
DENIES = http("403 Forbidden", json.dumps({"message": "no"}),
              headers=[("x-amzn-ErrorType", "AccessDeniedException")])


@pytest.mark.parametrize("described", [http("200 OK", "{}"), DENIES], ids=["reads", "denies"])
def test_the_command_sends_nothing_to_a_server_without_dry_runs(server, vendor, name, described):
    request = json.dumps(new(vendor, name, vendor.new_tokens())).encode()
    with Stranger(server, described, http("200 OK", "{}")) as old:
        shown = verify(old, name, "--with", "-", given=request, status=1)
    assert "has no dry runs: nothing was sent" in shown
    assert old.paths == ["/describe-connector-profiles"]


def test_the_command_tells_of_a_change_that_was_made(server, vendor, name):
    """Behind a balancer the next request may reach an older server."""
    request = json.dumps(new(vendor, name, vendor.new_tokens())).encode()
    with Stranger(server, KNOWS, http("200 OK", "{}")) as mixed:
        shown = verify(mixed, name, "--with", "-", given=request, status=1)
        said = json.loads(verify(mixed, name, "--json", "--with", "-", given=request, status=1))
    assert "The server made the change" in shown and shown.strip().endswith(said["error"])


@pytest.mark.parametrize("described, answered", [
    (http("409 Conflict", "\x1b[31m"), b""),
    (KNOWS, http("400 Bad Request", "\x1b[31m")),
    (KNOWS, http("400 Bad Request", "{}", headers=[("X-Headgate-Verification", json.dumps(
        {"verdict": "rejected", "step": "\x1b[31m", "message": "\x1b", "hint": "\x9b",
         "steps": [{"step": "\x1b[31m", "ms": 1}]}))])),
], ids=["probe", "refusal", "report"])
def test_the_command_prints_no_control_characters(server, vendor, name, described, answered):
    request = json.dumps(new(vendor, name, vendor.new_tokens())).encode()
    with Stranger(server, described, answered) as hostile:
        shown = verify(hostile, name, "--with", "-", given=request, status=1)
    assert "?" in shown and "\x1b" not in shown and "\x9b" not in shown


def test_the_command_wraps_for_a_terminal(server, vendor, name):
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    vendor.live_access.clear()
    vendor.live_refresh.clear()
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    done = subprocess.run(words_of(server, name), stdout=theirs, timeout=60, env=key_of(server),
                          check=False)
    os.close(theirs)
    shown = b""
    while b"hint" not in shown or not shown.endswith(b"\r\n"):
        shown += os.read(ours, 65536)
    os.close(ours)
    server.answers.append(shown)
    lines = shown.decode().split("\r\n")
    assert done.returncode == 1 and len(lines) > 6
    assert all(len(line) <= 40 for line in lines[1:]), lines


def test_an_access_key_needs_the_permission_of_the_operation(server, vendor, name,
                                                             lasting_canaries):
    server.ok("CreateConnectorProfile", new(vendor, name, vendor.new_tokens()))
    key = type(server.key)("AKIADRYRUNREADER0001", lasting_canaries.new("reader"))
    headgate("access-key", "create", *server.place, "--account", key.account, "--access-key-id",
             key.id, "--secret-access-key", key.secret, "--read-only")
    before = stored(server)
    assert "AccessDeniedException" in verify(server, name, status=1, key=key)
    assert stored(server) == before


def test_boto3_sends_the_header(server, vendor, name):
    """An unmodified client that adds the header before it signs."""
    client = boto(server)
    client.meta.events.register(
        "before-call.appflow",
        lambda params, **_: params["headers"].update({"X-Headgate-Dry-Run": "true"}))
    answer = client.create_connector_profile(**new(vendor, name, vendor.new_tokens()))
    sent = answer["ResponseMetadata"]["HTTPHeaders"]
    assert json.loads(sent["x-headgate-verification"])["verdict"] == "accepted"
    assert server.describe(name) is None
