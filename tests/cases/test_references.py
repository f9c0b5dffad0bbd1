"""Secrets by reference: what is sent is what the reference leads to, what is stored is the
reference; who may use which; what happens when the source changes, refuses, or is away."""

import base64
import json
import subprocess

import boto3
import pytest

from support import custom, private
from support.functions import ACCESS_KEY, to_functions
from support.salesforce import Salesforce, set_app
from support.server import ACCOUNT, OTHER_ACCOUNT, Key, command, headgate
from support.sigv4 import REGION
from support.vendor import Vendor, http, to_vendor

ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:app/desk-AbCdEf"
PASSWORD = f"{{{{resolve:secretsmanager:{ARN}:SecretString:password}}}}"


class Secrets(Vendor):
    """A stand-in for AWS Secrets Manager: `held` is the text of each ARN; `instead` answers
    all but the first `given`."""

    def __init__(self):
        super().__init__(self.get)
        self.held = {}
        self.instead = None
        self.given = 0
        self.asked = []

    def get(self, request):
        assert request.headers["x-amz-target"] == "secretsmanager.GetSecretValue"
        arn = json.loads(request.body)["SecretId"]
        self.asked.append(arn)
        if self.instead and len(self.asked) > self.given:
            return self.instead
        if arn not in self.held:
            return refusal("ResourceNotFoundException")
        return http("200 OK", json.dumps({"ARN": arn, "SecretString": self.held[arn]}))


def refusal(name, words="no"):
    return http("400 Bad Request", json.dumps({"__type": name, "Message": words}))


class Desk(Vendor):
    """ServiceNow with passwords that work."""

    def __init__(self):
        super().__init__(self.judge)
        self.live = set()

    def judge(self, request):
        kind, _, text = request.headers["authorization"].partition(" ")
        user, _, password = base64.b64decode(text).decode().partition(":")
        if kind != "Basic" or password not in self.live:
            return http("401 Unauthorized", json.dumps({"error": {
                "message": f"User Not Authenticated: {user} {password}"}, "status": "failure"}))
        return http("200 OK", json.dumps({"result": [{"name": "incident", "label": "Incident"}]}),
                    headers=[("X-Total-Count", "1")])


@pytest.fixture
def desk():
    with Desk() as vendor:
        yield vendor


@pytest.fixture
def secrets():
    with Secrets() as vendor:
        yield vendor


def profile(vendor, password=PASSWORD, user="user", name="desk", **more):
    return {"connectorProfileName": name, "connectorType": "Servicenow",
            "connectionMode": "Public", "connectorProfileConfig": {
                "connectorProfileProperties": {"ServiceNow": {"instanceUrl": vendor.url}},
                "connectorProfileCredentials": {
                    "ServiceNow": {"username": user, "password": password}}}, **more}


def changed(config):
    return {name: value for name, value in config.items() if name != "connectorType"}


@pytest.fixture
def server(servers, desk, secrets, canaries, tmp_path):
    """Each of the two accounts has a variable, a directory and secrets of its own."""
    for account in (ACCOUNT, OTHER_ACCOUNT):
        (tmp_path / account).mkdir()
    rules = [f"{ACCOUNT}=env:DESK_PASSWORD", f"{ACCOUNT}=file:{tmp_path / ACCOUNT}",
             f"{ACCOUNT}=secretsmanager:app/*", f"{OTHER_ACCOUNT}=env:OTHER_PASSWORD",
             f"{OTHER_ACCOUNT}=file:{tmp_path / OTHER_ACCOUNT}",
             f"{OTHER_ACCOUNT}=secretsmanager:app/*"]
    return servers(
        *to_vendor(desk, "Servicenow"), "--secrets-manager-url", secrets.url,
        *(word for rule in rules for word in ("--reference", rule)),
        env={"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": canaries.new("aws"),
             "DESK_PASSWORD": canaries.new("variable"), "OTHER_PASSWORD": canaries.new("other")})


def hold(secrets, desk, canaries, name="password", arn=ARN):
    """A password that works, in Secrets Manager."""
    secrets.held[arn] = json.dumps({"password": canaries.new(name)})
    desk.live.add(canaries.new(name))


def entities(server, name="desk"):
    server.ok("ResetConnectorMetadataCache", {"connectorProfileName": name})
    return server.call("ListConnectorEntities", {"connectorProfileName": name})


