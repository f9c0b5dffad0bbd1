"""Runs that read a vendor's records with a profile's credentials: every record once, whatever was
filtered at the vendor, and clear ends where there is nothing to read."""

import json

import pytest

from support import moving
from support.sandbox_records import truth
from support.vendor_flows import PROFILE, create_profile, flow, task

@pytest.fixture(scope="module")
def lasting(lasting_servers):
    server = lasting_servers("--sandbox")
    create_profile(server, PROFILE, "Salesforce")
    create_profile(server, "help", "Zendesk")
    create_profile(server, "desk", "Servicenow")
    return server


@pytest.fixture
def server(lasting):
    """One for all tests of this file, without flows and objects."""
    yield lasting
    moving.clear(lasting)


def moved(server, definition):
    """The record of its run, and what was written."""
    server.ok("CreateFlow", definition)
    moving.buckets(server)
    record = moving.run(server, definition["flowName"])
    lines = b"".join(body for _, body in sorted(moving.written(server).items())).splitlines()
    return record, [json.loads(line) for line in lines]


def by_id(records):
    return sorted(records, key=lambda record: record["Id"])


def without_nulls(records):
    return [{name: value for name, value in each.items() if value is not None} for each in records]


ALL = [task("Map_all", "NO_OP", [])]


def test_all_fields_of_all_records(server):
    wanted = [each for each in truth("Salesforce", "Account") if not each["IsDeleted"]]
    assert len(wanted) > 1
    record, records = moved(server, flow("whole", "Account", ALL))
    assert record["executionStatus"] == "Successful", record
    assert by_id(without_nulls(records)) == by_id(without_nulls(wanted))
    assert record["executionResult"]["recordsProcessed"] == len(wanted)


def test_deleted_records(server):
    wanted = truth("Salesforce", "Account")
    _, records = moved(server, flow("deleted", "Account", ALL, includeDeletedRecords=True))
    assert by_id(without_nulls(records)) == by_id(without_nulls(wanted))


