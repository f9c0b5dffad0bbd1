"""Secrets Manager on the same listener: the secret that a profile's credentialsArn names, who may
read it, and that what is read is fresh."""

import json
import threading
import time

import boto3
import botocore.config
import pytest

from support import sigv4, wire
from support.aws import refused
from support.server import ACCOUNT, OTHER_ACCOUNT, Key, headgate
from support.vendor import Vendor, http, to_vendor

READ = "secretsmanager:GetSecretValue"
NOT_FOUND = "Secrets Manager can't find the specified secret."


def policy(*actions, effect="Allow", resource="*", **more):
    return {"Effect": effect, "Action": list(actions), "Resource": resource, **more}


def make_key(server, number, *statements, account=ACCOUNT):
    key = Key(f"AKIAHEADGATESECR{number:04}", server.canaries.new(f"key-{number}"), account)
    file = server.directory / f"policy-{number}.json"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
    headgate("access-key", "create", *server.place, "--account", account, "--access-key-id", key.id,
             "--secret-access-key", key.secret, "--policy", file)
    return key


def client(server, key, region=sigv4.REGION, token=None, service="secretsmanager"):
    return boto3.client(
        service, region_name=region, endpoint_url=server.endpoint, aws_access_key_id=key.id,
        aws_secret_access_key=key.secret, aws_session_token=token,
        config=botocore.config.Config(retries={"total_max_attempts": 1},
                                      parameter_validation=False))


def audit(server, operation="GetSecretValue", count=0):
    """The operation's rows, once there are `count`: refusals are written without waiting."""
    until = time.monotonic() + 10
    while True:
        rows = headgate("audit", *server.place, "--json").splitlines()
        rows = [row for row in map(json.loads, rows) if row["operation"] == operation]
        if len(rows) >= count or time.monotonic() > until:
            return rows


def amplitude(canaries, *names):
    return {"connectorProfileProperties": {"Amplitude": {}},
            "connectorProfileCredentials": {"Amplitude": {
                "apiKey": canaries.new(names[0]), "secretKey": canaries.new(names[1])}}}


def create(server, name, kind, config):
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": name, "connectorType": kind, "connectionMode": "Public",
        "connectorProfileConfig": config})
    return server.describe(name)["credentialsArn"]


@pytest.fixture
def accepting():
    with Vendor(lambda request: http("200 OK", '{"data":[]}')) as vendor:
        yield vendor


@pytest.fixture
def server(servers, accepting):
    return servers(*to_vendor(accepting))


def test_a_granted_key_reads_a_secret(server, canaries):
    config = amplitude(canaries, "one", "two")
    arn = create(server, "eu-west-events", "Amplitude", config)
    secrets = client(server, make_key(server, 1, policy(READ, "secretsmanager:DescribeSecret")))
    answer = secrets.get_secret_value(SecretId=arn)
    assert json.loads(answer["SecretString"]) == config["connectorProfileCredentials"]["Amplitude"]
    assert (answer["ARN"], answer["VersionStages"]) == (arn, ["AWSCURRENT"])
    assert answer["Name"] == arn.split(":")[-1][:-7]
    told = secrets.describe_secret(SecretId=arn)
    assert (told["ARN"], told["Name"], told["OwningService"]) == (arn, answer["Name"], "appflow")
    assert told["VersionIdsToStages"] == {answer["VersionId"]: ["AWSCURRENT"]}
    assert told["CreatedDate"] == answer["CreatedDate"] <= told["LastChangedDate"]
    assert "SecretString" not in told
    # The same version as long as the credentials are the same, and another one then.
    again = secrets.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT",
                                     VersionId=answer["VersionId"])
    assert again["SecretString"] == answer["SecretString"]
    config = amplitude(canaries, "three", "four")
    server.ok("UpdateConnectorProfile", {"connectorProfileName": "eu-west-events",
                                         "connectionMode": "Public",
                                         "connectorProfileConfig": config})
    changed = secrets.get_secret_value(SecretId=arn)
    assert changed["VersionId"] != answer["VersionId"]
    assert json.loads(changed["SecretString"]) == config["connectorProfileCredentials"]["Amplitude"]
    assert [(row["outcome"], row["resource"]) for row in audit(server)] == [("ok", arn)] * 3
    assert [row["outcome"] for row in audit(server, "DescribeSecret")] == []


