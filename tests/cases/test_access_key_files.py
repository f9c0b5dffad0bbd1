"""Where an access key's secret goes when it is made: a file of the owner's, and nowhere else."""

import configparser
import os
import pathlib
import stat
import subprocess

import pytest

from support.server import ACCOUNT, Key, command, headgate

READ = "DescribeConnectorProfiles"
WAIT_S = 60


def create(server, *more, expect=0):
    return headgate("access-key", "create", *server.place, "--account", ACCOUNT, *more,
                    expect=expect)


def listed(server):
    return headgate("access-key", "list", *server.place).splitlines()


def key_in(path):
    """What a file in AWS's credentials format holds; nobody else may read it."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(path.read_text())
    found = parser["default"]
    return Key(found["aws_access_key_id"], found["aws_secret_access_key"])


def test_it_is_written_for_its_owner(servers, tmp_path, canaries):
    server, out = servers(), tmp_path / "key"
    umask = os.umask(0)
    try:
        printed = create(server, "--out", out)
    finally:
        os.umask(umask)
    key = key_in(out)
    canaries.add(key.secret)
    assert key.id in printed and key.secret not in printed
    assert server.call(READ, key=key).status == 200
    assert len(listed(server)) == 2


def test_a_file_is_not_overwritten(servers, tmp_path):
    server, out = servers(), tmp_path / "key"
    out.write_text("mine")
    assert create(server, "--out", out, expect=1) == ""
    assert out.read_text() == "mine"
    assert len(listed(server)) == 1  # a key that nobody was given would be of no use


def test_a_key_that_was_not_stored_leaves_no_file(servers, tmp_path, canaries):
    server, out = servers(), tmp_path / "key"
    words = create(server, "--access-key-id", server.key.id, "--secret-access-key",
                   canaries.new("other"), "--out", out, expect=1)
    assert words == "" and not out.exists()
    assert server.call(READ).status == 200  # with the secret that it had


def test_a_secret_argument_is_wiped(servers, tmp_path, canaries):
    """Others see a process's arguments for as long as it runs; here it waits for its keyring."""
    server = servers()
    server.stop()
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    secret = canaries.new("argument")
    words = command("access-key", "create", *server.place, "--account", ACCOUNT,
                    "--access-key-id", "AKIAHEADGATETEST0007", "--secret-access-key", secret,
                    "--keyring-command", f"cat {gate} {server.data / 'keyring'}")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with open(gate, "wb"):  # both ends are open: it has read its arguments
        shown = pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
    said, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, said
    assert b"access-key" in shown and secret.encode() not in shown
    server.start()
    assert server.call(READ, key=Key("AKIAHEADGATETEST0007", secret)).status == 200


@pytest.fixture
def fresh(servers):
    """A server that has no key yet and was not started."""
    return servers(start=False, make_key=False)


def test_the_first_key_overwrites_nothing(fresh):
    path = fresh.data / "credentials"
    path.write_text("mine")
    done = subprocess.run(command("serve", *fresh.place, "--listen", "127.0.0.1:0"),
                          capture_output=True, timeout=WAIT_S)
    assert done.returncode == 1 and b"not overwritten" in done.stderr, done.stderr
    assert path.read_text() == "mine"
    path.unlink()
    fresh.start()
    assert len(listed(fresh)) == 1


def test_the_first_key_of_a_start_that_was_killed(fresh):
    """Its file was written and its row was not, or both were and the file had no name yet."""
    path, unfinished = fresh.data / "credentials", fresh.data / "credentials.new"
    unfinished.write_text("[default]\naws_access_key_id = AKIANEVERSTORED00001\n")
    fresh.start()
    fresh.key = key_in(path)
    assert not unfinished.exists() and len(listed(fresh)) == 1
    fresh.ok(READ)
    fresh.stop()
    path.rename(unfinished)
    fresh.start()
    assert key_in(path) == fresh.key and not unfinished.exists()
    assert len(listed(fresh)) == 1


def test_no_first_key_beside_another(servers):
    """One that the operator made is enough, at the first start and at the next."""
    server = servers()
    server.stop()
    server.start()
    assert not (server.data / "credentials").exists() and len(listed(server)) == 1
