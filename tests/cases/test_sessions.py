"""Temporary credentials: made by STS and by the command, used by unmodified clients, and what they
may do no longer."""

import datetime
import json
import subprocess
import time

import boto3
import botocore.config
import pytest

from support import sigv4, wire
from support.aws import refused
from support.server import ACCOUNT, OTHER_ACCOUNT, Key, command, headgate

ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/Deploy"
RECHECK_S = 1.0  # what the documentation promises
LATE_S = 0.3
READ = "DescribeConnectorProfiles"
INVALID = "The security token included in the request is invalid."
READS = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["appflow:Describe*", "appflow:List*"], "Resource": "*"}]},
    indent=2)

pytestmark = pytest.mark.waits(3)


@pytest.fixture
def server(servers):
    return servers("--sandbox")


def client(server, service, credentials=None, key=None):
    """boto3's, with an access key or with what STS answers."""
    key = key or server.key
    words = credentials or {"AccessKeyId": key.id, "SecretAccessKey": key.secret,
                            "SessionToken": None}
    return boto3.client(
        service, region_name=sigv4.REGION, endpoint_url=server.endpoint,
        aws_access_key_id=words["AccessKeyId"], aws_secret_access_key=words["SecretAccessKey"],
        aws_session_token=words["SessionToken"],
        config=botocore.config.Config(retries={"total_max_attempts": 1}))


def assume(server, credentials=None, key=None, **parameters):
    wish = {"RoleArn": ROLE, "RoleSessionName": "ci", **parameters}
    return client(server, "sts", credentials, key).assume_role(**wish)["Credentials"]


def by_command(server, *words, key=None):
    return json.loads(headgate("access-key", "session", *server.place, "--json",
                               "--access-key-id", (key or server.key).id, *words))


def read(server, credentials):
    return client(server, "appflow", credentials).describe_connector_profiles()[
        "connectorProfileDetails"]


def read_refused(server, credentials):
    return refused(client(server, "appflow", credentials).describe_connector_profiles)


def amplitude(name):
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", "Amplitude",
                                 "--outcome", "accepted"))
    return {"connectorProfileName": name, "connectorType": "Amplitude",
            "connectionMode": "Public", "connectorProfileConfig": config}


def seconds_left(credentials):
    end = credentials["Expiration"]
    if isinstance(end, str):
        end = datetime.datetime.fromisoformat(end.replace("Z", "+00:00"))
    return (end - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def test_assume_role(server):
    answer = client(server, "sts").assume_role(RoleArn=ROLE, RoleSessionName="ci@1")
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/ci@1"
    assert answer["AssumedRoleUser"]["Arn"] == arn
    session = answer["Credentials"]
    assert session["AccessKeyId"].startswith("ASIA") and len(session["AccessKeyId"]) == 20
    assert 3590 <= seconds_left(session) <= 3600
    client(server, "appflow", session).create_connector_profile(**amplitude("crm"))
    assert [each["connectorProfileName"] for each in read(server, session)] == ["crm"]
    identity = client(server, "sts", session).get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (ACCOUNT, arn)
    assert identity["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    audit = headgate("audit", *server.place, "--account", ACCOUNT)
    assert f"{server.key.id}/{session['AccessKeyId']}/ci@1" in audit


def test_get_session_token(server):
    session = client(server, "sts").get_session_token(DurationSeconds=900)["Credentials"]
    assert 890 <= seconds_left(session) <= 900
    assert read(server, session) == []
    identity = client(server, "sts", session).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert refused(client(server, "sts", session).get_session_token) == (
        "AccessDenied", 403, "Cannot call GetSessionToken with session credentials")


@pytest.mark.parametrize("parameters,code,words", [
    ({"DurationSeconds": 901, "RoleArn": "arn:aws:iam::123456789012:user/a"}, "ValidationError",
     "RoleArn is not"),
    ({"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/a<b>c"}, "ValidationError", "RoleArn is not"),
    ({"RoleArn": f"arn:aws:iam::{OTHER_ACCOUNT}:role/Deploy"}, "AccessDenied",
     "is not authorized to perform: sts:AssumeRole"),
    ({"RoleSessionName": "a b"}, "ValidationError", "RoleSessionName"),
    ({"DurationSeconds": 43201}, "ValidationError", "less than or equal to 43200"),
    ({"Policy": "{}"}, "ValidationError", ""),
    ({"Policy": READS + " " * 2048}, "ValidationError", "at most 2048 bytes"),
    ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]}, "ValidationError",
     "PolicyArns.member.1.arn is not supported"),
])
def test_roles_that_cannot_be_assumed(server, parameters, code, words):
    sts = boto3.client("sts", region_name=sigv4.REGION, endpoint_url=server.endpoint,
                       aws_access_key_id=server.key.id, aws_secret_access_key=server.key.secret,
                       config=botocore.config.Config(parameter_validation=False))
    found = refused(sts.assume_role, **{"RoleArn": ROLE, "RoleSessionName": "ci", **parameters})
    assert found[0] == code and words in found[2], found


