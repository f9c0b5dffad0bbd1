"""Runs that wait for a vendor which limits their calls: they take no thread, keep their order, and
lose nothing of what they did."""

import contextlib
import os
import re
import signal
import threading
import time
import types

import pytest

from support import moving, operations, s3_front
from support.jobs import s3
from support.paged import (PAGE, PAGES, QUERY, RECORDS, TASKS, Paged, begun, create, create_profile,
                           written)
from support.vendor import http

RUNS = 20  # more than a node has threads for
OTHER_ACCOUNT = "111122223333"
FILTER = {"taskType": "Filter", "sourceFields": ["Name"],
          "connectorOperator": {"Salesforce": "EQUAL_TO"},
          "taskProperties": {"DATA_TYPE": "string", "VALUE": "Name 1"}}


@pytest.fixture
def vendor(canaries):
    with Paged(canaries) as each:
        yield each


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with s3(tmp_path_factory.mktemp("s3")) as each:
        each.boto().create_bucket(Bucket=moving.IN)
        each.boto().put_object(Bucket=moving.IN, Key="one.json", Body=b'{"a":1}')
        yield each


@pytest.fixture
def server(servers, canaries, vendor, store):
    made = begun(servers, canaries, vendor, store, *operations.OPTION)
    create_profile(made, vendor)
    return made


def message(record):
    return record["executionResult"].get("errorInfo", {}).get("executionMessage", "")


def limited(wait_s):
    return http("429 Too Many Requests", "[]", headers=[("Retry-After", str(wait_s))])


def shown(server, name):
    """What the run waits for, as its record has it."""
    info = moving.records(server, name)[0]["executionResult"].get("errorInfo")
    return info and re.match(r"The run waits until \S+Z, then it continues\. .*Salesforce",
                             info["executionMessage"])


def start_waiting(server, name):
    server.ok("StartFlow", {"flowName": name})
    moving.until(lambda: shown(server, name))


def first_pages(vendor):
    """The runs by their entities, in the order in which the vendor gave them a page."""
    return [int(request.target.rpartition("+Entity")[2].rpartition("%20Entity")[2])
            for request in vendor.requests if request.target.startswith(QUERY + "?")]


