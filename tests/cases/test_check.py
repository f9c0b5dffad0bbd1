"""What a damaged or older database is told as: by the start, by `headgate check`, to clients; and
how it is mended."""

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys

import pytest

from support import pages, private
from support.functions import Functions, registration, to_functions
from support.salesforce import REDIRECT, Salesforce, with_app
from support.server import command, headgate
from support.vendor import http, to_vendor
from test_tags import Tags, arn_of

CONFIG = json.loads(headgate("sandbox", "--list", "--json", "--connector", "Amplitude",
                             "--outcome", "accepted"))


PAGE = 200  # FSCK_PAGE: rows that a check reads at once

# As `sqlite3 FILE ".backup COPY"` does it.
BACKUP = "import sqlite3, sys; a, b = map(sqlite3.connect, sys.argv[1:]); a.backup(b)"


def profile(name, create=True):
    more = {"connectorType": "Amplitude"} if create else {}
    return {"connectorProfileName": name, "connectionMode": "Public",
            "connectorProfileConfig": CONFIG, **more}


def without_credentials(name):
    config = {"connectorProfileProperties": CONFIG["connectorProfileProperties"]}
    return {"connectorProfileName": name, "connectionMode": "Public",
            "connectorProfileConfig": config}


def check(server):
    """What `headgate check` prints and its exit code."""
    done = subprocess.run(command("check", *server.place), capture_output=True, timeout=60)
    return done.stdout.decode() + done.stderr.decode(), done.returncode


def refused_start(server):
    """The sentence with which the server ends at its start."""
    done = subprocess.run(command("serve", "--data", server.data, "--listen", "127.0.0.1:0"),
                          capture_output=True, timeout=60)
    assert done.returncode == 1 and b"ready" not in done.stdout
    return done.stderr.decode()


@pytest.fixture
def kept(sandboxed):
    """A stopped server with a profile that was changed once; and its row before that."""
    sandboxed.ok("CreateConnectorProfile", profile("mine"))
    sandboxed.ok("CreateConnectorProfile", profile("other"))
    sandboxed.before = sandboxed.profile_row("mine")
    sandboxed.ok("UpdateConnectorProfile", profile("mine", create=False))
    sandboxed.stop()
    return sandboxed


def database(server):
    return server.data / "headgate.db"


def test_all_is_whole(kept):
    words, status = check(kept)
    assert status == 0 and words.startswith(
        "Checked 2 profiles, 0 previous credentials, 0 OAuth tokens, 0 token grants, "
        "1 access keys, 0 OAuth apps, 0 connectors, 0 flows, 0 runs of flows, 0 schedules, 0 tags, "
        "0 jobs for copies of secrets: no problems found.\n")
    kept.start()
    assert check(kept)[1] == 0
    kept.ok("DeleteConnectorProfile", {"connectorProfileName": "mine"})
    kept.ok("CreateConnectorProfile", profile("mine"))
    assert check(kept)[1] == 0


REFUSED = http("403 Forbidden", '[{"errorCode": "API_DISABLED_FOR_ORG", "message": "no API"}]')
CODES = 3


@pytest.fixture
def granted(servers, canaries):
    """A stopped server with tokens that codes gave for profiles whose creation failed after that,
    an OAuth app, and nothing else."""
    with Salesforce(canaries) as vendor:
        answers = vendor.judge
        vendor.judge = lambda request: answers(request) if request.method == "POST" else REFUSED
        server = with_app(servers, canaries, *to_vendor(vendor, "Salesforce")).start()
        for number in range(CODES):
            answer = server.call("CreateConnectorProfile", private.create(
                {"oAuthRequest": {"authCode": vendor.new_code(), "redirectUri": REDIRECT}},
                mode="Public", name=f"p{number}"))
            assert answer.status == 401
        assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == CODES
        server.stop()
        yield server


def test_saved_tokens_and_apps_are_whole(granted):
    words, status = check(granted)
    assert status == 0 and words.startswith(
        f"Checked 0 profiles, 0 previous credentials, 0 OAuth tokens, {CODES} token grants, "
        "1 access keys, 1 OAuth apps, 0 connectors, 0 flows, 0 runs of flows, 0 schedules, 0 tags, "
        "0 jobs for copies of secrets: no problems found.\n"), words


