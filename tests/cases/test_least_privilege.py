"""Access keys that are limited: by a policy, by the options that write one, by an end."""

import datetime
import json
import re
import subprocess
import time

import pytest

from support.server import ACCOUNT, Key, command, headgate

READS = ["appflow:Describe*", "appflow:List*"]


def profile(name, connector="Amplitude"):
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", connector,
                                 "--outcome", "accepted"))
    return {"connectorProfileName": name, "connectorType": connector, "connectionMode": "Public",
            "connectorProfileConfig": config}


def update_of(name, connector="Amplitude"):
    request = profile(name, connector)
    del request["connectorType"]
    return request


def limited(server, number, *options):
    """A key of the server's account with these limits."""
    key = Key(f"AKIALIMITED000000{number:03}", server.canaries.new(f"limited-{number}"), ACCOUNT)
    headgate("access-key", "create", *server.place, "--account", ACCOUNT, "--access-key-id", key.id,
             "--secret-access-key", key.secret, *options)
    return key


def call(server, key, operation, parameters=None):
    own, server.key = server.key, key
    try:
        return server.call(operation, parameters or {})
    finally:
        server.key = own


def denied(answer):
    assert (answer.status, answer.error) == (403, "AccessDeniedException"), answer.body
    return answer.json()["message"]


@pytest.fixture
def server(servers):
    server = servers("--sandbox")
    for name, connector in (("team-a-1", "Amplitude"), ("team-b-1", "Zendesk")):
        assert server.call("CreateConnectorProfile", profile(name, connector)).status == 200
    return server


def test_a_key_that_reads_only(server):
    key = limited(server, 1, "--read-only")
    names = call(server, key, "DescribeConnectorProfiles").json()["connectorProfileDetails"]
    assert [each["connectorProfileName"] for each in names] == ["team-a-1", "team-b-1"]
    message = denied(call(server, key, "UpdateConnectorProfile", update_of("team-a-1")))
    assert f"(access key {key.id}) is not authorized to perform: appflow:UpdateConnectorProfile " \
           f"on resource: arn:aws:appflow:us-east-1:{ACCOUNT}:connectorprofile/team-a-1 " in message
    denied(call(server, key, "CreateConnectorProfile", profile("team-a-2")))
    denied(call(server, key, "DeleteConnectorProfile", {"connectorProfileName": "team-a-1"}))
    assert server.call("UpdateConnectorProfile", update_of("team-a-1")).status == 200


def test_names(server):
    key = limited(server, 2, "--names", "team-a-*")
    assert call(server, key, "UpdateConnectorProfile", update_of("team-a-1")).status == 200
    denied(call(server, key, "UpdateConnectorProfile", update_of("team-b-1", "Zendesk")))
    denied(call(server, key, "DeleteConnectorProfile", {"connectorProfileName": "team-b-1"}))
    assert call(server, key, "CreateConnectorProfile", profile("team-a-2")).status == 200
    denied(call(server, key, "CreateConnectorProfile", profile("team-c-1")))
    answer = call(server, key, "DescribeConnectorProfiles",
                  {"connectorProfileNames": ["team-a-1", "team-a-2"]})
    assert len(answer.json()["connectorProfileDetails"]) == 2
    denied(call(server, key, "DescribeConnectorProfiles",
                {"connectorProfileNames": ["team-a-1", "team-b-1"]}))
    assert "connectorprofile/*" in denied(call(server, key, "DescribeConnectorProfiles"))


def test_connectors(server):
    key = limited(server, 3, "--connectors", "Zendesk,Salesforce")
    assert call(server, key, "UpdateConnectorProfile",
                update_of("team-b-1", "Zendesk")).status == 200
    denied(call(server, key, "UpdateConnectorProfile", update_of("team-a-1")))
    denied(call(server, key, "DeleteConnectorProfile", {"connectorProfileName": "team-a-1"}))
    denied(call(server, key, "DeleteConnectorProfile", {"connectorProfileName": "nothing"}))
    denied(call(server, key, "CreateConnectorProfile", profile("team-a-2")))
    denied(call(server, key, "DescribeConnectorProfiles"))
    denied(call(server, key, "DescribeConnectorProfiles", {"connectorType": "Amplitude"}))
    answer = call(server, key, "DescribeConnectorProfiles", {"connectorType": "Zendesk"})
    assert len(answer.json()["connectorProfileDetails"]) == 1
    assert call(server, key, "DeleteConnectorProfile",
                {"connectorProfileName": "team-b-1"}).status == 200


