"""Schedules that start runs: each slot once, one run for all slots that were missed, windows that
follow each other, and the ends of schedules."""

import json
import os
import time

import pytest

from support import moving, operations
from support.sandbox_records import truth
from support.server import headgate
from support.vendor_flows import PROFILE, create_profile, flow as vendor_flow, task
from test_check import check
from test_flows import refused

COPY = {"flowName": "copy"}
ENDED = "The schedule has ended: no time is left at which it starts a run."
MONTH_S = 30 * 24 * 3600


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    server = lasting_servers("--sandbox", "--sub-minute-schedules", "yes", *operations.OPTION)
    create_profile(server, PROFILE, "Salesforce")
    return server


@pytest.fixture
def server(lasting):
    yield lasting
    if not lasting.running():
        lasting.start()
    moving.clear(lasting)


def on(expression, **more):
    return {"triggerType": "Scheduled", "triggerProperties": {"Scheduled": {
        "scheduleExpression": expression, **more}}}


def activate(server, expression, definition=None, **more):
    definition = {**(definition or moving.flow()), "triggerConfig": on(expression, **more)}
    server.ok("CreateFlow", definition)
    moving.buckets(server)
    assert server.ok("StartFlow", {"flowName": definition["flowName"]})["flowStatus"] == "Active"


def records(server, state=None):
    """The oldest first."""
    return [each for each in reversed(moving.records(server))
            if state in (None, each["executionStatus"])]


def wait_for_runs(server, count, state=None):
    moving.until(lambda: len(records(server, state)) >= count)
    return records(server, state)


def slots(server):
    return [each["slot_ms"] for each in server.query("SELECT slot_ms FROM flow_runs ORDER BY id")]


def shown(server, name="copy"):
    return json.loads(headgate("flow", "show", name, *server.place, "--json"))


def test_a_rate_starts_a_run_at_once_and_each_period(server):
    moving.put(server, "people.json", b'{"Id": 1}\n')
    activate(server, "rate(1seconds)")
    wait_for_runs(server, 3, "Successful")
    found = slots(server)
    assert all((slot - found[0]) % 1000 == 0 for slot in found)
    assert sorted(set(found)) == found
    assert all(slot <= 1000 * each["startedAt"] for slot, each in zip(found, records(server)))
    details = server.ok("DescribeFlow", COPY)["lastRunExecutionDetails"]
    assert details["mostRecentExecutionTime"] >= records(server)[2]["startedAt"]
    assert shown(server)["nextRunAt"] >= time.strftime("%Y-%m-%dT", time.gmtime())
    assert server.ok("StopFlow", COPY)["flowStatus"] == "Suspended"
    count = len(slots(server))
    assert "nextRunAt" not in shown(server) and server.query(
        "SELECT * FROM jobs WHERE kind = 'flow-schedule'") == []
    seen = operations.metrics(server)
    assert seen['headgate_flow_schedules_total{event="started"}'] >= count
    assert seen["headgate_flow_schedule_lateness_seconds_count"] >= count
    time.sleep(2.2)  # more than a period, in which nothing starts one
    assert len(slots(server)) == count
    assert server.ok("StartFlow", COPY)["flowStatus"] == "Active"
    again = wait_for_runs(server, count + 2, "Successful")
    assert again[count]["startedAt"] - again[count - 1]["startedAt"] > 2
    assert server.ok("StopFlow", COPY)["flowStatus"] == "Suspended"


def test_missed_slots_have_one_run(server):
    moving.put(server, "people.json", b'{"Id": 1}\n')
    activate(server, "rate(1seconds)")
    wait_for_runs(server, 1, "Successful")
    server.stop()
    before = slots(server)
    time.sleep(3.2)  # slots that nothing can start
    back_ms = 1000 * time.time()
    server.start()
    moving.until(lambda: len(slots(server)) > len(before) + 1)
    found = slots(server)
    assert sorted(set(found)) == found and found[len(before)] - before[-1] >= 3000
    assert found[len(before)] > back_ms - 1000


def test_a_flow_in_its_run_makes_the_slot_wait(server):
    """As a run that another node holds."""
    moving.put(server, "people.json", b'{"Id": 1}\n')
    activate(server, "rate(1days)")
    run_id = wait_for_runs(server, 1, "Successful")[0]["executionId"]
    server.stop()
    server.database.change("UPDATE flow_runs SET state = 'InProgress' WHERE id = ?", run_id)
    server.database.change("UPDATE flow_schedules SET done_until_ms = done_until_ms - 100000000")
    server.database.change("UPDATE jobs SET due_at_ms = 0")
    server.start()
    moving.until(lambda: server.query(
        "SELECT payload FROM jobs WHERE kind = 'flow-schedule'") == [{"payload": "waiting"}])
    assert len(records(server)) == 1
    server.ok("CancelFlowExecutions", COPY)
    states = [each["executionStatus"] for each in wait_for_runs(server, 2)]
    assert states[0] == "Canceled"
    wait_for_runs(server, 1, "Successful")