# A value of the first record whose field has one is "%s". Filters that the vendor is asked for, and
# others that are applied here alone.
FILTERS = {
    "text": ("Name", "EQUAL_TO", {"DATA_TYPE": "string", "VALUE": "%s"},
             lambda found, value: found == value),
    "part": ("Name", "CONTAINS", {"DATA_TYPE": "string", "VALUE": "Wi"},
             lambda found, value: "Wi" in found),
    "quoted": ("Name", "CONTAINS", {"DATA_TYPE": "string", "VALUE": "L'A"},
               lambda found, value: "L'A" in found),
    "wildcard": ("Website", "CONTAINS", {"DATA_TYPE": "url", "VALUE": "1&b=%20"},
                 lambda found, value: found is not None and "1&b=%20" in found),
    "number": ("NumberOfEmployees", "GREATER_THAN", {"DATA_TYPE": "int", "VALUE": "%s"},
               lambda found, value: found is not None and found > value),
    "between": ("NumberOfEmployees", "BETWEEN",
                {"DATA_TYPE": "int", "LOWER_BOUND": "1000", "UPPER_BOUND": "%s"},
                lambda found, value: found is not None and 1000 < found < value),
    "not": ("Type", "NOT_EQUAL_TO", {"DATA_TYPE": "picklist", "VALUE": "%s"},
            lambda found, value: found != value),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters_keep_what_they_keep_here(server, name):
    field, operator, properties, keeps = FILTERS[name]
    accounts = [each for each in truth("Salesforce", "Account") if not each["IsDeleted"]]
    value = next(each[field] for each in accounts if each[field] is not None)
    properties = {key: text.replace("%s", str(value)) for key, text in properties.items()}
    tasks = [task("Filter", "PROJECTION", ["Id", field]),
             task("Filter", operator, [field], **properties),
             *({**task("Map", "NO_OP", [each]), "destinationField": each}
               for each in ("Id", field))]
    _, records = moved(server, flow(name, "Account", tasks))
    wanted = [{"Id": each["Id"], field: each[field]} for each in accounts
              if keeps(each[field], value)]
    assert 0 < len(wanted) < len(accounts)
    assert by_id(without_nulls(records)) == by_id(without_nulls(wanted))


def test_times_are_compared_alike(server):
    accounts = sorted((each for each in truth("Salesforce", "Account") if not each["IsDeleted"]),
                    key=lambda each: each["CreatedDate"])
    middle = accounts[len(accounts) // 2]["CreatedDate"]
    tasks = [task("Filter", "GREATER_THAN", ["CreatedDate"], DATA_TYPE="datetime",
                  VALUE=middle.replace("+0000", "Z")), *ALL]
    _, records = moved(server, flow("times", "Account", tasks))
    assert {each["Id"] for each in records} == {
        each["Id"] for each in accounts if each["CreatedDate"] > middle}


def error_of(record):
    assert record["executionStatus"] == "Error", record
    return record["executionResult"]["errorInfo"]["executionMessage"]


def test_an_object_that_does_not_exist(server):
    record, records = moved(server, flow("none", "Nothing__c", ALL))
    assert error_of(record).endswith(
        "The flow reads Nothing__c by the connector profile crm.") and not records


def flat():
    return [name for name in truth("Salesforce", "Account")[0] if name != "BillingAddress"]


@pytest.mark.parametrize("everything", [True, False])
def test_the_bulk_api_gives_the_same_records(server, everything):
    """Byte for byte, but for compound fields, which it does not have; all of them, or named ones
    with a filter."""
    fields = flat() if everything else ["Id", "Name", "NumberOfEmployees", "LastModifiedDate"]
    tasks = [task("Filter", "PROJECTION", fields),
             *([] if everything else [task("Filter", "GREATER_THAN", ["NumberOfEmployees"],
                                           DATA_TYPE="int", VALUE="1000")]),
             *({**task("Map", "NO_OP", [each]), "destinationField": each} for each in fields)]
    written = {}
    for api in ("REST_SYNC", "BULKV2"):
        server.ok("CreateFlow", flow(api.lower(), "Account", tasks, dataTransferApi=api,
                                     includeDeletedRecords=everything))
        moving.buckets(server)
        record = moving.run(server, api.lower())
        assert record["executionStatus"] == "Successful", record
        objects = moving.written(server)
        written[api] = sorted(line for key, body in objects.items() if record["executionId"] in key
                              for line in body.splitlines())
    assert len(written["REST_SYNC"]) > 1000
    assert written["REST_SYNC"] == written["BULKV2"]


def test_all_fields_by_the_bulk_api(server):
    wanted = [each for each in truth("Salesforce", "Account") if not each["IsDeleted"]]
    record, records = moved(server, flow("bulk", "Account", ALL, dataTransferApi="BULKV2"))
    assert record["executionStatus"] == "Successful", record
    assert by_id(without_nulls(records)) == by_id(without_nulls(
        [{name: each[name] for name in flat()} for each in wanted]))


def test_a_compound_field_by_the_bulk_api(server):
    fields = ["Id", "BillingAddress"]
    record, _ = moved(server, flow("compound", "Account", [
        task("Filter", "PROJECTION", fields),
        *({**task("Map", "NO_OP", [each]), "destinationField": each} for each in fields)],
        dataTransferApi="BULKV2"))
    assert "Selecting compound data not supported in Bulk Query" in error_of(record)


def test_a_profile_that_is_gone(server):
    """Of a flow that was left when its profile was deleted."""
    server.ok("CreateFlow", flow("left", "Account", ALL))
    server.ok("DeleteConnectorProfile", {"connectorProfileName": PROFILE, "forceDelete": True})
    message = error_of(moving.run(server, "left"))
    create_profile(server, PROFILE, "Salesforce")
    assert message == "Connector Profile with name crm does not exist."


# --- Zendesk ---

def helping(name, entity, *filters):
    tasks = [*filters, task("Map_all", "NO_OP", [], key="Zendesk")]
    return flow(name, entity, tasks, kind="Zendesk", profile="help")


def by_number(records):
    return sorted(records, key=lambda record: record["id"])


@pytest.mark.parametrize("entity", ["tickets", "users", "groups", "sla_policies"])
def test_exports_and_lists_of_zendesk(server, entity):
    record, records = moved(server, helping(entity, entity))
    assert record["executionStatus"] == "Successful", record
    wanted = [each for each in truth("Zendesk", entity) if each.get("status") != "deleted"]
    assert by_number(without_nulls(records)) == by_number(without_nulls(wanted))


def test_an_export_from_a_time_on(server):
    tickets = sorted((each for each in truth("Zendesk", "tickets")
                      if each.get("status") != "deleted"), key=lambda each: each["updated_at"])
    since = tickets[len(tickets) // 2]["updated_at"]
    _, records = moved(server, helping("since", "tickets", task(
        "Filter", "GREATER_THAN", ["updated_at"], key="Zendesk", DATA_TYPE="datetime",
        VALUE=since)))
    wanted = [each["id"] for each in tickets if each["updated_at"] > since]
    assert 0 < len(wanted) < len(tickets)
    assert sorted(each["id"] for each in records) == sorted(wanted)


# --- ServiceNow ---

def serving(name, entity, tasks):
    definition = flow(name, entity, tasks, kind="Servicenow", profile="desk")
    definition["sourceFlowConfig"]["sourceConnectorProperties"] = {"ServiceNow": {"object": entity}}
    return definition


def test_a_table_of_servicenow(server):
    record, records = moved(server, serving("table", "incident",
                                            [task("Map_all", "NO_OP", [], key="ServiceNow")]))
    assert record["executionStatus"] == "Successful", record
    wanted = truth("Servicenow", "incident")
    assert len(wanted) > 1000
    assert ([each["sys_id"] for each in records]
            == sorted(each["sys_id"] for each in wanted))


def test_filters_of_a_table(server):
    """By the key of connectorOperator, which is not spelled as the connectorType."""
    incidents = sorted(truth("Servicenow", "incident"), key=lambda each: each["sys_updated_on"])
    since = incidents[len(incidents) // 2]["sys_updated_on"]
    fields = ["number", "sys_updated_on"]
    tasks = [task("Filter", "PROJECTION", fields, key="ServiceNow"),
             task("Filter", "GREATER_THAN", ["sys_updated_on"], key="ServiceNow",
                  DATA_TYPE="datetime", VALUE=since.replace(" ", "T") + "Z"),
             *({**task("Map", "NO_OP", [each], key="ServiceNow"), "destinationField": each}
               for each in fields)]
    _, records = moved(server, serving("since", "incident", tasks))
    wanted = [each["number"] for each in incidents if each["sys_updated_on"] > since]
    assert 0 < len(wanted) < len(incidents)
    assert sorted(each["number"] for each in records) == sorted(wanted)
