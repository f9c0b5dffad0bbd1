"""Kills the server at every step of a change to a registered connector's profile: the code was
shown at most once, the profile is the old one or the new one, and a retry with the client token
ends well or says what is not known."""

import pytest

from support import aws, custom
from support.functions import to_functions
from test_crash import LOST, NOT_KNOWN, POINTS, call_until_death, note_use, start_with_fault

STEPS = [point for point in POINTS if point.startswith(("change:", "grant:", "store:"))]


@pytest.fixture
def connector(canaries):
    with custom.Connector(canaries) as each:
        yield each


def settings_of(server):
    described = server.describe("crash")["connectorProfileProperties"][aws.CUSTOM]
    return described.get("profileProperties", {})


@pytest.mark.parametrize("point", STEPS)
def test_killed_in_an_update(servers, connector, canaries, point):
    options, env = to_functions(connector, canaries)
    server = servers(*options, env=env)
    custom.register(server)
    server.ok("CreateConnectorProfile", custom.create(custom.basic(canaries.new()), "crash"))
    before = server.profile_row("crash")
    server.stop()
    note_use(server)
    request = custom.update(connector.with_code({"step": "new"}), "crash", clientToken="crash-1")
    if start_with_fault(server, point):
        _, died = call_until_death(server, "UpdateConnectorProfile", request)
        assert died, "never reached"
    server.start()
    committed = server.profile_row("crash")["version"] != before["version"]
    assert settings_of(server) == ({"step": "new"} if committed else {})
    connector.types()
    answer = server.call("UpdateConnectorProfile", request)
    if point in LOST["code"]:
        assert answer.status == 401 and NOT_KNOWN in answer.message
        assert server.profile_row("crash") == before
    else:
        assert answer.status == 200, answer.body
        assert list(connector.codes.values()) == [1]
        assert committed == (connector.types() == [])
    assert max(connector.codes.values()) <= 1
