"""Definitions of flows on the wire: described as they were sent, pages, tags, accounts, what keeps
a connector profile, and rows that something else than the server changed."""

import json
import re
import subprocess

import pytest

from support import aws
from support.server import ACCOUNT, OTHER_ACCOUNT, command, headgate

ARN = "arn:aws:appflow:us-east-1:123456789012:flow/{}"
PROJECTION = {"taskType": "Filter", "sourceFields": ["Id", "Name"],
              "connectorOperator": {"Salesforce": "PROJECTION"}, "taskProperties": {}}
MAP_ID = {"taskType": "Map", "sourceFields": ["Id"], "destinationField": "Id",
          "connectorOperator": {"Salesforce": "NO_OP"},
          "taskProperties": {"SOURCE_DATA_TYPE": "id", "DESTINATION_DATA_TYPE": "id"}}


ALL = {"taskType": "Map_all", "sourceFields": []}
NIGHTLY = {"triggerType": "Scheduled", "triggerProperties": {"Scheduled": {
    "scheduleExpression": "rate(1days)", "dataPullMode": "Complete"}}}
COPY = {"connectorType": "S3", "sourceConnectorProperties": {"S3": {"bucketName": "bucket"}}}


def source(kind="Salesforce", profile="crm", **properties):
    return {"connectorType": kind, "connectorProfileName": profile,
            "sourceConnectorProperties": {kind: properties or {"object": "Account"}}}


def s3(**output):
    return {"connectorType": "S3", "destinationConnectorProperties": {
        "S3": {"bucketName": "bucket", **output}}}


def flow(name="nightly", **changes):
    """A flow from Salesforce to S3; with changes of its members."""
    return {"flowName": name, "triggerConfig": {"triggerType": "OnDemand"},
            "sourceFlowConfig": source(), "destinationFlowConfigList": [s3()],
            "tasks": [PROJECTION, MAP_ID], **changes}


@pytest.fixture(scope="module")
def lasting(lasting_servers, lasting_canaries):
    server = lasting_servers("--sandbox")
    for name, kind in (("crm", "Salesforce"), ("desk", "Zendesk")):
        server.ok("CreateConnectorProfile", {
            "connectorProfileName": name, "connectorType": kind, "connectionMode": "Public",
            "connectorProfileConfig": aws.config_for(lasting_canaries, kind, "accepted")})
    return server


def names(server, **kwargs):
    found, token = [], {}
    while True:
        page = server.ok("ListFlows", {"maxResults": 2, **token}, **kwargs)
        assert len(page["flows"]) <= 2
        found += [each["flowName"] for each in page["flows"]]
        if "nextToken" not in page:
            return found
        token = {"nextToken": page["nextToken"]}


@pytest.fixture
def server(lasting):
    """One for all tests of this file, without flows."""
    yield lasting
    for name in names(lasting):
        lasting.ok("DeleteFlow", {"flowName": name, "forceDelete": True})


def refused(server, operation, parameters, **kwargs):
    answer = server.call(operation, parameters, **kwargs)
    assert answer.status != 200, answer.body
    return answer.status, answer.error, answer.message


def test_what_is_described_is_what_was_sent(server):
    sent = flow(description="Every night!", tasks=[MAP_ID, PROJECTION, {**MAP_ID, **{
        "sourceFields": ["Name"], "destinationField": "Name", "taskProperties": {}}}],
        metadataCatalogConfig={"glueDataCatalog": {
            "roleArn": "arn:aws:iam::123456789012:role/r", "databaseName": "d",
            "tablePrefix": "p"}},
        kmsArn="arn:aws:kms:us-east-1:123456789012:key/k", tags={"b": "2", "a": ""})
    made = server.ok("CreateFlow", sent)
    assert made == {"flowArn": ARN.format("nightly"), "flowStatus": "Active"}
    shown = server.ok("DescribeFlow", {"flowName": "nightly"})
    created = shown.pop("createdAt")
    assert shown.pop("lastUpdatedAt") == created and created % 1 != 0 or created > 1e9
    caller = "arn:aws:iam::123456789012:root"
    assert shown == {**sent, **made, "createdBy": caller, "lastUpdatedBy": caller,
                     "schemaVersion": 1,
                     "triggerConfig": {"triggerType": "OnDemand", "triggerProperties": {}}}
    assert server.ok("ListFlows", {})["flows"] == [{
        **made, "flowName": "nightly", "description": "Every night!", "triggerType": "OnDemand",
        "sourceConnectorType": "Salesforce", "destinationConnectorType": "S3",
        "createdAt": created, "lastUpdatedAt": created, "createdBy": caller,
        "lastUpdatedBy": caller, "tags": {"a": "", "b": "2"}}]


