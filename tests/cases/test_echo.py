"""A vendor whose errors repeat what it was sent, piece by piece, however it was encoded: what it
says is told, without any secret."""

import base64
import json
import re
import secrets
import urllib.parse

import pytest

from support.salesforce import REDIRECT
from support.server import headgate
from support.vendor import Vendor, http

ODD = '~?>"/+='  # other texts in JSON, in percent encoding, and in base64 and base64url
REMOVED = "[removed]"


class Echo(Vendor):
    """Refuses what it is asked in the words that a test sets, but that it may give a token or a
    session before."""

    def __init__(self, token):
        super().__init__(self.answer_one)
        self.token = token
        self.words = "no"
        self.gives = False

    def answer_one(self, request):
        if self.gives and re.search(r"/tokens?\b|oauth\.v2|/auth$", request.target):
            return http("200 OK", json.dumps({
                "access_token": self.token, "token_type": "Bearer", "expires_in": 3599,
                "ok": True, "authed_user": {"access_token": self.token},
                "responseStatus": "SUCCESS", "sessionId": self.token, "vaultId": 1,
                "vaultIds": [{"id": 1, "url": f"{self.url}/api"}]}))
        words = self.words(request) if callable(self.words) else self.words
        return http("401 Unauthorized", words, "text/plain")

    def pieces(self):
        """Everything that a vendor could repeat of the last request."""
        last = self.requests[-1]
        yield last.target
        yield last.body.decode()
        for name, value in last.headers.items():
            if name not in ("host", "user-agent", "accept", "content-length", "connection"):
                yield value
                if value.startswith("Basic "):
                    yield value.removeprefix("Basic ")
                    yield base64.b64decode(value.removeprefix("Basic ")).decode()


def oauth(secret, **more):
    return {"clientId": "client", "clientSecret": secret("client-secret"), "oAuthRequest": {
        "authCode": secret("code"), "redirectUri": REDIRECT}, **more}


def sap(url, **more):
    host, port = url.rsplit(":", 1)
    return {"applicationHostUrl": host, "applicationServicePath": "/catalog",
            "portNumber": int(port), "clientNumber": "100", **more}


# One of each way to authenticate: properties for the vendor's URL, credentials for what makes
# secrets.
WAYS = {
    "Amplitude": (lambda url: {}, lambda secret: {
        "apiKey": secret("api-key"), "secretKey": secret("secret-key")}),
    "Datadog": (lambda url: {"instanceUrl": url}, lambda secret: {
        "apiKey": secret("api-key"), "applicationKey": secret("application-key")}),
    "Dynatrace": (lambda url: {"instanceUrl": url}, lambda secret: {
        "apiToken": secret("api-token")}),
    "Infornexus": (lambda url: {"instanceUrl": url}, lambda secret: {
        "accessKeyId": "key-id", "userId": "user", "secretAccessKey": secret("secret-key"),
        "datakey": secret("data-key")}),
    "Marketo": (lambda url: {"instanceUrl": url}, lambda secret: {
        "clientId": "client", "clientSecret": secret("client-secret")}),
    "SAPOData": (sap, lambda secret: {"basicAuthCredentials": {
        "username": "user", "password": secret("password")}}),
    "SAPOData-oauth": (lambda url: sap(url, oAuthProperties={
        "tokenUrl": f"{url}/token", "authCodeUrl": f"{url}/auth", "oAuthScopes": ["a"]}),
        lambda secret: {"oAuthCredentials": oauth(secret)}),
    "Salesforce": (lambda url: {}, lambda secret: {
        "refreshToken": secret("refresh"),
        "oAuthRequest": {"authCode": secret("code"), "redirectUri": REDIRECT}}),
    "Servicenow": (lambda url: {"instanceUrl": url}, lambda secret: {
        "username": "user", "password": secret("password")}),
    "Singular": (lambda url: {}, lambda secret: {"apiKey": secret("api-key")}),
    "Slack": (lambda url: {"instanceUrl": url}, oauth),
    "Trendmicro": (lambda url: {}, lambda secret: {"apiSecretKey": secret("api-secret-key")}),
    "Veeva": (lambda url: {"instanceUrl": url}, lambda secret: {
        "username": "user", "password": secret("password")}),
    "Zendesk": (lambda url: {"instanceUrl": url}, oauth),
}
MEMBERS = {"Infornexus": "InforNexus", "Servicenow": "ServiceNow"}
GIVING = ("Marketo", "SAPOData-oauth", "Salesforce", "Slack", "Veeva", "Zendesk")
APPS = ("Salesforce",)  # whose client's secret is the operator's


