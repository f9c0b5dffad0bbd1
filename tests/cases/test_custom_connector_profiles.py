"""Profiles of registered connectors: what their function is asked and when, what is refused before
any call, and what a connector that is gone leaves behind."""

import json

import boto3
import pytest

from support import aws, custom, sigv4
from support.functions import to_functions
from support.server import ACCOUNT, Key, headgate

VERIFIED = ["ValidateConnectorRuntimeSettings", "ValidateCredentials"]


@pytest.fixture
def connector(canaries):
    with custom.Connector(canaries) as each:
        yield each


@pytest.fixture
def server(servers, connector, canaries):
    options, env = to_functions(connector, canaries)
    made = servers(*options, env=env)
    custom.register(made)
    connector.types()
    return made


def refused(server, operation, request, error, status, words):
    answer = server.call(operation, request)
    assert (answer.error, answer.status) == (error, status), answer.body
    assert words in answer.message, answer.message


def test_a_profile_is_verified_by_its_function(server, connector, canaries):
    config = custom.basic(canaries.new(), {"region": "eu"})
    server.ok("CreateConnectorProfile", custom.create(config))
    settings, credentials = connector.asked()
    described = server.describe("own")
    assert described["connectorLabel"] == custom.LABEL
    assert described["connectorProfileProperties"] == config["connectorProfileProperties"]
    arn = described["credentialsArn"]
    assert ":secret:appflow!123456789012-orders-own-" in arn
    assert settings == {"type": "ValidateConnectorRuntimeSettingsRequest",
                        "scope": "CONNECTOR_PROFILE", "authenticationType": "BasicAuth",
                        "connectorRuntimeSettings": {"region": "eu"}}
    assert credentials == {"type": "ValidateCredentialsRequest",
                           "credentials": {"secretArn": arn, "authenticationType": "BasicAuth"},
                           "connectorRuntimeSettings": {"region": "eu"}}


def test_the_same_secret_is_named_by_every_update(server, connector, canaries):
    server.ok("CreateConnectorProfile", custom.create(custom.basic(canaries.new())))
    arn = server.describe("own")["credentialsArn"]
    connector.types()
    server.ok("UpdateConnectorProfile", custom.update(custom.basic(canaries.new())))
    assert connector.asked()[1]["credentials"]["secretArn"] == arn
    assert server.describe("own")["credentialsArn"] == arn


def test_a_name_that_ends_like_a_time_leads_to_its_secret(server, canaries):
    config = custom.basic(canaries.new())
    server.ok("CreateConnectorProfile", custom.create(config, "run-1763741024664"))
    arn = server.describe("run-1763741024664")["credentialsArn"]
    policy = server.directory / "policy.json"
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}))
    key = Key("AKIAHEADGATESECR0001", canaries.new("key"), ACCOUNT)
    headgate("access-key", "create", *server.place, "--account", ACCOUNT, "--access-key-id",
             key.id, "--secret-access-key", key.secret, "--policy", policy)
    secrets = boto3.client(
        "secretsmanager", region_name=sigv4.REGION, endpoint_url=server.endpoint,
        aws_access_key_id=key.id, aws_secret_access_key=key.secret)
    assert secrets.get_secret_value(SecretId=arn)["ARN"] == arn


@pytest.mark.parametrize("kind,answer,words", [
    ("ValidateConnectorRuntimeSettings",
     {"isSuccess": False, "errorDetails": {"errorCode": "InvalidArgument", "errorMessage": "no"},
      "errorsByInputField": {"region": "unknown"}},
     "CustomConnector orders cannot be used with this configuration at step settings: region: "
     "unknown. Check profileProperties."),
    ("ValidateCredentials",
     {"isSuccess": False, "errorDetails": {"errorCode": "InvalidCredentials"}},
     "CustomConnector orders rejected the credentials at step api: InvalidCredentials. Check the "
     "credentials."),
    ("ValidateCredentials",
     {"isSuccess": False, "errorDetails": {"errorCode": "RateLimitExceeded",
                                           "retryAfterSeconds": 3600}},
     "rate limit reached at step api, retry after 3600 seconds"),
    ("ValidateCredentials", {"isSuccess": "yes"},
     "/isSuccess: expected a boolean, found \"yes\""),
])
def test_what_the_function_refuses_changes_nothing(server, connector, canaries, kind, answer,
                                                   words):
    server.ok("CreateConnectorProfile", custom.create(custom.basic(canaries.new())))
    before = server.profile_row("own")
    connector.verdicts[kind + "Request"] = answer
    config = custom.basic(canaries.new())
    refused(server, "UpdateConnectorProfile", custom.update(config),
            "ConnectorAuthenticationException", 401, words)
    refused(server, "CreateConnectorProfile", custom.create(config, "another"),
            "ConnectorAuthenticationException", 401, words)
    assert server.profile_row("own") == before and server.count_rows("profiles") == 1


