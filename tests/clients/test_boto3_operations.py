"""All 25 operations are reachable; those on runs validate what they are given."""

import pytest

from support import aws

ON_RUNS = {
    "cancel_flow_executions": {"flowName": "f1"},
    "describe_flow_execution_records": {"flowName": "f1"},
    "start_flow": {"flowName": "f1"},
    "stop_flow": {"flowName": "f1"},
}

OTHERS = {"create_connector_profile", "update_connector_profile", "describe_connector_profiles",
         "delete_connector_profile", "describe_connector", "describe_connectors",
         "list_connectors", "list_connector_entities", "describe_connector_entity",
         "reset_connector_metadata_cache", "register_connector", "unregister_connector",
         "update_connector_registration", "list_tags_for_resource", "tag_resource",
         "untag_resource", "create_flow", "describe_flow", "list_flows", "delete_flow",
         "update_flow"}


def test_no_operation_is_forgotten(sandboxed):
    methods = set(aws.boto(sandboxed).meta.method_to_api_mapping)
    assert methods == set(ON_RUNS) | OTHERS and len(methods) == 25


@pytest.fixture(scope="module")
def sandboxed_once(tmp_path_factory):
    from support.canary import Canaries
    from support.server import Server
    server = Server(tmp_path_factory.mktemp("operations"), Canaries(), ["--sandbox"]).start()
    yield server
    server.stop()


@pytest.mark.parametrize("operation", sorted(ON_RUNS))
def test_an_operation_on_runs_of_a_flow_that_is_not_there(sandboxed_once, operation):
    client = aws.boto(sandboxed_once)
    assert aws.refused(getattr(client, operation), **ON_RUNS[operation]) == (
        "ResourceNotFoundException", 404, "Flow with name f1 does not exist.")


@pytest.mark.parametrize("operation", sorted(ON_RUNS))
def test_its_input_is_validated_all_the_same(sandboxed_once, operation):
    bad = {"clientToken": "x" * 257, "flowName": "a b", "connectorLabel": "!", "maxResults": 101,
           "connectorType": "Nonsense", "connectorEntityName": "a b", "tags": {"team": "x" * 257},
           "tagKeys": ["x" * 129], "resourceArn": "nonsense"}
    client = aws.boto(sandboxed_once)
    api = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
    parameters = {**ON_RUNS[operation]}
    broken = [member for member in bad if member in api.input_shape.members]
    for member in broken:
        parameters[member] = bad[member]
    if "connectorProfileName" in api.input_shape.members:
        parameters["connectorProfileName"] = "a b"
        broken.append("connectorProfileName")
    assert broken
    name, status, message = aws.refused(getattr(client, operation), **parameters)
    assert (name, status) == ("ValidationException", 400), message
    assert any(f"'{member}" in message for member in broken), message
