"""Private connections that wait: for their turn, with a slot that is reserved before the change is
committed and given back if it is not."""

import pytest

from support import operations, private
from support.private import create, settled
from support.salesforce import with_app


@pytest.fixture
def salesforce(canaries):
    with private.Gated(canaries) as vendor:
        yield vendor
        vendor.gate.set()


def test_made_again_before_its_turn_came(servers, salesforce, canaries):
    """What waited for a thread when its profile was deleted asks the vendor nothing, least of all
    with the credentials of the profile that has the name now."""
    server = with_app(servers, canaries, *private.options(salesforce)).start()
    salesforce.gate.clear()
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens(), name="first"))
    salesforce.wait_for(1)  # the one thread that this vendor has as long as it does not answer
    old, new = salesforce.new_tokens(), salesforce.new_tokens()
    server.ok("CreateConnectorProfile", create(old))
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "inside"})
    server.ok("CreateConnectorProfile", create(new))
    salesforce.gate.set()
    assert settled(server) == {"status": "CREATED"}
    server.stop()
    shown = [request.headers["authorization"] for request in salesforce.requests]
    assert shown.count(f"Bearer {old['accessToken']}") == 0
    assert shown.count(f"Bearer {new['accessToken']}") == 1


def test_a_change_that_fails_at_its_commit_gives_its_slot_back(servers, salesforce, canaries):
    server = with_app(servers, canaries, *private.options(salesforce), "--profile-quota", "1",
                      *operations.OPTION).start()
    tokens = salesforce.new_tokens()
    server.ok("CreateConnectorProfile", create(tokens, name="first"))
    assert settled(server, "first") == {"status": "CREATED"}
    operations.wait_for(server, provisioning=0)
    for _ in range(3):
        answer = server.call("CreateConnectorProfile", create(tokens))
        assert (answer.status, answer.error) == (402, "ServiceQuotaExceededException")
    assert operations.metrics(server)["headgate_provisioning"] == 0
