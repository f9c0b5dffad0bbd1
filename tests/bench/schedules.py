"""Many flows with schedules on one node. How late 10,000 runs begin that are due at one time; and
what 100,000 flows cost a node: its start, its memory, and how fast it looks at schedules that are
due. The flows are those of many regions, since an account may have 1,000 in each."""

import contextlib
import json
import os
import re
import sqlite3
import statistics
import time
import urllib.request

import load
from flows import KEY_ID, S3, SECRET
from load import Server
from support import pages, wire

FLOWS = 1000  # of a region
AT_ONCE_REGIONS = 10
MANY_REGIONS = 100
STARTS = 5
LIMIT_S = 300
LEAD_S = 60  # in which the flows of one time are made
IN, OUT = "scheduled-in", "scheduled-out"
PLANNED = "SELECT count(*) FROM jobs WHERE kind = 'flow-schedule' AND due_at_ms < ?"
LATENESS = "headgate_flow_schedule_lateness_seconds"


def regions(count):
    return [f"of-bench-{number}" for number in range(count)]


def flow(name, **schedule):
    return {
        "flowName": name, "triggerConfig": {
            "triggerType": "Scheduled", "triggerProperties": {"Scheduled": schedule}},
        "sourceFlowConfig": {"connectorType": "S3", "sourceConnectorProperties": {"S3": {
            "bucketName": IN, "s3InputFormatConfig": {"s3InputFileType": "JSON"}}}},
        "destinationFlowConfigList": [{"connectorType": "S3", "destinationConnectorProperties": {
            "S3": {"bucketName": OUT, "s3OutputFormatConfig": {"fileType": "JSON"}}}}],
        "tasks": [{"taskType": "Map_all", "sourceFields": []}]}


