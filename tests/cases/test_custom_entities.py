"""Entities of registered connectors, from functions in a stand-in for AWS Lambda and in a local
process: pages, versions, the cache, renewed tokens, and what a function refuses."""

import json
import re
import sys
import urllib.parse

import pytest

from support import aws, custom, operations
from support.background import Background
from support.functions import MINIMAL, function_arn, registration, to_functions
from support.server import OTHER_ACCOUNT, ROOT
from support.vendor import http, reset

VERSIONED = {**MINIMAL, "supportedApiVersions": ["v2", "v1"]}
PAGES = {
    (None, None): {"entities": [{"entityIdentifier": "shelf", "label": "Shelf",
                                 "hasNestedEntities": True, "isWritable": None}],
                   "nextToken": "second"},
    (None, "second"): {"entities": [{"entityIdentifier": "Book", "hasNestedEntities": False}],
                       "nextToken": None, "cacheControl": None},
    ("shelf", None): {"entities": [{"entityIdentifier": "shelf/Map", "hasNestedEntities": False}]},
}
SHELF = {"name": "shelf", "label": "Shelf", "hasNestedEntities": True}
BOOK = {"name": "Book", "label": "Book", "hasNestedEntities": False}
DEFINED = {"isSuccess": True, "entityDefinition": {
    "entity": {"entityIdentifier": "Book", "hasNestedEntities": False},
    "fields": [{"fieldName": "id", "dataType": "String", "label": "Id", "isPrimaryKey": True,
                "readProperties": {"isRetrievable": True, "isQueryable": None}}]}}
FIELDS = [{
    "identifier": "id", "label": "Id", "description": "Id", "isPrimaryKey": True,
    "isDeprecated": False, "supportedFieldTypeDetails": {"v1": {
        "fieldType": "String", "filterOperators": ["CONTAINS", "EQUAL_TO", "NOT_EQUAL_TO"],
        "supportedValues": []}},
    "sourceProperties": {"isRetrievable": True, "isQueryable": False,
                         "isTimestampFieldForIncrementalQueries": False}}]
ABSENT = {"isSuccess": False, "errorDetails": {
    "errorCode": "ResourceNotFoundError", "errorMessage": "There are only books here."}}
REFUSED = {"isSuccess": False, "errorDetails": {"errorCode": "InvalidCredentials"}}


class Library(custom.Connector):
    """Its token URL renews the newest refresh token once; tokens of `spent` are refused."""

    def __init__(self, canaries):
        super().__init__(canaries)
        self.spent = 0
        self.silent = False  # it resets every connection
        self.refresh = canaries.new("refresh-token")

    def configuration(self):
        return {**super().configuration(), "supportedApiVersions": ["v2", "v1"]}

    def answer_of(self, request):
        kind = request["type"].removesuffix("Request")
        if kind in ("ListEntities", "DescribeEntity") and self.spent > 0:
            self.spent -= 1
            return REFUSED
        if request["type"] in self.verdicts:
            return self.verdicts[request["type"]]
        if kind == "ListEntities":
            return {"isSuccess": True,
                    **PAGES[request.get("entitiesPath"), request.get("nextToken")]}
        if kind == "DescribeEntity":
            return DEFINED if request["entityIdentifier"] == "Book" else ABSENT
        return super().answer_of(request)

    def invoke(self, request):
        return reset if self.silent else super().invoke(request)

    def token(self, request):
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        if form["refresh_token"] != self.refresh:
            return http("400 Bad Request", json.dumps({"error": "invalid_grant"}))
        self.refresh = self.canaries.new("refresh-token")
        return http("200 OK", json.dumps({
            "access_token": self.canaries.new("access-token"), "token_type": "Bearer",
            "refresh_token": self.refresh}))


@pytest.fixture
def library(canaries):
    with Library(canaries) as each:
        yield each


@pytest.fixture
def server(servers, library, canaries):
    options, env = to_functions(library, canaries)
    made = servers(*options, env=env)
    custom.register(made)
    made.ok("CreateConnectorProfile",
            custom.create(custom.basic(canaries.new(), {"region": "eu"})))
    library.types()
    return made


def ask(server, operation, **more):
    return server.call(operation, {"connectorProfileName": "own", **more})