def test_connectors_that_are_described(server):
    key = limited(server, 30, "--connectors", "Zendesk")
    assert call(server, key, "DescribeConnector", {"connectorType": "Zendesk"}).status == 200
    denied(call(server, key, "DescribeConnector", {"connectorType": "S3"}))
    denied(call(server, key, "DescribeConnectors"))


def flow_from(profile_name, **more):
    return {"flowName": "team-flow", "triggerConfig": {"triggerType": "OnDemand"},
            "sourceFlowConfig": {"connectorType": "Zendesk", "connectorProfileName": profile_name,
                                 "sourceConnectorProperties": {"Zendesk": {"object": "tickets"}}},
            "destinationFlowConfigList": [{
                "connectorType": "S3", "connectorProfileName": "not-looked-up",
                "destinationConnectorProperties": {"S3": {"bucketName": "bucket"}}}],
            "tasks": [{"taskType": "Map_all", "sourceFields": []}], **more}


def test_a_flow_uses_profiles_that_the_key_may_use(server, tmp_path):
    """It would read with their credentials."""
    arn = f"arn:aws:appflow:us-east-1:{ACCOUNT}:"
    key = limited(server, 32, "--policy", str(policy_file(
        tmp_path, {"Effect": "Allow", "Action": ["appflow:CreateFlow", "appflow:UpdateFlow"],
                   "Resource": arn + "flow/team-*"},
        {"Effect": "Allow", "Action": "appflow:UseConnectorProfile",
         "Resource": arn + "connectorprofile/team-b-*"})))
    message = denied(call(server, key, "CreateFlow", flow_from("crm")))
    assert "appflow:UseConnectorProfile on resource: " + arn + "connectorprofile/crm " in message
    message = denied(call(server, key, "CreateFlow", flow_from("team-b-1", tags={"a": "b"})))
    assert "appflow:TagResource on resource: " + arn + "flow/team-flow " in message
    assert call(server, key, "CreateFlow", flow_from("team-b-1", tags={})).status == 200
    assert call(server, key, "UpdateFlow", flow_from("team-b-1")).status == 200
    denied(call(server, key, "UpdateFlow", flow_from("crm")))
    denied(call(server, key, "DeleteFlow", {"flowName": "team-flow"}))


@pytest.mark.parametrize(("number", "condition"), [(33, "aws:ResourceTag/team"),
                                                   (34, "aws:RequestTag/team")])
def test_tags_of_a_flow_say_nothing_of_profiles(server, tmp_path, number, condition):
    """Else they would lend the credentials of every profile."""
    key = limited(server, number, "--policy", str(policy_file(
        tmp_path, {"Effect": "Allow", "Action": "appflow:*", "Resource": "*",
                   "Condition": {"StringEquals": {condition: "b"}}},
        {"Effect": "Allow", "Action": "appflow:UseConnectorProfile",
         "Resource": f"arn:aws:appflow:us-east-1:{ACCOUNT}:connectorprofile/team-b-*"})))
    operation = "UpdateFlow" if condition == "aws:ResourceTag/team" else "CreateFlow"
    tags = {"tags": {"team": "b"}}
    if operation == "UpdateFlow":
        assert server.call("CreateFlow", flow_from("team-b-1", **tags)).status == 200
        tags = {}
    message = denied(call(server, key, operation, flow_from("crm", **tags)))
    assert "appflow:UseConnectorProfile on resource: " in message
    assert call(server, key, operation, flow_from("team-b-1", **tags)).status == 200


def test_lists_are_asked_for_by_their_kind(server, tmp_path):
    allow = {"Effect": "Allow", "Action": READS,
             "Resource": f"arn:aws:appflow:us-east-1:{ACCOUNT}:connector/*"}
    key = limited(server, 31, "--policy", str(policy_file(tmp_path, allow)))
    assert call(server, key, "ListConnectors").status == 200
    assert call(server, key, "DescribeConnector", {"connectorType": "S3"}).status == 200
    assert "on resource: * " in denied(call(server, key, "DescribeConnectors"))
    assert "connectorprofile/*" in denied(call(server, key, "DescribeConnectorProfiles"))


def test_a_key_for_the_sandbox(server, servers):
    key = limited(server, 4, "--sandbox-only")
    assert call(server, key, "DescribeConnectorProfiles").status == 200
    server.stop()
    server.options = [each for each in server.options if each != "--sandbox"]
    server.start()
    denied(call(server, key, "DescribeConnectorProfiles"))
    assert server.call("DescribeConnectorProfiles", {}).status == 200


