"""Instructions a request, counted by valgrind's callgrind: the same on a noisy machine as on a
quiet one, so that a change can be judged by them. The kernel's are not among them, and a byte that
is wiped or copied counts as one where the processor needs far less.

One request follows the other over one connection; what is counted is dumped before and after, so
that the start of the server is not in it. The binary is built without link-time optimization, so
that functions keep their names."""

import collections
import pathlib
import re
import subprocess

import load
from load import ROOT
from support import wire

BINARY = ROOT / "build/bench/headgate"
REQUESTS = 200
WARM = 20
NAMES = 20  # profiles that the requests take in turn

# What is counted of a stage: instructions inside of these functions, without those inside of the
# functions after them. "accept" and "check" are what is left of the event loop and the worker.
STAGES = {
    "signature": (["authenticator_verify"], []),
    "decode": (["route_find", "route_decode_input"], []),
    "load": (["profile_find", "profile_list"], []),
    "outbound call": (["client_call", "loop_main"], []),
    "seal": (["profile_seal", "profile_unseal", "profile_unseal_same"], []),
    "commit": (["store_apply", "batch_commit"], []),
    "encode": (["describe_connector_profiles"], ["profile_list"]),
    "answer": (["http_respond"], []),
}
# A thread is known by what only it does.
THREADS = {"outbound client": "loop_main", "committer": "batch_commit", "worker": "run_on_worker",
           "event loop": "service_handle", "sandbox": "catalog_find"}


class Profile:
    """One file of callgrind's: a thread's instructions between two dumps."""

    def __init__(self, path):
        self.names = {}
        self.own = collections.Counter()  # by function, without what it called
        self.inside = collections.Counter()  # by function, with it
        self.by_object = collections.Counter()
        self._read(path)

    def _name(self, kind, text):
        """Names are written once, then numbered."""
        number, _, name = text.partition(" ")
        if not number.startswith("("):
            return text
        if name:
            self.names[kind, number] = name
        return self.names[kind, number]

    def _read(self, path):
        function = found_in = ""
        called = False
        for line in path.read_text().splitlines():
            key, equals, value = line.partition("=")
            if equals and key in ("fn", "cfn"):
                name = self._name("fn", value).split("'")[0]
                function = name if key == "fn" else function
            elif equals and key in ("ob", "cob"):
                name = self._name("ob", value)
                found_in = name if key == "ob" else found_in
            elif equals and key in ("fl", "fi", "fe", "cfi", "cfl"):
                self._name("fl", value)
            elif equals and key == "calls":
                called = True
            elif re.match(r"[+\-*\d]", line):
                cost = int(line.split()[1])
                self.inside[function] += cost
                if not called:
                    self.own[function] += cost
                    self.by_object[pathlib.Path(found_in).name.split(".so")[0]] += cost
                called = False

    @property
    def total(self):
        return sum(self.own.values())

    def sum_inside(self, functions):
        return sum(self.inside[function] for function in functions)


def thread_of(profile):
    return next((name for name, function in THREADS.items() if profile.inside[function]), None)


def figures_of(profiles):
    """Of one kind of request: in all, by stage, by thread and by library, each a request."""
    threads, stages, libraries = (collections.Counter() for _ in range(3))
    for profile in profiles:
        name = thread_of(profile) or "others"
        threads[name] += profile.total
        if name == "sandbox":
            continue
        libraries.update(profile.by_object)
        within = {stage: profile.sum_inside(functions) - profile.sum_inside(but)
                  for stage, (functions, but) in STAGES.items()}
        stages.update(within)
        if name == "event loop":
            stages["accept"] += profile.total - sum(within.values())
        elif name == "worker":
            stages["check"] += profile.total - sum(within.values())
    ours = sum(threads.values()) - threads["sandbox"]
    each = lambda counter: {name: round(count / REQUESTS) for name, count in counter.most_common()
                            if count >= REQUESTS * 50}
    return {"instructions": round(ours / REQUESTS), "stages": each(stages),
            "threads": each(threads), "libraries": each(libraries)}


def dump(server, name):
    done = subprocess.run(["vgdb", f"--pid={server.process.pid}", "dump", name],
                          capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise SystemExit(f"bench: vgdb: {done.stderr}")


def build():
    subprocess.run([ROOT / "tools/build.sh", BINARY.parent, "--buildtype=release", "-Db_lto=false",
                    "-Db_pie=true", "-Dc_args=-g"], check=True, stdout=subprocess.DEVNULL)


def kinds(server, config):
    """Requests of each kind; those that work once have names of their own."""
    many = REQUESTS + WARM
    return {
        "describe": load.describes(server) * many,
        "update": load.updates(server, config, NAMES) * (many // NAMES + 1),
        "create": load.creates(server, config, many, "new"),
        "delete": load.deletes(server, many, "new"),
    }


def send(connection, requests):
    for each in requests:
        answer = connection.exchange(each)
        if answer.status != 200:
            raise SystemExit(f"bench: {answer.status} {answer.body!r}")


def start(directory):
    """Of a server with data: from its start to its first signed answer and its end. An own bundle
    of certificates is checked at the start, which costs ten times as much as all else."""
    found = []
    for number in range(2):
        count = directory / f"start{number}"
        before = ["env", "-u", "SSL_CERT_FILE", "-u", "SSL_CERT_DIR", "-u", "CURL_CA_BUNDLE",
                  "valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={count}"]
        with load.Server(directory, before=before, binary=BINARY) as server, \
                wire.Connection(server.host, server.port) as connection:
            send(connection, load.describes(server)[:1])
        found.append(Profile(count))
    return {"instructions": found[1].total, "stages": {}, "threads": {},
            "libraries": dict(found[1].by_object.most_common(6))}


def measure(work, config):
    """{kind of request: figures}, and those of one start."""
    build()
    directory = pathlib.Path(work) / "instructions"
    directory.mkdir()
    valgrind = ["valgrind", "-q", "--tool=callgrind", "--separate-threads=yes",
                f"--callgrind-out-file={directory}/count"]
    found = {}
    with load.Server(directory, "--sandbox", before=valgrind, binary=BINARY) as server, \
            wire.Connection(server.host, server.port) as connection:
        send(connection, load.creates(server, config, NAMES))
        for number, (kind, requests) in enumerate(kinds(server, config).items()):
            send(connection, requests[:WARM])
            dump(server, "before")
            send(connection, requests[WARM:WARM + REQUESTS])
            dump(server, kind)
            found[kind] = [Profile(path) for path in directory.glob(f"count.{2 * number + 2}-*")]
    starting = pathlib.Path(work) / "starting"
    starting.mkdir()
    return {**{kind: figures_of(profiles) for kind, profiles in found.items()},
            "start": start(starting)}


def report(figures):
    head = "".join(f"{kind:>12}" for kind in figures)
    print(f"\n  {'instructions a request, or a start (callgrind)':<46}{head}")
    print(f"  {'in all, without the sandbox':<46}" +
          "".join(f"{each['instructions']:>12,}" for each in figures.values()))
    for what in ("stages", "threads", "libraries"):
        print(f"  by {what[:-1].replace('librarie', 'library')}")
        names = collections.Counter()
        for each in figures.values():
            names.update(each[what])
        for name, _ in names.most_common():
            cells = [each[what].get(name) for each in figures.values()]
            print(f"    {name:<44}" + "".join(
                f"{'' if cell is None else format(cell, ','):>12}" for cell in cells))
