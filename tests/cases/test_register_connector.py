"""Registering connectors: what their function is asked, what is refused and why, what is shown of
them, and what keeps a label from being given up."""

import concurrent.futures
import threading

import pytest

from support.functions import (MINIMAL, Functions, function_arn, lambda_fails, registration,
                               to_functions)
from support.operations import wait_until
from support.server import OTHER_ACCOUNT
from support.vendor import http

ARN = "arn:aws:appflow:us-east-1:123456789012:connector/{label}"


@pytest.fixture(scope="module")
def functions():
    with Functions() as functions:
        yield functions


@pytest.fixture(scope="module")
def lasting(lasting_servers, lasting_canaries, functions):
    options, env = to_functions(functions, lasting_canaries)
    return lasting_servers(*options, env=env)


@pytest.fixture
def server(lasting, functions):
    """One for all tests of this file; each uses labels of its own."""
    functions.answers = MINIMAL
    functions.requests.clear()
    return lasting


def refused(server, operation, parameters, **kwargs):
    answer = server.call(operation, parameters, **kwargs)
    assert answer.status != 200, answer.body
    return answer.status, answer.error, answer.message


def describe(server, label, **kwargs):
    return server.ok("DescribeConnector", {"connectorType": "CustomConnector",
                                           "connectorLabel": label}, **kwargs
                     )["connectorConfiguration"]


def labels(server, **kwargs):
    found, token = [], {}
    while True:
        page = server.ok("ListConnectors", {"maxResults": 100, **token}, **kwargs)
        found += [each["connectorLabel"] for each in page["connectors"]]
        if "nextToken" not in page:
            return found
        token = {"nextToken": page["nextToken"]}


def profile(canaries, name, label):
    credentials = {"authenticationType": "BASIC",
                   "basic": {"username": "user", "password": canaries.new()}}
    return {"connectorProfileName": name, "connectorType": "CustomConnector",
            "connectorLabel": label, "connectionMode": "Public", "connectorProfileConfig": {
                "connectorProfileProperties": {"CustomConnector": {}},
                "connectorProfileCredentials": {"CustomConnector": credentials}}}


def assert_audited(server, operation, label, *outcomes):
    """A failure's row is written after its answer."""

    def rows(_):
        return [row["outcome"] for row in server.query(
            "SELECT outcome FROM audit WHERE operation = ? AND resource = ? ORDER BY position",
            operation, label)]

    wait_until(server, lambda seen: seen == list(outcomes), asked=rows)


# --- what is registered ---

def test_a_registered_connector_is_shown(server, functions):
    asked = registration("shown", "orders", description="My orders")
    assert server.ok("RegisterConnector", asked) == {"connectorArn": ARN.format(label="shown")}
    assert functions.asked() == [{"type": "DescribeConnectorConfigurationRequest",
                                  "locale": "en-US", "connectorLabel": "shown"}]
    assert functions.requests[0].target.endswith("/invocations")
    assert "orders" in functions.requests[0].target
    configuration = describe(server, "shown")
    registered_at = configuration.pop("registeredAt")
    operators, writes = (configuration.pop(name) for name in
                         ("supportedOperators", "supportedWriteOperations"))
    assert len(operators) == 21 and sorted(writes) == ["DELETE", "INSERT", "UPDATE", "UPSERT"]
    assert configuration == {
        "canUseAsSource": True, "canUseAsDestination": False,
        "supportedDestinationConnectors": ["S3", "CustomConnector", "Salesforce"],
        "supportedSchedulingFrequencies": ["BYMINUTE", "HOURLY", "DAILY", "WEEKLY", "MONTHLY",
                                           "ONCE"],
        "isPrivateLinkEnabled": False, "isPrivateLinkEndpointUrlRequired": False,
        "supportedTriggerTypes": ["OnDemand", "Scheduled"],
        "connectorType": "CustomConnector", "connectorLabel": "shown",
        "connectorDescription": "Orders", "connectorOwner": "Own", "connectorName": "Orders",
        "connectorVersion": "1.0", "connectorModes": ["SOURCE"],
        "authenticationConfig": {"isBasicAuthSupported": True, "isApiKeyAuthSupported": False,
                                 "isOAuth2Supported": False, "isCustomAuthSupported": False},
        "supportedApiVersions": ["v1"], "connectorProvisioningType": "LAMBDA",
        "connectorProvisioningConfig": {"lambda": {"lambdaArn": function_arn()}},
        "registeredBy": "CUSTOM", "supportedDataTransferTypes": ["RECORD"]}
    listed = [each for each in server.ok("ListConnectors", {"maxResults": 100})["connectors"]
              if each["connectorLabel"] == "shown"]
    assert listed == [{
        "connectorDescription": "My orders", "connectorName": "Orders", "connectorOwner": "Own",
        "connectorVersion": "1.0", "applicationType": "Orders", "connectorType": "CustomConnector",
        "connectorLabel": "shown", "registeredAt": registered_at, "registeredBy": "CUSTOM",
        "connectorProvisioningType": "LAMBDA", "connectorModes": ["SOURCE"],
        "supportedDataTransferTypes": ["RECORD"]}]
    assert_audited(server, "RegisterConnector", "shown", "ok")


