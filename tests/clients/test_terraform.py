"""What Terraform's AWS provider sends, replayed: its headers, its bodies with their empty texts,
and the order of its calls. The bodies are what provider 5.100.0 sent to a server that
recorded them."""

import json
import re
import urllib.parse
import uuid

import pytest

from support import aws, custom, moving, sigv4, wire
from support.functions import registration, to_functions
from support.sandbox_records import truth

USER_AGENT = ("APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) "
              "terraform-provider-aws/5.100.0 (+https://registry.terraform.io/providers/hashicorp"
              "/aws) aws-sdk-go-v2/1.36.3 os/linux lang/go#1.23.8 md/GOOS#linux md/GOARCH#amd64 "
              "api/appflow#1.45.3")


class Provider:
    """Signs as the SDK for Go does: every header that it sets, but not the user agent."""

    def __init__(self, server):
        self.server = server

    def call(self, operation, body):
        return self.request("POST", wire.kebab(operation), body)

    def request(self, method, target, body=None):
        payload = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        signed = [("Host", self.server.authority)]
        if body is not None:
            signed += [("Content-Length", str(len(payload))), ("Content-Type", "application/json")]
        signed += [("Amz-Sdk-Invocation-Id", str(uuid.uuid4())),
                   ("Amz-Sdk-Request", "attempt=1; max=25")]
        headers = signed[:1] + [("User-Agent", USER_AGENT)] + signed[1:] + sigv4.sign(
            method, target, signed, payload, self.server.key.id, self.server.key.secret)
        headers.append(("Accept-Encoding", "gzip"))
        with wire.Connection(self.server.host, self.server.port) as connection:
            answer = connection.exchange(wire.request_bytes(method, target, headers, payload))
        self.server.answers.append(answer.raw)
        return answer

    def tags(self, arn):
        answer = self.request("GET", tags_of(arn))
        assert answer.status == 200, answer.body
        return answer.json()["tags"]

    def read(self, name):
        """Its read after every change: all profiles, page by page, until the name is there."""
        body = {}
        while True:
            answer = self.call("DescribeConnectorProfiles", body)
            assert answer.status == 200, answer.body
            page = answer.json()
            for each in page["connectorProfileDetails"]:
                if each["connectorProfileName"] == name:
                    return each
            if not page.get("nextToken"):
                return None
            body = {"nextToken": page["nextToken"]}


def tags_of(arn):
    return f"/tags/{urllib.parse.quote(arn, safe='')}"


@pytest.fixture
def terraform(sandboxed):
    return Provider(sandboxed)


def change(name, config, **more):
    return {"clientToken": "terraform-" + str(uuid.uuid4()), "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileCredentials": config["connectorProfileCredentials"],
                "connectorProfileProperties": config["connectorProfileProperties"]},
            "connectorProfileName": name, **more}


@pytest.mark.parametrize("kind", aws.CONNECTORS)
def test_apply_change_and_destroy(terraform, canaries, kind):
    config = aws.config_for(canaries, kind, "accepted")
    made = terraform.call("CreateConnectorProfile", change("tf", config, connectorType=kind))
    assert made.status == 200, made.body
    state = terraform.read("tf")
    assert re.fullmatch(r"arn:aws:appflow:us-east-1:\d{12}:connectorprofile/.+",
                        state["connectorProfileArn"])
    # The key must be there, also with nothing in it: else every plan shows a difference.
    assert list(state["connectorProfileProperties"]) == [kind]

    updated = terraform.call("UpdateConnectorProfile", change("tf", config))
    assert updated.json() == made.json()
    assert terraform.read("tf")["createdAt"] == state["createdAt"]

    refused = terraform.call("UpdateConnectorProfile",
                             change("tf", aws.config_for(canaries, kind, "rejected")))
    assert (refused.status, refused.error) == (401, "ConnectorAuthenticationException")
    assert re.fullmatch(r"[0-9a-f-]{36}", refused.header("x-amzn-RequestId"))

    assert terraform.call("DeleteConnectorProfile", {"connectorProfileName": "tf"}).status == 200
    assert terraform.read("tf") is None
    gone = terraform.call("DeleteConnectorProfile", {"connectorProfileName": "tf"})
    assert (gone.status, gone.error) == (404, "ResourceNotFoundException")


def test_it_finds_its_profile_behind_twenty_others(terraform, canaries):
    config = aws.config_for(canaries, "Amplitude", "accepted")
    for number in range(21):
        terraform.call("CreateConnectorProfile",
                       change(f"p{number:02}", config, connectorType="Amplitude"))
    assert terraform.read("p20")["connectorProfileName"] == "p20"


