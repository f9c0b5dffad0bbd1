#!/usr/bin/env python3
"""Measures the release binary at the size that one machine must hold: many profiles, many idle
connections, many updates that wait for vendors at once. What is compared is measured in turn, in
one run; prints medians and ratios, and writes build/scale.json.

    make bench SCALE=1
    python3 tests/bench/scale.py --profiles 20000 --connections 1000 --updates 300    # a small one
"""

import argparse
import contextlib
import itertools
import json
import multiprocessing
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import schedules
import yardsticks
from load import ROOT, Server, interleaved, machine, ratio, signed, write_requests, wrk
from support import background, crowd, operations, wire

FEW = 1000  # profiles of the store that the large one is compared with
NAMES = 20000  # random ones, of a round
RECENT_S = 0.02  # between two looks at the server's memory
READER_REST_S = 0.002
ALONE = 1000  # describes one after the other, of a round
GOOD = 100  # updates of a vendor that answers, while another hangs
ONE_ACCOUNT = ("--account-updates", "8192")  # may have all workers and all of the queue
FILL = ROOT / "build/release/tests/bench/fill-profiles"


def filled(work, name, count):
    """A data directory with so many profiles; its path, and how long it took."""
    directory = pathlib.Path(work) / name
    directory.mkdir()
    start = time.monotonic()
    subprocess.run([FILL, "--data", directory / "data", "--count", str(count)], check=True)
    took = time.monotonic() - start
    Server(directory).make_key()
    return directory, took


def memory(server):
    """MiB: what is the server's alone, and all that is resident, pages of files among it."""
    return server.status("RssAnon") / 1024, server.status("VmRSS") / 1024


def started(directory):
    """From the call of the program to its first signed answer, ms; then its memory."""
    start = time.perf_counter()
    with Server(directory) as server:
        answer = wire.call(server, "DescribeConnectorProfiles", describe_of(0))
        took = (time.perf_counter() - start) * 1000
        if answer.status != 200:
            raise SystemExit(f"scale: {answer.status} {answer.body!r}")
        return took, *memory(server)


def describe_of(number):
    return {"connectorProfileNames": [f"fill-{number:09d}"]}


def read_once(directory):
    """Leaves the database in the system's memory, which drops what was not used for a while: what
    the disk takes to read it is not measured."""
    with open(directory / "data/headgate.db", "rb") as file:
        while file.read(2 ** 20):
            pass


def describes(server, directory, path, profiles, seconds):
    """Describes a second, of random names."""
    def measure():
        read_once(directory)
        numbers = [random.randrange(profiles) for _ in range(NAMES)]
        write_requests(path, [signed(server, "DescribeConnectorProfiles", describe_of(number))
                              for number in numbers])
        return wrk(server.authority, path, seconds)
    return measure


def latency(server, directory, profiles):
    """Median of describes of random names one after the other, in microseconds."""
    def measure():
        figures = []
        read_once(directory)
        with wire.Connection(server.host, server.port) as connection:
            for _ in range(ALONE):
                request = signed(server, "DescribeConnectorProfiles",
                                 describe_of(random.randrange(profiles)))
                start = time.perf_counter()
                connection.exchange(request)
                figures.append((time.perf_counter() - start) * 1e6)
        return statistics.median(figures)
    return measure


def measure_profiles(work, options, result):
    few, _ = filled(work, "few", FEW)
    many, took = filled(work, "many", options.profiles)
    starts = interleaved(options.rounds, lambda: started(few), lambda: started(many))
    path = pathlib.Path(work) / "requests"
    with Server(few) as small, Server(many) as large:
        ours, yardstick = interleaved(
            options.rounds, describes(large, many, path, options.profiles, options.seconds),
            describes(small, few, path, FEW, options.seconds))
        alone, alone_few = interleaved(options.rounds, latency(large, many, options.profiles),
                                       latency(small, few, FEW))
        after_few, after_many = memory(small), memory(large)
    result["profiles"] = {
        "count": options.profiles, "fill_s": took,
        "database_bytes": (many / "data/headgate.db").stat().st_size,
        "start_ms": [each[0] for each in starts[1]],
        "start_ratio": ratio([each[0] for each in starts[1]], [each[0] for each in starts[0]]),
        "describe_per_s": ours, "describe_ratio": ratio(ours, yardstick),
        "latency_us": alone, "latency_ratio": ratio(alone, alone_few),
        "memory_mib": after_many, "memory_of_few_mib": after_few,
        "bytes_a_profile": (after_many[0] - after_few[0]) * 2 ** 20 / options.profiles}
    return many