def listed(server, **more):
    answer = ask(server, "ListConnectorEntities", **more)
    assert answer.status == 200, answer.body
    return answer.json()["connectorEntityMap"]


def described(server, entity="Book", **more):
    return ask(server, "DescribeConnectorEntity", connectorEntityName=entity, **more)


def test_pages_are_followed_and_versions_are_told(server, library):
    arn = server.describe("own")["credentialsArn"]
    assert listed(server) == {"Objects": [BOOK, SHELF]}
    context = {"connectorRuntimeSettings": {"region": "eu"},
               "credentials": {"secretArn": arn, "authenticationType": "BasicAuth"},
               "apiVersion": "v2", "connectorProfileLabel": "own"}
    request = {"type": "ListEntitiesRequest", "connectorContext": context, "maxResult": 1000}
    assert library.asked() == [request, {**request, "nextToken": "second"}]
    library.types()
    nested = listed(server, entitiesPath="shelf", apiVersion="v1", connectorType=aws.CUSTOM)
    assert [each["name"] for each in nested["Objects"]] == ["shelf/Map"]
    assert described(server, apiVersion="v1").json()["connectorEntityFields"] == FIELDS
    of_list, of_entity = library.asked()
    assert of_list["entitiesPath"] == "shelf" and of_entity["entityIdentifier"] == "Book"
    assert of_list["connectorContext"] == of_entity["connectorContext"] == {
        **context, "apiVersion": "v1"}


def test_answers_are_kept_until_something_changes(server, library):
    for _ in range(2):
        listed(server, apiVersion="v1")
        described(server)
    assert library.types() == ["ListEntities", "ListEntities", "DescribeEntity"]
    listed(server, apiVersion="v2")
    assert library.types() == ["ListEntities", "ListEntities"]
    update = registration()
    del update["connectorProvisioningType"]
    server.ok("UpdateConnectorRegistration", update)
    library.types()
    described(server)
    assert library.types() == ["DescribeEntity"]
    server.ok("ResetConnectorMetadataCache",
              {"connectorProfileName": "own", "connectorEntityName": "Book"})
    described(server)
    listed(server, apiVersion="v2")
    assert library.types() == ["DescribeEntity", "ListEntities", "ListEntities"]


@pytest.mark.parametrize("more,verdict,error,status,words", [
    ({"apiVersion": "v3"}, None, "ValidationException", 400,
     "connector orders does not declare apiVersion v3"),
    ({}, REFUSED, "ConnectorAuthenticationException", 401,
     "Error authenticating to connector: CustomConnector orders rejected the credentials at step "
     "api: InvalidCredentials. Check the credentials."),
    ({}, {"isSuccess": True, "entities": [{"entityIdentifier": "x"}]}, "ConnectorServerException",
     400, "CustomConnector orders gave no usable response at step api: the answer of ListEntities "
     "does not keep to the contract of connectors: /entities/0/hasNestedEntities: expected a "
     "boolean, found nothing"),
    ({}, {"isSuccess": True, "entities": [], "nextToken": "again"}, "ConnectorServerException",
     400, "/nextToken: a page has the token of a page before it"),
    ({"entitiesPath": "Book"}, ABSENT, "ConnectorServerException", 400,
     "CustomConnector orders has no such entity at step api: ResourceNotFoundError: There are only "
     "books here."),
])
def test_what_the_function_refuses(server, library, more, verdict, error, status, words):
    library.verdicts["ListEntitiesRequest"] = verdict
    answer = ask(server, "ListConnectorEntities", **more)
    assert (answer.error, answer.status) == (error, status), answer.body
    assert words in answer.message, answer.message


def test_a_refused_token_is_renewed_and_kept(server, library, canaries):
    config = library.with_code()
    credentials = config["connectorProfileCredentials"][aws.CUSTOM]["oauth2"]
    del credentials["oAuthRequest"]
    credentials["accessToken"] = canaries.new("access-token")
    credentials["refreshToken"] = library.refresh
    server.ok("UpdateConnectorProfile", custom.update(config))
    for _ in range(2):
        library.spent = 1
        library.requests.clear()
        assert listed(server) == {"Objects": [BOOK, SHELF]}
        assert [request.target for request in library.requests if request.target == "/token"] == [
            "/token"]
        server.ok("ResetConnectorMetadataCache", {"connectorProfileName": "own"})
    assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == 0


