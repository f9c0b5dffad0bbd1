"""Entities of S3: buckets and folders, and the fields that the first object below a prefix shows.
The sandbox's S3 keeps objects as plain files; a scripted one refuses, repeats and ends early."""

import gzip
import json
import urllib.parse

import pytest

from support.server import OTHER_ACCOUNT
from support.vendor import Vendor, http

DEMO = "headgate-demo"
S3 = {"connectorType": "S3"}
WINDOW = 4 * 1024 * 1024 + 64 * 1024  # RECORD_WINDOW_MAX: bytes that are looked at


def entities(server, path=None, **more):
    answer = server.ok("ListConnectorEntities", {
        **S3, **({"entitiesPath": path} if path else {}), **more})
    return {each["name"]: each for each in answer["connectorEntityMap"].get("Objects", [])}


def described(server, name, **more):
    answer = server.ok("DescribeConnectorEntity", {**S3, "connectorEntityName": name}, **more)
    return answer["connectorEntityFields"]


def types(server, name):
    return {each["identifier"]: each["supportedFieldTypeDetails"]["v1"]["fieldType"]
            for each in described(server, name)}


def refused(server, **parameters):
    operation = "DescribeConnectorEntity" if "connectorEntityName" in parameters else \
        "ListConnectorEntities"
    answer = server.call(operation, {**S3, **parameters})
    assert answer.status >= 400, answer.body
    return answer.status, answer.error, answer.message


@pytest.fixture(scope="module")
def server(lasting_servers):
    return lasting_servers("--sandbox")


def packed(content):
    return gzip.compress(content, mtime=0)


def put(server, key, content=b"", bucket=DEMO):
    path = server.data / "s3" / bucket / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


# --- lists ---

def test_buckets_and_folders(server):
    put(server, "lists/year=2024/05/a.csv")
    put(server, "lists/year=2025/a.csv")
    put(server, "lists/a file.csv")
    put(server, "lists/a folder/a.csv")
    put(server, "a.csv", bucket="another.bucket")
    buckets = entities(server)
    assert buckets[DEMO] == {"name": DEMO, "label": DEMO, "hasNestedEntities": True}
    assert "another.bucket" in buckets and list(buckets) == sorted(buckets)
    assert f"{DEMO}/lists/" in entities(server, DEMO)
    inner = {f"{DEMO}/lists/year={year}/": {
        "name": f"{DEMO}/lists/year={year}/", "label": f"year={year}", "hasNestedEntities": True}
        for year in (2024, 2025)}
    assert entities(server, f"{DEMO}/lists/") == entities(server, f"{DEMO}/lists") == inner
    assert list(entities(server, f"{DEMO}/lists/year=2024")) == [f"{DEMO}/lists/year=2024/05/"]
    assert entities(server, "another.bucket") == {}


def test_pages_of_an_answer_and_of_a_list(server):
    for number in range(1100):
        put(server, f"many/{number:04}/a")
    names = [f"{DEMO}/many/{number:04}/" for number in range(1100)]
    assert list(entities(server, f"{DEMO}/many/")) == names
    found, more = [], {}
    while True:
        answer = server.ok("ListConnectorEntities", {
            **S3, "entitiesPath": f"{DEMO}/many", "maxResults": 600, **more})
        found += [each["name"] for each in answer["connectorEntityMap"]["Objects"]]
        if "nextToken" not in answer:
            break
        more = {"nextToken": answer["nextToken"]}
    assert found == names


@pytest.mark.parametrize("path, words", [
    ("no-such-bucket", "There is no bucket for s3://no-such-bucket."),
    ("No_Bucket", '"No_Bucket" cannot be the name of an S3 bucket'),
    (f"{DEMO}/none/", f"{DEMO}/none/ is not there: no key of its bucket begins with it"),
])
def test_what_is_not_there(server, path, words):
    status, kind, message = refused(server, entitiesPath=path)
    assert (status, kind) == (400, "ConnectorServerException")
    assert message.startswith("Error while communicating to connector: S3") and words in message
    if "bucket" in path.lower():
        assert refused(server, connectorEntityName=path)[0] == 400


