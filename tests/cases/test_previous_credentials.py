"""The credentials that a profile had before: kept beside the new ones, put back by
`headgate profile rollback`, and gone when their time is over."""

import itertools
import json
import subprocess

import pytest

from support.keeping import Keeping
from support.salesforce import REDIRECT, TOKEN_PATH, set_app, with_app
from support.server import clean_environment, command, headgate
from support.vendor import silence, to_vendor

NUMBERS = itertools.count()
ROLLBACK = [("X-Headgate-Rollback", "true")]


@pytest.fixture(scope="module")
def vendor(lasting_canaries):
    with Keeping(lasting_canaries) as made:
        yield made


@pytest.fixture(scope="module")
def server(lasting_servers, vendor, lasting_canaries):
    made = lasting_servers(*to_vendor(vendor, "Salesforce"), "--verify-timeout", "1")
    set_app(made, lasting_canaries)
    return made


@pytest.fixture
def name():
    return f"profile-{next(NUMBERS)}"


def change(name, credentials, properties=None, **more):
    return {"connectorProfileName": name, "connectionMode": "Public", "connectorProfileConfig": {
        "connectorProfileProperties": {"Salesforce": properties or {}},
        **({"connectorProfileCredentials": {"Salesforce": credentials}} if credentials else {})},
        **more}


def create(server, name, credentials, properties=None):
    server.ok("CreateConnectorProfile",
              change(name, credentials, properties, connectorType="Salesforce"))


def replaced(server, vendor, name, **properties):
    """A profile whose credentials were replaced: the old ones and the new ones."""
    old, new = vendor.new_tokens(), vendor.new_tokens()
    create(server, name, old, properties)
    server.ok("UpdateConnectorProfile", change(name, new))
    return old, new


def row(server, name):
    return server.profile_row(name)


def kept(server, name):
    return row(server, name)["previous_sealed"] is not None


def roll_back(server, name, *more, status=0):
    key = server.key
    environment = {**clean_environment(), "AWS_ACCESS_KEY_ID": key.id,
                   "AWS_SECRET_ACCESS_KEY": key.secret}
    done = subprocess.run(command("profile", "rollback", name, "--server", server.endpoint, *more),
                          capture_output=True, timeout=60, env=environment, check=False)
    server.answers.append(done.stdout + done.stderr)
    assert done.returncode == status, done
    return (done.stdout or done.stderr).decode()


def in_use(server, vendor, name, tokens):
    """Whether a call with what is stored shows the vendor this access token."""
    asked = len(vendor.requests)
    server.ok("UpdateConnectorProfile", change(name, None))
    shown = [each.headers.get("authorization", "") for each in vendor.requests[asked:]]
    return f"Bearer {tokens['accessToken']}" in shown


def audited(server, name):
    lines = headgate("audit", *server.place, "--json").splitlines()
    return [(each["operation"], each["outcome"]) for each in map(json.loads, lines)
            if each.get("resource") == name]


# --- what is kept ---

def test_a_rollback_swaps(server, vendor, name):
    properties = {"isSandboxEnvironment": True}
    old, new = replaced(server, vendor, name, **properties)
    assert in_use(server, vendor, name, new)
    assert roll_back(server, name).splitlines()[0] == f"{name}: accepted"
    shown = server.describe(name)["connectorProfileProperties"]["Salesforce"]
    assert shown == properties
    assert audited(server, name)[-1] == ("UpdateConnectorProfileRollback", "ok")
    assert f"UpdateConnectorProfile {name} (rollback): ok" in server.log
    again = json.loads(roll_back(server, name, "--json"))
    assert (again["profile"], again["verdict"]) == (name, "accepted")
    assert server.describe(name)["connectorProfileProperties"]["Salesforce"] == {}
    assert in_use(server, vendor, name, new)
    roll_back(server, name)
    asked = len(vendor.requests)
    server.ok("UpdateConnectorProfile", change(name, None, properties))
    assert f"Bearer {old['accessToken']}" in vendor.requests[asked].headers["authorization"]
    assert "no problems" in headgate("check", *server.place)


