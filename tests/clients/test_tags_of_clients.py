"""Tags of a registered connector, and the connector in the catalogue, through boto3, the AWS CLI
and the AWS SDK for JavaScript."""

import json

import pytest

from support import aws
from support.functions import Functions, registration, to_functions
from test_awscli import Cli
from test_javascript import send

ARN = "arn:aws:appflow:us-east-1:123456789012:connector/memory"


@pytest.fixture
def server(servers, canaries):
    """With a connector that is registered as memory."""
    with Functions() as functions:
        options, env = to_functions(functions, canaries)
        server = servers(*options, env=env)
        server.ok("RegisterConnector", registration("memory"))
        yield server


def test_boto3(server):
    client = aws.boto(server)
    client.tag_resource(resourceArn=ARN, tags={"team": "sales", "cost:center": "a b"})
    client.tag_resource(resourceArn=ARN, tags={"team": ""})
    assert client.list_tags_for_resource(resourceArn=ARN)["tags"] == \
        {"team": "", "cost:center": "a b"}
    client.untag_resource(resourceArn=ARN, tagKeys=["team", "unknown"])
    assert client.list_tags_for_resource(resourceArn=ARN)["tags"] == {"cost:center": "a b"}
    name, status, _ = aws.refused(client.list_tags_for_resource, resourceArn=ARN + "2")
    assert (name, status) == ("ResourceNotFoundException", 404)
    client.unregister_connector(connectorLabel="memory")
    assert aws.refused(client.list_tags_for_resource, resourceArn=ARN)[1] == 404


def test_the_cli(server):
    cli = Cli(server)
    arn = ("--resource-arn", ARN)
    cli.ok("tag-resource", *arn, "--tags", json.dumps({"team": "sales", "env": "test"}))
    assert cli.ok("list-tags-for-resource", *arn) == {"tags": {"team": "sales", "env": "test"}}
    cli.ok("untag-resource", *arn, "--tag-keys", "team", "unknown")
    assert cli.ok("list-tags-for-resource", *arn) == {"tags": {"env": "test"}}


def test_javascript(server):
    arn = {"resourceArn": ARN}
    added, listed, removed, left = send(server, [
        ("TagResource", {**arn, "tags": {"team": "sales", "env": "test"}}),
        ("ListTagsForResource", arn), ("UntagResource", {**arn, "tagKeys": ["team"]}),
        ("ListTagsForResource", arn)])
    assert added["output"] == {} and removed["output"] == {}
    assert listed["output"] == {"tags": {"team": "sales", "env": "test"}}
    assert left["output"] == {"tags": {"env": "test"}}


def test_registered_connectors_are_described_after_all_others(server):
    """On pages of every size, each connector once."""
    client = aws.boto(server)
    labels = ["aa", "bb", "memory"]
    for label in labels[:2]:
        server.ok("RegisterConnector", registration(label))
    for size in (1, 2, 24, 26, 27, 100):
        kinds, found, token = [], [], {}
        while not found or token:
            page = client.describe_connectors(maxResults=size, **token)
            assert len(page["connectors"]) <= size
            kinds += page["connectorConfigurations"]
            found += [each.get("connectorLabel", each["connectorType"])
                      for each in page["connectors"]]
            token = {"nextToken": page["nextToken"]} if "nextToken" in page else {}
        assert len(kinds) == 24 and found == sorted(kinds) + labels, size


def test_registered_connectors_have_a_type_to_filter_by(server):
    client = aws.boto(server)

    def found(*types):
        page = client.describe_connectors(connectorTypes=types)
        return sorted(page["connectorConfigurations"]), [
            each.get("connectorLabel") for each in page["connectors"]]

    assert found("CustomConnector") == (["CustomConnector"], [None, "memory"])
    assert found("S3", "CustomConnector") == (["CustomConnector", "S3"], [None, None, "memory"])
    assert found("S3") == (["S3"], [None])