def test_each_object_is_taken_once(server):
    """Objects come while runs are under way, some with the time of half a second before; the
    schedule's offset is longer than that."""
    moving.buckets(server)
    activate(server, "rate(1seconds)", dataPullMode="Incremental", scheduleOffset=2)
    for number in range(30):
        moving.put(server, f"in-{number:02}", moving.lines_of([{"Id": number}]))
        late = time.time() - (0.5 if number % 3 == 0 else 0)
        os.utime(moving.buckets(server)[0] / f"in-{number:02}", (late, late))
        time.sleep(0.08)
    last = time.time()
    moving.until(lambda: records(server)[-1].get("dataPullEndTime", 0) > last)
    server.ok("StopFlow", COPY)
    moving.ended(server)
    lines = b"".join(moving.written(server).values()).splitlines()
    assert sorted(json.loads(each)["Id"] for each in lines) == list(range(30))
    done = records(server)
    assert all(each["executionStatus"] == "Successful" for each in done)
    windows = [(each["dataPullStartTime"], each["dataPullEndTime"]) for each in done]
    assert windows[0][1] - windows[0][0] == pytest.approx(MONTH_S, abs=3)
    assert [start for start, _ in windows[1:]] == [end for _, end in windows[:-1]]
    assert len(windows) > 3
    assert shown(server)["pulledUntil"].startswith("20")


def test_a_failed_window_is_taken_again_until_the_flow_is_deactivated(server):
    moving.put(server, "people.json", b'{"Id": 1}\n')
    definition = {**moving.flow(prefix="none/"), "triggerConfig": on(
        "rate(1seconds)", dataPullMode="Incremental", flowErrorDeactivationThreshold=2,
        firstExecutionFrom=1700000000)}
    definition["sourceFlowConfig"]["sourceConnectorProperties"]["S3"]["bucketName"] = "not-there"
    server.ok("CreateFlow", definition)
    server.ok("StartFlow", COPY)
    moving.until(lambda: server.ok("DescribeFlow", COPY)["flowStatus"] == "Suspended")
    done = records(server)
    assert [each["executionStatus"] for each in done] == ["Error", "Error"]
    assert [each["dataPullStartTime"] for each in done] == [1700000000, 1700000000]
    assert done[0]["dataPullEndTime"] < done[1]["dataPullEndTime"]
    why = done[1]["executionResult"]["errorInfo"]["executionMessage"]
    assert server.ok("DescribeFlow", COPY)["flowStatusMessage"] == (
        "The flow was deactivated after 2 failed runs in a row, as its "
        f"flowErrorDeactivationThreshold says. The last one: {why}")
    (server.data / "s3" / "not-there" / "none").mkdir(parents=True)
    (server.data / "s3" / "not-there" / "none" / "a").write_bytes(b'{"Id": 1}\n')
    server.ok("StartFlow", COPY)
    assert "flowStatusMessage" not in server.ok("DescribeFlow", COPY)
    last = wait_for_runs(server, 1, "Successful")[0]
    assert last["dataPullStartTime"] == 1700000000
    server.ok("StopFlow", COPY)
    moving.ended(server)


def test_a_first_window_that_fails_is_taken_again(server):
    """It begins 30 days before the first slot, and not before the one that is successful."""
    moving.buckets(server)
    definition = {**moving.flow(), "triggerConfig": on(
        "rate(1seconds)", dataPullMode="Incremental")}
    definition["sourceFlowConfig"]["sourceConnectorProperties"]["S3"]["bucketName"] = "not-yet"
    server.ok("CreateFlow", definition)
    server.ok("StartFlow", COPY)
    failed = wait_for_runs(server, 2, "Error")
    (server.data / "s3" / "not-yet").mkdir(parents=True)
    (server.data / "s3" / "not-yet" / "a").write_bytes(b'{"Id": 1}\n')
    good = wait_for_runs(server, 1, "Successful")[0]
    server.ok("StopFlow", COPY)
    moving.ended(server)
    assert {each["dataPullStartTime"] for each in [*failed, good]} == {
        failed[0]["dataPullStartTime"]}
    assert failed[0]["dataPullStartTime"] < failed[0]["startedAt"] - MONTH_S + 5


def test_a_schedule_ends(server):
    moving.put(server, "people.json", b'{"Id": 1}\n')
    now = int(time.time())
    activate(server, "rate(3seconds)", scheduleStartTime=now, scheduleEndTime=now + 8)
    moving.until(lambda: server.ok("DescribeFlow", COPY)["flowStatus"] == "Suspended")
    assert server.ok("DescribeFlow", COPY)["flowStatusMessage"] == ENDED
    assert 1 <= len(slots(server)) <= 3 and max(slots(server)) <= 1000 * (now + 8)
    activate(server, "at(2020-01-01T00:00:00)", moving.flow("past"))
    moving.until(lambda: server.ok("DescribeFlow", {"flowName": "past"})["flowStatus"] ==
                 "Suspended")
    assert moving.records(server, "past") == []


