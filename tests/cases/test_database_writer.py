"""Something that can write the database but has no keyring: it cannot redirect stored credentials,
revive a deleted access key, or put back what an older version sealed. `headgate check` names each
row."""

import subprocess
import time

import pytest

from cases import test_migration as migration
from support import private
from support.server import Key, command, headgate
from support.vendor import Vendor, http

READ = "DescribeConnectorProfiles"
ID = "AKIAHEADGATETEST0002"
CATALOG = '{"d":{"EntitySets":["ServiceCollection"]}}'
RECHECK_S = 1.3  # a running server reads a key again within a second


def check(server):
    """What `headgate check` prints, and its exit code."""
    done = subprocess.run(command("check", *server.place), capture_output=True, timeout=60)
    return done.stdout.decode() + done.stderr.decode(), done.returncode


def refused_start(server):
    done = subprocess.run(command("serve", *server.place, "--listen", "127.0.0.1:0"),
                          capture_output=True, timeout=60)
    assert done.returncode == 1 and b"ready" not in done.stdout, done.stderr
    return done.stderr.decode()


def put_back(server, table, saved, where="1 = 1"):
    """The saved rows in the place of those that are there now."""
    server.database.change(f"DELETE FROM {table} WHERE {where}")
    for row in saved:
        server.database.change(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
            *row.values())


# --- stored credentials ---

@pytest.fixture
def vendors():
    with Vendor(lambda _: http("200 OK", CATALOG)) as good, \
            Vendor(lambda _: http("200 OK", CATALOG)) as evil:
        yield good, evil


def update(port):
    properties = {"applicationHostUrl": "http://127.0.0.1", "applicationServicePath": "/catalog",
                  "portNumber": port, "clientNumber": "100"}
    return {"connectorProfileName": "mine", "connectionMode": "Public",
            "connectorProfileConfig": {"connectorProfileProperties": {"SAPOData": properties}}}


def with_credentials(parameters, canaries):
    parameters["connectorProfileConfig"]["connectorProfileCredentials"] = {
        "SAPOData": {"basicAuthCredentials": {
            "username": "user", "password": canaries.new("password")}}}
    return parameters


@pytest.fixture
def server(servers, vendors, canaries):
    """With a profile whose password goes to the first vendor."""
    server = servers("--egress-allow", "127.0.0.1")
    server.ok("CreateConnectorProfile", {
        "connectorType": "SAPOData", **with_credentials(update(vendors[0].port), canaries)})
    return server


REDIRECTED = "properties = replace(properties, '{good}', '{evil}')"


@pytest.mark.parametrize("change", [
    REDIRECTED,
    "properties = replace(properties, '/catalog', '/elsewhere')",
    "connector_type = 'Zendesk'", "connector_label = 'x'", "connection_mode = 'Private'",
    "credentials_version = credentials_version - 1", "kms_arn = 'arn:aws:kms:::key/x'",
    "credentials_arn = 'arn'", "created_at_ms = 1", "updated_at_ms = 1"])
def test_a_changed_row_does_not_open(server, vendors, change):
    """Whatever column it is: the check names the row."""
    server.stop()
    server.database.change("UPDATE profiles SET " + change.format(
        good=vendors[0].port, evil=vendors[1].port))
    words, status = check(server)
    assert status == 1 and "1 problem found" in words, words
    assert words.startswith("Profile mine (account 123456789012, "), words
    assert "its credentials: Decryption failed" in words, words


def test_redirected_credentials_are_not_sent(server, vendors, canaries):
    good, evil = vendors
    server.stop()
    server.database.change("UPDATE profiles SET " + REDIRECTED.format(
        good=good.port, evil=evil.port))
    server.start()
    asked = len(good.requests)
    answer = server.call("UpdateConnectorProfile", update(evil.port))
    assert answer.status == 500 and "Decryption failed" in answer.message, answer.body
    assert "a profile's properties" in answer.message
    assert evil.requests == [] and len(good.requests) == asked
    # New credentials, from who has them, are how it is mended.
    server.ok("UpdateConnectorProfile", with_credentials(update(good.port), canaries))
    server.ok("UpdateConnectorProfile", update(good.port))
    assert evil.requests == [] and check(server)[1] == 0


def test_redirected_private_credentials_are_not_sent(servers, canaries, vendors):
    """A private connection that is being made, changed while the server is down."""
    good, evil = vendors
    with private.Gated(canaries) as vendor:
        server = servers(*private.options(vendor), "--egress-allow", "127.0.0.1",
                         "--private-route", f"127.0.0.1={evil.authority}")
        vendor.gate.clear()
        server.ok("CreateConnectorProfile", private.create(vendor.new_tokens()))
        vendor.wait_for(1)
        server.stop()
        vendor.drop()
        server.database.change("UPDATE profiles SET properties = ?",
                               '{"Salesforce":{"instanceUrl":"https://evil.my.salesforce.com"}}')
        asked = len(vendor.requests)
        vendor.gate.set()
        server.start()
        private.assert_failed(private.settled(server), "INTERNAL_SERVER", "Decryption failed")
        assert len(vendor.requests) == asked and evil.requests == []


