#!/usr/bin/env python3
"""Measures the release binary beside its yardsticks: interleaved rounds, medians, ratios.

Absolute figures say little on a shared machine; a ratio of two things measured in turn, in one run,
on the same cores and disk, says more. Instructions a request, counted by callgrind, say the same on
any machine. Prints tables and writes build/bench.json."""

import argparse
import base64
import contextlib
import itertools
import json
import pathlib
import shutil
import statistics
import tempfile
import time

import events
import flows
import herd
import instructions
import json_page
import load
import local_calls
import parquet_out
import records
import rotation
import schedules
import sources
import stages
import strategies
import waiting_runs
import yardsticks
from load import BINARY, CONNECTIONS, CONNECTOR, ROOT, Server, interleaved, machine, ratios, say
from support import wire

ONCE = 6000  # creates, deletes, and updates with a client token, in a round

FILL = ROOT / "build/release/tests/bench/fill-profiles"

PROBE = "/api/2/events/list"  # what CONNECTOR's check asks for

# (name, what of ours, what beside it, the ratio that is aimed at)
COMPARISONS = [
    ("describe_vs_nginx", "signed DescribeConnectorProfiles", "nginx, the same bytes", 0.6),
    ("describe_vs_moto", "signed DescribeConnectorProfiles", "moto, GetSecretValue", None),
    ("update_vs_proxy", "verified durable UpdateConnectorProfile", "nginx, the same call", None),
    ("token_vs_proxy", "the update with a client token", "nginx, the same call", None),
    ("create_vs_sqlite", "verified durable CreateConnectorProfile", "SQLite, insert and sync", 4),
    ("delete_vs_sqlite", "durable DeleteConnectorProfile", "SQLite, delete and sync", 4),
    ("update_vs_moto", "verified durable UpdateConnectorProfile", "moto, PutSecretValue", None),
    ("update_vs_pgbench", "the update over PostgreSQL", "pgbench, update", 0.8),
    ("token_vs_pgbench", "the same with a client token", "pgbench, update", None),
    ("create_vs_pgbench", "the create over PostgreSQL", "pgbench, insert", 0.8),
    ("delete_vs_pgbench", "the delete over PostgreSQL", "pgbench, delete", 0.8),
]
LIMITS = [("start_ms", 20, "start to first signed answer, ms"),
          ("idle_mib", 10, "idle memory (resident), MiB"),
          ("binary_mib", 3, "stripped binary, MiB")]


class Bench:
    """What the measures share: where to work, how long, what was found."""

    def __init__(self, work, options):
        self.work = pathlib.Path(work)
        self.path = self.work / "requests"
        self.rounds, self.seconds = options.rounds, options.seconds
        self.herd = (options.herd, options.herd_rounds)
        self.config = load.sandbox_config(CONNECTOR, "accepted")
        self.pairs = {}

    def repeat(self, authority, requests):
        """A measure that sends these requests again and again."""
        def measure():
            load.write_requests(self.path, requests())
            return load.wrk(authority, self.path, self.seconds)
        return measure

    def once(self, server, requests):
        """A measure that sends each of these requests once: `requests(prefix)`, with a prefix that
        no other of the measure's rounds has."""
        rounds = itertools.count()

        def measure():
            load.write_requests(self.path, requests(f"once-{next(rounds)}"))
            return load.send_once(server.port, self.path)
        return measure

    def updates(self, server):
        """Two measures: without client tokens, and with one each, as SDKs send them."""
        return (self.repeat(server.authority, lambda: load.updates(server, self.config)),
                self.once(server, lambda name: load.updates(server, self.config, ONCE, name)))

    def create_and_delete(self, server):
        """Two measures that undo each other, to be made in this order."""
        return (self.once(server, lambda name: load.creates(server, self.config, ONCE, name)),
                self.once(server, lambda name: load.deletes(server, ONCE, name)))

    def keep(self, **figures):
        """name=(ours, theirs), each a list of one figure a round."""
        self.pairs.update(figures)


def measure_reads(bench, server, moto):
    with wire.Connection(server.host, server.port) as connection:
        answer = connection.exchange(load.describes(server)[0])
    say("describe, nginx, moto")
    with yardsticks.nginx(bench.work, answer) as nginx:
        describe = lambda authority: bench.repeat(authority, lambda: load.describes(server))
        ours, theirs, motos = interleaved(
            bench.rounds, describe(server.authority), describe(nginx.authority),
            bench.repeat(moto.server.authority, moto.gets))
    bench.keep(describe_vs_nginx=(ours, theirs), describe_vs_moto=(ours, motos))


