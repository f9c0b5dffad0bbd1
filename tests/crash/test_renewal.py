"""Kills the server at each point of a renewal by the token keeper, starts it again, and looks at
the vendor's ledger: no refresh token was shown twice where that is punished, and what can be kept
works by use."""

import json
import os
import signal
import time
import urllib.parse

import pytest

from support import proc
from support.keeping import (WAIT_S, Keeping, create, job, make_due, state, update,
                             wait_for)
from support.salesforce import with_app
from support.server import headgate
from support.vendor import Vendor, http, reset, to_vendor

POINTS = ["keeper:asking", "grant:begun", "escrow:answered", "grant:answered", "grant:saved",
          "keeper:asked", "keeper:committing", "keeper:committed"]
# The vendor acted, and its answer is in the escrow alone.
RECOVERED = {"escrow:answered", "grant:answered"}
FOUND = "was recovered from the escrow"


@pytest.fixture
def vendor(canaries):
    with Keeping(canaries) as made:
        yield made
        made.hold.set()


def make(servers, canaries, vendor, life_s):
    vendor.extra = {"expires_in": life_s}
    server = with_app(servers, canaries, *to_vendor(vendor, "Salesforce")).start()
    server.ok("CreateConnectorProfile",
              create({"refreshToken": vendor.new_tokens()["refreshToken"]}))
    return server


def kill_in_a_renewal(server, point, trigger=None):
    """With a trigger on the table of grants while it runs, if one is named."""
    make_due(server, start=False)
    if trigger:
        server.database.change(f"CREATE TRIGGER refuses {trigger}")
    try:
        server.start(env={"HEADGATE_FAULT": point})
    except AssertionError:
        pass
    assert server.wait_for_end() == -signal.SIGKILL, "never reached"
    if trigger:
        server.database.change("DROP TRIGGER refuses")
    server.database.change("UPDATE jobs SET due_at_ms = 1 WHERE kind = 'token-keeper'")
    server.start()


@pytest.mark.parametrize("point", POINTS)
def test_a_vendor_that_punishes_reuse(servers, canaries, vendor, point):
    """While the access token lives, a refresh token of unknown fate is not shown again."""
    server = make(servers, canaries, vendor, 3600)
    kill_in_a_renewal(server, point)
    if point == "grant:begun":
        row = wait_for(server, state="backing-off", reason="reply_lost")
        assert row["works_until_ms"] > time.time() * 1000
        server.ok("UpdateConnectorProfile", update())
        assert not vendor.shown_twice()
        return
    wait_until_renewed(server)
    works_by_what_is_live(server, vendor)
    assert (FOUND in server.log) == (point in RECOVERED)


def wait_until_renewed(server):
    """The state was fresh before, too."""
    until = time.monotonic() + WAIT_S
    while job(server)["due_at_ms"] == 1:
        assert time.monotonic() < until, server.log[-2000:]
        time.sleep(0.02)
    wait_for(server, state="fresh", attempts=0)


def works_by_what_is_live(server, vendor):
    """A call with the stored access token, then a renewal with the stored refresh token."""
    server.ok("UpdateConnectorProfile", update())
    make_due(server)
    wait_until_renewed(server)
    assert not vendor.shown_twice()


def courier_of(server):
    [found] = proc.children(server.process.pid, "courier")
    return found


def hold_a_renewal(server, vendor):
    """Until vendor.hold is set, a renewal's request is with the vendor, which has not acted yet."""
    while vendor.came.acquire(blocking=False):
        pass
    vendor.hold.clear()
    make_due(server)
    assert vendor.came.acquire(timeout=WAIT_S)


@pytest.mark.parametrize("answered", ["before the restart", "after the restart"])
def test_while_the_answer_is_on_its_way(servers, canaries, vendor, answered):
    """The courier outlives its server until the answer has come, and then ends."""
    server = make(servers, canaries, vendor, 3600)
    hold_a_renewal(server, vendor)
    courier = courier_of(server)
    server.kill()
    if answered == "before the restart":
        vendor.hold.set()
        wait_for_end_of(courier)
    server.start()
    vendor.hold.set()
    wait_until_renewed(server)
    server.wait_for_log(FOUND)
    works_by_what_is_live(server, vendor)


