"""Kills the server while a run writes to a vendor, and starts it again: what finds its records by a
key has each of them once, and an INSERT says what it may have written twice."""

import signal

import pytest

from support import moving
from support.sandbox_records import truth, written
from support.vendor_flows import create_profile
from test_crash import call_until_death, start_with_fault

SAP = "/sap/opu/odata/sap/API_BUSINESS_PARTNER/A_BusinessPartner"


def flow(kind, properties, fields):
    return {**moving.flow("write"), "destinationFlowConfigList": [{
        "connectorType": kind, "connectorProfileName": "vendor",
        "destinationConnectorProperties": {kind: properties}}],
        "tasks": [{"taskType": "Map", "sourceFields": [each], "destinationField": each,
                   "connectorOperator": {"S3": "NO_OP"}} for each in fields]}


def killed(servers, kind, point, properties, records):
    """The record of the run that was killed there, and the server."""
    server = servers("--sandbox")
    moving.put(server, "records", moving.lines_of(records))
    create_profile(server, "vendor", kind)
    server.ok("CreateFlow", flow(kind, properties, records[0]))
    server.stop()
    assert start_with_fault(server, point)
    call_until_death(server, "StartFlow", {"flowName": "write"})
    assert server.wait_for_end() == -signal.SIGKILL
    server.start()
    record = moving.ended(server, "write")
    assert record["executionStatus"] == "Successful", record
    return record, server


def now(server, kind, entity):
    return written(server.data / "records", kind, entity)


@pytest.mark.parametrize("point", ["write:job", "write:job#2", "write:sent"])
def test_killed_while_a_job_writes(servers, point):
    users = [{"email": f"new{number}@b.example", "name": f"new {number}"} for number in range(150)]
    record, server = killed(servers, "Zendesk", point, {
        "object": "users", "writeOperationType": "UPSERT", "idFieldNames": ["email"]}, users)
    assert record["executionResult"]["recordsProcessed"] == 150
    made = now(server, "Zendesk", "users")[len(truth("Zendesk", "users")):]
    assert [(each["email"], each["name"]) for each in made] == [
        (each["email"], each["name"]) for each in users]


@pytest.mark.parametrize("point", ["write:record", "write:record#2", "write:sent"])
def test_killed_while_entities_are_written_one_by_one(servers, point):
    before = truth("SAPOData", "A_BusinessPartner")
    rows = [{"BusinessPartner": each["BusinessPartner"], "OrganizationBPName1":
             f"new {number}"} for number, each in enumerate(before[:3])]
    _, server = killed(servers, "SAPOData", point, {
        "objectPath": SAP, "writeOperationType": "UPSERT",
        "idFieldNames": ["BusinessPartner"]}, rows)
    after = now(server, "SAPOData", "A_BusinessPartner")
    assert [{name: each[name] for name in rows[0]} for each in after[:3]] == rows
    assert after[3:] == before[3:]


def test_an_insert_says_what_may_be_there_twice(servers):
    rows = [{"OrganizationBPName1": f"new {number}"} for number in range(3)]
    record, server = killed(servers, "SAPOData", "write:record#2", {
        "objectPath": SAP, "writeOperationType": "INSERT"}, rows)
    made = now(server, "SAPOData", "A_BusinessPartner")[
        len(truth("SAPOData", "A_BusinessPartner")):]
    assert [each["OrganizationBPName1"] for each in made] == ["new 0", "new 1", *(
        each["OrganizationBPName1"] for each in rows)]
    assert "3 records may have been inserted twice" in \
        record["executionResult"]["errorInfo"]["executionMessage"], record
