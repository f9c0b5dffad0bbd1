"""Entities and their fields: from the cache, page by page, with tokens renewed on the way, and from
vendors that refuse, lack, or send too much."""

import concurrent.futures
import json
import time
import urllib.parse

import pytest

from support import operations
from support.salesforce import Salesforce, set_app
from support.vendor import Vendor, http, silence, to_vendor

def entities_of(answer):
    return {each["name"]: each for group in answer["connectorEntityMap"].values() for each in group}


# --- a vendor of the test's own ---

GONE = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]


class Objects(Salesforce):
    """The stand-in with objects: a list, and fields of each."""

    def __init__(self, canaries, names=("Account", "Zone__c")):
        super().__init__(canaries)
        self.names = names
        self.asked = []
        self.meanwhile = None  # called before a list is answered
        self.say = lambda answer: answer  # how a list is answered: bytes, or see support/vendor.py

    def judge(self, request):
        answer = super().judge(request)
        path = urllib.parse.urlsplit(request.target).path
        if not answer.startswith(b"HTTP/1.1 200") or "/sobjects" not in path:
            return answer
        self.asked.append(path)
        if path.endswith("/sobjects"):
            if self.meanwhile:
                self.meanwhile()
            return self.say(http("200 OK", json.dumps({"sobjects": [
                {"name": name, "label": name.lower()} for name in self.names]})))
        name = path.split("/")[-2]
        if name not in self.names:
            return http("404 Not Found", json.dumps(GONE))
        return http("200 OK", json.dumps({"name": name, "fields": [
            {"name": "Id", "type": "id", "label": name, "filterable": True}]}))


@pytest.fixture
def objects(canaries):
    with Objects(canaries) as vendor:
        yield vendor


def profile(vendor, name="p"):
    return {"connectorProfileName": name, "connectorType": "Salesforce",
            "connectionMode": "Public", "connectorProfileConfig": {
                "connectorProfileProperties": {"Salesforce": {"instanceUrl": vendor.url}},
                "connectorProfileCredentials": {"Salesforce": vendor.new_tokens()}}}


@pytest.fixture
def server(servers, objects, canaries):
    each = servers(*to_vendor(objects, "Salesforce"))
    set_app(each, canaries)
    each.ok("CreateConnectorProfile", profile(objects))
    return each


def names(server, **more):
    answer = server.ok("ListConnectorEntities", {"connectorProfileName": "p", **more})
    return list(entities_of(answer))


def test_answers_come_from_the_cache_until_a_reset(server, objects):
    assert names(server) == names(server) == ["Account", "Zone__c"]
    describe = {"connectorProfileName": "p", "connectorEntityName": "Account"}
    fields = server.ok("DescribeConnectorEntity", describe)
    assert server.ok("DescribeConnectorEntity", describe) == fields
    assert len(objects.asked) == 2
    objects.names = ("Account", "New__c", "Zone__c")
    server.ok("ResetConnectorMetadataCache", describe)  # of the fields alone
    assert len(names(server)) == 2
    server.ok("DescribeConnectorEntity", describe)
    assert len(objects.asked) == 3
    server.ok("ResetConnectorMetadataCache", {"connectorProfileName": "p"})
    assert names(server) == ["Account", "New__c", "Zone__c"]
    server.ok("DescribeConnectorEntity", describe)
    assert len(objects.asked) == 4
    rows = server.query("SELECT * FROM audit WHERE operation = ?", "ResetConnectorMetadataCache")
    assert [(row["resource"], row["outcome"]) for row in rows] == [("p", "ok")] * 2


def test_a_change_of_the_profile_forgets(server, objects):
    names(server)
    config = {**profile(objects)}
    del config["connectorType"]
    server.ok("UpdateConnectorProfile", config)
    names(server)
    assert len(objects.asked) == 2
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "p"})
    assert server.call("ListConnectorEntities", {"connectorProfileName": "p"}).status == 404
    server.ok("CreateConnectorProfile", profile(objects))
    names(server)
    assert len(objects.asked) == 3


