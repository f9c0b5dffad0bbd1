"""Stored credentials go only to who had them already: a change that sends them elsewhere needs them
again, since whoever may change a profile cannot read them."""

import json

import pytest

from support import private
from support.salesforce import REDIRECT
from support.vendor import Vendor, http

SERVICE = "com.amazonaws.vpce.us-east-1.vpce-svc-{}"
HOST = "sap.inside.example"
CATALOG = '{"d":{"EntitySets":["ServiceCollection"]}}'


@pytest.fixture
def two():
    with Vendor() as one, Vendor() as other:
        for each in (one, other):
            each.answer = lambda _: http("200 OK", CATALOG)
        yield one, other


def sap(canaries, mode="Private", credentials=True, host=f"http://{HOST}", port=80, service="1",
        **more):
    """A create's parameters; without credentials, an update's."""
    properties = {"applicationHostUrl": host, "applicationServicePath": "/catalog",
                  "portNumber": port, "clientNumber": "100", **more}
    if service:
        properties["privateLinkServiceName"] = SERVICE.format(service)
    config = {"connectorProfileProperties": {"SAPOData": properties}}
    parameters = {"connectorProfileName": "inside", "connectionMode": mode,
                  "connectorProfileConfig": config}
    if credentials:
        parameters["connectorType"] = "SAPOData"
        config["connectorProfileCredentials"] = {"SAPOData": {"basicAuthCredentials": {
            "username": "user", "password": canaries.new("password")}}}
    return parameters


def refused(server, parameters):
    stored = server.query("SELECT * FROM profiles")
    answer = server.call("UpdateConnectorProfile", parameters)
    assert (answer.status, answer.error) == (400, "ValidationException"), answer.body
    assert "another address than before" in answer.message, answer.message
    assert server.query("SELECT * FROM profiles") == stored


@pytest.fixture
def server(servers, two):
    """Two PrivateLink services, and the network's own way to the host and to loopback."""
    routes = {f"{SERVICE.format(1)}@{HOST}": two[0], f"{SERVICE.format(2)}@{HOST}": two[1],
              HOST: two[1], "127.0.0.1": two[0]}
    options = [word for name, vendor in routes.items()
               for word in ("--private-route", f"{name}={vendor.url}")]
    return servers("--egress-allow", "127.0.0.1", *options)


@pytest.mark.parametrize("service", ["2", None])
def test_another_private_service_without_tls(server, two, canaries, service):
    """Nobody proves to be the host that is meant, so the way there counts."""
    server.ok("CreateConnectorProfile", sap(canaries))
    assert private.settled(server) == {"status": "CREATED"}
    refused(server, sap(canaries, credentials=False, service=service))
    assert two[1].requests == []
    # What changes nothing about the way is taken without credentials.
    server.ok("UpdateConnectorProfile", sap(canaries, credentials=False, logonLanguage="DE"))
    assert private.settled(server) == {"status": "CREATED"}
    # And with credentials everything is.
    update = sap(canaries, service=service)
    del update["connectorType"]
    server.ok("UpdateConnectorProfile", update)
    assert private.settled(server) == {"status": "CREATED"}
    assert len(two[1].requests) == 1


def test_another_private_service_with_tls(servers, canaries):
    """The certificate proves the host, whatever the way. Here there is nobody to prove it."""
    names = f"{SERVICE.format(1)}@{HOST}", f"{SERVICE.format(2)}@{HOST}", HOST
    server = servers(*[word for name in names for word in
                       ("--private-route", f"{name}=http://{private.closed_port()}")])
    secure = {"host": f"https://{HOST}", "port": 443}
    server.ok("CreateConnectorProfile", sap(canaries, **secure))
    assert private.settled(server)["status"] == "FAILED"
    server.ok("UpdateConnectorProfile", sap(canaries, credentials=False, service="2", **secure))
    assert private.settled(server)["status"] == "FAILED"
    refused(server, sap(canaries, credentials=False, host=f"http://{HOST}"))


