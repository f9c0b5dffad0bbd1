"""Access keys that change under a running server, which keeps opened secrets for a second."""

import json
import time

import pytest

from support.server import OTHER_ACCOUNT, Key, headgate

READ = "DescribeConnectorProfiles"
ID = "AKIAHEADGATETEST0002"
USES = 8  # enough that each of the server's loops has the key
RECHECK_S = 1.0  # what the documentation promises
LATE_S = 0.3

pytestmark = pytest.mark.waits(2)


def delete(server, key):
    headgate("access-key", "delete", *server.place, "--access-key-id", key.id)


def create(server, key):
    headgate("access-key", "create", *server.place, "--account", key.account, "--access-key-id",
             key.id, "--secret-access-key", key.secret)


def use(server, key, count=USES):
    """Each call has a connection of its own, so that the loops take turns; what was answered."""
    answers = [server.call(READ, key=key) for _ in range(count)]
    return {(answer.status, answer.error) for answer in answers}


def amplitude():
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", "Amplitude",
                                 "--outcome", "accepted"))
    return {"connectorProfileName": "p", "connectorType": "Amplitude", "connectionMode": "Public",
            "connectorProfileConfig": config}


@pytest.fixture
def used(sandboxed):
    """A running server that has just taken a second key, on all of its loops."""
    server = sandboxed
    server.other = server.make_key(ID, "other")
    assert use(server, server.other) == {(200, None)}
    return server


def after_a_second():
    time.sleep(RECHECK_S + LATE_S)


def test_a_deleted_key_is_refused_within_a_second(used):
    delete(used, used.other)
    after_a_second()
    assert use(used, used.other, 12) == {(403, "UnrecognizedClientException")}
    assert use(used, used.key) == {(200, None)}  # another key stays good
    # And for good, not only at the first look.
    after_a_second()
    assert use(used, used.other, 4) == {(403, "UnrecognizedClientException")}


def test_a_key_with_another_secret_replaces_the_old_one(used, canaries):
    again = Key(ID, canaries.new("another"))
    delete(used, used.other)
    create(used, again)
    after_a_second()
    assert use(used, used.other, 12) == {(403, "InvalidSignatureException")}
    assert use(used, again) == {(200, None)}


def test_a_key_that_is_another_account_s_now(used):
    """The same id and the same secret: only the account tells them apart."""
    used.ok("CreateConnectorProfile", amplitude(), key=used.other)
    delete(used, used.other)
    create(used, Key(ID, used.other.secret, OTHER_ACCOUNT))
    after_a_second()
    for _ in range(USES):
        assert used.ok(READ, key=used.other)["connectorProfileDetails"] == []
    arn = used.ok("CreateConnectorProfile", amplitude(), key=used.other)["connectorProfileArn"]
    assert f":{OTHER_ACCOUNT}:" in arn


def test_a_new_key_is_taken_at_once(servers, canaries):
    """Also one that was refused a moment ago."""
    server = servers()
    key = Key(ID, canaries.new("later"))
    assert use(server, key) == {(403, "UnrecognizedClientException")}
    create(server, key)
    assert use(server, key) == {(200, None)}