# --- connections ---


def measure_connections(directory, work, options, result):
    """Idle ones have each made a request before. The same server is measured with and without."""
    path = pathlib.Path(work) / "requests"
    with Server(directory, *operations.OPTION, "--trusted-address", "127.0.0.1") as server:
        measure = describes(server, directory, path, options.profiles, options.seconds)
        one = signed(server, "DescribeConnectorProfiles", describe_of(1))
        bare, before, idle, kept = [], [], [], []
        for _ in range(options.rounds):
            bare.append(measure())
            before.append(memory(server)[0])
            with crowd.Crowd(server, 0) as everyone:
                for number in range(0, options.connections, 500):
                    everyone.grow(500)
                    everyone.exchange([one] * 500, number)
                kept.append((memory(server)[0] - before[-1]) * 1024 / options.connections)
                idle.append(measure())
                answered = everyone.exchange([one] * options.connections)
                if any(each is None or each[0].status != 200 for each in answered):
                    raise SystemExit("scale: idle connections were closed")
    result["connections"] = {"count": options.connections, "kib_a_connection": kept,
                             "describe_ratio": ratio(idle, bare)}


# --- updates that wait ---


class Watch(background.Repeated):
    """The most memory that a server has over a while."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.most = [0, 0]

    def step(self):
        self.most = [max(pair) for pair in zip(self.most, memory(self.server))]
        self.ended.wait(RECENT_S)


def read_on(ports, requests, results):
    """Describes one after the other, of each port in turn, until told to end; sends when each
    began and took, a list for each port."""
    figures = [[] for _ in ports]
    with contextlib.ExitStack() as opened:
        connections = [opened.enter_context(wire.Connection("127.0.0.1", port)) for port in ports]
        results.send("ready")
        for turn in itertools.cycle(range(len(ports))):
            if results.poll(READER_REST_S):
                break
            began = time.monotonic()
            answer = connections[turn].exchange(random.choice(requests))
            figures[turn].append((began, time.monotonic() - began))
            if answer.status != 200:
                raise SystemExit(f"scale: {answer.status} {answer.body!r}")
    results.send(figures)


class Reader:
    """Reads from a process of its own, so that what else the load generator does is no delay: of
    the server and, in turn with it, of one that answers the same and does nothing for it. What
    slows both down is the machine."""

    def __init__(self, server, other, profiles):
        requests = [signed(server, "DescribeConnectorProfiles",
                           describe_of(random.randrange(profiles))) for _ in range(1000)]
        self.pipe, end = multiprocessing.Pipe()
        self.process = multiprocessing.Process(
            target=read_on, args=((server.port, other.port), requests, end))

    def __enter__(self):
        self.process.start()
        self.pipe.recv()
        return self

    def __exit__(self, *_):
        self.pipe.send("end")
        self.ours, self.others = self.pipe.recv()
        self.process.join()


def p99_between(figures, start, end):
    """Of the reads that began in between, in ms."""
    return p99([took * 1000 for began, took in figures if start <= began < end])


def p99(figures):
    return sorted(figures)[int(len(figures) * 0.99)]


def update_of(number):
    """Every other profile is Amplitude's."""
    return {"connectorProfileName": f"fill-{2 * number:09d}", "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"Amplitude": {}},
                "connectorProfileCredentials": {
                    "Amplitude": {"apiKey": "bench-key", "secretKey": "bench-secret"}}}}