def test_pages_in_the_order_of_names(server):
    for name in ("f2", "f1", "F3", "f5", "f4"):
        server.ok("CreateFlow", flow(name, tags={"name": name, "other": "x"}))
    assert names(server) == ["F3", "f1", "f2", "f4", "f5"]
    shown = server.ok("ListFlows", {"maxResults": 4})["flows"]
    assert [each["tags"] for each in shown] == [
        {"name": each["flowName"], "other": "x"} for each in shown]
    token = server.ok("ListFlows", {"maxResults": 2})["nextToken"]
    assert refused(server, "ListFlows", {"nextToken": token + "A"})[:2] == (
        400, "ValidationException")


def test_each_account_and_region_has_its_own(server):
    stranger = server.make_key("AKIAHEADGATETEST0002", "stranger", OTHER_ACCOUNT)
    server.ok("CreateFlow", flow())
    for other in ({"key": stranger}, {"region": "eu-west-1"}):
        assert names(server, **other) == []
        for operation in ("DescribeFlow", "DeleteFlow"):
            assert refused(server, operation, {"flowName": "nightly"}, **other) == (
                404, "ResourceNotFoundException", "Flow with name nightly does not exist.")
    assert names(server) == ["nightly"]


def test_tags_of_a_flow(server):
    arn = ARN.format("nightly")
    client = aws.boto(server)
    assert aws.refused(client.tag_resource, resourceArn=arn, tags={"a": "1"})[0] == \
        "ResourceNotFoundException"
    server.ok("CreateFlow", flow(tags={"team": "sales", "old": "x"}))
    client.tag_resource(resourceArn=arn, tags={"team": "it"})
    client.untag_resource(resourceArn=arn, tagKeys=["old"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "it"}
    assert client.describe_flow(flowName="nightly")["tags"] == {"team": "it"}
    client.delete_flow(flowName="nightly")
    server.ok("CreateFlow", flow())
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {}


def test_a_client_token(server):
    token = {"clientToken": "once"}
    made = server.ok("CreateFlow", flow(**token))
    assert server.ok("CreateFlow", flow(**token)) == made
    assert refused(server, "CreateFlow", flow("other", **token))[:2] == (409, "ConflictException")
    assert names(server) == ["nightly"]


def test_an_update_replaces_all_but_what_stays(server):
    server.ok("CreateFlow", flow(description="first", tags={"team": "sales"},
                                 kmsArn="arn:aws:kms:us-east-1:123456789012:key/k"))
    before = server.ok("DescribeFlow", {"flowName": "nightly"})
    sent = flow(triggerConfig=NIGHTLY)
    assert server.ok("UpdateFlow", sent) == {"flowStatus": "Draft"}
    after = server.ok("DescribeFlow", {"flowName": "nightly"})
    assert "description" not in after and after["lastUpdatedAt"] >= before["lastUpdatedAt"]
    for stays in ("flowArn", "kmsArn", "tags", "createdAt", "createdBy", "schemaVersion"):
        assert after[stays] == before[stays]
    assert after["triggerConfig"] == sent["triggerConfig"]
    # What is described can be sent as an update, as tools do that change one part of it.
    given = ("flowName", "sourceFlowConfig", "destinationFlowConfigList", "triggerConfig", "tasks")
    again = {name: after[name] for name in given}
    assert server.ok("UpdateFlow", again) == {"flowStatus": "Draft"}
    assert {**server.ok("DescribeFlow", {"flowName": "nightly"}),
            "lastUpdatedAt": after["lastUpdatedAt"]} == after
    assert refused(server, "UpdateFlow", flow("other")) == (
        404, "ResourceNotFoundException", "Flow with name other does not exist.")


def versions(server, *changes):
    """The schema's version after each update."""
    found = []
    for tasks in changes:
        server.ok("UpdateFlow", flow(tasks=tasks))
        found.append(server.ok("DescribeFlow", {"flowName": "nightly"})["schemaVersion"])
    return found


def test_the_version_of_a_schema(server):
    mask = {"taskType": "Mask", "sourceFields": ["Name"],
            "connectorOperator": {"Salesforce": "MASK_ALL"}}
    typed = {**MAP_ID, "taskProperties": {"DESTINATION_DATA_TYPE": "string"}}
    partition = {"taskType": "Partition", "sourceFields": [],
                 "taskProperties": {"ORDERED_PARTITION_KEYS_LIST": "Id"}}
    server.ok("CreateFlow", flow())
    assert versions(server, [MAP_ID, PROJECTION], [PROJECTION, mask, MAP_ID],
                    [PROJECTION, typed], [PROJECTION, typed], [PROJECTION, typed, partition],
                    [PROJECTION, MAP_ID]) == [1, 1, 2, 2, 3, 4]


@pytest.mark.parametrize("changes, fault", [
    ({"sourceFlowConfig": source(object="Contact")},
     "Source object for the source connector can not be updated"),
    ({"sourceFlowConfig": source("Zendesk", "desk", object="Account"),
      "tasks": [ALL]},
     "Source connector can not be updated: it must stay Salesforce"),
    ({"destinationFlowConfigList": [s3(bucketPrefix="p")]},
     "Destination object for the destination connector can not be updated"),
])
def test_what_an_update_may_not_change(server, changes, fault):
    server.ok("CreateFlow", flow())
    before = server.ok("DescribeFlow", {"flowName": "nightly"})
    assert refused(server, "UpdateFlow", flow(**changes)) == (
        400, "ValidationException", f"Update Flow request failed due to:[{fault}]")
    assert server.ok("DescribeFlow", {"flowName": "nightly"}) == before


def test_a_large_definition(server):
    """The largest that a request can have is described whole, and one task more is refused."""
    sent = flow(sourceFlowConfig=COPY, tasks=[
        {"taskType": "Map", "sourceFields": [f"f{number}"], "destinationField": f"f{number}"}
        for number in range(2000)])
    server.ok("CreateFlow", sent)
    assert server.ok("DescribeFlow", {"flowName": "nightly"})["tasks"] == sent["tasks"]
    assert server.ok("UpdateFlow", sent) == {"flowStatus": "Active"}
    sent["tasks"].append({**sent["tasks"][0], "destinationField": "x"})
    assert refused(server, "UpdateFlow", sent) == (
        400, "ValidationException", "Update Flow request failed due to:["
        "Task Validation Error: tasks must have 1 to 2000 tasks]")


def test_no_two_tasks_write_or_make_one_field(server):
    merge = {"taskType": "Merge", "sourceFields": ["a", "b"], "destinationField": "Full",
             "taskProperties": {"CONCAT_FORMAT": "${a} ${b}"}}

    def mapped(field, to):
        return {"taskType": "Map", "sourceFields": [field], "destinationField": to}

    for tasks, fault in (([merge, mapped("Name", "Full")], "write"), ([merge, merge], "make"),
                         ([merge, merge, mapped("Full", "Whole")], "make")):
        assert refused(server, "CreateFlow", flow(sourceFlowConfig=COPY, tasks=tasks)) == (
            400, "ValidationException", "Create Flow request failed: [Task Validation Error: tasks "
            f"1 and 2 must not both {fault} the field Full]")
    server.ok("CreateFlow", flow(sourceFlowConfig=COPY, tasks=[
        merge, mapped("Full", "Whole"), mapped("Name", "Full")]))


def test_a_profile_that_flows_use_is_kept_unless_forced(server, canaries):
    config = aws.config_for(canaries, "Salesforce", "accepted")
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": "used", "connectorType": "Salesforce", "connectionMode": "Public",
        "connectorProfileConfig": config})
    server.ok("CreateFlow", flow("f1", sourceFlowConfig=source(profile="used")))
    assert refused(server, "DeleteConnectorProfile", {"connectorProfileName": "used"}) == (
        409, "ConflictException",
        "Conflict executing request: Connector profile: used is associated with one or more "
        "flows. If you still want to delete it, then make delete request with forceDelete flag as "
        "true. Some of the associated flows are: [f1]")
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "used", "forceDelete": True})
    assert refused(server, "DeleteConnectorProfile", {"connectorProfileName": "used"})[:2] == (
        404, "ResourceNotFoundException")
    assert server.ok("DescribeFlow", {"flowName": "f1"})["flowStatus"] == "Active"
    missing = "Connector Profile with name used does not exist."
    assert refused(server, "CreateFlow", flow("f2", sourceFlowConfig=source(profile="used"))) == (
        404, "ResourceNotFoundException", missing)