def reader(server, canaries):
    policy = server.directory / "policy.json"
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}))
    key = Key("AKIAHEADGATESECR0001", canaries.new("reader"), ACCOUNT)
    headgate("access-key", "create", *server.place, "--account", ACCOUNT, "--access-key-id",
             key.id, "--secret-access-key", key.secret, "--policy", policy)
    return boto3.client("secretsmanager", region_name=REGION, endpoint_url=server.endpoint,
                        aws_access_key_id=key.id, aws_secret_access_key=key.secret)


def test_what_a_reference_leads_to_is_sent_and_never_kept(server, desk, secrets, canaries,
                                                          tmp_path):
    file = tmp_path / ACCOUNT / "password"
    file.write_text(canaries.new("file") + "\n")
    hold(secrets, desk, canaries)
    desk.live |= {canaries.new("file"), canaries.new("variable")}
    references = {"variable": "{{resolve:env:DESK_PASSWORD}}", "password": PASSWORD,
                  "file": f"{{{{resolve:file:{file}}}}}"}
    client = reader(server, canaries)
    for name, reference in references.items():
        server.ok("CreateConnectorProfile", profile(desk, reference, name=name))
        sent = base64.b64decode(desk.requests[-1].headers["authorization"].split()[1]).decode()
        assert sent == f"user:{canaries.new(name)}"
        shown = server.describe(name)
        assert shown["connectorProfileProperties"] == {"ServiceNow": {"instanceUrl": desk.url}}
        assert entities(server, name).status == 200
        answer = client.get_secret_value(SecretId=shown["credentialsArn"])
        assert json.loads(answer["SecretString"])["password"] == canaries.new(name)
    # A password of a file is the one that is there now, and a user's name may be a secret, too.
    file.write_text(canaries.new("new"))
    desk.live.add(canaries.new("new"))
    desk.live.remove(canaries.new("file"))
    assert entities(server, "file").status == 200
    server.ok("CreateConnectorProfile", profile(
        desk, PASSWORD, references["variable"], name="user"))
    desk.live.clear()
    refused = server.call("UpdateConnectorProfile", changed(profile(
        desk, PASSWORD, references["variable"], name="user")))
    assert refused.error == "ConnectorAuthenticationException"
    assert "User Not Authenticated" in refused.body.decode()  # without what it repeats
    # A restart needs the variable again.
    server.stop()
    server.start()
    desk.live.add(canaries.new("variable"))
    assert entities(server, "variable").status == 200


REFUSED = [
    ("{{resolve:env:PATH}}", f"--reference {ACCOUNT}=env:PATH would"),
    ("{{resolve:env:OTHER_PASSWORD}}", f"--reference {ACCOUNT}=env:OTHER_PASSWORD would"),
    ("{{resolve:file:/etc/passwd}}", f"--reference {ACCOUNT}=file:/etc would"),
    ("{{resolve:file:OTHERS/password}}", f"--reference {ACCOUNT}=file:"),
    ("{{resolve:file:OWN/../OTHER/password}}", "no . and no .."),
    ("{{resolve:file:OWN/link}}", "a symbolic link in its path leads out"),
    ("{{resolve:file:OWN/absent}}", "there is no such file"),
    ("{{resolve:file:OWN/empty}}", "it leads to an empty text"),
    ("{{resolve:file:OWN/bytes}}", "no text in UTF-8"),
    ("{{resolve:file:OWN/long}}", "there may be 512 characters"),
    ("{{resolve:file:OWN/nested}}", "another reference"),
    ("{{resolve:secretsmanager:other/desk}}",
     f"--reference {ACCOUNT}=secretsmanager:other/desk would"),
    (PASSWORD.replace(ACCOUNT, OTHER_ACCOUNT), "an account can use its own only"),
    ("{{resolve:ssm:/desk}}", "secretsmanager, env or file"),
    ("Bearer {{resolve:env:DESK_PASSWORD}}", "is the whole value"),
    ("{{resolve:env:DESK_PASSWORD", "is the whole value"),
    ("{{resolve:env:DESK PASSWORD}}", "printable"),
    ("{{resolve:env:" + "A" * 3000 + "}}", "less than or equal to 512"),
]