def test_a_label_is_of_one_account_and_region(server, canaries):
    other = server.make_key("AKIAHEADGATETEST0002", "other-key", OTHER_ACCOUNT)
    server.ok("RegisterConnector", registration("regional"))
    server.ok("RegisterConnector", registration("regional"), region="eu-west-1")
    assert labels(server, region="eu-west-1") == ["regional"]
    assert labels(server, key=other) == []
    assert refused(server, "DescribeConnector",
                   {"connectorType": "CustomConnector", "connectorLabel": "regional"},
                   key=other) == (404, "ResourceNotFoundException",
                                  "Connector:regional is not registered.")


def test_lists_have_pages(server):
    for i in range(3):
        server.ok("RegisterConnector", registration(f"paged-{i}"), region="eu-north-1")
    first = server.ok("ListConnectors", {"maxResults": 2}, region="eu-north-1")
    rest = server.ok("ListConnectors", {"maxResults": 2, "nextToken": first["nextToken"]},
                     region="eu-north-1")
    assert [each["connectorLabel"] for each in first["connectors"]] == ["paged-0", "paged-1"]
    assert [each["connectorLabel"] for each in rest["connectors"]] == ["paged-2"]
    assert "nextToken" not in rest


# --- what is refused before the function is called ---

NEEDED = {
    "connectorLabel": "Validation exception: RegisterConnector needs connectorLabel.",
    "connectorProvisioningType":
        "Validation exception: RegisterConnector needs connectorProvisioningType.",
    "connectorProvisioningConfig":
        "Validation exception: RegisterConnector needs "
        "connectorProvisioningConfig.lambda.lambdaArn.",
}


@pytest.mark.parametrize("missing", NEEDED)
def test_what_is_needed(server, functions, missing):
    asked = registration("needed")
    del asked[missing]
    assert refused(server, "RegisterConnector", asked) == (400, "ValidationException",
                                                           NEEDED[missing])
    assert not functions.requests


FUNCTIONS = {
    "arn:aws:sns:us-east-1:123456789012:topic": "must name a Lambda function",
    "arn:aws:lambda:us-east-1:123456789012:layer:orders": "must name a Lambda function",
    "arn:aws:lambda:us-east-1:123456789012:function:": "has no function's name",
    function_arn(account="111122223333"): "must name a function of the account 123456789012",
}


@pytest.mark.parametrize("arn", FUNCTIONS)
def test_the_function_is_one_of_the_account(server, functions, arn):
    asked = registration("foreign")
    asked["connectorProvisioningConfig"]["lambda"]["lambdaArn"] = arn
    status, error, message = refused(server, "RegisterConnector", asked)
    assert (status, error) == (400, "ValidationException") and FUNCTIONS[arn] in message
    assert not functions.requests
    server.ok("RegisterConnector", registration(f"own-{len(arn)}"))
    assert refused(server, "UpdateConnectorRegistration",
                   {**asked, "connectorLabel": f"own-{len(arn)}"})[0] == 400


def test_a_label_that_is_taken(server, functions):
    server.ok("RegisterConnector", registration("taken"))
    assert refused(server, "RegisterConnector", registration("taken", "others")) == (
        409, "ConflictException", "Connector with label taken is already registered.")
    assert len(functions.requests) == 1
    assert_audited(server, "RegisterConnector", "taken", "ok", "ConflictException")


# --- what the function answers ---

