"""Kills the server while a run reads a vendor's pages, and starts it again: reading goes on from
the last checkpoint, and every record is written once."""

import json
import signal

import pytest

from support import aws, moving, s3
from support.hours import Amplitude, between, hour, lines, ms, record
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


@pytest.mark.parametrize("point", ["move:checkpoint", "move:checkpoint#2", "move:fetched#2"])
def test_killed_within_an_archive(servers, tmp_path, point):
    """Another connection fetches it again, and continues behind the records that were written."""
    records = [record(number, 5, "x" * 2000) for number in range(3000)]  # three pages
    with s3.stand_in(tmp_path) as store, Amplitude() as vendor:
        vendor.hours = {5: [lines(records)], 40: [lines([record(1, 40)])]}
        server = servers("--egress-allow", "127.0.0.1", "--s3-url", store.url,
                         "--endpoint", f"Amplitude={vendor.url}", env={
                             "AWS_ACCESS_KEY_ID": store.key_id,
                             "AWS_SECRET_ACCESS_KEY": store.secret})
        (tmp_path / "s3" / moving.OUT).mkdir(parents=True)
        aws.create(aws.boto(server), "events", "Amplitude", {
            "connectorProfileProperties": {"Amplitude": {}},
            "connectorProfileCredentials": {"Amplitude": {"apiKey": "k", "secretKey": "s"}}})
        server.ok("CreateFlow", flow("read", "events", [
            between(ms(hour(0)), ms(hour(48))), moving.ALL], "Amplitude", "events"))
        server.stop()
        assert start_with_fault(server, point)
        call_until_death(server, "StartFlow", {"flowName": "read"})
        assert server.wait_for_end() == -signal.SIGKILL
        server.start()
        done = moving.ended(server, "read")
        assert done["executionStatus"] == "Successful", done
        folder = tmp_path / "s3" / moving.OUT
        written = b"".join(path.read_bytes() for path in sorted(folder.rglob("*"))
                           if path.is_file())
    assert [json.loads(line) for line in written.splitlines()] == [*records, record(1, 40)]