@pytest.mark.parametrize("change", [
    "sealed = {}", "sealed = (SELECT sealed FROM token_grants WHERE profile = 'p2')",
    "region = 'eu-west-1'", "account = '111122223333'", "profile = 'other'"])
def test_saved_tokens_that_were_changed_or_pasted(granted, change):
    granted.database.change(
        f"UPDATE token_grants SET {change} WHERE profile = 'p1'".replace(
            "{}", granted.database.zeros.format(200)))
    words, status = check(granted)
    assert status == 1 and "1 problem" in words, words
    name = "other" if "other" in change else "p1"
    assert words.startswith(f"Profile {name} (account "), words
    assert "tokens for its next change: " in words, words


@pytest.mark.parametrize("change, what", [
    ("UPDATE oauth_apps SET sealed_secret = {}", "OAuth app for Salesforce: "),
    ("UPDATE oauth_apps SET connector_type = 'Zendesk'", "OAuth app for Zendesk: "),
    ("UPDATE access_keys SET sealed_secret = {}", "Access key AKIAHEADGATETEST0001: "),
    ("UPDATE access_keys SET id = 'AKIAHEADGATETEST0009'", "Access key AKIAHEADGATETEST0009: "),
    ("UPDATE access_keys SET account = '111122223333'", "Access key AKIAHEADGATETEST0001: "),
])
def test_secrets_that_were_changed_or_pasted(granted, change, what):
    granted.database.change(change.replace("{}", granted.database.zeros.format(200)))
    words, status = check(granted)
    assert status == 1 and "1 problem" in words, words
    assert words.startswith(what), words


# --- registered connectors ---

SECRET = ("arn:aws:secretsmanager:us-east-1:123456789012:secret:"
          "appflow!123456789012-orders-p-aBcDeF")
JOB = ("INSERT INTO jobs (kind, account, region, name, due_at_ms, fence, lease_until_ms, owner,"
       " attempts, payload)"
       " VALUES ('secret-mirror', '123456789012', 'us-east-1', '{}', 1, 1, 0, '', 0, '{}')")


@pytest.fixture
def registered(servers, canaries):
    """A stopped server with a registered connector that has a tag, and a job for a secret of it."""
    with Functions() as functions:
        options, env = to_functions(functions, canaries)
        server = servers(*options, env=env)
        server.ok("RegisterConnector", registration())
        assert Tags(server, arn_of("orders")).put({"team": "sales"}).status == 200
        server.stop()
    server.database.change(JOB.format(SECRET, "p"))
    return server


def test_connectors_tags_and_jobs_are_whole(registered):
    words, status = check(registered)
    assert status == 0, words
    assert ("0 OAuth apps, 1 connectors, 0 flows, 0 runs of flows, 0 schedules, 1 tags, 1 jobs for "
            "copies of "
            "secrets: no problems" in words)


ALIEN = ("Connector orders (account 123456789012, us-east-1): What is stored of connector orders "
         "was not written by this server.")


@pytest.mark.parametrize("change, problem", [
    ("UPDATE connectors SET function_arn = 'arn:aws:lambda:us-east-1:123456789012:function:x'",
     ALIEN),
    ("UPDATE connectors SET configuration = '{}'", ALIEN),
    ("UPDATE connectors SET version = version + 1", ALIEN),
    ("DELETE FROM connectors",
     "Tags of connector orders (account 123456789012, us-east-1): there is no such connector."),
    (JOB.format(SECRET.replace("us-east-1", "eu-west-1"), "p"),
     f"The copy of secret {SECRET.replace('us-east-1', 'eu-west-1')} (account 123456789012, "
     "us-east-1): its job is for the secret of another account or region than its own."),
    (JOB.format("copies/trial/x", "p"),
     "The copy of secret copies/trial/x (account 123456789012, us-east-1): its job is for the "
     "secret of a profile, but names none."),
])
def test_connectors_tags_and_jobs_that_were_changed(registered, change, problem):
    registered.database.change(change)
    words, status = check(registered)
    assert status == 1 and "1 problem found" in words, words
    assert words.startswith(problem), words


