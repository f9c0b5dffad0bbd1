"""New credentials that turn out bad: the server goes back to the previous ones while they work, and
says so."""

import concurrent.futures
import itertools
import json
import time

import pytest

from support.keeping import Keeping, job, make_due, wait_for
from support.operations import OPTION, metrics
from support.salesforce import with_app
from support.server import headgate
from support.vendor import http, silence, to_vendor

ENTITIES = http("200 OK", json.dumps({"sobjects": [{"name": "Account", "label": "Accounts"}]}))
BUSY = http("400 Bad Request", json.dumps({
    "error": "invalid_grant", "error_description": "token request is already being processed"}))
APP = http("400 Bad Request", json.dumps({"error": "invalid_client",
                                          "error_description": "invalid client credentials"}))
NUMBERS = itertools.count()


class Listing(Keeping):
    """With entities; `instead_of`: answers to requests that show one of these tokens."""

    def __init__(self, canaries):
        super().__init__(canaries)
        self.instead_of = {}

    def judge(self, request):
        for token, answer in self.instead_of.items():
            if token.encode() in request.raw:
                return answer
        answer = super().judge(request)
        good = request.target.endswith("/sobjects") and answer.startswith(b"HTTP/1.1 200")
        return ENTITIES if good else answer

    def revoke(self, tokens):
        self.live_access.discard(tokens["accessToken"])
        self.live_refresh.discard(tokens["refreshToken"])

    def asked_with(self, token):
        return sum(token.encode() in each.raw for each in self.requests)


@pytest.fixture(scope="module")
def vendor(lasting_canaries):
    with Listing(lasting_canaries) as made:
        yield made


@pytest.fixture(scope="module")
def server(lasting_servers, vendor, lasting_canaries):
    return with_app(lasting_servers, lasting_canaries, *to_vendor(vendor, "Salesforce"),
                    "--verify-timeout", "2", *OPTION).start()


@pytest.fixture
def name():
    return f"profile-{next(NUMBERS)}"


def change(name, credentials, properties=None, **more):
    return {"connectorProfileName": name, "connectionMode": "Public", "connectorProfileConfig": {
        "connectorProfileProperties": {"Salesforce": properties or {}},
        "connectorProfileCredentials": {"Salesforce": credentials}}, **more}


def replaced(server, vendor, name, only=("accessToken", "refreshToken")):
    """A profile whose credentials were replaced: the old ones and the new ones."""
    old, new = vendor.new_tokens(), vendor.new_tokens()
    server.ok("CreateConnectorProfile",
              change(name, {each: old[each] for each in only}, {"isSandboxEnvironment": True},
                     connectorType="Salesforce"))
    server.ok("UpdateConnectorProfile", change(name, {each: new[each] for each in only}))
    return old, new


def list_entities(server, name, status=200):
    answer = server.call("ListConnectorEntities", {"connectorProfileName": name})
    assert answer.status == status, answer.body
    return answer


def descriptions(name, count):
    """Uses that do not wait for each other's answer."""
    return [("DescribeConnectorEntity", {"connectorProfileName": name,
                                         "connectorEntityName": f"Entity{number}"})
            for number in range(count)]


def at_once(server, questions):
    with concurrent.futures.ThreadPoolExecutor(len(questions)) as pool:
        return list(pool.map(lambda question: server.call(*question), questions))


def counted(server, outcome):
    name = f'headgate_credential_fallbacks_total{{outcome="{outcome}"}}'
    return metrics(server).get(name, 0)


def audited(server, name):
    lines = headgate("audit", *server.place, "--json").splitlines()
    return [each for each in map(json.loads, lines)
            if (each.get("resource"), each["operation"]) == (name, "CredentialsFallback")]


def shown(server, name):
    return json.loads(headgate("profile", "show", name, *server.place, "--json"))


# --- at a request ---

