"""Who may call: what is wrong with a signature gets AWS's own error for it."""

import datetime
import json
import re

import pytest

from support import sigv4, wire
from support.server import Key, headgate

TARGET = "/describe-connector-profiles"
BODY = b"{}"


@pytest.fixture
def server(servers):
    return servers()


def send(server, headers, body=BODY, target=TARGET, method="POST"):
    headers = [*headers, ("Content-Length", str(len(body)))]
    with wire.Connection(server.host, server.port) as connection:
        answer = connection.exchange(wire.request_bytes(method, target, headers, body))
    server.answers.append(answer.raw)
    return answer


def signed(server, key=None, extra=(), **kwargs):
    key = key or server.key
    headers = [("Host", server.authority), ("Content-Type", "application/json"), *extra]
    return headers + sigv4.sign("POST", TARGET, headers, BODY, key.id, key.secret, **kwargs)


def replaced(headers, name, pattern, by):
    return [(each, re.sub(pattern, by, value) if each == name else value)
            for each, value in headers]


def refused(answer, error, words=""):
    assert (answer.status, answer.error) == (403, error), (answer.status, answer.raw)
    assert words in answer.message, answer.message
    assert answer.header("x-amzn-RequestId")


def test_a_good_signature(server):
    assert send(server, signed(server)).status == 200


def test_no_signature(server):
    headers = signed(server)[:2]
    refused(send(server, headers), "MissingAuthenticationTokenException",
            "Missing Authentication Token")


def test_an_unknown_key(server):
    stranger = Key("AKIANOBODYKNOWSTHIS1", server.key.secret)
    refused(send(server, signed(server, stranger)), "UnrecognizedClientException",
            "The security token included in the request is invalid.")


def test_a_session_token_that_is_left_over(server):
    """boto3 takes it from AWS_SESSION_TOKEN and signs it with the right secret."""
    token = [("X-Amz-Security-Token", "left-over")]
    answer = wire.call(server, "DescribeConnectorProfiles", headers=token)
    refused(answer, "UnrecognizedClientException", "Unset AWS_SESSION_TOKEN, or remove "
            "aws_session_token from the profile that the client uses.")


def test_a_wrong_secret(server, canaries):
    wrong = Key(server.key.id, canaries.new("wrong"))
    refused(send(server, signed(server, wrong)), "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.")


def test_a_changed_body(server):
    refused(send(server, signed(server), b"[]"), "InvalidSignatureException")


def test_a_changed_path(server):
    refused(send(server, signed(server), target="/delete-connector-profile"),
            "InvalidSignatureException")


def test_a_changed_query(server):
    refused(send(server, signed(server), target=TARGET + "?a=b"), "InvalidSignatureException")


@pytest.mark.parametrize("target", ["/x/..", "/.", "/", "/tags/.."])
def test_the_signed_path_is_the_one_that_counts(server, target):
    """A signature covers a path without its empty and dot segments, and so does the routing."""
    assert send(server, signed(server), target=target + TARGET).status == 200


def test_the_arn_in_a_path_is_the_signed_one(server):
    """Other spellings of a signed path do not name another resource."""
    arn = f"arn:aws:appflow:us-east-1:{server.key.account}:flow/f"
    headers = [("Host", server.authority)]
    headers += sigv4.sign("GET", "/tags/" + arn, headers, b"", server.key.id, server.key.secret)
    other = send(server, headers, b"", "/tags/no-arn/../" + arn, "GET")
    assert other.status == 404, other.raw  # ListTagsForResource finds no such flow


@pytest.mark.parametrize("minutes,good", [(-4, True), (4, True), (-6, False), (6, False)])
def test_five_minutes_either_way(server, minutes, good):
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    answer = send(server, signed(server, now=now))
    if good:
        assert answer.status == 200
    else:
        refused(answer, "InvalidSignatureException",
                "Signature expired" if minutes < 0 else "Signature not yet current")


@pytest.mark.parametrize("part", ["Credential", "SignedHeaders", "Signature"])
def test_an_incomplete_header(server, part):
    headers = replaced(signed(server), "Authorization", rf"{part}=[^,]+, |, {part}=.+", "")
    refused(send(server, headers), "IncompleteSignatureException", part)


def test_another_service(server):
    refused(send(server, signed(server, service="s3")), "InvalidSignatureException", "appflow")


def test_the_host_must_be_signed(server):
    headers = replaced(signed(server), "Authorization", r"content-type;host;", "content-type;")
    refused(send(server, headers), "InvalidSignatureException")


def test_an_amz_header_that_is_not_signed(server):
    headers = signed(server) + [("X-Amz-Target", "Evil.Operation")]
    refused(send(server, headers), "InvalidSignatureException")


def test_a_session_token_is_refused(server):
    extra = [("X-Amz-Security-Token", "session")]
    refused(send(server, signed(server, extra=extra)), "UnrecognizedClientException")


def test_a_date_of_another_day_than_the_scope(server):
    headers = replaced(signed(server), "Authorization", r"/\d{8}/", "/20200101/")
    refused(send(server, headers), "InvalidSignatureException")


def test_no_date(server):
    headers = [pair for pair in signed(server) if pair[0] != "X-Amz-Date"]
    refused(send(server, headers), "IncompleteSignatureException", "X-Amz-Date")


def test_a_signature_counts_before_anything_else(server, canaries):
    """Who may not call learns nothing: neither whether the body is good nor what exists."""
    wrong = Key(server.key.id, canaries.new("wrong"))
    for operation, parameters in (("NoSuchOperation", {}), ("UpdateConnectorProfile", {})):
        refused(server.call(operation, parameters, key=wrong), "InvalidSignatureException")


def test_a_key_that_was_taken_away(server):
    other = server.make_key("AKIAHEADGATETEST0002", "second-key")
    assert server.call("DescribeConnectorProfiles", {}, key=other).status == 200
    headgate("access-key", "delete", *server.place, "--access-key-id", other.id)
    server.stop()
    server.start()
    refused(server.call("DescribeConnectorProfiles", {}, key=other), "UnrecognizedClientException")
    listed = headgate("access-key", "list", *server.place)
    assert server.key.id in listed and other.id not in listed


def test_spaces_in_a_header_count_as_one(server):
    headers = signed(server, extra=[("X-Amz-Meta", "a   b")])
    assert send(server, headers).status == 200
    assert json.loads(send(server, headers).body)["connectorProfileDetails"] == []


def test_made_up_regions(servers):
    """Any text would make a quota for each region no limit; the operator may add regions."""
    server = servers("--regions", "local-1,local-2")
    for region in ("r0", "us-east-9", "us-east-1-", "local", "local-11"):
        answer = send(server, signed(server, region=region))
        refused(answer, "InvalidSignatureException", "should be scoped to a valid region")
        assert f"{region} is not a region of AWS" in answer.message
        assert "--regions" in answer.message
    for region in ("us-east-1", "eusc-de-east-1", "cn-north-1", "local-1", "local-2", "us-east-1"):
        assert send(server, signed(server, region=region)).status == 200