class Secrets:
    """Makes odd ones, and knows what of them may be nowhere."""

    def __init__(self, canaries):
        self.canaries = canaries
        self.made = {}

    def __call__(self, name):
        if name not in self.made:
            self.made[name] = self.canaries.add(f"canary{secrets.token_hex(12)}{ODD}")
        return self.made[name]

    def forms(self, names):
        """Encodings of each by itself."""
        for secret in map(self.made.get, sorted(names)):
            yield secret
            yield urllib.parse.quote(secret, safe="")
            yield json.dumps(secret)[1:-1]
            yield base64.b64encode(secret.encode()).decode()
            yield base64.urlsafe_b64encode(secret.encode()).decode()

    def assert_absent(self, text):
        cores = [secret[:30] for secret in self.made.values()]
        found = [core for core in cores if core.lower() in text.lower()]
        assert not found, text
        padless = [form.rstrip("=") for form in self.forms(self.made)]
        assert not any(form in text for form in padless), text


@pytest.fixture
def secret(canaries):
    return Secrets(canaries)


@pytest.fixture
def echo(secret):
    with Echo(secret("given")) as vendor:
        yield vendor


def create(kind, url, secret):
    properties, credentials = WAYS[kind]
    kind = kind.split("-")[0]
    member = MEMBERS.get(kind, kind)
    return {"connectorProfileName": "p", "connectorType": kind, "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {member: properties(url)},
                "connectorProfileCredentials": {member: credentials(secret)}}}


def told(server, echo, request, words):
    echo.words = words
    answer = server.call("CreateConnectorProfile", request)
    assert answer.status == 401, answer.body
    return answer.message


def parts(request):
    return re.findall(r"[^\s:,]{20,}", request.headers.get("authorization", ""))


def assert_nothing_is_repeated(server, echo, secret, request, known):
    assert "no" in told(server, echo, request, "no")
    seen = [told(server, echo, request, f"You sent {piece}.") for piece in set(echo.pieces())]
    assert any("You sent " in message and REMOVED in message for message in seen), seen
    # A signature or a token of this very request, out of the header that it comes in.
    for number in range(len(parts(echo.requests[-1]))):
        message = told(server, echo, request,
                       lambda sent, at=number: f"You sent {parts(sent)[at]}.")
        assert parts(echo.requests[-1])[number].rstrip("=") not in message, message
    # And in encodings of its own.
    for form in dict.fromkeys(secret.forms(known)):
        seen.append(told(server, echo, request, f"You sent {form}."))
        assert "You sent " in seen[-1], seen[-1]
    for message in seen:
        secret.assert_absent(message)


def server_for(servers, echo, secret, kind):
    server = servers("--egress-allow", "127.0.0.1", "--endpoint",
                     f"{kind.split('-')[0]}={echo.url}", start=False)
    if kind in APPS:
        headgate("oauth-app", "set", *server.place, "--connector", kind, "--client-id", "client",
                 input=secret("app-secret").encode() + b"\n")
    return server.start()


@pytest.mark.parametrize("kind", WAYS)
def test_credentials_are_not_repeated(servers, echo, secret, kind):
    server = server_for(servers, echo, secret, kind)
    request = create(kind, echo.url, secret)
    assert_nothing_is_repeated(server, echo, secret, request, secret.made.keys() - {"given"})


@pytest.mark.parametrize("kind", GIVING)
def test_what_was_got_for_them_is_not_repeated(servers, echo, secret, kind):
    server = server_for(servers, echo, secret, kind)
    request = create(kind, echo.url, secret)
    echo.gives = True
    assert_nothing_is_repeated(server, echo, secret, request, secret.made.keys() - {"app-secret"})
