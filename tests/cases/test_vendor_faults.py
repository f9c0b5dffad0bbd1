"""Runs whose vendor ends tokens, limits calls, breaks off and leads astray: every record comes
once, or the run ends in an error that says why, or when it is canceled."""

import json
import re
import threading
import time
import urllib.parse

import pytest

from support import moving, operations
from support.jobs import s3
from support.paged import (PAGES, PROFILE, QUERY, RECORDS, TASKS, Paged, begun, create,
                           create_profile, wait_for_page, written)
from support.vendor import http, reset, silence

LIMITED = [{"message": "Too many", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
FORBIDDEN = [{"message": "Not yours", "errorCode": "INSUFFICIENT_ACCESS"}]


@pytest.fixture(scope="module")
def vendor(lasting_canaries):
    with Paged(lasting_canaries) as each:
        yield each


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with s3(tmp_path_factory.mktemp("s3")) as each:
        yield each


@pytest.fixture(scope="module")
def lasting(lasting_servers, lasting_canaries, vendor, store):
    return begun(lasting_servers, lasting_canaries, vendor, store)


@pytest.fixture
def apart(servers, canaries, vendor, store):
    """A server of the test's own, which remembers the waits that the vendor asked for."""
    vendor.forget()
    server = begun(servers, canaries, vendor, store, *operations.OPTION)
    create_profile(server, vendor)
    return server


@pytest.fixture
def server(lasting, vendor):
    """One for all tests of this file, with a profile whose tokens are new."""
    vendor.forget()
    create_profile(lasting, vendor)
    yield lasting
    for each in lasting.ok("ListFlows", {})["flows"]:
        lasting.ok("DeleteFlow", {"flowName": each["flowName"], "forceDelete": True})
    lasting.ok("DeleteConnectorProfile", {"connectorProfileName": PROFILE})


def run(server, name="read", tasks=TASKS):
    create(server, name, tasks)
    return moving.run(server, name)


def error_of(record):
    assert record["executionStatus"] == "Error", record
    return record["executionResult"]["errorInfo"]["executionMessage"]


def test_a_token_that_ends_on_the_way(server, vendor, store):
    vendor.instead[2] = ["end tokens"]
    record = run(server)
    assert record["executionStatus"] == "Successful", record
    assert written(store, record) == RECORDS
    assert list(vendor.refreshed.values()) == [1]
    record = moving.run(server, "read")
    assert record["executionStatus"] == "Successful", record
    assert list(vendor.refreshed.values()) == [1], "the new token was stored"


def test_runs_at_once_renew_once(server, vendor):
    """Both find the token ended; the one that asks second gets what the first one got."""
    for name in ("one", "two"):
        create(server, name)
    vendor.live_access.clear()
    for name in ("one", "two"):
        server.ok("StartFlow", {"flowName": name})
    for name in ("one", "two"):
        record = moving.ended(server, name)
        assert record["executionStatus"] == "Successful", record
    assert list(vendor.refreshed.values()) == [1]


def test_limits_and_faults_on_the_way(server, vendor, store):
    vendor.instead[1] = [http("429 Too Many Requests", "[]", headers=[("Retry-After", "1")])]
    vendor.instead[2] = [http("503 Service Unavailable", "[]")]
    vendor.instead[3] = [reset]
    record = run(server)
    assert record["executionStatus"] == "Successful", record
    assert written(store, record) == RECORDS
    assert vendor.asked == {0: 1, 1: 2, 2: 2, 3: 2}


ALL_FIELDS = [{"taskType": "Map_all", "sourceFields": []}]


def test_a_description_that_fails_for_a_moment(server, vendor, store):
    """For longer than the call itself is repeated."""
    vendor.described = "string"
    vendor.instead["describe"] = 4 * [http("503 Service Unavailable", "[]")]
    record = run(server, tasks=ALL_FIELDS)
    assert record["executionStatus"] == "Successful", record
    assert written(store, record) == [{"Name": each["Name"]} for each in RECORDS]
    assert not vendor.instead["describe"]


def test_a_description_that_is_refused(server, vendor):
    vendor.described = "string"
    vendor.instead["describe"] = 4 * [http("403 Forbidden", json.dumps(FORBIDDEN))]
    message = error_of(run(server, tasks=ALL_FIELDS))
    assert message.startswith("Error authenticating to connector: Salesforce"), message
    assert message.endswith("Update the connector profile crm."), message
    assert not vendor.asked


def test_pages_that_go_in_a_circle(server, vendor):
    vendor.after[3] = 1
    assert "the pages of records go in a circle" in error_of(run(server))
    assert sum(vendor.asked.values()) <= 4 * PAGES


def test_a_refusal_names_the_profile(server, vendor):
    vendor.instead[1] = [http("403 Forbidden", json.dumps(FORBIDDEN))]
    message = error_of(run(server))
    assert message.startswith("Error authenticating to connector: Salesforce")
    assert message.endswith("Update the connector profile crm.")


@pytest.mark.parametrize("status,wait", [("429 Too Many Requests", "600"),
                                         ("503 Service Unavailable", "100")])
def test_a_run_is_canceled_while_its_vendor_lets_it_wait(apart, vendor, status, wait):
    """100 s fit into the time that the call for a page may take. What it waits for is shown."""
    vendor.instead[1] = [http(status, "[]", headers=[("Retry-After", wait)])]
    create(apart)
    apart.ok("StartFlow", {"flowName": "read"})
    until = time.monotonic() + moving.WAIT_S
    while not (info := moving.records(apart, "read")[0]["executionResult"].get("errorInfo")):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert re.match(r"The run waits until \S+Z, then it continues\. .*Salesforce",
                    info["executionMessage"])
    apart.ok("CancelFlowExecutions", {"flowName": "read"})
    record = moving.ended(apart, "read")
    assert record["executionStatus"] == "Canceled"
    assert "errorInfo" not in record["executionResult"]


@pytest.mark.parametrize("page", [0, 1])
def test_a_run_is_canceled_while_its_vendor_is_silent(server, vendor, page):
    """The call is given up, the first one and one that was made ahead, before its time is up."""
    vendor.instead[page] = [silence]
    create(server)
    server.ok("StartFlow", {"flowName": "read"})
    wait_for_page(vendor, page)
    began = time.monotonic()
    server.ok("CancelFlowExecutions", {"flowName": "read"})
    assert moving.ended(server, "read")["executionStatus"] == "Canceled"
    assert time.monotonic() < began + 15


@pytest.mark.as_users_run_it  # all runs must start within the wait, which a slow build misses
def test_what_one_run_is_told_holds_all_runs(apart, vendor, store):
    """Of the same organization, also those by another profile; a verification does not wait."""
    wait_s, others = 4, ("two", "three", "four")
    for name in others:
        create_profile(apart, vendor, name)
        create(apart, name, profile=name)
    create(apart)
    vendor.instead[1] = [http("429 Too Many Requests", "[]",
                              headers=[("Retry-After", str(wait_s))])]
    apart.ok("StartFlow", {"flowName": "read"})
    wait_for_page(vendor, 1)
    told = vendor.times[-1]
    for name in others:
        apart.ok("StartFlow", {"flowName": name})
    create_profile(apart, vendor, "verified")
    assert time.monotonic() < told + wait_s
    for name in ("read", *others):
        record = moving.ended(apart, name)
        assert record["executionStatus"] == "Successful", record
        assert "errorInfo" not in record["executionResult"]
        assert written(store, record, name) == RECORDS
    assert [at for at in vendor.times if told < at < told + wait_s] == []
    assert vendor.asked == {0: 4, 1: 5, 2: 4, 3: 4}
    assert "limits the calls of account" in apart.log
    limits = operations.metrics(apart)
    assert limits['headgate_vendor_limits_total{connector="Salesforce"}'] == 1
    assert limits["headgate_vendor_customers_held"] == limits["headgate_vendor_calls_held"] == 0


def test_a_profile_that_becomes_another_connectors(server, vendor, lasting_canaries):
    """While the run waits; records of the other connector cannot even be read."""
    replaced = threading.Event()
    vendor.instead[1] = [replaced, http("429 Too Many Requests", "[]",
                                        headers=[("Retry-After", "1")])]
    create(server)
    server.ok("StartFlow", {"flowName": "read"})
    wait_for_page(vendor, 1)
    server.ok("DeleteConnectorProfile", {"connectorProfileName": PROFILE, "forceDelete": True})
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": PROFILE, "connectorType": "Singular", "connectionMode": "Public",
        "connectorProfileConfig": {
            "connectorProfileProperties": {"Singular": {}},
            "connectorProfileCredentials": {"Singular": {"apiKey": lasting_canaries.new()}}}})
    replaced.set()
    message = error_of(moving.ended(server, "read"))
    assert "The connector profile crm is now one of Singular" in message
    assert server.ok("DescribeConnectorProfiles", {})


