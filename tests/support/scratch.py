"""The temporary directory of a run of tests. Whatever a test leaves in it goes with it, also when
the process that would have cleaned up was cut off: whoever started the run removes it.

HEADGATE_KEEP_TMP=1 keeps it, to look at what a failed test left."""

import contextlib
import os
import pathlib
import shutil
import tempfile
import time

VARIABLE = "HEADGATE_TEST_TMP"
REMOVE_S = 10


def remove(directory):
    """Again for a while, since processes that are just ending may still write into it."""
    until = time.monotonic() + REMOVE_S
    while directory.exists() and time.monotonic() < until:
        shutil.rmtree(directory, ignore_errors=True)
        if directory.exists():
            time.sleep(0.1)


@contextlib.contextmanager
def scratch():
    """A new directory, and the environment that makes a child process use it for temporary files.
    Other users may pass through it: PostgreSQL runs as one."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="headgate-"))
    directory.chmod(0o711)
    try:
        yield directory, {"TMPDIR": str(directory), VARIABLE: str(directory)}
    finally:
        if not os.environ.get("HEADGATE_KEEP_TMP"):
            remove(directory)


def of_run():
    """The directory that all processes of this run share, or None outside of a run."""
    path = os.environ.get(VARIABLE)
    return pathlib.Path(path) if path else None


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
