"""Kills the server at every fault point of a registration, starts it again and compares: what was
acknowledged is kept, nothing is half done, and the retry with its client token succeeds."""

import pytest

from support.functions import MINIMAL, Functions, registration, to_functions
from test_crash import call_until_death, fault_points, note_use, start_with_fault

LABEL = {"connectorLabel": "orders"}
CHANGED = {**MINIMAL, "connectorVersion": "2.0"}

STORE = [point for point in fault_points() if point.startswith("store:") and "#" not in point]
MADE = [*STORE, "change:claimed", "registration:described", "registration:sealed",
        "registration:committed"]
POINTS = {
    "RegisterConnector": MADE,
    "UpdateConnectorRegistration": [*MADE, "registration:loaded"],
    "UnregisterConnector": [*STORE, "registration:removed"],
}
REQUESTS = {
    "RegisterConnector": registration("orders", clientToken="token"),
    "UpdateConnectorRegistration": {**LABEL, "description": "new", "clientToken": "token"},
    "UnregisterConnector": LABEL,
}


@pytest.fixture
def functions():
    with Functions() as functions:
        yield functions


@pytest.fixture
def server(servers, functions, canaries):
    options, env = to_functions(functions, canaries)
    return servers(*options, env=env, start=False)


def rows(server):
    return server.query("SELECT label, version, description, configuration, mac FROM connectors")


def test_each_of_its_fault_points_is_reached():
    named = {point for points in POINTS.values() for point in points}
    assert {point for point in fault_points() if point.startswith("registration:")} <= named


@pytest.mark.parametrize("operation, point",
                         [(operation, point) for operation in POINTS
                          for point in POINTS[operation]])
def test_killed_in_a_registration(server, functions, operation, point):
    note_use(server)
    server.start()
    if operation != "RegisterConnector":
        server.ok("RegisterConnector", registration("orders"))
    server.stop()
    before = rows(server)
    functions.answers = CHANGED
    assert start_with_fault(server, point)
    status, died = call_until_death(server, operation, REQUESTS[operation])
    assert died, f"{point} was not reached"
    assert status is None
    asked = len(functions.requests)
    committed = rows(server) != before
    server.start()
    assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    answer = server.call(operation, REQUESTS[operation])
    if operation == "UnregisterConnector":
        assert answer.status == (404 if committed else 200), answer.body
        assert rows(server) == []
        return
    assert answer.status == 200, answer.body
    assert (len(functions.requests) == asked) == committed
    found = server.ok("DescribeConnector", {"connectorType": "CustomConnector", **LABEL})
    assert found["connectorConfiguration"]["connectorVersion"] == "2.0"
    assert len(rows(server)) == 1
