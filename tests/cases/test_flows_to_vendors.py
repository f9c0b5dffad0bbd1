"""Flows from S3 to the stand-ins' records: what was written is what the stand-in has afterwards, by
each write operation, and each record that the vendor refuses is in the error bucket."""

import json
import time

import pytest

from support import moving
from support.sandbox_records import truth, written
from support.vendor_flows import PROFILE, create_profile
from test_flow_runs import asks


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    server = lasting_servers("--sandbox")
    create_profile(server, PROFILE, "Salesforce")
    create_profile(server, "help", "Zendesk")
    return server


@pytest.fixture
def server(lasting):
    moving.clear(lasting)
    return lasting


def to_vendor(name, entity, operation, fields, kind="Salesforce", profile=PROFILE, ids=None,
              **errors):
    properties = {"object": entity, "writeOperationType": operation, "errorHandlingConfig": {
        "bucketName": moving.OUT, "bucketPrefix": "failed", **errors}}
    if ids:
        properties["idFieldNames"] = ids
    return {**moving.flow(name), "destinationFlowConfigList": [{
        "connectorType": kind, "connectorProfileName": profile,
        "destinationConnectorProperties": {kind: properties}}],
        "tasks": [{"taskType": "Map", "sourceFields": [each], "destinationField": each,
                   "connectorOperator": {"S3": "NO_OP"}} for each in fields]}


def run(server, records, definition):
    """The result of the run that writes these, and the lines of the error bucket."""
    moving.clear(server)
    moving.put(server, "records", moving.lines_of(records))
    server.ok("CreateFlow", definition)
    record = moving.run(server, definition["flowName"])
    lines = b"".join(moving.written(server).values()).splitlines()
    return record, [json.loads(line) for line in lines]


def now(server, entity, kind="Salesforce"):
    host = ("--host", "acme.zendesk.com") if kind == "Zendesk" else ()
    return written(server.data / "records", kind, entity, *host)


def good(record, count, failed=0):
    result = record["executionResult"]
    assert record["executionStatus"] == "Successful", record
    assert result["recordsProcessed"] == count
    assert result.get("errorInfo", {}).get("putFailuresCount", 0) == failed


def by_name(records, names):
    return [each for each in records if each["Name"] in names]


def test_records_are_inserted_and_the_others_are_in_the_error_bucket(server):
    names = [f"inserted {number} “✔”" for number in range(450)]
    records = [{"Name": name, "AnnualRevenue": number, "Phone": None}
               for number, name in enumerate(names)]
    records[3]["Name"] = "x" * 300
    records[444]["Name"] = None
    record, failed = run(server, records, to_vendor("insert", "Account", "INSERT",
                                                    ["Name", "AnnualRevenue", "Phone"]))
    good(record, 450, failed=2)
    assert [(each["record"]["AnnualRevenue"], each["errorCode"]) for each in failed] == [
        (3, "Refused"), (444, "Refused")]
    assert failed[0]["errorMessage"].startswith("STRING_TOO_LONG: Account Name: data value")
    assert failed[1]["errorMessage"] == \
        "REQUIRED_FIELD_MISSING: Required fields are missing: [Name]"
    found = by_name(now(server, "Account"), names)
    assert [(each["Name"], each["AnnualRevenue"]) for each in found] == [
        (each["Name"], each["AnnualRevenue"]) for each in records
        if each["AnnualRevenue"] not in (3, 444)]
    # The same from a shell: what was left out, and another run.
    shown = asks(server, "runs", "insert", "--manifest").stdout
    assert "STRING_TOO_LONG" in shown and "REQUIRED_FIELD_MISSING" in shown, shown
    again = asks(server, "run", "insert")
    assert again.returncode == 0 and "The destination refused 2." in again.stdout, again
    assert len(by_name(now(server, "Account"), names)) == 2 * len(found)


