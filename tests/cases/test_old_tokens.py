"""Refresh tokens and codes that a vendor has replaced, and that come back: from the state of a
deployment tool, from two pipelines, from a reference. Judged by the vendor's ledger: it punishes a
refresh token that is shown again with the end of all."""

import concurrent.futures
import shutil

import pytest

from support.keeping import (Keeping, create, job, make_due, state, update, wait_for,
                             wait_until_done)
from support.salesforce import REDIRECT, with_app
from support.server import ACCOUNT, headgate
from support.vendor import http, to_vendor

BY_CODE = {"oAuth2GrantType": "AUTHORIZATION_CODE"}  # another member, which changes


@pytest.fixture
def vendor(canaries):
    with Keeping(canaries) as made:
        yield made
        made.hold.set()


@pytest.fixture
def server(servers, vendor, canaries, tmp_path):
    (tmp_path / "own").mkdir()
    return with_app(servers, canaries, *to_vendor(vendor, "Salesforce"), "--reference",
                    f"{ACCOUNT}=file:{tmp_path / 'own'}").start()


def made(server, vendor, tokens=None, name="kept"):
    """A profile whose refresh token was replaced when it was made; what its owner knows of it."""
    tokens = tokens or {"refreshToken": vendor.new_tokens()["refreshToken"]}
    server.ok("CreateConnectorProfile", create(tokens, name))
    return tokens


def renew(server, vendor, name="kept"):
    """Once more, as the access token is refused; the refresh token that was spent for it."""
    spent = set(vendor.refreshed)
    vendor.live_access.clear()
    server.ok("UpdateConnectorProfile", update(name=name))
    return (set(vendor.refreshed) - spent).pop()


def works(server, vendor, name="kept"):
    """By a real call, and by a renewal after it."""
    server.ok("UpdateConnectorProfile", update(name=name))
    renew(server, vendor, name)
    return not vendor.shown_twice()


def test_beside_other_members_that_changed(server, vendor):
    """As Terraform sends it at the next run: the successor is renewed, which proves the others."""
    old = made(server, vendor)
    for change in (BY_CODE, {}, BY_CODE):
        server.ok("UpdateConnectorProfile", update({**old, **change}))
    assert len(vendor.refreshed) == 4 and not vendor.shown_twice()
    assert state(server)["state"] == "fresh" and job(server) is not None
    assert works(server, vendor)


def test_any_of_a_long_line(server, vendor):
    """Also one that only the server knew until something read the secret."""
    made(server, vendor)
    line = [renew(server, vendor) for _ in range(3)]
    for token in line:
        server.ok("UpdateConnectorProfile", update({"refreshToken": token, **BY_CODE}))
        server.ok("UpdateConnectorProfile", update({"refreshToken": token}))
    assert works(server, vendor)


def test_the_pair_that_was_given_beside_other_members(server, vendor):
    """Its access token has ended long ago, and the vendor is not asked about it."""
    old = made(server, vendor, vendor.new_tokens())
    renew(server, vendor)
    server.ok("UpdateConnectorProfile", update({**old, **BY_CODE}))
    assert works(server, vendor)


def test_a_new_access_token_beside_it_is_used(server, vendor):
    old = made(server, vendor, vendor.new_tokens())
    renew(server, vendor)
    fresh = vendor.fresh("access")
    vendor.live_access = {fresh}
    shown = len(vendor.refreshed)
    server.ok("UpdateConnectorProfile", update({**old, "accessToken": fresh}))
    assert len(vendor.refreshed) == shown
    assert works(server, vendor)


def test_new_members_that_are_wrong_change_nothing(server, vendor):
    """The vendor refuses the app with them; the refresh token is unspent, and still the newest."""
    old = made(server, vendor)
    row = server.profile_row("kept")
    vendor.instead = [http("400 Bad Request", '{"error": "invalid_client"}')]
    answer = server.call("UpdateConnectorProfile", update({**old, **BY_CODE}))
    assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
    assert server.profile_row("kept") == row
    assert works(server, vendor)


def test_two_pipelines(server, vendor):
    """One gives a new refresh token; the other knows only the first, and sends it again."""
    first = made(server, vendor)
    second = {"refreshToken": vendor.new_tokens()["refreshToken"]}
    server.ok("UpdateConnectorProfile", update(second))
    renew(server, vendor)
    for tokens in (first, second, first):
        server.ok("UpdateConnectorProfile", update(tokens))
    assert works(server, vendor)


