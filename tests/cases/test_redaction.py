"""A vendor that repeats secrets in encodings of its own: its message is passed on without them, in
the error, the log, the audit and the description of a private connection. The unit test of the
redaction (tests/unit/test_redact.c) has the whole table of forms."""

import base64
import html
import json
import re

import pytest

from support import private
from support.salesforce import with_app
from support.server import ACCOUNT, headgate
from support.vendor import Vendor, http

REMOVED = "[removed]"


def all_as(pattern):
    return lambda secret: "".join(pattern % ord(char) for char in secret)


def base64_after(head):
    return lambda secret: base64.b64encode((head + secret).encode()).decode()


FORMS = {
    "plain": str,
    "upper case": str.upper,
    "HTML": html.escape,
    "HTML for all": all_as("&#%d;"),
    "HTML for all, hexadecimal": all_as("&#x%x;"),
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON, slashes": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "JSON for all": all_as("\\u%04x"),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret)[1:-1])[1:-1],
    "percent for all": all_as("%%%02x"),
    "percent twice": all_as("%%25%02x"),
    "hex": lambda secret: secret.encode().hex(),
    "base64": base64_after(""),
    "base64 after one": base64_after("x"),
    "base64 after a name": base64_after("client:"),
    "base64 in lines": lambda secret: base64.encodebytes((secret * 3).encode()).decode().strip(),
    "zero-width": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "without its head": lambda secret: secret[len(secret) // 3:],
    "without its tail": lambda secret: secret[:-len(secret) // 3],
}


def refreshing(url, refresh, client_secret):
    """A profile whose access token is refused, so that its refresh token is sent."""
    host, port = url.rsplit(":", 1)
    return {"connectorProfileName": "erp", "connectorType": "SAPOData", "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"SAPOData": {
                    "applicationHostUrl": host, "applicationServicePath": "/catalog",
                    "portNumber": int(port), "clientNumber": "100", "oAuthProperties": {
                        "tokenUrl": f"{url}/token", "authCodeUrl": f"{url}/auth",
                        "oAuthScopes": ["a"]}}},
                "connectorProfileCredentials": {"SAPOData": {"oAuthCredentials": {
                    "clientId": "client-one", "clientSecret": client_secret,
                    "accessToken": "dummyAccessToken", "refreshToken": refresh}}}}}


class TokenEndpoint(Vendor):
    """Refuses access tokens, and then refresh tokens in the words that a test sets."""

    def __init__(self):
        super().__init__(self.answer_one)
        self.words = None

    def answer_one(self, request):
        if request.method != "POST":
            return http("401 Unauthorized", "", "text/plain", [("WWW-Authenticate", "Bearer")])
        return http("400 Bad Request", json.dumps({
            "error": "invalid_grant", "error_description": self.words(request)}))


@pytest.fixture
def endpoint():
    with TokenEndpoint() as vendor:
        yield vendor


@pytest.fixture
def server(servers, endpoint):
    return servers("--egress-allow", "127.0.0.1", "--audit-repeat", "0")


def seen_of(server):
    """What an operator reads of a server, and its callers."""
    server.stop()
    audit = headgate("audit", *server.place, "--account", ACCOUNT)
    return {"log": server.log, "audit": audit}


def assert_absent(text, secrets):
    """Neither the secret nor a half of it, whatever stands between its letters and digits."""
    letters = re.sub(r"[^a-z0-9]", "", text.lower())
    for secret in secrets:
        core = re.sub(r"[^a-z0-9]", "", secret.lower())
        half = len(core) // 2
        for form in (core, core[:half], core[half:], secret.encode().hex(),
                     base64.b64encode(secret.encode()).decode().rstrip("=").lower()):
            assert re.sub(r"[^a-z0-9]", "", form) not in letters, text


def test_no_form_of_a_secret_is_passed_on(server, endpoint, canaries):
    refresh = canaries.add(canaries.new("refresh") + "/x+y=\"<&")
    client_secret = canaries.new("client-secret")
    request = refreshing(endpoint.url, refresh, client_secret)
    for name, form in FORMS.items():
        endpoint.words = lambda _, form=form: f"You sent {form(refresh)} to us."
        answer = server.call("CreateConnectorProfile", request)
        assert answer.status == 401, answer.body
        assert f"You sent {REMOVED} to us." in answer.message, (name, answer.message)
    for where, text in seen_of(server).items():
        assert text.count(REMOVED) >= len(FORMS) or where == "log", text
        assert_absent(text, [refresh, client_secret])


def test_a_repeated_request_is_passed_on_without_its_secrets(server, endpoint, canaries):
    """What token endpoints say: the Authorization header with the body, and the refresh token
    that they do not know."""
    refresh, client_secret = canaries.new("refresh"), canaries.new("client-secret")
    request = refreshing(endpoint.url, refresh, client_secret)
    said = {
        lambda sent: "Cannot authenticate with header Authorization: "
                     f"{sent.headers['authorization']} and body {sent.body.decode()}":
            f"Cannot authenticate with header Authorization: Basic {REMOVED} and body {REMOVED}",
        lambda sent: "Basic credentials " + sent.headers["authorization"].split()[1].swapcase():
            f"Basic credentials {REMOVED}",
        lambda sent: f"Invalid refresh token (expired): {refresh} expired at Thu Jan 01 00:00:00 "
                     "UTC 2026":
            f"Invalid refresh token (expired): {REMOVED} expired at Thu Jan 01 00:00:00 UTC 2026",
        lambda sent: f"Body was {base64.b64encode(sent.body).decode()}": f"Body was {REMOVED}",
    }
    for words, expected in said.items():
        endpoint.words = words
        answer = server.call("CreateConnectorProfile", request)
        assert (answer.status, expected in answer.message) == (401, True), answer.message
    for text in seen_of(server).values():
        assert_absent(text, [refresh, client_secret, f"client-one:{client_secret}"])


@pytest.mark.parametrize("form", ["HTML for all", "percent twice", "hex", "base64 after a name",
                                  "without its head"])
def test_a_described_failure_has_no_secret(servers, canaries, form):
    """A private connection is verified in the background; what failed is described."""
    with private.Gated(canaries) as vendor:
        server = with_app(servers, canaries, *private.options(vendor)).start()
        token = vendor.fresh("wrong")
        vendor.judge = lambda _: http("401 Unauthorized", json.dumps([{
            "errorCode": "INVALID_SESSION_ID", "message": f"You sent {FORMS[form](token)}, no"}]))
        server.ok("CreateConnectorProfile", private.create({"accessToken": token}))
        failed = private.settled(server)
        assert "You sent" in failed["failureMessage"] and "removed" in failed["failureMessage"]
        for text in (json.dumps(server.describe("inside")), *seen_of(server).values()):
            assert_absent(text, [token])
