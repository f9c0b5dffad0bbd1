"""Sending a whole configuration again, as deployment tools do at each run; and whose it is."""

import json

import pytest

from support.server import headgate


def sandbox_config(connector, outcome):
    return json.loads(headgate("sandbox", "--list", "--json", "--connector", connector,
                               "--outcome", outcome))


def change(config, name="again"):
    return {"connectorProfileName": name, "connectionMode": "Public",
            "connectorProfileConfig": config}


@pytest.mark.parametrize("connector, outcome", [
    ("Salesforce", "accepted-code"),
    ("Salesforce", "accepted-refresh-rotating"),
    ("Salesforce", "accepted-jwt"),
    ("Zendesk", "accepted-code"),
    ("Amplitude", "accepted"),
])
def test_the_same_credentials_are_taken_again(sandboxed, connector, outcome):
    """A code was spent and a rotated refresh token replaced, but what they gave is still there."""
    config = sandbox_config(connector, outcome)
    sandboxed.ok("CreateConnectorProfile", {**change(config), "connectorType": connector})
    for _ in range(2):
        sandboxed.ok("UpdateConnectorProfile", change(config))


def test_a_refresh_token_that_does_not_rotate_is_exchanged_again(sandboxed):
    """For another profile, and after a change to other credentials."""
    config = sandbox_config("Salesforce", "accepted-refresh")
    other = sandbox_config("Salesforce", "accepted")
    for name in ("one", "two"):
        sandboxed.ok("CreateConnectorProfile",
                     {**change(config, name), "connectorType": "Salesforce"})
    sandboxed.ok("UpdateConnectorProfile", change(other, "one"))
    sandboxed.ok("UpdateConnectorProfile", change(config, "one"))


def test_a_code_serves_one_profile(sandboxed):
    config = sandbox_config("Salesforce", "accepted-code")
    sandboxed.ok("CreateConnectorProfile",
                 {**change(config, "one"), "connectorType": "Salesforce"})
    answer = sandboxed.call("CreateConnectorProfile",
                            {**change(config, "two"), "connectorType": "Salesforce"})
    assert answer.status == 401
    assert "works only once" in answer.message
    assert sandboxed.describe("two") is None


def test_an_app_of_another_account_is_not_used(sandboxed):
    """The server reads secrets with its own rights, so a caller may name only his account's."""
    config = sandbox_config("Salesforce", "accepted-client-credentials-arn")
    sandboxed.ok("CreateConnectorProfile", {**change(config), "connectorType": "Salesforce"})
    credentials = config["connectorProfileCredentials"]["Salesforce"]
    credentials["clientCredentialsArn"] = credentials["clientCredentialsArn"].replace(
        "123456789012", "111122223333")
    answer = sandboxed.call("UpdateConnectorProfile", change(config))
    assert answer.status == 400
    assert answer.error == "ValidationException"
    assert "ClientCredentialsArn" in answer.message


@pytest.mark.parametrize("connector, properties, text", [
    ("Amplitude", {}, "Validation exception: ApiKey cannot be blank for connector: AMPLITUDE"),
    ("Salesforce", {"Salesforce": {}},
     "Validation exception: AuthCode cannot be blank for connector: SALESFORCE"),
])
def test_creating_needs_credentials(sandboxed, connector, properties, text):
    answer = sandboxed.call("CreateConnectorProfile", {
        **change({"connectorProfileProperties": properties}), "connectorType": connector})
    assert answer.status == 400
    assert answer.message == text
    assert sandboxed.describe("again") is None