def test_back_from_another_address(server, vendor):
    """Where it would go somewhere else than before, neither it nor its successor is sent."""
    old = made(server, vendor)
    request = update({**old})
    request["connectorProfileConfig"]["connectorProfileProperties"]["Salesforce"] = {
        "instanceUrl": "https://other.my.salesforce.com"}
    answer = server.call("UpdateConnectorProfile", request)
    assert (answer.status, answer.error) == (400, "ValidationException")
    assert "has replaced the refresh token" in answer.message
    assert works(server, vendor)


def test_a_code_beside_other_members_that_changed(server, vendor):
    """What a code gave stands for it, also when the server does not remember the code any more."""
    code = {"oAuthRequest": {"authCode": vendor.new_code(), "redirectUri": REDIRECT}}
    made(server, vendor, code)
    server.database.change("DELETE FROM token_grants")
    server.ok("UpdateConnectorProfile", update({**code, **BY_CODE}))
    assert list(vendor.codes.values()) == [1]
    assert works(server, vendor)


def test_from_a_reference(server, vendor, tmp_path):
    """A file that leads to a new refresh token, and then to the one of before."""
    file = tmp_path / "own" / "token"
    first, second = [vendor.new_tokens()["refreshToken"] for _ in range(2)]
    tokens = {"refreshToken": f"{{{{resolve:file:{file}}}}}"}
    file.write_text(first)
    made(server, vendor, tokens)
    for token in (second, first):
        file.write_text(token)
        server.ok("UpdateConnectorProfile", update(tokens))
    assert works(server, vendor)


USED = "The connector profile {} (us-east-1) used the same refresh token"
NOT_STORED = "for the connector profile {} (us-east-1) got the successor of this refresh token"


def refused(answer, name, words=USED):
    assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
    assert words.format(name) in answer.message


def test_as_another_profiles(server, vendor):
    """It is not sent for the second profile, so that the first one goes on working: not at once,
    not later, and not in a dry run."""
    old = made(server, vendor)
    dry_run = [("X-Headgate-Dry-Run", "true")]
    refused(server.call("CreateConnectorProfile", create(old, "copy")), "kept")
    renew(server, vendor)
    refused(server.call("CreateConnectorProfile", create(old, "copy"), headers=dry_run), "kept")
    made(server, vendor, name="copy")
    refused(server.call("UpdateConnectorProfile", update(old, "copy")), "kept")
    assert works(server, vendor) and works(server, vendor, "copy")
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "kept"})
    answer = server.call("CreateConnectorProfile", create(old))  # the vendor says so itself
    assert answer.status == 401 and "us-east-1" not in answer.message


@pytest.mark.parametrize("headers", [(), (("X-Headgate-Dry-Run", "true"),)])
def test_as_that_of_a_profile_that_was_not_made(server, vendor, headers):
    """The vendor took the refresh token and refused the probe, so no profile has its successor:
    the name that it was sent under can go on from there."""
    tokens = {"refreshToken": vendor.new_tokens()["refreshToken"]}
    vendor.forbids = True
    answer = server.call("CreateConnectorProfile", create(tokens), headers=list(headers))
    assert answer.status == 401 and "Not allowed" in answer.message
    vendor.forbids = False
    refused(server.call("CreateConnectorProfile", create(tokens, "copy")), "kept", NOT_STORED)
    server.ok("CreateConnectorProfile", create(tokens))
    assert works(server, vendor)


def test_when_two_profiles_share_it(server, vendor):
    """Both were given it before the vendor replaced it. The first to renew goes on; the other one
    needs an authorization of its own, and does not end the first one's."""
    tokens = vendor.new_tokens()
    for name in ("kept", "copy"):
        made(server, vendor, tokens, name)
    renew(server, vendor)
    refused(server.call("UpdateConnectorProfile", update(name="copy")), "kept")
    make_due(server)  # the keeper does as the update did
    row = wait_for(server, name="copy", reason="grant_refused")
    assert "profile kept (us-east-1)" in row["words"]
    assert works(server, vendor)
    server.ok("UpdateConnectorProfile",
              update({"refreshToken": vendor.new_tokens()["refreshToken"]}, "copy"))
    assert works(server, vendor, "copy")


