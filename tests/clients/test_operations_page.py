"""Runs the commands of docs/operations.md and docs/network.md unchanged, except for the words that
stand for a directory, a file or a number, which are filled in."""

import os
import re
import shutil
import subprocess

import pytest

from support import postgres
from support.server import ACCOUNT, BINARY, ROOT

PAGE = (ROOT / "docs/operations.md").read_text()
NETWORK = (ROOT / "docs/network.md").read_text()
TIMEOUT_S = 60
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE + NETWORK, re.S | re.M)
IN_TEXT = re.findall(r"`(headgate \S[^`…]* --data DIR[^`…]*)`", PAGE)


def block(*marks):
    """The lines of the only block with these words."""
    found, = (each for each in BLOCKS if all(mark in each for mark in marks))
    return found


def commands(text):
    return [line for line in text.splitlines() if line.startswith("headgate")]


@pytest.fixture
def shell(tmp_path):
    """Runs a line in a shell that has `headgate` in its PATH."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/headgate").symlink_to(BINARY)

    def run(line, **words):
        for word, value in words.items():
            line = re.sub(rf"\b{word}\b", str(value), line)
        return subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, timeout=TIMEOUT_S, check=True,
            cwd=tmp_path, input="client-secret\n",
            env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}).stdout
    return run


def test_the_commands_beside_a_server(servers, shell, canaries):
    server = servers()
    canaries.add("client-secret")
    create, create_in_file, show, delete = commands(block("access-key create", "access-key delete"))
    shell(create, DIR=server.data)
    made = shell(create_in_file, DIR=server.data, FILE="key").split()[-1]
    assert len(shell(show, DIR=server.data).splitlines()) == 3
    for session in commands(block("access-key session --data DIR")):
        assert "ASIA" in shell(session, DIR=server.data, ID=made)
    shell(delete, DIR=server.data, ID=made)
    assert made not in shell(show, DIR=server.data)
    shell(block("access-key create", "--names"), DIR=server.data)
    app, = commands(block("oauth-app set"))
    shell(app, DIR=server.data, ID="app-1")
    assert "app-1" in shell("headgate oauth-app list --data DIR", DIR=server.data)


def test_backup_restore_check_and_audit(servers, shell):
    """In the page's order of use, with the server stopped where the page says so."""
    server = servers()
    lines = {line.split()[1]: line for line in IN_TEXT}
    assert set(lines) == {"backup", "restore", "check", "audit"}
    words = {"DIR": server.data, "FILE": "copy.db", "N": ACCOUNT}
    shell(lines["backup"], **words)
    assert "no problems found" in shell(lines["check"], **words)
    shell(lines["audit"], **words)
    server.stop()
    for path in server.data.glob("headgate.db*"):
        path.rename(f"{path}.away")
    shell(lines["restore"], **words)
    assert "no problems found" in shell(lines["check"], **words)
    server.start()


@pytest.mark.parametrize("marks", [("--tls-cert", "--keyring"), ("--private-route",),
                                   ("--vendor-ca", "--proxy")])
def test_a_server_s_options(shell, tmp_path, marks):
    """With addresses and directories of this machine, until the server is ready and is stopped."""
    postgres.make_certificates(tmp_path, "localhost")
    (tmp_path / "server.crt").rename(tmp_path / "cert.pem")
    (tmp_path / "server.key").rename(tmp_path / "key.pem")
    shutil.copy(tmp_path / "cert.pem", tmp_path / "company-ca.pem")
    serve = re.sub(r"/etc/headgate|/var/lib", str(tmp_path), block(*marks, "headgate serve"))
    serve = serve.replace("10.0.0.5:8620", "127.0.0.1:0")
    serve = serve.replace("serve …", "serve --data ./data --listen 127.0.0.1:0")
    if "--listen" not in serve:
        serve = serve.strip() + " --listen 127.0.0.1:0"
    told = shell("coproc exec " + serve.strip() + "\nread line <&${COPROC[0]}; echo $line\n"
                 "kill $COPROC_PID && wait $COPROC_PID")
    assert told.startswith("ready http")
