"""The sandbox's S3 judged by AWS's own clients, unmodified: boto3 over http and over https, where
it sends bodies in chunks with a checksum, and the AWS CLI with its uploads in parts."""

import os
import subprocess

import boto3
import botocore.config
import botocore.exceptions
import pytest

from support import sandbox
from support.aws import refused
from support.sigv4 import REGION

KEY = {"aws_access_key_id": "SANDBOXACCESSKEY", "aws_secret_access_key": "sandbox"}
DEMO = "headgate-demo"
MIB = 1024 * 1024
TIMEOUT_S = 120


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with sandbox.running(tmp_path_factory.mktemp("sandbox")) as each:
        yield each


@pytest.fixture
def folder(running):
    return running.ca.parent / "s3"


def client(running, scheme="http", **options):
    port = running.http_port if scheme == "http" else running.tls_port
    options = {**KEY, **options}
    return boto3.client("s3", region_name=REGION, endpoint_url=f"{scheme}://localhost:{port}",
                        verify=str(running.ca), **options,
                        config=botocore.config.Config(retries={"total_max_attempts": 1},
                                                      s3={"addressing_style": "path"}))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_boto3_puts_gets_lists_and_deletes(running, folder, scheme):
    boto = client(running, scheme)
    keys = ["a", "a/b", "year=2024/ü €+.json", "../x", "a//b", f"{scheme}/" + "long" * 200]
    for key in keys:
        boto.put_object(Bucket=DEMO, Key=key, Body=key.encode(), ContentType="text/x-key")
    answer = boto.list_objects_v2(Bucket=DEMO)
    assert [each["Key"] for each in answer["Contents"]] == sorted(keys, key=str.encode)
    for key in keys:
        answer = boto.get_object(Bucket=DEMO, Key=key)
        assert answer["Body"].read() == key.encode() and answer["ContentType"] == "text/x-key"
        assert boto.head_object(Bucket=DEMO, Key=key)["ContentLength"] == len(key.encode())
    assert (folder / DEMO / "year=2024" / "ü €+.json").read_text() == "year=2024/ü €+.json"
    for key in keys:
        boto.delete_object(Bucket=DEMO, Key=key)
    assert list((folder / DEMO).iterdir()) == []


def test_boto3_reads_pages_of_a_long_list(running, folder):
    boto = client(running)
    (folder / DEMO / "by-hand").mkdir(parents=True, exist_ok=True)
    names = [f"by-hand/{number:04}" for number in range(1500)]
    for name in names:
        (folder / DEMO / name).write_text("x")
    pages = list(boto.get_paginator("list_objects_v2").paginate(Bucket=DEMO, Prefix="by-hand/"))
    assert [len(page["Contents"]) for page in pages] == [1000, 500]
    assert [each["Key"] for page in pages for each in page["Contents"]] == names
    grouped = boto.list_objects_v2(Bucket=DEMO, Delimiter="/")
    assert [each["Prefix"] for each in grouped["CommonPrefixes"]] == ["by-hand/"]
    for name in names:
        (folder / DEMO / name).unlink()
    (folder / DEMO / "by-hand").rmdir()


def test_boto3_creates_and_deletes_buckets(running):
    boto = client(running)
    boto.create_bucket(Bucket="another.bucket")
    assert {each["Name"] for each in boto.list_buckets()["Buckets"]} == {DEMO, "another.bucket"}
    boto.put_object(Bucket="another.bucket", Key="k", Body=b"")
    assert refused(boto.delete_bucket, Bucket="another.bucket")[:2] == ("BucketNotEmpty", 409)
    boto.delete_object(Bucket="another.bucket", Key="k")
    boto.delete_bucket(Bucket="another.bucket")
    assert refused(boto.put_object, Bucket="another.bucket", Key="k", Body=b"")[0] == "NoSuchBucket"
    assert refused(boto.head_bucket, Bucket="another.bucket")[:2] == ("404", 404)


def test_conditions_and_ranges(running):
    boto = client(running)
    etag = boto.put_object(Bucket=DEMO, Key="k", Body=b"0123456789", IfNoneMatch="*")["ETag"]
    assert refused(boto.put_object, Bucket=DEMO, Key="k", Body=b"", IfNoneMatch="*")[:2] == (
        "PreconditionFailed", 412)
    for wanted, expected in (("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=-2", b"89"),
                             ("bytes=8-99", b"89")):
        answer = boto.get_object(Bucket=DEMO, Key="k", Range=wanted, IfMatch=etag)
        assert answer["Body"].read() == expected
    assert refused(boto.get_object, Bucket=DEMO, Key="k", Range="bytes=10-")[:2] == (
        "InvalidRange", 416)
    assert refused(boto.get_object, Bucket=DEMO, Key="k", IfMatch='"other"')[1] == 412
    boto.delete_object(Bucket=DEMO, Key="k")


