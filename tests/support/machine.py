"""A machine that systemd runs, in namespaces, with the units of packaging/ installed, enabled."""

import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import time
import uuid

from support import wire
from support.server import ACCOUNT, BINARY, ROOT, Key

SYSTEMD = pathlib.Path("/usr/lib/systemd/systemd")
TIMEOUT_S = 120
CANNOT = 77
CLONE_NEWNET = 0x40000000
UNSHARE = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--net",
           "--cgroup", "--propagation", "private"]


def cgroups():
    """Where the version of control groups is mounted that needs no controllers, or None."""
    mounts = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    found = [words[1] for words in mounts if words[2] == "cgroup2"]
    return pathlib.Path(found[0]) if found else None


def why_not():
    """Why there can be no such machine here, or None."""
    if os.geteuid() != 0:
        return "only root can make one"
    if not SYSTEMD.exists() or not shutil.which("unshare") or not shutil.which("nsenter"):
        return "systemd or util-linux are not installed"
    return None if cgroups() else "there are no control groups of version 2"


class CannotBe(Exception):
    """The kernel or whoever confines us does not let us make one."""


class Machine:
    """Speaks to the test as support.server.Server does: wire.call and the like work on it, inside
    of `network()`."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.group = cgroups() / f"headgate-test-{uuid.uuid4().hex}"
        self.host, self.port = "127.0.0.1", 8620
        self.authority = f"{self.host}:{self.port}"
        self.answers = []
        self.key = None
        self.started = None
        self.init = None

    def __enter__(self):
        mount = self.directory / "machine"
        mount.mkdir()
        self._try_out()
        log = open(self.directory / "console", "wb")
        self.started = subprocess.Popen(
            [*UNSHARE, ROOT / "tests/support/machine.sh", mount, ROOT / "packaging", BINARY],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=self._enter_group)
        log.close()
        try:
            self.wait_for(lambda: self.run("systemctl", "is-active", "headgate", check=False)
                          .strip() == "active")
        except BaseException:
            self.__exit__()
            raise
        self.key = self._first_key()
        return self

    def _try_out(self):
        try:
            self.group.mkdir()
        except OSError as error:
            raise CannotBe(str(error)) from None
        done = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, timeout=TIMEOUT_S)
        if done.returncode != 0:
            self.group.rmdir()
            raise CannotBe(done.stderr)

    def _enter_group(self):
        (self.group / "cgroup.procs").write_text("0")

    def console(self):
        return (self.directory / "console").read_text(errors="replace")

    def wait_for(self, condition):
        until = time.monotonic() + TIMEOUT_S
        while not condition():
            if self.started.poll() == CANNOT:
                raise CannotBe(self.console()[-300:])
            assert self.started.poll() is None and time.monotonic() < until, self.console()[-3000:]
            time.sleep(0.05)

    def _find_init(self):
        """The process that is systemd, once it is."""
        path = pathlib.Path(f"/proc/{self.started.pid}/task/{self.started.pid}/children")
        for child in path.read_text().split():
            if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return child
        return None

    def run(self, *words, check=True):
        """A command on the machine; what it prints."""
        self.init = self.init or self._find_init()
        if not self.init:
            return ""
        done = subprocess.run(
            ["nsenter", "-t", self.init, "-m", "-p", "-u", "-i", "-n", "-C", *words],
            capture_output=True, text=True, timeout=TIMEOUT_S)
        assert done.returncode == 0 or not check, (words, done.stdout, done.stderr)
        return done.stdout

    def _first_key(self):
        text = self.run("cat", "/var/lib/headgate/credentials")
        return Key(*[re.search(rf"{name} *= *(\S+)", text).group(1)
                     for name in ("aws_access_key_id", "aws_secret_access_key")], ACCOUNT)

    def enter_network(self):
        """Sockets that this thread makes from now on are the machine's."""
        with open(f"/proc/{self.init}/ns/net", "rb") as network:
            assert ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET) == 0

    @contextlib.contextmanager
    def network(self):
        with open("/proc/thread-self/ns/net", "rb") as own:
            self.enter_network()
            try:
                yield
            finally:
                assert ctypes.CDLL(None).setns(own.fileno(), CLONE_NEWNET) == 0

    def call(self, operation, parameters=None, **kwargs):
        return wire.call(self, operation, parameters, **kwargs)

    def __exit__(self, *_):
        self.started.kill()  # what it has started goes with it
        self.started.wait(TIMEOUT_S)
        until = time.monotonic() + TIMEOUT_S
        for folder, _, _ in os.walk(self.group, topdown=False):
            while True:  # a group may be left when its last process is gone
                try:
                    os.rmdir(folder)
                    break
                except OSError:
                    assert time.monotonic() < until
                    time.sleep(0.02)
