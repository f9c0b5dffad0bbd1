"""Ports for servers that a test starts."""

import fcntl
import functools
import os
import pathlib
import random
import socket
import tempfile

TRIES = 1000


@functools.cache
def _locks():
    """A file in which each port is a byte: the process that locks it has the port until it ends."""
    path = pathlib.Path(tempfile.gettempdir()) / f"headgate-test-ports-{os.geteuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


_taken = set()  # a process's own locks do not keep it out


def _lock(port):
    try:
        fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port():
    """A port below those that the kernel gives to outgoing connections and to whatever asks for any
    port. No other process of the tests gets it while this one lives: nothing takes it between this
    look and its use, or while its server starts again."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    choose = random.SystemRandom()
    for _ in range(TRIES):
        port = choose.randrange(lowest // 2, lowest)
        if port not in _taken and _lock(port) and _is_free(port):
            _taken.add(port)
            return port
    raise AssertionError(f"none of {TRIES} ports below {lowest} is free")
