"""Two independent signers against ours, both ways: what they sign is verified, and what we sign is
what they would have signed. First each signer alone, then whole clients caught before they send."""

import dataclasses
import datetime
import json
import os
import pathlib
import shutil
import subprocess
from unittest import mock
from urllib.parse import quote, urlencode, urlsplit

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.session
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOL = pathlib.Path(os.environ.get("HEADGATE_SIGV4_TOOL",
                                   ROOT / "build/faults/tests/unit/sigv4-tool"))
NODE_MODULES = pathlib.Path(os.environ.get("HEADGATE_NODE_MODULES", ROOT / "tests/node_modules"))

ACCESS_KEY_ID = "AKIDEXAMPLE"
SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION = "eu-central-1"
HOST = "127.0.0.1:8620"
ENDPOINT = f"http://{HOST}"
CALLER = f"caller 123456789012 {ACCESS_KEY_ID} {REGION}"
DATE = datetime.datetime(2015, 8, 30, 12, 36, tzinfo=datetime.timezone.utc)
TIMESTAMP = "20150830T123600Z"
ARN = "arn:aws:appflow:eu-central-1:123456789012:connectorprofile/my crm~1"

pytestmark = pytest.mark.skipif(
    not TOOL.exists(), reason=f"{TOOL} is not there: build with -Dtests=true, or set "
                              "HEADGATE_SIGV4_TOOL")


@dataclasses.dataclass
class Request:
    """A request before it is signed."""

    name: str
    method: str = "POST"
    path: str = "/describe-connector-profiles"
    query: list = dataclasses.field(default_factory=list)  # name and values, not yet encoded
    headers: list = dataclasses.field(default_factory=list)
    body: str = ""

    def pairs(self):
        return [(name, value) for name, values in self.query for value in values]

    def target(self):
        return self.path + ("?" + urlencode(self.pairs(), quote_via=quote) if self.query else "")


REQUESTS = [
    Request("empty"),
    Request("body", headers=[("content-type", "application/json")], body='{"maxResults": 20}'),
    Request("utf-8 body", body='{"description": "Größe 測試"}'),
    Request("folded header", headers=[("x-amz-note", "a   b \t c")]),
    Request("punctuation in a header", headers=[("x-amz-note", 'a"b,;=c')]),
    Request("target header", headers=[("x-amz-target", "Some.Operation")]),
    Request("arn encoded", "GET", "/tags/" + quote(ARN, safe="-._~")),
    Request("arn with its slash", "GET", "/tags/" + quote(ARN, safe="-._~/")),
    Request("arn with its colons", "GET", "/tags/arn:aws:appflow:eu-central-1:123456789012:flow/x"),
    Request("encoded utf-8 in the path", "GET", "/tags/" + quote("größe")),
    Request("encoded percent in the path", "GET", "/tags/100%25"),
    Request("lower-case escapes in the path", "GET", "/tags/a%2fb"),
    Request("dots in the path", "GET", "/a/./b/../c"),
    Request("slashes in the path", "GET", "//a///b/"),
    Request("punctuation in the path", "GET", "/tags/a!$&'()*+,;=:@b"),
    Request("query", "GET", "/tags/x", [("a", ["1"]), ("b", ["2"])]),
    Request("query out of order", "GET", "/tags/x", [("b", ["2"]), ("a-b", ["3"]), ("a", ["1"])]),
    Request("one name often", "DELETE", "/tags/x", [("tagKeys", ["zone", "area", "area code"])]),
    Request("blanks and signs", "DELETE", "/tags/x",
            [("tagKeys", ["a b", "a+b", "a=b&c", "ü", "~"])]),
    Request("an empty value", "GET", "/tags/x", [("a", [""])]),
    Request("upper and lower case", "GET", "/tags/x", [("b", ["1"]), ("B", ["2"]), ("a", ["3"])]),
]


def wire(method, target, headers, body):
    """The request as it is sent. Some clients leave Host to their HTTP library."""
    if not any(name.lower() == "host" for name, _ in headers):
        headers = [*headers, ("Host", HOST)]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    body = body.encode() if isinstance(body, str) else body or b""
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body


