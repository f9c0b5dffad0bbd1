"""Where a request's time goes: microseconds in each stage, as the server itself measures them, and
of the processor's time by thread, as the kernel accounts for it."""

import contextlib
import pathlib
import re
import urllib.request

import load

STAGES = ["signature", "decode", "hand-over", "check", "load", "verify", "seal", "commit",
          "hand-back", "answer"]
NAME = "headgate_stage_duration_seconds"
# Threads by what they are, for those that are many.
THREADS = {"loop": "event loops and sandbox", "worker": "workers", "client": "outbound client",
           "committer": "committer", "checkpointer": "checkpointer"}


def stage_sums(port):
    """{stage: (seconds, requests)} so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = {}
    for stage in STAGES:
        values = [re.search(rf'^{NAME}_{what}{{stage="{stage}"}} (\S+)$', text, re.M)
                  for what in ("sum", "count")]
        found[stage] = tuple(float(each.group(1)) if each else 0 for each in values)
    return found


def processor_ns(pid):
    """{thread: (what it is, nanoseconds since it began)}."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            name = (task / "comm").read_text().strip()
            if name in THREADS:
                spent = int((task / "schedstat").read_text().split()[0])
                found[task.name] = THREADS[name], spent
    return found


def spent_between(before, after):
    """Nanoseconds by what the threads are, of those that are still there."""
    spent = dict.fromkeys(THREADS.values(), 0)
    for thread, (name, ns) in after.items():
        spent[name] += ns - before.get(thread, (name, 0))[1]
    return spent


def measure_one(server, port, path, seconds, connections):
    """Stages and processor time of one kind of request, in microseconds a request."""
    load.wrk(server.authority, path, 1, connections)
    stages, spent = stage_sums(port), processor_ns(server.process.pid)
    rate = load.wrk(server.authority, path, seconds, connections)
    stages_after, spent_after = stage_sums(port), processor_ns(server.process.pid)
    taken = {stage: (after[0] - before[0], after[1] - before[1])
             for (stage, before), after in zip(stages.items(), stages_after.values())}
    return {
        "per_s": round(rate),
        "stages_us": {stage: round(seconds_spent / count * 1e6, 1)
                      for stage, (seconds_spent, count) in taken.items() if count > 0},
        "processor_us": {name: round(ns / 1e3 / (rate * seconds), 1)
                         for name, ns in spent_between(spent, spent_after).items() if ns > 0},
    }


def measure(work, config, seconds):
    """{kind of request: {connections: figures}} on a server of its own."""
    directory = pathlib.Path(work) / "stages"
    directory.mkdir()
    path = directory / "requests"
    port = load.free_port()
    figures = {}
    with load.Server(directory, "--sandbox", "--admin-listen", f"127.0.0.1:{port}") as server:
        load.create_profiles(server, config, path)
        for kind, requests in (("describe", load.describes(server)),
                               ("update", load.updates(server, config))):
            load.write_requests(path, requests)
            figures[kind] = {str(connections): measure_one(server, port, path, seconds, connections)
                             for connections in (1, load.CONNECTIONS)}
    return figures


def report(figures):
    columns = [(kind, connections) for kind in figures for connections in figures[kind]]
    head = "".join(f"{kind + ', ' + connections:>16}" for kind, connections in columns)
    print(f"\n  {'microseconds by stage (kind, connections)':<44}{head}")
    for what, names in (("stages_us", STAGES), ("processor_us", THREADS.values())):
        for name in names:
            cells = [figures[kind][connections][what].get(name) for kind, connections in columns]
            if any(cells):
                print(f"  {name:<44}" + "".join(
                    f"{'' if cell is None else format(cell, ',.1f'):>16}" for cell in cells))
        if what == "stages_us":
            print("  of the processor's time, by thread")
