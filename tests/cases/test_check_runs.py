"""What `headgate check` finds in the runs of flows: their states, their sealed definitions, and the
jobs that carry them out."""

import pytest

from support.database import REMOTE
from test_check import check
from test_flow_runs import NIGHT, copying, run

# No run ends while these are there.
HOLD = ["CREATE FUNCTION headgate.hold() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'held'; END $$",
        "CREATE TRIGGER hold BEFORE UPDATE ON flow_runs FOR EACH ROW"
        " EXECUTE FUNCTION headgate.hold()"] if REMOTE else [
            "CREATE TRIGGER hold BEFORE UPDATE ON flow_runs BEGIN SELECT RAISE(ABORT, 'held'); END"]
LET_GO = ["DROP TRIGGER hold ON flow_runs", "DROP FUNCTION headgate.hold"] if REMOTE else [
    "DROP TRIGGER hold"]
FLOW = "flow nightly (account 123456789012, us-east-1)"
PAGE = 20  # FSCK_RUNS_PAGE: rows that a check reads at once


TABLES = ("flows", "flow_runs", "jobs")


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    """Stopped in a run that has not ended, after one that has."""
    server = lasting_servers()
    server.ok("CreateFlow", copying("weekly"))
    server.ok("CreateFlow", copying())
    run(server)
    server.stop()
    for sql in HOLD:
        server.database.change(sql)
    server.start()
    server.held = server.ok("StartFlow", NIGHT)["executionId"]
    server.wait_for_log(f"Run {server.held} of flow nightly")  # it could not end
    server.stop()
    for sql in LET_GO:
        server.database.change(sql)
    return server


def insert(server, table, rows):
    names, marks = ", ".join(rows[0]), f"({', '.join('?' * len(rows[0]))})"
    server.database.change(
        f"INSERT INTO {table} ({names}) VALUES {', '.join([marks] * len(rows))}",
        *[value for each in rows for value in each.values()])


@pytest.fixture
def server(lasting):
    """Its rows are put back after the test."""
    rows = {table: lasting.query(f"SELECT * FROM {table}") for table in TABLES}
    yield lasting
    lasting.stop()
    for table in TABLES:
        lasting.database.change(f"DELETE FROM {table}")
        insert(lasting, table, rows[table])


def test_a_run_in_progress_is_whole(server):
    words, status = check(server)
    assert status == 0 and "2 flows, 2 runs of flows, 0 schedules, 0 tags" in words, words


SEAL = "What is stored of run {} of flow nightly was not written by this server."
NO_JOB = "it has not ended, and no job carries it out. Cancel it: CancelFlowExecutions."


@pytest.mark.parametrize("change, problem", [
    ("UPDATE flow_runs SET definition = '{{}}' WHERE id = '{}'", SEAL),
    ("UPDATE flow_runs SET mac = NULL WHERE id = '{}'", SEAL),
    ("UPDATE flow_runs SET definition = NULL, mac = NULL WHERE id = '{}'", SEAL),
    ("UPDATE flow_runs SET state = 'Paused' WHERE id = '{}'", "it is in the unknown state Paused."),
    ("UPDATE jobs SET payload = 'other' WHERE payload = '{}'",
     "it has not ended, and the job of its flow is for another run."),
    ("DELETE FROM jobs WHERE payload = '{}'", NO_JOB),
    ("DELETE FROM flows", "there is no such flow."),
])
def test_a_run_that_was_changed(server, change, problem):
    server.database.change(change.format(server.held))
    words, status = check(server)
    assert status == 1 and "1 problem found" in words, words
    assert words.startswith(f"Run {server.held} of {FLOW}: {problem.format(server.held)}\n"), words


def test_a_run_of_another_flow(server):
    """A run with its job under the name of another flow is not the one that the server sealed."""
    server.database.change("UPDATE jobs SET name = 'weekly' WHERE kind = 'flow-run'")
    server.database.change("UPDATE flow_runs SET flow = 'weekly' WHERE id = ?", server.held)
    words, status = check(server)
    assert status == 1 and "1 problem found" in words, words
    assert f"What is stored of run {server.held} of flow weekly was not written by" in words


def test_runs_that_have_ended(server):
    """Those of a flow that is gone are a problem once; a job without a run is one."""
    server.database.change("UPDATE flow_runs SET state = 'Canceled' WHERE id = ?", server.held)
    words, status = check(server)
    assert status == 1 and "1 problem found" in words, words
    assert words.startswith(
        f"F{FLOW[1:]}: it has a job for run {server.held}, but no run in progress."), words
    server.database.change("DELETE FROM jobs WHERE kind = 'flow-run'")
    assert check(server)[1] == 0
    server.database.change("DELETE FROM flows")
    words, status = check(server)
    assert status == 1 and "1 problem found" in words, words
    assert words.startswith(f"Run {server.held} of {FLOW}: there is no such flow."), words


def test_more_runs_than_a_page(server):
    """Each is looked at, also behind names that a cursor of fixed size would cut."""
    row, = server.query("SELECT * FROM flow_runs WHERE id = ?", server.held)
    more = [{**row, "account": "9" * 100, "flow": "f" * 3000 + f"{number:03}"}
            for number in range(PAGE + 1)]
    insert(server, "flow_runs", more)
    words, status = check(server)
    assert status == 1 and f"{PAGE + 1} problems" in words, words[-300:]
    assert f"{PAGE + 3} runs of flows" in words, words[-300:]


def test_a_run_without_a_job_can_be_canceled(server):
    server.database.change("DELETE FROM jobs WHERE kind = 'flow-run'")
    assert NO_JOB in check(server)[0]
    server.start()
    server.ok("CancelFlowExecutions", NIGHT)
    server.stop()
    assert check(server)[1] == 0