class Scheduler(Server):
    """A server with many active flows."""

    def __init__(self, directory, s3):
        self.admin = load.free_port()
        super().__init__(directory, "--s3-url", s3.url, "--egress-allow", "127.0.0.1",
                         "--admin-listen", f"127.0.0.1:{self.admin}",
                         "--regions", ",".join(regions(MANY_REGIONS)))
        self.path = directory / "requests"

    def send(self, operation, parameters, places):
        for region in places:
            load.write_requests(self.path, [
                wire.signed_request(self, "POST", wire.kebab(operation),
                                    json.dumps(each).encode(), region=region)
                for each in parameters])
            load.send_once(self.port, self.path)

    def activate(self, places, **schedule):
        names = [f"flow-{number}" for number in range(FLOWS)]
        self.send("CreateFlow", [flow(name, **schedule) for name in names], places)
        self.send("StartFlow", [{"flowName": name} for name in names], places)

    def rows(self, sql, *values):
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/headgate.db?mode=ro",
                                                uri=True)) as database:
            return database.execute(sql, values).fetchall()

    def wait(self, sql, *values):
        """Until the query's number is 0."""
        end = time.monotonic() + LIMIT_S
        while (left := self.rows(sql, *values)[0][0]) > 0:
            if time.monotonic() > end:
                raise SystemExit(f"bench: {left} are left: {sql}")
            time.sleep(0.05)

    def lateness(self):
        """The bound, in seconds, that 99 % of the runs kept, and how many there were."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics") as answer:
            text = answer.read().decode()
        buckets = [(float(bound), int(count)) for bound, count in re.findall(
            LATENESS + r'_bucket{le="([\d.]+)"} (\d+)', text)]
        count = int(re.search(LATENESS + r"_count (\d+)", text).group(1))
        return next(bound for bound, below in buckets if below >= 0.99 * count), count


def measure_at_once(directory, s3):
    places, runs = regions(AT_ONCE_REGIONS), AT_ONCE_REGIONS * FLOWS
    start = int(time.time()) + LEAD_S
    with Scheduler(directory, s3) as server:
        server.activate(places, scheduleExpression="rate(5minutes)", scheduleStartTime=start)
        if time.time() > start:
            raise SystemExit(f"bench: {runs} flows were not made within {LEAD_S} s")
        server.wait(f"SELECT {runs} - count(*) FROM flow_runs")
        bound, count = server.lateness()
        after = sorted(row[0] for row in server.rows(
            "SELECT started_at_ms - slot_ms FROM flow_runs"))
        server.wait("SELECT count(*) FROM flow_runs WHERE state = 'InProgress'")
        ended = server.rows("SELECT max(updated_at_ms - slot_ms) FROM flow_runs")[0][0]
        good = server.rows("SELECT count(*) FROM flow_runs WHERE state = 'Successful'")[0][0]
    if (count, good) != (runs, runs):
        raise SystemExit(f"bench: {count} runs began, and {good} were successful")
    return {"runs": runs, "late_p99_s": bound, "after_p50_s": after[runs // 2] / 1000,
            "after_p99_s": after[runs * 99 // 100] / 1000, "all_ended_s": ended / 1000}


def start_once(directory, s3):
    """From the call of the program to its first signed answer, ms; then its memory, MiB."""
    begun = time.perf_counter()
    with Scheduler(directory, s3) as server:
        answer = wire.call(server, "ListFlows", {"maxResults": 1}, region=regions(1)[0])
        took = (time.perf_counter() - begun) * 1000
        if answer.status != 200:
            raise SystemExit(f"bench: {answer.raw!r}")
        time.sleep(1)  # the first look has ended
        return took, server.status("RssAnon") / 1024


def started(directory, s3):
    """The medians."""
    took, memory = zip(*(start_once(directory, s3) for _ in range(STARTS)))
    return {"start_ms": round(statistics.median(took), 1),
            "memory_mib": round(statistics.median(memory), 1)}


def looks_per_s(directory, s3, flows):
    """All jobs are due at once, and none has a time to start a run at: each is planned again."""
    path = directory / "data/headgate.db"
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE jobs SET due_at_ms = 0 WHERE kind = 'flow-schedule'")
    pages.mend(path)
    with Scheduler(directory, s3) as server:
        begun = time.monotonic()
        server.wait(PLANNED, int(time.time() * 1000) + 3600_000)
        return round(flows / (time.monotonic() - begun))


def measure_many(directory, s3):
    flows = MANY_REGIONS * FLOWS
    start_once(directory, s3)  # makes the database
    found = {"flows": flows, "empty": started(directory, s3)}
    with Scheduler(directory, s3) as server:
        begun = time.monotonic()
        server.activate(regions(MANY_REGIONS), scheduleExpression="rate(1days)",
                        scheduleStartTime=int(time.time()) + 86400)
        server.wait(PLANNED, int(time.time() * 1000) + 3600_000)
        found["filled_s"] = round(time.monotonic() - begun)
    found["full"] = started(directory, s3)
    return {**found, "looks_per_s": looks_per_s(directory, s3, flows)}


def measure(work, parts=("at_once",)):
    """With the part "many" also 100,000 flows, which takes some minutes."""
    found, measures = {}, {"at_once": measure_at_once, "many": measure_many}
    os.environ.update(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET)
    for part in parts:
        directory = work / f"schedules-{part}"
        directory.mkdir()
        with S3(directory) as s3:
            s3.bucket(OUT)
            (s3.bucket(IN) / "one").write_bytes(b'{"Id": 1}\n')
            found[part] = measures[part](directory, s3)
    return found


def report(found):
    once, many = found.get("at_once"), found.get("many")
    if once:
        print(f"  {once['runs']:,} runs of schedules that are due at one time: 99 % begin at most "
              f"{once['late_p99_s']} s later than planned\n"
              f"    which is {once['after_p50_s']:.1f} s after the time in the middle, and "
              f"{once['after_p99_s']:.1f} s for 99 %; the last ended after "
              f"{once['all_ended_s']:.1f} s")
    if many:
        print(f"  {many['flows']:,} active schedules: a start takes {many['full']['start_ms']} ms "
              f"(without any {many['empty']['start_ms']}), memory {many['full']['memory_mib']} MiB "
              f"({many['empty']['memory_mib']}); {many['looks_per_s']:,} looks a second")
