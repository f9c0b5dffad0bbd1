"""Kills the server while a run waits for a job of its vendor or reads its results, and starts it
again: the same job is read on, and every record is written once."""

import signal

import pytest

from support import moving
from support.jobs import RECORDS, TYPES, Jobs, options, profile, s3, written
from support.salesforce import with_app
from support.vendor_flows import flow, task
from test_crash import call_until_death, start_with_fault

# Behind the checkpoint that has the job, while its results are read, and before the run's end.
KILLS = ["move:checkpoint", "move:fetched#4", "move:manifest"]
TASKS = [task("Filter", "PROJECTION", list(TYPES)),
         *({**task("Map", "NO_OP", [name]), "destinationField": name} for name in TYPES)]


@pytest.fixture
def vendor(canaries):
    with Jobs(canaries) as each:
        yield each


@pytest.fixture
def store(tmp_path):
    with s3(tmp_path) as each:
        yield each


@pytest.mark.parametrize("point", KILLS)
def test_killed_while_a_job_is_read(servers, canaries, vendor, store, point):
    words, env = options(vendor, store)
    server = with_app(servers, canaries, *words).start(env=env)
    profile(server, vendor)
    server.ok("CreateFlow", flow("read", "Account", TASKS, dataTransferApi="BULKV2"))
    server.stop()
    assert start_with_fault(server, point, env)
    call_until_death(server, "StartFlow", {"flowName": "read"})
    assert server.wait_for_end() == -signal.SIGKILL
    server.start(env=env)
    record = moving.ended(server, "read")
    assert record["executionStatus"] == "Successful", record
    assert written(store, record) == RECORDS
    moving.until(lambda: not vendor.jobs)
    assert vendor.asked.count("POST ") == 1
