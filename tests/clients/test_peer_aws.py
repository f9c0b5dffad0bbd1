"""What the server asks of AWS (STS, Secrets Manager, KMS, EventBridge, Glue, S3, Redshift's Data
API): moto, which is not ours, checks each signature with botocore's signer and each action by IAM
policies."""

import base64
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import boto3
import pytest

from support import aws, custom, moving, ports, postgres
from support.server import ACCOUNT, OTHER_ACCOUNT
from support.sigv4 import REGION
from support.vendor import Vendor, http

pytest.importorskip("moto", reason="moto is not installed (tests/requirements.txt)")

SCRIPT = pathlib.Path(postgres.__file__).with_name("moto_server.py")
START_TIMEOUT_S = 60
COPY_TIMEOUT_S = 20  # until a job has run
SETUP_ACTIONS = 21  # what Moto.set_up asks before identities count
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}


LAKE_IN, LAKE_OUT = "lake-in", "lake-out"
# As docs/flows.md names them.
CATALOG_ACTIONS = [f"glue:{name}" for name in (
    "GetTable", "CreateTable", "UpdateTable", "DeleteTable", "GetPartitions",
    "BatchCreatePartition", "BatchDeletePartition")]


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": actions, "Resource": resources}
        for actions, resources in statements]})


class Moto:
    def __init__(self, log):
        self.port = ports.free_port()
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
        """The server's own user, who may take on three roles, read secrets, use a key, read and
        write the lake's buckets, and put events on the bus, whose events of runs come to a
        queue."""
        iam, secrets = self.client("iam"), self.client("secretsmanager")
        app = json.dumps({"clientId": "app-of-headgate", "clientSecret": "not-seen-outside"})
        self.secrets = {name: secrets.create_secret(Name=name, SecretString=text)["ARN"]
                        for name, text in (("app", app), ("no-app", "not-seen-outside"))}
        kms = self.client("kms")
        self.key = kms.create_key()["KeyMetadata"]["Arn"]
        kms.create_alias(AliasName="alias/crm", TargetKeyId=self.key)
        self.queue = self.client("sqs").create_queue(QueueName="runs")["QueueUrl"]
        events = self.client("events")
        events.put_rule(Name="runs", EventPattern=json.dumps({
            "source": ["aws.appflow"], "detail-type": [{"prefix": "AppFlow "}]}))
        events.put_targets(Rule="runs", Targets=[
            {"Id": "runs", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:runs"}])
        for name, actions in (("api", "redshift-data:*"), ("idle", "s3:ListBucket"),
                              ("catalog", CATALOG_ACTIONS)):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
            iam.put_role_policy(RoleName=name, PolicyName="p",
                                PolicyDocument=policy((actions, "*")))
        self.client("glue").create_database(DatabaseInput={"Name": "lake"})
        for bucket in (LAKE_IN, LAKE_OUT):
            self.client("s3").create_bucket(Bucket=bucket)
        self.client("s3").put_object(Bucket=LAKE_IN, Key="page", Body=moving.lines_of(
            [{"Id": number, "Country": ["DE", "FR"][number % 2]} for number in range(4)]))
        iam.create_user(UserName="headgate")
        iam.put_user_policy(UserName="headgate", PolicyName="p", PolicyDocument=policy(
            ("sts:AssumeRole", [ROLE + "api", ROLE + "idle", ROLE + "catalog"]),
            ("s3:*", [f"arn:aws:s3:::lake-{end}" for end in ("in", "in/*", "out", "out/*")]),
            ([f"secretsmanager:{name}" for name in
              ("GetSecretValue", "CreateSecret", "PutSecretValue", "DeleteSecret")], "*"),
            (["kms:GenerateDataKey", "kms:Decrypt"], "*"),
            (["glue:GetTable", "glue:GetPartitions"], "*"),
            (["events:PutEvents", "sqs:ReceiveMessage"], "*")))
        key = iam.create_access_key(UserName="headgate")["AccessKey"]
        # The last one that is not looked at: from now on identities count.
        self.client("sts").get_caller_identity()
        return key["AccessKeyId"], key["SecretAccessKey"]

    def close(self):
        self.process.terminate()
        self.process.wait(START_TIMEOUT_S)

    def text_of(self, secret):
        """None: there is no such secret."""
        client = self.client("secretsmanager", self.key_id, self.secret)
        try:
            return json.loads(client.get_secret_value(SecretId=secret)["SecretString"])
        except client.exceptions.ResourceNotFoundException:
            return None

    def await_text(self, secret, text):
        until = time.monotonic() + COPY_TIMEOUT_S
        while self.text_of(secret) != text:
            assert time.monotonic() < until, self.text_of(secret)
            time.sleep(0.02)


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


def test_a_copy_of_a_secret_follows_its_profile(servers, canaries, moto):
    """Also while the credentials are verified, when the function gets a copy of its own."""
    seen = []
    with custom.Connector(canaries) as connector:
        answer_of = connector.answers

        def look(request):
            if request["type"] == "ValidateCredentialsRequest":
                seen.append(moto.text_of(request["credentials"]["secretArn"]))
            return answer_of(request)

        connector.answers = look
        server = start(servers, canaries, moto, "--lambda-url", connector.url,
                       "--mirror-secrets", "t/")
        custom.register(server, "label#1")
        first, second = canaries.new(), canaries.new()
        server.ok("CreateConnectorProfile", custom.create(custom.basic(first), "own!", "label#1"))
        arn = server.describe("own!")["credentialsArn"]
        name = "t/appflow/123456789012-label/1-own//" + arn[-6:]
        moto.await_text(name, {"username": "user", "password": first})
        server.ok("UpdateConnectorProfile", custom.update(custom.basic(second), "own!"))
        moto.await_text(name, {"username": "user", "password": second})
        assert [each["password"] for each in seen] == [first, second]
        server.ok("DeleteConnectorProfile", {"connectorProfileName": "own!"})
        moto.await_text(name, None)


def test_copies_go_with_a_registration_that_is_removed_by_force(servers, canaries, moto):
    """Also when the server is killed before it has removed them; and come with a new one."""
    with custom.Connector(canaries) as connector:
        server = start(servers, canaries, moto, "--lambda-url", connector.url,
                       "--mirror-secrets", "f/")
        custom.register(server, "label-1")
        password = canaries.new()
        server.ok("CreateConnectorProfile", custom.create(custom.basic(password), "own", "label-1"))
        name = "f/appflow/123456789012-label-1-own/" + server.describe("own")["credentialsArn"][-6:]
        moto.await_text(name, {"username": "user", "password": password})
        server.ok("UnregisterConnector", {"connectorLabel": "label-1", "forceDelete": True})
        server.kill()
        server.database.change("UPDATE jobs SET due_at_ms = 1")  # calls in hand may take a minute
        server.start()
        moto.await_text(name, None)
        custom.register(server, "label-1")
        moto.await_text(name, {"username": "user", "password": password})


def test_references_lead_to_secrets_by_name_and_by_arn(servers, canaries, moto):
    """Names as Secrets Manager finds them: an ARN without its random end, and earlier versions."""
    secrets = moto.client("secretsmanager", moto.key_id, moto.secret)
    key, old = canaries.new("key"), canaries.new("old")
    arn = secrets.create_secret(Name="prod/events", SecretString=json.dumps({"key": old}))["ARN"]
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps({"key": key}))
    shown = []

    def judge(request):
        shown.append(request.headers["authorization"])
        return http("200 OK", '{"data":[]}')

    with Vendor(judge) as vendor:
        server = start(servers, canaries, moto, "--endpoint", f"Amplitude={vendor.url}",
                       "--reference", f"{ACCOUNT}=secretsmanager:prod/*")
        client = aws.boto(server)
        for number, (reference, sent) in enumerate([
                ("prod/events:SecretString:key", key), (f"{arn}:SecretString:key", key),
                ("prod/events:SecretString:key:AWSPREVIOUS", old)]):
            aws.create(client, f"p{number}", "Amplitude", {
                "connectorProfileProperties": {"Amplitude": {}},
                "connectorProfileCredentials": {"Amplitude": {
                    "apiKey": "api", "secretKey": f"{{{{resolve:secretsmanager:{reference}}}}}"}}})
            assert base64.b64decode(shown[-1].split()[1]).decode() == f"api:{sent}"
        refused = aws.refused(aws.create, client=client, name="p", kind="Amplitude", config={
            "connectorProfileProperties": {"Amplitude": {}},
            "connectorProfileCredentials": {"Amplitude": {
                "apiKey": "api", "secretKey": "{{resolve:secretsmanager:prod/none}}"}}})
        assert refused[0] == "ValidationException" and "has no such secret" in refused[2]


def test_a_profile_is_encrypted_under_a_key(servers, canaries, moto):
    """An alias stands for the key that it names when the profile is made."""
    alias = moto.key.split(":key/")[0] + ":alias/crm"
    config = {"connectorProfileProperties": {"Amplitude": {}},
              "connectorProfileCredentials": {"Amplitude": {
                  "apiKey": "api", "secretKey": canaries.new("key")}}}
    with Vendor(lambda _: http("200 OK", '{"data":[]}')) as vendor:
        server = start(servers, canaries, moto, "--endpoint", f"Amplitude={vendor.url}",
                       "--kms-url", moto.url)
        client = aws.boto(server)
        for name, arn in (("key", moto.key), ("alias", alias)):
            aws.create(client, name, "Amplitude", config, kmsArn=arn)
        name, _, message = aws.refused(aws.create, client=client, name="none", kind="Amplitude",
                                       config=config, kmsArn=moto.key[:-1] + "!")
        assert name == "ValidationException" and "has no such key" in message
        server.stop()
        server.start()
        for name in ("key", "alias"):
            aws.update(aws.boto(server), name, aws.properties_only(config))
        assert [request.headers["authorization"][:5] for request in vendor.requests] == (
            ["Basic"] * 4)


def test_a_key_of_a_server_with_a_wrong_secret(servers, canaries, moto):
    server = start(servers, canaries, moto, "--kms-url", moto.url, secret=canaries.new("wrong"))
    name, _, message = aws.refused(
        aws.create, client=aws.boto(server), name="p", kind="Amplitude", kmsArn=moto.key, config={
            "connectorProfileProperties": {"Amplitude": {}},
            "connectorProfileCredentials": {"Amplitude": {"apiKey": "a", "secretKey": "b"}}})
    assert name == "AccessDeniedException"
    assert "AWS KMS does not let this server use it" in message


def received(moto, count):
    """The events that a rule brought to the queue."""
    queue = moto.client("sqs", moto.key_id, moto.secret)
    bodies, until = [], time.monotonic() + COPY_TIMEOUT_S
    while len(bodies) < count:
        assert time.monotonic() < until, bodies
        page = queue.receive_message(QueueUrl=moto.queue, MaxNumberOfMessages=10)
        bodies += [json.loads(each["Body"]) for each in page.get("Messages", [])]
        time.sleep(0.02)
    return bodies


def test_a_rule_of_eventbridge_gets_the_events_of_a_run(servers, canaries, moto):
    """As a consumer of the real service's events has them; the run fails, as there is no bucket."""
    server = start(servers, canaries, moto, "--s3-url", moto.url, "--events-url", moto.url)
    client = aws.boto(server)
    client.create_flow(**moving.flow())
    run_id = client.start_flow(flowName="copy")["executionId"]
    by_type = {each["detail-type"]: each for each in received(moto, 2)}
    for kind in ("Start", "End"):
        event = by_type[f"AppFlow {kind} Flow Run Report"]
        assert (event["source"], event["region"]) == ("aws.appflow", REGION)
        assert event["detail"]["execution-id"] == run_id
        assert event["resources"][1] == f"arn:aws:appflow:{REGION}:{ACCOUNT}:flow/copy"
    assert event["detail"]["status"] == "Execution Failed"


def test_events_of_a_server_with_a_wrong_secret_wait(servers, canaries, moto):
    server = start(servers, canaries, moto, "--s3-url", moto.url, "--events-url", moto.url,
                   secret=canaries.new("wrong"))
    client = aws.boto(server)
    client.create_flow(**moving.flow())
    client.start_flow(flowName="copy")
    server.wait_for_log("was not delivered to EventBridge")
    assert "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in server.log
    assert server.count_rows("credential_events") > 0


def lake_flow(*tasks, role="catalog", **output):
    """From the bucket of one lake to that of the other, registered."""
    made = moving.flow("orders", tasks=(moving.ALL, *tasks), **output)
    for end, bucket in ((made["sourceFlowConfig"]["sourceConnectorProperties"], LAKE_IN),
                        (made["destinationFlowConfigList"][0]["destinationConnectorProperties"],
                         LAKE_OUT)):
        end["S3"]["bucketName"] = bucket
    return {**made, "metadataCatalogConfig": {"glueDataCatalog": {
        "roleArn": ROLE + role, "databaseName": "lake", "tablePrefix": "crm"}}}


def ran(client):
    client.start_flow(flowName="orders")
    until = time.monotonic() + COPY_TIMEOUT_S
    while True:
        record = client.describe_flow_execution_records(flowName="orders")["flowExecutions"][0]
        if record["executionStatus"] != "InProgress":
            assert record["executionStatus"] == "Successful", record
            return record
        assert time.monotonic() < until, record
        time.sleep(0.05)


def test_runs_are_registered_in_glue(servers, canaries, moto):
    """As a reader of the catalog has them: where the objects are, and what is in them. It has
    what the newest run wrote, and what all runs did."""
    server = start(servers, canaries, moto, "--s3-url", moto.url, "--glue-url", moto.url)
    client, glue = aws.boto(server), moto.client("glue", moto.key_id, moto.secret)
    client.create_flow(**lake_flow(
        {"taskType": "Partition", "sourceFields": [], "taskProperties": {
            "ORDERED_PARTITION_KEYS_LIST": "Country"}},
        prefixConfig={"pathPrefixHierarchy": ["EXECUTION_ID"]}))
    records = [ran(client) for _ in range(2)]
    for record in records:
        for each in record["metadataCatalogDetails"]:
            assert each["tableRegistrationOutput"] == {"result": "1", "status": "Successful"}, each
            assert each["partitionRegistrationOutput"] == {
                "result": "2", "status": "Successful"}, each
    latest, version, of_run = [each["tableName"]
                               for each in records[1]["metadataCatalogDetails"]]
    s3 = moto.client("s3", moto.key_id, moto.secret)

    def found(name):
        """The records that are where the table says, with their partitions' values."""
        table = glue.get_table(DatabaseName="lake", Name=name)["Table"]
        assert [each["Name"] for each in table["StorageDescriptor"]["Columns"]] == ["id"]
        keys = [each["Name"] for each in table["PartitionKeys"]]
        rows = []
        for each in glue.get_partitions(DatabaseName="lake", TableName=name)["Partitions"]:
            prefix = each["StorageDescriptor"]["Location"].removeprefix(f"s3://{LAKE_OUT}/")
            for item in s3.list_objects_v2(Bucket=LAKE_OUT, Prefix=prefix)["Contents"]:
                body = s3.get_object(Bucket=LAKE_OUT, Key=item["Key"])["Body"].read()
                rows += [(json.loads(line)["Id"], *zip(keys, each["Values"]))
                         for line in body.splitlines()]
        return sorted(rows)

    country = [("country", "DE"), ("country", "FR")]
    assert found(latest) == found(of_run) == [(n, country[n % 2]) for n in range(4)]
    assert found(version) == sorted(
        (n, ("run_folder", record["executionId"]), country[n % 2])
        for n in range(4) for record in records)


def test_a_role_that_may_not_use_glue(servers, canaries, moto):
    server = start(servers, canaries, moto, "--s3-url", moto.url, "--glue-url", moto.url)
    client = aws.boto(server)
    client.create_flow(**lake_flow(role="idle"))
    for each in ran(client)["metadataCatalogDetails"]:
        output = each["tableRegistrationOutput"]
        assert output["status"] == "Error" and "Give the role that action" in output["message"]
        assert "assumed-role" not in output["message"]
