"""Kills the server before and after the write in which a schedule starts a run, and starts it
again: the slot has one run."""

import contextlib
import signal

import pytest

from support import moving, operations
from test_crash import fault_points, note_use, start_with_fault

POINTS = ["schedule:due", "schedule:committed"]
COPY = {"flowName": "copy"}


def test_each_of_its_fault_points_is_reached():
    assert sorted(each for each in fault_points() if each.startswith("schedule:")) == sorted(POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_killed_in_the_start_of_a_run(servers, point):
    server = servers("--sandbox", start=False)
    note_use(server)
    server.start()
    moving.put(server, "people.json", b'{"Id": 1}\n')
    server.ok("CreateFlow", {**moving.flow(), "triggerConfig": {
        "triggerType": "Scheduled", "triggerProperties": {"Scheduled": {
            "scheduleExpression": "rate(1days)", "dataPullMode": "Incremental"}}}})
    server.stop()
    assert start_with_fault(server, point)
    with contextlib.suppress(OSError, IndexError, ValueError):  # it may die before it answers
        server.ok("StartFlow", COPY)
    assert server.wait_for_end() == -signal.SIGKILL
    assert server.count_rows("flow_runs") == (point == "schedule:committed")
    server.start()
    operations.wait_until(
        server, lambda rows: [each["state"] for each in rows] == ["Successful"],
        lambda each: each.query("SELECT state FROM flow_runs"))
    row, = server.query("SELECT slot_ms, window_to_ms FROM flow_runs")
    past, = server.query("SELECT anchor_ms, done_until_ms, pulled_to_ms FROM flow_schedules")
    assert row["slot_ms"] == past["anchor_ms"] == past["done_until_ms"]
    assert row["window_to_ms"] == past["pulled_to_ms"]
    moving.until(lambda: server.query(
        "SELECT due_at_ms > ? AS later FROM jobs WHERE kind = 'flow-schedule'",
        row["slot_ms"]) == [{"later": 1}])
