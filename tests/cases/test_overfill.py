"""What a client can fill is filled past its bound: it is told to come back, others are served, and
memory stays as it is."""

import fcntl
import json
import os
import socket

import pytest

from support import aws, operations, wire
from support.background import Background
from support.server import VARIANT

TOLD = (429, "ThrottlingException", "1")
READ = "DescribeConnectorProfiles"
MIB = 1024 * 1024


def told(answer):
    return answer.status, answer.error, answer.header("Retry-After")


def assert_grew_less(server, before, limit):
    """Sanitizers keep what was freed."""
    if VARIANT in ("release", "faults"):
        assert server.memory() - before < limit


def refused(server):
    return operations.metrics(server)["headgate_http_refused_total"]


TRUSTED = ("--trusted-address", "127.0.0.1")  # one address may have all connections


class Opened(wire.Connection):
    """From an address of this machine's own; `signed`: with a request that was answered 200."""

    def __init__(self, server, signed=False, address="127.0.0.1"):
        self.socket = socket.create_connection((server.host, server.port), wire.TIMEOUT_S,
                                               source_address=(address, 0))
        self.rest = b""
        if signed:
            assert self.read(server).status == 200

    def read(self, server):
        return self.exchange(wire.signed_request(server, "POST", wire.kebab(READ), b"{}"))


def test_connections(servers):
    """The one too many is told so, and a new one is served when there is room."""
    most = 8
    server = servers("--connections", str(most), *TRUSTED, *operations.OPTION)
    held = [Opened(server, signed=True) for _ in range(most)]
    operations.wait_for(server, connections_open=most)
    before = server.memory()
    for _ in range(500):
        assert told(server.call(READ)) == TOLD
    assert_grew_less(server, before, 4 * MIB)
    for each in held:
        each.close()
    operations.wait_until(server, lambda answer: answer.status == 200, lambda _: server.call(READ))


def test_the_sdk_tries_again_for_a_connection(servers):
    server = servers("--connections", "1", *TRUSTED, *operations.OPTION)
    client = aws.boto(server, retries=10)
    with Opened(server, signed=True):
        operations.wait_for(server, connections_open=1)
        answer = Background(client.describe_connector_profiles)
        operations.wait_until(server, lambda count: count >= 1, refused)
    assert answer.result()["ResponseMetadata"]["RetryAttempts"] >= 1


def test_connections_without_a_signature_give_way(servers):
    """Idle ones and half requests, of one address and of several, four times as many as there may
    be: each new client is served at once, and what was signed stays."""
    most = 32
    server = servers("--connections", str(most), *operations.OPTION)
    kept = [Opened(server, signed=True) for _ in range(2)]
    held = [Opened(server, address=f"127.0.0.{1 + number % 5}") for number in range(2 * most)]
    for each in held[::2]:
        try:
            each.socket.sendall(b"POST /describe-connector-profiles HTTP/1.1\r\nHost: h\r\n")
        except OSError:
            pass  # it has given way
    held += [Opened(server) for _ in range(2 * most)]
    # Those that a loop has yet to accept would be newer than the clients that follow.
    dropped = len(kept) + len(held) - most
    operations.wait_until(server, lambda seen: dropped <= (
        seen["headgate_connections_evicted_total"] + seen["headgate_http_refused_total"]))
    for _ in range(2 * most):
        with Opened(server, signed=True):
            pass
    assert [each.read(server).status for each in kept] == [200, 200]
    seen = operations.metrics(server)
    assert seen["headgate_connections_evicted_total"] >= 2 * most
    assert seen["headgate_connections_open"] <= most
    for each in held + kept:
        each.close()