@pytest.mark.as_users_run_it  # all runs must start within the wait, which a slow build misses
def test_runs_that_wait_take_no_thread_and_keep_their_order(server, vendor, store, canaries):
    wait_s = 8
    vendor.instead[0] = [limited(wait_s)]
    names = [f"read-{number}" for number in range(RUNS)]
    for number, name in enumerate(names):
        create(server, name, entity=f"Entity{number}")
    for name in names:
        start_waiting(server, name)
    refused_at = vendor.times[0]
    server.ok("CreateFlow", moving.flow())
    assert moving.run(server)["executionStatus"] == "Successful"
    other = server.make_key("AKIAHEADGATETEST0002", canaries.new(), OTHER_ACCOUNT)
    server.ok("CreateFlow", moving.flow("apart"), key=other)
    server.ok("StartFlow", {"flowName": "apart"}, key=other)
    moving.until(lambda: server.ok(
        "DescribeFlowExecutionRecords", {"flowName": "apart"},
        key=other)["flowExecutions"][0]["executionStatus"] == "Successful")
    figures = operations.metrics(server)
    assert time.monotonic() < refused_at + wait_s, "runs that do not wait end within the wait"
    assert (figures["headgate_flow_run_slots"], figures["headgate_flow_runs_queued"],
            figures["headgate_vendor_calls_held"]) == (RUNS, 0, RUNS)
    assert all(shown(server, name) for name in names)
    for name in names:
        record = moving.ended(server, name)
        assert record["executionStatus"] == "Successful", record
        assert written(store, record, name) == RECORDS
    assert not [at for at in vendor.times if refused_at < at < refused_at + wait_s]
    order = first_pages(vendor)
    assert order[:2] == [0, 0], order
    assert all(number < RUNS // 2 for number in order[:6]), order  # soon many may call at once
    assert vendor.asked == {0: RUNS + 1, **{page: RUNS for page in range(1, PAGES)}}
    assert "tried again" not in server.log
    figures = operations.metrics(server)
    counted = {what: figures[f'headgate_{what}_total{{connector="Salesforce"}}']
               for what in ("source_pages", "source_records", "vendor_waits")}
    assert counted.pop("vendor_waits") >= RUNS
    assert counted == {"source_pages": RUNS * PAGES, "source_records": RUNS * PAGES * PAGE}


def test_a_description_waits_as_a_page_does(server, vendor, store):
    wait_s = 4
    vendor.described = "string"
    vendor.instead[0] = [limited(wait_s)]
    create(server)
    create(server, "all", tasks=[{"taskType": "Map_all", "sourceFields": []}])
    start_waiting(server, "read")
    start_waiting(server, "all")
    for name in ("read", "all"):
        assert moving.ended(server, name)["executionStatus"] == "Successful"
    assert len(vendor.described_at) == 1
    assert vendor.described_at[0] > vendor.times[0] + wait_s


def test_a_long_wait_ends_the_object_at_hand(server, vendor, store):
    """So that the run can leave its thread, and a later try reads nothing twice."""
    vendor.instead[2] = [limited(600)]
    create(server, aggregationConfig={"aggregationType": "None", "targetFileSize": 100})
    start_waiting(server, "read")
    moving.until(lambda: operations.metrics(server)["headgate_flow_runs_queued"] == 0)
    record = moving.records(server, "read")[0]
    assert written(store, record) == RECORDS[:2 * PAGE]
    assert record["executionResult"]["recordsProcessed"] == 2 * PAGE
    server.ok("CancelFlowExecutions", {"flowName": "read"})
    assert moving.ended(server, "read")["executionStatus"] == "Canceled"
    assert vendor.asked == {0: 1, 1: 1, 2: 1}


def test_patience_lasts_over_the_tries_of_a_run(server, vendor):
    """Each wait ends a try; all of them together last no longer than an hour."""
    vendor.instead[1] = [limited(4), limited(3597)]
    create(server)
    record = moving.run(server, "read")
    assert record["executionStatus"] == "Error", record
    assert vendor.asked == {0: 1, 1: 2}


def test_s3_that_recovers_while_an_object_is_ended_is_no_error(servers, canaries, vendor, store):
    with s3_front.before(store.url) as front:
        made = begun(servers, canaries, vendor, types.SimpleNamespace(
            url=front.url, key_id=store.key_id, secret=store.secret), *operations.OPTION)
        create_profile(made, vendor)
        front.instead = s3_front.times((503, {}), 1, lambda method, target: method == "PUT")
        vendor.instead[1] = [limited(600)]
        create(made, aggregationConfig={"aggregationType": "None", "targetFileSize": 100})
        start_waiting(made, "read")
        moving.until(lambda: operations.metrics(made)["headgate_flow_runs_queued"] == 0)
        record = moving.records(made, "read")[0]
        assert record["executionStatus"] == "InProgress", record
        assert written(store, record) == RECORDS[:PAGE]
        made.ok("CancelFlowExecutions", {"flowName": "read"})
        assert moving.ended(made, "read")["executionStatus"] == "Canceled"


@contextlib.contextmanager
def halted(server):
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


@pytest.mark.as_users_run_it  # it is a second that counts
def test_what_a_run_is_late_by_does_not_use_up_its_patience(server, vendor):
    vendor.instead[1] = [limited(4), limited(3595)]
    create(server)
    start_waiting(server, "read")
    with halted(server):
        time.sleep(7)  # longer than the vendor asked for
    moving.until(lambda: vendor.asked[1] == 2)
    moving.until(lambda: shown(server, "read"))
    record = moving.records(server, "read")[0]
    assert record["executionStatus"] == "InProgress", record


def test_a_description_that_is_not_needed_ends_no_run(server, vendor):
    """The vendor takes no question for longer than a run waits for its pages."""
    vendor.described = "string"
    vendor.instead["describe"] = [limited(7200)]
    create(server, tasks=[FILTER, *TASKS])
    start_waiting(server, "read")
    record = moving.records(server, "read")[0]
    assert record["executionStatus"] == "InProgress", record


@pytest.mark.as_users_run_it  # the cancel is heeded at once
def test_a_run_in_the_line_says_so_and_can_be_canceled(server, vendor):
    """One call is under way for long; behind it are more runs than are near their turn."""
    go = threading.Event()
    vendor.instead[0] = [limited(1), go, http("503 Service Unavailable", "[]")]
    names = [f"read-{number}" for number in range(7)]
    try:
        for number, name in enumerate(names):
            create(server, name, entity=f"Entity{number}")
        server.ok("StartFlow", {"flowName": names[0]})
        moving.until(lambda: vendor.asked[0] == 2)
        for name in names[1:]:
            server.ok("StartFlow", {"flowName": name})
        moving.until(lambda: all("waits for its turn" in message(moving.records(server, name)[0])
                                 for name in names[1:]))
        time.sleep(6)  # they came back from their first wait in the line
        for name in names[1:]:
            assert "The run waits for its turn at its vendor. " in message(
                moving.records(server, name)[0])
        began = time.monotonic()
        for name in names[-2:]:
            server.ok("CancelFlowExecutions", {"flowName": name})
        for name in names[-2:]:
            assert moving.ended(server, name)["executionStatus"] == "Canceled"
        assert time.monotonic() - began < 1.5
    finally:
        go.set()
    for name in names[:-2]:
        record = moving.ended(server, name)
        assert record["executionStatus"] == "Successful" and not message(record), record
