"""The entities of every connector that has some, from its vendor in the sandbox, with boto3."""

import re

import boto3
import pytest

from support import aws

# What the sandbox's vendors have: how many entities, one of them that is the customer's own or
# has fields of the customer's own, and fields that it must have, with what is said of each.
EXPECTED = {
    "Amplitude": (1, "events", {
        "uuid": {"isPrimaryKey": True},
        "event_properties": {"label": "Event properties"},
        "server_upload_time": {"time": True}}),
    "CustomConnector": (1, "order", {"id": {"isPrimaryKey": True, "label": "Id"}}),
    "Datadog": (2, "log-queries", {
        "id": {"isPrimaryKey": True},
        "attributes": {"label": "Attributes"}}),
    "Dynatrace": (1, "problem", {
        "problemId": {"isPrimaryKey": True, "label": "Problem ID"},
        "startTime": {"time": True}}),
    "Googleanalytics": (2, "3003", {
        "ga:users|METRIC": {"label": "Users"},
        "ga:dimension20|DIMENSION": {"label": "Custom Dimension 20"},
        "ga:date|DIMENSION": {"time": True}}),
    "Marketo": (3, "leads", {
        "id": {"isPrimaryKey": True},
        "contractValue": {"label": "Contract Value"},
        "updatedAt": {"time": True}}),
    "Pardot": (19, "prospect", {
        "id": {"isPrimaryKey": True},
        "Partner_Level": {"label": "Partner Level"},
        "updated_at": {"time": True}}),
    "Infornexus": (3, "OrderDetail", {
        "poNumber": {},
        "totals.totalQuantity": {},
        "extension$acmeChannel": {},  # a customer's own
        "modifyTimestamp": {"time": True}}),
    "Redshift": (2, "sales.orders", {"amount": {"label": "amount"}}),
    "Salesforce": (17, "Invoice__c", {
        "Id": {"isPrimaryKey": True},
        "Amount__c": {"label": "Amount"},
        "Number__c": {"writes": ["UPSERT"]},
        "SystemModstamp": {"time": True}}),
    "Servicenow": (5, "incident", {
        "sys_id": {"isPrimaryKey": True},
        "u_customer_impact": {"label": "Customer impact"},
        "short_description": {},  # inherited
        "sys_updated_on": {"time": True}}),
    "SAPOData": (1, "/sap/opu/odata/SAP/API_BUSINESS_PARTNER", {}),
    "Veeva": (5, "campaign__c", {
        "id": {"isPrimaryKey": True},
        "product__c": {"label": "Product"},
        "modified_date__v": {"time": True}}),
    "Singular": (1, "reporting", {
        "adn_cost": {"label": "Network cost"},
        "5c12448f": {"label": "Team"},  # a customer's own dimension
        "7f1c0b9e3d": {"label": "Level 10 reached", "read": False},  # of cohorts
        "start_date": {"time": True}}),
    "Slack": (1, "conversations", {
        "ts": {"isPrimaryKey": True, "time": True},
        "thread_ts": {"label": "Thread timestamp"}}),
    "Snowflake": (2, "APPFLOW.PUBLIC", {}),
    "Trendmicro": (22, "computers", {
        "ID": {"isPrimaryKey": True},
        "lastIPUsed": {"label": "Last IP used"}}),
    "Zendesk": (19, "tickets", {
        "id": {"isPrimaryKey": True, "writes": ["UPDATE"]},
        "custom_field_360001": {"label": "Product line"},
        "updated_at": {"time": True}}),
}

DESTINATIONS = ("Redshift",)  # which cannot be read


def entities_of(answer):
    return {each["name"]: each for group in answer["connectorEntityMap"].values() for each in group}


def fields_of(answer):
    return {each["identifier"]: each for each in answer["connectorEntityFields"]}


@pytest.fixture(scope="module")
def sandboxed_once(lasting_servers):
    return lasting_servers("--sandbox")


@pytest.mark.parametrize("kind", [
    pytest.param(kind, marks=pytest.mark.shows("entities", "sandbox", kind=kind), id=kind)
    for kind in sorted(EXPECTED)])