@pytest.mark.parametrize("change,words", [
    ({"connectionMode": "Private"}, "connectionMode Private is not available"),
    ({"connectorProfileConfig": {
        "connectorProfileProperties": {aws.CUSTOM: {}},
        "connectorProfileCredentials": {aws.CUSTOM: {
            "authenticationType": "APIKEY", "apiKey": {"apiKey": "no-secret"}}}}},
     "connector orders does not take authenticationType APIKEY, but BASIC, OAUTH2"),
    ({"connectorProfileConfig": {
        "connectorProfileProperties": {aws.CUSTOM: {"oAuth2Properties": {
            "tokenUrl": "https://elsewhere.example/token",
            "oAuth2GrantType": "AUTHORIZATION_CODE"}}},
        "connectorProfileCredentials": {aws.CUSTOM: {
            "authenticationType": "OAUTH2", "oauth2": {
                "clientId": "client", "accessToken": "no-secret"}}}}},
     "oAuth2Properties.tokenUrl is none of the token URLs that connector orders declares"),
])
def test_what_the_declaration_rules_out_is_refused_before_any_call(server, connector, canaries,
                                                                   change, words):
    request = {**custom.create(custom.basic(canaries.new())), **change}
    refused(server, "CreateConnectorProfile", request, "ValidationException", 400, words)
    assert connector.types() == []


def test_the_operator_can_allow_a_token_url(servers, connector, canaries):
    options, env = to_functions(connector, canaries)
    server = servers(*options, "--connector-token-url", "https://{{tenant}}.example/token", env=env)
    custom.register(server)
    config = connector.with_code()
    own = config["connectorProfileProperties"][aws.CUSTOM]["oAuth2Properties"]
    credentials = config["connectorProfileCredentials"][aws.CUSTOM]["oauth2"]
    credentials["accessToken"] = canaries.new()
    del credentials["oAuthRequest"]
    own["tokenUrl"] = "https://acme.example/token"
    server.ok("CreateConnectorProfile", custom.create(config))
    own["tokenUrl"] = "https://acme.example/other"
    refused(server, "UpdateConnectorProfile", custom.update(config), "ValidationException", 400,
            "none of the token URLs")


def test_a_code_is_shown_once(server, connector):
    """Not while the settings are refused; then once, also when the function refuses the token, and
    a retry continues from there."""
    config = connector.with_code()
    code, = connector.codes
    refusal = {"isSuccess": False, "errorDetails": {"errorCode": "ServiceUnavailable"}}
    request = custom.create(config, clientToken="one")
    for kind, shown in (("ValidateConnectorRuntimeSettings", 0), ("ValidateCredentials", 1)):
        connector.verdicts = {kind + "Request": refusal}
        refused(server, "CreateConnectorProfile", request, "ConnectorAuthenticationException", 401,
                "ServiceUnavailable")
        assert connector.codes[code] == shown
    connector.verdicts = {}
    server.ok("CreateConnectorProfile", request)
    connector.types()
    server.ok("CreateConnectorProfile", request)
    assert connector.types() == [] and connector.codes[code] == 1
    # A deployment tool sends it again at each run; another profile cannot use it.
    server.ok("UpdateConnectorProfile", custom.update(config))
    assert connector.types() == VERIFIED and connector.codes[code] == 1
    refused(server, "CreateConnectorProfile", custom.create(config, "another"),
            "ConnectorAuthenticationException", 401, "works only once")


