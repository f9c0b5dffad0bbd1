"""A database that an older version made is migrated at the start, with everything in it.
tests/data/0.1.0/README.md tells what that is."""

import json
import pathlib
import shutil
import subprocess
import time

import pytest

from support import private
from support.database import REMOTE, cluster
from support.server import Key, OTHER_ACCOUNT, command, headgate
from support.vendor import Vendor, http

DATA = pathlib.Path(__file__).resolve().parent.parent / "data/0.1.0"
PUBLIC = {"amplitude", "datadog", "marketo", "salesforce-code", "salesforce-refresh",
          "salesforce-token", "servicenow", "zendesk"}
PRIVATE = {"private-code", "private-pending"}
WAIT_S = 60
LIFE_MS = 60 * 60 * 1000


class Recorder(Vendor):
    """Answers nothing good, and keeps what it was asked."""

    def __init__(self):
        super().__init__(lambda request: http("401 Unauthorized", "[]"))


def copy(name, to):
    shutil.copy(DATA / name, to)
    to.chmod(0o600)


def put_in_place(server):
    """The old data as this server's, and nothing that has run yet."""
    server.data.chmod(0o700)
    if REMOTE:
        copy("postgresql.keyring", server.data / "keyring")
        done = subprocess.run(
            [cluster().bin / "psql", "-q", "-v", "ON_ERROR_STOP=1", server.database.url, "-f",
             DATA / "postgresql.sql"], capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
    else:
        for name in ("headgate.db", "keyring", "mark"):
            copy(name, server.data / name)
    # As if it had been made just now, whatever this machine's clock says; only the attempt's
    # deadline has passed.
    now_ms = int(time.time() * 1000)
    server.database.change("UPDATE exchanges SET attempt_ends_at_ms = 1 WHERE attempt IS NOT NULL")
    for table in ("exchanges", "client_tokens"):
        server.database.change(f"UPDATE {table} SET expires_at_ms = {now_ms + LIFE_MS}")
    server.database.change(f"UPDATE audit SET at_ms = {now_ms}")


def start(servers, *options):
    server = servers(*options, start=False, make_key=False)
    put_in_place(server)
    server.key, server.other = [Key(**each) for each in
                                json.loads((DATA / "access-keys.json").read_text())]
    return server.start()


@pytest.fixture
def migrated(servers):
    """In sandbox mode the private route leads to the stand-in too."""
    return start(servers, "--sandbox", "--private-route", "login.salesforce.com=127.0.0.1:443")


def names(server, **kwargs):
    found = server.ok("DescribeConnectorProfiles", {"maxResults": 100}, **kwargs)
    return {each["connectorProfileName"] for each in found["connectorProfileDetails"]}


def sandbox_config(connector, outcome):
    return json.loads(headgate("sandbox", "--list", "--json", "--connector", connector,
                               "--outcome", outcome))


def settled(server, name):
    """The state of a private profile once it is not pending any more."""
    until = time.monotonic() + WAIT_S
    while True:
        state = server.describe(name)["privateConnectionProvisioningState"]
        if state["status"] != "PENDING":
            return state
        assert time.monotonic() < until
        time.sleep(0.02)


def test_everything_is_there(migrated):
    assert names(migrated) == PUBLIC | PRIVATE
    migrated.key, first = migrated.other, migrated.key
    assert migrated.key.account == OTHER_ACCOUNT and names(migrated) == {"amplitude"}
    migrated.key = first
    assert not (migrated.data / "mark").exists()
    assert headgate("oauth-app", "list", *migrated.place).startswith("Salesforce")
    audit = headgate("audit", *migrated.place, "--account", first.account)
    assert audit.count("DeleteConnectorProfile") == 1
    assert "UpdateConnectorProfile" in audit and "refused" in audit


def test_its_seals_open_and_nothing_went_back(migrated):
    for name in PRIVATE:
        settled(migrated, name)
    done = subprocess.run(command("check", *migrated.place), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout
    assert b"Checked 11 profiles" in done.stdout and b"Warning" not in done.stdout


def test_kept_credentials_are_used(migrated):
    """An update without credentials verifies the kept ones, tokens of a code among them."""
    for name in sorted(PUBLIC):
        described = migrated.describe(name)
        config = {"connectorProfileProperties": described["connectorProfileProperties"]}
        migrated.ok("UpdateConnectorProfile", {
            "connectorProfileName": name, "connectionMode": "Public",
            "connectorProfileConfig": config})
        assert migrated.describe(name)["lastUpdatedAt"] != described["lastUpdatedAt"]


def test_a_pending_private_profile_is_verified(migrated):
    assert settled(migrated, "private-pending") == {"status": "CREATED"}


def test_a_code_that_was_sent_is_not_sent_again(servers):
    """The old server was killed while it sent the code, to the endpoint that is set here too."""
    with Recorder() as vendor:
        server = start(servers, *private.options(vendor))
        state = settled(server, "private-code")
        settled(server, "private-pending")
    assert state["status"] == "FAILED" and "code" in state["failureMessage"], state
    assert [request.target for request in vendor.requests if "token" in request.target] == []
    assert vendor.requests != []  # of the other profile


def test_tokens_that_can_be_renewed_are_kept(migrated):
    """The profiles of before get the keeper's jobs and states after the start, and no others do."""
    kept = {"marketo", "salesforce-refresh"}
    until = time.monotonic() + WAIT_S
    while migrated.count_rows("jobs WHERE account = ''") > 0:
        assert time.monotonic() < until, migrated.log[-3000:]
        time.sleep(0.02)
    for table in ("token_states", "jobs WHERE kind = 'token-keeper'"):
        found = migrated.query(f"SELECT name FROM {table}")
        assert kept <= {row["name"] for row in found}, found
        assert "amplitude" not in {row["name"] for row in found}
    assert migrated.count_rows("jobs WHERE kind = 'token-keeper' AND due_at_ms = 0") == 0


def test_it_can_be_written(migrated):
    migrated.ok("DeleteConnectorProfile", {"connectorProfileName": "salesforce-code"})
    migrated.ok("CreateConnectorProfile", {
        "connectorProfileName": "new", "connectionMode": "Public", "connectorType": "Amplitude",
        "connectorProfileConfig": sandbox_config("Amplitude", "accepted")})
    migrated.stop()
    migrated.start()
    assert names(migrated) == (PUBLIC | PRIVATE | {"new"}) - {"salesforce-code"}
