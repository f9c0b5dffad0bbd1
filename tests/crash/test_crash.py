"""Kills the server at every fault point of an update, starts it again and compares: what was
acknowledged is kept, nothing is half done, no code was used twice, and the client's retry with its
token succeeds."""

import pathlib
import re
import signal
import subprocess

import pytest

from support import private
from support import server as servers_of
from support.salesforce import REDIRECT, Salesforce, with_app
from support.server import ROOT, Server
from support.vendor import to_vendor

# Where what was about to be shown, or was, is lost: what came of it isn't durable yet. That a code
# is shown is a commit of its own, and once that is durable nobody shows it again.
LOST = {"code": {"store:after-commit", "grant:begun", "grant:answered",
                 "store:before-commit#2"},
        "refresh": set(),  # the answer is in the escrow
        "ready": set()}
NOT_KNOWN = "outcome is not known"
FIRST_START = re.compile(r"^keyring")


def fault_points():
    """Every name in the source, so that a new one is tested from the day it is there."""
    names = set()
    for path in pathlib.Path(ROOT / "src").rglob("*.c"):
        names.update(re.findall(r'fault_point\("([^"]+)"\)', path.read_text()))
    assert names
    # A change with a code or a refresh token commits three times: that it is shown, what the
    # vendor gave, the change.
    return sorted(names) + [f"{name}#{count}" for count in (2, 3) for name in sorted(names)
                            if name.startswith("store:")]


# Those of "key:" are a command's: test_rotation.py. "registration:" is in test_registration.py,
# "metadata:" in test_metadata.py, "keeper:", the courier's and recovery's in test_renewal.py,
# "flow:" in test_flow_changes.py, "run:" in test_run_changes.py, "rollback:" in test_fallback.py,
# "event:" in test_webhook.py, "consent:" in test_consent.py, "move:" in test_moving_records.py,
# "lists:" in test_lists.py, "strays:" in test_moving_strays.py, "schedule:" in test_schedule.py,
# "ahead:" in test_vendor_reads.py, "write:" in test_vendor_writes.py, "load:" in
# test_killed_loads.py, "tables:" in test_killed_tables.py.
ELSEWHERE = ("private:", "key:", "registration:", "metadata:", "keeper:", "courier:",
             "escrow:recovered", "flow:", "rollback:", "run:", "event:", "consent:",
             "move:", "lists:", "strays:", "schedule:", "ahead:", "write:", "load:", "tables:")
POINTS = [point for point in fault_points() if not point.startswith(ELSEWHERE)]
PRIVATE_POINTS = [point for point in fault_points() if point.startswith(
    ("private:", "grant:", "store:", "change:"))] + ["store:before-commit#4",
                                                     "store:after-commit#4"]
SCENARIOS = ["ready", "code", "refresh"]
# Of those that not every change comes by.
REACHED = {
    "code": [point for point in POINTS if not point.startswith("escrow:")],
    "refresh": POINTS,
    "ready": [point for point in POINTS
              if not point.startswith(("grant:", "escrow:")) and "#" not in point]}


@pytest.fixture
def salesforce(canaries):
    with Salesforce(canaries) as vendor:
        yield vendor


@pytest.fixture
def server(servers, salesforce, canaries):
    return with_app(servers, canaries, *to_vendor(salesforce, "Salesforce"))


def change(credentials, sandbox):
    return {"connectorProfileName": "crash", "connectionMode": "Public", "connectorProfileConfig": {
        "connectorProfileProperties": {"Salesforce": {"isSandboxEnvironment": sandbox}},
        "connectorProfileCredentials": {"Salesforce": credentials}}}


def credentials_for(scenario, salesforce):
    if scenario == "ready":
        return salesforce.new_tokens()
    if scenario == "code":
        return {"oAuthRequest": {"authCode": salesforce.new_code(), "redirectUri": REDIRECT}}
    stale = salesforce.new_tokens()
    salesforce.live_access.discard(stale["accessToken"])
    return stale


def call_until_death(server, operation, parameters):
    """The answer's status, or None if the connection ended without one; and whether it died."""
    try:
        answer = server.call(operation, parameters)
        status = answer.status
    except (OSError, IndexError, ValueError):
        status = None
    if status == 200 and server.running():
        return status, False
    return status, server.wait_for_end() == -signal.SIGKILL


def note_use(server):
    """The first use of an access key in an hour is a commit of its own: it is made before, so that
    commits can be counted."""
    server.start()
    server.ok("DescribeConnectorProfiles")
    server.stop()


def start_with_fault(server, point, env=None):
    """False when it was killed before it could answer anything."""
    try:
        server.start(env={**(env or {}), "HEADGATE_FAULT": point})
        return True
    except AssertionError:
        assert server.wait_for_end() == -signal.SIGKILL, server.log
        return False


def assert_sound(server):
    assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert server.describe("crash") is not None