def test_tokens_of_parameters_that_a_dry_run_proposes_are_not_stored(server, connector):
    """Where the credentials go stays the same; what comes back for them does not."""
    config = connector.with_client(audience="reports")
    server.ok("CreateConnectorProfile", custom.create(config))
    before = server.query("SELECT * FROM oauth_tokens")
    connector.verdicts = {"ValidateCredentialsRequest": {
        "isSuccess": False, "errorDetails": {"errorCode": "InvalidCredentials"}}}
    connector.requests.clear()
    proposed = aws.properties_only(connector.with_client(audience="everything"))
    answer = server.call("UpdateConnectorProfile", custom.update(proposed),
                         headers=[("X-Headgate-Dry-Run", "true")])
    assert json.loads(answer.header("x-headgate-verification"))["verdict"] == "rejected"
    shown, = [request.body for request in connector.requests if request.target == "/token"]
    assert b"audience=everything" in shown
    assert before and server.query("SELECT * FROM oauth_tokens") == before


def test_a_refresh_token_that_a_dry_run_had_replaced_is_stored(server, connector, canaries):
    """The stored one may not work any more, whatever parameters it was sent with."""
    config = connector.with_code()
    credentials = config["connectorProfileCredentials"][aws.CUSTOM]["oauth2"]
    del credentials["oAuthRequest"]
    credentials.update(accessToken=canaries.new(), refreshToken=canaries.new())
    server.ok("CreateConnectorProfile", custom.create(config))
    connector.verdicts = {"ValidateCredentialsRequest": {
        "isSuccess": False, "errorDetails": {"errorCode": "InvalidCredentials"}}}
    own = config["connectorProfileProperties"][aws.CUSTOM]["oAuth2Properties"]
    own["tokenUrlCustomProperties"] = {"audience": "everything"}
    answer = server.call("UpdateConnectorProfile", custom.update(aws.properties_only(config)),
                         headers=[("X-Headgate-Dry-Run", "true")])
    assert json.loads(answer.header("x-headgate-verification"))["verdict"] == "rejected"
    connector.verdicts = {}
    del own["tokenUrlCustomProperties"]
    connector.requests.clear()
    server.ok("UpdateConnectorProfile", custom.update(aws.properties_only(config)))
    assert len(server.query("SELECT * FROM oauth_tokens")) == 1
    assert not [each for each in connector.requests if each.target == "/token"]
    shown = json.loads(headgate("profile", "show", "own", *server.place, "--json", "--token-policy",
                                "CustomConnector=idle:7d"))
    assert "idle:7d" in shown["tokenPolicy"] and shown["tokenPolicyChanged"]


def test_stored_credentials_go_where_they_went_before(server, connector, canaries):
    """A setting may be an address that the function sends them to."""
    config = custom.basic(canaries.new(), {"instanceUrl": "https://own.example"})
    server.ok("CreateConnectorProfile", custom.create(config))
    connector.types()
    server.ok("UpdateConnectorProfile", custom.update(aws.properties_only(config)))
    assert connector.types() == VERIFIED
    elsewhere = custom.basic("", {"instanceUrl": "https://elsewhere.example"})
    refused(server, "UpdateConnectorProfile",
            custom.update(aws.properties_only(elsewhere)), "ValidationException", 400,
            "Give connectorProfileCredentials again with this change")
    assert connector.types() == []


def test_a_connector_that_was_unregistered_by_force(server, connector, canaries):
    config = custom.basic(canaries.new())
    server.ok("CreateConnectorProfile", custom.create(config))
    refused(server, "UnregisterConnector", {"connectorLabel": custom.LABEL}, "ConflictException",
            409, "own")
    server.ok("UnregisterConnector", {"connectorLabel": custom.LABEL, "forceDelete": True})
    connector.types()
    refused(server, "UpdateConnectorProfile", custom.update(config), "ResourceNotFoundException",
            404, "Register it again under this label, or delete the ConnectorProfile.")
    refused(server, "CreateConnectorProfile", custom.create(config, "another"),
            "ResourceNotFoundException", 404, "Please register it first")
    assert connector.types() == []
    assert server.describe("own")["connectorLabel"] == custom.LABEL
    custom.register(server)
    connector.types()
    server.ok("UpdateConnectorProfile", custom.update(config))
    assert connector.types() == VERIFIED
    server.ok("UnregisterConnector", {"connectorLabel": custom.LABEL, "forceDelete": True})
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "own"})
    assert server.count_rows("profiles") == 0
