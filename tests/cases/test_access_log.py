"""What the log says about requests: refused callers always, each request at level debug."""

import json
import re
import time

from support import operations, wire
from support.server import Key

REFUSED = re.compile(r" warn request [0-9a-f-]{36} Refused 127\.0\.0\.1:\d+ with access key (\S+): "
                     r"(.*)")


def refused_lines(server):
    return REFUSED.findall(server.log)


def test_refused_callers_are_logged(servers, canaries):
    server = servers()
    secret = canaries.new("guessed")
    assert server.call("DescribeConnectorProfiles", key=Key("AKIANOBODY", secret)).status == 403
    assert server.call("DescribeConnectorProfiles", key=Key(server.key.id, secret)).status == 403
    with wire.Connection(server.host, server.port) as connection:
        assert connection.exchange(b"GET /tags/a HTTP/1.1\r\nHost: h\r\n\r\n").status == 403
        assert connection.exchange(b"GET /tags/a HTTP/1.1\r\nHost: h\r\nAuthorization: AWS4-HMAC-"
                                   b"SHA256 Credential=a\tb+0123456789abcdef/c/d/e/f\r\n\r\n"
                                   ).status == 403
    lines = refused_lines(server)
    assert [key for key, _ in lines] == ["AKIANOBODY", server.key.id, "-", "a?b?0123456789ab..."]
    assert lines[0][1] == "The security token included in the request is invalid."
    assert lines[1][1].startswith("The request signature we calculated does not match")
    assert lines[2][1] == "Missing Authentication Token"
    assert server.call("DescribeConnectorProfiles").status == 200
    assert len(refused_lines(server)) == 4 and " debug " not in server.log


def test_refused_callers_cannot_fill_the_log(servers):
    server = servers()
    request = b"GET /tags/a HTTP/1.1\r\nHost: h\r\n\r\n"
    with wire.Connection(server.host, server.port) as connection:
        connection.socket.sendall(request * 2000)
        for _ in range(2000):
            raw, connection.rest = wire.read_message(connection.socket, connection.rest)
            assert wire.Answer(raw).status == 403
    seconds = len({line[:19] for line in server.log.splitlines() if " Refused " in line})
    assert 10 <= len(refused_lines(server)) <= 10 * (seconds + 1) < 2000


def test_many_of_one_reason_do_not_hide_another(servers, canaries):
    """A flood without signatures leaves room for the line about an unknown key; metrics count
    all."""
    server = servers("--operations", "127.0.0.1:0")
    request = b"GET /tags/a HTTP/1.1\r\nHost: h\r\n\r\n"
    with wire.Connection(server.host, server.port) as connection:
        for _ in range(5):
            connection.socket.sendall(request * 100)
            for _ in range(100):
                raw, connection.rest = wire.read_message(connection.socket, connection.rest)
                assert wire.Answer(raw).status == 403
            stranger = Key("AKIASTRANGER", canaries.new("guessed"))
            assert server.call("DescribeConnectorProfiles", key=stranger).status == 403
    assert [key for key, _ in refused_lines(server)].count("AKIASTRANGER") == 5
    counted = operations.metrics(server)
    assert counted['headgate_refused_callers_total{reason="no-signature"}'] == 500
    assert counted['headgate_refused_callers_total{reason="unknown-key"}'] == 5
    left_out = re.compile(r" warn \d+ refused callers were not logged: more than 10 came in a "
                          r"second \(MissingAuthenticationTokenException\)")
    until = time.monotonic() + 60
    while not left_out.search(server.log):  # with the first line of another second
        assert time.monotonic() < until
        with wire.Connection(server.host, server.port) as connection:
            assert connection.exchange(request).status == 403


def test_each_request_is_a_line_at_level_debug(servers):
    server = servers("--log-level", "debug")
    answer = server.call("DescribeConnectorProfiles")
    assert server.call("DeleteConnectorProfile", {"connectorProfileName": "p"}).status == 404
    records = "DescribeFlowExecutionRecords"
    assert server.call(records, {"flowName": "nightly"}).status == 404
    lines = re.findall(r" debug request (\S+) (\S+) (\S+): (\d+) in \d+ ms from 127\.0\.0\.1:\d+$",
                       server.log, re.MULTILINE)
    assert [line[1:] for line in lines] == [
        ("POST", "DescribeConnectorProfiles", "200"), ("POST", "DeleteConnectorProfile", "404"),
        ("POST", records, "404")]
    assert lines[0][0] == answer.header("x-amzn-RequestId")


def test_what_is_no_request_is_a_line_too(servers):
    server = servers("--log-level", "debug")
    with wire.Connection(server.host, server.port) as connection:
        assert connection.exchange(b"GET * HTTP/1.1\r\nHost: h\r\n\r\n").status == 400
    assert " debug Refused what is no request: 400: The request target is neither" in server.log


def test_they_are_lines_of_json_too(servers):
    server = servers("--log-level", "debug", "--log-format", "json")
    answer = server.call("DescribeConnectorProfiles")
    lines = [json.loads(line) for line in server.log.splitlines()]
    line = next(each for each in lines if each["level"] == "debug")
    assert line["request"] == answer.header("x-amzn-RequestId")
    assert line["message"].startswith("POST DescribeConnectorProfiles: 200 in ")
