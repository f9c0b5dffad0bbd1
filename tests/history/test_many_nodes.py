"""Three servers over one PostgreSQL with a synchronous standby, while nodes, primary, standby and
what is between them fail in an order that a seed decides."""

import contextlib
import random

import pytest

from history.checker import findings
from history.cluster import Cluster
from history.faults import Faults
from history.load import Load
from history.nodes import SEED, UPDATES, audit_rows, options, summary
from history.pair import Pair
from history.proxy import Ways
from support import canary, postgres

pytestmark = [
    pytest.mark.skipif(postgres.programs() is None,
                       reason="PostgreSQL is not installed (Debian's package postgresql)"),
    pytest.mark.waits(80),
]

BETWEEN_MOST = 40  # updates from one fault to the next
ALONE_S = 2.0
READ_TIMEOUT_S = 10


@pytest.fixture
def clusters(servers, tmp_path, canaries, vendor):
    """Makes one: clusters(synchronous=…)."""
    with Ways() as ways, contextlib.ExitStack() as made:
        def make(synchronous):
            pair = Pair(ways, synchronous)
            made.callback(pair.close)
            made.callback(search, pair, canaries)
            return Cluster(servers, ways, pair, tmp_path / "keyring", options(vendor))

        yield make


def search(pair, canaries):
    """PostgreSQL's own files, its log and its write-ahead log among them."""
    canaries.assert_absent((str(path), canary.content(path)) for member in pair.members
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
    found = findings(load.history, audit_rows(cluster.nodes[0].server))
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
    found = findings(load.history, audit_rows(cluster.nodes[0].server))
    print(*found, sep="\n")
    assert bool(found) != synchronous