KEYS_THAT_MAY_NOT = {
    "without a policy": None,
    "allowed everything": (policy("*"),),
    "allowed all but a little": (
        {"Effect": "Allow", "NotAction": "appflow:DeleteFlow", "Resource": "*"},),
    "allowed by a wildcard over services": (policy("secrets*:GetSecretValue"),),
    "allowed to describe": (policy("secretsmanager:DescribeSecret"),),
    "allowed another secret": (policy(READ, resource="arn:aws:secretsmanager:*:*:secret:other*"),),
    "denied": (policy(READ), policy("*", effect="Deny")),
    "denied for the connector": (policy(READ), policy(
        "*", effect="Deny",
        Condition={"StringEquals": {"headgate:ConnectorType": "Amplitude"}})),
    "allowed for another connector": (policy(
        READ, Condition={"StringEquals": {"headgate:ConnectorType": "Zendesk"}}),),
}


@pytest.mark.parametrize("which", KEYS_THAT_MAY_NOT)
def test_keys_that_may_not(server, canaries, which):
    arn = create(server, "events", "Amplitude", amplitude(canaries, "one", "two"))
    statements = KEYS_THAT_MAY_NOT[which]
    key = make_key(server, 1, *statements) if statements else server.key
    code, status, message = refused(client(server, key).get_secret_value, SecretId=arn)
    assert (code, status) == ("AccessDeniedException", 403)
    assert message.startswith(f"User: arn:aws:iam::{ACCOUNT}:root (access key {key.id}) is not "
                              f"authorized to perform: {READ} on resource: {arn} ")
    rows = audit(server, count=1)
    assert [(row["outcome"], row["resource"], row["accessKeyId"]) for row in rows] == [
        ("AccessDeniedException", arn, key.id)]


def test_whether_a_secret_exists_is_not_told_to_others(server, canaries):
    arn = create(server, "events", "Amplitude", amplitude(canaries, "one", "two"))
    secrets = client(server, server.key)
    there, absent = refused(secrets.describe_secret, SecretId=arn), refused(
        secrets.describe_secret, SecretId=arn[:-1] + "!")
    assert there[:2] == absent[:2] == ("AccessDeniedException", 403)
    assert there[2].replace(arn, "") == absent[2].replace(arn[:-1] + "!", "")


def test_secrets_of_other_accounts(server, canaries):
    arn = create(server, "events", "Amplitude", amplitude(canaries, "one", "two"))
    stranger = make_key(server, 1, policy("secretsmanager:*"), account=OTHER_ACCOUNT)
    code, status, message = refused(client(server, stranger).get_secret_value, SecretId=arn)
    assert (code, status) == ("AccessDeniedException", 403)
    assert message.endswith("because it is not a secret of the caller's account")
    # Another account's number in the ARN finds nothing of it.
    forged = arn.replace(f":{ACCOUNT}:", f":{OTHER_ACCOUNT}:")
    assert refused(client(server, stranger).get_secret_value, SecretId=forged)[0] == (
        "ResourceNotFoundException")


@pytest.mark.parametrize("change", [
    lambda arn: arn[:-6] + "AAAAAA",
    lambda arn: arn.split(":")[-1],
    lambda arn: arn[:-7],
    lambda arn: arn.replace("us-east-1", "eu-west-1"),
    lambda arn: arn.replace("-events-", "-other-"),
], ids=["suffix", "name", "partial", "region", "profile"])
def test_secrets_that_are_not_there(server, canaries, change):
    arn = create(server, "events", "Amplitude", amplitude(canaries, "one", "two"))
    secrets = client(server, make_key(server, 1, policy("secretsmanager:*")))
    wrong = change(arn)
    code, _, message = refused(secrets.get_secret_value, SecretId=wrong)
    if wrong.startswith("arn:"):
        assert code == "ResourceNotFoundException" and message.startswith(NOT_FOUND), message
    else:
        assert code == "AccessDeniedException", message