def test_what_is_not_allowed_is_refused_before_anything_is_read(server, desk, secrets, canaries,
                                                                tmp_path):
    own, other = tmp_path / ACCOUNT, tmp_path / OTHER_ACCOUNT
    for name, text in {"empty": b"", "bytes": b"\xff", "long": b"x" * 513,
                       "nested": b"{{resolve:env:DESK_PASSWORD}}"}.items():
        (own / name).write_bytes(text)
    (other / "password").write_text(canaries.new("other-file"))
    (own / "link").symlink_to(other / "password")
    for text, words in REFUSED:
        text = text.replace("OWN", str(own)).replace("OTHERS", str(other))
        answer = server.call("CreateConnectorProfile", profile(desk, text, name="refused"))
        assert (answer.status, answer.error) == (400, "ValidationException"), (text, answer.body)
        assert words in answer.message, (text, answer.body)
    assert not desk.requests and not secrets.asked
    # The other account: what is the first one's is not its own, and its own is.
    key = server.make_key("AKIAHEADGATETEST0002", "second-key", OTHER_ACCOUNT)
    for text in ("{{resolve:env:DESK_PASSWORD}}", PASSWORD, f"{{{{resolve:file:{own / 'long'}}}}}"):
        answer = server.call("CreateConnectorProfile", profile(desk, text), key=key)
        assert answer.error == "ValidationException", answer.body
    arn = f"arn:aws:secretsmanager:{REGION}:{OTHER_ACCOUNT}:secret:app/desk"
    hold(secrets, desk, canaries, "second", arn)
    server.ok("CreateConnectorProfile", profile(
        desk, "{{resolve:secretsmanager:app/desk:SecretString:password}}"), key=key)
    assert secrets.asked == [arn]


def test_an_arn_of_client_credentials_cannot_be_a_reference(servers, secrets, canaries):
    """What it would lead to could name another account's secret."""
    with Salesforce(canaries) as vendor:
        server = servers(*to_vendor(vendor, "Salesforce"), "--secrets-manager-url", secrets.url,
                         "--reference", f"{ACCOUNT}=secretsmanager:app/*",
                         env={"AWS_ACCESS_KEY_ID": ACCESS_KEY,
                              "AWS_SECRET_ACCESS_KEY": canaries.new("aws")})
        others = f"arn:aws:secretsmanager:{REGION}:{OTHER_ACCOUNT}:secret:app/theirs-AbCdEf"
        secrets.held[f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:app/x"] = others
        answer = server.call("CreateConnectorProfile", {
            "connectorProfileName": "p", "connectorType": "Salesforce", "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"Salesforce": {"instanceUrl": vendor.url}},
                "connectorProfileCredentials": {"Salesforce": {
                    "refreshToken": canaries.new("refresh"),
                    # The account is where it is in an ARN, so the check of the given text passes.
                    "clientCredentialsArn": "{{resolve:secretsmanager:app/x:SecretString:"
                                            f"{ACCOUNT}:AWSCURRENT}}}}"}}}})
    assert (answer.status, answer.error) == (400, "ValidationException"), answer.body
    assert not secrets.asked and not vendor.requests


def test_without_the_option_no_reference_is_a_secret(servers, desk):
    server = servers(*to_vendor(desk, "Servicenow"), env={"DESK_PASSWORD": "visible"})
    answer = server.call("CreateConnectorProfile", profile(desk, "{{resolve:env:DESK_PASSWORD}}"))
    assert answer.error == "ValidationException"
    assert answer.message == (
        "The reference {{resolve:env:DESK_PASSWORD}} in password cannot be used: the server's "
        "operator has not allowed it. The option --reference 123456789012=env:DESK_PASSWORD would "
        "allow it.")
    assert not desk.requests


