"""Linters: each is one test that passes when its tool finds nothing."""

import concurrent.futures
import os
import subprocess

from runner.report import BUILD, ROOT, Outcome, check, run, tail

LINT_TIMEOUT_S = 600


def tracked(*patterns):
    listing = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, check=True,
                             capture_output=True)
    return [name for name in listing.stdout.decode().split("\0")
            if name and (ROOT / name).is_file()]


def linter(name, command):
    status, log = run(f"lint-{name}", command, LINT_TIMEOUT_S)
    return check(status == 0, tail(log))


def clang_format():
    return linter("clang-format",
                  ["clang-format", "--dry-run", "-Werror", *tracked("*.c", "*.h")])


def clang_tidy():
    """Judges by the compile commands of the build with sanitizers, which is clang's."""
    files = tracked("src/*.c", "sandbox/*.c", "connectors/*.c")
    width = max(2, os.cpu_count() or 2)
    shares = [share for share in (files[start::width] for start in range(width)) if share]

    def judge(share):
        return run(f"lint-clang-tidy-{shares.index(share)}",
                   ["clang-tidy", "--quiet", "-p", BUILD / "asan", *share], LINT_TIMEOUT_S)

    with concurrent.futures.ThreadPoolExecutor(width) as pool:
        bad = [tail(log) for status, log in pool.map(judge, shares) if status != 0]
    return Outcome(failed=1, notes=bad) if bad else Outcome(passed=1)


def cppcheck():
    return linter("cppcheck", [
        "cppcheck", "--quiet", "--error-exitcode=1", "--std=c11", "--language=c", "-j2",
        "--enable=warning,performance,portability", "--inline-suppr",
        "--suppress=missingInclude", "--suppress=missingIncludeSystem", "-Isrc", "-I.",
        "-D_GNU_SOURCE", "-D_cleanup_(x)=", "-D_printf_(a,b)=", "src", "sandbox", "connectors"])


def shellcheck():
    scripts = tracked("*.sh", ".ci/run")
    return linter("shellcheck", ["shellcheck", *scripts])


def python():
    return linter("pyflakes", [BUILD / "venv/bin/python", "-m", "pyflakes", *tracked("*.py")])


def house():
    return linter("tidy", ["python3", "tools/tidy.py"])


LINTERS = [
    ("style: the house's own (tools/tidy.py)", house),
    ("style: clang-format", clang_format),
    ("lint: shellcheck", shellcheck),
    ("lint: pyflakes", python),
    ("lint: cppcheck", cppcheck),
    ("lint: clang-tidy", clang_tidy),
]
