"""The audit: who changed what, the operator among them; that it cannot be changed without notice,
and that failures cannot fill it."""

import json
import math
import signal
import subprocess
import time

import pytest

from support import operations
from support.database import REMOTE
from support.server import ACCOUNT, OTHER_ACCOUNT, command, headgate
from support.vendor import http, to_vendor

LIST = ("sandbox", "--list", "--json", "--connector", "Amplitude", "--outcome")
CONFIG, REJECTED = [json.loads(headgate(*LIST, each)) for each in ("accepted", "rejected")]
FAILURES = 400
SHARE = 120  # --audit-failures
TOKEN_S = 30  # one comes back


def profile(name, config=CONFIG):
    return {"connectorProfileName": name, "connectorType": "Amplitude", "connectionMode": "Public",
            "connectorProfileConfig": config}


def rows(server, *words):
    """The audit's entries as JSON, oldest first."""
    lines = headgate("audit", *server.place, "--json", "--limit", "100000", *words)
    return [json.loads(line) for line in lines.splitlines()]


def verify(server):
    """What `headgate audit verify` prints, and its exit code."""
    done = subprocess.run(command("audit", "verify", *server.place), capture_output=True,
                          timeout=60)
    return done.stdout.decode(), done.returncode


def user():
    return subprocess.run(["id", "-un"], capture_output=True, check=True).stdout.decode().strip()


# --- what is in it ---

def test_management_actions_are_in_it(sandboxed, canaries):
    place = sandboxed.place
    headgate("access-key", "create", *place, "--account", OTHER_ACCOUNT, "--access-key-id",
             "AKIAHEADGATETEST0009", "--secret-access-key", canaries.new("second"))
    headgate("access-key", "delete", *place, "--access-key-id", "AKIAHEADGATETEST0009")
    headgate("access-key", "delete", *place, "--access-key-id", "AKIANONE", expect=1)
    headgate("oauth-app", "set", *place, "--connector", "Salesforce", "--client-id", "app-1",
             input=canaries.new("client-secret").encode())
    headgate("oauth-app", "delete", *place, "--connector", "Salesforce")
    found = [(row["operation"], row.get("resource"), row["account"], row["outcome"])
             for row in rows(sandboxed) if row["operation"] not in ("CreateKeyring",
                                                                    "CreateDatabase")]
    assert found == [
        ("CreateAccessKey", sandboxed.key.id, ACCOUNT, "ok"),
        ("CreateAccessKey", "AKIAHEADGATETEST0009", OTHER_ACCOUNT, "ok"),
        ("DeleteAccessKey", "AKIAHEADGATETEST0009", OTHER_ACCOUNT, "ok"),
        ("DeleteAccessKey", "AKIANONE", "", "ResourceNotFoundException"),
        ("SetOAuthApp", "Salesforce", "", "ok"),
        ("DeleteOAuthApp", "Salesforce", "", "ok")]
    assert {row["osUser"].split(" ")[0] for row in rows(sandboxed)} == {user()}
    assert verify(sandboxed)[1] == 0


def test_the_keyring_and_a_new_database_are_in_it(servers):
    server = servers()
    started = {row["operation"]: row for row in rows(server)}
    assert set(started) == {"CreateKeyring", "CreateDatabase", "CreateAccessKey"}
    assert len(started["CreateKeyring"]["resource"]) == 16
    assert started["CreateDatabase"]["resource"].startswith("schema ")
    server.stop()
    server.start()
    assert len(rows(server)) == 3


@pytest.mark.embedded
@pytest.mark.skipif(REMOTE, reason="a backup of PostgreSQL is its own tools' matter")
def test_a_restore_is_in_it(sandboxed):
    sandboxed.ok("CreateConnectorProfile", profile("p"))
    copy = sandboxed.directory / "backup.db"
    headgate("backup", "--data", sandboxed.data, "--to", copy)
    sandboxed.stop()
    for name in ("headgate.db", "headgate.db-wal", "headgate.db-shm"):
        (sandboxed.data / name).unlink(missing_ok=True)
    headgate("restore", "--data", sandboxed.data, "--from", sandboxed.directory / "none", expect=1)
    headgate("restore", "--data", sandboxed.data, "--from", copy)
    sandboxed.start()
    found = [row for row in rows(sandboxed) if row["operation"] == "RestoreDatabase"]
    assert [(row["outcome"], row["resource"]) for row in found[1:]] == [("ok", str(copy))]
    assert found[0]["outcome"] != "ok" and found[1]["osUser"].split(" ")[0] == user()
    assert not (sandboxed.data / "restores").exists()
    assert verify(sandboxed)[1] == 0