def test_a_deleted_profile_has_no_secret(server, canaries):
    arn = create(server, "events", "Amplitude", amplitude(canaries, "one", "two"))
    secrets = client(server, make_key(server, 1, policy("secretsmanager:*")))
    secrets.get_secret_value(SecretId=arn)
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "events"})
    assert refused(secrets.get_secret_value, SecretId=arn)[0] == "ResourceNotFoundException"
    # A profile of the same name is another one.
    create(server, "events", "Amplitude", amplitude(canaries, "three", "four"))
    assert refused(secrets.get_secret_value, SecretId=arn)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize("parameters,code,words", [
    ({"VersionStage": "AWSPREVIOUS"}, "ResourceNotFoundException",
     "can't find the specified secret value for staging label: AWSPREVIOUS"),
    ({"VersionId": "0" * 32}, "ResourceNotFoundException",
     "can't find the specified secret value for VersionId: " + "0" * 32),
    ({"SecretId": ""}, "ValidationException", "SecretId must have 1 to 2048"),
    ({"SecretId": "a" * 2049}, "ValidationException", "SecretId must have 1 to 2048"),
    ({"SecretId": "a\nb"}, "ValidationException", "SecretId must have 1 to 2048"),
    ({"SecretId": None}, "ValidationException", "SecretId is missing"),
    ({"VersionId": "a" * 65}, "ValidationException", "VersionId must have 1 to 64"),
])
def test_parameters(server, canaries, parameters, code, words):
    arn = create(server, "events", "Amplitude", amplitude(canaries, "one", "two"))
    secrets = client(server, make_key(server, 1, policy("secretsmanager:*")))
    wish = {name: value for name, value in {"SecretId": arn, **parameters}.items()
            if value is not None}
    found = refused(secrets.get_secret_value, **wish)
    assert found[0] == code and words in found[2], found


def test_bodies_that_are_no_request(server):
    headers = [("Host", server.authority), ("X-Amz-Target", "secretsmanager.GetSecretValue"),
               ("Content-Type", "application/x-amz-json-1.1")]
    for body in (b"", b"[]", b"{", b'{"SecretId":1}', b'{"SecretId":"a","SecretId":"b"}'):
        signed = sigv4.sign("POST", "/", headers, body, server.key.id, server.key.secret,
                            service="secretsmanager")
        request = wire.request_bytes("POST", "/", [*headers, *signed,
                                                   ("Content-Length", str(len(body)))], body)
        with wire.Connection(server.host, server.port) as connection:
            answer = connection.exchange(request)
        assert (answer.status, answer.json()["__type"]) == (400, "SerializationException"), body


TAGS_OF_ANOTHER_SERVICE = {
    "many tags": {"tags": {f"t{i}": "v" for i in range(5000)}},
    "tags that are no texts": {"tags": {"a": [], "b": {"c": 1}, "d": 1, "e": True}},
    "tags in a list": {"tags": ["a", {}, 1]},
    "keys that are no texts": {"tagKeys": [1, [], {"a": "b"}, None]},
    "keys that are a text": {"tagKeys": "a"},
}


@pytest.mark.parametrize("which", TAGS_OF_ANOTHER_SERVICE)
def test_a_path_of_appflow_means_nothing_to_another_service(server, which):
    """Members of the body, and AppFlow's path, do not make it a request for AppFlow's policy."""
    key = make_key(server, 1, policy("secretsmanager:*"), policy(
        "appflow:*", Condition={"StringEquals": {"aws:RequestTag/t1": "v"}}))
    body = json.dumps({"SecretId": "a", **TAGS_OF_ANOTHER_SERVICE[which]}).encode()
    for method, path in (("POST", "/"), ("POST", "/register-connector"),
                         ("POST", "/tags/a"), ("DELETE", "/tags/a")):
        headers = [("Host", server.authority), ("Content-Type", "application/x-amz-json-1.1"),
                   ("X-Amz-Target", READ.replace(":", "."))]
        signed = sigv4.sign(method, path, headers, body, key.id, key.secret,
                            service="secretsmanager")
        request = wire.request_bytes(method, path, [
            *headers, *signed, ("Content-Length", str(len(body)))], body)
        with wire.Connection(server.host, server.port) as connection:
            answer = connection.exchange(request)
        assert answer.json()["__type"] == "AccessDeniedException", (method, path, answer.raw)
        assert f"is not authorized to perform: {READ} on resource: a" in answer.raw.decode()
    form = b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = [("Host", server.authority), ("Content-Type", "application/x-www-form-urlencoded")]
    signed = sigv4.sign("POST", "/register-connector", headers, form, key.id, key.secret,
                        service="sts")
    request = wire.request_bytes("POST", "/register-connector", [
        *headers, *signed, ("Content-Length", str(len(form)))], form)
    with wire.Connection(server.host, server.port) as connection:
        assert connection.exchange(request).status == 200


