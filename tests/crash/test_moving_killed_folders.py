"""Kills the server while a run writes more folders than it has objects open at once, and starts it
again: each record is in its folder, once."""

import json
import signal

import pytest

from support import moving
from test_crash import call_until_death, start_with_fault

ROWS = [{"Id": number, "Key": number * 7 % 150} for number in range(600)]
TASKS = [moving.ALL, {"taskType": "Partition", "sourceFields": [],
                      "taskProperties": {"ORDERED_PARTITION_KEYS_LIST": "Key"}}]


def found(server):
    """Records in the order of their ids; each is in an object of its folder."""
    records = []
    for key, body in moving.written(server).items():
        here = [json.loads(line) for line in body.splitlines()]
        assert all(f"/Key={each['Key']}/" in key for each in here), key
        records += here
    return sorted(records, key=lambda each: each["Id"])


# Of two pages: within the first, and within the second.
@pytest.mark.parametrize("point", ["move:completed#9", "move:completing#160"])
def test_killed_while_folders_are_written(servers, point):
    server = servers("--sandbox", start=False)
    for page in range(2):
        moving.put(server, f"page-{page}", moving.lines_of(ROWS[300 * page:300 * page + 300]))
    server.start()
    server.ok("CreateFlow", moving.flow(tasks=TASKS))
    server.stop()
    assert start_with_fault(server, point)
    call_until_death(server, "StartFlow", {"flowName": "copy"})
    assert server.wait_for_end() == -signal.SIGKILL
    server.start()
    record = moving.ended(server)
    assert record["executionStatus"] == "Successful", record
    assert found(server) == ROWS
    assert record["executionResult"]["recordsProcessed"] == len(ROWS)