def test_a_use_falls_back(server, vendor, name):
    old, new = replaced(server, vendor, name)
    before = counted(server, "restored")
    vendor.revoke(new)
    assert b"Account" in list_entities(server, name).body
    assert counted(server, "restored") == before + 1
    assert f"Profile {name} (account 123456789012, us-east-1) fell back to its" in server.log
    audit, = audited(server, name)
    assert audit["outcome"] == "ok" and "expired access/refresh token" in audit["detail"]
    described = server.describe(name)
    assert described["connectorProfileProperties"] == {
        "Salesforce": {"isSandboxEnvironment": True}}
    assert described["lastUpdatedAt"] > described["createdAt"]
    said = shown(server, name)
    assert said["state"] == "fell back" and "fellBackAt" in said
    assert "expired access/refresh token" in said["previousCredentials"]["refused"]
    assert "fell back" in headgate("profile", "list", *server.place)
    assert "no problems" in headgate("check", *server.place)
    # It works, and what was refused is not tried again: not when the old ones die as well.
    server.ok("ResetConnectorMetadataCache", {"connectorProfileName": name})
    list_entities(server, name)
    asked = vendor.asked_with(new["refreshToken"])
    vendor.revoke(old)
    server.ok("ResetConnectorMetadataCache", {"connectorProfileName": name})
    list_entities(server, name, 401)
    assert vendor.asked_with(new["refreshToken"]) == asked
    # New credentials end the story.
    server.ok("UpdateConnectorProfile", change(name, vendor.new_tokens()))
    said = shown(server, name)
    assert said["state"] == "fresh" and "fellBackAt" not in said


def test_a_renewal_does_not_end_a_fallback(server, vendor, name):
    """The next event is that of new credentials."""
    old, new = replaced(server, vendor, name)
    vendor.revoke(new)
    list_entities(server, name)
    server.database.change(  # as a pass over all profiles does
        "UPDATE profiles SET reported_state = 'fell back' WHERE name = ?", name)
    vendor.live_access.discard(old["accessToken"])
    server.ok("ResetConnectorMetadataCache", {"connectorProfileName": name})
    list_entities(server, name)
    assert vendor.asked_with(old["refreshToken"]) == 1
    assert server.profile_row(name)["reported_state"] == "fell back"
    server.ok("UpdateConnectorProfile", change(name, vendor.new_tokens()))
    assert server.profile_row(name)["reported_state"] == "fresh"


def test_many_uses_fall_back_once(server, vendor, name):
    _, new = replaced(server, vendor, name)
    before = counted(server, "restored")
    vendor.revoke(new)
    answers = at_once(server, [("ListConnectorEntities", {"connectorProfileName": name}),
                               *descriptions(name, 3)])
    assert b"Account" in answers[0].body and counted(server, "restored") == before + 1
    assert not vendor.shown_twice() & vendor.spent


def test_what_may_pass_is_no_reason(server, vendor, name):
    _, new = replaced(server, vendor, name)
    version = server.profile_row(name)["version"]
    for answer in (http("503 Service Unavailable", ""), http("429 Too Many Requests", ""),
                   http("403 Forbidden", json.dumps([{"errorCode": "API_DISABLED_FOR_ORG",
                                                      "message": "not enabled"}]))):
        vendor.instead_of[new["accessToken"]] = answer
        assert server.call("ListConnectorEntities",
                           {"connectorProfileName": name}).status != 200
    del vendor.instead_of[new["accessToken"]]
    vendor.live_access.discard(new["accessToken"])
    vendor.instead_of[new["refreshToken"]] = BUSY
    assert server.call("ListConnectorEntities", {"connectorProfileName": name}).status != 200
    del vendor.instead_of[new["refreshToken"]]
    assert server.profile_row(name)["version"] == version and not audited(server, name)
    list_entities(server, name)


def test_previous_ones_that_are_refused_as_well(server, vendor, name):
    old, new = replaced(server, vendor, name)
    before = counted(server, "refused")
    vendor.revoke(new)
    vendor.revoke(old)
    for _ in range(2):
        list_entities(server, name, 401)
    assert counted(server, "refused") == before + 1
    assert vendor.asked_with(old["refreshToken"]) == 1  # they are not tried again
    assert "The previous credentials were not put back." in audited(server, name)[0]["detail"]
    said = shown(server, name)
    assert "expired access/refresh token" in said["previousCredentials"]["refused"]
    assert "fellBackAt" not in said


