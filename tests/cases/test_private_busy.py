"""Private mode: a vendor that is busy with another request for the same credential."""

import pytest

from support import private
from support.salesforce import REDIRECT, TOKEN_PATH, with_app


@pytest.fixture
def salesforce(canaries):
    with private.Gated(canaries) as vendor:
        yield vendor


@pytest.mark.parametrize("kind", ["code", "refresh token"])
def test_while_the_vendor_is_busy_it_stays_pending(servers, salesforce, canaries, kind):
    """A time limit too short for a repetition, so that each attempt ends as busy."""
    options = list(private.options(salesforce))
    options[options.index("--verify-timeout") + 1] = "1"
    server = with_app(servers, canaries, *options).start()
    salesforce.busy = 2
    credentials = {"oAuthRequest": {"authCode": salesforce.new_code(), "redirectUri": REDIRECT}}
    if kind == "refresh token":
        credentials = {"refreshToken": salesforce.new_tokens()["refreshToken"]}
    server.ok("CreateConnectorProfile", private.create(credentials))
    assert private.settled(server) == {"status": "CREATED"}
    assert salesforce.busy == 0
    sent = [request for request in salesforce.requests if request.target == TOKEN_PATH]
    assert len(sent) == 3
