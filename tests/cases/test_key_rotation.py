"""Rotation of the keyring's keys while servers run: no call fails meanwhile, everything is sealed
with the new key, and an old key leaves only when nothing needs it any more."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from support.salesforce import REDIRECT, Salesforce, with_app
from support.server import command, headgate
from support.vendor import Vendor, http, to_vendor

AMPLITUDE = {"connectorProfileProperties": {"Amplitude": {}}}


@pytest.fixture
def agreeable():
    with Vendor(lambda _: http("200 OK", '{"data": []}')) as vendor:
        yield vendor


def amplitude(canaries, name, **more):
    return {"connectorProfileName": name, "connectionMode": "Public", "connectorProfileConfig": {
        **AMPLITUDE, "connectorProfileCredentials": {
            "Amplitude": {"apiKey": "api-key", "secretKey": canaries.new()}}}, **more}


def create(server, canaries, name):
    server.ok("CreateConnectorProfile", amplitude(canaries, name, connectorType="Amplitude"))


def rotate(server, *more, expect=0):
    return headgate("key", "rotate", *server.place, *more, expect=expect)


def keys(server):
    """State of each key, and what is sealed with it: {id: (state, words)}."""
    lines = headgate("key", "list", *server.place).splitlines()
    assert lines[0].split() == ["KEY", "STATE", "SEALED", "WITH", "IT"]
    found = {}
    for line in lines[1:]:
        key, rest = line.split(None, 1)
        state = "in use" if rest.startswith("in use") else rest.split()[0]
        found[key] = (state, rest[len(state):].strip())
    return found


def in_use(server):
    return next(key for key, (state, _) in keys(server).items() if state == "in use")


def old_keys(server):
    return [key for key, (state, _) in keys(server).items() if state == "old"]


def is_whole(server):
    done = subprocess.run(command("check", *server.place), capture_output=True, timeout=60)
    return done.returncode == 0, done.stdout + done.stderr


class Load:
    """Reads and updates without a pause; what was answered with anything but success."""

    def __init__(self, servers, canaries, count):
        self.failed, self.calls, self.ended = [], 0, threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(servers[i % len(servers)], i))
                        for i in range(count)]
        self.requests = [amplitude(canaries, f"p{i}") for i in range(count)]

    def run(self, server, number):
        update = number % 2
        while not self.ended.is_set():
            answer = (server.call("UpdateConnectorProfile", self.requests[number]) if update else
                      server.call("DescribeConnectorProfiles", {"maxResults": 100}))
            self.calls += 1
            if answer.status != 200:
                self.failed.append((answer.status, answer.body))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def test_no_call_fails_meanwhile(servers, agreeable, canaries):
    server = servers(*to_vendor(agreeable))
    for number in range(4):
        create(server, canaries, f"p{number}")
    first = in_use(server)
    before = server.profile_row("p0")
    with Load([server], canaries, 4) as load:
        for _ in range(2):
            calls = load.calls
            said = rotate(server)
            assert "1 server seals new values" in said and "Back up" in said, said
            assert load.calls > calls
    assert not load.failed, load.failed[:3]
    now = keys(server)
    assert first in now and now[first] == ("old", "nothing")
    assert now[in_use(server)][1].startswith("4 profiles, ")
    after = server.profile_row("p0")
    assert after["version"] == before["version"], "a rotation is no change of a profile"
    assert after["sealed_credentials"] != before["sealed_credentials"]
    assert is_whole(server)[0], is_whole(server)[1]
    # The old value is not left in a free page or in the WAL.
    files = b"".join(path.read_bytes() for path in server.data.glob("headgate.db*"))
    assert bytes(before["sealed_credentials"])[:80] not in files
    server.stop()
    server.start()
    server.ok("UpdateConnectorProfile", amplitude(canaries, "p0"))


def test_everything_that_is_sealed(servers, canaries):
    """OAuth apps, tokens and grants as well; a profile still works with what was sealed again."""
    with Salesforce(canaries) as vendor:
        server = with_app(servers, canaries, *to_vendor(vendor, "Salesforce")).start()
        server.ok("CreateConnectorProfile", {
            "connectorProfileName": "crm", "connectionMode": "Public",
            "connectorType": "Salesforce", "connectorProfileConfig": {
                "connectorProfileProperties": {"Salesforce": {}},
                "connectorProfileCredentials": {"Salesforce": {"oAuthRequest": {
                    "authCode": vendor.new_code(), "redirectUri": REDIRECT}}}}})
        rotate(server)
        sealed = keys(server)[in_use(server)][1]
        for kind in ("1 profiles", "1 OAuth tokens", "1 OAuth apps", "1 access keys",
                     "2 server secrets"):
            assert kind in sealed, sealed
        assert is_whole(server)[0]
        config = {"connectorProfileProperties": {"Salesforce": {}}}
        server.ok("UpdateConnectorProfile", {"connectorProfileName": "crm",
                                             "connectionMode": "Public",
                                             "connectorProfileConfig": config})


def test_what_is_in_the_audit(servers):
    server = servers()
    first = in_use(server)
    rotate(server)
    shown = headgate("audit", *server.place)
    used = [line for line in shown.splitlines() if "UseKeyringKey" in line]
    assert len(used) == 1 and in_use(server) in used[0], shown
    assert f"Before: {first}" in shown and "RotateKeyring" in shown
    server.stop()
    server.start()
    assert "ChangeKeyring" not in headgate("audit", *server.place), "it has its row already"
    assert "no problems found" in headgate("audit", "verify", *server.place)


def age(server, seconds):
    """As if the key in use had been in use for longer."""
    row = server.query("SELECT value FROM meta WHERE name = 'keyring'")[0]["value"]
    key, since, question, phase = bytes(row).decode().split()
    older = f"{key} {int(since) - 1000 * seconds} {question} {phase}"
    server.database.change("UPDATE meta SET value = ? WHERE name = 'keyring'", older.encode())


def retire(server, key, *more):
    done = subprocess.run(command("key", "retire", *server.place, "--id", key, *more),
                          capture_output=True, timeout=60)
    return done.returncode, (done.stdout + done.stderr).decode()


def test_a_key_leaves_when_nothing_needs_it(servers, agreeable, canaries):
    server = servers(*to_vendor(agreeable))
    create(server, canaries, "p0")
    first = in_use(server)
    code, said = retire(server, first)
    assert code == 1 and "is in use" in said
    rotate(server)
    code, said = retire(server, first)
    assert code == 1 and "Temporary credentials" in said
    code, said = retire(server, first, "--end-sessions")
    assert code == 1 and "less than a minute" in said
    age(server, 36 * 3600)
    sealed = server.profile_row("p0")["sealed_credentials"]
    server.database.change("UPDATE profiles SET sealed_credentials = ?",
                           bytes(sealed)[:3] + first.encode() + bytes(sealed)[19:])
    code, said = retire(server, first)
    assert code == 1 and "1 values are sealed with key" in said
    server.database.change("UPDATE profiles SET sealed_credentials = ?", sealed)
    server.database.change(
        "INSERT INTO consents (id, account, region, name, stage, expires_at_ms, sealed)"
        " VALUES ('1', '123456789012', 'us-east-1', 'p0', 'open', 9000000000000, ?)",
        bytes(sealed)[:3] + first.encode() + bytes(sealed)[19:])
    assert "1 links to authorize on" in keys(server)[first][1]
    code, said = retire(server, first)
    assert code == 1 and "1 values are sealed with key" in said
    server.database.change("DELETE FROM consents")
    code, said = retire(server, first)
    assert code == 0 and "was removed from" in said, said
    assert first not in (server.data / "keyring").read_text()
    assert first not in keys(server)
    code, said = retire(server, first)
    assert code == 1 and "has no key" in said
    assert "RetireKeyringKey" in headgate("audit", *server.place)
    server.ok("UpdateConnectorProfile", amplitude(canaries, "p0"))
    server.stop()
    server.start()
    server.ok("UpdateConnectorProfile", amplitude(canaries, "p0"))


def test_a_damaged_value_is_left_and_reported(servers, agreeable, canaries):
    server = servers(*to_vendor(agreeable))
    for number in range(3):
        create(server, canaries, f"p{number}")
    first = in_use(server)
    sealed = bytes(server.profile_row("p1")["sealed_credentials"])
    server.database.change("UPDATE profiles SET sealed_credentials = ? WHERE name = 'p1'",
                           sealed[:-1] + bytes([sealed[-1] ^ 1]))
    said = rotate(server, expect=1)
    assert "1 values are still sealed with older keys" in said and "headgate check" in said
    assert keys(server)[first] == ("old", "1 profiles")
    server.ok("UpdateConnectorProfile", amplitude(canaries, "p1"))
    assert keys(server)[first] == ("old", "nothing")


def test_the_operators_own_key(servers):
    """A key that was put into the file by hand is taken; a restart alone does not begin with it."""
    server = servers()
    rotate(server)
    path = server.data / "keyring"
    line = headgate("key", "new").strip()
    mine = line.split()[1]
    assert re.fullmatch(r"key [0-9a-f]{16} [A-Za-z0-9+/]{43}= primary", line)
    first, rest = path.read_text().split("\n", 1)
    path.write_text(f"{first}\n{line}\n{rest.replace(' primary', '')}")
    server.stop()
    server.start()
    assert keys(server)[mine] == ("new", "nothing")
    assert f"has the new key {mine}" in rotate(server)
    assert in_use(server) == mine


def test_a_keyring_command(servers, agreeable, canaries, tmp_path):
    """The server may not start programs after its start; a process beside it runs the command."""
    server = servers(*to_vendor(agreeable), start=False)
    printed = tmp_path / "printed"
    shutil.copy(server.data / "keyring", printed)
    from_command = ["--keyring-command", f"cat {printed}"]
    (server.data / "keyring").unlink()
    server.start(*from_command)
    create(server, canaries, "p0")

    def run(*words, expect=0):
        return subprocess.run(command("key", *words, *server.place, *from_command),
                              capture_output=True, timeout=60, check=False)

    done = run("rotate")
    assert done.returncode == 1 and b"headgate key new" in done.stderr, done
    line = headgate("key", "new").strip()
    first, rest = printed.read_text().split("\n", 1)
    printed.write_text(f"{first}\n{line}\n{rest.replace(' primary', '')}")
    with Load([server], canaries, 1) as load:
        done = run("rotate")
        assert done.returncode == 0, done
    assert not load.failed, load.failed[:3]
    server.ok("UpdateConnectorProfile", amplitude(canaries, "p0"))
    assert line.split()[1].encode() in run("list").stdout.splitlines()[1]
    server.stop()


@pytest.mark.waits(8)
def test_nodes_with_copies_of_the_keyring(nodes, agreeable, canaries, tmp_path):
    """The new key is used when each node has it, and not before."""
    first = nodes(*to_vendor(agreeable)).start()
    second = nodes(*to_vendor(agreeable))
    copy = tmp_path / "copy"
    shutil.copy(first.data / "keyring", copy)
    second.options[second.options.index("--keyring") + 1] = copy
    second.start()
    for number in range(2):
        create(first, canaries, f"p{number}")
    before = in_use(first)
    with Load([first, second], canaries, 2) as load:
        done = subprocess.run(command("key", "rotate", *first.place, "--wait", "0"),
                              capture_output=True, timeout=60)
        assert done.returncode == 1 and b"1 of 2 servers do not have key" in done.stderr, done
        assert b"Copy this keyring" in done.stdout and in_use(first) == before
        shutil.copy(first.data / "keyring", copy)
        said = rotate(first)
        assert "2 servers seal new values" in said, said
    assert not load.failed, load.failed[:3]
    assert keys(first)[before] == ("old", "nothing")
    second.ok("UpdateConnectorProfile", amplitude(canaries, "p0"))
    assert keys(first)[before] == ("old", "nothing")


def test_nobody_is_waited_for_without_a_server(servers):
    server = servers()
    server.stop()
    assert "No server is running" in rotate(server)
    server.start()


def test_one_rotation_at_a_time(servers):
    server = servers()
    with open(server.data / "keyring.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(command("key", "rotate", *server.place), capture_output=True,
                              timeout=60)
        assert done.returncode == 1 and b"Another command changes" in done.stderr, done
    rotate(server)


def test_sighup_reads_the_keyring(servers):
    server = servers()
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("SIGHUP: the keyring was read")
    (server.data / "keyring").chmod(0o644)
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("the keys that are known stay in use")
    (server.data / "keyring").chmod(0o600)
    server.ok("DescribeConnectorProfiles")


def test_a_server_that_does_not_answer_is_waited_for(servers):
    """It is stopped in the middle; the rotation takes no step without it."""
    server = servers()
    before = in_use(server)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        running = subprocess.Popen(command("key", "rotate", *server.place), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        until = time.monotonic() + 2
        while time.monotonic() < until:
            assert running.poll() is None and in_use(server) == before
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    out, error = running.communicate(timeout=60)
    assert running.returncode == 0, (out, error)
    assert in_use(server) != before