def test_an_oauth_request_with_nothing_but_its_redirect(terraform, canaries):
    """Terraform sends one for a profile that has ready tokens."""
    config = aws.config_for(canaries, "Salesforce", "accepted")
    config["connectorProfileCredentials"]["Salesforce"]["oAuthRequest"] = \
        {"redirectUri": "https://example.com/callback"}
    made = terraform.call("CreateConnectorProfile",
                          change("tf", config, connectorType="Salesforce"))
    assert made.status == 200, made.body


def test_empty_texts_are_absent(terraform, canaries):
    config = aws.config_for(canaries, "Salesforce", "accepted")
    config["connectorProfileCredentials"]["Salesforce"].update(
        {"clientCredentialsArn": "", "jwtToken": "", "oAuth2GrantType": "",
         "oAuthRequest": {"authCode": "", "redirectUri": ""}})
    made = terraform.call("CreateConnectorProfile",
                          change("tf", config, connectorType="Salesforce", kmsArn=""))
    assert made.status == 200, made.body
    assert terraform.read("tf")["connectorProfileProperties"] == \
        config["connectorProfileProperties"]


# --- flows ---

def flow(name, **changes):
    """What the resource aws_appflow_flow of the provider's own tests is sent as: from a bucket to
    another one, every three hours."""
    bucket = {"bucketName": "source", "bucketPrefix": "flow"}
    return {
        "clientToken": "terraform-" + str(uuid.uuid4()), "flowName": name,
        "sourceFlowConfig": {"connectorType": "S3",
                             "sourceConnectorProperties": {"S3": bucket}},
        "destinationFlowConfigList": [{"connectorType": "S3", "destinationConnectorProperties": {
            "S3": {"bucketName": "target", "s3OutputFormatConfig": {
                "preserveSourceDataTyping": False, "prefixConfig": {"prefixType": "PATH"}}}}}],
        "tasks": [{"connectorOperator": {"S3": "NO_OP"}, "destinationField": "testField",
                   "sourceFields": ["testField"], "taskType": "Map"}],
        "triggerConfig": {"triggerType": "Scheduled", "triggerProperties": {"Scheduled": {
            "dataPullMode": "Incremental", "scheduleExpression": "rate(3hours)",
            "scheduleStartTime": 4070908800}}},
        **changes}


MAP_ALL = [{"connectorOperator": {"S3": "NO_OP"}, "sourceFields": [""], "taskType": "Map_all",
            "taskProperties": {"DESTINATION_DATA_TYPE": "id", "SOURCE_DATA_TYPE": "id"}}]
TWO_FIELDS = [
    {"connectorOperator": {"S3": "PROJECTION"}, "destinationField": "",
     "sourceFields": ["testField", "anotherTestField"], "taskType": "Filter"},
    *[{"connectorOperator": {"S3": "NO_OP"}, "destinationField": field, "sourceFields": [field],
       "taskProperties": {"DESTINATION_DATA_TYPE": kind, "SOURCE_DATA_TYPE": kind},
       "taskType": "Map"} for field, kind in (("testField", "string"),
                                              ("aThirdTestField", "id"))]]
ON_DEMAND = {"triggerType": "OnDemand"}
COMPLETE = {"triggerType": "Scheduled", "triggerProperties": {"Scheduled": {
    "dataPullMode": "Complete", "scheduleExpression": "rate(6hours)"}}}
CATALOGUE = {"glueDataCatalog": {"databaseName": "testdb_name", "tablePrefix": "test_prefix",
                                 "roleArn": "arn:aws:iam::123456789012:role/glue"}}


def planned(body):
    """The members that a plan compares; a task's operator and properties with the task."""
    trigger = {"triggerProperties": {}, **body["triggerConfig"]}
    return {**{name: body.get(name, {} if name == "metadataCatalogConfig" else None)
               for name in ("description", "sourceFlowConfig", "destinationFlowConfigList",
                            "tasks", "metadataCatalogConfig")}, "triggerConfig": trigger}


@pytest.mark.parametrize("first, then", [
    ({}, {"description": "test description", "triggerConfig": COMPLETE}),
    ({"tasks": TWO_FIELDS, "triggerConfig": ON_DEMAND},
     {"tasks": [*TWO_FIELDS[:2], {**TWO_FIELDS[2], "destinationField": "anotherTestField"}],
      "triggerConfig": ON_DEMAND}),
    ({"tasks": MAP_ALL, "triggerConfig": ON_DEMAND, "metadataCatalogConfig": CATALOGUE},
     {"tasks": MAP_ALL, "triggerConfig": ON_DEMAND}),
], ids=["schedule", "fields", "all"])
def test_no_plan_of_a_flow_shows_a_difference(terraform, first, then):
    def read():
        return terraform.call("DescribeFlow", {"flowName": "tf"})

    made = terraform.call("CreateFlow", flow("tf", tags={"team": "sales"}, **first))
    assert made.status == 200, made.body
    assert made.json()["flowArn"] == "arn:aws:appflow:us-east-1:123456789012:flow/tf"
    assert planned(read().json()) == planned(flow("tf", **first))
    assert read().json()["tags"] == {"team": "sales"}

    updated = terraform.call("UpdateFlow", flow("tf", **then))
    assert updated.status == 200, updated.body
    assert planned(read().json()) == planned(flow("tf", **then))
    assert read().json()["tags"] == {"team": "sales"}

    assert terraform.call("DeleteFlow", {"flowName": "tf"}).status == 200
    assert (read().status, read().error) == (404, "ResourceNotFoundException")