def test_previous_ones_that_are_refused_as_well_are_asked_about_once(server, vendor, name):
    """Uses at the same time do not each ask."""
    old, new = replaced(server, vendor, name)
    before = counted(server, "refused")
    vendor.revoke(new)
    vendor.revoke(old)
    answers = at_once(server, descriptions(name, 8))
    assert {each.status for each in answers} == {401}
    assert counted(server, "refused") == before + 1
    assert vendor.asked_with(old["refreshToken"]) == 1


def test_a_refusal_of_previous_ones_counts_whatever_its_cause(server, vendor, name):
    old, new = replaced(server, vendor, name, only=("accessToken",))
    before = counted(server, "refused")
    vendor.revoke(new)
    vendor.instead_of[old["accessToken"]] = http("403 Forbidden", json.dumps(
        [{"errorCode": "API_DISABLED_FOR_ORG", "message": "not enabled"}]))
    asked = vendor.asked_with(old["accessToken"])
    for _ in range(2):
        list_entities(server, name, 401)
    assert counted(server, "refused") == before + 1
    assert vendor.asked_with(old["accessToken"]) == asked + 1


@pytest.mark.parametrize("answer", [http("503 Service Unavailable", ""), silence],
                         ids=["busy", "silent"])
def test_previous_ones_that_could_not_be_asked(server, vendor, name, answer):
    """They are left alone for a while, which ends with the process here."""
    old, new = replaced(server, vendor, name)
    before = counted(server, "undecided")
    vendor.revoke(new)
    vendor.instead_of[old["accessToken"]] = answer
    list_entities(server, name, 401)
    assert counted(server, "undecided") == before + 1 and not audited(server, name)
    asked = vendor.asked_with(old["accessToken"])
    list_entities(server, name, 401)
    assert counted(server, "undecided") == before + 1
    assert vendor.asked_with(old["accessToken"]) == asked
    del vendor.instead_of[old["accessToken"]]
    server.stop()
    server.start()
    list_entities(server, name)


def test_not_while_a_private_connection_is_made(server, vendor, name):
    _, new = replaced(server, vendor, name)
    vendor.revoke(new)
    server.stop()
    server.database.change("UPDATE profiles SET provisioning_status = 'PENDING' WHERE name = ?",
                           name)
    server.start()
    version = server.profile_row(name)["version"]
    list_entities(server, name, 401)
    assert server.profile_row(name)["version"] == version and not audited(server, name)


# --- in the token keeper ---

def kept_tokens(server, vendor, name):
    """A profile whose credentials were replaced, both of which are a refresh token: what the vendor
    gave for the new one."""
    old, new = ({"refreshToken": vendor.new_tokens()["refreshToken"]} for _ in range(2))
    server.ok("CreateConnectorProfile", change(name, old, connectorType="Salesforce"))
    access, refresh = set(vendor.live_access), set(vendor.live_refresh) - {new["refreshToken"]}
    server.ok("UpdateConnectorProfile", change(name, new))
    return {"accessToken": (vendor.live_access - access).pop(),
            "refreshToken": (vendor.live_refresh - refresh).pop()}


def test_the_keeper_falls_back_when_a_refusal_is_confirmed(server, vendor, name):
    given = kept_tokens(server, vendor, name)
    vendor.revoke(given)
    make_due(server)
    wait_for(server, name=name, state="backing-off", reason="grant_refused")
    assert not audited(server, name)
    make_due(server)
    server.wait_for_log(f"Profile {name} (account 123456789012, us-east-1) fell back")
    row = wait_for(server, name=name, state="fresh")
    assert row["attempts"] == 0 and job(server, name)["due_at_ms"] > time.time() * 1000
    assert audited(server, name)[0]["outcome"] == "ok"
    list_entities(server, name)
    assert shown(server, name)["state"] == "fell back"
    assert not vendor.shown_twice() & vendor.spent


def test_a_refused_app_is_confirmed_too(server, vendor, name):
    """A client secret that was just changed is refused by some servers of a vendor for minutes."""
    given = kept_tokens(server, vendor, name)
    vendor.instead_of[given["refreshToken"]] = APP
    make_due(server)
    wait_for(server, name=name, state="backing-off", reason="client_refused")
    assert not audited(server, name)
    make_due(server)
    server.wait_for_log(f"Profile {name} (account 123456789012, us-east-1) fell back")
    wait_for(server, name=name, state="fresh")