def test_records_are_updated_and_deleted_by_id(server):
    keys = [each["Id"] for each in truth("Salesforce", "Contact")]
    gone = [each["Id"] for each in truth("Salesforce", "Contact") if each["IsDeleted"]]
    wanted = [{"Id": key, "Name": f"updated {key}"} for key in keys[100:350]]
    record, failed = run(server, wanted, to_vendor("update", "Contact", "UPDATE", ["Id", "Name"],
                                                   ids=["Id"]))
    unknown = [each for each in wanted if each["Id"] in gone]
    good(record, 250, failed=len(unknown))
    assert unknown and [each["record"] for each in failed] == unknown
    assert {each["errorMessage"] for each in failed} == {"ENTITY_IS_DELETED: entity is deleted"}
    after = {each["Id"]: each for each in now(server, "Contact")}
    for each in wanted:
        assert (after[each["Id"]]["Name"] == each["Name"]) == (each["Id"] not in gone)

    # One that is deleted already is as it should be.
    wanted = [{"Id": key} for key in keys[120:140] + ["0035g00000zzzzzAAA"]]
    record, failed = run(server, wanted, to_vendor("delete", "Contact", "DELETE", ["Id"]))
    good(record, 21, failed=1)
    assert failed[0]["errorMessage"] == "INVALID_CROSS_REFERENCE_KEY: invalid cross reference id"
    after = {each["Id"]: each["IsDeleted"] for each in now(server, "Contact")}
    assert [key for key in keys if after[key]] == [
        key for key in keys if key in gone or key in keys[120:140]]


def test_records_are_upserted_by_an_external_id(server):
    invoices = truth("Salesforce", "Invoice__c")
    account = truth("Salesforce", "Account")[0]["Id"]
    known = [each for each in invoices if each["Number__c"] and not each["IsDeleted"]][:3]
    wanted = [{"Number__c": each["Number__c"], "Amount__c": 4.25, "Due_Date__c": "2026-03-04",
               "Account__c": account} for each in known]
    wanted += [{**wanted[0], "Number__c": f"own-{number}"} for number in range(3)]
    definition = to_vendor("upsert", "Invoice__c", "UPSERT", list(wanted[0]), ids=["Number__c"])
    for _ in range(2):  # the second time nothing is new
        record, failed = run(server, wanted, definition)
        assert not failed
        good(record, 6)
        after = now(server, "Invoice__c")
        assert len(after) == len(invoices) + 3
        assert sorted(each["Number__c"] for each in after if each["Amount__c"] == 4.25) == sorted(
            each["Number__c"] for each in wanted)


def test_the_first_refusal_ends_the_run(server):
    records = [{"Name": None}] + [{"Name": f"later {number}"} for number in range(5)]
    record, failed = run(server, records, to_vendor("first", "Lead", "INSERT", ["Name"],
                                                    failOnFirstDestinationError=True))
    assert record["executionStatus"] == "Error", record
    assert "Required fields are missing: [Name]" in \
        record["executionResult"]["errorInfo"]["executionMessage"]
    assert [each["record"] for each in failed] == records[:1]


# --- Zendesk ---


def to_help(name, entity, operation, fields, **more):
    return to_vendor(name, entity, operation, fields, kind="Zendesk", profile="help", **more)


def test_tickets_are_created_and_updated_by_jobs(server):
    """In calls of 100, whose results name each ticket."""
    before = len(truth("Zendesk", "tickets"))
    wanted = [{"subject": f"subject {number} ✔", "priority": "high", "comment": {"body": "why"},
               "custom_field_360001": "pump"} for number in range(130)]
    wanted[3]["priority"] = "unheard of"
    wanted[120]["comment"] = None
    record, failed = run(server, wanted, to_help("create", "tickets", "INSERT", list(wanted[0])))
    good(record, 130, failed=2)
    assert [each["errorMessage"] for each in failed] == [
        "TicketCreateFailed: Priority: is invalid",
        "TicketCreateFailed: Description: cannot be blank"]
    tickets = now(server, "tickets", "Zendesk")
    assert len(tickets) == before + 128
    made = tickets[before:]
    assert [each["subject"] for each in made] == [
        each["subject"] for number, each in enumerate(wanted) if number not in (3, 120)]
    assert {(each["description"], json.dumps(each["custom_fields"])) for each in made} == {
        ("why", '[{"id": 360001, "value": "pump"}]')}

    changes = [{"id": made[0]["id"], "status": "solved"}, {"id": 999999999, "status": "open"},
               {"id": None, "status": "open"}]
    record, failed = run(server, changes, to_help("change", "tickets", "UPDATE",
                                                  ["id", "status"], ids=["id"]))
    good(record, 3, failed=2)
    assert [each["errorMessage"] for each in failed] == [
        "TicketUpdateFailed: RecordNotFound",
        "the record has no value of the field that it is found by"]
    assert now(server, "tickets", "Zendesk")[before]["status"] == "solved"