def test_a_duration_that_is_too_short(server):
    sts = boto3.client("sts", region_name=sigv4.REGION, endpoint_url=server.endpoint,
                       aws_access_key_id=server.key.id, aws_secret_access_key=server.key.secret,
                       config=botocore.config.Config(parameter_validation=False))
    code, _, message = refused(sts.get_session_token, DurationSeconds=899)
    assert (code, "greater than or equal to 900" in message) == ("ValidationError", True), message


def test_a_policy_narrows_and_is_handed_on(server):
    own = client(server, "appflow")
    own.create_connector_profile(**amplitude("crm"))
    session = assume(server, Policy=READS)
    chained = assume(server, session, RoleSessionName="next")
    assert chained["Expiration"] <= session["Expiration"]
    for each in (session, chained):
        assert len(read(server, each)) == 1
        code, status, message = refused(
            client(server, "appflow", each).delete_connector_profile, connectorProfileName="crm")
        assert (code, status) == ("AccessDeniedException", 403)
        assert message.startswith(f"User: arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/")
        assert message.endswith("because no session policy allows the action")
    code, _, message = refused(client(server, "sts", session).assume_role, RoleArn=ROLE,
                               RoleSessionName="long", DurationSeconds=3601)
    assert code == "ValidationError" and "role chaining" in message
    own.delete_connector_profile(connectorProfileName="crm")


def test_a_session_may_not_do_more_than_its_access_key(server):
    key = Key("AKIALIMITED000000001", server.canaries.new("limited"), ACCOUNT)
    headgate("access-key", "create", *server.place, "--account", ACCOUNT, "--access-key-id", key.id,
             "--secret-access-key", key.secret, "--read-only", "--expires", "10m")
    everything = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    session = assume(server, key=key, Policy=everything)
    assert seconds_left(session) <= 600
    assert read(server, session) == []
    code, _, message = refused(client(server, "appflow", session).create_connector_profile,
                               **amplitude("crm"))
    assert code == "AccessDeniedException"
    assert message.endswith("because no identity-based policy allows the action")
    assert seconds_left(by_command(server, "--duration", "12h", key=key)) <= 600


def test_a_session_by_the_command(server):
    session = by_command(server, "--duration", "30m", "--names", "team-a-*")
    assert session["Version"] == 1 and 1790 <= seconds_left(session) <= 1800
    appflow = client(server, "appflow", session)
    appflow.create_connector_profile(**amplitude("team-a-1"))
    assert refused(appflow.create_connector_profile, **amplitude("b"))[0] == "AccessDeniedException"
    text = headgate("access-key", "session", *server.place, "--access-key-id", server.key.id)
    lines = dict(line.split(" = ") for line in text.splitlines() if " = " in line)
    assert read(server, {"AccessKeyId": lines["aws_access_key_id"],
                         "SecretAccessKey": lines["aws_secret_access_key"],
                         "SessionToken": lines["aws_session_token"]})
    assert "CreateSession" in headgate("audit", *server.place)


