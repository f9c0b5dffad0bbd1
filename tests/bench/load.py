"""The server that is measured, and the load that is put on it."""

import functools
import json
import os
import pathlib
import platform
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support import wire  # noqa: E402

BINARY = ROOT / "build/headgate"
HERE = pathlib.Path(__file__).resolve().parent
CONNECTIONS = 64
PROFILES = 2048  # so that requests in flight do not meet at one profile, however long one takes
CONNECTOR = "Amplitude"
ACCOUNT = "123456789012"
KEY_ID = "AKIAHEADGATEBENCH001"
KEY_SECRET = "bench/" + "0123456789abcdef" * 2
START_LIMIT_S = 60


class Key:
    id = KEY_ID
    secret = KEY_SECRET


class Server:
    """One `headgate serve`, as support.wire wants it. `before` are words of a command that runs
    it, `place` the options that say where its data is."""

    key = Key

    def __init__(self, directory, *options, place=(), before=(), binary=None):
        self.data = pathlib.Path(directory) / "data"
        self.data.mkdir(exist_ok=True)
        self.place = ["--data", self.data, *place]
        self.options = options
        self.command = [*before, binary or BINARY]
        self.answers = []
        self.host = "127.0.0.1"
        if place or not (self.data / "headgate.db").exists():
            self.make_key()

    def make_key(self):
        subprocess.run([BINARY, "access-key", "create", *self.place, "--account", ACCOUNT,
                        "--access-key-id", KEY_ID, "--secret-access-key", KEY_SECRET],
                       check=True, stdout=subprocess.DEVNULL)

    def __enter__(self):
        self.process = subprocess.Popen(
            [*self.command, "serve", *self.place, "--listen", "127.0.0.1:0", *self.options],
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


def say(words):
    print(f"bench: {words}", file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- requests ---


def sandbox_config(connector, outcome):
    done = subprocess.run([BINARY, "sandbox", "--list", "--json", "--connector", connector,
                           "--outcome", outcome], capture_output=True, check=True)
    return json.loads(done.stdout)


def signed(server, operation, parameters):
    return wire.signed_request(server, "POST", wire.kebab(operation),
                               json.dumps(parameters).encode())


def describes(server):
    return [signed(server, "DescribeConnectorProfiles", {"connectorProfileNames": ["bench-7"]})]


def updates(server, config, count=PROFILES, tokens=""):
    """With `tokens`, each has a client token of its own, of which this is the beginning."""
    token = lambda number: {"clientToken": f"{tokens}-{number}"} if tokens else {}
    return [signed(server, "UpdateConnectorProfile", {
        "connectorProfileName": f"bench-{number % PROFILES}", "connectionMode": "Public",
        "connectorProfileConfig": config, **token(number)}) for number in range(count)]


def creates(server, config, count=PROFILES, prefix="bench"):
    return [signed(server, "CreateConnectorProfile", {
        "connectorProfileName": f"{prefix}-{number}", "connectorType": CONNECTOR,
        "connectionMode": "Public", "connectorProfileConfig": config}) for number in range(count)]


def deletes(server, count, prefix):
    return [signed(server, "DeleteConnectorProfile", {"connectorProfileName": f"{prefix}-{number}"})
            for number in range(count)]


def write_requests(path, requests):
    with open(path, "wb") as file:
        for each in requests:
            file.write(b"%d\n" % len(each))
            file.write(each)


# --- load ---


def wrk(authority, requests_path, seconds, connections=CONNECTIONS):
    """Requests per second over keep-alive connections; every answer must be 200."""
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s",
         HERE / "replay.lua", f"http://{authority}"],
        capture_output=True, text=True, timeout=seconds + 60, check=True,
        env={**os.environ, "HEADGATE_BENCH_REQUESTS": str(requests_path)})
    result = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    requests, duration_us, refused, errors = map(int, result.split()[1:])
    if refused or errors:
        raise SystemExit(f"bench: {refused} answers were not 200, {errors} connections failed")
    return requests / (duration_us / 1e6)


@functools.cache
def program(name, *libraries):
    """One of the programs in C beside this file, built."""
    folder = ROOT / "build/bench-programs"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-Wall", "-o", folder / name,
                    HERE / f"{name}.c", *libraries], check=True)
    return folder / name


def send_once(port, requests_path, connections=CONNECTIONS):
    """The same with each request sent once, for those that work once."""
    done = subprocess.run([program("send_once"), str(port), str(connections), requests_path],
                          capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise SystemExit(f"bench: send_once: {done.stderr}")
    good, answered, took_s = done.stdout.split()
    if good != answered:
        raise SystemExit(f"bench: {int(answered) - int(good)} answers were not 200")
    return int(good) / float(took_s)


def create_profiles(server, config, path, count=PROFILES):
    write_requests(path, creates(server, config, count))
    send_once(server.port, path)


# --- figures ---


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    return (f"{os.cpu_count()} cores, {model}, Linux {platform.release()}, "
            f"SQLite {sqlite3.sqlite_version}, load {os.getloadavg()[0]:.1f} at the start")


def interleaved(rounds, *measures):
    """Runs the measures in turn; one list of figures each."""
    figures = [[] for _ in measures]
    for number in range(rounds):
        for measure, into in zip(measures, figures):
            into.append(measure())
        print(f"  round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return figures


def ratios(ours, theirs):
    """The rounds' own ratios: both sides of each were measured side by side."""
    return [a / b for a, b in zip(ours, theirs)]


def ratio(ours, theirs):
    return statistics.median(ratios(ours, theirs))


def spread(figures):
    return f"{min(figures):,.0f} to {max(figures):,.0f}"