def test_the_sandbox_s_entities(sandboxed_once, lasting_canaries, kind):
    client = aws.boto(sandboxed_once)
    count, name, expected = EXPECTED[kind]
    aws.create(client, kind, kind, aws.config_for(lasting_canaries, kind, "accepted"))
    listed = entities_of(client.list_connector_entities(connectorProfileName=kind))
    assert len(listed) == count and list(listed) == sorted(listed)
    assert name in listed
    if not expected:
        assert listed[name]["hasNestedEntities"] is True
        return
    fields = fields_of(client.describe_connector_entity(
        connectorProfileName=kind, connectorEntityName=name))
    for field, said in expected.items():
        of = fields[field]
        read = of.get("sourceProperties", {}).get("isRetrievable", False)
        assert kind in DESTINATIONS or read is said.get("read", True)
        for member in ("isPrimaryKey", "label"):
            assert member not in said or of[member] == said[member]
        if "writes" in said:
            assert of["destinationProperties"]["supportedWriteOperations"] == said["writes"]
        if "time" in said:
            assert of["sourceProperties"]["isTimestampFieldForIncrementalQueries"] is True


def describe(client, profile, name):
    return fields_of(client.describe_connector_entity(
        connectorProfileName=profile, connectorEntityName=name))


def test_every_object_of_salesforce_can_be_described(sandboxed_once, lasting_canaries):
    client = aws.boto(sandboxed_once)
    config = aws.config_for(lasting_canaries, "Salesforce", "accepted")
    aws.create(client, "all", "Salesforce", config)
    for name in entities_of(client.list_connector_entities(connectorProfileName="all")):
        assert describe(client, "all", name), name


def test_objects_of_s3(sandboxed_once):
    """What one of AWS's clients puts into a bucket, the other one describes."""
    port = re.search(r"127\.0\.0\.1, ports (\d+) and", sandboxed_once.log).group(1)
    s3 = boto3.client("s3", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{port}",
                      aws_access_key_id="SANDBOXACCESSKEY", aws_secret_access_key="sandbox")
    s3.create_bucket(Bucket="exports")
    s3.put_object(Bucket="exports", Key="orders/2024/a.csv", Body=b"Id,Amount\n1,2\n")
    s3.put_object(Bucket="exports", Key="leads/a.json", Body=b'{"Id": 1, "Open": true}\n')
    client = aws.boto(sandboxed_once)
    assert {"exports", "headgate-demo"} <= set(entities_of(
        client.list_connector_entities(connectorType="S3")))
    listed = entities_of(client.list_connector_entities(
        connectorType="S3", entitiesPath="exports"))
    assert set(listed) == {"exports/leads/", "exports/orders/"}
    assert listed["exports/orders/"]["hasNestedEntities"]
    for name, types in (("exports/orders/", {"Id": "string", "Amount": "string"}),
                        ("exports/leads/", {"Id": "integer", "Open": "boolean"})):
        fields = fields_of(client.describe_connector_entity(
            connectorType="S3", connectorEntityName=name))
        assert {field: said["supportedFieldTypeDetails"]["v1"]["fieldType"]
                for field, said in fields.items()} == types
    with pytest.raises(client.exceptions.ConnectorServerException, match="no bucket"):
        client.describe_connector_entity(connectorType="S3", connectorEntityName="none-of-them")


def test_channels_of_slack_are_nested(sandboxed_once, lasting_canaries):
    client = aws.boto(sandboxed_once)
    aws.create(client, "chat", "Slack", aws.config_for(lasting_canaries, "Slack", "accepted"))
    answer = client.list_connector_entities(
        connectorProfileName="chat", entitiesPath="conversations")["connectorEntityMap"]
    assert [(each["name"], each["label"]) for each in answer["Channels"]] == [
        ("conversations/C012AB3CD", "general"), ("conversations/C061EG9T2", "product-launch"),
        ("conversations/D0C0F7S8Y", "U0BS9U4SV")]
    fields = describe(client, "chat", "conversations/C061EG9T2")
    assert "BETWEEN" in fields["ts"]["supportedFieldTypeDetails"]["v1"]["filterOperators"]
    with pytest.raises(client.exceptions.ConnectorServerException, match="channel_not_found"):
        describe(client, "chat", "conversations/C0NONE")


