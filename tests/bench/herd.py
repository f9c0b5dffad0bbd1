"""Many profiles whose renewals become due within one minute, against an OAuth server that is strict
and rate limited (oidc-provider): none of their access tokens may end before it is renewed, and the
renewals come at nearly the rate that the server alone gives, before and after them. Each round has
a server that has learned nothing, and a peer that has seen nothing."""

import json
import shutil
import sqlite3
import statistics
import subprocess
import time

from load import BINARY, HERE, Server, say

PER_S = 300      # what the peer allows; less than it can do, so that the limit is what counts
COUNT = 100_000  # profiles
ALONE_S = 5
LIMIT_S = 900    # of the whole measure
CLIENT, SECRET = "herd-client", "herd-client-secret"
MARGIN_MS = 6 * 60 * 1000  # as fill-profiles has it


class Peer:
    def __init__(self, per_s):
        self.process = subprocess.Popen(
            ["node", HERE / "herd_peer.mjs", CLIENT, SECRET, str(per_s)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port = json.loads(self.process.stdout.readline())["port"]

    def counts(self, anew=False):
        self.process.stdin.write(b"anew\n" if anew else b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def alone(self, seconds, first=0):
        """Renewals a second that it gives to a simple program; `first`: its first token."""
        done = subprocess.run(["node", HERE / "herd_load.mjs", str(self.port), CLIENT, SECRET,
                               str(seconds), str(first)], stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)["per_s"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(60)


def make_profiles(directory, peer, count, fill, due_in):
    lane = f"127.0.0.1:{peer.port} 0000000000000000"
    subprocess.run([fill, "--data", directory / "data", "--count", str(count), "--herd", lane,
                    "--due-in", str(due_in)], check=True, stderr=subprocess.DEVNULL)
    subprocess.run([BINARY, "oauth-app", "set", "--data", directory / "data", "--connector",
                    "Salesforce", "--client-id", CLIENT], input=SECRET.encode() + b"\n",
                   check=True, stdout=subprocess.DEVNULL)


def query(directory, sql):
    with sqlite3.connect(f"file:{directory}/data/headgate.db?mode=ro", uri=True) as database:
        return database.execute(sql).fetchall()


def judge(directory, ends):
    """How many access tokens ended before they were renewed; how many profiles are not fresh."""
    rows = query(directory, "SELECT name, state, renewed_at_ms FROM token_states")
    late = sum(1 for name, _, renewed_ms in rows if not 0 < renewed_ms <= ends[name])
    return late, sum(1 for _, state, _ in rows if state != "fresh")


def renew_all(directory, peer, count):
    """What the peer has counted, when all are renewed or the time is over."""
    server = Server(directory, "--endpoint", f"Salesforce=http://127.0.0.1:{peer.port}",
                    "--egress-allow", "127.0.0.1")
    with server:
        until = time.monotonic() + LIMIT_S
        counts = peer.counts()
        while counts["renewed"] + counts["refused"] < count and time.monotonic() < until:
            time.sleep(1)
            counts = peer.counts()
        while query(directory, "SELECT 1 FROM token_states WHERE renewed_at_ms = 0 LIMIT 1") \
                and time.monotonic() < until:
            time.sleep(0.1)  # for the last commits
    return counts


def run_round(directory, fill, count, per_s):
    directory.mkdir()
    with Peer(per_s) as peer:
        alone = [peer.alone(ALONE_S)]
        make_profiles(directory, peer, count, fill, 5)
        peer.counts(anew=True)
        ends = {name: due_ms + MARGIN_MS for name, due_ms in query(
            directory, "SELECT name, due_at_ms FROM jobs WHERE kind = 'token-keeper'")}
        counts = renew_all(directory, peer, count)
        alone.append(peer.alone(ALONE_S, first=COUNT))
        late, lost = judge(directory, ends)
    shutil.rmtree(directory)
    took_s = (counts["last_ms"] - counts["first_ms"]) / 1000
    say(f"herd: the peer alone gives {alone[0]:.0f} and {alone[1]:.0f} a second, "
        f"to the keeper {counts['renewed'] / took_s:.0f}")
    return {"alone": alone, "per_s": counts["renewed"] / took_s, "took_s": took_s, "late": late,
            "lost": lost, "throttled": counts["throttled"], "refused": counts["refused"]}


def measure(work, fill, count=COUNT, rounds=1, per_s=PER_S):
    found = [run_round(work / f"herd-{at}", fill, count, per_s) for at in range(rounds)]
    alone = statistics.median(each for one in found for each in one["alone"])
    keeper = statistics.median(one["per_s"] for one in found)
    return {"profiles": count, "rounds": rounds, "limit_per_s": per_s,
            "alone_per_s": round(alone, 1), "per_s": round(keeper, 1),
            "ratio": round(keeper / alone, 3), "ratios": [
                round(one["per_s"] / statistics.mean(one["alone"]), 3) for one in found],
            "took_s": [round(one["took_s"], 1) for one in found],
            **{name: sum(one[name] for one in found)
               for name in ("late", "lost", "throttled", "refused")}}


def report(found):
    print(f"\n  {found['profiles']:,} profiles due within a minute, a strict peer that takes "
          f"{found['limit_per_s']} a second, rounds: {found['rounds']}\n"
          f"    alone {found['alone_per_s']}/s, the keeper {found['per_s']}/s, ratio "
          f"{found['ratio']} (at least 0.9), of each round {found['ratios']}, s: "
          f"{found['took_s']}\n"
          f"    ended before they were renewed: {found['late']} (0); not fresh: {found['lost']} "
          f"(0); throttled {found['throttled']}, refused {found['refused']}")
