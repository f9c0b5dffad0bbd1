"""Linters: each is one test that passes when its tool finds nothing."""

import concurrent.futures
import os
import subprocess

from runner.report import BUILD, ROOT, Outcome, check, run, tail

LINT_TIMEOUT_S = 600
# How far the analyzer follows a function's paths: a third of what it does by itself, in half of the
# time, where CI has 30 minutes for all. `make lint` leaves it as it is.
CI_ANALYZER = ["-Xclang", "-analyzer-config", "-Xclang", "max-nodes=40000"]
TIDY_FILES = 12  # of one run of clang-tidy, so that all cores have work to the end


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
    words = CI_ANALYZER if os.environ.get("CI") == "true" else []
    options = [f"--extra-arg={word}" for word in words]
    shares = [files[start:start + TIDY_FILES] for start in range(0, len(files), TIDY_FILES)]

    def judge(share):
        command = ["clang-tidy", "--quiet", "-p", BUILD / "asan", *options, *share]
        return run(f"lint-clang-tidy-{files.index(share[0])}", command, LINT_TIMEOUT_S)

    def bad_of(share):
        """Clang 14's analyzer keeps names from one file of a process to the next, and then takes
        some function for va_start: what it finds must be there in the file alone, too."""
        if judge(share)[0] == 0:
            return []
        return [tail(log) for status, log in (judge([file]) for file in share) if status != 0]

    with concurrent.futures.ThreadPoolExecutor(width) as pool:
        bad = [note for notes in pool.map(bad_of, shares) for note in notes]
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


QUICK = [
    ("style: the house's own (tools/tidy.py)", house),
    ("style: clang-format", clang_format),
    ("lint: shellcheck", shellcheck),
    ("lint: pyflakes", python),
]
SLOW = [
    ("lint: cppcheck", cppcheck),
    ("lint: clang-tidy", clang_tidy),
]
