"""OAuth's grants against a server that is not ours (oidc-provider), over plain loopback, which the
egress list allows: code, refresh, rotation and client credentials, for every connector whose
address is the operator's or the profile's to say."""

import json
import pathlib
import subprocess

import pytest

from support import aws
from support.server import headgate

SCRIPT = pathlib.Path(__file__).with_name("oauth_server.mjs")
REDIRECT = "https://example.com/callback"
POST_CLIENT, BASIC_CLIENT = "headgate-test-app", "headgate-test-user"
REFUSED = ("ConnectorAuthenticationException", 401)


class OAuthServer:
    def __init__(self, client_secret):
        self.secret = client_secret
        self.process = subprocess.Popen(
            ["node", SCRIPT, POST_CLIENT, BASIC_CLIENT, client_secret, REDIRECT],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port = self._read()["port"]
        self.origin = f"http://127.0.0.1:{self.port}"

    def _read(self):
        line = self.process.stdout.readline()
        assert line, "the OAuth server has ended"
        return json.loads(line)

    def ask(self, make=None, client=None):
        self.process.stdin.write(json.dumps({"make": make, "client": client}).encode() + b"\n")
        self.process.stdin.flush()
        return self._read()

    def tokens_asked(self):
        """How often a token endpoint was called."""
        names = [each.split("/")[-1] for each in self.ask()["asked"]]
        return sum(1 for name in names if "token" in name or name == "oauth.v2.access")

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


class Way:
    """How a connector is led to the OAuth server, and where its credentials take what."""

    def __init__(self, key, properties, inside=None, endpoint=False, app=False,
                 client=POST_CLIENT, refresh=True):
        self.key = key                # in the configuration's unions
        self.properties = properties
        self.inside = inside          # the member of the credentials that OAuth's are in
        self.endpoint = endpoint      # through the operator's endpoint map
        self.app = app                # the app is the operator's
        self.client = client          # the client that the OAuth server knows
        self.refresh = refresh        # whether the credentials have a refresh token

    def config(self, oauth, members):
        if not self.app:
            members = {"clientId": self.client, "clientSecret": oauth.secret, **members}
        return {
            "connectorProfileProperties": {self.key: self.properties(oauth)},
            "connectorProfileCredentials": {
                self.key: {self.inside: members} if self.inside else members}}


def instance(oauth):
    return {"instanceUrl": oauth.origin}


def nothing(_):
    return {}


def sap(oauth):
    return {"applicationHostUrl": "http://127.0.0.1", "portNumber": oauth.port,
            "clientNumber": "100",
            "applicationServicePath": "/sap/opu/odata/iwfnd/catalogservice;v=2",
            "oAuthProperties": {"tokenUrl": oauth.origin + "/token",
                                "authCodeUrl": oauth.origin + "/auth", "oAuthScopes": ["openid"]}}


def unit(_):
    return {"businessUnitId": "0Uv000000000001CAA"}


WAYS = {
    "Googleanalytics": Way("GoogleAnalytics", nothing, endpoint=True),
    "Honeycode": Way("Honeycode", nothing, endpoint=True, app=True),
    "Marketo": Way("Marketo", instance),
    "Pardot": Way("Pardot", unit, endpoint=True, app=True),
    "SAPOData": Way("SAPOData", sap, inside="oAuthCredentials", client=BASIC_CLIENT),
    "Salesforce": Way("Salesforce", nothing, endpoint=True, app=True),
    "Servicenow": Way("ServiceNow", instance, inside="oAuth2Credentials"),
    # Its envelope (200, ok, authed_user) is put around the OAuth server's answers by ours; what a
    # code, a refresh token or a client secret is worth is still for that server to say.
    "Slack": Way("Slack", lambda _: {"instanceUrl": "acme"}, endpoint=True, client=BASIC_CLIENT,
                 refresh=False),
    "Zendesk": Way("Zendesk", instance, refresh=False),
}
CODES = [kind for kind in WAYS if kind != "Marketo"]
REFRESHES = [kind for kind in CODES if WAYS[kind].refresh]


def shows(kind, grant):
    return pytest.param(kind, id=kind, marks=[
        pytest.mark.shows("grant", grant, kind=kind),
        pytest.mark.shows("peer", "oidc-provider", kind=kind)])


@pytest.fixture
def oauth(canaries):
    server = OAuthServer(canaries.new("client-secret"))
    yield server
    server.close()


@pytest.fixture
def server(servers, oauth, canaries):
    """A server that is led to the OAuth server, with the app that it knows."""
    options = [word for kind, way in WAYS.items() if way.endpoint
               for word in ("--endpoint", f"{kind}={oauth.origin}")]
    made = servers("--egress-allow", "127.0.0.1", *options, start=False)
    for kind in (kind for kind, way in WAYS.items() if way.app):
        headgate("oauth-app", "set", *made.place, "--connector", kind, "--client-id",
                 POST_CLIENT, input=canaries.new("client-secret").encode() + b"\n")
    return made.start()


@pytest.fixture
def make(oauth, canaries):
    """Makes configurations: make(kind, members)."""

    def made(kind, members):
        config = WAYS[kind].config(oauth, members)
        canaries.add_credentials(config)
        return config

    def with_code(kind, code=None, redirect_uri=REDIRECT):
        code = code or oauth.ask("code", WAYS[kind].client)["code"]
        return made(kind, {"oAuthRequest": {"authCode": code, "redirectUri": redirect_uri}})

    made.code = with_code
    return made


def refused_update(server, client, config):
    """An update that must be refused and leave no trace; what is said."""
    before = server.listing(), server.profile_row("profile")
    name, status, message = aws.refused(aws.update, client=client, name="profile", config=config)
    assert (name, status) == REFUSED, message
    assert (server.listing(), server.profile_row("profile")) == before
    return message


@pytest.mark.parametrize("kind", [shows(kind, "code") for kind in CODES])
def test_a_code_is_exchanged_once(server, oauth, canaries, make, kind):
    client = aws.boto(server)
    first, second = make.code(kind), make.code(kind)
    aws.create(client, "profile", kind, first)
    assert oauth.tokens_asked() == 1
    aws.update(client, "profile", second, clientToken="t1")
    aws.update(client, "profile", second, clientToken="t1")
    assert oauth.tokens_asked() == 2
    refused_update(server, client, first)
    # The stored credentials once more: what was got for them counts.
    aws.update(client, "profile", second)
    aws.update(client, "profile", aws.properties_only(second))
    # A spent code isn't shown again: the vendor would revoke what it gave for it.
    assert oauth.tokens_asked() == 2
    for wrong in (make.code(kind, canaries.new("code")),
                  make.code(kind, redirect_uri="https://elsewhere.example")):
        message = refused_update(server, client, wrong)
        assert "rejected the credentials at step token" in message
    assert oauth.tokens_asked() == 4


@pytest.mark.parametrize("kind", [shows(kind, "rotation") for kind in CODES])
def test_what_a_code_brought_is_renewed_again_and_again(server, oauth, make, kind):
    """Each renewal replaces the refresh token, and the one before it would revoke everything."""
    client = aws.boto(server)
    config = make.code(kind)
    aws.create(client, "profile", kind, config)
    for renewals in (1, 2, 3):
        oauth.ask("stale")
        aws.update(client, "profile", aws.properties_only(config))
        assert oauth.tokens_asked() == 1 + renewals
    aws.update(client, "profile", aws.properties_only(config))
    assert oauth.tokens_asked() == 4


@pytest.mark.parametrize("kind", [shows(kind, "refresh") for kind in REFRESHES])
def test_a_stale_access_token_is_renewed(server, oauth, canaries, make, kind):
    client = aws.boto(server)
    tokens = oauth.ask("tokens", WAYS[kind].client)
    aws.create(client, "profile", kind, make(kind, tokens))
    assert oauth.tokens_asked() == 0  # a ready token needs no exchange
    stale = make(kind, {**tokens, "accessToken": canaries.new("stale")})
    aws.update(client, "profile", stale)
    assert oauth.tokens_asked() == 1
    # Rotation gave another refresh token; the stored one is what works from now on.
    oauth.ask("stale")
    aws.update(client, "profile", aws.properties_only(stale))
    assert oauth.tokens_asked() == 2
    unknown = make(kind, {"accessToken": canaries.new("stale"),
                          "refreshToken": canaries.new("unknown")})
    assert "rejected the credentials" in refused_update(server, client, unknown)


@pytest.mark.parametrize("kind", [shows("Marketo", "client-credentials")])
def test_a_client_shows_itself(server, oauth, canaries, make, kind):
    client = aws.boto(server)
    good = make(kind, {})
    aws.create(client, "profile", kind, good)
    aws.update(client, "profile", aws.properties_only(good))
    assert oauth.tokens_asked() == 1
    oauth.ask("stale")
    aws.update(client, "profile", good)
    assert oauth.tokens_asked() == 2
    # A token that nobody knows is replaced by another: client credentials use nothing up.
    aws.update(client, "profile", make(kind, {"accessToken": canaries.new("stale")}))
    assert oauth.tokens_asked() == 3
    message = refused_update(server, client, make(kind, {"clientSecret": canaries.new("wrong")}))
    assert "rejected the credentials at step token" in message
