"""`headgate sandbox` in a process of its own: stand-ins that outlive the servers that ask them."""

import contextlib
import dataclasses
import pathlib
import re
import subprocess

from support.server import clean_environment, command

STOP_TIMEOUT_S = 60
READY = re.compile(r"127\.0\.0\.1:(\d+).*127\.0\.0\.1:(\d+).*database at port (\d+)")


@dataclasses.dataclass
class Sandbox:
    http_port: int
    tls_port: int
    database_port: int
    ca: pathlib.Path  # of its authority's certificate


@contextlib.contextmanager
def running(directory):
    """One on free ports of loopback, which must end with status 0."""
    directory = pathlib.Path(directory)
    process = subprocess.Popen(
        command("sandbox", "--http", "127.0.0.1:0", "--tls-port", "0", "--database-port", "0",
                "--ca-dir", directory),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=clean_environment())
    try:
        ports = READY.search(process.stdout.readline().decode()).groups()
        yield Sandbox(*map(int, ports), directory / "ca.pem")
        process.terminate()
        assert process.wait(STOP_TIMEOUT_S) == 0
    finally:
        process.kill()
        process.wait(STOP_TIMEOUT_S)
        process.stdout.close()