@pytest.mark.parametrize("before, after", [("Public", "Private"), ("Private", "Public")])
def test_another_mode_without_tls(server, two, canaries, before, after):
    at = {"host": "http://127.0.0.1", "port": two[0].port, "service": None}
    server.ok("CreateConnectorProfile", sap(canaries, before, **at))
    if before == "Private":
        assert private.settled(server) == {"status": "CREATED"}
    refused(server, sap(canaries, after, credentials=False, **at))
    server.ok("UpdateConnectorProfile", sap(canaries, before, credentials=False, **at))


@pytest.mark.parametrize("change", ["host", "port", "tokenUrl", "scheme", "path"])
def test_another_address(server, two, canaries, change):
    """Each place that credentials are sent to."""
    def at(vendor, token_url, scheme="http", host="127.0.0.1"):
        return {"mode": "Public", "host": f"{scheme}://{host}", "port": vendor.port,
                "service": None, "oAuthProperties": {
                    "tokenUrl": token_url, "authCodeUrl": "http://127.0.0.1/auth",
                    "oAuthScopes": ["a"]}}

    tokens = f"{two[0].url}/token"
    server.ok("CreateConnectorProfile", sap(canaries, **at(two[0], tokens)))
    asked = len(two[0].requests)
    refused(server, sap(canaries, credentials=False, **{
        "host": at(two[0], tokens, host="localhost"),
        "port": at(two[1], tokens),
        "scheme": at(two[0], tokens, scheme="https"),
        "tokenUrl": at(two[0], f"{two[1].url}/token"),
        "path": {**at(two[0], tokens), "applicationServicePath": "/sap/other"},
    }[change]))
    assert len(two[0].requests) == asked and two[1].requests == []
    server.ok("UpdateConnectorProfile", sap(canaries, credentials=False, **at(two[0], tokens)))


def test_another_way_to_the_tokens_without_tls(servers, canaries):
    """Salesforce's token endpoint takes the private route or not, as a property says."""
    with private.Gated(canaries) as vendor:
        server = servers(*private.options(vendor))
        server.ok("CreateConnectorProfile", private.create(vendor.new_tokens()))
        assert private.settled(server) == {"status": "CREATED"}
        update = private.change(None)
        properties = update["connectorProfileConfig"]["connectorProfileProperties"]["Salesforce"]
        properties["usePrivateLinkForMetadataAndAuthorization"] = False
        refused(server, update)
        server.ok("UpdateConnectorProfile", private.change(None, sandbox=True))


def test_what_was_got_for_one_address_is_not_shown_at_another(server, two, canaries):
    """Also when the same credentials come with the change: what counts is the token that they gave,
    and a code gives one only once."""
    access = canaries.new("access")
    two[0].answer = lambda request: http("200 OK", json.dumps({
        "access_token": access, "token_type": "Bearer"}) if request.method == "POST" else CATALOG)

    def at(vendor, **more):
        parameters = sap(canaries, "Public", host="http://127.0.0.1", port=vendor.port,
                         service=None, oAuthProperties={
                             "tokenUrl": f"{two[0].url}/token",
                             "authCodeUrl": f"{two[0].url}/auth", "oAuthScopes": ["a"]})
        parameters["connectorProfileConfig"]["connectorProfileCredentials"] = {"SAPOData": {
            "oAuthCredentials": {
                "clientId": "client", "clientSecret": canaries.new("client-secret"),
                "oAuthRequest": {"authCode": canaries.new("code"), "redirectUri": REDIRECT}}}}
        return {**parameters, **more}

    create, update = at(two[0]), at(two[0])
    del update["connectorType"]
    server.ok("CreateConnectorProfile", create)
    server.ok("UpdateConnectorProfile", update)
    assert [request.method for request in two[0].requests] == ["POST", "GET", "GET"]
    elsewhere = at(two[1])
    del elsewhere["connectorType"]
    answer = server.call("UpdateConnectorProfile", elsewhere)
    assert answer.status == 401 and "once" in answer.message, answer.body
    assert two[1].requests == []
