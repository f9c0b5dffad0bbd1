"""The token keeper, judged by the vendor's ledger and by use: docs/internals/token-keeper.md."""

import concurrent.futures
import json
import signal
import time
import urllib.parse

import pytest

from support.keeping import (WAIT_S, Keeping, create, job, make_due, state, update, wait_for,
                             wait_until_done)
from support.salesforce import set_app, with_app
from support.server import ACCOUNT
from support.vendor import http, reset, to_vendor

LIFE_MS = 3600 * 1000
KEPT = {"connectorProfileName": "kept"}
DEAD = http("400 Bad Request",
            '{"error": "invalid_grant", "error_description": "expired access/refresh token"}')


def echo(request):
    """As UAA servers refuse a refresh token: with the token. No canary may come back."""
    token = dict(urllib.parse.parse_qsl(request.body.decode()))["refresh_token"]
    return http("401 Unauthorized", json.dumps({
        "error": "invalid_grant",
        "error_description": f"Invalid refresh token (expired): {token}"}))


PAGE = http("401 Unauthorized", "<html>Sign in to the guest network</html>", "text/html")


@pytest.fixture
def vendor(canaries):
    with Keeping(canaries) as made:
        yield made
        made.hold.set()


@pytest.fixture
def server(servers, vendor, canaries):
    """With a profile whose access token was got by its refresh token."""
    made = with_app(servers, canaries, *to_vendor(vendor, "Salesforce"), "--admin-listen",
                    "127.0.0.1:0").start()
    tokens = vendor.new_tokens()
    made.ok("CreateConnectorProfile", create({"refreshToken": tokens["refreshToken"]}))
    return made


def works(server, vendor):
    """A real call with what is stored, and no refresh token was shown twice."""
    server.ok("UpdateConnectorProfile", update())
    return not vendor.shown_twice()


def shown(vendor):
    return sum(vendor.refreshed.values())


def test_it_renews_before_the_end(server, vendor):
    now_ms = time.time() * 1000
    row, due = state(server), job(server)
    assert row["state"] == "fresh" and row["works_until_ms"] > now_ms + LIFE_MS - 60_000
    # A tenth of the life before its end, and up to a fifth earlier.
    assert LIFE_MS * 0.65 < due["due_at_ms"] - now_ms < LIFE_MS * 0.91
    make_due(server)
    wait_until_done(server, 1)
    assert shown(vendor) == 2 and not vendor.shown_twice()
    assert state(server)["renewed_at_ms"] > row["renewed_at_ms"]
    assert job(server)["due_at_ms"] > now_ms + LIFE_MS * 0.65
    asked = shown(vendor)
    assert works(server, vendor) and shown(vendor) == asked


def test_due_times_follow_a_changed_policy(server, vendor):
    """At the next start, and back again. The margin is 6 minutes by itself; up to 12 minutes more
    are random."""
    end_ms = state(server)["works_until_ms"]
    for options, least in (((), 6), (("--token-policy", "Salesforce=margin:20m"), 20), ((), 6)):
        server.stop()
        server.start(*options)
        until = time.monotonic() + WAIT_S
        while not (are_planned(server) and
                   least <= (end_ms - job(server)["due_at_ms"]) / 60_000 <= least + 12):
            assert time.monotonic() < until, (least, end_ms, job(server), server.log[-3000:])
            time.sleep(0.02)
    assert shown(vendor) == 1


def are_planned(server):
    """The policies that due times were planned by are noted, and no such planning is under way."""
    return server.query("SELECT 1 FROM meta WHERE name = 'token-policies'") and not \
        server.query("SELECT 1 FROM jobs WHERE name = 'policies'")


def test_ready_tokens_are_kept_alive(server, vendor):
    """Nothing is known of the end of an access token that the user gave: half of what the vendor
    documents. Without a refresh token there is nothing to keep."""
    tokens = vendor.new_tokens()
    server.ok("CreateConnectorProfile", create(tokens, "ready"))
    server.ok("CreateConnectorProfile", create({"accessToken": tokens["accessToken"]}, "bare"))
    assert 0 < job(server, "ready")["due_at_ms"] - time.time() * 1000 < LIFE_MS
    assert state(server, "bare") is None and job(server, "bare") is None
    server.ok("UpdateConnectorProfile", update({"accessToken": tokens["accessToken"]}))
    assert state(server) is None and job(server) is None, "new credentials cannot be renewed"
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "ready"})
    assert state(server, "ready") is None and job(server, "ready") is None


