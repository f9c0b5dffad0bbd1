"""Many profiles, many idle connections, many updates that wait at once: what must hold however fast
or slow the machine is. `make bench SCALE=1` measures the same at full size."""

import json
import os
import pathlib
import resource
import subprocess
import threading

import pytest

from support import background, crowd, operations
from support.server import ROOT, VARIANT

FILL = pathlib.Path(os.environ.get("HEADGATE_FILL_PROFILES",
                                   ROOT / "build/faults/tests/bench/fill-profiles"))
PROFILES = 20000
FEW = 1000
MANY = 60000  # far more than the page cache of a reader holds, 4 MiB, which a walk over all fills
IDLE = 1000
UPDATES = 300
WORST = 2000
PAGE = 100
MIB = 1024 * 1024

# What one of each may take of the server's memory, in bytes. 10,000 connections and 2,000 updates
# would then fit in 256 MiB.
PROFILE_MAX = 200
CONNECTION_MAX = 4 * 1024
UPDATE_MAX = 100 * 1024

pytestmark = pytest.mark.skipif(
    not FILL.exists(), reason=f"{FILL} is not there: build with -Dtests=true, or set "
                              "HEADGATE_FILL_PROFILES")


def memory(server):
    """Bytes that are the server's alone."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) * 1024


@pytest.fixture
def filled(servers):
    """Makes a server with so many profiles that the tool wrote."""
    def make(count, *options):
        server = servers(*options, start=False)
        subprocess.run([FILL, "--data", server.data, "--count", str(count)], check=True,
                       timeout=120)
        return server.start()
    return make


def describe(server, number):
    return crowd.signed(server, "DescribeConnectorProfiles",
                        {"connectorProfileNames": [f"fill-{number:09d}"]})


def amplitude(number, suffix=""):
    """Every other profile of the tool's is Amplitude's."""
    config = {"connectorProfileProperties": {"Amplitude": {}},
              "connectorProfileCredentials": {
                  "Amplitude": {"apiKey": "scale-key", "secretKey": "scale-secret"}}}
    return {"connectorProfileName": f"fill-{number:09d}{suffix}", "connectionMode": "Public",
            "connectorProfileConfig": config}


def assert_all_ok(results):
    assert {answer.status for answer, _ in results} == {200}


def test_profiles_take_no_memory(filled):
    """A server holds pages that it read lately, not profiles, and tells how large its store is."""
    used = []
    for count in (FEW, MANY):
        server = filled(count, *operations.OPTION)
        with crowd.Crowd(server, 1) as one:
            for number in range(0, count, count // 500):
                (answer, _), = one.exchange([describe(server, number)])
                detail, = answer.json()["connectorProfileDetails"]
                assert detail["connectorProfileName"] == f"fill-{number:09d}"
        used.append(memory(server))
        told = operations.metrics(server)["headgate_store_bytes"]
        files = [server.data / f"headgate.db{suffix}" for suffix in ("", "-wal")]
        assert told == sum(path.stat().st_size for path in files) > 500 * count
    assert used[1] - used[0] < PROFILE_MAX * (MANY - FEW), used


class Changer(background.Repeated):
    """Creates, updates and deletes profiles among those that are listed, and counts what it did."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.number = 0
        self.done = threading.Semaphore(0)
        self.failures = []

    def change(self, operation, parameters):
        answer = self.server.call(operation, parameters)
        if answer.status != 200:
            self.failures.append(answer.raw)
        self.done.release()

    def step(self):
        self.number = (self.number + 7919) % PROFILES  # all over the list; 7919 is a prime
        even = self.number - self.number % 2
        new = {**amplitude(self.number, "-new"), "connectorType": "Amplitude"}
        self.change("CreateConnectorProfile", new)
        self.change("UpdateConnectorProfile", amplitude(even))
        self.change("DeleteConnectorProfile", {"connectorProfileName": new["connectorProfileName"]})


def test_pages_are_stable_while_profiles_change(filled):
    """What was there throughout is listed once, in order, whatever came, went and changed."""
    with crowd.SlowVendors(0) as vendor:
        server = filled(PROFILES, "--egress-allow", "127.0.0.1", "--endpoint",
                        f"Amplitude={vendor.url()}")
        names, page = [], {}
        with Changer(server) as changer:
            while not names or "nextToken" in page:
                assert changer.done.acquire(timeout=60)  # something changed between any two pages
                token = {"nextToken": page["nextToken"]} if page else {}
                page = server.ok("DescribeConnectorProfiles", {"maxResults": PAGE, **token})
                names += [each["connectorProfileName"] for each in page["connectorProfileDetails"]]
        assert changer.failures == []
    assert names == sorted(set(names))
    lasting = [name for name in names if not name.endswith("-new")]
    assert lasting == [f"fill-{number:09d}" for number in range(PROFILES)]