def test_many_at_once_ask_the_vendor_once(server, objects):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: names(server), range(16)))
    assert found == [["Account", "Zone__c"]] * 16 and len(objects.asked) == 1


def test_waiting_for_another_request_counts_towards_the_time_limit(servers, objects, canaries):
    """The vendor does not answer the first request, whose time limit ends. The one that waited for
    it has used up its own by then, and does not wait for the vendor's 0.8 s as well."""
    def slowly(answer):
        if len(objects.asked) == 1:
            return silence

        def later(connection):
            time.sleep(0.8)
            connection.sendall(answer)
        return later

    server = servers("--verify-timeout", "1", *to_vendor(objects, "Salesforce"))
    set_app(server, canaries)
    server.ok("CreateConnectorProfile", profile(objects))
    objects.say = slowly
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(server.call, "ListConnectorEntities", {"connectorProfileName": "p"})
                 for _ in range(2)]
        answers = [each.result() for each in asked]
    assert [(each.status, each.error) for each in answers] == [
        (400, "ConnectorServerException")] * 2, [each.body for each in answers]


def test_pages(server, objects):
    objects.names = [f"Object_{number:05}__c" for number in range(10000)]
    every, token, pages = [], {}, 0
    while pages == 0 or token:
        answer = server.ok("ListConnectorEntities", {
            "connectorProfileName": "p", "maxResults": 3000, **token})
        every += entities_of(answer)
        token = {"nextToken": answer["nextToken"]} if "nextToken" in answer else {}
        pages += 1
    assert every == objects.names and pages == 4 and len(objects.asked) == 1
    assert names(server, maxResults=10000) == objects.names
    assert len(names(server)) == 10000
    first = server.ok("ListConnectorEntities", {"connectorProfileName": "p", "maxResults": 1})
    for bad in ({"nextToken": first["nextToken"], "entitiesPath": "Account"},
                {"nextToken": first["nextToken"][:-1] + "x"}, {"maxResults": 10001}):
        answer = server.call("ListConnectorEntities", {"connectorProfileName": "p", **bad})
        assert answer.status == 400 and answer.error == "ValidationException", answer.body


def test_a_page_without_memory_is_refused_and_counted(servers, objects, canaries):
    """What a page of 9,000 entities may take is more than the account's share: half of 16 MiB."""
    objects.names = [f"Object_{number:05}__c" for number in range(9000)]
    server = servers("--request-memory", "16", *to_vendor(objects, "Salesforce"),
                     *operations.OPTION)
    set_app(server, canaries)
    server.ok("CreateConnectorProfile", profile(objects))
    assert len(names(server, maxResults=100)) == 100
    assert operations.throttled(server, "request-memory") == 0
    refused = server.call("ListConnectorEntities", {"connectorProfileName": "p"})
    assert (refused.status, refused.error) == (429, "ThrottlingException"), refused.body
    assert b"requests hold as much memory as they may" in refused.body
    assert operations.throttled(server, "request-memory") == 1


def test_a_refused_token_is_renewed_and_kept(server, objects):
    objects.live_access.clear()
    assert names(server) == ["Account", "Zone__c"]
    assert sum(objects.refreshed.values()) == 1
    objects.live_access.clear()
    server.ok("DescribeConnectorEntity",
              {"connectorProfileName": "p", "connectorEntityName": "Account"})
    assert sorted(objects.refreshed.values()) == [1, 1], "the second refresh token was stored"
    assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == 0


def test_tokens_of_a_profile_that_is_deleted_meanwhile_are_not_kept(server, objects):
    objects.live_access.clear()
    objects.meanwhile = lambda: server.ok("DeleteConnectorProfile", {"connectorProfileName": "p"})
    assert names(server) == ["Account", "Zone__c"]
    assert sum(objects.refreshed.values()) == 1
    assert server.count_rows("profiles") == 0
    assert server.count_rows("oauth_tokens") == 0
    assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == 0


@pytest.mark.parametrize("operation, more", (
    ("ListConnectorEntities", {}),
    ("DescribeConnectorEntity", {"connectorEntityName": "Account"})))
