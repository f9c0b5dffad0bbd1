"""The suites: unit programs, pytest's, and half a minute of fuzzing."""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import xml.etree.ElementTree

from runner.builds import SANITIZER_ENV, binary, without_random_addresses
from runner.report import BUILD, LOGS, ROOT, Outcome, check, run, tail
from support import postgres

UNIT_TIMEOUT_S = 240
PYTEST_TIMEOUT_S = 900
HISTORY_TIMEOUT_S = 3600
TOOL_TIMEOUT_S = 60
PEERS_TIMEOUT_S = 1800
AT_ONCE = max(2, os.cpu_count() or 2)
UNITS_AT_ONCE = AT_ONCE + 2  # some of them wait
PYTEST_AT_ONCE = AT_ONCE + 8  # each test has its own server, and most of its time waits for it
FEW_AT_ONCE = 4  # of a small suite that runs beside another one

STORE_PROGRAMS = ("store-batches", "store-claims", "store-connectors", "store-jobs",
                  "credential-events", "flow-runs", "run-objects", "store-profiles", "store-tables",
                  "store-tags", "store-schedules", "store-schedule-clock", "store-writes",
                  "store-token-states", "store-credential-ends",
                  "store-given-up", "tagged-resource", "dispatch")

TAP = re.compile(r"^(ok|not ok) \d+(?: - (.*?))?(?: # (SKIP).*)?$", re.MULTILINE)
TAP_PLAN = re.compile(r"^1\.\.(\d+)$", re.MULTILINE)


def introspect(variant, what):
    answer = subprocess.run(["meson", "introspect", BUILD / variant, f"--{what}"], check=True,
                            capture_output=True, cwd=ROOT)
    return json.loads(answer.stdout)


def unit_program(variant, test, more_env=None):
    """Runs one program and counts the cases it tells; one that tells none is itself the case."""
    name = f"unit-{variant}-{test['name']}{'-postgresql' if more_env else ''}"
    command = test["cmd"]
    if variant in ("asan", "tsan"):
        command = without_random_addresses(command)
    status, log = run(name, command, UNIT_TIMEOUT_S,
                      {**SANITIZER_ENV, **test["env"], "CMOCKA_MESSAGE_OUTPUT": "TAP",
                       **(more_env or {})},
                      test["workdir"] or BUILD / variant)
    outcome, said = Outcome(), log.read_text(errors="replace")
    planned, told = sum(map(int, TAP_PLAN.findall(said))), TAP.findall(said)
    for verdict, _, skip in told:
        if skip:
            outcome.skipped += 1
        elif verdict == "ok":
            outcome.passed += 1
        else:
            outcome.failed += 1
    if status == 0 and not planned and not told:
        outcome.passed = 1
    if outcome.failed == 0 and (status != 0 or len(told) != planned):
        outcome.failed = 1  # it crashed, or ended before its last case
    if outcome.failed:
        outcome.notes.append(f"{test['name']}: exit status {status}\n{tail(log)}")
    return outcome


def unit(variant, suite="unit"):
    """Every unit program of a variant, or those of a suite of tests/unit/meson.build."""
    total = Outcome()
    tests = [test for test in introspect(variant, "tests") if suite in str(test["suite"])]
    tests.sort(key=lambda test: -test["priority"])
    with concurrent.futures.ThreadPoolExecutor(UNITS_AT_ONCE) as pool:
        for outcome in pool.map(lambda test: unit_program(variant, test), tests):
            total += outcome
    if not tests:
        total += Outcome(failed=1, notes=["there is no unit test"])
    return total


def unit_in_postgres(variant):
    """What every store does, in PostgreSQL's."""
    total = Outcome()
    database = postgres.Postgres(False, ["host all owner 127.0.0.1/32 trust"], "")
    try:
        tests = {test["name"]: test for test in introspect(variant, "tests")}
        for name in STORE_PROGRAMS:
            total += unit_program(variant, tests[name], database_env(database, name))
    finally:
        database.close()
    return total


def database_env(database, name):
    database.sql(f"CREATE DATABASE {name.replace('-', '_')}")
    url = f"postgresql://owner@127.0.0.1:{database.port}/{name.replace('-', '_')}"
    return {"HEADGATE_TEST_STORE_URL": url,
            "HEADGATE_TEST_STORE_EMPTY": f"{database.bin / 'psql'} -q '{url}' -c 'SET "
                                         "client_min_messages = error' -c 'DROP SCHEMA IF EXISTS "
                                         "headgate CASCADE'"}


