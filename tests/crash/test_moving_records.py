"""Kills the server at every fault point of a run that moves records, and starts it again: the
objects are byte for byte those of a run that nothing disturbed, and no upload is left."""

import re
import signal

import pytest

from support import moving
from support.s3 import S3
from test_crash import call_until_death, fault_points, start_with_fault

POINTS = [point for point in fault_points() if point.startswith("move:")]
# Three objects, of which the second is written in parts.
SIZES = [300, 90000, 200]
PAGES = [moving.lines_of({"Id": f"{page}-{row}", "Text": "x" * 80} for row in range(rows))
         for page, rows in enumerate(SIZES)]
# A try that ends at a point the second time is further than one that ends there the first time.
KILLS = [*POINTS, "move:completed#2", "move:completing#3", "move:checkpoint#2"]


def expected(run_id):
    return {f"copy/{run_id}-{page:05d}": body.replace(b'": ', b'":').replace(b', "', b',"')
            for page, body in enumerate(PAGES)}


def ready(servers):
    server = servers("--sandbox", start=False)
    for page, body in enumerate(PAGES):
        moving.put(server, f"page-{page}", body)
    server.start()
    server.ok("CreateFlow", moving.flow())
    server.stop()
    return server


def uploads(server):
    """Those that are neither completed nor aborted."""
    port = re.findall(r"127\.0\.0\.1, ports (\d+) and", server.log)[-1]
    stand_in = S3(f"http://127.0.0.1:{port}", "SANDBOXACCESSKEY", "sandbox")
    listed = stand_in.boto().list_multipart_uploads(Bucket=moving.OUT)
    assert listed["Bucket"] == moving.OUT
    return listed.get("Uploads", [])


def test_killed_between_files_with_other_fields(servers):
    """The last file has fewer fields than the one before it, which another try does not read."""
    server = servers("--sandbox", start=False)
    for key, record in (("a", {"x": 1}), ("b", {"x": 2, "y": 3}), ("c", {"y": 4})):
        moving.put(server, key, moving.lines_of([record]))
    server.start()
    server.ok("CreateFlow", moving.flow(fileType="CSV"))
    undisturbed = moving.run(server)["executionId"]
    objects = {key.replace(undisturbed, "run"): body
               for key, body in moving.written(server).items()}
    server.stop()
    assert start_with_fault(server, "move:checkpoint#2")
    call_until_death(server, "StartFlow", {"flowName": "copy"})
    assert server.wait_for_end() == -signal.SIGKILL
    server.start()
    record = moving.ended(server)
    assert record["executionStatus"] == "Successful", record
    assert objects == {key.replace(record["executionId"], "run"): body
                       for key, body in moving.written(server).items() if undisturbed not in key}
    assert list(objects.values()) == [b"x\n1\n", b"x,y\n2,3\n", b"y\n4\n"]


@pytest.mark.parametrize("point", KILLS)
def test_killed_while_records_move(servers, point):
    server = ready(servers)
    assert start_with_fault(server, point)
    call_until_death(server, "StartFlow", {"flowName": "copy"})
    assert server.wait_for_end() == -signal.SIGKILL
    server.start()
    record = moving.ended(server)
    assert record["executionStatus"] == "Successful", record
    objects = expected(record["executionId"])
    assert moving.written(server) == objects
    assert uploads(server) == []
    assert record["executionResult"] == {
        "recordsProcessed": sum(SIZES), "bytesProcessed": sum(map(len, PAGES)),
        "bytesWritten": sum(map(len, objects.values()))}
