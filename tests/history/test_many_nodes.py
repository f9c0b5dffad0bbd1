"""Three servers over one PostgreSQL with a synchronous standby, while nodes, primary, standby and
what is between them fail in an order that a seed decides."""

import contextlib
import random

import pytest

from history.checker import findings
from history.faults import Faults
from history.load import Load
from history.nodes import SEED, UPDATES, Node, audit_rows, options, summary
from history.pair import DATABASE, USER, Pair
from history.proxy import Ways
from support import canary, postgres
from support.database import Elsewhere

pytestmark = [
    pytest.mark.skipif(postgres.programs() is None,
                       reason="PostgreSQL is not installed (Debian's package postgresql)"),
    pytest.mark.waits(80),
]

NAMES = ("one", "two", "three")
BETWEEN_MOST = 40  # updates from one fault to the next
ALONE_S = 2.0
READ_TIMEOUT_S = 10
URL = "postgresql://{user}@{hosts}/{database}?target_session_attrs=read-write&connect_timeout=2"


def url(ways):
    """Both members of the pair; whichever takes writes is meant."""
    hosts = ",".join(f"127.0.0.1:{way.port}" for way in ways)
    return URL.format(user=USER, hosts=hosts, database=DATABASE)


class Cluster:
    """The three nodes over a pair."""

    def __init__(self, servers, ways, pair, keyring, vendor):
        self.pair = pair
        self.ways = {name: [ways.to(each.port) for each in pair.members] for name in NAMES}
        for at, member in enumerate(pair.members):
            member.ways = [each[at] for each in self.ways.values()]
        self.nodes = []
        for name in NAMES:
            server = servers(*options(vendor), start=False, make_key=False)
            # By ways of its own to both members of the pair, whose files are searched apart.
            server.database = Elsewhere("--store", url(self.ways[name]), "--keyring", keyring)
            self.nodes.append(Node(name, server))
        self.key = self.nodes[0].server.make_key("AKIAHEADGATETEST0001", "test-key")
        for node in self.nodes:
            node.start()

    def findings(self, history):
        return findings(history, audit_rows(self.nodes[0].server))


@pytest.fixture
def clusters(servers, tmp_path, canaries, vendor):
    """Makes one: clusters(synchronous=…)."""
    with Ways() as ways, contextlib.ExitStack() as made:
        def make(synchronous):
            pair = Pair(ways, synchronous)
            made.callback(pair.close)
            made.callback(search, pair, canaries)
            return Cluster(servers, ways, pair, tmp_path / "keyring", vendor)

        yield make


def search(pair, canaries):
    """PostgreSQL's own files, its log and its write-ahead log among them."""
    canaries.assert_absent((str(path), path.read_bytes()) for member in pair.members
                           for path in canary.files_below(member.directory))


def test_whatever_fails(clusters, stand_ins, vendor):
    cluster = clusters(synchronous=True)
    print(f"HISTORY_SEED={SEED}")
    chance = random.Random(SEED)
    with Load(cluster.nodes, cluster.key, stand_ins, vendor, SEED, READ_TIMEOUT_S) as load:
        faults = Faults(load, cluster.pair, cluster.nodes, cluster.ways, SEED)
        while load.count < UPDATES or len(faults.happened) < len(faults.kinds):
            load.wait_for(chance.randint(1, BETWEEN_MOST))
            faults.one()
        load.wait_for(BETWEEN_MOST)
    load.look_at_end()
    print(f"{', '.join(faults.happened)} ({faults.let_in} of the dead let clients in): "
          f"{summary(load.history)}")
    found = cluster.findings(load.history)
    print(*found, sep="\n")
    assert found == []


@pytest.mark.parametrize("synchronous", [True, False])
def test_what_keeps_the_acknowledged(clusters, stand_ins, vendor, synchronous):
    """The primary dies while its standby is behind. Without synchronous replication what it
    acknowledged alone is lost, and found to be; with it, it acknowledged nothing alone."""
    print(f"HISTORY_SEED={SEED}")
    cluster = clusters(synchronous)
    with Load(cluster.nodes, cluster.key, stand_ins, vendor, SEED, READ_TIMEOUT_S) as load:
        faults = Faults(load, cluster.pair, cluster.nodes, cluster.ways, SEED)
        load.wait_for(BETWEEN_MOST)
        faults.kill_primary_ahead(lambda: load.wait_for(
            BETWEEN_MOST, at_most_s=ALONE_S if synchronous else None))
        cluster.pair.rebuild()
        load.wait_for(BETWEEN_MOST)
    load.look_at_end()
    found = cluster.findings(load.history)
    print(*found, sep="\n")
    assert bool(found) != synchronous