def with_token(server, canaries, outcome, host="acme"):
    """A profile whose access token has this outcome."""
    name = f"help-{outcome}"
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": name, "connectorType": "Zendesk", "connectionMode": "Public",
        "connectorProfileConfig": {
            "connectorProfileProperties": {"Zendesk": {
                "instanceUrl": f"https://{host}.zendesk.com"}},
            "connectorProfileCredentials": {"Zendesk": {
                "clientId": "aws_integration_to_Zendesk",
                "clientSecret": "sandbox-zendesk-client-secret",
                "accessToken": f"sandbox-token-accepted-{outcome}-{canaries.new('token')}"}}}})
    return name


def test_a_job_is_asked_for_again_when_the_vendor_fails(server, lasting_canaries):
    """So the records are neither written twice, nor is their outcome unknown."""
    profile = with_token(server, lasting_canaries, "poll-fails")
    before = len(now(server, "tickets", "Zendesk"))
    wanted = [{"subject": f"asked again {number}", "comment": {"body": "why"}}
              for number in range(3)]
    record, failed = run(server, wanted, to_vendor(
        "again", "tickets", "INSERT", list(wanted[0]), kind="Zendesk", profile=profile))
    good(record, 3)
    assert not failed
    made = now(server, "tickets", "Zendesk")[before:]
    assert [each["subject"] for each in made] == [each["subject"] for each in wanted]


def test_a_refused_call_for_a_job_does_not_end_the_next_batch(server, lasting_canaries):
    """The connection that was refused, here by a proxy, takes no other call: the next batch has a
    new one."""
    profile = with_token(server, lasting_canaries, "poll-blocked")
    before = len(now(server, "tickets", "Zendesk"))
    lines = [{"subject": f"blocked {number}", "comment": {"body": "why"}} for number in range(2)]
    for number, line in enumerate(lines):  # each a page of its own, and so a batch
        moving.put(server, f"records-{number}", moving.lines_of([line]))
    server.ok("CreateFlow", to_vendor("blocked", "tickets", "INSERT", list(lines[0]),
                                      kind="Zendesk", profile=profile))
    record = moving.run(server, "blocked")
    good(record, 2, failed=1)
    failed = [json.loads(line) for line in b"".join(moving.written(server).values()).splitlines()]
    assert [(each["record"], each["errorCode"]) for each in failed] == [(lines[0], "Unknown")]
    assert [each["subject"] for each in now(server, "tickets", "Zendesk")[before:]] == [
        each["subject"] for each in lines]


def test_a_run_that_waits_for_a_job_can_be_canceled(server, lasting_canaries):
    """The outcome of the records that the job has is unknown, and the run says so."""
    profile = with_token(server, lasting_canaries, "poll-throttled", host="limited")
    moving.put(server, "records", moving.lines_of([{"subject": "s", "comment": {"body": "why"}}]))
    server.ok("CreateFlow", to_vendor("waits", "tickets", "INSERT", ["subject", "comment"],
                                      kind="Zendesk", profile=profile))
    server.ok("StartFlow", {"flowName": "waits"})

    def waits():
        record = moving.records(server, "waits")[0]
        assert record["executionStatus"] == "InProgress", record
        result = record.get("executionResult", {})
        return "The run waits until" in result.get("errorInfo", {}).get("executionMessage", "")
    moving.until(waits)
    began = time.monotonic()
    server.ok("CancelFlowExecutions", {"flowName": "waits"})
    record = moving.ended(server, "waits")
    assert time.monotonic() - began < 5
    assert record["executionStatus"] == "Canceled", record
    shown = asks(server, "runs", "waits", "--manifest").stdout
    assert "unknown" in shown, shown


