"""What is not a good request is refused for what it is: framing, JSON, sizes, routes."""

import gzip
import json
import re
import socket

import pytest

from support import sigv4, wire
from support.server import Key

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from support.canary import Canaries
    from support.server import Server
    made = Server(tmp_path_factory.mktemp("wire"), Canaries()).start()
    yield made
    made.stop()


def send(server, raw):
    """Sends bytes and reads until the server closes or has answered once."""
    with wire.Connection(server.host, server.port) as connection:
        return connection.exchange(raw)


def post(server, body, target="/describe-connector-profiles"):
    return send(server, wire.signed_request(server, "POST", target, body))


def closes(server, raw):
    """What comes back until the server closes the connection, which it must."""
    with socket.create_connection((server.host, server.port), wire.TIMEOUT_S) as connection:
        connection.sendall(raw)
        data = b""
        while more := connection.recv(65536):
            data += more
        return data


FRAMING = {
    "two lengths": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
                   b"Content-Length: 3\r\n\r\n{}",
    "length and chunked": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length with a sign": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +2\r\n\r\n{}",
    "a hexadecimal length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x2\r\n\r\n{}",
    "a blank before the colon": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 2\r\n\r\n{}",
    "no host": b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "two hosts": b"POST / HTTP/1.1\r\nHost: h\r\nHost: i\r\nContent-Length: 2\r\n\r\n{}",
    "a folded header": b"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n",
    "a bare line feed": b"GET / HTTP/1.1\nHost: h\n\n",
    "another coding": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "a bad chunk": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("kind", FRAMING)
def test_framing_is_strict(server, kind):
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
    data = closes(server, FRAMING[kind] + smuggled)
    assert re.match(rb"HTTP/1\.1 (400|501) ", data), data
    assert data.count(b"HTTP/1.1 ") == 1, data


SERIALIZATION = {
    "no JSON": b"not json",
    "half an object": b'{"maxResults": 1',
    "an array": b"[]",
    "a text": b'"text"',
    "null": b"null",
    "a member twice": b'{"maxResults": 1, "maxResults": 2}',
    "two spellings of a member": b'{"maxResults": 1, "MAXRESULTS": 2}',
    "bytes that are no UTF-8": b'{"connectorLabel": "\xff"}',
    "half a surrogate pair": b'{"connectorLabel": "\\ud800"}',
    "33 levels": b'{"x": ' + b"[" * 33 + b"]" * 33 + b"}",
    "a second document": b"{} {}",
    "a text for a number": b'{"maxResults": "1"}',
    "a number for a text": b'{"connectorLabel": 1}',
    "an object for a list": b'{"connectorProfileNames": {}}',
    "NaN": b'{"maxResults": NaN}',
    "a comment": b'{/* */}',
}


@pytest.mark.parametrize("kind", SERIALIZATION)
def test_bodies_that_cannot_be_read(server, kind):
    answer = post(server, SERIALIZATION[kind])
    assert (answer.status, answer.error) == (400, "SerializationException"), answer.raw


def test_no_body_at_all(server):
    """Counts as {} where nothing is required."""
    assert post(server, b"").json() == {"connectorProfileDetails": []}
    answer = post(server, b"", "/update-connector-profile")
    assert (answer.status, answer.error) == (400, "ValidationException")
    assert answer.message == "The request object must be non-null"


def test_what_is_unknown_or_null_is_absent(server):
    answer = post(server, json.dumps({"unknown": [1, {"a": None}], "maxResults": None,
                                      "connectorLabel": None}).encode())
    assert answer.status == 200


def test_names_are_matched_without_regard_to_case(server):
    answer = post(server, b'{"MaxResults": 101}')
    assert (answer.status, answer.error) == (400, "ValidationException")
    assert "'maxResults'" in answer.message


def compressed(server, body, coding="gzip", **kwargs):
    """The signature covers the coded bytes."""
    request = wire.signed_request(server, "POST", "/describe-connector-profiles", body,
                                  headers=[("Content-Encoding", coding)], **kwargs)
    return send(server, request)


def test_a_compressed_body(server):
    answer = compressed(server, gzip.compress(b'{"maxResults": 101}'))
    assert (answer.status, answer.error) == (400, "ValidationException")
    assert "Value '101' at 'maxResults'" in answer.message
    assert compressed(server, gzip.compress(b"{}")).json() == {"connectorProfileDetails": []}


def test_a_body_that_is_compressed_otherwise(server):
    answer = compressed(server, b"{}", "br")
    assert (answer.status, answer.error) == (415, "UnsupportedMediaTypeException")
    assert answer.header("Accept-Encoding") == "gzip" and "gzip" in answer.message
    answer = compressed(server, b"{}")
    assert (answer.status, answer.error) == (400, "SerializationException")
    assert "gzip" in answer.message


def test_a_small_body_that_would_become_a_large_one(server):
    bomb = gzip.compress(b'{"unknown": "' + b"x" * (64 << 20) + b'"}')
    assert len(bomb) < 256 * 1024
    answer = compressed(server, bomb)
    assert (answer.status, answer.error) == (413, "RequestEntityTooLargeException")


def test_a_compressed_body_is_read_only_when_it_is_signed(server):
    """A caller without a key cannot have the server decompress anything."""
    stranger = Key(server.key.id, "wrong")
    answer = compressed(server, b"not gzip", key=stranger)
    assert (answer.status, answer.error) == (403, "InvalidSignatureException")


def absolute(server, url, host, signed_host=None):
    """A request whose target is a whole URL, signed for a host."""
    headers = [("Host", signed_host or host), ("Content-Type", "application/json")]
    headers += sigv4.sign("POST", "/describe-connector-profiles", headers, b"{}", server.key.id,
                          server.key.secret)
    headers[0] = ("Host", host)
    headers.append(("Content-Length", "2"))
    return send(server, wire.request_bytes("POST", url, headers, b"{}"))


@pytest.mark.parametrize("url,host,signed_host", [
    ("http://appflow.example/", "appflow.example", None),
    ("http://appflow.example:8620/", "appflow.example:8620", None),
    ("http://appflow.example:80/", "appflow.example", None),
    ("HTTP://APPFLOW.example/", "appflow.example", None),
    ("http://appflow.example/", "proxy.example", "appflow.example")])
def test_a_target_with_scheme_and_host(server, url, host, signed_host):
    """RFC 9112 3.2.2: the host in the target counts, whatever Host says."""
    answer = absolute(server, url + "describe-connector-profiles", host, signed_host)
    assert answer.json() == {"connectorProfileDetails": []}


def test_the_host_in_the_target_is_what_is_signed(server):
    answer = absolute(server, "http://other.example/describe-connector-profiles",
                      "appflow.example")
    assert (answer.status, answer.error) == (403, "InvalidSignatureException")


def test_an_https_target_without_tls(server):
    answer = absolute(server, "https://appflow.example/describe-connector-profiles",
                      "appflow.example")
    assert (answer.status, answer.error) == (421, "MisdirectedRequestException")


def test_the_size_of_a_body(server):
    filler = b'{"unknown": "' + b"x" * (256 * 1024 - 15) + b'"}'
    assert len(filler) == 256 * 1024
    assert post(server, filler).status == 200
    assert post(server, filler + b" ").status == 413


def test_every_violation_is_told(server):
    answer = post(server, b"{}", "/update-connector-profile")
    assert (answer.status, answer.error) == (400, "ValidationException")
    assert answer.message.startswith("3 validation errors detected: ")
    for member in ("connectorProfileName", "connectionMode", "connectorProfileConfig"):
        assert f"Value null at '{member}' failed to satisfy constraint: Member must not be null" \
            in answer.message, answer.message


def test_a_wrong_value_is_told(server):
    answer = post(server, b'{"maxResults": 0, "connectorType": "Nonsense"}')
    assert "2 validation errors detected: " in answer.message
    assert "Value '0' at 'maxResults' failed to satisfy constraint: " \
        "Member must have value greater than or equal to 1" in answer.message
    assert "Value 'Nonsense' at 'connectorType' failed to satisfy constraint: " \
        "Member must satisfy enum value set: [" in answer.message


def test_a_secret_s_value_is_never_told(server):
    secret = "secret with blanks " + "x" * 5000
    body = {"connectorProfileName": "p", "connectionMode": "Public", "connectorProfileConfig": {
        "connectorProfileProperties": {"Zendesk": {"instanceUrl": "acme"}},
        "connectorProfileCredentials": {"Zendesk": {
            "clientId": secret, "clientSecret": secret, "accessToken": secret}}}}
    answer = post(server, json.dumps(body).encode(), "/update-connector-profile")
    assert (answer.status, answer.error) == (400, "ValidationException")
    assert "connectorProfileCredentials" in answer.message
    assert "secret with" not in answer.raw.decode() and "xxxx" not in answer.raw.decode()


@pytest.mark.parametrize("method,target", [
    ("POST", "/no-such-operation"), ("GET", "/describe-connector-profiles"), ("POST", "/"),
    ("GET", "/"), ("POST", "/describe-connector-profiles/"), ("PUT", "/tags/arn")])
def test_unknown_operations(server, method, target):
    answer = send(server, wire.signed_request(server, method, target, b"{}"))
    assert (answer.status, answer.error) == (404, "UnknownOperationException"), answer.raw


def test_every_answer_has_its_own_request_id(server):
    ids = [post(server, body).header("x-amzn-RequestId") for body in (b"{}", b"{}", b"bad", b"")]
    assert all(UUID.fullmatch(each) for each in ids) and len(set(ids)) == 4


def test_requests_in_a_row_on_one_connection(server):
    one = wire.signed_request(server, "POST", "/describe-connector-profiles", b"{}")
    bad = wire.signed_request(server, "POST", "/describe-connector-profiles", b"bad")
    with wire.Connection(server.host, server.port) as connection:
        connection.socket.sendall(one + bad + one)
        statuses = []
        for _ in range(3):
            raw, connection.rest = wire.read_message(connection.socket, connection.rest)
            statuses.append(wire.Answer(raw).status)
    assert statuses == [200, 400, 200]


def test_a_body_in_chunks(server):
    request = wire.signed_request(server, "POST", "/describe-connector-profiles", b"{}")
    request = request.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked")
    assert request.endswith(b"\r\n\r\n{}")
    assert send(server, request[:-2] + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n").status == 200
