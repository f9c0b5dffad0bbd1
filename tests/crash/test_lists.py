"""Kills the server while it removes the list of objects that a deleted flow has left, and starts it
again: no row stays."""

import signal

from support import moving, operations
from test_crash import call_until_death, fault_points, start_with_fault

SLICE = 1000  # FLOW_LISTED_SLICE
OLDER = """INSERT INTO flow_run_objects (account, region, flow, run, number, object_key, bytes,
    records, sha256) WITH RECURSIVE numbers(number) AS (SELECT 0 UNION ALL SELECT number + 1
    FROM numbers WHERE number < 2499) SELECT '123456789012', 'us-east-1', 'copy',
    '00000000-0000-7000-8000-000000000000', number, 'key', 1, 1, '' FROM numbers"""


def test_each_of_its_fault_points_is_reached():
    assert [point for point in fault_points() if point.startswith("lists:")] == ["lists:trimmed"]


def test_killed_while_a_list_is_removed(servers):
    server = servers("--sandbox", start=False)
    moving.put(server, "page", moving.lines_of([{"a": 1}]))
    server.start()
    server.ok("CreateFlow", moving.flow())
    assert moving.run(server)["executionStatus"] == "Successful"
    server.database.change(OLDER)
    server.stop()
    assert start_with_fault(server, "lists:trimmed#2")
    call_until_death(server, "DeleteFlow", {"flowName": "copy"})
    assert server.wait_for_end() == -signal.SIGKILL
    assert server.count_rows("flow_run_objects") == 2501 - 2 * SLICE
    server.start()
    operations.wait_until(server, lambda count: count == 0,
                          lambda each: each.count_rows("jobs"))
    assert server.count_rows("flow_run_objects") == 0