def tool(request, *words):
    environment = {**os.environ, "SIGV4_ACCESS_KEY_ID": ACCESS_KEY_ID,
                   "SIGV4_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
    answer = subprocess.run([TOOL, *words], input=request, capture_output=True, env=environment,
                            timeout=60, check=False)
    assert answer.stderr == b"", answer.stderr
    return answer.stdout.decode().strip()


def assert_both_ways(method, target, headers, body):
    """`headers` are all that was signed, X-Amz-Date and Authorization among them."""
    sent = wire(method, target, headers, body)
    assert tool(sent, "verify", TIMESTAMP, "appflow") == CALLER, tool(sent, "canonical")
    given = [(name, value) for name, value in headers
             if name.lower() not in ("x-amz-date", "authorization")]
    ours = tool(wire(method, target, given, body), "sign", TIMESTAMP, REGION, "appflow")
    theirs = {name.lower(): value for name, value in headers}
    assert ours.splitlines() == [f"X-Amz-Date: {theirs['x-amz-date']}",
                                 f"Authorization: {theirs['authorization']}"]


def by_name(requests):
    return pytest.mark.parametrize("request_", requests, ids=lambda request: request.name)


# --- botocore ---


@by_name(REQUESTS)
def test_botocore_signer(request_):
    request = botocore.awsrequest.AWSRequest(
        request_.method, ENDPOINT + request_.path, dict([("Host", HOST), *request_.headers]),
        request_.body.encode(), request_.pairs())
    signer = botocore.auth.SigV4Auth(
        botocore.credentials.Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY), "appflow", REGION)
    with mock.patch("botocore.auth.get_current_datetime", lambda: DATE.replace(tzinfo=None)):
        signer.add_auth(request)
    assert_both_ways(request_.method, request_.target(), list(request.headers.items()),
                     request_.body)


CALLS = [
    ("UpdateConnectorProfile", {
        "connectorProfileName": "crm", "connectionMode": "Public",
        "connectorProfileConfig": {"connectorProfileProperties": {
            "Salesforce": {"instanceUrl": "https://acme.my.salesforce.com"}}}}),
    ("DescribeConnectorProfiles", {"connectorProfileNames": ["größe"], "maxResults": 3}),
    ("DescribeConnectorProfiles", {}),
    ("ListTagsForResource", {"resourceArn": ARN}),
    ("TagResource", {"resourceArn": ARN, "tags": {"cost centre": "a/b=c"}}),
    ("UntagResource", {"resourceArn": ARN, "tagKeys": ["zone", "area code", "a+b", "ü", "a&b=c"]}),
]


def test_botocore_client():
    caught = []
    session = botocore.session.Session()
    session.set_credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    client = session.create_client("appflow", region_name=REGION, endpoint_url=ENDPOINT)

    def catch(request, **_):
        caught.append(request)
        answer = mock.Mock(stream=lambda: [b"{}"])
        return botocore.awsrequest.AWSResponse(request.url, 200, {}, answer)

    client.meta.events.register("before-send.appflow.*", catch)
    for name, parameters in CALLS:
        getattr(client, botocore.xform_name(name))(**parameters)
    assert len(caught) == len(CALLS)
    for request in caught:
        parts = urlsplit(request.url)
        target = parts.path + ("?" + parts.query if parts.query else "")
        headers = [(name, value.decode() if isinstance(value, bytes) else value)
                   for name, value in request.headers.items()]
        now = dict(headers)["X-Amz-Date"]
        sent = wire(request.method, target, headers, request.body)
        assert tool(sent, "verify", now, "appflow") == CALLER, tool(sent, "canonical")


# --- the AWS SDK for JavaScript ---


def node(requests=(), calls=()):
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    if not (NODE_MODULES / "@smithy/signature-v4").is_dir():
        pytest.skip(f"the SDK for JavaScript is not in {NODE_MODULES}: run npm ci --prefix tests")
    asked = {"service": "appflow", "region": REGION, "date": DATE.isoformat(), "calls": calls,
             "requests": [{**dataclasses.asdict(request), "query": dict(request.query),
                           "headers": [("host", HOST), *request.headers]} for request in requests]}
    answer = subprocess.run(
        ["node", pathlib.Path(__file__).with_name("sigv4_signer.mjs"), NODE_MODULES],
        input=json.dumps(asked).encode(), capture_output=True, timeout=120, check=False,
        env={**os.environ, "SIGV4_ACCESS_KEY_ID": ACCESS_KEY_ID,
             "SIGV4_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY})
    assert answer.returncode == 0, answer.stderr.decode()
    return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def signed_by_node():
    signed = node(requests=REQUESTS)["requests"]
    return dict(zip((request.name for request in REQUESTS), signed, strict=True))


@by_name(REQUESTS)
def test_javascript_signer(request_, signed_by_node):
    sent = signed_by_node[request_.name]
    assert_both_ways(sent["method"], sent["target"], sent["headers"], sent["body"])


def test_javascript_client():
    calls = [{"command": f"{name}Command", "input": parameters} for name, parameters in CALLS]
    caught = node(calls=calls)["calls"]
    assert len(caught) == len(CALLS)
    for sent in caught:
        now = {name.lower(): value for name, value in sent["headers"]}["x-amz-date"]
        request = wire(sent["method"], sent["target"], sent["headers"], sent["body"])
        assert tool(request, "verify", now, "appflow") == CALLER, tool(request, "canonical")