def allow_open_files(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count:
        pytest.skip(f"only {hard} files may be open, and this needs {count}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


def test_idle_connections_are_small(filled):
    """Each has made a request, waits, and is answered again."""
    allow_open_files(2 * IDLE)
    server = filled(FEW, *operations.OPTION)
    one = describe(server, 1)
    with crowd.Crowd(server, 1) as first:
        assert_all_ok(first.exchange([one]))
    before = memory(server)
    with crowd.Crowd(server, IDLE) as idle:
        for number in range(0, IDLE, 100):
            assert_all_ok(idle.exchange([one] * 100, number))
        assert operations.metrics(server)["headgate_connections_open"] == IDLE
        assert memory(server) - before < CONNECTION_MAX * IDLE
        assert_all_ok(idle.exchange([one] * IDLE))


def test_updates_that_wait_take_little(filled):
    """All wait for the vendor at once, with the options as they are; reads go on meanwhile."""
    allow_open_files(4 * UPDATES)
    with crowd.SlowVendors(0) as vendor:
        server = filled(2 * UPDATES, "--egress-allow", "127.0.0.1", "--verify-timeout", "300",
                        "--endpoint", f"Amplitude={vendor.url()}")
        assert server.call("UpdateConnectorProfile", amplitude(0)).status == 200
        before, versions = memory(server), server.query("SELECT name, version FROM profiles")
        vendor.set_delay("never")
        with crowd.Crowd(server, UPDATES) as everyone:
            everyone.send([crowd.signed(server, "UpdateConnectorProfile", amplitude(2 * number))
                           for number in range(UPDATES)])
            operations.wait_until(server, lambda total: total >= 1 + UPDATES,
                                  lambda _: vendor.figures()["total"])
            assert vendor.figures()["peak"] == UPDATES
            assert memory(server) - before < UPDATE_MAX * UPDATES
            with crowd.Crowd(server, 1) as reader:
                assert_all_ok(reader.exchange([describe(server, 3)]))
            vendor.set_delay(0)
            assert_all_ok(everyone.answers())
    changed = set(map(tuple_of, server.query("SELECT name, version FROM profiles"))) - set(
        map(tuple_of, versions))
    assert len(changed) == UPDATES


def worst(number):
    """As large as a body may be, with as many values as it may have, none of them the model's."""
    body = {**amplitude(number), "zzz": [{}] * 19900, "text": ""}
    return {**body, "text": "x" * (250 * 1024 - len(json.dumps(body)))}


@pytest.mark.skipif(VARIANT in ("asan", "tsan"), reason="sanitizers keep what was freed")
def test_the_worst_updates_fit_or_are_refused(filled):
    """2,000 at once, over vendors that hang: what does not fit receives 429."""
    allow_open_files(4 * WORST)
    with crowd.SlowVendors(0) as vendor:
        server = filled(2 * WORST, "--egress-allow", "127.0.0.1", "--verify-timeout", "300",
                        "--endpoint", f"Amplitude={vendor.url()}", *operations.OPTION)
        before = memory(server)
        vendor.set_delay("never")
        with crowd.Crowd(server, 0) as everyone:
            for number in range(WORST):  # connected last: to sign them all takes longer than a
                request = crowd.signed(server, "UpdateConnectorProfile", worst(2 * number))
                everyone.grow(1)  # connection may be silent
                everyone.send([request], number)
            operations.wait_until(server, lambda settled: settled, lambda server: is_settled(
                server, vendor))
            assert memory(server) - before < 256 * MIB
            vendor.set_delay(0)
            statuses = [answer.status for answer, _ in everyone.answers()]
    assert set(statuses) <= {200, 429} and statuses.count(200) >= 100


def is_settled(server, vendor):
    """Every update waits, for the vendor or for a worker, or was refused."""
    figures = operations.metrics(server)
    refused = figures["headgate_http_refused_total"] + sum(
        count for name, count in figures.items() if name.startswith("headgate_throttled_total"))
    return refused + figures["headgate_workers_queued"] + vendor.figures()["waiting"] >= WORST


def tuple_of(row):
    return row["name"], row["version"]