def retry(server, salesforce, request, point, scenario, before):
    """The client's retry after the restart, and what must hold then."""
    committed = server.profile_row("crash")["version"] != before["version"]
    asked = len(salesforce.requests)
    answer = server.call("UpdateConnectorProfile", request)
    if committed:
        assert answer.status == 200 and len(salesforce.requests) == asked
    elif point in LOST[scenario]:
        assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
        assert NOT_KNOWN in answer.message
        assert all(count <= 1 for count in salesforce.codes.values()), salesforce.codes
        assert server.profile_row("crash") == before
        return False
    assert answer.status == 200, answer.body
    assert all(count == 1 for count in salesforce.codes.values()), salesforce.codes
    assert all(count == 1 for count in salesforce.refreshed.values()), salesforce.refreshed
    return True


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("point", [point for point in POINTS if not FIRST_START.match(point)])
def test_killed_in_an_update(server, salesforce, record_property, point, scenario):
    server.start()
    server.ok("CreateConnectorProfile", {**change(salesforce.new_tokens(), False),
                                         "connectorType": "Salesforce"})
    before = server.profile_row("crash")
    server.stop()

    request = {**change(credentials_for(scenario, salesforce), True), "clientToken": "crash-1"}
    if start_with_fault(server, point):
        status, died = call_until_death(server, "UpdateConnectorProfile", request)
        if not died:
            assert status == 200
            assert point not in REACHED[scenario], "never reached"
            return
        # Nothing is answered before it's durable.
        assert status is None

    server.start()
    assert_sound(server)
    assert server.describe("crash")["connectorProfileProperties"]["Salesforce"] == \
        {"isSandboxEnvironment": server.profile_row("crash")["version"] != before["version"]}
    changed = retry(server, salesforce, request, point, scenario, before)
    assert_sound(server)
    if changed:
        # What is stored works without being given again.
        kept = change(None, True)
        del kept["connectorProfileConfig"]["connectorProfileCredentials"]
        server.ok("UpdateConnectorProfile", kept)
        assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == 0


@pytest.mark.parametrize("point", [point for point in REACHED["code"]
                                   if not FIRST_START.match(point)])
def test_killed_in_a_create(server, salesforce, point):
    request = {**change(credentials_for("code", salesforce), False),
               "connectorType": "Salesforce", "clientToken": "crash-1"}
    note_use(server)
    if start_with_fault(server, point):
        status, died = call_until_death(server, "CreateConnectorProfile", request)
        if not died:
            assert status == 200 and point == "change:loaded", "never reached"
            return
    server.start()
    rows = server.count_rows("profiles")
    answer = server.call("CreateConnectorProfile", request)
    if point in LOST["code"]:
        assert rows == 0 and answer.status == 401 and server.count_rows("profiles") == 0
        assert NOT_KNOWN in answer.message and list(salesforce.codes.values()) in ([0], [1])
        return
    assert answer.status == 200, answer.body
    assert all(count == 1 for count in salesforce.codes.values())
    assert_sound(server)


# A create loads no profile, and the vendor is asked later.
NOT_REACHED_IN_PRIVATE = {"change:loaded", "change:verified"}


@pytest.mark.parametrize("operation", ["CreateConnectorProfile", "UpdateConnectorProfile"])
@pytest.mark.parametrize("point", [point for point in PRIVATE_POINTS
                                   if point not in NOT_REACHED_IN_PRIVATE])
def test_killed_while_a_private_connection_is_made(servers, salesforce, canaries, point, operation):
    """The change's commit, the exchange's and the background's: whatever was answered is there
    after the restart and goes on by itself, and the code is shown once."""
    server = with_app(servers, canaries, *private.options(salesforce))
    request = private.create(credentials_for("code", salesforce), clientToken="crash-1")
    note_use(server)
    if operation == "UpdateConnectorProfile":
        server.start()
        server.ok("CreateConnectorProfile", private.create(salesforce.new_tokens()))
        assert private.settled(server) == {"status": "CREATED"}
        server.stop()
        del request["connectorType"]
    status = None
    if start_with_fault(server, point):
        status, _ = call_until_death(server, operation, request)
        assert server.wait_for_end() == -signal.SIGKILL, "never reached"
    version = server.profile_row("inside")["version"] if status == 200 else None
    server.start()
    server.ok(operation, request)
    state = private.settled(server)
    assert version is None or server.profile_row("inside")["version"] in (version, version + 1)
    # The first commit is the change's.
    if point in ("store:after-commit#2", "grant:begun", "grant:answered",
                 "store:before-commit#3"):
        private.assert_failed(state, "CONNECTOR_AUTHENTICATION", NOT_KNOWN)
        assert list(salesforce.codes.values()) in ([0], [1])
        return
    assert state == {"status": "CREATED"}
    assert list(salesforce.codes.values()) == [1]
    assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == 0
    server.ok("UpdateConnectorProfile", private.change(None))
    assert private.settled(server) == {"status": "CREATED"}
    assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


@pytest.mark.parametrize("point", [point for point in POINTS if FIRST_START.match(point)])
def test_killed_in_a_first_start(tmp_path, canaries, point):
    data = tmp_path / "server" / "data"
    data.mkdir(parents=True)
    done = subprocess.run(
        servers_of.command("serve", "--data", data, "--listen", "127.0.0.1:0"),
        capture_output=True, timeout=60, env={"HEADGATE_FAULT": point})
    assert done.returncode == -signal.SIGKILL, (done.returncode, done.stderr)
    server = Server(tmp_path / "server", canaries)
    try:
        server.start()
        assert server.ok("DescribeConnectorProfiles")["connectorProfileDetails"] == []
        server.stop()
        server.start()
        server.stop()
    finally:
        server.kill()