def test_the_commands(server):
    """The table, the page and the JSON of flows; the server runs beside them."""
    place = server.place
    stranger = server.make_key("AKIAHEADGATETEST0003", "other", OTHER_ACCOUNT)
    server.ok("CreateFlow", flow(tags={"team": "sales"}, triggerConfig=NIGHTLY))
    server.ok("CreateFlow", flow("copy", sourceFlowConfig=COPY, tasks=[ALL]), key=stranger)
    lines = headgate("flow", "list", *place).splitlines()
    assert lines[0].split() == ["ACCOUNT", "REGION", "NAME", "STATE", "TRIGGER", "SOURCE",
                                "DESTINATION", "CHANGED"]
    assert [line.split()[:3] for line in lines[1:]] == [
        [OTHER_ACCOUNT, "us-east-1", "copy"], [ACCOUNT, "us-east-1", "nightly"]]
    assert re.split("  +", lines[2])[3:7] == [
        "Draft", "Scheduled rate(1days)", "Salesforce crm: Account", "S3: bucket"]
    shown, = map(json.loads, headgate("flow", "list", *place, "--json", "--account",
                                      ACCOUNT).splitlines())
    assert shown.pop("lastUpdatedAt")
    assert shown == {"account": ACCOUNT, "region": "us-east-1", "name": "nightly",
                     "status": "Draft", "trigger": "Scheduled rate(1days)",
                     "source": "Salesforce crm: Account", "destination": "S3: bucket"}
    page = headgate("flow", "show", "nightly", *place)
    assert re.search(r"^State +Draft$", page, re.M) and re.search(r"^Tags +team=sales$", page, re.M)
    assert re.search(r"^Map +NO_OP +Id +Id +DESTINATION_DATA_TYPE=id, SOURCE_DATA_TYPE=id$", page,
                     re.M), page
    whole = json.loads(headgate("flow", "show", "nightly", *place, "--json"))
    assert whole["definition"]["tasks"] == [PROJECTION, MAP_ID]
    assert whole["tags"] == {"team": "sales"}
    failed = subprocess.run(command("flow", "show", "none", *place), capture_output=True,
                            timeout=60)
    assert failed.returncode == 1 and b"There is no flow none." in failed.stderr
    server.ok("DeleteFlow", {"flowName": "copy"}, key=stranger)


