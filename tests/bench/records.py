"""Records decoded and encoded: instructions a byte, which are the same on a noisy machine as on a
quiet one, and speed in processor time. docs/internals/records.md has the figures."""

import json
import re
import subprocess
import tempfile

from load import ROOT

BUILD = ROOT / "build/release"
PROGRAM = BUILD / "tests/bench/records"
COUNTED = 4000  # records under valgrind, which is some fifty times slower
JOBS = [("json", "none", "all"), ("json", "json", "all"), ("json", "csv", "all"),
        ("json", "json", "ten"), ("csv", "none", "all"), ("csv", "csv", "all"),
        ("csv", "json", "all")]


def run(job, records, *command):
    source, target, fields = job
    done = subprocess.run([*command, PROGRAM, "--records", str(records), "--from", source,
                           "--to", target, "--fields", fields], check=True, capture_output=True)
    return json.loads(done.stdout), done.stderr.decode()


def count(job):
    """Instructions a byte of input."""
    with tempfile.TemporaryDirectory() as folder:
        figures, log = run(job, COUNTED, "valgrind", "--tool=callgrind",
                           "--toggle-collect=convert_page",
                           f"--callgrind-out-file={folder}/out")
    collected = int(re.search(r"Collected : (\d+)", log).group(1))
    return collected / figures["bytes"], collected / figures["records"]


def measure():
    subprocess.run([ROOT / "tools/build.sh", BUILD, "--buildtype=release", "-Db_lto=true",
                    "-Db_pie=true"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "--quiet", "-C", BUILD, "tests/bench/records"], check=True)
    results = []
    for job in JOBS:
        figures = min((run(job, 200 * 1000)[0] for _ in range(3)), key=lambda one: one["cpu_s"])
        figures["instructions_per_byte"], figures["instructions_per_record"] = count(job)
        results.append(figures)
    return results


def report(results):
    print("\n  records of 25 fields, decoded and encoded")
    for one in results:
        words = f"{one['from']} to {one['to']}, {one['fields']} fields"
        print(f"    {words:<42}{one['mb_s']:>10,.0f} MB/s"
              f"{one['instructions_per_byte']:>8.2f} instructions a byte"
              f"{one['instructions_per_record']:>10,.0f} a record")


if __name__ == "__main__":
    report(measure())
