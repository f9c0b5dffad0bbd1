"""What the metrics say of a store that cannot be written, or that keeps writes waiting."""

import contextlib
import json
import resource
import sqlite3

import pytest

from support import operations
from support.background import Background
from support.server import headgate

pytestmark = pytest.mark.embedded

CONFIG = json.loads(headgate("sandbox", "--list", "--json", "--connector", "Amplitude",
                             "--outcome", "accepted"))


def profile(name):
    return {"connectorProfileName": name, "connectorType": "Amplitude", "connectionMode": "Public",
            "connectorProfileConfig": CONFIG}


def set_limit(server, size):
    hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def test_a_full_disk(servers):
    """From the first failure until a write works again; no failure before, and none forgotten."""
    server = servers("--sandbox", *operations.OPTION)
    server.ok("CreateConnectorProfile", profile("before"))
    seen = operations.metrics(server)
    names = ["headgate_store_failing", "headgate_commits_failed_total",
             "headgate_store_errors_total", "headgate_committer_queued"]
    assert [seen[name] for name in names] == [0, 0, 0, 0]
    set_limit(server, 4096)  # less than the log has: nothing fits, the audit's rows included
    for number in range(3):
        assert server.call("CreateConnectorProfile", profile(f"p{number}")).status in (500, 503)
        failed = operations.wait_for(server, store_failing=1)
    assert failed["headgate_commits_failed_total"] >= 1
    assert failed["headgate_store_errors_total"] >= 1
    assert operations.ask(server, "/healthz")[0] == 200
    set_limit(server, resource.RLIM_INFINITY)
    server.ok("CreateConnectorProfile", profile("p0"))
    after = operations.wait_for(server, store_failing=0)
    for name in names[1:3]:
        assert after[name] >= failed[name]


def test_writes_that_wait(servers):
    """Another process has the database's write lock: one batch waits for it, the rest for that."""
    server = servers("--sandbox", *operations.OPTION)
    server.ok("CreateConnectorProfile", profile("p"))
    with contextlib.closing(sqlite3.connect(server.data / "headgate.db",
                                            isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        calls = []
        while operations.metrics(server)["headgate_committer_queued"] < 2:
            assert len(calls) < 20
            calls.append(Background(lambda: server.call(
                "DeleteConnectorProfile", {"connectorProfileName": "p"}).status))
        other.execute("ROLLBACK")
    assert sorted(call.result() for call in calls)[0] == 200
    operations.wait_for(server, committer_queued=0)
