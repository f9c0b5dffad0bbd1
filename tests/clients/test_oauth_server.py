"""The code, refresh and client credentials grants against an OAuth server that is not ours, over
plain loopback, which the egress list allows."""

import json
import pathlib
import subprocess

import pytest

from support import aws
from support.server import headgate

SCRIPT = pathlib.Path(__file__).with_name("oauth_server.mjs")
REDIRECT = "https://example.com/callback"
CLIENT_ID = "headgate-test-app"


class OAuthServer:
    def __init__(self, client_secret):
        self.process = subprocess.Popen(
            ["node", SCRIPT, CLIENT_ID, client_secret, REDIRECT], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port = self._read()["port"]

    def _read(self):
        line = self.process.stdout.readline()
        assert line, "the OAuth server has ended"
        return json.loads(line)

    def ask(self, make=None):
        self.process.stdin.write(json.dumps({"make": make}).encode() + b"\n")
        self.process.stdin.flush()
        return self._read()

    def calls(self, path):
        return sum(1 for each in self.ask()["asked"] if each.endswith(path))

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


@pytest.fixture
def oauth(canaries):
    server = OAuthServer(canaries.new("client-secret"))
    yield server
    server.close()


@pytest.fixture
def server(servers, oauth, canaries):
    """A server whose Salesforce is the OAuth server, with the app that it knows."""
    made = servers("--egress-allow", "127.0.0.1",
                   "--endpoint", f"Salesforce=http://127.0.0.1:{oauth.port}", start=False)
    headgate("oauth-app", "set", "--data", made.data, "--connector", "Salesforce", "--client-id",
             CLIENT_ID, input=canaries.new("client-secret").encode() + b"\n")
    return made.start()


def config(canaries, credentials):
    made = {"connectorProfileProperties": {"Salesforce": {}},
            "connectorProfileCredentials": {"Salesforce": credentials}}
    canaries.add_credentials(made)
    return made


def code_config(canaries, oauth):
    code = oauth.ask("code")["code"]
    return config(canaries, {"oAuthRequest": {"authCode": code, "redirectUri": REDIRECT}})


def test_a_code_is_exchanged_once(server, oauth, canaries):
    client = aws.boto(server)
    first = code_config(canaries, oauth)
    aws.create(client, "code", "Salesforce", first)
    assert oauth.calls("/token") == 1
    second = code_config(canaries, oauth)
    aws.update(client, "code", second, clientToken="t1")
    aws.update(client, "code", second, clientToken="t1")
    assert oauth.calls("/token") == 2
    row = server.profile_row("code")
    assert aws.refused(aws.update, client=client, name="code", config=first)[:2] == \
        ("ConnectorAuthenticationException", 401)
    assert server.profile_row("code") == row
    # The stored credentials once more: what was got for them counts.
    aws.update(client, "code", second)
    # A spent code isn't shown again: the vendor would revoke what it gave for it.
    assert oauth.calls("/token") == 2
    aws.update(client, "code", aws.properties_only(second))


def test_a_code_that_was_never_given(server, oauth, canaries):
    client = aws.boto(server)
    wrong = config(canaries, {"oAuthRequest": {"authCode": canaries.new("code"),
                                               "redirectUri": REDIRECT}})
    name, status, message = aws.refused(aws.create, client=client, name="wrong", kind="Salesforce",
                                        config=wrong)
    assert (name, status) == ("ConnectorAuthenticationException", 401)
    assert "grant request is invalid" in message or "invalid_grant" in message
    assert oauth.calls("/token") == 1


def test_a_stale_access_token_is_renewed(server, oauth, canaries):
    client = aws.boto(server)
    tokens = oauth.ask("tokens")
    stale = config(canaries, {**tokens, "accessToken": canaries.new("stale")})
    aws.create(client, "stale", "Salesforce", stale)
    assert oauth.calls("/token") == 1
    # Rotation gave another refresh token; the stored one is what works from now on.
    aws.update(client, "stale", aws.properties_only(stale))
    assert oauth.calls("/token") == 1


def test_a_ready_token_needs_no_exchange(server, oauth, canaries):
    aws.create(aws.boto(server), "ready", "Salesforce", config(canaries, oauth.ask("tokens")))
    assert oauth.calls("/token") == 0


class Kind:
    """How a connector is led to the OAuth server, and where its credentials take what."""

    def __init__(self, key, properties, by_operator=False, has_app=False, members=None):
        self.key = key
        self.properties = properties
        self.by_operator = by_operator  # through his endpoint map
        self.has_app = has_app          # the app is the operator's
        self.members = members          # of the credentials, in which the tokens are

    def config(self, canaries, oauth, **credentials):
        if not self.has_app:
            credentials = {"clientId": CLIENT_ID, "clientSecret": canaries.new("client-secret"),
                           **credentials}
        if self.members:
            credentials = {self.members: credentials}
        properties = {name: value.format(port=oauth.port)
                      for name, value in self.properties.items()}
        made = {"connectorProfileProperties": {self.key: properties},
                "connectorProfileCredentials": {self.key: credentials}}
        canaries.add_credentials(made)
        return made


INSTANCE = {"instanceUrl": "http://127.0.0.1:{port}/"}
KINDS = {
    "Servicenow": Kind("ServiceNow", INSTANCE, members="oAuth2Credentials"),
    "Googleanalytics": Kind("GoogleAnalytics", {}, by_operator=True),
    "Pardot": Kind("Pardot", {"businessUnitId": "0Uv000000000001CAA"}, by_operator=True,
                   has_app=True),
    "Marketo": Kind("Marketo", INSTANCE),
}
with_codes = pytest.mark.parametrize("kind", [name for name in KINDS if name != "Marketo"])


@pytest.fixture
def led(servers, oauth, canaries, kind):
    """A server whose vendor of that kind is the OAuth server."""
    options = ["--egress-allow", "127.0.0.1"]
    if KINDS[kind].by_operator:
        options += ["--endpoint", f"{kind}=http://127.0.0.1:{oauth.port}"]
    made = servers(*options, start=False)
    if KINDS[kind].has_app:
        headgate("oauth-app", "set", "--data", made.data, "--connector", kind, "--client-id",
                 CLIENT_ID, input=canaries.new("client-secret").encode() + b"\n")
    return made.start()


@with_codes
def test_each_kind_s_code(led, oauth, canaries, kind):
    client = aws.boto(led)
    request = {"authCode": oauth.ask("code")["code"], "redirectUri": REDIRECT}
    good = KINDS[kind].config(canaries, oauth, oAuthRequest=request)
    aws.create(client, "code", kind, good)
    # The same again is no second exchange: what was got for the code counts.
    aws.update(client, "code", good)
    assert oauth.calls("/token") + oauth.calls("/oauth_token.do") == 1
    for wrong in ({**request, "authCode": canaries.new("code")},
                  {"authCode": oauth.ask("code")["code"], "redirectUri": "https://else.example"}):
        answer = aws.refused(aws.update, client=client, name="code", config=KINDS[kind].config(
            canaries, oauth, oAuthRequest=wrong))
        assert answer[:2] == ("ConnectorAuthenticationException", 401), answer
        assert "at step token" in answer[2], answer


@with_codes
def test_each_kind_s_rotating_refresh_token(led, oauth, canaries, kind):
    client = aws.boto(led)
    tokens = oauth.ask("tokens")
    stale = {**tokens, "accessToken": "dummyAccessToken"}
    aws.create(client, "stale", kind, KINDS[kind].config(canaries, oauth, **stale))
    aws.update(client, "stale", aws.properties_only(KINDS[kind].config(canaries, oauth)))
    wrong = {**stale, "refreshToken": canaries.new("refresh")}
    answer = aws.refused(aws.update, client=client, name="stale",
                         config=KINDS[kind].config(canaries, oauth, **wrong))
    assert answer[:2] == ("ConnectorAuthenticationException", 401), answer


@pytest.mark.parametrize("kind", ["Marketo"])
def test_a_client_gets_a_token(led, oauth, canaries, kind):
    client = aws.boto(led)
    good = KINDS[kind].config(canaries, oauth)
    aws.create(client, "client", kind, good)
    aws.update(client, "client", aws.properties_only(good))
    assert oauth.calls("/identity/oauth/token") == 1
    # A token that nobody knows is replaced by another: client credentials use nothing up.
    for _ in range(2):
        aws.update(client, "client", KINDS[kind].config(canaries, oauth,
                                                        accessToken=canaries.new("stale")))
    row = led.profile_row("client")
    wrong = KINDS[kind].config(canaries, oauth, clientSecret=canaries.new("wrong"))
    answer = aws.refused(aws.update, client=client, name="client", config=wrong)
    assert answer[:2] == ("ConnectorAuthenticationException", 401), answer
    assert led.profile_row("client") == row