def test_a_longer_wait_than_a_run_takes(apart, vendor):
    vendor.instead[1] = [http("429 Too Many Requests", json.dumps(LIMITED),
                              headers=[("Retry-After", "7200")])]
    message = error_of(run(apart))
    assert "Too many" in message and "connector profile crm" in message


def test_the_query_names_fields_and_object(server, vendor):
    run(server)
    first = next(each for each in vendor.requests if each.target.startswith(QUERY + "?"))
    query = urllib.parse.parse_qs(first.target.partition("?")[2])
    assert query == {"q": ["SELECT Id,Name FROM Account"]}


@pytest.mark.parametrize("described, where", [
    ("string", " WHERE Name = 'Name 7'"), ("date", ""), (None, "")])
def test_a_filter_is_given_by_the_type_that_the_vendor_describes(server, vendor, store, described,
                                                                 where):
    vendor.described = described
    before = len(vendor.requests)
    record = run(server, tasks=[*TASKS, {
        "taskType": "Filter", "sourceFields": ["Name"],
        "taskProperties": {"DATA_TYPE": "string", "VALUE": "Name 7"},
        "connectorOperator": {"Salesforce": "EQUAL_TO"}}])
    assert record["executionStatus"] == "Successful", record
    assert written(store, record) == [RECORDS[7]]
    first = next(each for each in vendor.requests[before:]
                 if each.target.startswith(QUERY + "?"))
    query = urllib.parse.parse_qs(first.target.partition("?")[2])
    assert query == {"q": [f"SELECT Id,Name FROM Account{where}"]}