def test_a_secret_that_was_rotated_is_read_again(server, desk, secrets, canaries):
    hold(secrets, desk, canaries)
    server.ok("CreateConnectorProfile", profile(desk))
    assert entities(server).status == 200
    assert len(secrets.asked) == 1  # it is kept for a while
    # A second profile with the same secret asks anew, as each change does; then it is rotated.
    server.ok("CreateConnectorProfile", profile(desk, name="second"))
    assert len(secrets.asked) == 2
    hold(secrets, desk, canaries, "rotated")
    desk.live.remove(canaries.new("password"))
    calls = len(desk.requests)
    assert entities(server).status == 200
    assert (len(secrets.asked), len(desk.requests) - calls) == (3, 2)
    assert entities(server, "second").status == 200
    assert len(secrets.asked) == 3
    # Rejected, and nothing else at the source: that is the vendor's word, and asked once.
    desk.live.clear()
    calls = len(desk.requests)
    answer = entities(server)
    assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
    assert (len(secrets.asked), len(desk.requests) - calls) == (4, 1)


SOURCES = [
    (refusal("ResourceNotFoundException"), "ValidationException", "has no such secret"),
    (refusal("AccessDeniedException"), "AccessDeniedException", "permission secretsmanager:Get"),
    (refusal("AccessDeniedException", "Access to KMS is not allowed"), "AccessDeniedException",
     "AWS KMS does not decrypt the secret"),
    (refusal("DecryptionFailure"), "AccessDeniedException", "Its key is disabled"),
    (refusal("ThrottlingException"), "ThrottlingException", "called again later"),
    (http("500 Internal Server Error", "{}"), "ConnectorServerException", "HTTP status 500"),
]


def test_a_source_that_fails_is_told_from_a_vendor_that_rejects(server, desk, secrets, canaries):
    hold(secrets, desk, canaries)
    server.ok("CreateConnectorProfile", profile(desk))
    row, calls = server.profile_row("desk"), len(desk.requests)
    for answer, error, words in SOURCES:
        secrets.instead = answer
        refused = server.call("UpdateConnectorProfile", changed(profile(desk)))
        assert refused.error == error, refused.body
        assert refused.message.startswith(f"The reference {PASSWORD} in password cannot be")
        assert words in refused.message
    assert len(desk.requests) == calls and server.profile_row("desk") == row
    # What was read a moment ago is used meanwhile; later the profile fails, and recovers.
    assert entities(server).status == 200
    server.kill()
    server.start()
    secrets.instead = refusal("ResourceNotFoundException")
    answer = entities(server)
    assert (answer.error, answer.status) == ("ValidationException", 400)
    secrets.instead = None
    assert entities(server).status == 200
    server.ok("UpdateConnectorProfile", changed(profile(desk)))


def test_a_client_token_stands_for_the_reference(server, desk, secrets, canaries):
    hold(secrets, desk, canaries)
    request = profile(desk, clientToken="token-1")
    first = server.ok("CreateConnectorProfile", request)
    hold(secrets, desk, canaries, "rotated")
    assert server.ok("CreateConnectorProfile", request) == first
    assert len(secrets.asked) == 1
    other = profile(desk, "{{resolve:env:DESK_PASSWORD}}", clientToken="token-1")
    assert server.call("CreateConnectorProfile", other).error == "ConflictException"


def test_a_refresh_token_at_the_source_is_the_first_of_its_line(servers, canaries, tmp_path):
    """The vendor replaces it at each use. The replacements are stored and used until another token
    is put at the source and the profile is updated."""
    tokens = {name: tmp_path / "own" / name for name in ("accessToken", "refreshToken")}
    (tmp_path / "own").mkdir()
    with Salesforce(canaries) as vendor:
        server = servers(*to_vendor(vendor, "Salesforce"), "--reference",
                         f"{ACCOUNT}=file:{tmp_path / 'own'}")
        set_app(server, canaries)

        def put():
            fresh = vendor.new_tokens()
            vendor.live_access.clear()  # the access token has ended, so a new one is got
            for name, file in tokens.items():
                file.write_text(fresh[name])
            return fresh["refreshToken"]

        def request():
            return {"connectorProfileName": "p", "connectionMode": "Public",
                    "connectorProfileConfig": {
                        "connectorProfileProperties": {"Salesforce": {"instanceUrl": vendor.url}},
                        "connectorProfileCredentials": {"Salesforce": {
                            name: f"{{{{resolve:file:{file}}}}}"
                            for name, file in tokens.items()}}}}

        first = put()
        server.ok("CreateConnectorProfile", {"connectorType": "Salesforce", **request()})
        assert vendor.refreshed == {first: 1}
        for config in (request(), {**request(), "connectorProfileConfig": {
                "connectorProfileProperties": {"Salesforce": {"instanceUrl": vendor.url}}}}):
            vendor.live_access.clear()
            server.ok("UpdateConnectorProfile", config)
        assert len(vendor.refreshed) == 3 and set(vendor.refreshed.values()) == {1}
        vendor.live_refresh.clear()  # somebody revokes all, and logs in again
        second = put()
        server.ok("UpdateConnectorProfile", request())
        assert vendor.refreshed[second] == 1 and set(vendor.refreshed.values()) == {1}


