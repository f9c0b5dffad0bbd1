"""One server over its embedded store, killed at random moments while clients change profiles."""

import random
import threading

from history.checker import findings
from history.load import Load
from history.nodes import SEED, UPDATES, Node, audit_rows, options, summary

GOAL = UPDATES or 800
BETWEEN_MOST = 250  # updates from one kill to the next
EARLY_S = 0.02


def test_killed_again_and_again(servers, stand_ins, vendor):
    print(f"HISTORY_SEED={SEED}")
    chance = random.Random(SEED)
    server = servers(*options(vendor), start=False)
    node = Node("one", server).start()
    with Load([node], server.key, stand_ins, vendor, SEED) as load:
        while load.count < GOAL:
            load.wait_for(chance.randint(1, BETWEEN_MOST))
            # Not always just when an answer has come.
            threading.Event().wait(chance.random() * EARLY_S)
            node.kill()
            node.start()
    load.look_at_end()
    load.history.deaths = {node.name: node.deaths}
    print(f"{len(node.deaths)} kills: {summary(load.history)}")
    assert len(node.deaths) >= GOAL // BETWEEN_MOST
    assert server.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    found = findings(load.history, audit_rows(server))
    print(*found, sep="\n")
    assert found == []