def test_users_and_organizations_are_upserted(server):
    users = truth("Zendesk", "users")
    known = next(each for each in users if each["email"])
    wanted = [{"email": known["email"], "name": "known"}, {"email": "new@b.example",
                                                           "name": "new"},
              {"email": "other@b.example", "name": ""}]
    for _ in range(2):
        record, failed = run(server, wanted, to_help("users", "users", "UPSERT",
                                                     ["email", "name"], ids=["email"]))
        good(record, 3, failed=1)
        assert failed[0]["errorMessage"].startswith("UserCreateError: Name: is too short")
        after = now(server, "users", "Zendesk")
        assert len(after) == len(users) + 1
        assert [each["name"] for each in after if each["email"] == known["email"]] == ["known"]
        assert (after[-1]["email"], after[-1]["name"]) == ("new@b.example", "new")
    wanted = [{"external_id": "e1", "name": "one", "organization_fields.region": "north"},
              {"external_id": "e2", "name": ""}]
    before = len(truth("Zendesk", "organizations"))
    for _ in range(2):
        record, failed = run(server, wanted, to_help("firms", "organizations", "UPSERT",
                                                     list(wanted[0]), ids=["external_id"]))
        good(record, 2, failed=1)
        assert failed[0]["errorMessage"] == "RecordInvalid: Name: cannot be blank"
        after = now(server, "organizations", "Zendesk")
        assert len(after) == before + 1
        assert after[-1]["organization_fields"] == {"region": "north"}


def test_what_zendesk_does_not_write(server):
    record, _ = run(server, [{"id": 1}], to_help("none", "tickets", "UPSERT", ["id"], ids=["id"]))
    assert record["executionStatus"] == "Error", record
    assert "The vendor has no UPSERT of tickets" in \
        record["executionResult"]["errorInfo"]["executionMessage"]
    answer = server.call("CreateFlow", to_help("drop", "users", "DELETE", ["id"]))
    assert answer.status == 400, answer.body
    assert "writeOperationType must be one that Zendesk supports: INSERT" in answer.message


# --- Marketo, whose flows name no operation ---

@pytest.fixture
def leads(servers):
    made = servers("--sandbox")
    moving.buckets(made)
    create_profile(made, "leads", "Marketo")
    return made


def to_leads(fields, **errors):
    definition = to_vendor("sync", "leads", None, fields, "Marketo", "leads", **errors)
    properties = definition["destinationFlowConfigList"][0]["destinationConnectorProperties"]
    del properties["Marketo"]["writeOperationType"]
    return definition


def test_leads_are_created_or_updated_by_their_email(leads):
    before = truth("Marketo", "leads")
    there = [each for each in before if each["email"]][:40]
    records = [{"email": each["email"], "firstName": f"changed {number} “✔”"}
               for number, each in enumerate(there)]
    records += [{"email": f"new{number}@b.example", "firstName": f"new {number}"}
                for number in range(320)]
    records[5]["email"] = None
    record, failed = run(leads, records, to_leads(["email", "firstName"]))
    good(record, 360, failed=1)
    assert failed[0]["record"] == records[5] and failed[0]["errorCode"] == "Refused"
    after = written(leads.data / "records", "Marketo", "leads")
    assert len(after) == len(before) + 320
    by_email = {each["email"]: each["firstName"] for each in after}
    assert [by_email[each["email"]] for each in records if each["email"]] == [
        each["firstName"] for each in records if each["email"]]


def test_an_entity_that_marketo_does_not_take(leads):
    definition = to_leads(["email"])
    properties = definition["destinationFlowConfigList"][0]["destinationConnectorProperties"]
    properties["Marketo"]["object"] = "activities"
    record, _ = run(leads, [{"email": "a@b.example"}], definition)
    assert record["executionStatus"] == "Error"
    assert "activities" in record["executionResult"]["errorInfo"]["executionMessage"], record
