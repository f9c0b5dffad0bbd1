"""Runs of flows on servers that are killed at random moments: what each run leaves is byte for byte
what an undisturbed run leaves, its manifest is true, and nothing else is left."""

import contextlib
import os
import random
import signal
import threading
import time

import pytest

from history import flows
from history.cluster import Cluster
from history.flow_load import FlowLoad
from history.nodes import SEED, UPDATES, Node
from history.pair import Pair
from history.proxy import Ways
from support import postgres

# Of a long test, which ends after so many seconds at the latest; 0: a short one.
KILLS = int(os.environ.get("HISTORY_KILLS") or (1000 if UPDATES else 0))
KILLS_S = float(os.environ.get("HISTORY_KILLS_S") or 1500)
SHORT_KILLS, SHORT_S = 15, 5
COPIES = 3     # of each flow, in a long test of three nodes
BETWEEN = 4    # kills from one other fault to the next
FROZEN_S = 2.0
# Most of what lies between two pages must get done between two kills, and short tests have kills.
MOMENT_MOST_S = 4.0 if KILLS else 0.7


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with flows.place(tmp_path_factory.mktemp("place")) as each:
        yield each


class Kills:
    """Counts them, until there are enough or the time is over."""

    def __init__(self, load, nodes):
        self.load = load
        self.nodes = nodes
        self.chance = random.Random(f"kills {SEED}")
        self.until = time.monotonic() + (KILLS_S if KILLS else SHORT_S)
        self.count = 0

    def is_enough(self):
        self.load.check()
        return self.count >= (KILLS or SHORT_KILLS) or time.monotonic() > self.until

    def a_moment(self, most_s):
        """More often a short one."""
        threading.Event().wait(self.chance.random() ** 2 * min(most_s, MOMENT_MOST_S))

    def one(self, most_s, dead_s=0, nodes=None):
        node = self.chance.choice(nodes or self.nodes)
        self.a_moment(most_s)
        node.kill()
        self.a_moment(dead_s)
        node.start()
        self.count += 1


def told(load, kills):
    print(f"HISTORY_SEED={SEED}: {kills.count} kills, {load.count} runs, {load.canceled} of "
          f"them canceled; the longest undisturbed one took {load.longest_s:.2f} s")


def test_one_node(servers, place):
    server = servers(*place.options(), env=place.env, start=False)
    node = Node("one", server).start()
    made = flows.definitions(1)
    flows.create(server, made)
    load = FlowLoad([node], place, made, SEED)
    load.learn()
    kills = Kills(load, [node])
    with load:
        while not kills.is_enough():
            kills.one(2 * load.longest_s)
        load.wait_for(len(made))
    told(load, kills)
    load.look_at_end()
    assert server.query("SELECT * FROM jobs WHERE kind = 'flow-run'") == []
    assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


class More:
    """What else happens to the nodes, each of it over when its function returns."""

    def __init__(self, load, cluster, kills):
        self.load = load
        self.cluster = cluster
        self.kills = kills
        self.kinds = [self.failover, self.freeze, self.take]

    def one(self):
        self.kills.chance.choice(self.kinds)()

    def failover(self):
        """The primary dies together with a node."""
        node = self.kills.chance.choice(self.cluster.nodes)
        pair = self.cluster.pair
        pair.primary.kill()
        node.kill()
        pair.promote()
        node.start()
        pair.rebuild()

    def freeze(self):
        """For longer than its leases last."""
        node = self.kills.chance.choice(self.cluster.nodes)
        node.server.process.send_signal(signal.SIGSTOP)
        self.cluster.free_runs()
        self.kills.one(0, nodes=[each for each in self.cluster.nodes if each != node])
        self.load.wait_for(2, at_most_s=FROZEN_S)
        node.server.process.send_signal(signal.SIGCONT)

    def take(self):
        """From nodes that work on them. One that begins looks for what is free."""
        self.cluster.free_runs()
        self.kills.one(0)


@pytest.mark.skipif(postgres.programs() is None,
                    reason="PostgreSQL is not installed (Debian's package postgresql)")
@pytest.mark.waits(10)
def test_three_nodes(servers, tmp_path, place):
    with Ways() as ways, contextlib.closing(Pair(ways)) as pair:
        cluster = Cluster(servers, ways, pair, tmp_path / "keyring", place.options(), place.env)
        made = flows.definitions(COPIES if KILLS else 1)
        flows.create(cluster.nodes[0].server, made)
        load = FlowLoad(cluster.nodes, place, made, SEED)
        load.learn()
        kills = Kills(load, cluster.nodes)
        more = More(load, cluster, kills)
        with load:
            while not kills.is_enough():
                for _ in range(BETWEEN):
                    kills.one(load.longest_s, dead_s=load.longest_s)
                more.one()
            cluster.free_runs()
            kills.one(0)
            load.wait_for(len(made))
        told(load, kills)
        load.look_at_end()
        for node in cluster.nodes:
            node.server.stop()