def test_the_same_credentials_push_nothing_out(server, vendor, name):
    old, new = replaced(server, vendor, name)
    request = change(name, new, {"isSandboxEnvironment": True}, clientToken="once-" + name)
    for each in (change(name, new), request, request, change(name, None)):
        server.ok("UpdateConnectorProfile", each)
    roll_back(server, name)
    assert in_use(server, vendor, name, old)


def test_an_update_that_fails_keeps_what_was_there(server, vendor, name, lasting_canaries):
    old, _ = replaced(server, vendor, name)
    before = row(server, name)
    wrong = server.call("UpdateConnectorProfile",
                        change(name, {"accessToken": lasting_canaries.new("wrong")}))
    assert wrong.status == 401 and row(server, name) == before
    roll_back(server, name)
    assert in_use(server, vendor, name, old)


def test_tokens_follow(server, vendor, name):
    """The old refresh token was replaced while it was in use: its successor comes back, and the
    vendor is shown none of them twice."""
    old = vendor.new_tokens()
    create(server, name, {"refreshToken": old["refreshToken"]})
    server.ok("UpdateConnectorProfile", change(name, {"refreshToken":
                                                      vendor.new_tokens()["refreshToken"]}))
    vendor.live_access.clear()
    roll_back(server, name)
    vendor.live_access.clear()
    roll_back(server, name)
    assert not vendor.shown_twice()
    server.ok("UpdateConnectorProfile", change(name, None))


def test_tokens_of_one_grant_are_the_live_ones(server, vendor, name):
    """A deployment tool's old refresh token beside another member stands for the newest: both
    credentials have one line of tokens."""
    tokens = vendor.new_tokens()
    first = {"refreshToken": tokens["refreshToken"]}
    create(server, name, first)
    server.ok("UpdateConnectorProfile",
              change(name, {**first, "oAuth2GrantType": "AUTHORIZATION_CODE"}))
    assert kept(server, name)
    for _ in range(2):
        vendor.live_access.clear()
        roll_back(server, name)
    assert not vendor.shown_twice()
    server.ok("UpdateConnectorProfile", change(name, None))


def test_a_renewal_that_a_refusal_followed_is_not_lost(server, vendor, name):
    """The old refresh token is spent by the rollback, whose last call fails. The next one goes on
    from what the vendor gave."""
    old, _ = replaced(server, vendor, name)
    vendor.live_access.discard(old["accessToken"])
    judge = vendor.judge

    def judge_or_hang_up(request):
        answer = judge(request)
        accepted = request.target != TOKEN_PATH and answer.startswith(b"HTTP/1.1 200")
        return silence if accepted else answer

    vendor.judge = judge_or_hang_up
    try:
        assert "unreachable" in roll_back(server, name, status=3)
    finally:
        vendor.judge = judge
    roll_back(server, name)
    assert not vendor.shown_twice()


def test_a_code_is_not_sent_again(server, vendor, name):
    """Not even where the tokens that it gave are lost."""
    code = vendor.new_code()
    create(server, name, {"oAuthRequest": {"authCode": code, "redirectUri": REDIRECT}})
    server.ok("UpdateConnectorProfile", change(name, vendor.new_tokens()))
    server.stop()
    server.database.change(
        "UPDATE oauth_tokens SET previous_sealed = NULL, previous_version = NULL,"
        " previous_credentials_version = NULL WHERE name = ?", name)
    server.database.change("DELETE FROM token_grants")
    server.start()
    roll_back(server, name, status=1)
    assert vendor.codes[code] == 1


# --- refusals ---

def test_there_is_nothing_to_put_back(server, vendor, name):
    create(server, name, vendor.new_tokens())
    before = row(server, name)
    said = roll_back(server, name, status=1)
    assert f"ResourceNotFoundException: Connector Profile with name {name} has no previous" in said
    assert "does not exist" in roll_back(server, "no-such", status=1)
    assert row(server, name) == before
    assert audited(server, name)[-1] == ("UpdateConnectorProfileRollback",
                                         "ResourceNotFoundException")