def wait_for_end_of(pid):
    until = time.monotonic() + WAIT_S
    while (proc.read(pid, "stat") or b") Z").rsplit(b")", 1)[1].split()[0] != b"Z":
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("life_s", [3600, 100])
def test_the_courier_dies_too(servers, canaries, vendor, life_s):
    """What no record can save: the vendor acts, and no process of the server's is there. The spent
    token is not shown while that could end the access token; then it must be replaced."""
    server = make(servers, canaries, vendor, life_s)
    hold_a_renewal(server, vendor)
    os.kill(courier_of(server), signal.SIGKILL)
    server.kill()
    vendor.hold.set()
    server.start()
    if life_s == 3600:
        row = wait_for(server, state="backing-off", reason="reply_lost")
        assert row["works_until_ms"] > time.time() * 1000
        server.ok("UpdateConnectorProfile", update())
        assert not vendor.shown_twice()
        return
    # One refusal is enough once the lost answer was told; else a second one confirms it.
    if wait_for(server, reason="grant_refused")["state"] == "backing-off":
        make_due(server)
    wait_for(server, state="needs-reauthorization")


def test_the_courier_alone_dies(servers, canaries, vendor):
    """Its call is in doubt, as any whose answer is lost, although the vendor has not acted; the
    server makes the next ones itself."""
    server = make(servers, canaries, vendor, 3600)
    vendor.introspects = True
    hold_a_renewal(server, vendor)
    vendor.instead.append(reset)
    os.kill(courier_of(server), signal.SIGKILL)
    vendor.hold.set()
    wait_for(server, state="backing-off", reason="reply_lost")
    server.database.change("UPDATE jobs SET due_at_ms = 1 WHERE kind = 'token-keeper'")
    wait_until_renewed(server)
    works_by_what_is_live(server, vendor)


def test_a_store_that_takes_nothing_until_the_server_is_killed(servers, canaries, vendor):
    """The answer is in the escrow, and the vendor is not asked again."""
    server = make(servers, canaries, vendor, 3600)
    kill_in_a_renewal(server, "grant:saved",
                      "BEFORE INSERT ON token_grants WHEN NEW.sealed IS NOT NULL"
                      " BEGIN SELECT RAISE(ABORT, 'no saves'); END")
    wait_until_renewed(server)
    server.wait_for_log(FOUND)
    works_by_what_is_live(server, vendor)


class Google(Vendor):
    """Its refresh tokens are never replaced."""

    def __init__(self, canaries):
        super().__init__(self.judge)
        self.refresh = canaries.new("refresh")
        self.access = canaries.new("access")
        self.refreshed = 0

    def judge(self, request):
        if request.target == "/token":
            form = dict(urllib.parse.parse_qsl(request.body.decode()))
            assert form["refresh_token"] == self.refresh
            self.refreshed += 1
            return http("200 OK", json.dumps({"access_token": f"{self.access}-{self.refreshed}",
                                              "expires_in": 3599, "token_type": "Bearer"}))
        return http("200 OK", json.dumps({"kind": "analytics#accountSummaries"}))


@pytest.mark.parametrize("point", [point for point in POINTS
                                   if point not in ("grant:begun", "escrow:answered")])
def test_a_vendor_that_does_not_rotate(servers, canaries, point):
    """Each renewal is made again, and nothing is ever in doubt."""
    with Google(canaries) as vendor:
        server = servers(*to_vendor(vendor, "Googleanalytics"))
        config = json.loads(headgate("sandbox", "--list", "--json", "--connector",
                                     "Googleanalytics", "--outcome", "accepted"))
        credentials = config["connectorProfileCredentials"]["GoogleAnalytics"]
        credentials.pop("accessToken", None)
        credentials["refreshToken"] = vendor.refresh
        server.ok("CreateConnectorProfile", {
            "connectorProfileName": "kept", "connectionMode": "Public",
            "connectorType": "Googleanalytics", "connectorProfileConfig": config})
        kill_in_a_renewal(server, point)
        wait_until_renewed(server)
        assert vendor.refreshed in (2, 3) and state(server)["renewed_at_ms"] > 0
