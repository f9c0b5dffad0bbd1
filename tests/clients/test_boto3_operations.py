"""All 25 operations are reachable; those that are not built say so and keep nothing."""

import pytest

from support import aws
from support.server import ACCOUNT

FLOW = f"arn:aws:appflow:us-east-1:{ACCOUNT}:flow/f1"
TRIGGER = {"triggerType": "OnDemand"}
SOURCE = {"connectorType": "S3", "sourceConnectorProperties": {"S3": {"bucketName": "bucket"}}}
TARGET = [{"connectorType": "S3",
           "destinationConnectorProperties": {"S3": {"bucketName": "bucket"}}}]
TASKS = [{"sourceFields": [], "taskType": "Map_all"}]
FLOW_CONFIG = {"flowName": "f1", "triggerConfig": TRIGGER, "sourceFlowConfig": SOURCE,
               "destinationFlowConfigList": TARGET, "tasks": TASKS}

NOT_BUILT = {
    "cancel_flow_executions": {"flowName": "f1"},
    "create_flow": FLOW_CONFIG,
    "delete_flow": {"flowName": "f1"},
    "describe_connector": {"connectorType": "Salesforce"},
    "describe_connector_entity": {"connectorEntityName": "Account"},
    "describe_connectors": {},
    "describe_flow": {"flowName": "f1"},
    "describe_flow_execution_records": {"flowName": "f1"},
    "list_connector_entities": {},
    "list_connectors": {},
    "list_flows": {},
    "list_tags_for_resource": {"resourceArn": FLOW},
    "register_connector": {},
    "reset_connector_metadata_cache": {},
    "start_flow": {"flowName": "f1"},
    "stop_flow": {"flowName": "f1"},
    "tag_resource": {"resourceArn": FLOW, "tags": {"team": "sales"}},
    "unregister_connector": {"connectorLabel": "label"},
    "untag_resource": {"resourceArn": FLOW, "tagKeys": ["team", "other"]},
    "update_connector_registration": {"connectorLabel": "label"},
    "update_flow": FLOW_CONFIG,
}

BUILT = {"create_connector_profile", "update_connector_profile", "describe_connector_profiles",
         "delete_connector_profile"}


def test_no_operation_is_forgotten(sandboxed):
    methods = set(aws.boto(sandboxed).meta.method_to_api_mapping)
    assert methods == set(NOT_BUILT) | BUILT and len(methods) == 25


@pytest.fixture(scope="module")
def sandboxed_once(tmp_path_factory):
    from support.canary import Canaries
    from support.server import Server
    server = Server(tmp_path_factory.mktemp("operations"), Canaries(), ["--sandbox"]).start()
    yield server
    server.stop()


@pytest.mark.parametrize("operation", sorted(NOT_BUILT))
def test_an_operation_that_is_not_built_yet(sandboxed_once, operation):
    client = aws.boto(sandboxed_once)
    name, status, message = aws.refused(getattr(client, operation), **NOT_BUILT[operation])
    assert status == 501, (name, message)
    assert operation.replace("_", "") in message.lower()


@pytest.mark.parametrize("operation", sorted(NOT_BUILT))
def test_its_input_is_validated_all_the_same(sandboxed_once, operation):
    bad = {"clientToken": "x" * 257, "flowName": "a b", "connectorLabel": "!", "maxResults": 101,
           "connectorType": "Nonsense", "connectorEntityName": "a b", "tags": {"team": "x" * 257},
           "tagKeys": ["x" * 129], "resourceArn": "nonsense"}
    client = aws.boto(sandboxed_once)
    api = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
    parameters = {**NOT_BUILT[operation]}
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
