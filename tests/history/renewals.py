"""Profiles whose tokens the keeper renews while servers die, and what came of each."""

import itertools
import os
import random
import signal
import threading
import time

from support import families, proc

CALLERS = 2
WAIT_S = 60
# A commit takes milliseconds; a kill that much later does not lose what was answered before.
EXPOSED_S = 1.0
DUE = "UPDATE jobs SET due_at_ms = 1, lease_until_ms = 0 WHERE kind = 'token-keeper'" \
      " AND name NOT IN (SELECT name FROM token_states WHERE state = 'needs-reauthorization')"


class Renewals:
    """The store is looked at beside the first of `nodes`; any of them answers requests."""

    def __init__(self, vendor, nodes, seed):
        self.vendor = vendor
        self.nodes = nodes
        self.random = random.Random(f"renewals {seed}")
        self.lost = []       # families whose newest tokens the servers never had
        self.doubted = 0     # renewals whose answer was lost, and that came to a good end
        self.kills = []      # when
        self.over = threading.Event()

    @property
    def families(self):
        return self.vendor.families.values()

    def node(self):
        return self.random.choice([node for node in self.nodes if node.running()])

    def create_all(self):
        for family in self.families:
            self.nodes[0].ok("CreateConnectorProfile", families.create(family))

    # --- load ---

    def call(self, family, credentials=None):
        """A change of the profile; the status, or None where the server died."""
        try:
            return self.node().call("UpdateConnectorProfile",
                                    families.update(family, credentials)).status
        except (OSError, AssertionError, IndexError):
            return None

    def load(self):
        """Threads that use the profiles until `over` is set; returns them."""
        self.over.clear()
        threads = [threading.Thread(target=self.use, args=(number,), daemon=True)
                   for number in range(CALLERS)]
        for thread in threads:
            thread.start()
        return threads

    def use(self, number):
        chance = random.Random(f"{number} {self.random.random()}")
        while not self.over.is_set():
            self.call(chance.choice(list(self.families)))

    def end_load(self, threads):
        """From then on the vendor answers all."""
        self.over.set()
        self.vendor.faults = itertools.repeat(None)
        for thread in threads:
            thread.join(WAIT_S)
            assert not thread.is_alive()

    def wait_for_some(self, most):
        """Until so many token requests have come, at random, and then a moment."""
        for _ in range(self.random.randint(1, most)):
            if not self.vendor.came.acquire(timeout=0.2):
                break
        time.sleep(self.random.random() * 2 * self.vendor.delay_s)

    def forget_requests(self):
        while self.vendor.came.acquire(blocking=False):
            pass

    # --- what came of it ---

    def rows(self):
        rows = self.nodes[0].query("SELECT name, state, reason, words FROM token_states")
        return {row["name"]: row for row in rows}

    def in_doubt(self):
        """Profiles that the keeper gave up, or whose last answer is lost."""
        return [self.vendor.families[name] for name, row in self.rows().items()
                if row["state"] == "needs-reauthorization" or
                row["reason"] in ("reply_lost", "grant_refused")]

    def mend(self, family):
        """What its owner does: waits for the access token's end, and authorizes again where the
        refresh token was replaced by an answer that was lost. The loss must be of such an answer:
        one that the vendor did not send, or that was given about when a server was killed."""
        given_at = family.received
        if family.kind.punishes:  # the access token works to its end
            assert self.call(family) == 200, family.name
        family.access.clear()
        until = time.monotonic() + WAIT_S
        while (status := self.call(family)) not in (200, 401):
            assert time.monotonic() < until, (family.name, status)
        if status == 200:
            self.doubted += 1
            return
        # A vendor that has the request acts, also when its sender is dead.
        nearest_s = min((abs(at - given_at) for at in self.kills), default=WAIT_S)
        assert given_at in family.dropped or nearest_s < EXPOSED_S, \
            (family.name, nearest_s, family.ledger[-3:])
        self.lost.append(family)
        while self.call(family, family.consent()) != 200:
            assert time.monotonic() < until, family.name

    def settle(self):
        """All that is due is renewed; then each profile works by a call, and by a renewal that this
        call makes."""
        until = time.monotonic() + WAIT_S
        while any(job["due_at_ms"] == 1 for job in
                  self.nodes[0].query("SELECT due_at_ms FROM jobs WHERE kind = 'token-keeper'")):
            assert time.monotonic() < until, self.rows()
            time.sleep(0.02)
        for family in self.in_doubt():
            self.mend(family)
        for family in self.families:
            assert self.call(family) == 200, (family.name, self.rows()[family.name])
            family.access.clear()
            assert self.call(family) == 200, (family.name, self.rows()[family.name])

    def harm(self):
        """Lines of the ledger that must not be there."""
        codes = [(family.name, code) for family in self.families
                 for code, times in family.codes.items() if times > 1]
        return codes + list(itertools.chain(*(family.harm() for family in self.families)))


def kill(server, whole):
    """The server alone, or with every process that it started; when."""
    if whole:
        for pid in below(server.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    server.kill()
    return time.monotonic()


def below(pid):
    return list(itertools.chain(*([child, *below(child)] for child in proc.children(pid))))