def test_thirty_callers_and_the_keeper(server, vendor):
    """One refresh for all of them."""
    vendor.hold.clear()
    asked = shown(vendor)
    vendor.live_access.clear()
    make_due(server)
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        calls = [pool.submit(server.call, "UpdateConnectorProfile", update()) for _ in range(30)]
        assert vendor.came.acquire(timeout=30) and vendor.came.acquire(timeout=30)
        vendor.hold.set()
        answers = [each.result() for each in calls]
    # Updates of one profile at once conflict; none of them is refused by the vendor.
    assert {each.status for each in answers} <= {200, 409}, [each.body for each in answers]
    assert shown(vendor) == asked + 1
    assert works(server, vendor)


def test_a_referenced_secret_that_is_away(servers, vendor, canaries, tmp_path):
    """No vendor is asked, nothing is given up, and the state says which reference it is."""
    (tmp_path / "own").mkdir()
    file = tmp_path / "own" / "token"
    server = with_app(servers, canaries, *to_vendor(vendor, "Salesforce"), "--reference",
                      f"{ACCOUNT}=file:{tmp_path / 'own'}").start()
    token = vendor.new_tokens()["refreshToken"]
    file.write_text(token)
    server.ok("CreateConnectorProfile", create({"refreshToken": f"{{{{resolve:file:{file}}}}}"}))
    file.unlink()
    make_due(server)
    row = wait_for(server, state="backing-off", reason="secret_unavailable")
    assert row["words"] == (f"The reference {{{{resolve:file:{file}}}}} in refreshToken cannot be "
                            "used: there is no such file.")
    assert shown(vendor) == 1
    file.write_text(token)
    make_due(server)
    wait_for(server, state="fresh")
    assert shown(vendor) == 2 and works(server, vendor)


def test_three_nodes_renew_once(nodes, vendor, canaries):
    three = [nodes(*to_vendor(vendor, "Salesforce")) for _ in range(3)]
    set_app(three[0], canaries)
    for node in three:
        node.start()
    tokens = vendor.new_tokens()
    three[0].ok("CreateConnectorProfile", create({"refreshToken": tokens["refreshToken"]}))
    for turn in range(3):
        vendor.live_access.clear()
        three[0].database.change("UPDATE jobs SET due_at_ms = 1")
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            calls = [pool.submit(three[i % 3].call, "UpdateConnectorProfile", update())
                     for i in range(30)]
        assert {each.result().status for each in calls} <= {200, 409}
        wait_for(three[0], state="fresh")
    assert not vendor.shown_twice()
    assert works(three[1], vendor)


def test_a_node_is_frozen_past_its_lease(nodes, vendor, canaries):
    """Another node takes the job while the first one's request is under way. The late answer lands,
    since what it spent is what is stored; the refresh token is shown once."""
    first, second = [nodes(*to_vendor(vendor, "Salesforce")) for _ in range(2)]
    set_app(first, canaries)
    first.start()
    first.ok("CreateConnectorProfile",
             create({"refreshToken": vendor.new_tokens()["refreshToken"]}))
    while vendor.came.acquire(blocking=False):
        pass
    vendor.hold.clear()
    first.database.change("UPDATE jobs SET due_at_ms = 1")
    assert vendor.came.acquire(timeout=30)
    first.process.send_signal(signal.SIGSTOP)
    fence = job(first)["fence"]
    first.database.change("UPDATE jobs SET lease_until_ms = 0")
    second.start()
    until = time.monotonic() + 30
    while job(second)["fence"] == fence:
        assert time.monotonic() < until
        time.sleep(0.05)
    vendor.hold.set()
    first.process.send_signal(signal.SIGCONT)
    while job(second)["due_at_ms"] == 1:
        assert time.monotonic() < until, (state(second), first.log[-2000:], second.log[-2000:])
        time.sleep(0.05)
    assert state(second)["state"] == "fresh" and shown(vendor) == 2
    assert works(second, vendor)