def test_a_private_profile_waits_for_its_source(servers, secrets, canaries):
    """The source is away after the request, and then has another token, with which the line of
    tokens begins: an update uses the token that replaced it."""
    with Salesforce(canaries) as vendor:
        server = servers(*private.options(vendor), "--egress-allow", "127.0.0.1",
                         "--secrets-manager-url", secrets.url,
                         "--reference", f"{ACCOUNT}=secretsmanager:app/*",
                         env={"AWS_ACCESS_KEY_ID": ACCESS_KEY,
                              "AWS_SECRET_ACCESS_KEY": canaries.new("aws")})
        set_app(server, canaries)

        def put():
            token = vendor.new_tokens()["refreshToken"]
            secrets.held[ARN] = json.dumps({"password": token})
            return token

        first = put()
        secrets.given, secrets.instead = 1, http("500 Internal Server Error", "{}")
        server.ok("CreateConnectorProfile", private.create({"refreshToken": PASSWORD}))
        server.wait_for_log("waits until its secret can be read, for at most an hour: ")
        assert private.state(server)["status"] == "PENDING"
        second = put()
        secrets.instead = None
        assert private.settled(server) == {"status": "CREATED"}
        vendor.live_access.clear()
        server.ok("UpdateConnectorProfile", private.change(None))
        assert private.settled(server) == {"status": "CREATED"}
        assert first not in vendor.refreshed and vendor.refreshed[second] == 1
        assert len(vendor.refreshed) == 2


def test_a_custom_connectors_secret_has_what_the_reference_leads_to(servers, canaries, tmp_path):
    (tmp_path / "own").mkdir()
    file = tmp_path / "own" / "password"
    file.write_text(canaries.new("file"))
    with custom.Connector(canaries) as connector:
        options, env = to_functions(connector, canaries)
        server = servers(*options, "--reference", f"{ACCOUNT}=file:{tmp_path / 'own'}", env=env)
        custom.register(server)
        server.ok("CreateConnectorProfile",
                  custom.create(custom.basic(f"{{{{resolve:file:{file}}}}}")))
        arn = server.describe("own")["credentialsArn"]
        answer = reader(server, canaries).get_secret_value(SecretId=arn)
        assert json.loads(answer["SecretString"]) == {
            "username": "user", "password": canaries.new("file")}


def test_what_comes_later_is_checked_as_what_is_given(server, desk, canaries, tmp_path):
    file = tmp_path / ACCOUNT / "password"
    file.write_text(canaries.new("file"))
    desk.live.add(canaries.new("file"))
    given = profile(desk, f"{{{{resolve:file:{file}}}}}")
    server.ok("CreateConnectorProfile", given)
    file.write_text(canaries.new("file") + "\x01")
    calls = len(desk.requests)
    kept = changed(profile(desk))
    del kept["connectorProfileConfig"]["connectorProfileCredentials"]
    for answer in (entities(server), server.call("UpdateConnectorProfile", kept)):
        assert (answer.status, answer.error) == (400, "ValidationException"), answer.body
        assert "control characters" in answer.message
    assert len(desk.requests) == calls


def test_no_account_is_allowed_the_servers_own_files(server, tmp_path):
    (tmp_path / "link").symlink_to(server.data)
    for directory in (server.data, server.data.parent, server.data / "sub", tmp_path / "link"):
        done = subprocess.run(
            command("serve", "--check-config", "--data", server.data, "--reference",
                    f"{ACCOUNT}=file:{directory}"), capture_output=True, timeout=10, text=True)
        assert done.returncode == 2 and "files of the server itself: --data is" in done.stderr
    headgate("serve", "--check-config", "--data", server.data, "--reference",
             f"{ACCOUNT}=file:{tmp_path / ACCOUNT}")
