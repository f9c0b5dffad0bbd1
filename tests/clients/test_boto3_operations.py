"""All 25 operations are reachable; those that are not built say so and keep nothing."""

import pytest

from support import aws
from support.server import ACCOUNT

URL = "https://acme.example.com"
ROLE = "arn:aws:iam::123456789012:role/flows"


def other_connectors(secret):
    """Valid configurations of the connectors that are not verified yet: type, key, properties,
    credentials."""
    app = {"clientId": "client", "clientSecret": secret}
    token = {"accessToken": secret}
    login = {"username": "user", "password": secret}
    url = {"instanceUrl": URL}
    return [
        ("Datadog", "Datadog", url, {"apiKey": secret, "applicationKey": secret}),
        ("Dynatrace", "Dynatrace", url, {"apiToken": secret}),
        ("Googleanalytics", "GoogleAnalytics", {}, {**app, **token}),
        ("Honeycode", "Honeycode", {}, {**token, "refreshToken": secret}),
        ("Infornexus", "InforNexus", url, {"accessKeyId": secret, "userId": "user",
                                           "secretAccessKey": secret, "datakey": secret}),
        ("Marketo", "Marketo", url, app),
        ("Pardot", "Pardot", {**url, "businessUnitId": "0Uv000000000001CAA"}, token),
        ("Redshift", "Redshift", {"bucketName": "bucket", "roleArn": ROLE, "dataApiRoleArn": "",
                                  "clusterIdentifier": "", "databaseName": ""}, login),
        ("SAPOData", "SAPOData", {"applicationHostUrl": URL, "applicationServicePath": "/sap",
                                  "portNumber": 443, "clientNumber": "100"},
         {"basicAuthCredentials": login}),
        ("Servicenow", "ServiceNow", url, login),
        ("Singular", "Singular", {}, {"apiKey": secret}),
        ("Slack", "Slack", url, {**app, "accessToken": ""}),
        ("Snowflake", "Snowflake", {"warehouse": "wh", "stage": "db.schema.stage",
                                    "bucketName": "bucket", "privateLinkServiceName": ""}, login),
        ("Trendmicro", "Trendmicro", {}, {"apiSecretKey": secret}),
        ("Veeva", "Veeva", url, login),
    ]


KINDS = [row[0] for row in other_connectors("") if row[0] not in aws.sandbox_list()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_connector_that_is_not_built_yet(sandboxed, canaries, kind):
    row = next(row for row in other_connectors(canaries.new()) if row[0] == kind)
    _, key, properties, credentials = row
    config = {"connectorProfileProperties": {key: properties},
              "connectorProfileCredentials": {key: credentials}}
    name, status, message = aws.refused(aws.create, client=aws.boto(sandboxed), name="later",
                                        kind=kind, config=config)
    assert status == 501, (name, message)
    assert kind in message
    assert sandboxed.describe("later") is None
    assert all(sandboxed.count_rows(table) == 0
               for table in ("profiles", "client_tokens", "exchanges"))


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