def test_an_end(server):
    session = by_command(server, "--duration", "2s")
    limit = time.monotonic() + 60
    answers = []
    while time.monotonic() < limit and (not answers or answers[-1] == 200):
        answers.append(call(server, session).status)
    assert 200 in answers
    assert read_refused(server, session)[:2] == ("ExpiredTokenException", 403)
    code, status, message = refused(client(server, "sts", session).get_caller_identity)
    assert (code, status) == ("ExpiredToken", 403)
    assert message.startswith("The security token included in the request is expired")


def call(server, session, token=True, **changes):
    """By the tests' own signer: with the token, signed, or without it."""
    session = {**session, **changes}
    key = Key(session["AccessKeyId"], session["SecretAccessKey"])
    headers = [("X-Amz-Security-Token", session["SessionToken"])] if token else []
    return wire.call(server, READ, key=key, headers=headers)


def invalid(answer, words=INVALID):
    assert (answer.status, answer.error) == (403, "UnrecognizedClientException"), answer.body
    assert answer.message == words


def test_what_is_not_a_session(server):
    session, other = assume(server), assume(server)
    token = session["SessionToken"]
    assert call(server, session).status == 200
    invalid(call(server, session, token=False))
    changed = "B" if token[-9] == "A" else "A"
    invalid(call(server, session, SessionToken=token[:-9] + changed + token[-8:]))
    invalid(call(server, session, SessionToken=token[:100]))
    invalid(call(server, session, SessionToken=token + "A" * 8192))
    invalid(call(server, session, SessionToken=other["SessionToken"]))
    invalid(call(server, session, AccessKeyId=server.key.id,
                 SecretAccessKey=server.key.secret))  # a token does not do a key's work
    wrong = call(server, session, SecretAccessKey=other["SecretAccessKey"])
    assert (wrong.status, wrong.error) == (403, "InvalidSignatureException")
    left_over = call(server, session, SessionToken="AQoDYXdzEPT")
    assert left_over.error == "UnrecognizedClientException"
    assert "Unset AWS_SESSION_TOKEN" in left_over.message


def test_a_token_must_be_signed(server):
    session = assume(server)
    target, body = "/describe-connector-profiles", b"{}"
    head = [("Host", server.authority), ("Content-Type", "application/json")]
    head += sigv4.sign("POST", target, head, body, session["AccessKeyId"],
                       session["SecretAccessKey"])
    head += [("X-Amz-Security-Token", session["SessionToken"]), ("Content-Length", "2")]
    with wire.Connection(server.host, server.port) as connection:
        answer = connection.exchange(wire.request_bytes("POST", target, head, body))
    assert (answer.status, answer.error) == (403, "InvalidSignatureException")
    assert "'X-Amz-Security-Token' must be a 'SignedHeader'" in answer.message


def test_sessions_end_with_their_access_key(server):
    key = server.make_key("AKIAHEADGATETEST0002", "other")
    session = by_command(server, key=key)
    other = assume(server)
    assert call(server, session).status == 200
    headgate("access-key", "delete", *server.place, "--access-key-id", key.id)
    gone = "the access key AKIAHEADGATETEST0002, which the session was made with, was deleted"
    time.sleep(RECHECK_S + LATE_S)
    code, _, message = read_refused(server, session)
    assert code == "UnrecognizedClientException" and gone in message
    assert call(server, other).status == 200  # the others were sealed again
    server.make_key(key.id, "another-secret")  # the same id with another secret
    code, _, message = read_refused(server, session)
    assert code == "UnrecognizedClientException" and gone in message


def test_an_access_key_that_is_not_there(server):
    done = subprocess.run(command("access-key", "session", *server.place, "--access-key-id",
                                  "AKIA"),
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no access key AKIA." in done.stderr
    for words in (["--duration", "37h"], ["--duration", "soon"], ["--policy", "missing.json"]):
        done = subprocess.run(command("access-key", "session", *server.place, "--access-key-id",
                                      server.key.id, *words),
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and words[0][2:] in done.stderr, done
