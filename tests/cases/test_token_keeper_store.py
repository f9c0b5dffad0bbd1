"""The store is full or away just when a vendor has replaced a refresh token: what it gave is kept,
and nothing is sent twice. Judged by the vendor's ledger and by use."""

import resource
import time

import pytest

from support.commit_cutter import CommitCutter
from support.database import cluster, cut_sessions
from support.keeping import Keeping, create, job, make_due, state, update
from support.salesforce import set_app, with_app
from support.vendor import to_vendor

WAIT_S = 30
FULL = 4096  # bytes that a file may have


@pytest.fixture
def vendor(canaries):
    with Keeping(canaries) as made:
        yield made
        made.hold.set()


def new_profile(server, vendor):
    server.ok("CreateConnectorProfile",
              create({"refreshToken": vendor.new_tokens()["refreshToken"]}))
    while vendor.came.acquire(blocking=False):
        pass


def works(server, vendor):
    """By a real call, and by a renewal after it; with one showing of each refresh token."""
    server.ok("UpdateConnectorProfile", update())
    vendor.live_access.clear()
    server.ok("UpdateConnectorProfile", update())
    return not vendor.shown_twice()


def renewed_since(server, when_ms):
    until = time.monotonic() + WAIT_S
    while state(server)["renewed_at_ms"] <= when_ms or state(server)["state"] != "fresh":
        assert time.monotonic() < until, (state(server), job(server), server.log[-3000:])
        time.sleep(0.02)


@pytest.mark.embedded
def test_the_disk_is_full(servers, vendor, canaries):
    """When the answer has come nothing can be written; later there is room again."""
    server = with_app(servers, canaries, *to_vendor(vendor, "Salesforce")).start()
    new_profile(server, vendor)
    before_ms = state(server)["renewed_at_ms"]
    vendor.hold.clear()
    make_due(server)
    assert vendor.came.acquire(timeout=WAIT_S)
    hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (FULL, hard))
    vendor.hold.set()
    server.wait_for_log("Writes to the store fail")
    assert state(server)["renewed_at_ms"] == before_ms
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    renewed_since(server, before_ms)
    assert sum(vendor.refreshed.values()) == 2
    assert works(server, vendor)


def test_the_database_is_away(nodes, database, vendor, canaries):
    """The node is cut off while the vendor thinks. Another one does not send the refresh token, and
    what the first got lands when its way is open again."""
    first, second = [nodes(*to_vendor(vendor, "Salesforce"), "--verify-timeout", "20")
                     for _ in range(2)]
    set_app(first, canaries)
    with CommitCutter(cluster().port) as way:
        database.options = ["--store", database.url.replace(str(cluster().port), str(way.port))]
        first.start()
        new_profile(first, vendor)
        before_ms = state(first)["renewed_at_ms"]
        vendor.hold.clear()
        database.change("UPDATE jobs SET due_at_ms = 1")
        assert vendor.came.acquire(timeout=WAIT_S)
        way.flows.clear()
        cut_sessions(database)
        database.options = ["--store", database.url]
        database.change("UPDATE jobs SET lease_until_ms = 0")
        fence = job(first)["fence"]
        second.start()
        until = time.monotonic() + WAIT_S
        while job(second)["fence"] == fence:
            assert time.monotonic() < until
            time.sleep(0.02)
        vendor.hold.set()
        time.sleep(0.2)
        assert sum(vendor.refreshed.values()) == 2, "the second node has sent it, too"
        way.flows.set()
        renewed_since(second, before_ms)
        assert works(second, vendor) and works(first, vendor)
        first.stop()