def policy_file(tmp_path, *statements):
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=4))
    return path


def test_a_policy_of_iams(server, tmp_path):
    allow = {"Effect": "Allow", "Action": "appflow:*", "Resource": "*",
             "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"},
                           "Bool": {"aws:SecureTransport": "false"},
                           "StringEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}}}
    deny = {"Effect": "Deny", "Action": "appflow:Delete*",
            "Resource": f"arn:aws:appflow:*:{ACCOUNT}:connectorprofile/team-b-*"}
    key = limited(server, 5, "--policy", policy_file(tmp_path, allow, deny))
    assert call(server, key, "UpdateConnectorProfile", update_of("team-a-1")).status == 200
    message = denied(call(server, key, "DeleteConnectorProfile",
                          {"connectorProfileName": "team-b-1"}))
    assert message.endswith("with an explicit deny in an identity-based policy")
    assert call(server, key, "DeleteConnectorProfile",
                {"connectorProfileName": "team-a-1"}).status == 200
    allow["Condition"]["IpAddress"]["aws:SourceIp"] = "10.0.0.0/8"
    other = limited(server, 6, "--policy", policy_file(tmp_path, allow))
    denied(call(server, other, "DescribeConnectorProfiles"))


def test_a_denied_change_is_in_the_audit_and_the_log(servers):
    server = servers("--sandbox")
    key = limited(server, 7, "--read-only")
    denied(call(server, key, "DeleteConnectorProfile", {"connectorProfileName": "p"}))
    server.stop()  # the row is committed after the answer
    assert "AccessDeniedException" in headgate("audit", *server.place, "--account", ACCOUNT)
    assert re.search(rf"Refused 127\.0\.0\.1:\d+ with access key {key.id}: User: arn", server.log)


def test_an_expired_key(server):
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
    key = limited(server, 8, "--expires", end.strftime("%Y-%m-%dT%H:%M:%SZ"))
    limit = time.monotonic() + 60
    answer = call(server, key, "DescribeConnectorProfiles")
    while answer.status == 200 and time.monotonic() < limit:
        answer = call(server, key, "DescribeConnectorProfiles")
    assert (answer.status, answer.error) == (403, "ExpiredTokenException")
    assert f"the access key {key.id} was valid until {end:%Y-%m-%dT%H:%M:%SZ}" in answer.json()[
        "message"]
    assert f"with access key {key.id}: The security token" in server.log


def refused(*words):
    done = subprocess.run(command("access-key", "create", "--account", ACCOUNT, *words),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done
    return done.stderr


def test_limits_that_cannot_be_are_refused(tmp_path):
    missing = tmp_path / "missing.json"
    place = ["--data", tmp_path / "data"]
    assert f"{missing} cannot be read: No such file" in refused(*place, "--policy", missing)
    bad = policy_file(tmp_path, {"Effect": "Allow", "Principal": "*", "Action": "*",
                                 "Resource": "*"})
    assert "statement 1: Principal is not one of" in refused(*place, "--policy", bad)
    assert "--policy excludes" in refused(*place, "--policy", bad, "--read-only")
    assert "--connectors" in refused(*place, "--connectors", "Nobody")
    assert "--names" in refused(*place, "--names", 'a"b')
    for when in ("yesterday", "0d", "2020-01-01T00:00:00Z", "1", "d"):
        assert "--expires" in refused(*place, "--expires", when)
    assert not (tmp_path / "data").exists()


def test_limits_and_use_are_listed(server, tmp_path):
    key = limited(server, 9, "--read-only", "--expires", "12h")
    assert call(server, key, "DescribeConnectorProfiles").status == 200
    server.stop()  # what was noted is written
    rows = [json.loads(line) for line in
            headgate("access-key", "list", *server.place, "--json").splitlines()]
    row = next(row for row in rows if row["accessKeyId"] == key.id)
    assert row["policy"]["Statement"][0]["Action"] == READS
    assert row["lastUsedAt"] >= row["createdAt"] and row["expiresAt"] > row["createdAt"]
    text = headgate("access-key", "list", *server.place)
    assert re.search(rf"{key.id} .* limited$", text, re.MULTILINE)
    assert re.search(r"AKIAHEADGATETEST0001 .*does not expire .* everything$", text, re.MULTILINE)
