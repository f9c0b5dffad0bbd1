"""Runs that read a vendor's records by a job: every record comes once, the job is ended when the
run is, and what the vendor does wrong is said."""

import pytest

from support import moving
from support.jobs import GONE, RECORDS, TYPES, Jobs, options, profile, s3, written
from support.salesforce import set_app
from support.vendor import http
from support.vendor_flows import flow, task

TASKS = [task("Filter", "PROJECTION", list(TYPES)),
         *({**task("Map", "NO_OP", [name]), "destinationField": name} for name in TYPES)]
ENDED = ["PATCH /7500", "DELETE /7500"]


@pytest.fixture(scope="module")
def vendor(lasting_canaries):
    with Jobs(lasting_canaries) as each:
        yield each


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with s3(tmp_path_factory.mktemp("s3")) as each:
        yield each


@pytest.fixture(scope="module")
def lasting(lasting_servers, lasting_canaries, vendor, store):
    words, env = options(vendor, store)
    server = lasting_servers(*words, env=env)
    set_app(server, lasting_canaries)
    return server


@pytest.fixture
def server(lasting, vendor):
    """One for all tests of this file, without flows and objects."""
    vendor.reset()
    profile(lasting, vendor)
    yield lasting
    for each in lasting.ok("ListFlows", {})["flows"]:
        lasting.ok("DeleteFlow", {"flowName": each["flowName"], "forceDelete": True})
    lasting.ok("DeleteConnectorProfile", {"connectorProfileName": "crm"})


def run(server):
    server.ok("CreateFlow", flow("read", "Account", TASKS, dataTransferApi="BULKV2"))
    return moving.run(server, "read")


def error_of(record):
    assert record["executionStatus"] == "Error", record
    return record["executionResult"]["errorInfo"]["executionMessage"]


def test_a_job_is_read_and_removed(server, vendor, store):
    record = run(server)
    assert record["executionStatus"] == "Successful", record
    assert written(store, record) == RECORDS
    moving.until(lambda: not vendor.jobs)
    assert vendor.asked == ["POST ", "GET /7500", "GET /7500", *["GET /7500/results"] * 4,
                            "DELETE /7500"]


def test_runs_that_wait_for_long_take_no_thread(server, vendor, store):
    """More of them than there are threads come to the same end, in the time of one."""
    vendor.states = [*["InProgress"] * 3, "JobComplete"]
    names = [f"read-{number}" for number in range(12)]
    for name in names:
        server.ok("CreateFlow", flow(name, "Account", TASKS, dataTransferApi="BULKV2"))
        server.ok("StartFlow", {"flowName": name})
    for name in names:
        record = moving.ended(server, name)
        assert record["executionStatus"] == "Successful", record
        assert written(store, record, name) == RECORDS
    assert "tried again" not in server.log
    moving.until(lambda: not vendor.jobs)


def test_a_run_asks_for_the_description_once(server, vendor, store):
    """Also when the profile changes meanwhile: other requests get a new description then."""
    vendor.states = [*["InProgress"] * 3, "JobComplete"]
    before = len(vendor.requests)
    server.ok("CreateFlow", flow("read", "Account", TASKS, dataTransferApi="BULKV2"))
    server.ok("StartFlow", {"flowName": "read"})
    moving.until(lambda: vendor.jobs.get("7500", 0) >= 1)
    profile(server, vendor, change="UpdateConnectorProfile")
    record = moving.ended(server, "read")
    assert record["executionStatus"] == "Successful", record
    assert written(store, record) == RECORDS
    asked = [each.target for each in vendor.requests[before:]]
    assert sum(each.endswith("/describe") for each in asked) == 1


def test_a_token_that_ends_and_pages_that_break_off(server, vendor, store):
    cut = http("200 OK", '"Id","Name"\n"1","', content_type="text/csv", headers=[
        ("Sforce-NumberOfRecords", "50"), ("Sforce-Locator", "2")])
    vendor.instead = {1: [cut], 2: ["end tokens"]}
    record = run(server)
    assert record["executionStatus"] == "Successful", record
    assert written(store, record) == RECORDS
    assert vendor.asked.count("GET /7500/results") == 6


def test_a_job_that_fails_is_removed(server, vendor):
    vendor.states = ["Failed"]
    assert "the query job 7500 ended as Failed" in error_of(run(server))
    moving.until(lambda: not vendor.jobs)
    assert vendor.asked[-2:] == ENDED


def test_a_job_that_is_forgotten(server, vendor, store):
    """While nothing of it was read, another one is made; later that would give other records."""
    vendor.instead = {0: [GONE]}
    record = run(server)
    assert record["executionStatus"] == "Successful", record
    assert written(store, record) == RECORDS
    vendor.reset()
    vendor.instead = {2: [GONE]}
    message = error_of(moving.run(server, "read"))
    assert "the query job 7500 is no longer known to the vendor" in message
    assert "Run the flow again." in message


def test_a_run_that_is_canceled_aborts_its_job(server, vendor):
    vendor.states = ["InProgress"]
    server.ok("CreateFlow", flow("read", "Account", TASKS, dataTransferApi="BULKV2"))
    server.ok("StartFlow", {"flowName": "read"})
    moving.until(lambda: vendor.jobs.get("7500", 0) >= 2)
    server.ok("CancelFlowExecutions", {"flowName": "read"})
    assert moving.ended(server, "read")["executionStatus"] == "Canceled"
    moving.until(lambda: not vendor.jobs)
    assert (vendor.asked[-2:], vendor.ended) == (ENDED, ["7500"])
