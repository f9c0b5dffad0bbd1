"""What the server asks of AWS (STS, Secrets Manager, Redshift's Data API), against moto, which is
not ours: it checks each signature with botocore's signer and each action against IAM policies."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import boto3
import pytest

from support import aws, postgres
from support.server import ACCOUNT, OTHER_ACCOUNT
from support.sigv4 import REGION
from support.vendor import http

pytest.importorskip("moto", reason="moto is not installed (tests/requirements.txt)")

SCRIPT = pathlib.Path(postgres.__file__).with_name("moto_server.py")
START_TIMEOUT_S = 60
SETUP_ACTIONS = 10  # what Moto.set_up asks before identities count
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": actions, "Resource": resources}
        for actions, resources in statements]})


class Moto:
    def __init__(self, log):
        self.port = postgres.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, SCRIPT, "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(SETUP_ACTIONS)})
        self._await_port()
        self.key_id, self.secret = self.set_up()

    def _await_port(self):
        until = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < until
                time.sleep(0.05)

    def client(self, service, key_id="setup", secret="setup"):
        return boto3.client(service, region_name=REGION, endpoint_url=self.url,
                            aws_access_key_id=key_id, aws_secret_access_key=secret)

    def set_up(self):
        """The server's own user, who may take on two roles and read secrets."""
        iam, secrets = self.client("iam"), self.client("secretsmanager")
        app = json.dumps({"clientId": "app-of-headgate", "clientSecret": "not-seen-outside"})
        self.secrets = {name: secrets.create_secret(Name=name, SecretString=text)["ARN"]
                        for name, text in (("app", app), ("no-app", "not-seen-outside"))}
        for name in ("api", "idle"):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(
                ("redshift-data:*" if name == "api" else "s3:ListBucket", "*")))
        iam.create_user(UserName="headgate")
        iam.put_user_policy(UserName="headgate", PolicyName="p", PolicyDocument=policy(
            ("sts:AssumeRole", [ROLE + "api", ROLE + "idle"]),
            ("secretsmanager:GetSecretValue", "*")))
        key = iam.create_access_key(UserName="headgate")["AccessKey"]
        # The last one that is not looked at: from now on identities count.
        self.client("sts").get_caller_identity()
        return key["AccessKeyId"], key["SecretAccessKey"]

    def close(self):
        self.process.terminate()
        self.process.wait(START_TIMEOUT_S)


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    with open(tmp_path_factory.mktemp("moto") / "log", "wb") as log:
        peer = Moto(log)
    yield peer
    peer.close()


def start(servers, canaries, moto, *options, secret=None):
    """A server whose AWS is moto, as the user that moto knows."""
    canaries.add(moto.secret)
    canaries.add("not-seen-outside")
    return servers(
        "--egress-allow", "127.0.0.1", "--endpoint", f"Redshift={moto.url}",
        "--sts-url", moto.url, "--secrets-manager-url", moto.url, *options,
        env={"AWS_ACCESS_KEY_ID": moto.key_id, "AWS_SECRET_ACCESS_KEY": secret or moto.secret})


def data_api(role="api", **properties):
    return {
        "connectorProfileProperties": {"Redshift": {
            "bucketName": "stage", "roleArn": ROLE + "stage", "dataApiRoleArn": ROLE + role,
            "databaseName": "dev", **(properties or {"clusterIdentifier": "acme"})}},
        "connectorProfileCredentials": {"Redshift": {"username": "loader"}}}


def test_moto_tells_who_may(moto):
    """The peer is worth its tests only if it refuses."""
    stranger = moto.client("sts", moto.key_id, "another-secret")
    with pytest.raises(stranger.exceptions.ClientError, match="SignatureDoesNotMatch"):
        stranger.get_caller_identity()


@pytest.mark.shows("peer", "moto", kind="Redshift")
def test_a_role_sends_a_statement(servers, canaries, moto):
    server = start(servers, canaries, moto)
    client = aws.boto(server)
    aws.create(client, "cluster", "Redshift", data_api())
    aws.update(client, "cluster", data_api())
    aws.update(client, "cluster", aws.properties_only(
        data_api(isRedshiftServerless=True, workgroupName="acme")))
    found = server.describe("cluster")["connectorProfileProperties"]["Redshift"]
    assert found["workgroupName"] == "acme" and "clusterIdentifier" not in found


@pytest.mark.shows("peer", "moto", kind="Redshift")
@pytest.mark.parametrize("role,words", [
    ("missing", "rejected the credentials at step token: AWS STS does not let this server take on "
                "the role (AccessDenied)"),
    ("idle", "lack a permission at step api (HTTP "),
])
def test_a_role_that_will_not_do(servers, canaries, moto, role, words):
    server = start(servers, canaries, moto)
    name, status, message = aws.refused(aws.create, client=aws.boto(server), name="cluster",
                                        kind="Redshift", config=data_api(role))
    assert (name, status) == ("ConnectorAuthenticationException", 401)
    assert words in message
    assert "user/headgate" not in message


@pytest.mark.shows("peer", "moto", kind="Redshift")
def test_a_server_with_a_wrong_secret(servers, canaries, moto):
    server = start(servers, canaries, moto, secret=canaries.new("wrong"))
    _, _, message = aws.refused(aws.create, client=aws.boto(server), name="cluster",
                                kind="Redshift", config=data_api())
    assert "cannot be used with this configuration" in message
    assert "does not take this server's own access key (SignatureDoesNotMatch)" in message


@pytest.mark.shows("peer", "moto", kind="Redshift")
def test_a_role_of_another_account(servers, canaries, moto):
    server = start(servers, canaries, moto)
    for member in ("roleArn", "dataApiRoleArn"):
        config = data_api()
        config["connectorProfileProperties"]["Redshift"][member] = \
            f"arn:aws:iam::{OTHER_ACCOUNT}:role/api"
        name, _, message = aws.refused(aws.create, client=aws.boto(server), name="cluster",
                                       kind="Redshift", config=config)
        assert name == "ValidationException"
        assert f"{member} must name a role of the account {ACCOUNT}" in message


def salesforce(canaries, arn):
    return {
        "connectorProfileProperties": {"Salesforce": {}},
        "connectorProfileCredentials": {"Salesforce": {
            "clientCredentialsArn": arn,
            "oAuthRequest": {"authCode": canaries.new("code"),
                             "redirectUri": "https://example.com/callback"}}}}


@pytest.mark.shows("peer", "moto", kind="Salesforce")
def test_an_app_comes_from_a_secret(servers, canaries, moto, vendor):
    server = start(servers, canaries, moto, "--endpoint", f"Salesforce={vendor.url}")
    client = aws.boto(server)
    for arn in (moto.secrets["no-app"], moto.secrets["app"].replace("app-", "gone-")):
        name, _, message = aws.refused(aws.create, client=client, name="app", kind="Salesforce",
                                       config=salesforce(canaries, arn))
        assert name == "ConnectorAuthenticationException"
        assert "Please validate the ClientCredentialsArn provided" in message
    assert not vendor.requests
    vendor.script.append(http("200 OK", json.dumps({
        "access_token": canaries.new("access"), "token_type": "Bearer",
        "instance_url": vendor.url})))
    vendor.script.append(http("200 OK", json.dumps({"sobjects": "/services/data/v58.0/sobjects"})))
    aws.create(client, "app", "Salesforce", salesforce(canaries, moto.secrets["app"]))
    assert b"client_id=app-of-headgate&client_secret=not-seen-outside" in vendor.requests[0].body
