"""Our client of S3 against servers that are not ours (versitygw checks signatures and the hash of
each body; moto does not) and against the sandbox's."""

import hashlib
import os

import botocore.exceptions
import pytest

from support import s3

BUCKET = "headgate-test"
MIB = 1024 * 1024
PART = 5 * MIB  # the least that S3 takes
KEYS = ["plain", "year=2024/month=01/a.parquet", "a b", "a+b", "50%25", "ü/€/日本", "x//y", "#?&;",
        "quote'\"<&>", "flow/a=b/ü €+ %#?.json"]
SERVERS = {"versitygw": s3.versitygw, "moto": s3.moto, "sandbox": s3.stand_in}
of_those_that_check = pytest.mark.parametrize(
    "server", [name for name in SERVERS if name != "moto"], indirect=True)

pytestmark = pytest.mark.skipif(
    not s3.TOOL.exists(), reason=f"{s3.TOOL} is not there: build with -Dtests=true, or set "
                                 "HEADGATE_S3_TOOL")


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    if request.param == "versitygw" and not s3.VERSITYGW.exists():
        pytest.skip("versitygw is not there: it needs Go 1.25 or newer (tools/deps.sh peers)")
    if request.param == "moto":
        pytest.importorskip("moto", reason="moto is not installed (tests/requirements.txt)")
    with SERVERS[request.param](tmp_path_factory.mktemp(request.param)) as each:
        each.name = request.param
        each.boto().create_bucket(Bucket=BUCKET)
        yield each


def test_objects_with_any_key(server):
    boto = server.boto()
    # To versitygw, which has files for objects, an empty segment is none.
    keys = [key for key in KEYS if "//" not in key or server.name != "versitygw"]
    for key in keys:
        body = f"the object {key}".encode()
        etag = server.tool("put", BUCKET, key, body=body).decode().split()[1]
        assert etag == hashlib.md5(body).hexdigest()
        assert boto.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body, key
        assert server.tool("get", BUCKET, key) == body
        assert server.tool("get", BUCKET, key, 4, 6) == body[4:10]
        size, found, kind = server.tool("head", BUCKET, key).decode().split()
        assert (int(size), found, kind) == (len(body), etag, "text/plain")
    assert sorted(server.keys(BUCKET), key=str.encode) == sorted(keys, key=str.encode)
    for key in keys:
        server.tool("delete", BUCKET, key)
    server.tool("delete", BUCKET, "never-there")
    assert server.keys(BUCKET) == []


def test_lists_are_paged_in_order(server):
    keys = sorted([*(f"page/{number:02}" for number in range(11)), "page/sub=1/a", "page/sub=1/b",
                   "page-", "page0"])
    for key in keys:
        server.tool("put", BUCKET, key, body=b"x")
    inside = [key for key in keys if key.startswith("page/")]
    assert server.keys(BUCKET, prefix="page/", page=4) == inside
    assert server.keys(BUCKET, prefix="page", start="page/05") == [
        key for key in keys if key > "page/05"]
    assert server.keys(BUCKET, prefix="page/", delimiter="/", page=4) == [
        *inside[:11], "page/sub=1/"]
    assert server.keys(BUCKET, prefix="nothing") == []
    for key in keys:
        server.tool("delete", BUCKET, key)


def test_an_upload_in_parts_is_one_object(server):
    parts = [os.urandom(PART), os.urandom(PART), b"the last one"]
    key = "upload/year=2024/a.bin"
    upload_id, lines = server.upload(BUCKET, key, parts)
    assert server.tool("parts", BUCKET, key, upload_id) == lines
    assert [line.split(" ", 1) for line in
            server.tool("uploads", BUCKET, "upload/").decode().splitlines()] == [
        [upload_id, f'"{key}"']]
    assert server.keys(BUCKET, prefix="upload/") == []  # not visible before it is whole
    etag = server.tool("complete", BUCKET, key, upload_id, body=lines).decode().split()[1]
    whole = b"".join(hashlib.md5(part).digest() for part in parts)
    assert etag == f"{hashlib.md5(whole).hexdigest()}-3"
    assert server.tool("get", BUCKET, key) == b"".join(parts)
    assert server.tool("get", BUCKET, key, PART - 3, 6) == b"".join(parts)[PART - 3:PART + 3]
    # As after a crash: another process completes it again, and finds its object.
    assert server.tool("complete", BUCKET, key, upload_id, body=lines).decode().split()[1] == etag
    assert server.tool("uploads", BUCKET, "") == b""
    server.tool("delete", BUCKET, key)


def test_an_aborted_upload_leaves_nothing(server):
    upload_id, lines = server.upload(BUCKET, "aborted", [b"small"])
    server.tool("abort", BUCKET, "aborted", upload_id)
    server.tool("abort", BUCKET, "aborted", upload_id)
    assert server.tool("uploads", BUCKET, "") == b""
    failed = server.tool("complete", BUCKET, "aborted", upload_id, body=lines, expect=1)
    if server.name != "moto":  # which answers with status 500
        assert b"The upload of s3://headgate-test/aborted is not there" in failed
    assert server.keys(BUCKET) == []


def test_an_object_is_created_once(server):
    server.tool("put", BUCKET, "once", "absent", body=b"first")
    refused = server.tool("put", BUCKET, "once", "absent", body=b"second", expect=1)
    assert b"is there already" in refused
    upload_id, lines = server.upload(BUCKET, "once", [b"third"])
    refused = server.tool("complete", BUCKET, "once", upload_id, "absent", body=lines, expect=1)
    assert b"is there already" in refused
    assert server.tool("get", BUCKET, "once") == b"first"
    server.tool("abort", BUCKET, "once", upload_id)
    server.tool("delete", BUCKET, "once")


def test_refusals_are_told_apart(server):
    missing = server.tool("get", BUCKET, "missing", expect=1)
    assert b"There is no object s3://headgate-test/missing." in missing
    assert b"There is no bucket" in server.tool("get", "no-such-bucket", "k", expect=1)
    assert b"There is no bucket" in server.tool("list", "no-such-bucket", "", "", "", 0, expect=1)
    upload_id, lines = server.upload(BUCKET, "parts", [b"small", b"smaller"])
    small = server.tool("complete", BUCKET, "parts", upload_id, body=lines, expect=1)
    assert b"smaller than 5 MiB" in small
    wrong = server.tool("complete", BUCKET, "parts", upload_id, expect=1,
                        body=b"1 00000000000000000000000000000000 5\n")
    assert b"does not have the parts" in wrong
    server.tool("abort", BUCKET, "parts", upload_id)


@of_those_that_check
def test_a_wrong_secret_is_refused(server):
    refused = server.tool("list", BUCKET, "", "", "", 0, expect=1, secret="another-secret")
    assert b"does not take the credentials" in refused


@of_those_that_check
def test_a_body_that_was_changed_is_refused(server):
    """Neither our client nor boto3 can be made to send one, so the request is signed for another
    body."""
    boto = server.boto()

    def change(request, **_):
        request.body = b"another body"

    boto.meta.events.register("before-send.s3.PutObject", change)
    with pytest.raises(botocore.exceptions.ClientError) as error:
        boto.put_object(Bucket=BUCKET, Key="changed", Body=b"the body now")
    assert error.value.response["Error"]["Code"] == "XAmzContentSHA256Mismatch"
    assert server.keys(BUCKET) == []