# --- fields ---

COMPARISONS = ["EQUAL_TO", "NOT_EQUAL_TO", "LESS_THAN", "LESS_THAN_OR_EQUAL_TO", "GREATER_THAN",
               "GREATER_THAN_OR_EQUAL_TO", "BETWEEN"]


def test_the_header_of_csv(server):
    put(server, "accounts/empty.csv")
    put(server, "accounts/first.csv", 'Id,"Annual""Revenue",Account Name,Öffnung\r\n1,2\r\n')
    put(server, "accounts/second.csv", "Other\r\n")
    fields = described(server, f"{DEMO}/accounts/")
    assert fields[0] == {
        "identifier": "Id", "label": "Id", "description": "Id",
        "supportedFieldTypeDetails": {"v1": {
            "fieldType": "string", "filterOperators": COMPARISONS, "supportedValues": []}},
        "sourceProperties": {"isRetrievable": True, "isQueryable": True},
        "destinationProperties": {
            "isCreatable": True, "isUpdatable": False, "isUpsertable": False, "isNullable": True,
            "supportedWriteOperations": []}}
    # The API's model has no identifier with a blank.
    assert [each["identifier"] for each in fields] == ["Id", 'Annual"Revenue', "Öffnung"]
    # A prefix is no folder: it is what keys begin with.
    assert described(server, f"{DEMO}/acco") == fields
    assert types(server, f"{DEMO}/accounts/s") == {"Other": "string"}


RECORD = {"id": 7, "price": 1.5, "name": "a\nb", "open": False, "none": None, "of": {"a": 1},
          "tags": [1]}
KINDS = {"id": "integer", "price": "decimal", "name": "string", "open": "boolean",
         "none": "string", "of": "object", "tags": "list"}


@pytest.mark.parametrize("name, content", [
    ("lines", json.dumps(RECORD) + '\n{"id": "other", "more": 1}\n'),
    ("one", json.dumps(RECORD)),
    ("mark", "\ufeff\n " + json.dumps(RECORD)),
    ("list", json.dumps([RECORD, RECORD])),
], ids=["lines", "one", "mark", "list"])
def test_the_first_record_of_json(server, name, content):
    put(server, f"json/{name}.json", content)
    assert types(server, f"{DEMO}/json/{name}") == KINDS
    fields = {each["identifier"]: each for each in described(server, f"{DEMO}/json/{name}")}
    assert fields["open"]["supportedFieldTypeDetails"]["v1"] == {
        "fieldType": "boolean", "filterOperators": ["EQUAL_TO", "NOT_EQUAL_TO"],
        "supportedValues": ["true", "false"]}
    assert fields["of"]["sourceProperties"]["isQueryable"] is False


# More than a first look takes.
WIDE = ",".join(f"column_{number:05}_{'x' * 80}" for number in range(1900))


def made(content):
    """Long contents are made by the test that needs them, not whenever this file is imported."""
    return content() if callable(content) else content


LARGE = [
    ("wide.csv", WIDE + "\n", 1900),
    ("whole.csv", WIDE, 1900),
    ("long.json", lambda: json.dumps({"a": "x" * 1_000_000, "b": 1}) + "\n" + "x" * 9_000_000, 2),
    ("csv.gz", lambda: packed(b"a,b\n" + b"1,2\n" * 1_200_000), 2),  # 4.8 MB
    ("two.gz", lambda: packed(b"a,") + packed(b"b,c\n"), 3),
    ("long.gz", lambda: packed(json.dumps({"a": "x" * 1_000_000, "b": 1}).encode()), 2),
]


@pytest.mark.parametrize("name, content, count", LARGE, ids=[each[0] for each in LARGE])
def test_no_more_is_read_than_is_needed(server, name, content, count):
    put(server, f"large/{name}", made(content))
    assert len(types(server, f"{DEMO}/large/{name}")) == count


HINT = "A flow reads CSV with a header, and JSON with one record a line."


