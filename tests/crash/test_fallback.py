"""Kills the server while it falls back to previous credentials, starts it again, and looks at the
vendor's ledger: the swap is whole or not there, no spent refresh token is shown, and the next use
falls back."""

import pytest
from test_crash import call_until_death, fault_points

from support.keeping import Keeping, create, update
from support.salesforce import with_app
from support.vendor import to_vendor

SWAP = ["rollback:verified", "change:sealed", "change:committed"]
DONE = {"change:committed"}


def test_each_of_its_fault_points_is_reached():
    assert {point for point in fault_points() if point.startswith("rollback:")} <= set(SWAP)


@pytest.fixture
def vendor(canaries):
    with Keeping(canaries) as made:
        yield made
        made.hold.set()


USE = ("DescribeConnectorEntity", {"connectorProfileName": "kept",
                                   "connectorEntityName": "Account"})


@pytest.mark.parametrize("point", SWAP)
def test_a_death_in_the_swap(servers, canaries, vendor, point):
    """The old access token has ended, so the verification renews it, which spends a refresh token:
    what was got for it is in the grant journal before the swap."""
    server = with_app(servers, canaries, *to_vendor(vendor, "Salesforce")).start()
    old, new = vendor.new_tokens(), vendor.new_tokens()
    server.ok("CreateConnectorProfile", create(old))
    server.ok("UpdateConnectorProfile", update(new))
    server.stop()
    vendor.live_access.clear()
    vendor.live_refresh.discard(new["refreshToken"])
    server.start(env={"HEADGATE_FAULT": point})
    assert call_until_death(server, *USE) == (None, True), "never reached"
    row = server.profile_row("kept")
    assert (row["fell_back_at_ms"] not in (None, 0)) == (point in DONE)
    server.start()
    server.call(*USE)
    assert server.profile_row("kept")["fell_back_at_ms"] > 0
    server.ok("UpdateConnectorProfile", update())
    assert not vendor.shown_twice() & vendor.spent
