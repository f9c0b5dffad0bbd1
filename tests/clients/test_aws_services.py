"""One endpoint for all AWS services that a client calls: each client can read what it gets. And the
page that a browser gets."""

import gzip
import re
import xml.etree.ElementTree

import boto3
import botocore.config
import botocore.exceptions
import pytest

from support import sigv4, wire
from support.server import ACCOUNT, OTHER_ACCOUNT, Key

FORM = "application/x-www-form-urlencoded"
IDENTITY = b"Action=GetCallerIdentity&Version=2011-06-15"


def client_of(service, server, key=None, region=sigv4.REGION):
    key = key or server.key
    return boto3.client(
        service, region_name=region, endpoint_url=server.endpoint, aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        config=botocore.config.Config(retries={"total_max_attempts": 1}))


def refusal(call, **parameters):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    answer = caught.value.response
    return (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"],
            answer["Error"]["Message"])


def test_who_am_i(servers):
    server = servers()
    answer = client_of("sts", server).get_caller_identity()
    assert (answer["Account"], answer["UserId"], answer["Arn"]) == (
        ACCOUNT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36
    other = server.make_key("AKIAHEADGATETEST0002", "other-key", OTHER_ACCOUNT)
    answer = client_of("sts", server, other, "eu-central-1").get_caller_identity()
    assert answer["Account"] == OTHER_ACCOUNT


def test_sts_errors_are_xml(servers, canaries):
    server = servers("--account-read-rate", "0.01:1")
    wrong = Key(server.key.id, canaries.new("wrong"))
    code, status, message = refusal(client_of("sts", server, wrong).get_caller_identity)
    assert (code, status) == ("SignatureDoesNotMatch", 403)
    assert message.startswith("The request signature we calculated does not match")
    stranger = Key("AKIANOBODYKNOWSTHIS1", "x")
    code, status, _ = refusal(client_of("sts", server, stranger).get_caller_identity)
    assert (code, status) == ("InvalidClientTokenId", 403)
    code, status, message = refusal(client_of("sts", server).get_access_key_info,
                                    AccessKeyId="AKIANOBODYKNOWSTHIS1")
    assert (code, status) == ("InvalidAction", 404)
    assert message.startswith("Could not find operation GetAccessKeyInfo for version 2011-06-15.")
    assert client_of("sts", server).get_caller_identity()["Account"] == ACCOUNT
    code, status, _ = refusal(client_of("sts", server).get_caller_identity)
    assert (code, status) == ("Throttling", 429)


def test_secrets_manager_errors_are_json_1_1(servers):
    server = servers()
    client = client_of("secretsmanager", server)
    code, status, message = refusal(client.list_secrets)
    assert (code, status) == ("NotImplementedException", 501)
    assert message.startswith("Secrets Manager's ListSecrets is not implemented in Headgate ")
    code, status, _ = refusal(client.get_secret_value, SecretId="app")
    assert (code, status) == ("AccessDeniedException", 403)
    stranger = client_of("secretsmanager", server, Key("AKIANOBODYKNOWSTHIS1", "x"))
    code, status, _ = refusal(stranger.list_secrets)
    assert (code, status) == ("UnrecognizedClientException", 403)


@pytest.mark.parametrize("service,operation,parameters", [
    ("dynamodb", "list_tables", {}), ("ec2", "describe_vpcs", {}), ("iam", "get_user", {}),
    ("sqs", "list_queues", {}), ("lambda", "list_functions", {})])
def test_clients_of_other_services_are_told(servers, service, operation, parameters):
    client = client_of(service, servers())
    code, status, message = refusal(getattr(client, operation), **parameters)
    assert status in (403, 404)
    if service != "ec2":  # whose errors have a form of their own
        assert code in ("InvalidSignatureException", "SignatureDoesNotMatch",
                        "UnknownOperationException"), message


def sent(server, headers, body, method="POST", target="/"):
    headers = [*headers, ("Content-Length", str(len(body)))]
    with wire.Connection(server.host, server.port) as connection:
        return connection.exchange(wire.request_bytes(method, target, headers, body))


def signed(server, body, service, headers=(), method="POST", target="/", key=None):
    key = key or server.key
    headers = [("Host", server.authority), *headers]
    headers += sigv4.sign(method, target, headers, body, key.id, key.secret, service=service)
    return sent(server, headers, body, method, target)


def test_terraform_s_call(servers):
    """As the provider's SDK for Go sends it before anything else, so that it needs no skip flag."""
    server = servers()
    answer = signed(server, IDENTITY, "sts", [("Content-Type", FORM)])
    assert (answer.status, answer.header("Content-Type")) == (200, "text/xml")
    space = "{https://sts.amazonaws.com/doc/2011-06-15/}"
    root = xml.etree.ElementTree.fromstring(answer.body)
    assert root.tag == f"{space}GetCallerIdentityResponse"
    result = root.find(f"{space}GetCallerIdentityResult")
    assert result.find(f"{space}Arn").text == f"arn:aws:iam::{ACCOUNT}:root"
    assert (root.find(f"{space}ResponseMetadata/{space}RequestId").text ==
            answer.header("x-amzn-RequestId"))


def test_other_ways_to_ask(servers):
    server = servers()
    target = "/?" + IDENTITY.decode()
    assert signed(server, b"", "sts", method="GET", target=target).status == 200
    coded = [("Content-Type", FORM), ("Content-Encoding", "gzip")]
    assert signed(server, gzip.compress(IDENTITY), "sts", coded).status == 200
    broken = signed(server, IDENTITY, "sts", coded)
    assert b"<Code>MalformedQueryString</Code>" in broken.body
    for body in (b"", b"Action=", b"Action=%3Cscript%3E", b"&&=&a", b"action=GetCallerIdentity"):
        answer = signed(server, body, "sts", [("Content-Type", FORM)])
        assert answer.status == 404 and b"<Code>InvalidAction</Code>" in answer.body
        assert b"script" not in answer.body


def test_a_signature_is_for_one_service(servers):
    """The same path and body mean another thing in another service."""
    server = servers()
    answer = signed(server, b"{}", "sts", target="/describe-connector-profiles")
    assert answer.status == 404 and b"<Code>InvalidAction</Code>" in answer.body
    answer = signed(server, IDENTITY, "appflow", [("Content-Type", FORM)])
    assert (answer.status, answer.error) == (404, "UnknownOperationException")
    assert answer.header("Content-Type") == "application/json"


@pytest.mark.parametrize("headers,form", [
    ([("Content-Type", FORM)], "text/xml"),
    ([("X-Amz-Target", "secretsmanager.ListSecrets")], "application/x-amz-json-1.1"),
    ([("Content-Type", "application/x-amz-json-1.0")], "application/x-amz-json-1.1"),
    ([("Content-Type", "application/json")], "application/json"),
    ([], "application/json"),
    ([("Authorization", "Credential=a/b/c/sts/d")], "text/xml"),
    ([("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/secretsmanager/e, x")],
     "application/x-amz-json-1.1"),
    ([("Authorization", "AWS4-HMAC-SHA256 Credential=///////")], "application/json"),
    ([("Authorization", "Credential=")], "application/json")])
def test_the_form_of_an_error_before_the_caller_is_known(servers, headers, form):
    answer = sent(servers(), [("Host", "h"), *headers], b"")
    assert (answer.status, answer.header("Content-Type")) == (403, form), answer.raw


def get(server, target="/", method="GET", headers=()):
    return sent(server, [("Host", "h"), *headers], b"", method, target)


def test_a_page_for_people(servers):
    server = servers()
    page = get(server)
    assert (page.status, page.header("Content-Type")) == (200, "text/html; charset=utf-8")
    text = page.body.decode()
    assert "Headgate" in text and "docs/api.md" in text and "endpoint" in text
    assert page.header("Cache-Control") == "no-cache"
    assert page.header("Content-Security-Policy").startswith("default-src 'none'")
    assert get(server, "/?a=b").body == page.body
    etag = page.header("ETag")
    assert re.fullmatch('"[0-9a-f]{32}"', etag)
    again = get(server, headers=[("If-None-Match", etag)])
    assert (again.status, again.body) == (304, b"")
    assert get(server, headers=[("If-None-Match", '"another"')]).status == 200


def test_head_is_get_without_the_body(servers):
    server = servers()
    with wire.Connection(server.host, server.port) as connection:
        connection.socket.sendall(b"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        raw = b""
        while more := connection.socket.recv(65536):
            raw += more
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and body == b""
    assert f"Content-Length: {len(get(server).body)}".encode() in head


def test_what_is_no_page(servers):
    """Other paths and methods are the API's, which wants a signature."""
    server = servers()
    for method, target in (("POST", "/"), ("DELETE", "/"), ("GET", "/index.html"), ("GET", "//")):
        answer = get(server, target, method)
        assert (answer.status, answer.error) == (403, "MissingAuthenticationTokenException")
    assert signed(server, b"", "appflow", method="GET").error == "UnknownOperationException"
