"""Vendors that send without end what is neither headers nor body: the call ends at a bound, long
before its deadline, and other accounts' calls have their turn meanwhile."""

import contextlib
import socket
import threading

import pytest

from support import crowd, operations

OTHER_ACCOUNT = "111122223333"
MANY = 64
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
# What comes first, and what is repeated then.
KINDS = {
    "chunk extension": (HEAD + b"1;a=", b"x" * 65536),
    "white space after a chunk's size": (HEAD + b"1", b" " * 65536),
    "trailers": (HEAD + b"0\r\n", b"a: b\r\n" * 10000),
    "interim responses": (b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 2000),
}


class EndlessVendor:
    """On all of this machine's addresses; answers each request without end."""

    def __init__(self, kind):
        self.first, self.more = KINDS[kind]
        self.listener = socket.create_server(("0.0.0.0", 0), backlog=4 * MANY)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(self.first)
            while True:
                connection.sendall(self.more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def servicenow(canaries, name, url):
    return {"connectorProfileName": name, "connectorType": "Servicenow", "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"ServiceNow": {"instanceUrl": url}},
                "connectorProfileCredentials": {
                    "ServiceNow": {"username": "user", "password": canaries.new()}}}}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_received_is_bounded(servers, canaries, kind):
    """With a deadline that the test would not reach."""
    server = servers("--verify-timeout", "300", "--egress-allow", "127.0.0.0/8")
    with EndlessVendor(kind) as vendor:
        answer = server.call("CreateConnectorProfile", servicenow(
            canaries, "p", f"http://127.0.0.1:{vendor.port}"))
    assert answer.status == 401, answer.raw
    assert any(words in answer.message for words in (
        "exceeds the size limit", "exceed the size limit", "is not HTTP")), answer.message


def test_other_accounts_have_their_turn(servers, canaries):
    server = servers("--verify-timeout", "300", "--egress-allow", "127.0.0.0/8",
                     *operations.OPTION)
    other = server.make_key("AKIAHEADGATETEST0002", canaries.new(), OTHER_ACCOUNT)
    with EndlessVendor("chunk extension") as vendor, crowd.SlowVendors(0) as good, \
            crowd.Crowd(server, MANY) as everyone:
        everyone.send([crowd.signed(server, "CreateConnectorProfile", servicenow(
            canaries, f"e{number}", f"http://127.1.0.{number + 1}:{vendor.port}"))
            for number in range(MANY)])
        for number in range(50):
            assert server.call("CreateConnectorProfile", servicenow(
                canaries, f"g{number}", good.url()), key=other).status == 200
        answers = [answer for answer, _ in everyone.answers()]
    assert {answer.status for answer in answers} == {401}
    assert all("exceeds the size limit" in answer.message for answer in answers)