def test_more_rows_than_a_page(granted):
    """Each is looked at, and the last one is found damaged."""
    row = granted.query("SELECT * FROM token_grants WHERE profile = 'p0'")[0]
    more = [{**row, "id": bytes([number, 255 if number % 2 else 0, 7]) + bytes(29)}
            for number in range(PAGE)]
    marks = f"({', '.join('?' * len(row))})"
    granted.database.change(
        f"INSERT INTO token_grants ({', '.join(row)}) VALUES {', '.join([marks] * PAGE)}",
        *[value for each in more for value in each.values()])
    words, status = check(granted)
    assert status == 1 and f"{PAGE} problems" in words, words[-300:]
    assert f"{CODES + PAGE} token grants" in words, words[-300:]


@pytest.mark.embedded
def test_every_page_has_its_checksum(kept):
    assert database(kept).stat().st_size > 20 * pages.PAGE
    assert pages.misfits(database(kept)) == []


def test_credentials_that_went_back(kept):
    """An older seal in a newer row: the version is bound into it."""
    kept.database.change("UPDATE profiles SET sealed_credentials = ? WHERE name = 'mine'",
                         kept.before["sealed_credentials"])
    words, status = check(kept)
    assert status == 1 and "1 problem found" in words
    assert words.startswith("Profile mine (account 123456789012, ") and "version" in words
    kept.start()
    answer = kept.call("UpdateConnectorProfile", without_credentials("mine"))
    assert answer.status == 500 and "Decryption failed" in answer.message, answer.body
    kept.ok("UpdateConnectorProfile", profile("mine", create=False))
    kept.ok("UpdateConnectorProfile", without_credentials("mine"))
    assert check(kept)[1] == 0


def test_a_row_that_went_back(kept):
    """The whole row of before, with the seal that fits it: the audit knows better."""
    row = kept.before
    kept.database.change(
        "UPDATE profiles SET sealed_credentials = ?, version = ? WHERE name = 'mine'",
        row["sealed_credentials"], row["version"])
    words, status = check(kept)
    assert status == 1 and "Profile mine" in words
    assert "was rolled back to an older version than its last change." in words


def test_rows_that_are_gone_or_back(kept):
    kept.start()
    row = kept.profile_row("other")
    del row["arn"]
    kept.ok("DeleteConnectorProfile", {"connectorProfileName": "other"})
    kept.stop()
    kept.database.change("DELETE FROM profiles WHERE name = 'mine'")
    kept.database.change(
        f"INSERT INTO profiles ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
        *row.values())
    words, status = check(kept)
    assert status == 1 and "2 problems found" in words
    assert "is missing, although the audit records no deletion." in words
    assert "exists, although the audit records its deletion." in words


@pytest.mark.embedded
def test_a_flipped_bit(kept):
    data = bytearray(database(kept).read_bytes())
    at = data.index(b'"Amplitude"')
    data[at + 1] ^= 1  # the properties would say "@mplitude"
    database(kept).write_bytes(data)
    words, status = check(kept)
    assert status == 1 and "is damaged" in words and "backup" in words
    kept.start()
    answer = kept.call("DescribeConnectorProfiles")
    assert answer.status == 503 and "damaged" in answer.message, answer.body
    assert b"@mplitude" not in answer.body


@pytest.mark.embedded
def test_an_older_copy(kept):
    """A restored copy is served. The log and the check warn until there is a newer change."""
    copy = kept.directory / "copy.db"
    shutil.copy(database(kept), copy)
    kept.start()
    kept.ok("CreateConnectorProfile", profile("newer"))
    kept.stop()
    assert "older than it was" not in kept.log + check(kept)[0]
    shutil.copy(copy, database(kept))
    words, status = check(kept)
    assert status == 0 and "Warning: The database is older than it was" in words, words
    kept.start()
    assert kept.log.count("The database is older than it was: its newest changes") == 1
    assert kept.describe("mine") and kept.describe("newer") is None
    kept.ok("CreateConnectorProfile", profile("newest"))
    kept.stop()
    kept.start()
    assert kept.log.count("older than it was") == 1
    words, status = check(kept)
    assert status == 0 and "Warning" not in words, words


@pytest.mark.embedded
def test_no_database(kept):
    database(kept).unlink()
    assert "is missing" in refused_start(kept)
    assert not database(kept).exists()


