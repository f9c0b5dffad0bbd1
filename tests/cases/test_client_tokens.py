"""What a client token stands for: one operation of one account in one region, with all of its
parameters but the token itself."""

import copy

import pytest

from support.server import OTHER_ACCOUNT
from support.vendor import http, to_vendor

TOKEN = "one-token"
GOOD = http("200 OK", '{"data": {"series": []}, "result": [{"sys_id": "1"}]}')


@pytest.fixture
def vendor(vendor):
    """It accepts everything, so that only the client token can be in the way."""
    vendor.answer = lambda _: GOOD
    return vendor


@pytest.fixture
def server(servers, vendor):
    return servers(*to_vendor(vendor))


def servicenow(vendor, canaries, **more):
    return {"connectorProfileName": "p", "connectorType": "Servicenow", "connectionMode": "Public",
            "kmsArn": "arn:aws:kms:us-east-1:123456789012:key/one", "clientToken": TOKEN,
            "connectorProfileConfig": {
                "connectorProfileProperties": {"ServiceNow": {"instanceUrl": vendor.url}},
                "connectorProfileCredentials": {
                    "ServiceNow": {"username": "user", "password": canaries.new()}}}, **more}


def update_of(create):
    """The update with the same parameters."""
    return {name: value for name, value in create.items()
            if name not in ("connectorType", "connectorLabel", "kmsArn")}


def set_in(parameters, path, value):
    """A copy with the member at the path, a name or several, set to the value."""
    changed = copy.deepcopy(parameters)
    inner = changed
    *outer, last = path.split(".")
    for name in outer:
        inner = inner[name]
    inner[last] = value
    return changed


def test_it_is_of_one_region(server, vendor, canaries):
    request = servicenow(vendor, canaries)
    arns = [server.ok("CreateConnectorProfile", request, region=region)["connectorProfileArn"]
            for region in ("us-east-1", "eu-central-1", "us-east-1")]
    assert ":us-east-1:" in arns[0] and ":eu-central-1:" in arns[1] and arns[2] == arns[0]
    assert server.count_rows("profiles") == 2


def test_it_is_of_one_account(server, vendor, canaries):
    other = server.make_key("AKIAHEADGATETEST0002", "other-key", OTHER_ACCOUNT)
    request = servicenow(vendor, canaries)
    mine = server.ok("CreateConnectorProfile", request)
    its = server.ok("CreateConnectorProfile", request, key=other)
    assert f":{OTHER_ACCOUNT}:" in its["connectorProfileArn"]
    assert server.ok("CreateConnectorProfile", request) == mine
    assert server.count_rows("profiles") == 2


def test_it_is_of_one_operation(server, vendor, canaries):
    """Terraform and the SDKs make tokens of their own for each, but people write one down."""
    create = servicenow(vendor, canaries)
    server.ok("CreateConnectorProfile", create)
    before = server.profile_row("p")
    server.ok("UpdateConnectorProfile", update_of(create))
    after = server.profile_row("p")
    assert after["version"] > before["version"]
    for operation, request in (("CreateConnectorProfile", create),
                               ("UpdateConnectorProfile", update_of(create))):
        server.ok(operation, request)  # from what was stored
    assert server.profile_row("p") == after
    assert len(vendor.requests) == 2


CONFIG = "connectorProfileConfig"
CHANGES = {
    "connectorProfileName": "q",
    "connectionMode": "Private",
    f"{CONFIG}.connectorProfileProperties.ServiceNow.instanceUrl": "https://b.example",
    f"{CONFIG}.connectorProfileCredentials.ServiceNow.username": "someone",
    f"{CONFIG}.connectorProfileCredentials.ServiceNow.password": "another-password",
    f"{CONFIG}.connectorProfileCredentials.ServiceNow": {
        "username": "user", "password": "p", "oAuth2Credentials": {"accessToken": "t"}},
}
OF_CREATE = {
    "kmsArn": "arn:aws:kms:us-east-1:123456789012:key/two",
    "connectorLabel": "label",
    "connectorType": "Zendesk",
}


@pytest.mark.parametrize("operation", ["CreateConnectorProfile", "UpdateConnectorProfile"])
def test_with_another_parameter_it_is_a_conflict(server, vendor, canaries, operation):
    """Each parameter by itself; nothing is verified and nothing changes."""
    request, others = servicenow(vendor, canaries), {**CHANGES, **OF_CREATE}
    server.ok("CreateConnectorProfile", request)
    if operation == "UpdateConnectorProfile":
        request, others = update_of(request), CHANGES
        server.ok(operation, request)
    stored, asked = server.query("SELECT * FROM profiles"), len(vendor.requests)
    for path, value in others.items():
        answer = server.call(operation, set_in(request, path, value))
        assert (answer.status, answer.error) == (409, "ConflictException"), (path, answer.body)
        assert "clientToken" in answer.message, path
    assert server.query("SELECT * FROM profiles") == stored
    assert len(vendor.requests) == asked
    server.ok(operation, request)


def test_a_member_that_is_left_out_is_another_parameter(server, vendor, canaries):
    request = servicenow(vendor, canaries)
    server.ok("CreateConnectorProfile", request)
    del request["kmsArn"]
    answer = server.call("CreateConnectorProfile", request)
    assert (answer.status, answer.error) == (409, "ConflictException"), answer.body


def test_the_order_of_members_is_none(server, vendor, canaries):
    request = servicenow(vendor, canaries)
    first = server.ok("CreateConnectorProfile", request)
    assert server.ok("CreateConnectorProfile", dict(reversed(request.items()))) == first
