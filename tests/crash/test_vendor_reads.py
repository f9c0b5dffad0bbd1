"""Kills the server while a run reads a vendor's pages, and starts it again: reading goes on from
the last checkpoint, and every record is written once."""

import json
import signal

import pytest

from support import moving
from support.sandbox_records import truth
from support.vendor_flows import PROFILE, create_profile, flow, task
from test_crash import call_until_death, start_with_fault

# Before, at and after the checkpoint between both pages, and with the second one read ahead.
KILLS = ["move:completed", "move:checkpoint", "move:fetched#2", "ahead:read"]


@pytest.mark.parametrize("point", KILLS)
def test_killed_while_a_vendor_is_read(servers, point):
    server = servers("--sandbox")
    moving.buckets(server)
    create_profile(server, PROFILE, "Salesforce")
    server.ok("CreateFlow", flow("read", "Account", [task("Map_all", "NO_OP", [])]))
    server.stop()
    assert start_with_fault(server, point)
    call_until_death(server, "StartFlow", {"flowName": "read"})
    assert server.wait_for_end() == -signal.SIGKILL
    server.start()
    record = moving.ended(server, "read")
    assert record["executionStatus"] == "Successful", record
    lines = b"".join(moving.written(server).values()).splitlines()
    assert sorted(json.loads(line)["Id"] for line in lines) == sorted(
        each["Id"] for each in truth("Salesforce", "Account") if not each["IsDeleted"])