@pytest.mark.embedded
def test_a_newer_database(kept):
    kept.database.change("PRAGMA user_version = 1000")
    assert "was written by a newer version of Headgate" in refused_start(kept)
    assert "was written by a newer version of Headgate" in check(kept)[0]


@pytest.mark.embedded
def test_backup_and_restore(kept, tmp_path):
    """Beside a running server; and back into an empty place, from our copy and from SQLite's."""
    kept.start()
    ours, theirs = tmp_path / "ours?.db", tmp_path / "theirs.db"
    headgate("backup", "--data", kept.data, "--to", ours)
    subprocess.run([sys.executable, "-c", BACKUP, database(kept), theirs], check=True, timeout=60)
    assert ours.stat().st_mode & 0o777 == 0o600 and pages.misfits(ours) == []
    kept.ok("CreateConnectorProfile", profile("newer"))
    kept.stop()
    for copy in (ours, theirs):
        refused = subprocess.run(command("restore", "--data", kept.data, "--from", copy),
                                 capture_output=True, timeout=60)
        assert refused.returncode == 1 and b"not overwritten" in refused.stderr
        database(kept).unlink()
        headgate("restore", "--data", kept.data, "--from", copy)
        assert copy.exists() and pages.misfits(database(kept)) == []
        assert check(kept)[1] == 0
        kept.start()
        assert kept.describe("mine") and kept.describe("newer") is None
        kept.ok("UpdateConnectorProfile", without_credentials("mine"))
        kept.stop()


@pytest.mark.embedded
def test_what_is_not_taken_for_a_copy(kept, tmp_path):
    broken = bytearray(database(kept).read_bytes())
    broken[4096 * 3:4096 * 4] = bytes(4096)
    (tmp_path / "broken.db").write_bytes(broken)
    (tmp_path / "text.db").write_text("no database" * 1000)
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE theirs (x)")
    database(kept).unlink()
    for name, words in (("broken.db", "damaged"), ("text.db", "is not a database"),
                        ("other.db", "not a database of Headgate"), ("none.db", "cannot be read")):
        done = subprocess.run(command("restore", "--data", kept.data, "--from", tmp_path / name),
                              capture_output=True, timeout=60)
        assert done.returncode == 1 and words in done.stderr.decode(), done.stderr
        assert not list(kept.data.glob("headgate.db*"))


@pytest.mark.embedded
@pytest.mark.parametrize("table", ["profiles", "audit", "access_keys"])
def test_a_copy_whose_tree_is_broken_is_not_taken(kept, tmp_path, table):
    """Its pages are read without our checksums, so the structure has to be looked at."""
    copy = tmp_path / "copy.db"
    headgate("backup", "--data", kept.data, "--to", copy)
    data = bytearray(copy.read_bytes())
    with contextlib.closing(sqlite3.connect(copy)) as plain:
        root = plain.execute("SELECT rootpage FROM sqlite_schema WHERE name = ? AND"
                             " type = 'table'", (table,)).fetchone()[0]
    at = (root - 1) * pages.PAGE
    assert data[at] == 13, "a leaf of a table"
    # The first row's content begins where the second's does: bytes that are right, in a wrong tree.
    count = int.from_bytes(data[at + 3:at + 5], "big")
    data[at + 3:at + 5] = (count + 1).to_bytes(2, "big")
    copy.write_bytes(data)
    pages.mend(copy)
    database(kept).unlink()
    done = subprocess.run(command("restore", "--data", kept.data, "--from", copy),
                          capture_output=True, timeout=60)
    assert done.returncode == 1 and b"damaged" in done.stderr, done.stderr
    assert not list(kept.data.glob("headgate.db*"))


@pytest.mark.embedded
def test_nothing_is_restored_under_a_running_server(kept, tmp_path):
    copy = tmp_path / "copy.db"
    headgate("backup", "--data", kept.data, "--to", copy)
    kept.start()
    done = subprocess.run(command("restore", "--data", kept.data, "--from", copy),
                          capture_output=True, timeout=60)
    assert done.returncode == 1 and b"Another headgate" in done.stderr
    again = subprocess.run(command("backup", "--data", kept.data, "--to", copy),
                           capture_output=True, timeout=60)
    assert again.returncode == 1 and b"File exists" in again.stderr
