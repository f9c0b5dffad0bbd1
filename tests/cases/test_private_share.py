"""Private connections are bounded, and shared by accounts and vendor hosts: their places on a node,
and the threads that make them."""

import pytest

from support import crowd, operations, private
from support.private import create, settled, state
from support.salesforce import with_app

PLACES = 1024  # PRIVATE_CONNECTION_MAX
THREADS = 16  # PRIVATE_CONNECTION_THREADS
EACH_HOST = 8  # profiles, of each of the many hosts that hang
ACCOUNTS = ("111122223333", "444455556666")  # besides the server's own
# Of the places, an account holds as many as it leaves free, and one host as many as it leaves free
# of all and of its account's share. The accounts of three fill the host's half one after another.
ONE_HOST = PLACES // 2 // 2
HOST_SHARES = (ONE_HOST, (PLACES - ONE_HOST) // 2 // 2, 64)


@pytest.fixture
def salesforce(canaries):
    with private.Gated(canaries) as vendor:
        yield vendor
        vendor.gate.set()


@pytest.fixture
def hanging():
    with crowd.SlowVendors("never") as each:
        yield each


@pytest.fixture
def two_vendors(servers, salesforce, hanging, canaries):
    """Salesforce, and Singular behind a route at whose end nobody answers."""
    made = with_app(servers, canaries, *private.options(salesforce, "*:"),
                    "--endpoint", "Singular=http://hangs.example",
                    "--private-route", f"*:hangs.example=127.0.0.1:{hanging.ports[0]}",
                    *operations.OPTION)
    return made.start()


def make_keys(server, canaries):
    """Those of three accounts."""
    more = [server.make_key(f"AKIAHEADGATETEST100{at}", canaries.new(), account)
            for at, account in enumerate(ACCOUNTS)]
    return [server.key, *more]


def singular(canaries, name):
    return {"connectorProfileName": name, "connectorType": "Singular", "connectionMode": "Private",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"Singular": {}},
                "connectorProfileCredentials": {"Singular": {"apiKey": canaries.new()}}}}


def assert_refused(server, body, key):
    answer = server.call("CreateConnectorProfile", body, key=key)
    assert (answer.status, answer.error) == (429, "ThrottlingException")
    assert "to this vendor" in answer.message
    assert f"{PLACES} in all, shared" in answer.message
    assert answer.header("Retry-After") == "1"
    assert server.describe(body["connectorProfileName"], key=key) is None


def fill_host(server, keys, body_of):
    """Every account takes its share of the host's places; together they take all, and each is then
    refused one more."""
    assert sum(HOST_SHARES) == PLACES // 2
    for key, share in zip(keys, HOST_SHARES, strict=True):
        for number in range(share):
            server.ok("CreateConnectorProfile", body_of(f"p{number}"), key=key)
        assert_refused(server, body_of("one-more"), key)


def wait_until_hung(server, count):
    """Until so many wait for the vendor that hangs, one thread with it in hand."""
    queued = count - 1
    operations.wait_for(server, provisioning=count, provisioning_queued=queued,
                        provisioning_held=queued)


def test_only_so_many_at_once(servers, salesforce, canaries):
    """They wait on threads of their own, and leave those of other requests alone."""
    server = with_app(servers, canaries, *private.options(salesforce, "*:")).start()
    keys, tokens = make_keys(server, canaries), salesforce.new_tokens()
    salesforce.gate.clear()
    fill_host(server, keys,
              lambda name: create(tokens, name=name, clientToken=f"{name}-for-the-host"))
    # A request that waits for no private network goes on.
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "p0"})
    salesforce.gate.set()
    for key, share in zip(keys, HOST_SHARES, strict=True):
        for number in range(1, share):
            assert settled(server, f"p{number}", key=key) == {"status": "CREATED"}
    # The token of the request that was refused is free.
    for key in keys:
        server.ok("CreateConnectorProfile",
                  create(tokens, name="one-more", clientToken="one-more-for-the-host"), key=key)
        assert settled(server, "one-more", key=key) == {"status": "CREATED"}


def test_a_vendor_that_hangs_takes_a_share_of_the_places(two_vendors, salesforce, canaries):
    server, keys = two_vendors, make_keys(two_vendors, canaries)
    fill_host(server, keys, lambda name: singular(canaries, name))
    assert operations.throttled(server, "private-connections") == len(keys)
    for key in keys:
        server.ok("CreateConnectorProfile", create(salesforce.new_tokens()), key=key)
        assert settled(server, key=key) == {"status": "CREATED"}


