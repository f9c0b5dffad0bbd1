"""A disk that takes no more: what cannot be kept is refused, what was kept stays, and when there is
room again the same server goes on."""

import json
import resource

import pytest

from support.server import headgate

pytestmark = pytest.mark.embedded

CONFIG = json.loads(headgate("sandbox", "--list", "--json", "--connector", "Amplitude",
                             "--outcome", "accepted"))


def profile(name, create=True):
    more = {"connectorType": "Amplitude"} if create else {}
    return {"connectorProfileName": name, "connectionMode": "Public",
            "connectorProfileConfig": CONFIG, **more}


@pytest.fixture
def full(sandboxed):
    """A server with one profile, whose files may not grow any further."""
    sandboxed.ok("CreateConnectorProfile", profile("before"))
    sizes = [each.stat().st_size for each in sandboxed.data.iterdir()]
    set_limit(sandboxed, max(sizes))
    return sandboxed


def set_limit(server, size):
    hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def until_refused(change):
    """Makes changes by their number until one cannot be kept; how many could. Whenever the log is
    moved into the database there is room for some more."""
    for number in range(2000):
        answer = change(number)
        if answer.status != 200:
            return number, answer
    raise AssertionError("the limit was never reached")


def fill(server):
    return until_refused(lambda number: server.call("CreateConnectorProfile",
                                                    profile(f"fill-{number}")))


def test_what_cannot_be_kept_is_refused(full):
    kept, answer = fill(full)
    assert answer.status in (500, 503), answer.body
    assert "disk" in answer.message or "room" in answer.message, answer.message
    assert full.describe(f"fill-{kept}") is None
    assert full.describe("before")
    seen = []

    def update(number):
        seen[:] = [full.describe("before")]
        return full.call("UpdateConnectorProfile", {**profile("before", create=False),
                                                    "clientToken": f"t{number}"})

    _, refused = until_refused(update)
    assert refused.status in (500, 503)
    assert [full.describe("before")] == seen


def test_it_goes_on_when_there_is_room_again(full):
    kept, _ = fill(full)
    set_limit(full, resource.RLIM_INFINITY)
    full.ok("CreateConnectorProfile", profile(f"fill-{kept}"))
    full.ok("UpdateConnectorProfile", profile("before", create=False))
    full.stop()
    full.start()
    for name in ["before", *(f"fill-{number}" for number in range(kept + 1))]:
        assert full.describe(name), name
