#!/usr/bin/env python3
"""Measures the release binary beside its yardsticks: interleaved rounds, medians, ratios.

Absolute figures say little on a shared machine; a ratio of two things measured in turn, in one run,
on the same cores and disk, says more. Prints a table and writes build/bench.json.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import strategies  # noqa: E402
from support import wire  # noqa: E402
from support.programs import find  # noqa: E402

BINARY = ROOT / "build/headgate"
HERE = pathlib.Path(__file__).resolve().parent
CONNECTIONS = 64
PROFILES = 512  # so that requests in flight do not meet at one profile
ACCOUNT = "123456789012"
KEY_ID = "AKIAHEADGATEBENCH001"
KEY_SECRET = "bench/" + "0123456789abcdef" * 2
START_LIMIT_S = 20


class Key:
    id = KEY_ID
    secret = KEY_SECRET


class Server:
    """One `headgate serve`, as support.wire wants it."""

    key = Key

    def __init__(self, directory, *options):
        self.data = pathlib.Path(directory) / "data"
        self.data.mkdir(exist_ok=True)
        self.options = options
        self.answers = []
        self.host = "127.0.0.1"
        if not (self.data / "headgate.db").exists():
            subprocess.run([BINARY, "access-key", "create", "--data", self.data,
                            "--account", ACCOUNT, "--access-key-id", KEY_ID,
                            "--secret-access-key", KEY_SECRET],
                           check=True, stdout=subprocess.DEVNULL)

    def __enter__(self):
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", self.data, "--listen", "127.0.0.1:0", *self.options],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline().decode()
        if "ready" not in line:
            raise SystemExit(f"bench: the server did not start: {line!r}")
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(START_LIMIT_S)

    @property
    def authority(self):
        return f"{self.host}:{self.port}"

    def status(self, name):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise KeyError(name)


def write_requests(path, requests):
    with open(path, "wb") as file:
        for each in requests:
            file.write(b"%d\n" % len(each))
            file.write(each)


def wrk(authority, requests_path, seconds):
    """Requests per second over CONNECTIONS keep-alive connections; every answer must be 200."""
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s",
         HERE / "replay.lua", f"http://{authority}"],
        capture_output=True, text=True, timeout=seconds + 60, check=True,
        env={**os.environ, "HEADGATE_BENCH_REQUESTS": str(requests_path)})
    result = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    requests, duration_us, refused, errors = map(int, result.split()[1:])
    if refused or errors:
        raise SystemExit(f"bench: {refused} answers were not 200, {errors} connections failed")
    return requests / (duration_us / 1e6)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """nginx answering fixed bytes: what a request costs before anything is done for it."""

    def __init__(self, directory, answer):
        self.directory = pathlib.Path(directory) / "nginx"
        self.directory.mkdir()
        self.port = free_port()
        headers = "".join(f'add_header {name} "{value}";\n' for name, value in answer.headers
                          if name.lower() == "x-amzn-requestid")
        (self.directory / "answer.json").write_bytes(answer.body)
        body = answer.body.decode().replace("\\", "\\\\").replace("'", "\\'")
        (self.directory / "nginx.conf").write_text(f"""
