"""`headgate key rotate` is killed at each of its fault points and run again: it continues, and no
value was lost at any time."""

import signal
import subprocess

import pytest

from support.server import clean_environment, command, headgate
from support.vendor import Vendor, http, to_vendor
from test_crash import fault_points

POINTS = [point for point in fault_points() if point.startswith("key:")]
assert POINTS
POINTS += ["keyring-written", "key:page#2", "key:page#3", "key:page#4"]
# Of the state, the questions, the audit, the pages. Without a server all of them are the command's.
COMMITS = [f"store:before-commit#{count}" for count in range(1, 10)]
CASES = [(point, True) for point in POINTS] + [(point, False) for point in COMMITS]


@pytest.fixture
def server(servers):
    with Vendor(lambda _: http("200 OK", '{"data": []}')) as vendor:
        yield servers(*to_vendor(vendor))


def profile(canaries, name, **more):
    return {"connectorProfileName": name, "connectionMode": "Public", "connectorProfileConfig": {
        "connectorProfileProperties": {"Amplitude": {}}, "connectorProfileCredentials": {
            "Amplitude": {"apiKey": "api-key", "secretKey": canaries.new()}}}, **more}


def check(server):
    done = subprocess.run(command("check", *server.place), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout
    server.ok("UpdateConnectorProfile", {
        "connectorProfileName": "p0", "connectionMode": "Public",
        "connectorProfileConfig": {"connectorProfileProperties": {"Amplitude": {}}}})


def sealed_with_others(server):
    lines = headgate("key", "list", *server.place).splitlines()[1:]
    return [line for line in lines if " in use " not in line and not line.endswith("nothing")]


@pytest.mark.parametrize("point, running", CASES)
def test_killed_and_run_again(server, canaries, point, running):
    server.ok("CreateConnectorProfile", profile(canaries, "p0", connectorType="Amplitude"))
    if not running:
        server.stop()
    done = subprocess.run(command("key", "rotate", *server.place), capture_output=True, timeout=60,
                          env={**clean_environment(), "HEADGATE_FAULT": point})
    assert done.returncode == -signal.SIGKILL, (point, done)
    if not running:
        server.start()
    check(server)
    server.stop()
    server.start()
    check(server)
    before = len(headgate("key", "list", *server.place).splitlines())
    headgate("key", "rotate", *server.place)
    assert not sealed_with_others(server)
    check(server)
    after = len(headgate("key", "list", *server.place).splitlines())
    assert after <= 3, "the second run makes no second key"
    assert after == before or before == 2