def measure_changes(bench, server, moto):
    say("update, create and delete, SQLite, moto")
    update, _ = bench.updates(server)
    create, delete = bench.create_and_delete(server)
    commits = lambda way: lambda: yardsticks.sqlite_commits(bench.work, bench.seconds, way)
    ours, motos, creates, inserts, deletes, removals = interleaved(
        bench.rounds, update, bench.repeat(moto.server.authority, moto.puts),
        create, commits("insert"), delete, commits("delete"))
    bench.keep(update_vs_moto=(ours, motos), create_vs_sqlite=(creates, inserts),
               delete_vs_sqlite=(deletes, removals))


def measure_call_out(bench):
    """An update beside nginx that makes the same call to the same vendor: how near the server is to
    what one call out costs."""
    say("update, nginx as a proxy to the same vendor over TLS")
    directory = bench.work / "call-out"
    directory.mkdir()
    keys = bench.config["connectorProfileCredentials"][CONNECTOR]
    shown = base64.b64encode(f"{keys['apiKey']}:{keys['secretKey']}".encode()).decode()
    with yardsticks.TlsVendor(directory, PROBE, {"Authorization": f"Basic {shown}"}) as vendor, \
            Server(directory, "--endpoint", f"{CONNECTOR}={vendor.url}", "--vendor-ca", vendor.ca,
                   "--egress-allow", "127.0.0.1") as server:
        load.create_profiles(server, bench.config, bench.path)
        update, update_with_token = bench.updates(server)
        proxy = bench.repeat(vendor.proxy.authority, lambda: load.updates(server, bench.config))
        ours, theirs, tokens = interleaved(bench.rounds, update, proxy, update_with_token)
    bench.keep(update_vs_proxy=(ours, theirs), token_vs_proxy=(tokens, theirs))


def measure_over_postgres(bench):
    if not yardsticks.have_postgres() or not has_option("--store"):
        say("PostgreSQL is left out: it is not there, or the binary does not know --store")
        return
    say("update, create and delete over PostgreSQL, pgbench")
    directory = bench.work / "postgres"
    directory.mkdir()
    with yardsticks.Pgbench() as pg, \
            Server(directory, "--sandbox", place=("--store", pg.url)) as server:
        load.create_profiles(server, bench.config, bench.path)
        pgbench = lambda way: lambda: pg.run(way, bench.seconds)
        update, update_with_token = bench.updates(server)
        create, delete = bench.create_and_delete(server)
        ours, updates, tokens, creates, inserts, deletes, removals = interleaved(
            bench.rounds, update, pgbench("update"), update_with_token,
            create, pgbench("insert"), delete, pgbench("delete"))
    bench.keep(update_vs_pgbench=(ours, updates), token_vs_pgbench=(tokens, updates),
               create_vs_pgbench=(creates, inserts), delete_vs_pgbench=(deletes, removals))


def has_option(name):
    done = load.subprocess.run([BINARY, "serve", "--help"], capture_output=True, text=True)
    return name in done.stdout


def first_signed_answer(directory):
    """From the call of the program to the last byte of its first signed answer, in milliseconds;
    and its memory then, in MiB."""
    server = Server(directory)
    start = time.perf_counter()
    with server:
        answer = wire.call(server, "DescribeConnectorProfiles",
                           {"connectorProfileNames": ["bench-7"]})
        took = (time.perf_counter() - start) * 1000
        if answer.status != 200:
            raise SystemExit(f"bench: {answer.status} {answer.body!r}")
        return took, server.status("VmRSS") / 1024


def measure_small_things(bench, result):
    say("start, memory, size")
    starts = [first_signed_answer(bench.work) for _ in range(max(bench.rounds, 7))]
    result.update(start_ms=round(statistics.median(ms for ms, _ in starts), 2),
                  idle_mib=round(statistics.median(mib for _, mib in starts), 2),
                  binary_mib=round(BINARY.stat().st_size / 1024 / 1024, 2))


