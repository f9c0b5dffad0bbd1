"""What verifying costs by way of authentication: updates per second of one connector each, in turn,
against stand-ins that answer at once, and how many calls to the vendor an update makes.

How often a connection was used again comes from the server's own metrics."""

import copy
import pathlib
import re
import statistics
import urllib.request

import load
from support import wire

PROFILES = 512  # so that requests in flight do not meet at one profile

# (what it shows, connector, outcome of the sandbox's list, member that makes credentials differ)
STRATEGIES = [
    ("basic", "Amplitude", "accepted", None),
    ("key in a header", "Singular", "accepted", None),
    ("bearer token", "Zendesk", "accepted", None),
    ("signed request", "Infornexus", "accepted", None),
    ("session: login, probes, end", "Veeva", "accepted", None),
    ("token refreshed at each update", "Salesforce", "accepted-refresh", "refreshToken"),
]


def calls(port):
    """Calls to vendors so far: over a new connection, over one that was there."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = dict(re.findall(r'headgate_client_calls_total\{connection="(\w+)"\} (\d+)', text))
    return int(found.get("new", 0)), int(found.get("reused", 0))


def with_suffix(config, connector, member, suffix):
    """The configuration, with a credential of its own if `member` names one."""
    config = copy.deepcopy(config)
    if member:
        config["connectorProfileCredentials"][connector][member] += suffix
    return config


class Strategy:
    """One connector's profiles and the updates that are sent to them."""

    def __init__(self, server, row):
        self.server = server
        self.words, self.connector, outcome, self.member = row
        self.config = load.sandbox_config(self.connector, outcome)
        self.figures, self.new, self.all = [], 0, 0
        for number in range(PROFILES):
            answer = wire.call(server, "CreateConnectorProfile", {
                "connectorProfileName": f"{self.connector}-{number}", "connectionMode": "Public",
                "connectorType": self.connector,
                "connectorProfileConfig": self.config_of(number, 0)})
            if answer.status != 200:
                raise SystemExit(f"bench: {self.connector}: {answer.status} {answer.body!r}")

    def config_of(self, profile, turn):
        return with_suffix(self.config, self.connector, self.member, f"-{profile}-{turn}")

    def requests(self):
        """Each profile's update, twice where the credentials must not be the stored ones."""
        return [load.signed(self.server, "UpdateConnectorProfile", {
            "connectorProfileName": f"{self.connector}-{number}", "connectionMode": "Public",
            "connectorProfileConfig": self.config_of(number, turn)})
            for turn in ((1, 0) if self.member else (0,)) for number in range(PROFILES)]

    def measure(self, path, seconds, operations_port):
        load.write_requests(path, self.requests())
        new, reused = calls(operations_port)
        rate = load.wrk(self.server.authority, path, seconds)
        new_after, reused_after = calls(operations_port)
        self.figures.append(rate)
        self.new += new_after - new
        self.all += new_after - new + reused_after - reused
        self.seconds = seconds

    def row(self):
        updates = sum(self.figures) * self.seconds
        return {"per_s": round(statistics.median(self.figures), 1),
                "calls_per_update": round(self.all / updates, 2),
                "reused": round(1 - self.new / self.all, 4)}


def measure(work, rounds, seconds):
    """{strategy: figures}, measured in interleaved rounds on a server of their own."""
    path = pathlib.Path(work) / "strategy-requests"
    directory = pathlib.Path(work) / "strategies"
    directory.mkdir()
    port = load.free_port()
    with load.Server(directory, "--sandbox", "--admin-listen", f"127.0.0.1:{port}") as server:
        strategies = [Strategy(server, row) for row in STRATEGIES]
        for _ in range(rounds):
            for strategy in strategies:
                strategy.measure(path, seconds, port)
        return {strategy.words: strategy.row() for strategy in strategies}


def report(figures):
    print(f"\n  {'updates by way of authentication':<40} {'per s':>9} {'calls each':>11} "
          f"{'calls per s':>12} {'reused':>8}")
    for words, row in figures.items():
        print(f"  {words:<40} {row['per_s']:>9,.0f} {row['calls_per_update']:>11.2f} "
              f"{row['per_s'] * row['calls_per_update']:>12,.0f} {row['reused']:>8.2%}")