def pytest_suite(variant, folders, keep=None, more_env=None, timeout_s=PYTEST_TIMEOUT_S,
                 options=(), at_once=PYTEST_AT_ONCE):
    """Runs pytest on folders of tests/ against one variant of the server, so many tests at once."""
    store = (more_env or {}).get("HEADGATE_TEST_STORE")
    name = "-".join(["pytest", variant, *folders, *([store] if store else [])])
    result = LOGS / f"{name}.xml"
    result.unlink(missing_ok=True)
    command = [BUILD / "venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-ra",
               "-n", at_once, "--rootdir", "tests", "--tb=short",
               f"--junitxml={result}", *options,
               *(["-m", keep] if keep else []), *[f"tests/{folder}" for folder in folders]]
    env = {**SANITIZER_ENV, "HEADGATE_BINARY": str(binary(variant)), "HEADGATE_VARIANT": variant,
           "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT / "tests"),
           **(more_env or {})}
    status, log = run(name, command, timeout_s, env)
    if not result.exists():
        return Outcome(failed=1, notes=[tail(log)])
    return count_junit(result, status, log)


def fetch_peers():
    """Begins to fetch what the tests of clients need, beside whatever is done meanwhile."""
    return subprocess.Popen(["tools/deps.sh", "peers"], cwd=ROOT, stdin=subprocess.DEVNULL)


def wait_for_peers(peers):
    """The script's own output tells what failed."""
    try:
        return check(peers.wait(PEERS_TIMEOUT_S) == 0)
    finally:
        peers.kill()


def history(updates, kills):
    """What clients saw, what became of tokens and what runs of flows left while nodes were killed,
    until so many updates were acknowledged, and after so many kills. The log tells each run's seed
    and what happened in it."""
    return pytest_suite("release", ["history"],
                        more_env={"HISTORY_UPDATES": str(updates), "HISTORY_KILLS": str(kills)},
                        timeout_s=HISTORY_TIMEOUT_S,
                        options=["-rP", f"--timeout={HISTORY_TIMEOUT_S}"])


def count_junit(result, status, log):
    outcome = Outcome()
    for suite in xml.etree.ElementTree.parse(result).getroot().iter("testsuite"):
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        skipped = int(suite.get("skipped"))
        outcome.notes += [f"{case.get('classname')}.{case.get('name')} failed"
                          for case in suite.iter("testcase")
                          if case.find("failure") is not None or case.find("error") is not None]
        outcome += Outcome(int(suite.get("tests")) - failed - skipped, failed, skipped)
    if status != 0 and outcome.failed == 0:
        outcome.failed = 1
    if outcome.failed:
        outcome.notes.append(tail(log))
    return outcome


def connectors_table(check_only=True):
    """Whether the table in docs/connectors.md says what the client tests just showed; or writes
    it."""
    status, log = run("connectors-table", ["python3", "tools/connectors_table.py",
                                           *(["--check"] if check_only else [])], TOOL_TIMEOUT_S)
    return check(status == 0, tail(log))


def fuzz_target(target, seconds):
    """One target from its seeds; what it finds worth keeping stays in build/ for the next time."""
    name = target.name
    corpus = BUILD / "corpus" / name
    found = BUILD / "fuzz-found"
    corpus.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    seeds = ROOT / "tests/fuzz/corpus" / name.removeprefix("fuzz-")
    command = without_random_addresses([
        target, corpus, *([seeds] if seeds.is_dir() else []), f"-max_total_time={seconds}",
        "-timeout=10", "-rss_limit_mb=2048", f"-artifact_prefix={found}/{name}-"])
    status, log = run(name, command, seconds + 120, SANITIZER_ENV)
    if status == 0:
        return Outcome(passed=1)
    return Outcome(failed=1, notes=[f"{name}: exit status {status}\n{tail(log)}"])


def fuzz(seconds):
    """Every target of the build with sanitizers, for so many seconds of the clock in all."""
    targets = [pathlib.Path(target["filename"][0]) for target in introspect("asan", "targets")
               if target["type"] == "executable" and "tests/fuzz" in target["defined_in"]]
    if not targets:
        return Outcome(failed=1, notes=["there is no fuzz target"])
    each = max(3, seconds * AT_ONCE // len(targets))
    total = Outcome()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for outcome in pool.map(lambda target: fuzz_target(target, each), targets):
            total += outcome
    return total