def test_a_flow_that_runs_is_planned_without_a_difference(terraform, canaries):
    """Made with its profile, run, read again, changed with its tags, and destroyed: what is read is
    what was sent each time, also when a run has added what Terraform does not know."""
    config = aws.config_for(canaries, "Salesforce", "accepted")
    terraform.call("CreateConnectorProfile", change("tf", config, connectorType="Salesforce"))
    fields = ["Id", "Name", "AnnualRevenue"]
    types = {"Id": "id", "Name": "string", "AnnualRevenue": "currency"}
    body = flow("tf", triggerConfig=ON_DEMAND, tags={"team": "sales"}, sourceFlowConfig={
        "connectorType": "Salesforce", "connectorProfileName": "tf",
        "sourceConnectorProperties": {"Salesforce": {
            "enableDynamicFieldUpdate": False, "includeDeletedRecords": False,
            "object": "Account"}}}, tasks=[
        {"connectorOperator": {"Salesforce": "PROJECTION"}, "destinationField": "",
         "sourceFields": fields, "taskType": "Filter"},
        *({"connectorOperator": {"Salesforce": "NO_OP"}, "destinationField": name,
           "sourceFields": [name], "taskType": "Map", "taskProperties": {
               "DESTINATION_DATA_TYPE": types[name], "SOURCE_DATA_TYPE": types[name]}}
          for name in fields)], destinationFlowConfigList=[{
              "connectorType": "S3", "destinationConnectorProperties": {"S3": {
                  "bucketName": moving.OUT, "bucketPrefix": "tf", "s3OutputFormatConfig": {
                      "aggregationConfig": {"aggregationType": "SingleFile"}, "fileType": "PARQUET",
                      "prefixConfig": {"prefixFormat": "DAY", "prefixType": "PATH",
                                       "pathPrefixHierarchy": ["SCHEMA_VERSION"]},
                      "preserveSourceDataTyping": True}}}}], metadataCatalogConfig={
            "glueDataCatalog": {"databaseName": "headgate_demo", "tablePrefix": "tf",
                                "roleArn": "arn:aws:iam::123456789012:role/sandbox-catalog"}})
    arn = terraform.call("CreateFlow", body).json()["flowArn"]

    def assert_no_difference(sent, tags):
        assert planned(terraform.call("DescribeFlow", {"flowName": "tf"}).json()) == planned(sent)
        assert terraform.tags(arn) == tags

    assert_no_difference(body, {"team": "sales"})
    moving.buckets(terraform.server)
    record = moving.run(terraform.server, "tf")
    assert record["executionStatus"] == "Successful", record
    accounts = truth("Salesforce", "Account")
    assert record["executionResult"]["recordsProcessed"] == sum(
        not each["IsDeleted"] for each in accounts)
    assert [each["tableRegistrationOutput"]["status"]
            for each in record["metadataCatalogDetails"]] == ["Successful"] * 2, record
    assert_no_difference(body, {"team": "sales"})

    target = tags_of(arn)
    body = {**body, "description": "each account", "tasks": body["tasks"][:3]}
    del body["tags"]
    assert terraform.request("DELETE", f"{target}?tagKeys=team").status == 200
    assert terraform.request("POST", target, {"tags": {"env": "test"}}).status == 200
    assert terraform.call("UpdateFlow", body).status == 200
    for _ in range(2):
        assert_no_difference(body, {"env": "test"})
    assert moving.run(terraform.server, "tf")["executionStatus"] == "Successful"
    assert_no_difference(body, {"env": "test"})

    assert terraform.call("DeleteFlow", {"flowName": "tf"}).status == 200
    assert terraform.call("DescribeFlow", {"flowName": "tf"}).status == 404
    assert terraform.request("GET", target).status == 404


# --- registered connectors ---
# No resource of provider 5.100.0 registers one. That of AWS Cloud Control does, through calls of
# the same API: register, then read; update, then read; list; unregister, then read until it is
# gone.