def test_sessions_need_both_policies(server, canaries):
    arn = create(server, "events", "Amplitude", amplitude(canaries, "one", "two"))

    def session(key, number=None, **wish):
        made = client(server, key, service="sts").assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r", RoleSessionName="s1", **wish)["Credentials"]
        canaries.add(made["SecretAccessKey"])
        return client(server, Key(made["AccessKeyId"], made["SecretAccessKey"], ACCOUNT),
                      token=made["SessionToken"])

    def text(*statements):
        return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})

    granted = make_key(server, 1, policy("secretsmanager:*"))
    assert session(granted).get_secret_value(SecretId=arn)["ARN"] == arn
    assert session(granted, Policy=text(policy("*"))).get_secret_value(SecretId=arn)["ARN"] == arn
    narrow = session(granted, Policy=text(policy("appflow:*")))
    assert refused(narrow.get_secret_value, SecretId=arn)[0] == "AccessDeniedException"
    # A session's own policy gives nothing that its access key does not have.
    wide = session(server.key, Policy=text(policy("secretsmanager:*")))
    assert refused(wide.get_secret_value, SecretId=arn)[0] == "AccessDeniedException"


class Desk(Vendor):
    """ServiceNow, whose tokens last as long as the test wants."""

    def __init__(self, canaries):
        super().__init__(self.answer_one)
        self.turn = threading.Lock()
        self.canaries = canaries
        self.lasting_s = 1799
        self.refuses = None
        self.meanwhile = None  # called before a refresh is answered
        self.between = None  # called once in a call of the API, whose token is refused then
        self.shown = []  # refresh tokens, in order
        self.made = 0

    def answer_one(self, request):
        if request.target != "/oauth_token.do":
            between, self.between = self.between, None
            if between:
                between()
                return http("401 Unauthorized",
                            json.dumps({"error": {"message": "User Not Authenticated"}}))
            return http("200 OK", json.dumps({"result": [{"name": "incident"}]}))
        with self.turn:
            form = dict(pair.split("=") for pair in request.body.decode().split("&"))
            self.shown.append(form.get("refresh_token"))
            if self.meanwhile:
                self.meanwhile()
            if self.refuses and len(self.shown) > 1:
                return self.refuses
            self.made += 1
            return http("200 OK", json.dumps({
                "access_token": self.canaries.new(f"access-{self.made}"),
                "refresh_token": self.canaries.new(f"refresh-{self.made}"),
                "token_type": "Bearer", "expires_in": self.lasting_s}))


@pytest.fixture
def desk(canaries):
    with Desk(canaries) as vendor:
        yield vendor


@pytest.fixture
def tokens(servers, desk, canaries):
    """A server with one OAuth profile, and a client that may read its secret."""

    def make(lasting_s):
        desk.lasting_s = lasting_s
        server = servers(*to_vendor(desk, "Servicenow"))
        arn = create(server, "desk", "Servicenow", {
            "connectorProfileProperties": {"ServiceNow": {"instanceUrl": desk.url}},
            "connectorProfileCredentials": {"ServiceNow": {"oAuth2Credentials": {
                "clientId": "client-1", "clientSecret": canaries.new("app"),
                "oAuthRequest": {"authCode": canaries.new("code"),
                                 "redirectUri": "https://example.com/callback"}}}}})
        secrets = client(server, make_key(server, 1, policy("secretsmanager:*")))
        return server, secrets, arn

    return make