REFUSED_ANSWERS = {
    "faults": ({**MINIMAL, "connectorOwner": 7, "connectorModes": ["BOTH"]}, 400,
               "ConnectorServerException",
               "Error while communicating to connector: the answer of "
               "DescribeConnectorConfiguration does not keep to the contract of connectors: "
               "/connectorOwner: expected a string, found a number; "
               "/connectorModes/0: expected one of SOURCE, DESTINATION, found \"BOTH\"."),
    "failure": ({"isSuccess": False, "errorDetails": {"errorCode": "ServerError",
                                                      "errorMessage": "no data source"}}, 400,
                "ConnectorServerException",
                "Error while communicating to connector: ServerError: no data source. "
                "Try again later."),
    "credentials": ({"isSuccess": False, "errorDetails": {"errorCode": "InvalidCredentials",
                                                          "errorMessage": "key expired"}}, 401,
                    "ConnectorAuthenticationException",
                    "Error authenticating to connector: InvalidCredentials: key expired"),
    "nothing": ({"isSuccess": False}, 400, "ConnectorServerException",
                "Error while communicating to connector: Got error from connector. No valid "
                "response and error details found in the connector response."),
    "exception": (lambda_fails("RuntimeError", "boom"), 400, "ConnectorServerException", "boom"),
    "no json": (http("200 OK", "<html>"), 400, "ConnectorServerException", "connector"),
    "too busy": (http("429 Too Many Requests", '{"Reason": "ReservedFunctionConcurrentInvocation'
                      'LimitExceeded", "message": "Rate Exceeded."}'), 429, "ThrottlingException",
                 "Rate exceeded"),
    "denied": (http("403 Forbidden", '{"Message": "not authorized to perform: '
                    'lambda:InvokeFunction"}',
                    headers=[("x-amzn-ErrorType", "AccessDeniedException")]), 403,
               "AccessDeniedException", "connector"),
}


@pytest.mark.parametrize("case", REFUSED_ANSWERS)
def test_what_is_wrong_is_said_and_nothing_is_stored(server, functions, case):
    functions.answers, status, error, message = REFUSED_ANSWERS[case]
    label = "refused-" + case.replace(" ", "-")
    found = refused(server, "RegisterConnector", registration(label))
    assert found[:2] == (status, error), found
    assert message in found[2]
    assert label not in labels(server)
    functions.answers = MINIMAL
    server.ok("RegisterConnector", registration(label))
    before = describe(server, label)
    functions.answers = REFUSED_ANSWERS[case][0]
    assert refused(server, "UpdateConnectorRegistration",
                   {"connectorLabel": label, "description": "new"})[:2] == (status, error)
    assert describe(server, label) == before


# --- changes ---

def test_an_update_asks_the_function_again(server, functions):
    server.ok("RegisterConnector", registration("changing", description="before"))
    before = describe(server, "changing")
    functions.answers = {**MINIMAL, "connectorVersion": "2.0"}
    answer = server.ok("UpdateConnectorRegistration", {"connectorLabel": "changing"})
    assert answer == {"connectorArn": ARN.format(label="changing")}
    assert describe(server, "changing") == {**before, "connectorVersion": "2.0"}
    server.ok("UpdateConnectorRegistration",
              {"connectorLabel": "changing", "description": "after", "connectorProvisioningConfig":
               {"lambda": {"lambdaArn": function_arn("second")}}})
    assert "second" in functions.requests[-1].target
    after = describe(server, "changing")
    assert after["connectorProvisioningConfig"]["lambda"]["lambdaArn"] == function_arn("second")
    assert after["registeredAt"] == before["registeredAt"]
    listed = [each["connectorDescription"] for each in
              server.ok("ListConnectors", {"maxResults": 100})["connectors"]
              if each["connectorLabel"] == "changing"]
    assert listed == ["after"]
    assert_audited(server, "UpdateConnectorRegistration", "changing", "ok", "ok")


def test_what_is_not_registered_cannot_be_changed(server):
    missing = (404, "ResourceNotFoundException", "Connector:missing is not registered.")
    for operation in "UpdateConnectorRegistration", "UnregisterConnector":
        assert refused(server, operation, {"connectorLabel": "missing"}) == missing


def test_a_client_token_registers_once(server, functions):
    asked = registration("once", clientToken="token-1")
    first = server.ok("RegisterConnector", asked)
    assert server.ok("RegisterConnector", asked) == first
    assert len(functions.requests) == 1
    status, error, message = refused(server, "RegisterConnector", {**asked, "description": "x"})
    assert (status, error) == (409, "ConflictException") and "clientToken" in message
    change = {"connectorLabel": "once", "description": "y", "clientToken": "token-1"}
    server.ok("UpdateConnectorRegistration", change)
    server.ok("UpdateConnectorRegistration", change)
    assert len(functions.requests) == 2


def test_of_two_at_once_one_registers(server, functions):
    """Both find the label free and call the function, which answers when both are there."""
    both = threading.Barrier(2, timeout=30)

    def answers(_):
        both.wait()
        return MINIMAL

    functions.answers = answers
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: server.call("RegisterConnector", registration("raced")),
                              range(2)))
    assert sorted(each.status for each in found) == [200, 409]
    loser = next(each for each in found if each.status == 409)
    assert (loser.error, loser.message) == ("ConflictException",
                                            "Connector with label raced is already registered.")


