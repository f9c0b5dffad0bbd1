"""Credentials do not go out unencrypted: http:// in a profile's URLs needs the operator's leave."""

import copy
import json

import pytest

from support.server import headgate
from support.vendor import Vendor, http

# Every connector that takes a URL, and its member.
MEMBERS = {
    "Datadog": "instanceUrl",
    "Dynatrace": "instanceUrl",
    "Infornexus": "instanceUrl",
    "Marketo": "instanceUrl",
    "Pardot": "instanceUrl",
    "SAPOData": "applicationHostUrl",
    "Salesforce": "instanceUrl",
    "Servicenow": "instanceUrl",
    "Slack": "instanceUrl",
    "Veeva": "instanceUrl",
    "Zendesk": "instanceUrl",
}
PUBLIC = "http://93.184.216.34"


def config_of(connector):
    return json.loads(headgate("sandbox", "--list", "--json", "--connector", connector,
                               "--outcome", "accepted"))


def with_url(config, member, url):
    config = copy.deepcopy(config)
    properties, = config["connectorProfileProperties"].values()
    properties[member] = url(properties.get(member, "https://pi.pardot.com")) \
        if callable(url) else url
    return config


def create(server, connector, config, mode="Public"):
    return server.call("CreateConnectorProfile",
                       {"connectorProfileName": "clear", "connectorType": connector,
                        "connectionMode": mode, "connectorProfileConfig": config})


def assert_refused(server, answer, member):
    assert (answer.status, answer.error) == (400, "ValidationException"), answer.body
    message = answer.json()["message"]
    assert message.startswith(f"Validation exception: {member} must begin with https://"), message
    assert server.describe("clear") is None


@pytest.fixture(scope="module")
def closed(lasting_servers):
    return lasting_servers()


@pytest.fixture(scope="module")
def opened(lasting_servers):
    return lasting_servers("--egress-allow", "127.0.0.0/8,::1")


@pytest.mark.parametrize("connector", MEMBERS)
def test_http_is_refused(closed, opened, connector):
    member = MEMBERS[connector]
    config = config_of(connector)
    for url in (lambda text: text.replace("https://", "http://"), PUBLIC, "http://127.0.0.1"):
        assert_refused(closed, create(closed, connector, with_url(config, member, url)), member)
    for url in (lambda text: text.replace("https://", "http://"), PUBLIC):
        assert_refused(opened, create(opened, connector, with_url(config, member, url)), member)


def test_http_token_urls_are_refused(closed):
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", "SAPOData",
                                 "--outcome", "accepted-token"))
    oauth = config["connectorProfileProperties"]["SAPOData"]["oAuthProperties"]
    oauth["tokenUrl"] = oauth["tokenUrl"].replace("https://", "http://")
    assert_refused(closed, create(closed, "SAPOData", config), "oAuthProperties.tokenUrl")


def test_an_update_is_refused_too(servers):
    config = config_of("Zendesk")
    server = servers("--sandbox")
    assert create(server, "Zendesk", config).status == 200
    server.stop()
    server.options = []
    server.start()
    config = with_url(config, "instanceUrl", "http://acme.zendesk.com")
    answer = server.call("UpdateConnectorProfile",
                         {"connectorProfileName": "clear", "connectionMode": "Public",
                          "connectorProfileConfig": config})
    assert (answer.status, answer.error) == (400, "ValidationException"), answer.body
    assert "instanceUrl must begin with https://" in answer.json()["message"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_addresses_that_the_operator_opened_are_called(opened, host):
    with Vendor() as vendor:
        vendor.script.append(http("401 Unauthorized", '{"error":"invalid_token"}'))
        config = with_url(config_of("Zendesk"), "instanceUrl", f"http://{host}:{vendor.port}")
        answer = create(opened, "Zendesk", config)
        assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
        assert len(vendor.requests) == 1


def test_private_routes_are_called(servers):
    """Without TLS only where the operator says so for the route."""
    config = with_url(config_of("SAPOData"), "applicationHostUrl", "http://sap.acme.example")
    with Vendor() as vendor:
        server = servers("--private-route", f"sap.acme.example={vendor.url}")
        assert create(server, "SAPOData", config, mode="Private").status == 200
        answer = create(server, "SAPOData", config)
        assert (answer.status, answer.error) == (400, "ValidationException")
        server.stop()
        server.options = ["--private-route", f"sap.acme.example={vendor.authority}"]
        server.start()
        answer = create(server, "SAPOData", config, mode="Private")
        assert (answer.status, answer.error) == (400, "ValidationException")
        assert "applicationHostUrl must begin with https://" in answer.message


def test_the_sandbox_stands_for_http_too(sandboxed):
    config = with_url(config_of("Zendesk"), "instanceUrl", "http://acme.zendesk.com")
    assert create(sandboxed, "Zendesk", config).status == 200