def read(secrets, arn):
    answer = secrets.get_secret_value(SecretId=arn)
    return json.loads(answer["SecretString"]), answer["VersionId"]


def test_a_token_that_lasts_is_handed_out_as_it_is(tokens, desk, canaries):
    _, secrets, arn = tokens(1799)
    found, version = read(secrets, arn)
    assert set(found) == {"accessToken", "refreshToken"}  # neither the app's secret nor the code
    assert found["accessToken"] == canaries.new("access-1")
    assert found["refreshToken"] == canaries.new("refresh-1")
    assert read(secrets, arn) == (found, version) and desk.made == 1


def test_a_token_that_is_about_to_end_is_renewed(tokens, desk):
    server, secrets, arn = tokens(30)
    first = [desk.made, list(desk.shown)]
    found, version = read(secrets, arn)
    assert first == [1, [None]] and desk.made == 2
    # The next reading renews from the tokens that this one stored.
    desk.lasting_s = 1799
    again, other = read(secrets, arn)
    assert desk.shown[2] == found["refreshToken"] and again != found and other != version
    assert read(secrets, arn) == (again, other) and desk.made == 3
    assert [row["outcome"] for row in audit(server)] == ["ok"] * 3


def test_tokens_of_a_profile_that_is_deleted_meanwhile_are_not_kept(tokens, desk):
    server, secrets, arn = tokens(30)
    desk.meanwhile = lambda: server.ok("DeleteConnectorProfile", {"connectorProfileName": "desk"})
    read(secrets, arn)
    assert desk.made == 2
    assert server.count_rows("profiles") == 0
    assert server.count_rows("oauth_tokens") == 0
    assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == 0
    assert [row["outcome"] for row in audit(server)] == ["ok"]


def test_a_token_that_cannot_be_renewed_yet_is_handed_out_until_it_ends(tokens, desk):
    _, secrets, arn = tokens(30)
    desk.refuses = http("500 Internal Server Error", "{}")
    found, version = read(secrets, arn)
    assert found["accessToken"] and len(desk.shown) > 1
    desk.refuses = None
    desk.lasting_s = 1799
    assert read(secrets, arn)[1] != version


@pytest.mark.waits(2)
def test_a_token_that_has_ended_and_cannot_be_renewed(tokens, desk):
    server, secrets, arn = tokens(1)
    desk.refuses = http("401 Unauthorized", json.dumps({"error": "access_denied"}))
    wait_for_end(server)
    code, status, message = refused(secrets.get_secret_value, SecretId=arn)
    assert (code, status) == ("InvalidRequestException", 400), message
    assert message.startswith("The access token has expired and could not be renewed: "), message
    assert [row["outcome"] for row in audit(server, count=1)] == [
        "ConnectorAuthenticationException"]


def wait_for_end(server):
    """Until the stored token has ended."""
    ends_ms = server.query("SELECT expires_at_ms AS at FROM oauth_tokens")[0]["at"]
    assert ends_ms
    time.sleep(max(0, ends_ms / 1000 - time.time()) + 0.01)


def test_two_readers_of_one_token_do_not_spoil_it(tokens, desk):
    _, secrets, arn = tokens(30)
    found = []
    readers = [threading.Thread(target=lambda: found.append(read(secrets, arn)))
               for _ in range(4)]
    desk.lasting_s = 1799
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(found) == 4
    assert len(set(desk.shown)) == len(desk.shown), "a refresh token was shown twice"
    assert read(secrets, arn)[0]["refreshToken"] not in desk.shown


def test_a_refresh_token_that_was_used_up_meanwhile_is_not_shown_again(tokens, desk):
    """A call of the API begins with one token; another request renews it, and the call's own
    renewal continues from there."""
    server, secrets, arn = tokens(30)
    desk.between = lambda: read(secrets, arn)
    server.ok("ListConnectorEntities", {"connectorProfileName": "desk"})
    used = [token for token in desk.shown if token]
    assert len(used) == 1, used
