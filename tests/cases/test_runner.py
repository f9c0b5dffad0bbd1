"""A run of tests leaves nothing in the temporary directory, even where it is cut off, and shows how
a finding begins; `make help` needs nothing that a minimal Debian lacks."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

from runner import report
from support.server import ROOT

pytestmark = [pytest.mark.embedded, pytest.mark.as_users_run_it]

# Leaves a directory and a process that goes on writing into it, and is then cut off.
CUT_OFF = """
import os, subprocess, tempfile
directory = tempfile.mkdtemp()
subprocess.Popen(["sh", "-c", 'while mkdir -p "$0" && echo >>"$0/file"; do sleep 0.01; done',
                  directory])
while not os.path.exists(directory + "/file"):
    pass
os.kill(os.getpid(), 9)
"""

PLUGIN = """
from support.scratch import Scratch

def pytest_configure(config):
    config.pluginmanager.register(Scratch())
"""

CRASHING_TEST = """
import os, pathlib, tempfile
import pytest

@pytest.mark.parametrize("number", range(4))
def test_of_a_worker_that_is_cut_off(number, tmp_path):
    (tmp_path / "file").write_text("left")
    pathlib.Path(tempfile.mkdtemp(prefix="headgate-postgres-"), "data").write_text("left")
    os._exit(9)
"""


def test_a_suite_that_is_cut_off_leaves_nothing(tmp_path, monkeypatch):
    temporary, logs = tmp_path / "temporary", tmp_path / "logs"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(report, "LOGS", logs)
    status, _ = report.run("cut-off", [sys.executable, "-c", CUT_OFF], 60)
    assert status == -9
    assert list(temporary.iterdir()) == []


def test_a_suite_that_takes_too_long_leaves_nothing(tmp_path, monkeypatch):
    temporary, logs = tmp_path / "temporary", tmp_path / "logs"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(report, "LOGS", logs)
    status, _ = report.run("late", ["sh", "-c", "mktemp; exec sleep 60"], 1)
    assert status is None
    assert list(temporary.iterdir()) == []


def test_the_start_of_a_sanitizers_report_is_shown(tmp_path, monkeypatch):
    """Its end, which a log ends with, does not say what met."""
    monkeypatch.setattr(report, "ROOT", tmp_path)
    log = tmp_path / "log"
    log.write_text("".join(["passed\n"] * 9 + ["WARNING: ThreadSanitizer: data race (pid=1)\n"]
                           + [f"frame {number}\n" for number in range(200)]))
    shown = report.tail(log, 20).splitlines()
    assert shown[0].startswith("WARNING: ThreadSanitizer") and shown[1] == "frame 0"
    assert shown[-2:] == ["frame 199", "whole log: log"] and len(shown) == 41
    assert len(report.tail(log, 300).splitlines()) == 211


def test_workers_that_are_cut_off_leave_nothing(tmp_path):
    """pytest by itself, without the runner: its first process cleans up."""
    temporary, tests = tmp_path / "temporary", tmp_path / "tests"
    temporary.mkdir()
    tests.mkdir()
    (tests / "conftest.py").write_text(PLUGIN)
    (tests / "test_crash.py").write_text(CRASHING_TEST)
    env = {name: value for name, value in os.environ.items()
           if not name.startswith(("PYTEST", "HEADGATE_TEST_TMP"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", tests],
        env={**env, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True, text=True, timeout=60, cwd=tests)
    assert done.returncode == 1 and "crashed" in done.stdout, done.stdout
    assert list(temporary.iterdir()) == []


def test_make_help_needs_no_more_than_awk(tmp_path):
    for name in ("sh", "awk"):
        (tmp_path / name).symlink_to(pathlib.Path(shutil.which(name)).resolve())
    done = subprocess.run([shutil.which("make"), "help"], cwd=ROOT, capture_output=True, text=True,
                          env={"PATH": str(tmp_path)}, timeout=60)
    assert done.returncode == 0, done.stderr
    for target in ("run", "build", "test", "lint", "clean"):
        assert f"\n  make {target} " in "\n" + done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