daemon off; pid {self.directory}/pid; error_log {self.directory}/error.log;
worker_processes auto; events {{ worker_connections 1024; }}
http {{
    access_log off; default_type application/json; keepalive_requests 1000000000;
    client_body_temp_path {self.directory}/body; proxy_temp_path {self.directory}/proxy;
    fastcgi_temp_path {self.directory}/fastcgi; uwsgi_temp_path {self.directory}/uwsgi;
    scgi_temp_path {self.directory}/scgi;
    server {{ listen 127.0.0.1:{self.port}; location / {{ {headers} return 200 '{body}'; }} }}
}}
""")

    def __enter__(self):
        path = find("nginx")
        self.process = subprocess.Popen([path, "-c", self.directory / "nginx.conf"],
                                        stderr=subprocess.DEVNULL)
        limit = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
        raise SystemExit("bench: nginx did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(START_LIMIT_S)

    @property
    def authority(self):
        return f"127.0.0.1:{self.port}"


def sandbox_config(connector, outcome):
    done = subprocess.run([BINARY, "sandbox", "--list", "--json", "--connector", connector,
                           "--outcome", outcome], capture_output=True, check=True)
    return json.loads(done.stdout)


def create_profiles(server, config, connector):
    for number in range(PROFILES):
        answer = wire.call(server, "CreateConnectorProfile", {
            "connectorProfileName": f"bench-{number}", "connectorType": connector,
            "connectionMode": "Public", "connectorProfileConfig": config})
        if answer.status not in (200, 409):
            raise SystemExit(f"bench: create gave {answer.status} {answer.body!r}")


def signed(server, operation, parameters):
    return wire.signed_request(server, "POST", wire.kebab(operation),
                               json.dumps(parameters).encode())


def describe_requests(server):
    return [signed(server, "DescribeConnectorProfiles", {"connectorProfileNames": ["bench-7"]})]


def update_requests(server, config):
    return [signed(server, "UpdateConnectorProfile", {
        "connectorProfileName": f"bench-{number}", "connectionMode": "Public",
        "connectorProfileConfig": config}) for number in range(PROFILES)]


def build_commits(directory):
    program = pathlib.Path(directory) / "sqlite_commits"
    subprocess.run(["cc", "-O2", "-o", program, HERE / "sqlite_commits.c", "-lsqlite3"], check=True)
    return program


def sqlite_commits(program, directory, seconds):
    done = subprocess.run([program, pathlib.Path(directory) / "yardstick.db", str(seconds)],
                          capture_output=True, text=True, check=True)
    return float(done.stdout)


def interleaved(rounds, *measures):
    """Runs the measures in turn; one list of figures each."""
    figures = [[] for _ in measures]
    for number in range(rounds):
        for measure, into in zip(measures, figures):
            into.append(measure())
        print(f"  round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return figures


def first_signed_answer_ms(directory):
    """From the call of the program to the last byte of its first signed answer."""
    server = Server(directory)
    start = time.perf_counter()
    with server:
        answer = wire.call(server, "DescribeConnectorProfiles",
                           {"connectorProfileNames": ["bench-7"]})
        took = (time.perf_counter() - start) * 1000
        if answer.status != 200:
            raise SystemExit(f"bench: {answer.status} {answer.body!r}")
        return took, server.status("VmRSS") / 1024


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    return (f"{os.cpu_count()} cores, {model}, Linux {platform.release()}, "
            f"SQLite {sqlite3.sqlite_version}, load {os.getloadavg()[0]:.1f} at the start")


def spread(figures):
    return f"{min(figures):,.0f} to {max(figures):,.0f}"


def row(what, figures, unit):
    print(f"  {what:<52} {statistics.median(figures):>12,.1f} {unit:<6} {spread(figures)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2, help="of each measure in a round")
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="bench-", dir=ROOT / "build")
    result = {"machine": machine(), "rounds": options.rounds, "connections": CONNECTIONS}
    print(f"bench: {result['machine']}", file=sys.stderr)
    try:
        measure_all(work, options, result)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    (ROOT / "build/bench.json").write_text(json.dumps(result, indent=2) + "\n")


def measure_all(work, options, result):
    seconds = options.seconds
    commits = build_commits(work)
    config = sandbox_config("Amplitude", "accepted")
    with Server(work, "--sandbox") as server:
        print("bench: profiles", file=sys.stderr)
        create_profiles(server, config, "Amplitude")
        describes = pathlib.Path(work) / "describes"
        updates = pathlib.Path(work) / "updates"
        one = describe_requests(server)
        with wire.Connection(server.host, server.port) as connection:
            answer = connection.exchange(one[0])
        with Nginx(work, answer) as nginx:

            def describe(authority):
                def measure():
                    write_requests(describes, describe_requests(server))
                    return wrk(authority, describes, seconds)
                return measure

            print("bench: describe, nginx", file=sys.stderr)
            ours, theirs = interleaved(options.rounds, describe(server.authority),
                                       describe(nginx.authority))

        def update():
            write_requests(updates, update_requests(server, config))
            return wrk(server.authority, updates, seconds)

        print("bench: update, SQLite", file=sys.stderr)
        changes, yardstick = interleaved(options.rounds, update,
                                         lambda: sqlite_commits(commits, work, seconds))
    print("bench: updates by way of authentication", file=sys.stderr)
    result["strategies"] = strategies.measure(sys.modules[__name__], work, options.rounds, seconds)
    starts = [first_signed_answer_ms(work) for _ in range(max(options.rounds, 5))]
    report(result, ours, theirs, changes, yardstick, starts)


def ratio(ours, theirs):
    """The median of the rounds' own ratios: both sides of each were measured side by side."""
    return statistics.median(a / b for a, b in zip(ours, theirs))


def report(result, ours, theirs, changes, yardstick, starts):
    size = BINARY.stat().st_size / 1024 / 1024
    result.update(
        describe_vs_nginx=round(ratio(ours, theirs), 3),
        update_vs_sqlite=round(ratio(changes, yardstick), 3),
        start_ms=round(statistics.median(ms for ms, _ in starts), 2),
        idle_mib=round(statistics.median(mib for _, mib in starts), 2),
        binary_mib=round(size, 2),
        describe_per_s=ours, nginx_per_s=theirs,
        update_per_s=changes, sqlite_commits_per_s=yardstick)
    print(f"\n{result['machine']}; {result['rounds']} interleaved rounds\n")
    print(f"  {'':<52} {'median':>12} {'':<6} range")
    row(f"signed DescribeConnectorProfiles, {CONNECTIONS} connections", ours, "/s")
    row("nginx answering the same bytes", theirs, "/s")
    row("verified, sealed, durable UpdateConnectorProfile", changes, "/s")
    row("SQLite's own single-row durable commits", yardstick, "/s")
    print()
    for name, aim, text in (
            ("describe_vs_nginx", ">= 0.5", "describe over nginx"),
            ("update_vs_sqlite", ">= 3", "update over SQLite's commits"),
            ("start_ms", "<= 20", "start to first signed answer, ms"),
            ("idle_mib", "<= 10", "idle memory (resident), MiB"),
            ("binary_mib", "<= 3", "stripped binary, MiB")):
        print(f"  {text:<52} {result[name]:>12,.2f}        aim {aim}")
    strategies.report(result["strategies"])


if __name__ == "__main__":
    main()