def test_a_vendor_that_is_down_for_long(server, vendor):
    """Nothing becomes dead by an outage, whatever it looks like."""
    vendor.introspects = True
    for turn, answer in enumerate([http("503 Service Unavailable", ""), reset, PAGE,
                                   http("404 Not Found", "")]):
        vendor.instead = [answer]
        make_due(server)
        row = wait_until_done(server, turn + 1)
        assert row["state"] == "backing-off" and row["attempts"] == turn + 1, row
        assert row["reason"] == "reply_lost" if turn < 2 else True
    assert job(server)["due_at_ms"] - time.time() * 1000 > 10 * 60 * 1000, "slowly: not understood"
    make_due(server)
    wait_for(server, state="fresh", attempts=0)
    assert works(server, vendor)
    audit = server.query("SELECT outcome FROM audit WHERE operation = 'TokenRenewal'"
                         " ORDER BY at_ms")
    assert [each["outcome"] for each in audit] == ["ConnectorServerException", "ok"]


def test_a_dead_grant_is_confirmed_and_comes_back(server, vendor):
    vendor.instead = [echo, DEAD]
    make_due(server)
    row = wait_for(server, state="backing-off", reason="grant_refused")
    assert "Invalid refresh token (expired)" in row["words"]
    assert 30_000 < job(server)["due_at_ms"] - time.time() * 1000 < 120_000
    make_due(server)
    row = wait_for(server, state="needs-reauthorization")
    assert "expired access/refresh token" in row["words"] and row["works_until_ms"] > 0
    server.ok("UpdateConnectorProfile", update())  # until the access token ends
    server.ok("UpdateConnectorProfile",
              update({"refreshToken": vendor.new_tokens()["refreshToken"]}))
    assert state(server)["state"] == "fresh" and state(server)["reason"] is None
    assert "needs re-authorization" in server.log


def test_a_refused_app_is_tried_slowly(server, vendor):
    vendor.instead = [http("400 Bad Request", '{"error": "invalid_client_id"}')]
    make_due(server)
    wait_for(server, state="backing-off", reason="client_refused")
    assert job(server)["due_at_ms"] - time.time() * 1000 > 10 * 60 * 1000


def test_a_lost_answer_is_asked_about(server, vendor):
    """Salesforce's introspection tells whether the refresh token was taken, and spends none."""
    vendor.introspects = vendor.drops = True
    make_due(server)
    wait_for(server, state="backing-off", reason="reply_lost")
    vendor.drops = False
    make_due(server)
    row = wait_for(server, state="needs-reauthorization", reason="grant_spent")
    assert row["works_until_ms"] > time.time() * 1000 and not vendor.shown_twice()


def test_an_update_and_a_delete_win_over_a_renewal(server, vendor):
    for change in ("UpdateConnectorProfile", "DeleteConnectorProfile"):
        vendor.hold.clear()
        make_due(server)
        while not vendor.came.acquire(timeout=0.2):
            pass
        mine = vendor.new_tokens()
        before = server.query("SELECT * FROM oauth_tokens")
        server.ok(change, update(mine) if change.startswith("Update") else KEPT)
        vendor.hold.set()
        time.sleep(0.3)
        if change.startswith("Update"):
            row, = server.query("SELECT * FROM oauth_tokens")
            assert (row["previous_version"], row["previous_sealed"]) == (
                before[0]["version"], before[0]["sealed"])
            assert works(server, vendor)
            assert state(server)["state"] == "fresh"
    assert server.query("SELECT * FROM oauth_tokens") == [] and state(server) is None
    assert server.query("SELECT * FROM jobs") == []


@pytest.mark.parametrize("extra", [
    {"refresh_token": None}, {"refresh_token": ""}, {"expires_in": "3600"},
    {"expires_in": 3600.5}, {"expires_in": None}, {"expires_in": 0}, {"expires_in": -5},
    {"expires_in": 1e12}], ids=str)
def test_odd_answers(server, vendor, extra):
    """An absent or empty refresh token means the old one; an end that is none is not one."""
    if "refresh_token" in extra:
        vendor.strict = False
    vendor.extra = {"expires_in": 3600, **extra}
    for turn in range(2):
        make_due(server)
        wait_until_done(server, turn + 1)
        assert state(server)["state"] == "fresh", state(server)
        assert job(server)["due_at_ms"] > time.time() * 1000 + 60_000
    if "refresh_token" not in extra:
        assert works(server, vendor)


def test_it_can_be_left_out(servers, vendor, canaries):
    server = with_app(servers, canaries, *to_vendor(vendor, "Salesforce"), "--token-keeper",
                      "no").start()
    server.ok("CreateConnectorProfile",
              create({"refreshToken": vendor.new_tokens()["refreshToken"]}))
    make_due(server)
    time.sleep(1.2)
    assert shown(vendor) == 1 and job(server)["due_at_ms"] == 1
