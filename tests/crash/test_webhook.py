"""Kills the server at both fault points of a call to the receiver of events: each event comes again
after the next start, as it was."""

import signal

import pytest

from support import operations
from support.keeping import Keeping, create, make_due
from support.salesforce import with_app
from support.vendor import Vendor, http, to_vendor
from test_crash import fault_points

POINTS = {"event:sending": 1, "event:sent": 2}  # how often the receiver gets the event
PAGE = http("401 Unauthorized", "<html>Sign in to the guest network</html>", "text/html")


@pytest.fixture
def receiver():
    with Vendor(lambda request: http("204 No Content")) as made:
        yield made


def test_each_of_its_fault_points_is_reached():
    assert {point for point in fault_points() if point.startswith("event:")} == set(POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_killed_in_a_call(servers, canaries, receiver, tmp_path, point):
    secret = tmp_path / "webhook"
    secret.write_text(canaries.new("webhook") + "\n")
    secret.chmod(0o600)
    with Keeping(canaries) as vendor:
        server = with_app(servers, canaries, *to_vendor(vendor, "Salesforce"), *operations.OPTION,
                          "--webhook-url", receiver.url + "/hook", "--webhook-secret", secret)
        server.start()
        server.ok("CreateConnectorProfile", create(
            {"refreshToken": vendor.new_tokens()["refreshToken"]}))
        vendor.instead = [PAGE]
        make_due(server, env={"HEADGATE_FAULT": point})
        assert server.wait_for_end() == -signal.SIGKILL
        server.database.change("UPDATE jobs SET lease_until_ms = 0")
        server.start()
        operations.wait_until(server, lambda _: not server.count_rows("credential_events"))
        bodies = {each.body for each in receiver.requests}
        assert len(receiver.requests) == POINTS[point] and len(bodies) == 1
