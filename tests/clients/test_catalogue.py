"""The catalogue through boto3: which connectors there are, page by page, and what flows can do with
each; compared with the model that boto3 itself has."""

import pytest

from support import aws


@pytest.fixture
def client(servers):
    return aws.boto(servers())


def shape_of(client, name):
    return client.meta.service_model.shape_for(name)


def pages_of(client, **parameters):
    while True:
        page = client.describe_connectors(**parameters)
        yield page
        if "nextToken" not in page:
            return
        parameters["nextToken"] = page["nextToken"]


def test_every_type_of_the_model_is_described(client):
    types = set(shape_of(client, "ConnectorType").enum)
    first, rest = pages_of(client)
    assert len(first["connectorConfigurations"]) == 20
    found = {**first["connectorConfigurations"], **rest["connectorConfigurations"]}
    assert set(found) == types and len(types) == 24
    for kind, config in found.items():
        assert config["connectorType"] == kind
        if kind != "CustomConnector":  # which has a configuration for each label
            assert client.describe_connector(connectorType=kind)["connectorConfiguration"] == config
    details = first["connectors"] + rest["connectors"]
    assert [each["connectorType"] for each in details] == sorted(types)


def test_what_is_described_agrees_with_the_model(client):
    """Roles, operators and metadata by the unions that name each connector's key."""
    configs = client.describe_connectors(maxResults=100)["connectorConfigurations"]
    members = {union: {key.lower() for key in shape_of(client, union).members}
               for union in ("SourceConnectorProperties", "DestinationConnectorProperties",
                             "ConnectorOperator", "ConnectorMetadata")}
    for kind, config in configs.items():
        of = {union for union, keys in members.items() if kind.lower() in keys}
        assert config["canUseAsSource"] == ("SourceConnectorProperties" in of)
        assert config["canUseAsSource"] == ("ConnectorOperator" in of)
        assert config["canUseAsDestination"] == ("DestinationConnectorProperties" in of)
        assert ("connectorMetadata" in config) == ("ConnectorMetadata" in of)
        for other in config["supportedDestinationConnectors"]:
            assert configs[other]["canUseAsDestination"], (kind, other)


@pytest.mark.parametrize("size", [1, 7, 24])
def test_pages_have_the_size_that_was_asked_for(client, size):
    pages = list(pages_of(client, maxResults=size))
    counts = [len(page["connectorConfigurations"]) for page in pages]
    assert sum(counts) == 24 and set(counts[:-1]) <= {size} and 0 < counts[-1] <= size
    assert [len(page["connectors"]) for page in pages] == counts


def test_types_are_filtered_on_every_page(client):
    wanted = ["Zendesk", "S3", "EventBridge", "S3"]
    pages = list(pages_of(client, connectorTypes=wanted, maxResults=2))
    assert [sorted(page["connectorConfigurations"]) for page in pages] == \
        [["EventBridge", "S3"], ["Zendesk"]]


def test_a_token_is_for_its_own_filter(client):
    token = client.describe_connectors(maxResults=1)["nextToken"]
    name, status, message = aws.refused(client.describe_connectors, nextToken=token,
                                        connectorTypes=["Zendesk"])
    assert (name, status) == ("ValidationException", 400) and "nextToken" in message
    assert aws.refused(client.list_connectors, nextToken=token)[:2] == (name, status)


def test_no_connector_is_registered(client):
    assert client.list_connectors()["connectors"] == []
    name, status, _ = aws.refused(client.describe_connector, connectorType="CustomConnector",
                                  connectorLabel="label")
    assert (name, status) == ("ResourceNotFoundException", 404)