def test_refused_credentials(server, objects, operation, more):
    objects.live_access.clear()
    objects.live_refresh.clear()
    for _ in range(2):  # a failure is not kept
        answer = server.call(operation, {"connectorProfileName": "p", **more})
        assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
        assert b"Error authenticating to connector: Salesforce rejected" in answer.body
    assert objects.asked == []


def test_what_is_not_there(server):
    for operation, more, status, words in (
            ("DescribeConnectorEntity", {"connectorEntityName": "Nothing"}, 400,
             b"Salesforce has no such entity at step api (HTTP 404): The requested resource"),
            ("ListConnectorEntities", {"entitiesPath": "Account"}, 400,
             b"Account has no nested entities"),
            ("ListConnectorEntities", {"connectorProfileName": "q"}, 404,
             b"Connector Profile with name q does not exist."),
            ("ResetConnectorMetadataCache", {"connectorProfileName": "q"}, 404,
             b"Connector Profile with name q does not exist."),
            ("ListConnectorEntities", {"connectorType": "Slack"}, 400,
             b"is of connectorType Salesforce, not of Slack")):
        answer = server.call(operation, {"connectorProfileName": "p", **more})
        assert answer.status == status and words in answer.body, answer.body
    for parameters, words in (({}, b"Give connectorProfileName, or"),
                              ({"connectorType": "Salesforce"}, b"Give connectorProfileName: the")):
        answer = server.call("ListConnectorEntities", parameters)
        assert answer.status == 400 and words in answer.body
    server.ok("ResetConnectorMetadataCache", {"connectorType": "EventBridge"})


@pytest.mark.parametrize("kind", ("CustomerProfiles", "EventBridge", "LookoutMetrics", "Upsolver"))
def test_destinations_without_profiles_have_no_entities(server, kind):
    listed = server.ok("ListConnectorEntities", {"connectorType": kind})
    assert listed == {"connectorEntityMap": {}}
    answer = server.call("DescribeConnectorEntity",
                         {"connectorType": kind, "connectorEntityName": "events"})
    assert answer.status == 400 and b"%s has no entities: a flow" % kind.encode() in answer.body


def test_a_reset_reaches_the_other_node(nodes, objects):
    first, second = [nodes(*to_vendor(objects, "Salesforce")).start() for _ in range(2)]
    first.ok("CreateConnectorProfile", profile(objects))
    assert names(first) == names(second) and len(objects.asked) == 2
    objects.names = ("Account",)
    first.ok("ResetConnectorMetadataCache", {"connectorProfileName": "p"})
    assert names(first) == names(second) == ["Account"]


@pytest.mark.parametrize("body", (
    b'{"sobjects":[' + b'{"name":"x"},' * 3_000_000 + b'{"name":"y"}]}',
    b'{"sobjects":[{"name":"' + b"x" * 2_000_000 + b'"}]}',
    b'{"sobjects":[' + b"[" * 100_000,
    b'{"other":"' + b"x" * 2_000_000 + b'"}'), ids=("many", "long", "deep", "beside"))
def test_answers_without_measure(servers, canaries, body):
    def answer(request):
        return http("200 OK", body if request.target.endswith("/sobjects")
                    else '{"sobjects":"x","user_id":"1"}')
    with Vendor(answer) as vendor:
        server = servers(*to_vendor(vendor, "Salesforce"))
        server.ok("CreateConnectorProfile", {
            "connectorProfileName": "p", "connectorType": "Salesforce",
            "connectionMode": "Public", "connectorProfileConfig": {
                "connectorProfileProperties": {"Salesforce": {"instanceUrl": vendor.url}},
                "connectorProfileCredentials": {"Salesforce": {
                    "accessToken": canaries.new("token")}}}})
        refused = server.call("ListConnectorEntities", {"connectorProfileName": "p"})
        assert (refused.status, refused.error) == (400, "ConnectorServerException"), refused.body
        assert b"Salesforce gave no usable response" in refused.body or \
            b"Salesforce returned an unexpected response" in refused.body, refused.body
