"""Private mode: a connection whose sealed credentials or OAuth tokens cannot be read."""

import pytest

from support import private
from support.private import assert_failed, change, create, settled
from support.salesforce import with_app


@pytest.fixture
def salesforce(canaries):
    with private.Gated(canaries) as vendor:
        yield vendor
        vendor.gate.set()


@pytest.fixture
def server(servers, salesforce, canaries):
    return with_app(servers, canaries, *private.options(salesforce)).start()


def test_credentials_that_do_not_open(server, salesforce):
    """A seal that was damaged on disk. New credentials are how that is mended."""
    salesforce.gate.clear()
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens()))
    salesforce.wait_for(1)
    server.stop()
    salesforce.drop()
    server.database.change("UPDATE profiles SET sealed_credentials = "
                           + server.database.zeros.format(200))
    asked = len(salesforce.requests)
    server.start()
    assert_failed(settled(server), "INTERNAL_SERVER", "")
    assert len(salesforce.requests) == asked
    salesforce.gate.set()
    server.ok("UpdateConnectorProfile", change(salesforce.new_tokens()))
    assert settled(server) == {"status": "CREATED"}


def test_tokens_that_do_not_open(server, salesforce):
    """The credentials are good without them, and stay good."""
    salesforce.gate.clear()
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens()))
    salesforce.wait_for(1)
    server.stop()
    salesforce.drop()
    server.database.change(
        "INSERT INTO oauth_tokens (account, region, name, credentials_version, version,"
        " expires_at_ms, sealed) SELECT account, region, name, credentials_version, 1, 0, "
        + server.database.zeros.format(200) + " FROM profiles")
    salesforce.gate.set()
    server.start()
    assert settled(server) == {"status": "CREATED"}
    assert "cannot be read" in server.log
    server.database.change("DELETE FROM oauth_tokens")
    server.ok("UpdateConnectorProfile", change(None))
    assert settled(server) == {"status": "CREATED"}
