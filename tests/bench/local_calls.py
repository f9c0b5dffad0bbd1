"""What a call of a local connector costs, beside the same function called in its own process, and
beside the start of a process that only imports what the function needs. Rounds in turn, medians."""

import json
import statistics
import subprocess
import sys
import time

from load import ROOT, ratio

FUNCTION = ROOT / "tests/support/provided.py"
ROUNDS = 3

IMPORTED = """
import json, os, sys, time
sys.path.insert(0, {folder!r})
os.environ["AWS_LAMBDA_RUNTIME_API"] = ""
import provided
"""
IN_PROCESS = IMPORTED + """
begin, count = time.perf_counter(), 20000
for _ in range(count):
    provided.answer_of(None, "id", {{}}, json.loads('{{"a": 1}}'))
print((time.perf_counter() - begin) / count * 1e6)
"""


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def python(program):
    return run(sys.executable, "-c", program.format(folder=str(FUNCTION.parent)))


def started_ms():
    """The shortest of a few, as the program takes the shortest of its cold calls."""
    took = []
    for _ in range(5):
        begin = time.perf_counter()
        python(IMPORTED)
        took.append((time.perf_counter() - begin) * 1000)
    return min(took)


def measure():
    build = ROOT / "build/release"
    subprocess.run([ROOT / "tools/build.sh", build, "--buildtype=release", "-Db_lto=true",
                    "-Db_pie=true"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "--quiet", "-C", build, "tests/bench/local-calls"], check=True)
    program = (build / "tests/bench/local-calls", f"exec {sys.executable} {FUNCTION}")
    rounds = [json.loads(run(*program)) | {"in_process_us": float(python(IN_PROCESS)),
                                           "started_ms": started_ms()} for _ in range(ROUNDS)]
    figures = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}

    def of(name):
        return [each[name] for each in rounds]
    return figures | {
        "cold_vs_start": round(ratio(of("cold_ms"), of("started_ms")), 2),
        "warm_vs_in_process": round(ratio(of("warm_us"), of("in_process_us")), 1),
        "callers_vs_one": round(statistics.median(
            each["calls_per_s"] * each["warm_us"] / 1e6 for each in rounds), 2)}


def report(figures):
    print(f"\n  a local connector in Python, medians of {ROUNDS} rounds{'ratio':>31}")
    print(f"    {'start of its process and first call':<42}{figures['cold_ms']:>10,.1f} ms")
    print(f"    {'  to a process that imports the function':<42}{figures['started_ms']:>10,.1f} ms"
          f"{figures['cold_vs_start']:>15,.2f}")
    print(f"    {'call of a warm process':<42}{figures['warm_us']:>10,.0f} us")
    print(f"    {'  to the same function in one process':<42}{figures['in_process_us']:>10,.1f} us"
          f"{figures['warm_vs_in_process']:>15,.1f}")
    callers = f"calls a second, {figures['callers']:.0f} callers"
    print(f"    {callers:<42}{figures['calls_per_s']:>10,.0f}")
    print(f"    {'  to one caller':<55}{figures['callers_vs_one']:>15,.2f}")