def test_what_the_vendor_refuses_is_not_put_back(server, vendor, name):
    old, new = replaced(server, vendor, name)
    before = row(server, name)
    vendor.live_access.discard(old["accessToken"])
    vendor.live_refresh.discard(old["refreshToken"])
    shown = roll_back(server, name, status=1)
    assert f"{name}: rejected at step token (HTTP 400)" in shown
    said = json.loads(roll_back(server, name, "--json", status=1))
    assert said["exception"] == "ConnectorAuthenticationException"
    assert said["error"].startswith("The previous credentials were not put back.")
    assert row(server, name) == before and in_use(server, vendor, name, new)


@pytest.mark.parametrize("operation, headers, request_, words", [
    ("UpdateConnectorProfile", ROLLBACK, change("x", {"accessToken": "given"}), "takes no new"),
    ("UpdateConnectorProfile", ROLLBACK, change("x", None), "takes no new"),
    ("UpdateConnectorProfile", [("X-Headgate-Rollback", "yes")], change("x", None), "once, with"),
    ("UpdateConnectorProfile", ROLLBACK + [("X-Headgate-Dry-Run", "true")], change("x", None),
     "A rollback has no dry run"),
    ("DeleteConnectorProfile", ROLLBACK, {"connectorProfileName": "x"}, "has no rollback")])
def test_a_request_that_is_a_mistake(server, operation, headers, request_, words):
    answer = server.call(operation, request_, headers=headers)
    assert (answer.status, answer.error) == (400, "ValidationException") and words in answer.message


# --- an end ---

def end_all(server):
    server.database.change("UPDATE profiles SET previous_until_ms = 1"
                           " WHERE previous_until_ms IS NOT NULL")


def copy_profile(server, name, count):
    columns = list(server.query("SELECT * FROM profiles")[0])
    values = ["'copy' || number" if each == "name" else each for each in columns]
    server.database.change(
        "WITH RECURSIVE numbers (number) AS"
        f" (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {count})"
        f" INSERT INTO profiles ({', '.join(columns)}) SELECT {', '.join(values)}"
        " FROM profiles, numbers WHERE name = ?", name)


def test_they_go_when_their_time_is_over(servers, canaries):
    with Keeping(canaries) as vendor:
        server = with_app(servers, canaries, *to_vendor(vendor, "Salesforce")).start()
        old, new = vendor.new_tokens(), vendor.new_tokens()
        create(server, "over", {"refreshToken": old["refreshToken"]})
        server.ok("UpdateConnectorProfile", change("over", new))
        create(server, "deleted", vendor.new_tokens())
        server.ok("UpdateConnectorProfile", change("deleted", vendor.new_tokens()))
        server.kill()
        assert kept(server, "over")
        server.start()
        server.ok("DeleteConnectorProfile", {"connectorProfileName": "deleted"})
        assert server.query("SELECT * FROM oauth_tokens WHERE name = 'deleted'") == []
        sealed = [row(server, "over")["previous_sealed"]] + [
            each["previous_sealed"] for each in server.query("SELECT * FROM oauth_tokens")]
        assert None not in sealed and len(sealed) == 2  # tokens of ready ones are in no row
        server.stop()
        end_all(server)
        server.start()
        server.wait_for_log("Removed the previous credentials of 1 profiles")
        assert not kept(server, "over")
        assert [each["previous_sealed"] for each in
                server.query("SELECT * FROM oauth_tokens")] == [None]
        server.stop()
        for file in server.directory.rglob("*"):
            assert not file.is_file() or not any(each in file.read_bytes() for each in sealed)
        server.start()
        assert "has no previous credentials" in roll_back(server, "over", status=1)
        assert in_use(server, vendor, "over", new)


def test_without_the_option_none_are_kept(servers, canaries):
    with Keeping(canaries) as vendor:
        server = with_app(servers, canaries, *to_vendor(vendor, "Salesforce")).start()
        replaced(server, vendor, "a")
        replaced(server, vendor, "b")
        server.stop()
        copy_profile(server, "a", 450)  # some pages of the sweep
        server.options += ["--previous-credentials", "0"]
        server.start()
        server.wait_for_log("Removed the previous credentials of 452 profiles")
        assert server.query("SELECT name FROM profiles WHERE previous_sealed IS NOT NULL") == []
        server.ok("UpdateConnectorProfile", change("b", vendor.new_tokens()))
        assert not kept(server, "a") and not kept(server, "b")
        assert "keeps none" in roll_back(server, "b", status=1)