def burst(server, everyone):
    """All updates at once, each over its own connection."""
    requests = [signed(server, "UpdateConnectorProfile", update_of(number))
                for number in range(len(everyone.sockets))]
    start = time.monotonic()
    everyone.send(requests)
    answers = everyone.answers()
    end = max(when for _, when in answers)
    bad = [answer for answer, _ in answers if answer.status != 200]
    if bad:
        raise SystemExit(f"scale: {len(bad)} updates failed: {bad[0].body!r}")
    return {"start": start, "end": end, "took_s": end - start}


def same_answers(directory, work):
    """A server of the bytes that a describe gets."""
    with Server(directory) as server:
        answer = wire.call(server, "DescribeConnectorProfiles", describe_of(0))
    return yardsticks.nginx(work, answer)


def measure_updates(directory, work, options, result):
    """Bursts, each after a while in which only the reader reads."""
    delay_s = options.vendor_s
    with same_answers(directory, work) as nginx, crowd.SlowVendors(delay_s) as vendors, \
            Server(directory, "--egress-allow", "127.0.0.1", "--endpoint",
                   f"Amplitude={vendors.url()}", *ONE_ACCOUNT) as server, \
            crowd.Crowd(server, options.updates) as everyone, Watch(server) as watch:
        bursts, quiet = [], []
        with Reader(server, nginx, options.profiles) as reader:
            for _ in range(options.rounds):
                start = time.monotonic()
                time.sleep(2 * delay_s)
                quiet.append((start, time.monotonic()))
                bursts.append(burst(server, everyone))
        peak = vendors.figures()["peak"]
    result["updates"] = {
        "count": options.updates, "vendor_s": delay_s, "at_once": peak,
        "took_s": [each["took_s"] for each in bursts],
        "most_memory_mib": watch.most,
        **reads_compared(reader.ours, quiet, bursts, delay_s),
        "nginx": reads_compared(reader.others, quiet, bursts, delay_s)}


def reads_compared(figures, quiet, bursts, delay_s):
    """p99 of reads before each burst, in it, and while all of it waits: from when the last has
    come to the vendor until the first is answered by it."""
    quiet_p99 = [p99_between(figures, *each) for each in quiet]
    busy_p99 = [p99_between(figures, each["start"], each["end"]) for each in bursts]
    waiting_p99 = [p99_between(figures, each["end"] - delay_s, each["start"] + delay_s)
                   for each in bursts]
    return {"quiet_p99_ms": quiet_p99, "busy_p99_ms": busy_p99, "waiting_p99_ms": waiting_p99,
            "read_p99_ratio": ratio(busy_p99, quiet_p99),
            "waiting_p99_ratio": ratio(waiting_p99, quiet_p99)}


# --- a vendor that hangs ---


def good_update(number, url):
    return {"connectorProfileName": f"good-{number}", "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"ServiceNow": {"instanceUrl": url}},
                "connectorProfileCredentials": {
                    "ServiceNow": {"username": "bench-user", "password": "bench-password"}}}}


def one_after_the_other(server, requests):
    """Updates, or whatever they are, a second over one connection."""
    start = time.monotonic()
    with wire.Connection(server.host, server.port) as connection:
        for request in requests:
            answer = connection.exchange(request)
            if answer.status != 200:
                raise SystemExit(f"scale: {answer.status} {answer.body!r}")
    return len(requests) / (time.monotonic() - start)


def measure_hanging(directory, options, result):
    """Updates of a good vendor, one after the other, while another hangs and while it does not."""
    with crowd.SlowVendors("never", 0) as vendors, \
            Server(directory, "--egress-allow", "127.0.0.1", "--endpoint",
                   f"Amplitude={vendors.url(0)}", "--verify-timeout", "300",
                   *ONE_ACCOUNT, *operations.OPTION) as server:
        for number in range(GOOD):
            create = {**good_update(number, vendors.url(1)), "connectorType": "Servicenow"}
            wire.call(server, "CreateConnectorProfile", create)

        def measure():
            return one_after_the_other(server, [
                signed(server, "UpdateConnectorProfile", good_update(number, vendors.url(1)))
                for number in range(GOOD)])

        calm, hanging = [], []
        for _ in range(options.rounds):
            calm.append(measure())
            vendors.set_delay("never", 0)
            with crowd.Crowd(server, options.updates) as everyone:
                everyone.send([signed(server, "UpdateConnectorProfile", update_of(number))
                               for number in range(options.updates)])
                while vendors.figures(0)["waiting"] < options.updates:
                    time.sleep(RECENT_S)
                hanging.append(measure())
                vendors.set_delay(0, 0)
                everyone.answers()
    result["hanging"] = {"count": options.updates, "update_ratio": ratio(hanging, calm)}


