"""The code and refresh grants against an OAuth server that is not ours, over plain loopback, which
the egress list allows."""

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
    for spent in (first, second):
        assert aws.refused(aws.update, client=client, name="code", config=spent)[:2] == \
            ("ConnectorAuthenticationException", 401)
    assert server.profile_row("code") == row
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
