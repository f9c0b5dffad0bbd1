"""The AWS SDK for JavaScript through a profile's whole life."""

import json
import pathlib
import re

import pytest

from support import aws, operations
from support.functions import registration

SCRIPT = pathlib.Path(__file__).with_name("appflow.mjs")
REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def send(server, calls, attempts=1):
    """Outcomes of (operation, parameters) pairs, in order."""
    asked = json.dumps([{"operation": operation, "parameters": parameters}
                        for operation, parameters in calls]).encode()
    done = aws.run_tool(server, ["node", SCRIPT, server.endpoint, attempts], asked)
    assert done.returncode == 0, done.stderr.decode()
    outcomes = json.loads(done.stdout)
    assert all(REQUEST_ID.fullmatch(each["request"]) for each in outcomes), outcomes
    return outcomes


@pytest.mark.parametrize("kind", aws.CONNECTORS)
def test_a_profile_s_life(sandboxed, canaries, kind):
    good = aws.config_for(canaries, kind, "accepted")
    bad = aws.config_for(canaries, kind, "rejected")
    name = {"connectorProfileName": "js"}
    change = {**name, "connectionMode": "Public", "connectorProfileConfig": good}
    wrong = {**change, "connectorProfileConfig": bad}
    listing = ("DescribeConnectorProfiles", {"connectorProfileNames": ["js"]})
    made, before, updated, again, refused, conflict, after, deleted, missing, unknown = send(
        sandboxed, [
            ("CreateConnectorProfile", {**change, "connectorType": kind}), listing,
            ("UpdateConnectorProfile", {**change, "clientToken": "t1"}),
            ("UpdateConnectorProfile", {**change, "clientToken": "t1"}),
            ("UpdateConnectorProfile", wrong),
            ("UpdateConnectorProfile", {**wrong, "clientToken": "t1"}), listing,
            ("DeleteConnectorProfile", name), ("DeleteConnectorProfile", name),
            ("UpdateConnectorProfile", change)])
    arn = {"connectorProfileArn": "arn:aws:appflow:us-east-1:123456789012:connectorprofile/js"}
    assert made["output"] == arn and updated["output"] == arn and again["output"] == arn
    assert deleted["output"] == {}
    detail, changed = (each["output"]["connectorProfileDetails"][0] for each in (before, after))
    assert changed["lastUpdatedAt"] > detail["lastUpdatedAt"]
    assert {**changed, "lastUpdatedAt": 0} == {**detail, "lastUpdatedAt": 0}
    assert detail["connectorProfileProperties"] == good["connectorProfileProperties"]
    assert [(each["error"], each["status"], each["typed"])
            for each in (refused, conflict, missing, unknown)] == [
        ("ConnectorAuthenticationException", 401, True), ("ConflictException", 409, True),
        ("ResourceNotFoundException", 404, True), ("ResourceNotFoundException", 404, True)]


def test_the_catalogue(sandboxed):
    one, some, registered = (each["output"] for each in send(sandboxed, [
        ("DescribeConnector", {"connectorType": "Slack"}),
        ("DescribeConnectors", {"connectorTypes": ["Slack", "S3"], "maxResults": 1}),
        ("ListConnectors", {})]))
    assert one["connectorConfiguration"]["connectorMetadata"]["Slack"]["oAuthScopes"][0] == \
        "channels:history"
    assert list(some["connectorConfigurations"]) == ["S3"] and some["nextToken"]
    assert registered == {"connectors": []}


def test_a_connector_s_life(sandboxed):
    """From its registration to its end, with a profile, its entities and tags."""
    label, profile = {"connectorLabel": "own"}, {"connectorProfileName": "p"}
    made, _, listed = send(sandboxed, [
        ("RegisterConnector", registration("own", "headgate-sandbox")),
        ("CreateConnectorProfile", {
            **profile, **label, "connectorType": aws.CUSTOM, "connectionMode": "Public",
            "connectorProfileConfig": aws.sandbox_list()[aws.CUSTOM]["accepted"]}),
        ("ListConnectorEntities", profile)])
    arn = {"resourceArn": made["output"]["connectorArn"]}
    entity = {"connectorEntityName": listed["output"]["connectorEntityMap"]["Objects"][0]["name"]}
    calls = [("DescribeConnectorEntity", {**profile, **entity}),
             ("ResetConnectorMetadataCache", {**profile, **entity}),
             ("DescribeConnectorEntity", {**profile, **entity}),
             ("UpdateConnectorRegistration", {**label, "description": "changed"}),
             ("DescribeConnector", {**label, "connectorType": aws.CUSTOM}), ("ListConnectors", {}),
             ("TagResource", {**arn, "tags": {"team": "sales", "cost": "1"}}),
             ("UntagResource", {**arn, "tagKeys": ["cost"]}), ("ListTagsForResource", arn),
             ("UnregisterConnector", label),
             ("UnregisterConnector", {**label, "forceDelete": True}), ("ListConnectors", {})]
    outcomes = send(sandboxed, calls)
    used = outcomes.pop(9)
    assert (used["status"], used["error"], used["typed"]) == (409, "ConflictException", True)
    assert {each["status"] for each in outcomes} == {200}, outcomes
    before, _, after, changed, one, some, _, _, tags, _, none = (
        each["output"] for each in outcomes)
    assert before["connectorEntityFields"] and before == after
    assert changed == {"connectorArn": made["output"]["connectorArn"]}
    assert one["connectorConfiguration"]["connectorLabel"] == "own"
    assert [each["connectorDescription"] for each in some["connectors"]] == ["changed"]
    assert tags == {"tags": {"team": "sales"}} and none == {"connectors": []}


def test_operations_with_an_arn_in_the_path(sandboxed):
    arn = {"resourceArn": "arn:aws:appflow:us-east-1:123456789012:flow/f1"}
    outcomes = send(sandboxed, [("ListTagsForResource", arn),
                                ("TagResource", {**arn, "tags": {"team": "sales"}}),
                                ("UntagResource", {**arn, "tagKeys": ["team", "other"]})])
    assert [(each["status"], each["error"], each["typed"]) for each in outcomes] == \
        [(404, "ResourceNotFoundException", True)] * 3, outcomes


def test_what_is_over_an_account_s_rate_is_sent_again(servers):
    """Calls follow each other faster than the rate: the SDK waits as long as it is told."""
    server = servers("--account-read-rate", "1", *operations.OPTION)
    outcomes = send(server, [("DescribeConnectorProfiles", {})] * 3, attempts=10)
    assert [each["status"] for each in outcomes] == [200, 200, 200], outcomes
    retries = sum(each["attempts"] - 1 for each in outcomes)
    throttled = operations.throttled(server, "account-read-rate")
    assert retries == throttled > 0, outcomes