def test_an_address_has_a_share_of_the_connections(servers):
    """Half, however good its signatures are; another one is served, and a proxy may have all."""
    most = 16
    server = servers("--connections", str(most), *operations.OPTION)
    held = [Opened(server, signed=True) for _ in range(most // 2)]
    more = server.call(READ)
    assert told(more) == TOLD and "one address" in more.message
    with Opened(server, signed=True, address="127.0.0.2"):
        pass
    assert operations.throttled(server, "address-share") == 1
    held.pop().close()
    operations.wait_until(server, lambda answer: answer.status == 200, lambda _: server.call(READ))
    for each in held:
        each.close()
    proxied = servers("--connections", str(most), *TRUSTED)
    held = [Opened(proxied, signed=True) for _ in range(most)]
    assert told(proxied.call(READ)) == TOLD
    for each in held:
        each.close()


@pytest.mark.waits(6)
def test_a_first_request_is_not_waited_for_long(servers):
    """A connection that never carried a valid signature is closed, however often it was answered;
    one that did stays."""
    server = servers()
    with Opened(server, signed=True) as known, Opened(server) as idle, Opened(server) as refused:
        assert refused.exchange(b"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n").status == 403
        for each in (idle, refused):
            each.socket.settimeout(60)  # less than the time of known ones
            assert each.socket.recv(1) == b""
        assert known.read(server).status == 200


def unfinished(server, size, framing):
    """A connection on which all but the end of a request without a signature was sent; nobody needs
    a key for that."""
    connection = socket.create_connection((server.host, server.port), 60)
    head = f"POST /create-connector-profile HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n"
    try:
        connection.sendall(head.encode() + b"x" * (size - 1))
    except OSError:
        pass  # it was refused before its end
    return connection


def test_bodies_that_never_end(servers):
    """200 clients send 50 MiB; 8 of them, in 32 buffers, are taken in."""
    size, clients, fit = 250 * 1024, 200, 32
    server = servers("--request-memory", "8", *operations.OPTION)
    assert server.call(READ).status == 200
    before = server.memory()
    held = [unfinished(server, size, f"Content-Length: {size}") for _ in range(clients)]
    operations.wait_until(server, lambda count: count >= clients - fit - 1, refused)
    assert operations.metrics(server)["headgate_request_memory_bytes"] <= 9 * MIB
    assert_grew_less(server, before, 16 * MIB)
    # A usual request is served meanwhile, a larger one is told to come back.
    assert server.call(READ).status == 200
    assert told(server.call("CreateConnectorProfile", {"description": "x" * 20000})) == TOLD
    for each in held:
        each.close()
    operations.wait_until(
        server, lambda answer: answer.status != 429,
        lambda _: server.call("CreateConnectorProfile", {"description": "x" * 20000}))


@pytest.mark.parametrize("option,operation", [
    ("--account-read-rate", READ), ("--account-change-rate", "CreateConnectorProfile")])
def test_requests_over_the_rate(servers, option, operation):
    server = servers(option, "0.001:1", *operations.OPTION)
    body = json.dumps({}).encode()
    with wire.Connection(server.host, server.port) as connection:
        ask = lambda: connection.exchange(wire.signed_request(
            server, "POST", wire.kebab(operation), body))
        assert ask().status != 429
        before = server.memory()
        assert {ask().status for _ in range(2000)} == {429}
    assert_grew_less(server, before, 4 * MIB)
    assert operations.throttled(server, option.removeprefix("--")) == 2000


def test_a_log_that_nobody_reads(servers):
    """Its reader stands still: lines are lost and counted, and the server goes on. When it reads
    again, it is told."""
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
    listener = socket.create_server(("127.0.0.1", 0))
    server = servers(start=False).start(stderr=write_end, listeners={"operations": listener})
    os.close(write_end)

    def lost():
        with wire.Connection(*listener.getsockname()) as connection:
            page = connection.exchange(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n").body.decode()
        return float(page.split("\nheadgate_log_lines_lost_total ")[1].split()[0])

    missing = {"connectorProfileName": "p"}
    while lost() == 0:
        assert server.call("DeleteConnectorProfile", missing).status == 404
    read = Background(lambda: os.fdopen(read_end, "rb").read())
    with listener:
        assert server.call("DeleteConnectorProfile", missing).status == 404
        server.stop()
    assert b"Log lines were lost" in read.result()
