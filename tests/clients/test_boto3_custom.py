"""Connectors of the user's own: their shapes are checked; no label is registered yet."""

import pytest

from support import aws

TOKEN_URL = "https://login.custom.example/oauth/token"


def config(kind, member, credentials, properties=None):
    return {"connectorProfileProperties": {"CustomConnector": properties or {}},
            "connectorProfileCredentials": {"CustomConnector": {
                "authenticationType": kind, member: credentials}}}


def oauth2(grant, **more):
    return {"oAuth2Properties": {"tokenUrl": TOKEN_URL, "oAuth2GrantType": grant, **more}}


def shapes(secret):
    app = {"clientId": "client", "clientSecret": secret}
    code = {"oAuthRequest": {"authCode": secret, "redirectUri": "https://example.com/callback"}}
    return {
        "basic": config("BASIC", "basic", {"username": "user", "password": secret}),
        "key": config("APIKEY", "apiKey", {"apiKey": secret, "apiSecretKey": secret}),
        "custom": config("CUSTOM", "custom", {
            "customAuthenticationType": "PersonalToken", "credentialsMap": {"token": secret}}),
        "code": config("OAUTH2", "oauth2", {**app, **code}, oauth2("AUTHORIZATION_CODE")),
        "client": config("OAUTH2", "oauth2", app, oauth2(
            "CLIENT_CREDENTIALS", tokenUrlCustomProperties={"audience": "https://api.example"})),
        "refresh": config("OAUTH2", "oauth2", {**app, "refreshToken": secret},
                          oauth2("AUTHORIZATION_CODE")),
        "assertion": config("OAUTH2", "oauth2", app, oauth2(
            "JWT_BEARER", tokenUrlCustomProperties={"assertion": "head.claims.signature"})),
    }


def refused_shapes(secret):
    app = {"clientId": "client", "clientSecret": secret}
    good = shapes(secret)
    return {
        "another member": (
            config("BASIC", "apiKey", {"apiKey": secret}),
            "authenticationType BASIC needs the member basic in the credentials"),
        "no member": (
            {**good["basic"], "connectorProfileCredentials": {
                "CustomConnector": {"authenticationType": "OAUTH2"}}},
            "authenticationType OAUTH2 needs the member oauth2 in the credentials"),
        "no token url": (
            config("OAUTH2", "oauth2", app),
            "oAuth2Properties.tokenUrl is needed for connector: CustomConnector"),
        "no code": (
            config("OAUTH2", "oauth2", app, oauth2("AUTHORIZATION_CODE")),
            "AuthCode cannot be blank for connector: CUSTOMCONNECTOR"),
        "no secret": (
            config("OAUTH2", "oauth2", {"clientId": "client"},
                   oauth2("CLIENT_CREDENTIALS")),
            "ClientSecret cannot be blank for connector: CUSTOMCONNECTOR"),
        "no assertion": (
            config("OAUTH2", "oauth2", app, oauth2("JWT_BEARER")),
            "JwtToken cannot be blank for connector: CUSTOMCONNECTOR"),
        "the client again": (
            config("OAUTH2", "oauth2", app, oauth2(
                "CLIENT_CREDENTIALS", tokenUrlCustomProperties={"client_secret": "x"})),
            "tokenUrlCustomProperties must not name client_secret"),
    }


def nothing_is_stored(server):
    return all(server.count_rows(table) == 0
               for table in ("profiles", "client_tokens", "exchanges"))


@pytest.mark.parametrize("shape", shapes(""))
def test_a_label_that_is_not_registered(sandboxed, canaries, shape):
    answer = aws.refused(aws.create, client=aws.boto(sandboxed), name="own", kind="CustomConnector",
                         config=shapes(canaries.new())[shape], connectorLabel="Own_Connector")
    assert answer == ("ResourceNotFoundException", 404,
                      "Connector:Own_Connector is not registered. Please register it first before "
                      "creating ConnectorProfile.")
    assert nothing_is_stored(sandboxed)


@pytest.mark.parametrize("shape", refused_shapes(""))
def test_a_shape_that_cannot_work(sandboxed, canaries, shape):
    wrong, message = refused_shapes(canaries.new())[shape]
    answer = aws.refused(aws.create, client=aws.boto(sandboxed), name="own", kind="CustomConnector",
                         config=wrong, connectorLabel="Own_Connector")
    assert answer == ("ValidationException", 400, f"Validation exception: {message}")
    assert nothing_is_stored(sandboxed)


def test_without_a_label(sandboxed, canaries):
    answer = aws.refused(aws.create, client=aws.boto(sandboxed), name="own", kind="CustomConnector",
                         config=shapes(canaries.new())["basic"])
    assert answer == ("ValidationException", 400, "Validation exception: ConnectorLabel cannot be "
                      "blank for connector: CUSTOMCONNECTOR")