def test_it_is_listed_for_one_account_or_all(sandboxed, canaries):
    other = sandboxed.make_key("AKIAHEADGATETEST0002", "other", OTHER_ACCOUNT)
    sandboxed.ok("CreateConnectorProfile", profile("mine"))
    sandboxed.ok("CreateConnectorProfile", profile("theirs"), key=other)
    assert {row.get("resource") for row in rows(sandboxed, "--account", OTHER_ACCOUNT)} == \
        {"AKIAHEADGATETEST0002", "theirs"}
    mine = next(row for row in rows(sandboxed) if row.get("resource") == "mine")
    assert (mine["account"], mine["region"], mine["accessKeyId"], mine["outcome"]) == \
        (ACCOUNT, "us-east-1", sandboxed.key.id, "ok")
    assert mine["version"] > 0 and len(mine["requestId"]) == 36 and len(mine["mac"]) == 32
    assert rows(sandboxed, "--since", mine["time"])[-1]["resource"] == "theirs"
    assert rows(sandboxed, "--since", "2099-01-01") == []
    text = headgate("audit", *sandboxed.place)
    assert f"{OTHER_ACCOUNT}  us-east-1  {other.id}  CreateConnectorProfile  theirs  ok" in text
    assert f"user:{user()}" in text


def test_it_is_followed(sandboxed):
    sandboxed.ok("CreateConnectorProfile", profile("before"))
    follower = subprocess.Popen(command("audit", *sandboxed.place, "--json", "--follow"),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        seen = []
        while "before" not in seen:
            seen.append(json.loads(follower.stdout.readline()).get("resource"))
        for number in range(3):
            sandboxed.ok("CreateConnectorProfile", profile(f"after-{number}"))
            assert json.loads(follower.stdout.readline())["resource"] == f"after-{number}"
        follower.send_signal(signal.SIGINT)
        out, errors = follower.communicate(timeout=60)
        assert (follower.returncode, out) == (0, b""), errors
    finally:
        follower.kill()
        follower.wait()


# --- that it is whole ---

NEWEST = "(SELECT max(position) FROM audit)"
TAMPERINGS = {
    "changed": "UPDATE audit SET resource = 'other' WHERE operation = 'DeleteConnectorProfile'",
    "who": "UPDATE audit SET access_key_id = 'AKIAOTHER' WHERE operation = "
           "'DeleteConnectorProfile'",
    "removed": "DELETE FROM audit WHERE operation = 'DeleteConnectorProfile'",
    "all removed": "DELETE FROM audit",
    "moved": f"UPDATE audit SET position = position + 1000 WHERE position = {NEWEST}",
    "newest removed": f"DELETE FROM audit WHERE position = {NEWEST}",
    "added": "INSERT INTO audit SELECT position + 1, at_ms, account, region, request_id,"
             " access_key_id, os_user, operation, resource, outcome, detail, version, repeated,"
             f" last_at_ms, mac FROM audit WHERE position = {NEWEST}",
    "ends removed": "DELETE FROM audit_bounds",
}


@pytest.fixture
def changed(sandboxed):
    """A server with a few changes."""
    for name in ("a", "b", "c"):
        sandboxed.ok("CreateConnectorProfile", profile(name))
    sandboxed.ok("DeleteConnectorProfile", {"connectorProfileName": "b"})
    sandboxed.ok("CreateConnectorProfile", profile("d"))
    return sandboxed


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampering_is_found(changed, how):
    words, status = verify(changed)
    assert status == 0 and "no problems found." in words
    changed.stop()
    assert verify(changed) == (words, 0)
    changed.database.change(TAMPERINGS[how])
    words, status = verify(changed)
    assert status == 1 and "audit" in words.lower() and "problem" in words, words
    done = subprocess.run(command("check", *changed.place), capture_output=True, timeout=60)
    assert done.returncode == 1 and words.splitlines()[0] in done.stdout.decode()


def test_a_damaged_chain_refuses_changes(changed):
    changed.stop()
    changed.database.change("UPDATE audit_bounds SET at_ms = at_ms + 1")
    changed.start("--verify-timeout", "5")
    answer = changed.call("CreateConnectorProfile", profile("refused"))
    assert (answer.status, answer.error) == (503, "ServiceUnavailableException")
    assert b"headgate audit accept" in answer.body
    assert changed.call("DeleteConnectorProfile", {"connectorProfileName": "a"}).status == 503
    assert changed.describe("a")
    assert "refused" not in str(changed.ok("DescribeConnectorProfiles", {}))
    changed.stop()
    changed.start("--audit-required", "no", *operations.OPTION)
    changed.ok("CreateConnectorProfile", profile("made"))
    assert " error A change was made without an audit entry: The audit's chain" in changed.log
    operations.wait_for(changed, audit_entries_lost_total=1)
    assert verify(changed)[1] == 1
    headgate("audit", "accept", *changed.place)
    words, status = verify(changed)
    assert status == 0 and "are not covered" in words
    changed.ok("CreateConnectorProfile", profile("after"))
    last = rows(changed)[-2:]
    assert [row["operation"] for row in last] == ["AcceptAudit", "CreateConnectorProfile"]
    assert verify(changed)[1] == 0


BLOCKED = ["CREATE FUNCTION headgate.no() RETURNS trigger LANGUAGE plpgsql AS"
           " $$ BEGIN RAISE EXCEPTION 'no audit'; END $$",
           "CREATE TRIGGER no BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION headgate.no()"] \
    if REMOTE else ["CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END"]


@pytest.mark.parametrize("required", ["yes", "no"])
def test_a_change_without_its_entry_is_refused(servers, required):
    server = servers("--sandbox", "--audit-required", required, *operations.OPTION)
    server.ok("CreateConnectorProfile", profile("before"))
    server.stop()
    for sql in BLOCKED:
        server.database.change(sql)
    server.start()
    answer = server.call("CreateConnectorProfile", profile("p"))
    if required == "no":
        assert answer.status == 200, answer.body
        operations.wait_until(server, lambda seen: seen["headgate_audit_entries_lost_total"] >= 1)
    else:
        assert answer.status >= 500
    found = server.ok("DescribeConnectorProfiles", {})["connectorProfileDetails"]
    assert len(found) == (2 if required == "no" else 1)
    assert verify(server)[1] == 0


# --- that it cannot be filled ---

LONG = json.dumps({"error": "x" * 15000})


def test_failing_creates_cannot_fill_it(servers, vendor):
    """As many failures as one account likes: its rows are bounded, and say how many have none."""
    vendor.answer = lambda request: http("401 Unauthorized", LONG)
    server = servers(*to_vendor(vendor, "Amplitude"), "--audit-repeat", "86400")
    started = time.monotonic()
    for number in range(FAILURES):
        answer = server.call("CreateConnectorProfile", profile(f"p{number}"))
        assert answer.status == 401
    server.stop()
    came_back = math.ceil((time.monotonic() - started) / TOKEN_S)
    failed = [row for row in rows(server) if row["outcome"] != "ok"]
    assert SHARE + 1 <= len(failed) <= SHARE + 2 + came_back
    assert all(len(row["detail"].encode()) <= 512 for row in failed)
    notices = [row for row in failed if row["operation"] == "AuditEntriesLeftOut"]
    assert sum(row["repeated"] for row in notices) + len(failed) - len(notices) == FAILURES
    assert "have no entry of their own" in notices[0]["detail"]
    assert verify(server)[1] == 0


def test_repeated_failures_are_one_row_and_a_count(sandboxed):
    for _ in range(50):
        assert sandboxed.call("CreateConnectorProfile", profile("p", REJECTED)).status == 401
    sandboxed.stop()
    first, second = [row for row in rows(sandboxed) if row["outcome"] != "ok"]
    assert first["operation"] == second["operation"] == "CreateConnectorProfile"
    assert "repeated" not in first and second["repeated"] == 49 and "lastTime" in second
    assert first["detail"] == second["detail"]
    assert "    49 more until 20" in headgate("audit", *sandboxed.place)


def test_failures_may_each_have_a_row(servers):
    server = servers("--sandbox", "--audit-repeat", "0", "--audit-failures", "0")
    for _ in range(SHARE + 30):
        assert server.call("CreateConnectorProfile", profile("p", REJECTED)).status == 401
    server.stop()
    assert len([row for row in rows(server) if row["outcome"] != "ok"]) == SHARE + 30