def test_an_update_and_a_deletion_are_followed(server):
    moving.put(server, "people.json", b'{"Id": 1}\n')
    activate(server, "cron(0 0 1 1 ? *)")
    assert shown(server)["nextRunAt"].endswith("-01-01T00:00:00Z")
    page = headgate("flow", "show", "copy", *server.place)
    assert "Next run" in page and "-01-01T00:00:00Z" in page
    definition = {**moving.flow(), "triggerConfig": on("rate(1seconds)")}
    assert server.ok("UpdateFlow", definition)["flowStatus"] == "Active"
    wait_for_runs(server, 2, "Successful")
    server.ok("UpdateFlow", moving.flow())
    moving.ended(server)
    assert server.query("SELECT * FROM jobs WHERE kind = 'flow-schedule'") == []
    server.ok("UpdateFlow", {**moving.flow(), "triggerConfig": on("rate(5minutes)")})
    server.ok("StartFlow", COPY)
    words, status = check(server)
    assert status == 0 and ", 1 schedules, " in words, words
    server.database.change("UPDATE jobs SET name = 'other' WHERE kind = 'flow-schedule'")
    words, status = check(server)
    assert status == 1 and "no job starts its runs. Start it again: StartFlow." in words
    assert "it has a job for a schedule, and none is active." in words
    server.ok("StartFlow", COPY)  # gives it a job again
    assert len(server.query("SELECT * FROM jobs WHERE kind = 'flow-schedule'"
                            " AND name = 'copy'")) == 1
    server.database.change("DELETE FROM jobs WHERE name = 'other'")
    server.ok("DeleteFlow", {**COPY, "forceDelete": True})
    assert server.count_rows("flow_schedules") == 0
    moving.until(lambda: server.query("SELECT * FROM jobs WHERE name = 'copy'") == [])


def test_records_of_a_window(server):
    """The vendor is asked for those alone, by its own field of changes."""
    accounts = [each for each in truth("Salesforce", "Account") if not each["IsDeleted"]]
    times = sorted(each["SystemModstamp"] for each in accounts)
    middle = int(time.mktime(time.strptime(
        times[len(times) // 2][:19] + " UTC", "%Y-%m-%dT%H:%M:%S %Z"))) - time.timezone
    definition = vendor_flow("copy", "Account", [task("Map_all", "NO_OP", [])])
    definition["sourceFlowConfig"]["incrementalPullConfig"] = {
        "datetimeTypeFieldName": "SystemModstamp"}
    activate(server, "rate(1days)", definition, dataPullMode="Incremental",
             firstExecutionFrom=middle)
    record = wait_for_runs(server, 1, "Successful")[0]
    assert record["dataPullStartTime"] == middle
    lines = b"".join(moving.written(server).values()).splitlines()
    wanted = {each["Id"] for each in accounts
              if each["SystemModstamp"] >= time.strftime("%Y-%m-%dT%H:%M:%S.000+0000",
                                                         time.gmtime(middle))}
    assert {json.loads(each)["Id"] for each in lines} == wanted
    assert 0 < len(wanted) < len(accounts)
    assert record["executionResult"]["recordsProcessed"] == len(wanted)


def test_rates_of_seconds_are_an_extension(servers):
    plain = servers("--sandbox")
    answer = refused(plain, "CreateFlow", {**moving.flow(), "triggerConfig": on("rate(5seconds)")})
    assert answer[:2] == (400, "ValidationException")
    assert "--sub-minute-schedules" in answer[2]


@pytest.mark.as_users_run_it
def test_nodes_that_share_a_store_start_each_run_once(nodes):
    """One of three is killed in between; a run that it held is continued when its lease has ended,
    and its flow's slots wait for that."""
    three = [nodes("--sub-minute-schedules", "yes").start() for _ in range(3)]
    first = three[0]
    flows = [moving.flow(f"copy-{number}") for number in range(4)]
    for each in flows:
        activate(first, "rate(1seconds)", each)
    count_runs = "SELECT count(*) AS count FROM flow_runs"
    moving.until(lambda: first.query(count_runs)[0]["count"] >= 12)
    three[2].kill()
    moving.until(lambda: first.query(count_runs)[0]["count"] >= 40)
    for each in flows:
        first.ok("StopFlow", {"flowName": each["flowName"]})
    started = first.query("SELECT flow, slot_ms FROM flow_runs")
    assert len({tuple(each.values()) for each in started}) == len(started)
    for each in flows:
        slots_of = sorted(row["slot_ms"] for row in started if row["flow"] == each["flowName"])
        assert slots_of and all((slot - slots_of[0]) % 1000 == 0 for slot in slots_of)
