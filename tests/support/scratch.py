"""The temporary directory of a run of tests. Whatever a test leaves in it goes with it, also when
the process that would have cleaned up was cut off: whoever started the run removes it.

HEADGATE_KEEP_TMP=1 keeps it, to look at what a failed test left. Databases lie in memory where
there is room for them: what hundreds of them write to a disk takes half of a run's processor time.
"""

import contextlib
import os
import pathlib
import re
import shutil
import tempfile
import time

VARIABLE = "HEADGATE_TEST_TMP"
IN_MEMORY = "HEADGATE_TEST_MEMORY"
MEMORY = pathlib.Path("/dev/shm")
MEMORY_LEAST = 8 << 30  # bytes that are free, and of memory that is available
REMOVE_S = 10


def remove(directory):
    """Again for a while, since processes that are just ending may still write into it."""
    until = time.monotonic() + REMOVE_S
    while directory.exists() and time.monotonic() < until:
        shutil.rmtree(directory, ignore_errors=True)
        if directory.exists():
            time.sleep(0.1)


def has_memory():
    """Whether databases may lie there."""
    available = re.search(r"^MemAvailable: +(\d+) kB$", pathlib.Path("/proc/meminfo").read_text(),
                          re.M)
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK) or not available:
        return False
    files = os.statvfs(MEMORY)
    return min(files.f_bavail * files.f_frsize, 1024 * int(available[1])) >= MEMORY_LEAST


def make(where):
    """Other users may pass through it: PostgreSQL runs as one."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="headgate-", dir=where))
    directory.chmod(0o711)
    return directory


@contextlib.contextmanager
def scratch():
    """A new directory, and the environment that makes a child process use it, and one in memory,
    for temporary files."""
    made = [make(None)]
    if has_memory():
        made.append(make(MEMORY))
    try:
        yield made[0], {"TMPDIR": str(made[0]), VARIABLE: str(made[0]), IN_MEMORY: str(made[-1])}
    finally:
        for directory in made if not os.environ.get("HEADGATE_KEEP_TMP") else []:
            remove(directory)


def of_run():
    """The directory that all processes of this run share, or None outside of a run."""
    path = os.environ.get(VARIABLE)
    return pathlib.Path(path) if path else None


def for_database():
    """Where to make the directory of a database; None: where other temporary files are."""
    return os.environ.get(IN_MEMORY)


class Scratch:
    """A pytest plugin: the process that starts the others makes the directory and removes it,
    unless the runner of all suites does so."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        if not of_run():
            _, env = self.stack.enter_context(scratch())
            os.environ.update(env)
            tempfile.tempdir = None  # it was read from the environment before

    def pytest_unconfigure(self):
        self.stack.close()