# --- access keys ---

@pytest.fixture
def keyed(sandboxed):
    """A running server whose second key was deleted; with its row, and all rows, of before."""
    server = sandboxed
    server.other = server.make_key(ID, "other")
    assert server.call(READ, key=server.other).status == 200
    server.row = server.query("SELECT * FROM access_keys WHERE id = ?", ID)
    server.keys = server.query("SELECT * FROM access_keys")
    server.state = server.query("SELECT * FROM meta WHERE name = 'access-keys'")
    headgate("access-key", "delete", *server.place, "--access-key-id", ID)
    time.sleep(RECHECK_S)
    assert refused(server) and server.call(READ).status == 200  # so that it has read the new state
    return server


def refused(server):
    answer = server.call(READ, key=server.other)
    return (answer.status, answer.error) == (403, "UnrecognizedClientException")


def restart(server):
    server.stop()
    server.start()


def test_a_deleted_key_stays_deleted(keyed):
    put_back(keyed, "access_keys", keyed.row, f"id = '{ID}'")
    assert refused(keyed)
    restart(keyed)
    assert refused(keyed) and keyed.call(READ).status == 200
    words, status = check(keyed)
    assert status == 1 and "1 problem found" in words, words
    assert words.startswith(f"Access key {ID}: it was deleted or replaced, and its row was put ")
    headgate("access-key", "delete", *keyed.place, "--access-key-id", ID)
    assert check(keyed)[1] == 0


def test_the_current_generation_in_a_deleted_key_s_row(keyed):
    put_back(keyed, "access_keys", keyed.row, f"id = '{ID}'")
    keyed.database.change("UPDATE access_keys SET version = (SELECT max(version) FROM access_keys)")
    answer = keyed.call(READ, key=keyed.other)
    assert answer.status == 500 and "Decryption failed" in answer.message, answer.body
    words, status = check(keyed)
    assert status == 1 and f"Access key {ID}: Decryption failed" in words, words


def test_all_keys_put_back_with_their_state(keyed):
    """What a writer of all tables can do: the node knows better, while it runs and later."""
    put_back(keyed, "access_keys", keyed.keys)
    put_back(keyed, "meta", keyed.state, "name = 'access-keys'")
    answer = keyed.call(READ, key=keyed.other)
    assert answer.status == 503 and "put back to an older state" in answer.message, answer.body
    keyed.stop()
    assert "put back to an older state" in refused_start(keyed)
    words, status = check(keyed)
    assert status == 1 and "put back to an older state" in words, words
    # For an operator who has restored it on purpose.
    (keyed.data / "access-key-generation").unlink()
    keyed.start()
    assert keyed.call(READ, key=keyed.other).status == 200
    # A node that has seen nothing has the audit.
    words, status = check(keyed)
    assert status == 1 and "1 problem found" in words, words
    assert words.startswith(f"Access key {ID} exists, although the audit records its deletion.")
    headgate("access-key", "delete", *keyed.place, "--access-key-id", ID)
    assert check(keyed)[1] == 0


@pytest.mark.parametrize("change, words", [
    ("DELETE FROM access_keys", "Access keys: 1 of 1 are missing"),
    ("DELETE FROM meta WHERE name = 'access-keys'", "Access keys: The state of the access keys is"),
    ("UPDATE meta SET value = {} WHERE name = 'access-keys'", "Access keys: A stored value is not"),
])
def test_keys_that_are_gone(keyed, change, words):
    """Nobody gets in; the check says why."""
    keyed.stop()
    keyed.database.change(change.format(keyed.database.zeros.format(200)))
    found, status = check(keyed)
    assert status == 1 and found.startswith(words) and "1 problem found" in found, found


@pytest.mark.embedded
def test_a_restored_backup_is_taken(keyed, tmp_path):
    """headgate restore is the operator's own will, so nothing else has to be done."""
    headgate("access-key", "create", *keyed.place, "--account", keyed.key.account)
    copy = tmp_path / "copy.db"
    headgate("backup", "--data", keyed.data, "--to", copy)
    made = keyed.query("SELECT id FROM access_keys WHERE id LIKE 'HGAK%'")[0]["id"]
    headgate("access-key", "delete", *keyed.place, "--access-key-id", made)
    keyed.stop()
    (keyed.data / "headgate.db").unlink()
    headgate("restore", "--data", keyed.data, "--from", copy)
    keyed.start()
    assert keyed.call(READ).status == 200 and check(keyed)[1] == 0


# --- what an older version sealed ---

