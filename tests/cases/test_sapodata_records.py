"""Runs that read SAP's records, of both versions of OData, page by page: every record once,
whatever was filtered there."""

import json
import re

import pytest

from support import moving
from support.sandbox_records import truth
from support.server import headgate
from support.vendor_flows import task

SETS = {"A_BusinessPartner": ("sap-v2", "/sap/opu/odata/sap/API_BUSINESS_PARTNER"),
        "A_BusinessPartnerAddress": ("sap-v2", "/sap/opu/odata/sap/API_BUSINESS_PARTNER"),
        "Order": ("sap-v4", "/sap/opu/odata4/sap/orders/srvd_a2x/sap/orders/0001")}


def create_profile(server, name, outcome, config=None):
    config = config or json.loads(headgate("sandbox", "--list", "--json", "--connector",
                                           "SAPOData", "--outcome", outcome))
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": name, "connectorType": "SAPOData",
        "connectionMode": "Public", "connectorProfileConfig": config})


def with_profiles(server):
    """With one of each version."""
    create_profile(server, "sap-v2", "accepted")
    create_profile(server, "sap-v4", "accepted-v4")
    return server


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    return with_profiles(lasting_servers("--sandbox"))


@pytest.fixture
def server(lasting):
    """One for all tests of this file, without flows and objects."""
    yield lasting
    moving.clear(lasting)


def flow(entity, tasks, **source):
    profile, path = SETS[entity]
    return {
        "flowName": "copy", "triggerConfig": {"triggerType": "OnDemand"},
        "sourceFlowConfig": {
            "connectorType": "SAPOData", "connectorProfileName": profile,
            "sourceConnectorProperties": {"SAPOData": {"objectPath": f"{path}/{entity}",
                                                       **source}}},
        "destinationFlowConfigList": [{"connectorType": "S3", "destinationConnectorProperties": {
            "S3": {"bucketName": moving.OUT, "s3OutputFormatConfig": {"fileType": "JSON"}}}}],
        "tasks": tasks}


def moved(server, definition):
    """The record of its run, and what was written: the records of each object."""
    server.ok("CreateFlow", definition)
    moving.buckets(server)
    record = moving.run(server, "copy")
    assert record["executionStatus"] == "Successful", record
    return record, [[json.loads(line) for line in body.splitlines()]
                    for _, body in sorted(moving.written(server).items())]


ALL = [task("Map_all", "NO_OP", [], key="SAPOData")]


@pytest.mark.parametrize("entity", SETS)
@pytest.mark.parametrize("size", [None, 300])
def test_all_fields_of_all_records(server, entity, size):
    wanted = truth("SAPOData", entity)
    source = {"paginationConfig": {"maxPageSize": size}} if size else {}
    record, pages = moved(server, flow(entity, ALL, **source))
    assert sum(pages, []) == wanted
    assert record["executionResult"]["recordsProcessed"] == len(wanted) >= 1000
    assert {len(page) for page in pages[:-1]} == {size or 500}


def at(text):
    """Milliseconds of a time of version 2."""
    return int(re.match(r"/Date\((-?\d+)", text).group(1))


# Filters that the vendor is asked for, and others that are applied here alone.
FILTERS = {
    "flag": ("A_BusinessPartner", "BusinessPartnerIsBlocked", "EQUAL_TO",
             {"DATA_TYPE": "Edm.Boolean", "VALUE": "true"}, lambda found: found is True),
    "quote": ("A_BusinessPartner", "YY1_CustomerClass_bus", "EQUAL_TO",
              {"DATA_TYPE": "Edm.String", "VALUE": "L'Aquila"}, lambda found: found == "L'Aquila"),
    "not": ("A_BusinessPartner", "YY1_CustomerClass_bus", "NOT_EQUAL_TO",
            {"DATA_TYPE": "Edm.String", "VALUE": "A"}, lambda found: found != "A"),
    "part": ("A_BusinessPartner", "BusinessPartnerFullName", "CONTAINS",
             {"DATA_TYPE": "Edm.String", "VALUE": "L'A"}, lambda found: found and "L'A" in found),
    "not filterable": ("A_BusinessPartner", "ETag", "EQUAL_TO",
                       {"DATA_TYPE": "Edm.String", "VALUE": "%s"}, None),
    "time": ("A_BusinessPartner", "LastChangeDate", "GREATER_THAN",
             {"DATA_TYPE": "Edm.DateTime", "VALUE": "2023-01-01T00:00:00Z"},
             lambda found: at(found) > 1672531200000),
    "time with a zone": ("A_BusinessPartnerAddress", "ValidityStartDate", "LESS_THAN_OR_EQUAL_TO",
                         {"DATA_TYPE": "Edm.DateTimeOffset", "VALUE": "2022-06-01T02:00:00+02:00"},
                         lambda found: found and at(found) <= 1654041600000),
    "amount": ("Order", "Amount", "BETWEEN",
               {"DATA_TYPE": "Edm.Decimal", "LOWER_BOUND": "100.5", "UPPER_BOUND": "1000000"},
               lambda found: found is not None and 100.5 < found < 1000000),
    "changed": ("Order", "ChangedAt", "GREATER_THAN",
                {"DATA_TYPE": "Edm.DateTimeOffset", "VALUE": "2023-01-01T00:00:00.000Z"},
                lambda found: found > "2023-01-01T00:00:00.000Z"),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters_keep_what_they_keep_here(server, name):
    entity, field, operator, properties, keeps = FILTERS[name]
    records = truth("SAPOData", entity)
    if keeps is None:
        value = next(each[field] for each in records if each[field])
        properties = {**properties, "VALUE": value}

        def keeps(found):
            return found == value
    key = next(iter(records[0])) if entity != "A_BusinessPartnerAddress" else "AddressID"
    tasks = [task("Filter", "PROJECTION", [key, field], key="SAPOData"),
             task("Filter", operator, [field], key="SAPOData", **properties),
             *({**task("Map", "NO_OP", [each], key="SAPOData"), "destinationField": each}
               for each in (key, field))]
    _, pages = moved(server, flow(entity, tasks))
    wanted = [{key: each[key], field: each[field]} for each in records if keeps(each[field])]
    assert 0 < len(wanted) < len(records)
    assert sum(pages, []) == wanted


@pytest.mark.parametrize("outcome, works", [
    ("throttled", True), ("server-error", True), ("truncated", True), ("cursor-expired", False)])
def test_a_later_page_that_fails(server, canaries, outcome, works):
    token = f"sandbox-token-accepted-later-{outcome}-{canaries.new('token')}"
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", "SAPOData",
                                 "--outcome", "accepted-token"))
    config["connectorProfileCredentials"]["SAPOData"]["oAuthCredentials"]["accessToken"] = token
    create_profile(server, "later", None, config)
    definition = flow("A_BusinessPartner", ALL)
    definition["sourceFlowConfig"]["connectorProfileName"] = "later"
    server.ok("CreateFlow", definition)
    moving.buckets(server)
    record = moving.run(server, "copy")
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "later", "forceDelete": True})
    if not works:
        assert record["executionStatus"] == "Error"
        assert "Invalid skip token" in record["executionResult"]["errorInfo"]["executionMessage"]
        return
    assert record["executionStatus"] == "Successful", record
    lines = b"".join(body for _, body in sorted(moving.written(server).items())).splitlines()
    assert list(map(json.loads, lines)) == truth("SAPOData", "A_BusinessPartner")
