"""The memory of a run has a limit, whatever its tasks make of what it reads."""

import hashlib
import json
import pathlib
import re

import pytest

from support import aws, moving
from support.shelf import Shelf, serving

MIB = 1024 * 1024
RUN_MEMORY_MAX = 64 * MIB  # FLOW_RUN_MEMORY_MAX
ROWS, MADE = 1500, 64 * 1024  # of one batch, which has up to 2,048 records: 94 MiB

# A sanitizer's memory is not the server's.
pytestmark = pytest.mark.as_users_run_it


def text(row):
    return hashlib.sha512(str(row).encode()).hexdigest() * 8


def merging(times=MADE // 1024):
    return [{"taskType": "Merge", "sourceFields": ["text", "id"], "destinationField": "text",
             "connectorOperator": {"S3": "NO_OP"},
             "taskProperties": {"CONCAT_FORMAT": "${text}" * times}},
            {"taskType": "Map", "sourceFields": ["id"], "destinationField": "id",
             "connectorOperator": {"S3": "NO_OP"}}]


def to_s3(**output):
    definition = moving.flow(tasks=merging(), **output)
    s3 = definition["destinationFlowConfigList"][0]["destinationConnectorProperties"]["S3"]
    s3["bucketName"] = "failed"
    return definition


def to_vendor():
    return {**moving.flow(tasks=merging()), "destinationFlowConfigList": [{
        "connectorType": aws.CUSTOM, "connectorProfileName": "own", "apiVersion": "v1",
        "destinationConnectorProperties": {aws.CUSTOM: {
            "entityName": "Book", "writeOperationType": "INSERT"}}}]}


def memory(server, name):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return 1024 * int(re.search(rf"{name}:\s*(\d+) kB", status).group(1))


def run(server, definition):
    """The record, and the most memory that the server had beyond what it has idle."""
    server.ok("CreateFlow", definition)
    before = memory(server, "VmRSS")
    record = moving.run(server)
    return record, memory(server, "VmHWM") - before


@pytest.fixture
def shelf(canaries):
    with Shelf(canaries) as each:
        yield each


@pytest.fixture
def server(servers, shelf, canaries, tmp_path):
    with serving(servers, shelf, canaries, tmp_path) as made:
        yield made


@pytest.fixture
def ready(server):
    body = moving.lines_of({"id": row, "text": text(row)} for row in range(ROWS))
    server.buckets.put_object(Bucket=moving.IN, Key="books", Body=body)
    return server


@pytest.mark.parametrize("output", [{"fileType": "JSON"}, {"fileType": "PARQUET"}], ids=str)
def test_merges_that_make_much_of_little_to_s3(ready, output):
    record, peak = run(ready, to_s3(**output))
    assert record["executionStatus"] == "Successful", record
    assert "putFailuresCount" not in record["executionResult"].get("errorInfo", {}), record
    assert peak < RUN_MEMORY_MAX, peak / MIB
    listed = ready.buckets.list_objects_v2(Bucket="failed")["Contents"]
    if output["fileType"] == "JSON":
        pieces = [ready.buckets.get_object(
            Bucket="failed", Key=listed[0]["Key"],
            Range=f"bytes={first}-{first + 32 * MIB - 1}")["Body"].read()
            for first in range(0, listed[0]["Size"], 32 * MIB)]
        rows = [json.loads(line) for line in b"".join(pieces).splitlines()]
        assert [each["id"] for each in rows] == list(range(ROWS))
        assert all(each["text"] == text(each["id"]) * 64 for each in rows)
    print(f"peak of a run to S3 ({output['fileType']}): {peak / MIB:.1f} MiB")


def test_merges_that_make_much_of_little_to_a_vendor(ready, shelf, monkeypatch):
    seen = []

    def results_of(_self, records):
        seen.extend((each["id"], len(each["text"]), each["text"][:1024]) for each in records)
        return {"isSuccess": True, "writeRecordResults": [
            {"isSuccess": True, "recordId": str(each["id"])} for each in records]}

    monkeypatch.setattr(Shelf, "results_of", results_of)
    record, peak = run(ready, to_vendor())
    shelf.calls.clear()
    assert record["executionStatus"] == "Successful", record
    assert peak < RUN_MEMORY_MAX, peak / MIB
    assert seen == [(row, MADE, text(row)) for row in range(ROWS)]
    print(f"peak of a run to a vendor: {peak / MIB:.1f} MiB")


def test_a_record_that_is_too_long_as_json_is_left_out(server, shelf):
    """A control character is one byte of CSV, and six of JSON."""
    rows = [b"short,1", b"\x01" * MIB + b",2", b"short,3"]
    server.buckets.put_object(Bucket=moving.IN, Key="books", Body=b"text,id\n" + b"\n".join(rows))
    definition = to_vendor()
    definition["sourceFlowConfig"]["sourceConnectorProperties"]["S3"]["s3InputFormatConfig"] = {
        "s3InputFileType": "CSV"}
    definition["tasks"] = [{**merging(1)[1], "sourceFields": [name], "destinationField": name}
                           for name in ("text", "id")]
    properties = definition["destinationFlowConfigList"][0]["destinationConnectorProperties"]
    properties[aws.CUSTOM]["errorHandlingConfig"] = {"bucketName": "failed"}
    record, _ = run(server, definition)
    assert record["executionStatus"] == "Successful", record
    assert record["executionResult"]["errorInfo"]["putFailuresCount"] == 1
    assert [each["id"] for call in shelf.calls for each in call[2]] == ["1", "3"]
    listed, = server.buckets.list_objects_v2(Bucket="failed")["Contents"]
    line = server.buckets.get_object(Bucket="failed", Key=listed["Key"])["Body"].read()
    assert json.loads(line) == {"record": None, "errorCode": "TooLong",
                                "errorMessage": "the record is longer than 4 MiB as JSON"}