SEALED = {"profiles": "sealed_credentials", "oauth_tokens": "sealed", "token_grants": "sealed",
          "access_keys": "sealed_secret", "oauth_apps": "sealed_secret", "meta": "value"}


# What else is in `meta` is no secret.
SEALED_META = "name IN ('service-secret', 'access-keys')"


def forms(server):
    """The beginnings of all sealed values."""
    return {bytes(row["value"])[:3] for table, column in SEALED.items() for row in server.query(
        f"SELECT {column} AS value FROM {table} WHERE {column} IS NOT NULL"
        + (f" AND {SEALED_META}" if table == "meta" else ""))}


@pytest.fixture
def old(servers):
    """The data of version 0.1.0, not opened yet; with what it sealed."""
    server = servers("--sandbox", "--private-route", "login.salesforce.com=127.0.0.1:443",
                     start=False, make_key=False)
    migration.put_in_place(server)
    keys = migration.json.loads((migration.DATA / "access-keys.json").read_text())
    server.key, server.other = [Key(**each) for each in keys]
    server.was = {table: server.query(f"SELECT * FROM {table}")
                  for table in ("profiles", "access_keys", "oauth_apps", "meta")}
    return server


def upgrade(server):
    server.start()
    for name in migration.PRIVATE:
        migration.settled(server, name)


def test_everything_is_sealed_again(old):
    assert forms_of(old.was) == {b"HG1"}
    upgrade(old)
    assert forms(old) == {b"HG2"}
    assert check(old)[1] == 0
    old.stop()
    written = old.query("SELECT * FROM profiles ORDER BY account, name")
    old.start()
    assert old.query("SELECT * FROM profiles ORDER BY account, name") == written  # once


def forms_of(tables):
    return {bytes(row[SEALED[table]])[:3] for table, rows in tables.items() for row in rows}


def test_the_check_upgrades_too(old):
    """It may be the first command that a new version runs."""
    words, status = check(old)
    assert status == 0 and "Checked 11 profiles" in words, words
    assert forms(old) == {b"HG2"}


def test_old_seals_that_are_put_back(old):
    """Also with other properties, and beside a server that runs."""
    upgrade(old)
    row = next(row for row in old.was["profiles"] if row["name"] == "zendesk")
    described = old.describe("zendesk")
    old.stop()
    old.database.change("UPDATE profiles SET sealed_credentials = ?, version = ?,"
                        " credentials_version = NULL WHERE name = 'zendesk'",
                        row["sealed_credentials"], row["version"])
    old.start()
    answer = old.call("UpdateConnectorProfile", {
        "connectorProfileName": "zendesk", "connectionMode": "Public", "connectorProfileConfig": {
            "connectorProfileProperties": described["connectorProfileProperties"]}})
    assert answer.status == 500 and "the form of an older version" in answer.message, answer.body
    words, status = check(old)
    assert status == 1 and words.startswith("Profile zendesk "), words
    assert "its credentials: A stored value is sealed in the form of an older version" in words


@pytest.mark.parametrize("version", [0, 1])
def test_an_old_access_key_that_is_put_back(old, version):
    upgrade(old)
    headgate("access-key", "delete", *old.place, "--access-key-id", old.other.id)
    row = next(row for row in old.was["access_keys"] if row["id"] == old.other.id)
    put_back(old, "access_keys", [{**row, "version": version}], f"id = '{old.other.id}'")
    time.sleep(RECHECK_S)
    assert refused(old)
    words, status = check(old)
    assert status == 1 and f"Access key {old.other.id}: " in words, words


def test_an_old_database_that_is_put_back(old):
    """A node that has seen the database upgraded does not upgrade it a second time: that would seal
    whatever is in it now."""
    upgrade(old)
    old.stop()
    put_back(old, "meta", old.was["meta"], "name = 'service-secret'")
    assert "the form of an older version" in refused_start(old)
    words, status = check(old)
    assert status == 1 and "put back to an older state" in words, words


def test_an_upgrade_that_was_cut_off(old):
    """Some values were sealed again, and others not yet: the next start does the rest."""
    upgrade(old)
    old.stop()
    half = [row for row in old.was["profiles"] if row["name"] in ("zendesk", "datadog")]
    for row in half:
        old.database.change("UPDATE profiles SET sealed_credentials = ?, credentials_version = NULL"
                            " WHERE account = ? AND name = ?",
                            row["sealed_credentials"], row["account"], row["name"])
    put_back(old, "oauth_apps", old.was["oauth_apps"])
    put_back(old, "access_keys", [{**row, "version": 0} for row in old.was["access_keys"]])
    put_back(old, "meta", old.was["meta"], SEALED_META)
    (old.data / "access-key-generation").unlink()
    old.start()
    assert forms(old) == {b"HG2"} and check(old)[1] == 0
    assert migration.names(old) == migration.PUBLIC | migration.PRIVATE
