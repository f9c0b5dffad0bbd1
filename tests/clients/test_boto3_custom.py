"""Connectors of the user's own: their shapes are checked before the label is looked up, and the
sandbox's token URL takes what the sandbox lists for them."""

import base64
import http.client
import json
import urllib.parse

import pytest

from support import aws, sandbox

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
               for table in ("profiles", "client_tokens", "token_grants"))


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
                         config=shapes(canaries.new())["basic"], connectorLabel=None)
    assert answer == ("ValidationException", 400, "Validation exception: ConnectorLabel cannot be "
                      "blank for connector: CUSTOMCONNECTOR")


ASKS = {
    "accepted-code": lambda _, own: {
        "grant_type": "authorization_code", "code": own["oAuthRequest"]["authCode"],
        "redirect_uri": own["oAuthRequest"]["redirectUri"]},
    "accepted-refresh": lambda _, own: {
        "grant_type": "refresh_token", "refresh_token": own["refreshToken"]},
    "accepted-client-credentials": lambda given, _: {
        "grant_type": "client_credentials", **given["tokenUrlCustomProperties"]},
    "accepted-jwt": lambda given, _: {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        **given["tokenUrlCustomProperties"]},
}


@pytest.fixture(scope="module")
def vendors(tmp_path_factory):
    with sandbox.running(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


def call(vendors, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", vendors.http_port, timeout=60)
    connection.request(method, path, body, {"Host": "login.custom.example", **headers})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


def ask(vendors, own, parameters, style):
    """Asks the token URL as a client may: its secret in a body of either kind, or in a header."""
    pair = f"{own['clientId']}:{own['clientSecret']}".encode()
    if style == "basic":
        return call(vendors, "POST", "/oauth/token", urllib.parse.urlencode(parameters),
                    Authorization="Basic " + base64.b64encode(pair).decode(),
                    **{"Content-Type": "application/x-www-form-urlencoded"})
    whole = {**parameters, "client_id": own["clientId"], "client_secret": own["clientSecret"]}
    if style == "json":
        return call(vendors, "POST", "/oauth/token", json.dumps(whole),
                    **{"Content-Type": "application/json"})
    return call(vendors, "POST", "/oauth/token", urllib.parse.urlencode(whole),
                **{"Content-Type": "application/x-www-form-urlencoded"})


@pytest.mark.parametrize("style", ["form", "json", "basic"])
@pytest.mark.parametrize("outcome", ASKS)
def test_the_sandboxs_token_url_takes_what_is_listed(vendors, canaries, outcome, style):
    config = aws.config_for(canaries, aws.CUSTOM, outcome)
    given = config["connectorProfileProperties"][aws.CUSTOM]["oAuth2Properties"]
    own = config["connectorProfileCredentials"][aws.CUSTOM]["oauth2"]
    assert given["tokenUrl"] == TOKEN_URL
    parameters = ASKS[outcome](given, own)
    status, tokens = ask(vendors, own, parameters, style)
    assert status == 200, tokens
    assert call(vendors, "GET", "/me", Authorization="Bearer " + tokens["access_token"]) == \
        (200, {"id": "user-1"})
    again = ask(vendors, own, parameters, style)
    assert again[0] == (400 if "code" in parameters else 200)
    if "assertion" not in parameters:  # which proves its client itself
        assert ask(vendors, {**own, "clientSecret": "another"}, parameters, style)[0] == 401