def measure_all(bench, result, parts):
    if "ratios" in parts:
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(Server(bench.work, "--sandbox"))
            moto = stack.enter_context(yardsticks.Moto(bench.config))
            load.create_profiles(server, bench.config, bench.path)
            measure_reads(bench, server, moto)
            measure_changes(bench, server, moto)
        measure_call_out(bench)
    if "postgres" in parts:
        measure_over_postgres(bench)
    if "strategies" in parts:
        say("updates by way of authentication")
        result["strategies"] = strategies.measure(bench.work, min(bench.rounds, 3), 1)
    if "stages" in parts:
        say("stages")
        result["stages"] = stages.measure(bench.work, bench.config, bench.seconds)
    if "instructions" in parts:
        say("instructions")
        result["instructions"] = instructions.measure(bench.work, bench.config)
    if "rotation" in parts:
        say("rotation of the keyring's key")
        result["rotation"] = rotation.measure(bench.work / "rotation", FILL, min(bench.rounds, 3))
    if "json" in parts:
        say("JSON")
        result["json"] = json_page.measure()
    if "records" in parts:
        say("records")
        result["records"] = records.measure()
    if "parquet" in parts:
        say("Parquet")
        result["parquet_out"] = parquet_out.measure()
    if "flows" in parts:
        say("runs of flows")
        result["flows"] = flows.measure(bench.work)
    if "sources" in parts:
        say("runs of each source")
        result["sources"] = sources.measure(bench.work)
    if "waiting" in parts:
        say("runs that wait for their vendor")
        result["waiting_runs"] = waiting_runs.measure(bench.work)
    if "schedules" in parts:
        say("flows that are due at one time")
        result["schedules"] = schedules.measure(bench.work)
    if "events" in parts:
        say("events of runs")
        result["events"] = events.measure(bench.work)
    if "herd" in parts:
        say("a herd of renewals")
        result["herd"] = herd.measure(bench.work, FILL, *bench.herd)
    if "local" in parts:
        say("local connectors")
        result["local_calls"] = local_calls.measure()
    measure_small_things(bench, result)


def add_pairs(bench, result):
    for name, (ours, theirs) in bench.pairs.items():
        each = ratios(ours, theirs)
        result[name] = round(statistics.median(each), 3)
        result[f"{name}_rounds"] = [round(one, 3) for one in each]
        result[f"{name}_per_s"] = {"ours": [round(one) for one in ours],
                                   "theirs": [round(one) for one in theirs]}


def report(bench, result):
    print(f"\n{result['machine']}; {bench.rounds} interleaved rounds, {CONNECTIONS} connections\n")
    print(f"  {'ours':<40}{'/s':>9}  {'beside':<25}{'/s':>9}{'ratio':>9}  {'from - to':<15} aim")
    for name, ours, theirs, aim in COMPARISONS:
        if name not in bench.pairs:
            continue
        each = ratios(*bench.pairs[name])
        ours_per_s, theirs_per_s = (statistics.median(side) for side in bench.pairs[name])
        print(f"  {ours:<40}{ours_per_s:>9,.0f}  {theirs:<25}{theirs_per_s:>9,.0f}"
              f"{statistics.median(each):>9.2f}  {min(each):>6.2f} - {max(each):<6.2f} "
              f"{aim if aim else ''}")
    for name, limit, words in LIMITS:
        print(f"  {words:<74}{result[name]:>18,.2f}  at most {limit}")
    for part in (stages, instructions, strategies, json_page, records, parquet_out, flows,
                 sources, waiting_runs, schedules, events, local_calls, rotation, herd):
        if part.__name__ in result:
            part.report(result[part.__name__])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each measure in a round")
    parser.add_argument("--herd", type=int, default=herd.COUNT, metavar="N",
                        help="profiles whose renewals become due within a minute")
    parser.add_argument("--herd-rounds", type=int, default=1)
    parts = ["ratios", "postgres", "strategies", "stages", "instructions", "json", "records",
             "parquet", "flows", "sources", "waiting", "schedules", "events",
             "local", "rotation", "herd"]
    parser.add_argument("--only", choices=parts, action="append", help="may be given again")
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="bench-", dir=ROOT / "build")
    begun = time.monotonic()
    result = {"machine": machine(), "versions": yardsticks.versions(), "rounds": options.rounds,
              "connections": CONNECTIONS}
    say(result["machine"])
    try:
        bench = Bench(work, options)
        measure_all(bench, result, options.only or parts)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    add_pairs(bench, result)
    result["took_s"] = round(time.monotonic() - begun)
    report(bench, result)
    (ROOT / "build/bench.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