def test_by_two_that_are_created_at_once(server, vendor):
    """As a deployment tool does with one variable: one of them gets it."""
    tokens = {"refreshToken": vendor.new_tokens()["refreshToken"]}
    vendor.hold.clear()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(server.call, "CreateConnectorProfile", create(tokens, name))
                 for name in ("kept", "copy")]
        assert vendor.came.acquire(timeout=30)
        vendor.hold.set()
        answers = [call.result() for call in calls]
    assert sorted(answer.status for answer in answers) == [200, 401]
    first = ("kept", "copy")[answers[0].status != 200]
    other = answers[answers[0].status == 200]
    assert (other.status, other.error) == (401, "ConnectorAuthenticationException")
    assert any(words.format(first) in other.message for words in (USED, NOT_STORED))
    assert works(server, vendor, first)


def test_a_dry_run_with_it(server, vendor):
    old = made(server, vendor)
    for _ in range(2):
        server.ok("UpdateConnectorProfile", update({**old, **BY_CODE}),
                  headers=[("X-Headgate-Dry-Run", "true")])
    assert works(server, vendor)


def test_while_it_is_being_renewed(server, vendor):
    """It is the newest when the update comes, and replaced when the vendor has answered."""
    tokens = made(server, vendor, vendor.new_tokens())
    vendor.live_access.clear()
    vendor.hold.clear()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        renewal = pool.submit(server.call, "UpdateConnectorProfile", update())
        assert vendor.came.acquire(timeout=30)
        change = pool.submit(server.call, "UpdateConnectorProfile", update({**tokens, **BY_CODE}))
        vendor.hold.set()
        assert {renewal.result().status, change.result().status} <= {200, 409}
    wait_for(server, state="fresh")
    assert works(server, vendor)


def restored_after(server, tmp_path, change):
    """The server over a backup that was made before this change."""
    copy = tmp_path / "copy.db"
    headgate("backup", *server.place, "--to", copy)
    change()
    server.stop()
    for file in server.data.glob("headgate.db*"):
        file.unlink()
    headgate("restore", *server.place, "--from", copy)
    return make_due(server)


@pytest.mark.embedded
@pytest.mark.parametrize("introspects", [False, True])
def test_from_a_backup(server, vendor, tmp_path, introspects):
    """The refresh token in it was replaced since. It is not shown while the access token works;
    where the vendor can be asked, it is known at once."""
    vendor.introspects = introspects
    made(server, vendor)
    restored_after(server, tmp_path, lambda: wait_until_done(make_due(server), 1))
    if introspects:
        wait_for(server, state="needs-reauthorization", reason="grant_spent")
    else:
        row = wait_for(server, state="backing-off", reason="reply_lost")
        assert "restored from a backup" in row["words"]
    server.ok("UpdateConnectorProfile", update())
    assert not vendor.shown_twice()
    server.ok("UpdateConnectorProfile",
              update({"refreshToken": vendor.new_tokens()["refreshToken"]}))
    shown = len(vendor.refreshed)
    assert wait_until_done(make_due(server), 1)["state"] == "fresh"
    assert len(vendor.refreshed) == shown + 1 and works(server, vendor)


@pytest.mark.embedded
def test_from_a_copy_that_was_put_back_by_hand(server, vendor, tmp_path):
    """Without `headgate restore`: the server notices at the start that changes are missing."""
    made(server, vendor)
    copy = tmp_path / "copy.db"
    headgate("backup", *server.place, "--to", copy)
    renew(server, vendor)
    server.stop()
    for file in server.data.glob("headgate.db*"):
        file.unlink()
    shutil.copy(copy, server.data / "headgate.db")
    make_due(server)
    assert "older than it was" in server.log
    row = wait_for(server, state="backing-off", reason="reply_lost")
    assert "restored from a backup" in row["words"] and not vendor.shown_twice()


@pytest.mark.embedded
@pytest.mark.parametrize("introspects", [False, True])
def test_from_a_backup_that_is_as_new(server, vendor, tmp_path, introspects):
    """It was not replaced since: it is renewed when the vendor says so, or when its access token
    has ended."""
    vendor.introspects = introspects
    made(server, vendor)
    restored_after(server, tmp_path, lambda: None)
    wait_for(server, **{"state": "fresh", "attempts": 0} if introspects else
             {"state": "backing-off"})
    assert works(server, vendor)


def test_one_that_the_vendor_never_replaces(server, vendor):
    """It stays the profile's, and is exchanged again as any other."""
    vendor.strict = False
    vendor.extra = {"expires_in": 3600, "refresh_token": None}
    old = made(server, vendor)
    other = {"refreshToken": vendor.new_tokens()["refreshToken"]}
    for tokens in ({**old, **BY_CODE}, other, old):
        server.ok("UpdateConnectorProfile", update(tokens))
    assert vendor.refreshed[old["refreshToken"]] == 3
