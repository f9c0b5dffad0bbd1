"""What /proc shows of a process. Some of a server's files there are root's alone, since the server
turns core dumps off (prctl(2), PR_SET_DUMPABLE)."""

import functools
import os
import pathlib
import subprocess


@functools.cache
def has_sudo():
    """Whether root's files can be read without a password being asked for."""
    try:
        return subprocess.run(["sudo", "-n", "true"], capture_output=True, timeout=10,
                              check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def read(pid, name):
    """A file of a process, as root would see it if that is possible; else None."""
    path = pathlib.Path(f"/proc/{pid}/{name}")
    try:
        return path.read_bytes()
    except PermissionError:
        if not has_sudo():
            return None
        done = subprocess.run(["sudo", "-n", "cat", path], capture_output=True, timeout=10,
                              check=False)
        return done.stdout if done.returncode == 0 else None
    except OSError:
        return None


def children(pid, name=None):
    """Processes whose parent it is, or those of them with this name."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = pathlib.Path(f"/proc/{number}/stat").read_text()
        except OSError:
            continue  # it has ended
        before, after = stat.rsplit(")", 1)
        if int(after.split()[1]) == pid and name in (None, before.partition("(")[2]):
            found.append(int(number))
    return found


def need_environ(server):
    """For tests of what the environment shows: skipped where nobody lets us look."""
    import pytest  # the benchmarks use this module without it
    if server.environ_hidden:
        pytest.skip("/proc/PID/environ of a server is root's alone, and sudo -n does not work here")