def test_of_two_updates_at_once_one_is_refused(server, functions):
    server.ok("RegisterConnector", registration("updated-twice"))
    both = threading.Barrier(2, timeout=30)

    def answers(_):
        both.wait()
        return MINIMAL

    functions.answers = answers
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda i: server.call("UpdateConnectorRegistration", {
            "connectorLabel": "updated-twice", "description": str(i)}), range(2)))
    assert sorted(each.status for each in found) == [200, 409]
    loser = next(each for each in found if each.status == 409)
    assert loser.message == "Connector with label updated-twice was changed by another request."


def test_it_is_there_after_a_restart(servers, functions, canaries):
    functions.answers = MINIMAL
    options, env = to_functions(functions, canaries)
    server = servers(*options, env=env)
    server.ok("RegisterConnector", registration("lasting"))
    before = describe(server, "lasting")
    server.stop()
    server.start()
    assert describe(server, "lasting") == before
    server.ok("UnregisterConnector", {"connectorLabel": "lasting"})
    assert labels(server) == []


def test_what_one_node_registers_another_knows(nodes, functions, canaries):
    functions.answers = MINIMAL
    options, env = to_functions(functions, canaries)
    made = [nodes(*options) for _ in range(2)]
    for node in made:
        node.env = env
    first, second = [node.start() for node in made]
    first.ok("RegisterConnector", registration("shared"))
    assert describe(second, "shared") == describe(first, "shared")
    functions.answers = {**MINIMAL, "connectorVersion": "2.0"}
    second.ok("UpdateConnectorRegistration", {"connectorLabel": "shared"})
    assert describe(first, "shared")["connectorVersion"] == "2.0"
    first.ok("CreateConnectorProfile", profile(canaries, "mine", "shared"))
    assert refused(second, "UnregisterConnector", {"connectorLabel": "shared"})[0] == 409
    second.ok("UnregisterConnector", {"connectorLabel": "shared", "forceDelete": True})
    assert labels(first) == []


# --- profiles of a label ---

def test_a_label_in_use_stays_unless_forced(server, functions, lasting_canaries):
    server.ok("RegisterConnector", registration("used"))
    asked = profile(lasting_canaries, "mine", "used")
    server.ok("CreateConnectorProfile", asked)
    assert refused(server, "UnregisterConnector", {"connectorLabel": "used"}) == (
        409, "ConflictException",
        "Connector with label used is in use by connector profile mine. Delete its profiles first, "
        "or set forceDelete.")
    assert server.ok("UnregisterConnector",
                     {"connectorLabel": "used", "forceDelete": True}) == {}
    assert_audited(server, "UnregisterConnector", "used", "ConflictException", "ok")
    update = {name: asked[name] for name in ("connectorProfileName", "connectionMode",
                                             "connectorProfileConfig")}
    removed = (404, "ResourceNotFoundException",
               "Connector:used is not registered any more. Register it again under this label, or "
               "delete the ConnectorProfile.")
    assert refused(server, "UpdateConnectorProfile", update) == removed
    assert server.describe("mine")["connectorLabel"] == "used"
    server.ok("RegisterConnector", registration("used"))
    server.ok("UpdateConnectorProfile", update)
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "mine"})
    server.ok("UnregisterConnector", {"connectorLabel": "used"})


# --- hostile rows ---

CHANGES = [
    "function_arn = 'arn:aws:lambda:us-east-1:123456789012:function:evil'",
    "configuration = '{}'", "configuration = 'no JSON'", "version = version + 1",
    "mac = (SELECT mac FROM connectors WHERE label = 'other')"]


def test_a_row_that_was_changed_is_refused(servers, functions, canaries):
    """Write access to the database cannot lead a profile's secrets to another function."""
    functions.answers = MINIMAL
    options, env = to_functions(functions, canaries)
    server = servers(*options, env=env)
    for label in "other", *(f"row-{i}" for i in range(len(CHANGES))):
        server.ok("RegisterConnector", registration(label))
    server.stop()
    for i, change in enumerate(CHANGES):
        server.database.change(f"UPDATE connectors SET {change} WHERE label = 'row-{i}'")
    server.start()
    for i, change in enumerate(CHANGES):
        for operation, asked in (
                ("DescribeConnector", {"connectorType": "CustomConnector"}),
                ("UpdateConnectorRegistration", {}),
                ("CreateConnectorProfile", profile(canaries, "p", f"row-{i}"))):
            assert refused(server, operation, {**asked, "connectorLabel": f"row-{i}"}) == (
                500, "InternalServerException",
                f"What is stored of connector row-{i} was not written by this server. Remove it "
                "with UnregisterConnector and forceDelete, and register it again."), change
        server.ok("UnregisterConnector", {"connectorLabel": f"row-{i}"})
    assert labels(server) == ["other"]
