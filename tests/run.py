#!/usr/bin/env python3
"""Runs groups of suites, such as tests/run.py lint test, and ends with one line that counts all.

`make test`, `make lint`, `make fuzz`, `make history`, `make connectors` and .ci/run install what is
needed and then come here."""

import argparse
import sys

from runner import builds, lint, suites
from runner.report import Report

FUZZ_SMOKE_S = 24
# Tests in which threads meet over a node's own connections to PostgreSQL. Nodes that share one, and
# everything over the store in a file, run under the thread sanitizer in the suite before.
THREADS_IN_POSTGRES = "test_private_share or client_tokens or database_writer"
IN_POSTGRES = {"HEADGATE_TEST_STORE": "postgresql"}
# Rows of a parametrized test send other bytes through the same code and threads: sanitizers see the
# first of each, the release build all.
FIRST_ROW = ("--rows-max=1",)
# One client at a time, or none: no threads meet that do not in the other tests.
ONE_BY_ONE = ("test_cases or test_commands or test_check or test_signature or test_audit"
              " or test_tags or test_least_privilege or test_company_network or test_sessions"
              " or test_references or test_previous_credentials or test_sandbox_lists or test_demo"
              " or (test_old_tokens and not at_once)")
HISTORY_UPDATES = 10000
HISTORY_KILLS = 1000


def run_lint(report):
    if report.suite("build: clang, address and undefined sanitizers", builds.build, "asan"):
        for title, function in lint.QUICK:
            report.suite(title, function)
        for title, function in lint.SLOW:
            report.start_behind(title, function)


def run_fuzz(report, seconds):
    if report.suite("build: clang, address and undefined sanitizers", builds.build, "asan"):
        report.suite(f"fuzz: every target, {seconds} s in all", suites.fuzz, seconds)


def run_history(report, updates, kills):
    if report.suite("build: gcc, release", builds.build, "release"):
        report.suite(f"history: {updates} updates, {kills} kills", suites.history, updates, kills)


def fetched(peers):
    """The suite that waits for them."""
    return "peers: what clients need, fetched", suites.wait_for_peers, peers


def run_connectors(report):
    """Only the tests that show something of connectors, then the table from what they showed."""
    report.suite(*fetched(suites.fetch_peers()))
    if report.suite("clients: what shows connectors", suites.pytest_suite, "release", ["clients"],
                    "shows"):
        report.suite("docs: the table of connectors, anew", suites.connectors_table, False)


def run_test(report):
    """Tests wait for much of their time: the variant that is tested last is built meanwhile."""
    peers = suites.fetch_peers()
    threads = report.start_behind("build: gcc, thread sanitizer", builds.build, "tsan")
    built = {variant: report.suite(f"build: {words}", builds.build, variant) for variant, words in (
        ("release", "gcc, release"), ("faults", "gcc, with fault points"),
        ("asan", "clang, address and undefined sanitizers"))}
    if built["faults"]:
        report.suite("unit tests: what sanitizers leave out", suites.unit, "faults", "plain")
    if built["asan"]:
        report.suite("unit tests: asan", suites.unit, "asan")
        report.suite("unit tests: asan, in PostgreSQL", suites.unit_in_postgres, "asan")
    report.suite(*fetched(peers))
    if built["release"]:
        test_release(report)
    if built["asan"]:
        report.together(
            ("cases: asan, in PostgreSQL", suites.pytest_suite, "asan", ["cases"], "not embedded",
             {"more_env": IN_POSTGRES, "options": FIRST_ROW}),
            ("cases: asan, not in PostgreSQL", suites.pytest_suite, "asan", ["cases"],
             "embedded or shared", {"at_once": suites.FEW_AT_ONCE}))
    if threads.result():
        test_threads(report)
    if built["faults"]:
        report.suite("crash: killed at every fault point", suites.pytest_suite, "faults", ["crash"])
    if built["asan"]:
        report.suite(f"fuzz: every target, {FUZZ_SMOKE_S} s in all", suites.fuzz, FUZZ_SMOKE_S)


def test_release(report):
    report.suite("cases, and nodes killed under load: release", suites.pytest_suite,
                 "release", ["cases", "history"])
    report.suite("clients: release", suites.pytest_suite, "release", ["clients"])
    report.suite("docs: the table of connectors", suites.connectors_table)
    report.suite("scale: many of everything", suites.pytest_suite, "release", ["scale"])


def test_threads(report):
    report.suite("unit tests: tsan", suites.unit, "tsan")
    report.together(
        ("cases: tsan", suites.pytest_suite, "tsan", ["cases"],
         {"options": (*FIRST_ROW, "-k", f"not ({ONE_BY_ONE})")}),
        ("cases: tsan, threads over PostgreSQL", suites.pytest_suite, "tsan", ["cases"],
         "not embedded",
         {"more_env": IN_POSTGRES, "options": (*FIRST_ROW, "-k", THREADS_IN_POSTGRES),
          "at_once": suites.FEW_AT_ONCE}))


def main():
    parser = argparse.ArgumentParser(description="runs groups of suites and counts")
    parser.add_argument("groups", nargs="+",
                        choices=["lint", "test", "fuzz", "connectors", "history"])
    parser.add_argument("--seconds", type=int, default=FUZZ_SMOKE_S, help="for fuzz: in all")
    parser.add_argument("--updates", type=int, default=HISTORY_UPDATES, help="for history")
    parser.add_argument("--kills", type=int, default=HISTORY_KILLS,
                        help="for history: of each test that counts them")
    arguments = parser.parse_args()
    report = Report()
    try:
        run_groups(report, arguments)
    except BaseException:
        report.abandon()
        raise
    return report.close()


def run_groups(report, arguments):
    if "lint" in arguments.groups:
        run_lint(report)
    if "test" in arguments.groups:
        run_test(report)
    if "connectors" in arguments.groups:
        run_connectors(report)
    if "fuzz" in arguments.groups:
        run_fuzz(report, arguments.seconds)
    if "history" in arguments.groups:
        run_history(report, arguments.updates, arguments.kills)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nstopped")