UNFIT = [
    ("picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "it is not valid UTF-8"),
    ("broken.json", b'{"a": \n{"b": 1}\n', "The first record cannot be read"),
    ("text.json", b'["a"]', "The first record cannot be read"),
    ("twice.csv", b"a,b,a\n1,2,3\n", "it has the column a twice"),
    ("line", b"\n\r\n", "It has neither a header nor a record."),
    ("list.json", b"[]", "It has neither a header nor a record."),
    ("cut.json", b'{"a": 1', "The first record cannot be read"),
    ("long.json", lambda: b'{"a": "' + b"x" * WINDOW + b'"}', "4 MiB"),
    ("long.csv", lambda: b"x" * WINDOW + b"\n", "4 MiB"),
    ("bomb.gz", lambda: packed(b"x" * 5_000_000), "4 MiB"),
    ("broken.gz", packed(b"a,b\n")[:10] + b"\xff" * 50, "is not valid gzip"),
    ("cut.gz", packed(b"a,b\n1,2\n")[:-4], "it ends too early"),
]


@pytest.mark.parametrize("name, content, words", UNFIT, ids=[each[0] for each in UNFIT])
def test_objects_without_fields(server, name, content, words):
    put(server, f"unfit/{name}", made(content))
    status, kind, message = refused(server, connectorEntityName=f"{DEMO}/unfit/{name}")
    assert (status, kind) == (400, "ConnectorServerException")
    assert f"s3://{DEMO}/unfit/{name} shows no fields." in message and words in message, message
    assert HINT in message


def test_prefixes_without_objects(server):
    put(server, "hollow/empty.csv")
    for name, words in (("none", "no object's key begins with it"),
                        ("hollow/", "each object there is empty")):
        status, kind, message = refused(server, connectorEntityName=f"{DEMO}/{name}")
        assert (status, kind) == (400, "ConnectorServerException")
        assert f"{DEMO}/{name} has no fields: {words}" in message, message


# --- the cache ---

def test_answers_are_kept_until_they_are_reset(server):
    put(server, "kept/a.csv", "before\n")
    name = f"{DEMO}/kept/"
    stranger = server.make_key("AKIAHEADGATETEST0007", "entities", OTHER_ACCOUNT)
    assert list(types(server, name)) == ["before"] and entities(server, name) == {}
    put(server, "kept/a.csv", "after\n")
    put(server, "kept/inner/a.csv")
    assert list(types(server, name)) == ["before"] and entities(server, name) == {}
    assert described(server, name, key=stranger)[0]["identifier"] == "after"
    server.ok("ResetConnectorMetadataCache", S3)
    assert list(entities(server, name)) == [name + "inner/"]
    assert list(types(server, name)) == ["before"]
    server.ok("ResetConnectorMetadataCache", {**S3, "connectorEntityName": name})
    assert list(types(server, name)) == ["after"]


def test_a_reset_reaches_the_other_node(nodes, monkeypatch, canaries):
    for name, value in {**KEYS, "AWS_SECRET_ACCESS_KEY": canaries.new("own key")}.items():
        monkeypatch.setenv(name, value)
    with Vendor() as vendor:
        vendor.answer = lambda request: buckets("acme")
        first, second = [nodes(*to_s3(vendor)).start() for _ in range(2)]
        assert list(entities(first)) == list(entities(second)) == ["acme"]
        vendor.answer = lambda request: buckets("zeta")
        first.ok("ResetConnectorMetadataCache", S3)
        assert list(entities(first)) == list(entities(second)) == ["zeta"]


# --- an S3 of the test's own ---

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAOWN", "AWS_SECRET_ACCESS_KEY": "own"}


def to_s3(vendor):
    return ("--egress-allow", "127.0.0.1", "--s3-url", vendor.url)


def listing(*keys, more="", prefixes=()):
    items = "".join(f"<Contents><Key>{key}</Key><Size>9</Size><ETag>e</ETag></Contents>"
                    for key in keys)
    items += "".join(f"<CommonPrefixes><Prefix>{each}</Prefix></CommonPrefixes>"
                     for each in prefixes)
    token = f"<NextContinuationToken>{more}</NextContinuationToken>" if more else ""
    return http("200 OK", f"<ListBucketResult><IsTruncated>{str(bool(more)).lower()}"
                          f"</IsTruncated>{token}{items}</ListBucketResult>")


def buckets(*names):
    return http("200 OK", "<ListAllMyBucketsResult><Buckets>" + "".join(
        f"<Bucket><Name>{name}</Name></Bucket>" for name in names)
        + "</Buckets></ListAllMyBucketsResult>")


def error(status, code, **more):
    return http(status, f"<Error><Code>{code}</Code><Message>m</Message></Error>", **more)


@pytest.fixture
def scripted(servers, canaries):
    """A server that asks an S3 which answers as the test says."""
    keys = {**KEYS, "AWS_SECRET_ACCESS_KEY": canaries.new("own key")}
    with Vendor() as vendor:
        server = servers(*to_s3(vendor), env=keys)
        server.vendor = vendor
        yield server


def test_refusals(scripted):
    answers = scripted.vendor.script
    for answer, status, kind, words in (
            (error("403 Forbidden", "AccessDenied"), 401, "ConnectorAuthenticationException",
             "S3 denies access to the list of buckets."),
            (error("403 Forbidden", "InvalidAccessKeyId"), 401, "ConnectorAuthenticationException",
             "AWS_ACCESS_KEY_ID"),
            (error("503 Slow Down", "SlowDown", headers=[("Retry-After", "3600")]), 400,
             "ConnectorServerException", "S3 was busy"),
            (http("200 OK", "<html></html>"), 400, "ConnectorServerException",
             "it is no list of buckets"),
            (http("301 Moved", headers=[("x-amz-bucket-region", "eu-west-1")]), 400,
             "ConnectorServerException", "eu-west-1")):
        answers.append(answer)
        assert refused(scripted)[:2] == (status, kind)
        answers.append(answer)
        message = refused(scripted)[2]
        assert words in message, message
    answers.append(error("403 Forbidden", "AccessDenied"))
    status, kind, message = refused(scripted, connectorEntityName="acme/orders")
    assert (status, kind) == (401, "ConnectorAuthenticationException")
    assert "S3 denies access to s3://acme." in message and "s3:GetObject" in message


def test_lists_that_do_not_end(scripted):
    """Of a level with very many files a bounded number is looked through."""
    numbers = iter(range(1, 1000))
    scripted.vendor.answer = lambda request: listing("a", more=f"t{next(numbers)}")
    status, kind, message = refused(scripted, entitiesPath="acme")
    assert (status, kind) == (400, "ConnectorServerException")
    assert "there are more pages of keys than this server takes of one list" in message
    assert len(scripted.vendor.requests) == 100
    scripted.vendor.answer = lambda request: listing("a", more="same")
    assert "does not say where" in refused(scripted, entitiesPath="acme")[2]


def test_what_the_service_sends_is_not_believed(scripted):
    """Names that are none, prefixes that are no folders, and an object that has changed."""
    answers = scripted.vendor.script
    answers.append(listing(prefixes=["a/", "b", "with blank/", "x" * 200 + "/", "$/"]))
    assert {name: each["hasNestedEntities"] for name, each in entities(
        scripted, "acme").items()} == {"acme/a/": True, "acme/$/": False}
    target = urllib.parse.urlsplit(scripted.vendor.requests[0].target)
    assert target.path == "/acme" and "delimiter=%2F" in target.query
    answers += [listing("orders/a.csv"), error("412 Precondition Failed", "PreconditionFailed")]
    assert "Try again" in refused(scripted, connectorEntityName="acme/orders")[2]
    assert scripted.vendor.requests[-1].headers["if-match"] == '"e"'
    assert scripted.vendor.requests[-1].headers["range"] == "bytes=0-8"
    answers += [listing("orders/a.csv"), error("404 Not Found", "NoSuchKey")]
    assert "deleted" in refused(scripted, connectorEntityName="acme/orders")[2]


def test_a_server_without_a_key_for_s3(servers):
    status, kind, message = refused(servers())
    assert (status, kind) == (401, "ConnectorAuthenticationException")
    assert "This server has no access key for Amazon S3." in message
