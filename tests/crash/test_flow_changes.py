"""Kills the server at every fault point of a change of a flow's definition, starts it again and
compares: what was acknowledged is kept, nothing is half done, and the retry with its client token
succeeds."""

import pytest

from test_crash import call_until_death, fault_points, note_use, start_with_fault

STORE = [point for point in fault_points() if point.startswith("store:") and "#" not in point]
MADE = [*STORE, "change:claimed", "flow:sealed", "flow:committed"]
POINTS = {"CreateFlow": MADE, "UpdateFlow": [*MADE, "flow:loaded"],
          "DeleteFlow": [*STORE, "flow:removed"]}


def flow(**more):
    return {"flowName": "nightly", "triggerConfig": {"triggerType": "OnDemand"},
            "sourceFlowConfig": {"connectorType": "S3", "sourceConnectorProperties": {
                "S3": {"bucketName": "source"}}},
            "destinationFlowConfigList": [{
                "connectorType": "S3",
                "destinationConnectorProperties": {"S3": {"bucketName": "target"}}}],
            "tasks": [{"taskType": "Map_all", "sourceFields": []}], **more}


REQUESTS = {"CreateFlow": flow(description="new", tags={"team": "sales"}, clientToken="token"),
            "UpdateFlow": flow(description="new", clientToken="token"),
            "DeleteFlow": {"flowName": "nightly"}}


def rows(server):
    return server.query("SELECT name, version, summary, definition, mac FROM flows")


def test_each_of_its_fault_points_is_reached():
    named = {point for points in POINTS.values() for point in points}
    assert {point for point in fault_points() if point.startswith("flow:")} <= named


@pytest.mark.parametrize("operation, point",
                         [(operation, point) for operation in POINTS
                          for point in POINTS[operation]])
def test_killed_in_a_change_of_a_flow(servers, operation, point):
    server = servers(start=False)
    note_use(server)
    server.start()
    if operation != "CreateFlow":
        server.ok("CreateFlow", flow(tags={"team": "sales"}))
    server.stop()
    before = rows(server)
    assert start_with_fault(server, point)
    status, died = call_until_death(server, operation, REQUESTS[operation])
    assert died, f"{point} was not reached"
    assert status is None
    committed = rows(server) != before
    server.start()
    assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    answer = server.call(operation, REQUESTS[operation])
    if operation == "DeleteFlow":
        assert answer.status == (404 if committed else 200), answer.body
        assert rows(server) == server.query("SELECT * FROM tags") == []
        return
    assert answer.status == 200, answer.body
    found = server.ok("DescribeFlow", {"flowName": "nightly"})
    assert (found["description"], found["tags"]) == ("new", {"team": "sales"})
    assert len(rows(server)) == 1