class Library(custom.Connector):
    """Of one entity."""

    def answer_of(self, request):
        kind = request["type"].removesuffix("Request")
        book = {"entityIdentifier": "Book", "hasNestedEntities": False}
        if kind == "ListEntities":
            return {"isSuccess": True, "entities": [book]}
        if kind == "DescribeEntity":
            return {"isSuccess": True, "entityDefinition": {"entity": book, "fields": [
                {"fieldName": "title", "dataType": "String"}]}}
        return super().answer_of(request)


@pytest.fixture
def with_library(servers, canaries):
    with Library(canaries) as library:
        options, env = to_functions(library, canaries)
        yield Provider(servers(*options, env=env))


def answered(terraform, operation, body):
    answer = terraform.call(operation, body)
    assert answer.status == 200, answer.body
    return answer.json()


def test_a_connector_is_registered_read_changed_and_gone(with_library):
    """Two reads in a row say the same after each change, and what was sent is read back."""
    named = {"connectorType": aws.CUSTOM, "connectorLabel": "library"}

    def read():
        found = [answered(with_library, "DescribeConnector", named)["connectorConfiguration"]
                 for _ in range(2)]
        assert found[0] == found[1]
        return found[0]

    sent = registration("library", description="of books")
    arn = answered(with_library, "RegisterConnector", {
        "clientToken": "terraform-" + str(uuid.uuid4()), **sent})["connectorArn"]
    assert arn == "arn:aws:appflow:us-east-1:123456789012:connector/library"
    made = read()
    assert {name: made[name] for name in sent if name != "description"} == {
        name: value for name, value in sent.items() if name != "description"}
    again = with_library.call("RegisterConnector", sent)
    assert (again.status, again.error) == (409, "ConflictException")

    target = tags_of(arn)
    assert with_library.request("POST", target, {"tags": {"team": "sales"}}).status == 200
    moved = registration("library", function="shelves", description="of maps")
    del moved["connectorProvisioningType"]
    assert answered(with_library, "UpdateConnectorRegistration", {
        "clientToken": "terraform-" + str(uuid.uuid4()), **moved}) == {"connectorArn": arn}
    changed = read()
    assert changed["connectorProvisioningConfig"] == moved["connectorProvisioningConfig"]
    assert changed["registeredAt"] == made["registeredAt"]
    assert with_library.tags(arn) == {"team": "sales"}
    assert with_library.request("DELETE", f"{target}?tagKeys=team").status == 200
    assert with_library.tags(arn) == {}

    listed = answered(with_library, "ListConnectors", {"maxResults": 100})["connectors"]
    assert [(each["connectorLabel"], each["connectorDescription"]) for each in listed
            if each["connectorType"] == aws.CUSTOM] == [("library", "of maps")]
    kinds = answered(with_library, "DescribeConnectors", {"connectorTypes": [aws.CUSTOM]})
    assert [each.get("connectorLabel") for each in kinds["connectors"]] == [None, "library"]

    answered(with_library, "UnregisterConnector", {"connectorLabel": "library",
                                                   "forceDelete": False})
    gone = with_library.call("DescribeConnector", named)
    assert (gone.status, gone.error) == (404, "ResourceNotFoundException")
    assert with_library.request("GET", target).status == 404


def test_a_profile_of_a_registered_connector_and_its_entities(with_library, canaries):
    """The provider's custom_connector, as it sends it: its empty parts too."""
    answered(with_library, "RegisterConnector", registration("library"))
    config = custom.basic(canaries.new())
    config["connectorProfileProperties"][aws.CUSTOM]["oAuth2Properties"] = None
    body = change("tf", config, connectorType=aws.CUSTOM, connectorLabel="library")
    answered(with_library, "CreateConnectorProfile", body)
    state = with_library.read("tf")
    assert (state["connectorType"], state["connectorLabel"]) == (aws.CUSTOM, "library")
    assert list(state["connectorProfileProperties"]) == [aws.CUSTOM]
    answered(with_library, "UpdateConnectorProfile", change("tf", config))
    assert with_library.read("tf") == {**state,
                                       "lastUpdatedAt": with_library.read("tf")["lastUpdatedAt"]}

    profile = {"connectorProfileName": "tf", "connectorType": aws.CUSTOM, "apiVersion": "v1"}
    listed = answered(with_library, "ListConnectorEntities", profile)["connectorEntityMap"]
    assert [each["name"] for group in listed.values() for each in group] == ["Book"]
    described = answered(with_library, "DescribeConnectorEntity",
                         {**profile, "connectorEntityName": "Book"})
    assert [each["identifier"] for each in described["connectorEntityFields"]] == ["title"]
    answered(with_library, "ResetConnectorMetadataCache", {**profile})

    used = with_library.call("UnregisterConnector", {"connectorLabel": "library"})
    assert (used.status, used.error) == (409, "ConflictException")
    answered(with_library, "DeleteConnectorProfile", {"connectorProfileName": "tf"})
    answered(with_library, "UnregisterConnector", {"connectorLabel": "library"})