def test_commands_choose_by_account_and_region(server):
    place = server.place
    stranger = server.make_key("AKIAHEADGATETEST0004", "third", OTHER_ACCOUNT)
    for name in [f"f{i:02}" for i in range(21)]:
        server.ok("CreateFlow", flow(name, sourceFlowConfig=COPY, tasks=[ALL]))
    server.ok("CreateFlow", flow("f00", sourceFlowConfig=COPY, tasks=[ALL]), key=stranger)
    for account, count in ((ACCOUNT, 21), (OTHER_ACCOUNT, 1), ("999999999999", 0)):
        listed = headgate("flow", "list", *place, "--json", "--account", account).splitlines()
        assert [json.loads(line)["account"] for line in listed] == [account] * count
        assert headgate("flow", "list", *place, "--json", "--account", account, "--region",
                        "us-east-1").splitlines() == listed
    one = json.loads(headgate("flow", "show", "f00", *place, "--json", "--account", OTHER_ACCOUNT,
                              "--region", "us-east-1"))
    assert (one["account"], one["definition"]["tasks"]) == (OTHER_ACCOUNT, [ALL])
    for wrong in (("--account", ACCOUNT, "--region", "us-west-2"),
                  ("--account", "999999999999", "--region", "us-east-1")):
        failed = subprocess.run(command("flow", "show", "f00", *place, *wrong),
                                capture_output=True, timeout=60)
        assert failed.returncode == 1 and b"There is no flow f00." in failed.stderr
    server.ok("DeleteFlow", {"flowName": "f00"}, key=stranger)


def test_a_page_is_whole_and_controls_no_terminal(server):
    fields = [f"a_rather_long_name_of_a_field_{i}" for i in range(400)]
    hostile = "a\u009b2Jb\u202ec\u2066d\x7fe\u00e9\U0001f600"
    server.ok("CreateFlow", flow(tasks=[
        {**PROJECTION, "sourceFields": fields}, {**MAP_ID, "destinationField": hostile}]))
    page = headgate("flow", "show", "nightly", *server.place)
    assert ", ".join(fields) in page
    text = headgate("flow", "show", "nightly", *server.place, "--json")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e"
                         "\u2066-\u2069]", text)
    assert "a\\u009b2Jb\\u202ec\\u2066d\\u007fe\u00e9" in text
    whole = json.loads(text)
    assert whole["definition"]["tasks"][0]["sourceFields"] == fields
    assert whole["definition"]["tasks"][1]["destinationField"] == hostile


def test_a_changed_row_is_refused(servers, canaries):
    server = servers()
    server.ok("CreateFlow", flow(sourceFlowConfig=COPY, tasks=[ALL]))
    server.stop()
    server.database.change(
        "UPDATE flows SET definition = replace(definition, 'bucket\"', 'thief\"')")
    words = subprocess.run(command("check", *server.place), capture_output=True, timeout=60)
    assert words.returncode == 1 and words.stdout.startswith(
        b"Flow nightly (account 123456789012, us-east-1): What is stored of flow nightly was not "
        b"written by this server."), words
    assert " changed " in headgate("flow", "list", *server.place)
    server.start()
    status, error, message = refused(server, "DescribeFlow", {"flowName": "nightly"})
    assert (status, error) == (500, "InternalServerException")
    assert message == ("What is stored of flow nightly was not written by this server. Remove it "
                       "with DeleteFlow and forceDelete, and create it again.")
    server.ok("DeleteFlow", {"flowName": "nightly", "forceDelete": True})