def test_uploads_in_parts_are_listed_and_checked(running):
    boto = client(running)
    ids = [boto.create_multipart_upload(Bucket=DEMO, Key=key)["UploadId"]
           for key in ("u", "u", "v")]
    listed = list(boto.get_paginator("list_multipart_uploads").paginate(
        Bucket=DEMO, PaginationConfig={"PageSize": 1}))
    assert sorted(each["UploadId"] for page in listed for each in page.get("Uploads", [])) == (
        sorted(ids))
    upload = {"Bucket": DEMO, "Key": "u", "UploadId": ids[0]}
    parts = []
    for number, body in ((1, b"a" * 5 * MIB), (2, b"b"), (2, b"c"), (9, b"d")):
        etag = boto.upload_part(**upload, PartNumber=number, Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    pages = list(boto.get_paginator("list_parts").paginate(
        **upload, PaginationConfig={"PageSize": 2}))
    assert [(each["PartNumber"], each["Size"]) for page in pages for each in page["Parts"]] == [
        (1, 5 * MIB), (2, 1), (9, 1)]

    def complete(*numbers):
        return refused(boto.complete_multipart_upload, **upload,
                       MultipartUpload={"Parts": [parts[number] for number in numbers]})[0]

    assert complete(2, 0) == "InvalidPartOrder"
    assert complete(0, 1) == "InvalidPart"  # it was sent again
    assert complete(0, 2, 3) == "EntityTooSmall"
    boto.complete_multipart_upload(**upload, MultipartUpload={"Parts": [parts[0], parts[3]]})
    assert boto.head_object(Bucket=DEMO, Key="u")["ContentLength"] == 5 * MIB + 1
    for key, upload_id in (("u", ids[1]), ("v", ids[2])):
        boto.abort_multipart_upload(Bucket=DEMO, Key=key, UploadId=upload_id)
    assert "Uploads" not in boto.list_multipart_uploads(Bucket=DEMO)
    assert refused(boto.upload_part, **upload, PartNumber=1, Body=b"")[0] == "NoSuchUpload"
    boto.delete_object(Bucket=DEMO, Key="u")


def test_who_may_not_is_refused(running):
    for options, code in (({"aws_secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
                          ({"aws_access_key_id": "AKIAUNKNOWN"}, "InvalidAccessKeyId"),
                          ({"aws_session_token": "another"}, "InvalidAccessKeyId")):
        assert refused(client(running, **options).list_buckets)[:2] == (code, 403)
    role = client(running, aws_access_key_id="ASIASANDBOXROLE00001",
                  aws_secret_access_key="sandbox-role-secret",
                  aws_session_token="sandbox-role-session-token")
    assert [each["Name"] for each in role.list_buckets()["Buckets"]] == [DEMO]


def test_a_wrong_checksum_is_refused(running):
    boto = client(running, "https")
    assert refused(boto.put_object, Bucket=DEMO, Key="k", Body=b"x",
                   ChecksumCRC32="AAAAAA==")[0] == "BadDigest"
    assert refused(boto.get_object, Bucket=DEMO, Key="k")[0] == "NoSuchKey"


def test_what_it_does_not_have_is_not_implemented(running):
    boto = client(running)
    assert refused(boto.get_bucket_versioning, Bucket=DEMO)[:2] == ("NotImplemented", 501)
    assert refused(boto.copy_object, Bucket=DEMO, Key="k", CopySource=f"{DEMO}/x")[0] == (
        "NotImplemented")


def cli(running, *words):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": KEY["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": KEY["aws_secret_access_key"], "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_PAGER": ""}
    done = subprocess.run(
        ["aws", "--endpoint-url", f"http://127.0.0.1:{running.http_port}", "s3", *map(str, words)],
        capture_output=True, timeout=TIMEOUT_S, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def test_the_cli_copies_files_larger_than_a_part(running, folder, tmp_path):
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom(17 * MIB))
    cli(running, "cp", "--no-progress", large, f"s3://{DEMO}/flow=1/large.bin")
    assert (folder / DEMO / "flow=1" / "large.bin").read_bytes() == large.read_bytes()
    assert cli(running, "ls", f"s3://{DEMO}/").split() == ["PRE", "flow=1/"]
    back = tmp_path / "back.bin"
    cli(running, "cp", "--no-progress", f"s3://{DEMO}/flow=1/large.bin", back)
    assert back.read_bytes() == large.read_bytes()
    cli(running, "rm", "--recursive", f"s3://{DEMO}/")
    assert list((folder / DEMO).iterdir()) == []
    assert list((folder / ".uploads" / DEMO).iterdir()) == []