def script_of(tmp_path, **answers):
    path = tmp_path / "script.json"
    good = [{"isSuccess": True}]
    path.write_text(json.dumps({
        "DescribeConnectorConfigurationRequest": [VERSIONED],
        "ValidateConnectorRuntimeSettingsRequest": good, "ValidateCredentialsRequest": good,
        **{f"{name}Request": each for name, each in answers.items()}}))
    return f"exec {sys.executable} {ROOT / 'tests/connectors/scripted.py'} {path}"


def test_a_local_process_lists_and_describes(servers, canaries, tmp_path):
    pages = [{"isSuccess": True, **PAGES[None, token]} for token in (None, "second")]
    command = script_of(tmp_path, ListEntities=pages, DescribeEntity=[DEFINED, {"do": "exit"}])
    server = servers("--local-connector", f"{function_arn('orders')}={command}")
    custom.register(server)
    server.ok("CreateConnectorProfile", custom.create(custom.basic(canaries.new())))
    assert listed(server) == {"Objects": [BOOK, SHELF]}
    assert described(server).json()["connectorEntityFields"] == FIELDS
    ended = described(server, "Other")
    assert (ended.status, ended.error) == (400, "ConnectorServerException"), ended.body
    assert "ended with exit status 3" in ended.message, ended.message


@pytest.mark.waits(2)
def test_a_local_process_that_hangs_holds_up_no_other_account(servers, canaries, tmp_path):
    """Its call ends at the time limit, and another account's calls go on meanwhile."""
    command = script_of(tmp_path, ListEntities=[{"do": "hang"}], DescribeEntity=[DEFINED])
    others = function_arn("orders", account=OTHER_ACCOUNT)
    server = servers("--verify-timeout", "2", *operations.OPTION,
                     "--local-connector", f"{function_arn('orders')}={command}",
                     "--local-connector", f"{others}={command}")
    other = server.make_key("AKIAOTHERACCOUNT0001", "other", account=OTHER_ACCOUNT)
    custom.register(server)
    server.ok("RegisterConnector", {**registration(), "connectorProvisioningConfig": {
        "lambda": {"lambdaArn": others}}}, key=other)
    for key in (server.key, other):
        server.ok("CreateConnectorProfile", custom.create(custom.basic(canaries.new())), key=key)
    operations.wait_for(server, local_processes=2, local_processes_idle=2)
    hung = Background(lambda: ask(server, "ListConnectorEntities"))
    operations.wait_for(server, local_processes_idle=1)
    request = {"connectorProfileName": "own", "connectorEntityName": "Book"}
    assert server.ok("DescribeConnectorEntity", request, key=other) == {
        "connectorEntityFields": FIELDS}
    assert hung.is_alive()
    answer = hung.result()
    assert (answer.status, answer.error) == (400, "ConnectorServerException"), answer.body
    assert "CustomConnector orders gave no usable response at step api" in answer.message
    assert "did not answer" in answer.message, answer.message
    seen = operations.wait_for(server, local_processes=1, local_processes_idle=1)
    assert seen["headgate_local_processes_started_total"] == 2
    assert seen["headgate_local_processes_failed_total"] == 1
    assert seen["headgate_local_calls_waiting"] == 0


def test_a_function_that_is_not_reached_is_not_called_for_a_while(servers, library, canaries):
    options, env = to_functions(library, canaries)
    server = servers(*options, *operations.OPTION, env=env)
    custom.register(server)
    library.silent = True
    for _ in range(3):
        answer = server.call("RegisterConnector", registration("other"))
        assert (answer.status, answer.error) == (400, "ConnectorServerException"), answer.body
        assert "no call is made" not in answer.message, answer.message
    library.silent = False
    library.requests.clear()
    answer = server.call("RegisterConnector", registration("other"))
    assert (answer.status, answer.error) == (400, "ConnectorServerException"), answer.body
    assert re.search(r"Error while communicating to connector: The function arn:aws:lambda:\S+ did "
                     r"not answer its last calls: no call is made until 20\S+Z\.", answer.message)
    assert library.requests == []
    seen = operations.metrics(server)
    assert seen["headgate_functions_held"] == seen["headgate_function_calls_held_total"] == 1
    server.ok("RegisterConnector", registration("other", "another"))