def test_objects_of_infor_nexus_show_their_fields(sandboxed_once, lasting_canaries):
    client = aws.boto(sandboxed_once)
    config = aws.config_for(lasting_canaries, "Infornexus", "accepted")
    aws.create(client, "nexus", "Infornexus", config)
    types = {name: each["supportedFieldTypeDetails"]["v1"]["fieldType"]
             for name, each in describe(client, "nexus", "OrderDetail").items()}
    assert types["orderItem"] == "array" and types["totals"] == "object"
    assert types["isTest"] == "boolean" and types["orderTerms.offerExpiryDate"] == "datetime"
    for name, words in (("PackingListDetail", "no object yet"), ("NoDetail", "no type")):
        with pytest.raises(client.exceptions.ConnectorServerException, match=words):
            describe(client, "nexus", name)


@pytest.mark.parametrize("outcome", ("accepted", "accepted-jdbc-scram"))
def test_tables_of_redshift(sandboxed_once, lasting_canaries, outcome):
    client = aws.boto(sandboxed_once)
    aws.create(client, outcome, "Redshift", aws.config_for(lasting_canaries, "Redshift", outcome))
    assert set(entities_of(client.list_connector_entities(connectorProfileName=outcome))) == {
        "public.accounts", "sales.orders"}
    fields = describe(client, outcome, "accounts")
    assert fields["name"]["supportedFieldTypeDetails"]["v1"]["fieldType"] == "character varying"
    assert fields["name"]["destinationProperties"]["isNullable"]
    assert not fields["id"]["destinationProperties"]["isCreatable"]  # the database numbers it
    assert fields["created_at"]["destinationProperties"]["isDefaultedOnCreate"]
    with pytest.raises(client.exceptions.ConnectorServerException, match="no table here"):
        describe(client, outcome, "sales.none")


def test_tables_of_snowflake_are_nested(sandboxed_once, lasting_canaries):
    client = aws.boto(sandboxed_once)
    aws.create(client, "lake", "Snowflake", aws.config_for(lasting_canaries, "Snowflake",
                                                           "accepted"))
    tables = entities_of(client.list_connector_entities(
        connectorProfileName="lake", entitiesPath="APPFLOW.PUBLIC"))
    assert set(tables) == {'APPFLOW.PUBLIC."order-lines"', "APPFLOW.PUBLIC.ACCOUNTS",
                           "APPFLOW.PUBLIC.ORDERS"}
    fields = describe(client, "lake", "APPFLOW.PUBLIC.ORDERS")
    assert fields["ID"]["isPrimaryKey"] and "sourceProperties" not in fields["ID"]
    assert fields["Amount"]["supportedFieldTypeDetails"]["v1"]["fieldType"] == "NUMBER(12,2)"
    assert fields["Amount"]["destinationProperties"]["isCreatable"]
    assert not fields["TAX"]["destinationProperties"]["isCreatable"]
    with pytest.raises(client.exceptions.ConnectorServerException, match="does not exist"):
        describe(client, "lake", "APPFLOW.PUBLIC.NONE")


@pytest.mark.parametrize("catalog, service, sets", (
    ("/sap/opu/odata/iwfnd/catalogservice;v=2", "/sap/opu/odata/SAP/API_BUSINESS_PARTNER",
     {"A_BusinessPartner": "YY1_CustomerClass_bus", "A_BusinessPartnerAddress": "CityName"}),
    ("/sap/opu/odata4/iwfnd/config/default/iwfnd/catalog/0002",
     "/sap/opu/odata4/sap/orders/srvd_a2x/sap/orders/0001", {"Order": "YY1_Channel"})),
    ids=("v2", "v4"))
def test_services_of_sap(sandboxed_once, lasting_canaries, catalog, service, sets):
    client = aws.boto(sandboxed_once)
    config = aws.config_for(lasting_canaries, "SAPOData", "accepted")
    config["connectorProfileProperties"]["SAPOData"]["applicationServicePath"] = catalog
    name = f"sap{len(sets)}"
    aws.create(client, name, "SAPOData", config)
    assert service in entities_of(client.list_connector_entities(connectorProfileName=name))
    nested = entities_of(client.list_connector_entities(
        connectorProfileName=name, entitiesPath=service))
    assert set(nested) == {f"{service}/{each}" for each in sets}
    for each, custom in sets.items():
        assert custom in describe(client, name, f"{service}/{each}")
    if len(sets) == 1:
        fields = describe(client, name, f"{service}/Order")
        assert fields["Amount"]["label"] == "Order amount"
        assert not fields["YY1_Channel"]["sourceProperties"]["isQueryable"]
        assert not fields["Amount"]["destinationProperties"]["isCreatable"]
        assert not fields["ChangedAt"]["destinationProperties"]["isUpdatable"]