def line(what, value, aim=""):
    print(f"  {what:<60} {value:>14} {aim}")


def report(result):
    profiles, connections = result["profiles"], result["connections"]
    updates, hanging = result["updates"], result["hanging"]
    median = statistics.median
    print(f"\n{result['machine']}; {result['rounds']} interleaved rounds, medians\n")
    line(f"{profiles['count']:,} profiles: written by the tool in",
         f"{profiles['fill_s']:.1f} s")
    line("  database", f"{profiles['database_bytes'] / 2 ** 20:,.0f} MiB")
    line("  start to first signed answer", f"{median(profiles['start_ms']):.1f} ms", "aim 2,000")
    line(f"  the same over a store of {FEW:,}", f"{profiles['start_ratio']:.2f}")
    line("  describes by random name", f"{median(profiles['describe_per_s']):,.0f} /s")
    line(f"  the same over a store of {FEW:,}", f"{profiles['describe_ratio']:.2f}", "aim 0.8")
    line("  latency of one at a time, the same", f"{profiles['latency_ratio']:.2f}", "aim 1.2")
    line("  memory of its own, all that is resident",
         "{:.1f}, {:.1f} MiB".format(*profiles["memory_mib"]))
    line(f"  more than with {FEW:,}, a profile", f"{profiles['bytes_a_profile']:.1f} B",
         "aim 1,024")
    line(f"{connections['count']:,} idle connections: memory of each",
         f"{max(connections['kib_a_connection']):.2f} KiB")
    line("  describes a second, over those without them",
         f"{connections['describe_ratio']:.2f}")
    line(f"{updates['count']:,} updates at once, each vendor call {updates['vendor_s']:g} s",
         f"{median(updates['took_s']):.2f} s", "aim: little more")
    line("  that waited at the same time", f"{updates['at_once']:,}")
    line("  most memory of its own, and resident",
         "{:.0f}, {:.0f} MiB".format(*updates["most_memory_mib"]), "aim 256")
    line("  p99 of reads while all wait, over that before",
         f"{updates['waiting_p99_ratio']:.1f}", "aim 3")
    line("  the same from the first request to the last answer",
         f"{updates['read_p99_ratio']:.1f}")
    line("  both of nginx, of the same bytes at the same time",
         ", ".join(f"{updates['nginx'][name]:.1f}" for name in (
             "waiting_p99_ratio", "read_p99_ratio")))
    line("  p99 of reads before, while all wait, of both together",
         ", ".join(f"{median(updates[name]):.1f}" for name in (
             "quiet_p99_ms", "waiting_p99_ms", "busy_p99_ms")) + " ms")
    line(f"{hanging['count']:,} updates hang: updates elsewhere, over those without",
         f"{hanging['update_ratio']:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profiles", type=int, default=1000000)
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--vendor-s", type=float, default=1, help="that the vendor takes")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each measure in a round")
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="scale-", dir=ROOT / "build")
    result = {"machine": machine(), "rounds": options.rounds}
    print(f"scale: {result['machine']}", file=sys.stderr)
    try:
        many = measure_profiles(work, options, result)
        measure_connections(many, work, options, result)
        measure_updates(many, work, options, result)
        measure_hanging(many, options, result)
        result["schedules"] = schedules.measure(pathlib.Path(work), ("many",))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    (ROOT / "build/scale.json").write_text(json.dumps(result, indent=2) + "\n")
    report(result)
    schedules.report(result["schedules"])


if __name__ == "__main__":
    main()