def test_a_vendor_that_hangs_takes_a_share_of_the_threads(two_vendors, salesforce, hanging,
                                                           canaries):
    """One, as long as it answers nobody; another vendor's profiles become ready."""
    server, count = two_vendors, 2 * THREADS
    for number in range(count):
        server.ok("CreateConnectorProfile", singular(canaries, f"h{number}"))
    wait_until_hung(server, count)
    for number in range(THREADS):
        server.ok("CreateConnectorProfile", create(salesforce.new_tokens(), name=f"good{number}"))
        assert settled(server, f"good{number}") == {"status": "CREATED"}
    assert state(server, "h0") == {"status": "PENDING"}
    assert hanging.figures() == {"waiting": 1, "peak": 1, "total": 1}
    # What the next start takes up waits in the same order.
    server.stop()
    server.start()
    wait_until_hung(server, count)
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens(), name="after"))
    assert settled(server, "after") == {"status": "CREATED"}
    hanging.set_delay(0)
    for number in range(count):
        assert settled(server, f"h{number}") == {"status": "CREATED"}


def erp(canaries, host, name):
    return {"connectorProfileName": name, "connectorType": "SAPOData", "connectionMode": "Private",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"SAPOData": {
                    "applicationHostUrl": f"http://{host}", "portNumber": 80,
                    "applicationServicePath": "/catalog", "clientNumber": "100"}},
                "connectorProfileCredentials": {"SAPOData": {"basicAuthCredentials": {
                    "username": canaries.new(), "password": canaries.new()}}}}}


def make_hanging(server, canaries, hosts):
    for host in hosts:
        for number in range(EACH_HOST):
            server.ok("CreateConnectorProfile", erp(canaries, host, f"{host}-{number}"))


def test_many_hosts_that_hang_leave_threads_to_others(servers, salesforce, hanging, canaries):
    """An account has half of the threads. With all of its hosts but one hanging it still makes the
    connections of that one; with more, another account still makes its own."""
    hosts = [f"erp{number}.inside.example" for number in range(2 * THREADS)]
    routes = [word for host in hosts
              for word in ("--private-route", f"{host}=http://127.0.0.1:{hanging.ports[0]}")]
    server = servers(*private.options(salesforce, "*:"), *routes, *operations.OPTION)
    other = make_keys(server, canaries)[1]
    few = THREADS // 2 - 1
    make_hanging(server, canaries, hosts[:few])
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens()))
    assert settled(server) == {"status": "CREATED"}
    make_hanging(server, canaries, hosts[few:])
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens()), key=other)
    assert settled(server, key=other) == {"status": "CREATED"}
    waiting = len(hosts) * EACH_HOST
    operations.wait_for(server, provisioning=waiting, provisioning_queued=waiting - THREADS // 2,
                        provisioning_held=waiting - THREADS // 2)
    for host in hosts:
        for number in range(EACH_HOST):
            assert state(server, f"{host}-{number}") == {"status": "PENDING"}


def test_more_than_there_are_places_at_the_start(two_vendors, salesforce, hanging, canaries):
    """As when the nodes that wrote them were more. Those that found no place are taken up later."""
    server, more = two_vendors, 50
    for number in range(ONE_HOST):
        server.ok("CreateConnectorProfile", singular(canaries, f"h{number}"))
    server.stop()
    server.database.change("UPDATE profiles SET provisioning_status = 'CREATED'")
    server.database.change("DELETE FROM jobs WHERE kind = 'private-connection'")
    server.start()
    for number in range(ONE_HOST, ONE_HOST + more):
        server.ok("CreateConnectorProfile", singular(canaries, f"h{number}"))
    salesforce.gate.clear()
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens(), name="z-last"))
    salesforce.wait_for(1)
    server.stop()
    salesforce.drop()
    server.database.change("UPDATE profiles SET provisioning_status = 'PENDING'")
    server.database.change(
        "INSERT INTO jobs (kind, account, region, name, due_at_ms, fence, lease_until_ms, owner,"
        " attempts, payload) SELECT 'private-connection', account, region, name, created_at_ms,"
        " version, 0, '', 0, version || '' FROM profiles WHERE true ON CONFLICT DO NOTHING")
    salesforce.gate.set()
    server.start()
    wait_until_hung(server, ONE_HOST)
    assert settled(server, "z-last") == {"status": "CREATED"}
    hanging.set_delay(0)
    for number in range(ONE_HOST + more):
        assert settled(server, f"h{number}") == {"status": "CREATED"}
