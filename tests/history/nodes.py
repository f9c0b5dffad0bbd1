"""Servers that are killed and come back on the same port, and what their audit tells."""

import collections
import os
import time

from history.checker import PROVISIONING
from support.server import ACCOUNT, headgate

SEED = os.environ.get("HISTORY_SEED") or str(time.time_ns() % 10**6)
UPDATES = int(os.environ.get("HISTORY_UPDATES") or 0)  # of a long run; 0: a short one
AUDIT_ROWS_MAX = 100000


def options(vendor):
    """Of a server that finds the vendor, by a private way as well."""
    return ("--egress-allow", "127.0.0.1", "--private-route", f"127.0.0.1={vendor.url}")


class Node:
    def __init__(self, name, server):
        self.name = name
        self.server = server
        self.deaths = []

    def start(self):
        self.server.start()
        self.server.listen = self.server.authority
        return self

    def kill(self):
        """With SIGKILL, in the midst of whatever it does."""
        self.server.kill()
        self.deaths.append(time.monotonic())


def audit_rows(server):
    """How often the audit tells that an operation on a profile succeeded, and that a private
    connection was made or could not be made."""
    told = headgate("audit", *server.place, "--account", ACCOUNT, "--limit", AUDIT_ROWS_MAX)
    rows = [line.split() for line in told.splitlines() if not line.startswith(" ")]
    assert 0 < len(rows) < AUDIT_ROWS_MAX
    return collections.Counter(
        (operation, name) for *_, operation, name, outcome in rows
        if operation == PROVISIONING or outcome == "ok" and operation.endswith("ConnectorProfile"))


def summary(history):
    """What a run was: calls by operation, how their attempts ended, and what was seen beside."""
    counts = collections.Counter()
    for call in history.calls:
        counts[call.operation] += 1
        for attempt in call.attempts:
            counts[attempt.code or attempt.verdict] += 1
        counts.update(shown.state for shown in call.shown.values() if shown.state)
    counts["codes"] = len(history.codes)
    counts["codes shown again"] = sum(len(code.shown) > 1 for code in history.codes.values())
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())
