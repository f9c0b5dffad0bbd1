"""Schedules while clocks are wrong: nothing that changed is missed, no time of a schedule has two
runs, and none waits for a time that was wrong. Over PostgreSQL it is the database's clock that
counts, which no test sets."""

import json
import time

import pytest

from support import moving
from support.clock import Clock
from support.server import headgate
from test_schedules import activate, on

pytestmark = pytest.mark.as_users_run_it  # the shared object is not for sanitizers

COPY = {"flowName": "copy"}
SUB_MINUTE = ("--sub-minute-schedules", "yes")


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


def runs(server):
    return server.query("SELECT flow, slot_ms, window_from_ms, window_to_ms, state FROM flow_runs"
                        " ORDER BY flow, id")


def successes(server):
    return sum(each["state"] == "Successful" for each in runs(server))


def wait_for_more(server, count=1):
    before = successes(server)
    moving.until(lambda: successes(server) >= before + count)


def moved(server):
    """The ids of all records in the output."""
    return {json.loads(line)["Id"] for body in moving.written(server).values()
            for line in body.splitlines()}


@pytest.mark.embedded
def test_what_changed_while_a_clock_was_a_little_ahead_is_not_missed(servers, clock):
    server = servers("--sandbox", *SUB_MINUTE, env=clock.environment)
    moving.buckets(server)
    activate(server, "rate(1seconds)", dataPullMode="Incremental")
    wait_for_more(server)
    clock.set(5)
    wait_for_more(server, 2)
    moving.put(server, "during", b'{"Id": 1}\n')
    wait_for_more(server, 2)
    assert moved(server) == set()  # it lies before the windows of the wrong time
    clock.set(0)
    moving.until(lambda: moved(server) == {1})
    slots = [each["slot_ms"] for each in runs(server)]
    assert sorted(set(slots)) == slots


@pytest.mark.embedded
def test_a_clock_may_be_corrected_while_no_server_runs(servers, clock):
    """It was ahead by ten minutes, in which runs took their windows."""
    server = servers("--sandbox", *SUB_MINUTE, env=clock.environment)
    moving.buckets(server)
    activate(server, "rate(1seconds)", dataPullMode="Incremental")
    wait_for_more(server)
    server.stop()
    clock.set(600)
    server.start()
    wait_for_more(server, 2)
    moving.put(server, "during", b'{"Id": 1}\n')
    wait_for_more(server, 2)
    assert moved(server) == set()
    server.stop()
    ahead = runs(server)[-1]["slot_ms"]
    assert ahead > 1000 * time.time() + 500_000
    clock.set(0)
    server.start()
    moving.until(lambda: moved(server) == {1})
    assert runs(server)[-1]["slot_ms"] < ahead - 500_000
    assert "Schedules have run at times that are still to come" in server.log


@pytest.mark.embedded
def test_a_far_step_back_stops_no_schedule(servers, clock):
    """Of a running server. The schedule was activated by the wrong clock, and would begin then."""
    clock.set(240)  # as much as signatures of requests allow
    server = servers("--sandbox", *SUB_MINUTE, env=clock.environment)
    moving.put(server, "people.json", b'{"Id": 1}\n')
    activate(server, "rate(1seconds)")
    wait_for_more(server, 2)
    clock.set(-240)
    wait_for_more(server, 2)
    assert runs(server)[-1]["slot_ms"] < 1000 * time.time() - 230_000


def test_nodes_with_different_clocks_start_each_run_once(nodes, clock):
    first, second = nodes(*SUB_MINUTE), nodes(*SUB_MINUTE)
    second.env = clock.environment
    clock.set(900)
    first.start()
    flows = [f"copy-{number}" for number in range(6)]
    for name in flows:
        activate(first, "rate(1seconds)", moving.flow(name))
    moving.until(lambda: len(runs(first)) >= 6)
    second.start()
    owners = set()  # until both have had a part in it

    def both_start_runs():
        owners.update(each["owner"] for each in first.query(
            "SELECT DISTINCT owner FROM jobs WHERE kind = 'flow-schedule'"))
        return len(owners - {None, ""}) == 2 and len(runs(first)) >= 40

    moving.until(both_start_runs)
    started = [(each["flow"], each["slot_ms"]) for each in runs(first)]
    assert len(set(started)) == len(started)
    assert max(slot for _, slot in started) <= 1000 * time.time() + 2000


def test_a_schedule_from_before_there_were_schedules(servers):
    """The database of the version before: the flow has no run for times that are past, and gets
    its row and its next time."""
    server = servers("--sandbox")
    moving.buckets(server)
    for name, expression in (("copy", "rate(1days)"), ("other", "cron(0 0 1 1 ? *)")):
        server.ok("CreateFlow", {**moving.flow(name), "triggerConfig": on(
            expression, dataPullMode="Incremental")})
        server.ok("StartFlow", {"flowName": name})
    server.ok("CreateFlow", moving.flow("draft") | {"triggerConfig": on("rate(1days)")})
    wait_for_more(server)
    server.stop()
    for sql in ("DROP TABLE flow_schedules", "DELETE FROM flow_runs",
                "DELETE FROM jobs WHERE kind = 'flow-schedule'",
                *(f"ALTER TABLE flow_runs DROP COLUMN {name}"
                  for name in ("slot_ms", "window_from_ms", "window_to_ms", "tables")),
                server.database.version_sql(24)):
        server.database.change(sql)
    server.start()
    moving.until(lambda: server.count_rows("flow_schedules") == 2)
    moving.until(lambda: server.count_rows(
        "jobs WHERE kind = 'flow-schedule' AND due_at_ms > 0 AND lease_until_ms = 0") == 2)
    assert server.count_rows("jobs WHERE kind = 'flow-schedule'") == 2 and runs(server) == []
    shown = json.loads(headgate("flow", "show", "copy", *server.place, "--json"))
    assert time.time() + 86000 < _seconds(shown["nextRunAt"]) <= time.time() + 86401


def _seconds(text):
    return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
