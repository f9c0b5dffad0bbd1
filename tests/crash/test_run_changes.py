"""Kills the server at every fault point of StartFlow, CancelFlowExecutions and of a run, and starts
it again: what was acknowledged is kept, a flow has one run, and each run comes to one end."""

import signal

import pytest

from support import operations
from test_crash import call_until_death, fault_points, note_use, start_with_fault
from test_flow_changes import flow

STORE = [point for point in fault_points() if point.startswith("store:") and "#" not in point]
STARTS = [*STORE, "change:claimed", "run:prepared", "run:answering"]
RUNS = ["run:loaded", "run:committed"]
START = {"flowName": "nightly", "clientToken": "token"}


def test_each_of_its_fault_points_is_reached():
    assert {point for point in fault_points() if point.startswith("run:")} <= {*STARTS, *RUNS}


def runs(server):
    return server.query("SELECT id, state, definition FROM flow_runs")


def the_end(server):
    """The one run, once it has ended; it needs no definition any more."""
    operations.wait_until(server, lambda count: count == 0,
                          lambda each: each.count_rows("jobs"))
    run, = runs(server)
    assert run["definition"] is None
    return run


@pytest.mark.parametrize("point", STARTS)
def test_killed_in_a_start(servers, point):
    server = servers(start=False)
    note_use(server)
    server.start()
    server.ok("CreateFlow", flow())
    server.stop()
    assert start_with_fault(server, point)
    status, died = call_until_death(server, "StartFlow", START)
    assert died, f"{point} was not reached"
    committed = bool(runs(server))
    assert status is None
    server.start()
    if committed:  # the run goes on by itself, and the same request is about it
        assert the_end(server)["state"] == "Error"
    answer = server.ok("StartFlow", START)
    run = the_end(server)
    assert (run["id"], run["state"]) == (answer["executionId"], "Error")


@pytest.mark.parametrize("point", RUNS)
def test_killed_in_a_run(servers, point):
    server = servers(start=False)
    note_use(server)
    server.start()
    server.ok("CreateFlow", flow())
    server.stop()
    assert start_with_fault(server, point)
    call_until_death(server, "StartFlow", START)
    assert server.wait_for_end() == -signal.SIGKILL
    assert len(runs(server)) == 1
    server.start()
    run = the_end(server)
    assert run["state"] == "Error"
    assert server.ok("StartFlow", START)["executionId"] == run["id"]


def test_killed_in_a_cancel(servers):
    server = servers(start=False)
    note_use(server)
    server.start()
    server.ok("CreateFlow", flow())
    server.ok("StartFlow", START)
    the_end(server)
    server.stop()
    server.database.change("UPDATE flow_runs SET state = 'InProgress'")
    assert start_with_fault(server, "store:after-commit")
    status, died = call_until_death(server, "CancelFlowExecutions", {"flowName": "nightly"})
    assert (status, died) == (None, True)
    assert runs(server)[0]["state"] == "CancelStarted"
    server.start()
    assert the_end(server)["state"] == "Canceled"
