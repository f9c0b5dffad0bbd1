"""Runs that move records from bucket to bucket: what is read, which objects are written, what is
left out, and what the records of execution say."""

import csv
import gzip
import hashlib
import io
import json
import re
import subprocess

import pytest

from support import aws, moving
from support.server import command
from test_flows import refused

PEOPLE = [{"Id": 1, "Name": "Ada Löve", "Pay": 12.50},
          {"Id": 2, "Name": None, "Pay": 9007199254740993}]
TABLE = b'\xef\xbb\xbfId,Name,Note\r\n1,"Love, Ada","two\nlines ""quoted"""\r\n2,,\r\n'
ROWS = [{"Id": "1", "Name": "Love, Ada", "Note": 'two\nlines "quoted"'},
        {"Id": "2", "Name": "", "Note": ""}]
LAST_ROW = {"Id": "3", "Name": "c", "Note": "d"}


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    return lasting_servers("--sandbox")


@pytest.fixture
def server(lasting):
    """One for all tests of this file, without flows and objects."""
    yield lasting
    moving.clear(lasting)


def parsed(body):
    return [json.loads(line) for line in body.splitlines()]


def message(record):
    return record["executionResult"]["errorInfo"]["executionMessage"]


def a_map(source, destination=None, **properties):
    return {"taskType": "Map", "sourceFields": [source],
            "destinationField": destination or source, "taskProperties": properties}


def test_a_bucket_of_upsolver_is_written_to_as_any_other(server):
    """Its properties are those of S3 with a prefix that must be configured."""
    bucket = "upsolver-appflow-people"
    folder = server.data / "s3" / bucket
    moving.put(server, "people.json", moving.lines_of(PEOPLE))
    folder.mkdir()
    flow = moving.flow()
    output = {"fileType": "CSV", "prefixConfig": {"prefixType": "FILENAME", "prefixFormat": "DAY"}}
    destination = {"bucketName": bucket, "bucketPrefix": "a/b", "s3OutputFormatConfig": output}
    flow["destinationFlowConfigList"] = [{
        "connectorType": "Upsolver", "destinationConnectorProperties": {"Upsolver": destination}}]
    server.ok("CreateFlow", flow)
    record = moving.run(server)
    assert record["executionStatus"] == "Successful", record
    written, = [path for path in folder.rglob("*") if path.is_file()]
    assert re.fullmatch(rf"a/b/copy/{record['executionId']}-00000-\d{{4}}-\d\d-\d\dT[\d:]{{8}}",
                        str(written.relative_to(folder)))
    rows = list(csv.DictReader(io.StringIO(written.read_text())))
    assert [(row["Id"], row["Name"]) for row in rows] == [("1", "Ada Löve"), ("2", "")]

    del output["prefixConfig"]
    assert "prefixConfig" in refused(server, "UpdateFlow", flow)[2]
    output["prefixConfig"] = {}
    destination["bucketName"] = "people"
    assert "bucketName" in refused(server, "UpdateFlow", flow)[2]


def test_json_lines_are_copied(server):
    body = moving.lines_of(PEOPLE)
    moving.put(server, "people.json", body)
    record, objects = moving.moved(server)
    assert record["executionStatus"] == "Successful", record
    assert [parsed(each) for each in objects] == [PEOPLE]
    assert record["executionResult"] == {
        "bytesProcessed": len(body), "bytesWritten": len(objects[0]), "recordsProcessed": 2}
    key, = moving.written(server)
    assert key == f"copy/{record['executionId']}-00000"


FILES = {
    "lines": ("JSON", moving.lines_of(PEOPLE), PEOPLE),
    "compressed lines": ("JSON", gzip.compress(moving.lines_of(PEOPLE)), PEOPLE),
    "array": ("JSON", json.dumps(PEOPLE).encode(), PEOPLE), "nothing": ("JSON", b"", []),
    "half of gzip's first bytes": ("JSON", b"\x1f", None), "table": ("CSV", TABLE, ROWS),
    "table without rows": ("CSV", b"Id\n", []), "compressed table": (
        "CSV", gzip.compress(TABLE) + gzip.compress(b"3,c,d\n"), [*ROWS, LAST_ROW])}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_read(server, name):
    file, body, rows = FILES[name]
    moving.put(server, "in/file", body)
    record, objects = moving.moved(server, file=file)
    if rows is None:
        assert message(record) == (
            "None of 1 records could be read. s3://bucket-in/in/file, line 1: the value is not an "
            "object.")
        return
    assert record["executionStatus"] == "Successful", record
    assert [row for each in objects for row in parsed(each)] == rows
    assert len(objects) == (1 if rows else 0)


def test_csv_is_written_with_a_header(server):
    moving.put(server, "file", TABLE)
    _, objects = moving.moved(server, file="CSV", fileType="CSV")
    assert list(csv.DictReader(io.StringIO(objects[0].decode(), newline=""))) == ROWS


def test_objects_under_the_prefix_are_read_in_the_order_of_keys(server):
    for key in ("flow/b", "flow/a", "flow_x", "other/c"):
        moving.put(server, key, moving.lines_of([{"key": key}]))
    _, objects = moving.moved(server, prefix="flow")
    assert [parsed(each) for each in objects] == [
        [{"key": key}] for key in ("flow/a", "flow/b", "flow_x")]


def test_a_prefix_without_an_object_is_an_error(server):
    moving.put(server, "file", b"{}")
    record, objects = moving.moved(server, prefix="nothing/")
    assert (record["executionStatus"], objects) == ("Error", [])
    assert message(record) == ('The bucket bucket-in has no object to read whose key begins with '
                               '"nothing/".')


def test_a_run_does_not_read_what_it_writes(server):
    """Also when its objects are below the prefix that it reads; those of earlier runs it reads."""
    made = moving.flow()
    made["sourceFlowConfig"]["sourceConnectorProperties"]["S3"] = {
        "bucketName": moving.OUT, "s3InputFormatConfig": {"s3InputFileType": "JSON"}}
    server.ok("CreateFlow", made)
    (moving.buckets(server)[1] / "copy").mkdir()
    (moving.buckets(server)[1] / "copy" / "0").write_bytes(moving.lines_of(PEOPLE))
    assert [moving.run(server)["executionResult"]["recordsProcessed"] for _ in range(2)] == [2, 4]


def test_keys_say_what_the_flow_asks_for(server):
    moving.put(server, "file", moving.lines_of(PEOPLE))
    record, _ = moving.moved(
        server, aggregationConfig={"aggregationType": "SingleFile"}, prefixConfig={
            "prefixType": "PATH_AND_FILENAME", "prefixFormat": "DAY",
            "pathPrefixHierarchy": ["EXECUTION_ID", "SCHEMA_VERSION"]})
    key, = moving.written(server)
    run = record["executionId"]
    assert re.fullmatch(rf"copy/schemaVersion_1/\d{{4}}/\d\d/\d\d/{run}/{run}"
                        r"-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", key)


def test_one_object_has_all_files(server):
    for name in "abc":
        moving.put(server, name, moving.lines_of([{"name": name, "row": row} for row in range(3)]))
    record, objects = moving.moved(server, aggregationConfig={"aggregationType": "SingleFile"})
    assert list(moving.written(server)) == [f"copy/{record['executionId']}"]
    assert parsed(objects[0]) == [{"name": name, "row": row} for name in "abc" for row in range(3)]


def test_objects_have_about_the_size_that_is_asked_for(server):
    """Small files together, and a large one in several objects."""
    rows = [{"page": page, "row": row, "text": "x" * 500}
            for page, count in enumerate((600, 600, 6000, 100)) for row in range(count)]
    for page in range(4):
        moving.put(server, str(page), moving.lines_of(row for row in rows if row["page"] == page))
    record, objects = moving.moved(server, aggregationConfig={
        "aggregationType": "None", "targetFileSize": 1})
    assert [row for each in objects for row in parsed(each)] == rows
    pages = [sorted({row["page"] for row in parsed(each)}) for each in objects]
    assert pages == [[0, 1, 2], [2], [2], [3]]
    assert all(len(each) < 1.5 * 1024 * 1024 for each in objects)
    assert record["executionResult"]["bytesWritten"] == sum(map(len, objects))


def test_other_fields_are_other_objects_of_csv(server):
    moving.put(server, "a", moving.lines_of([{"x": 1}]))
    moving.put(server, "b", moving.lines_of([{"x": 2, "y": 3}]))
    moving.put(server, "c", moving.lines_of([{"y": 4}]))
    _, objects = moving.moved(server, fileType="CSV", aggregationConfig={
        "aggregationType": "None", "targetFileSize": 1})
    assert objects == [b"x\n1\n", b"x,y\n2,3\n,4\n"]
    record, _ = moving.moved(server, "one", fileType="CSV", aggregationConfig={
        "aggregationType": "SingleFile"})
    assert message(record).startswith("Records have other fields than those before, and one object")


def test_a_checkpoint_forgets_the_fields_of_the_files_before_it(server):
    """So a run that goes on from one writes what a run writes that nothing disturbed."""
    for key, record in (("a", {"x": 1}), ("b", {"y": 3, "x": 2}), ("c", {"y": 4})):
        moving.put(server, key, moving.lines_of([record]))
    assert moving.moved(server, "csv", fileType="CSV")[1] == [b"x\n1\n", b"y,x\n3,2\n", b"y\n4\n"]
    assert moving.moved(server, "json")[1][3:] == [
        b'{"x":1}\n', b'{"y":3,"x":2}\n', b'{"y":4}\n']


def test_tasks_are_applied(server):
    moving.put(server, "a", moving.lines_of(
        [{"Id": row, "Name": f"name {row}", "Pay": row * 0.5} for row in range(6)]))
    only = {"taskType": "Filter", "sourceFields": ["Id"],
            "connectorOperator": {"S3": "GREATER_THAN"},
            "taskProperties": {"DATA_TYPE": "long", "VALUE": "3"}}
    mask = {"taskType": "Mask", "sourceFields": ["Name"],
            "connectorOperator": {"S3": "MASK_FIRST_N"}, "taskProperties": {"MASK_LENGTH": "4"}}
    record, objects = moving.moved(server, tasks=[only, mask, a_map("Name", "Full"), a_map("Pay")])
    assert parsed(objects[0]) == [{"Full": "**** 4", "Pay": 2.0}, {"Full": "**** 5", "Pay": 2.5}]
    assert record["executionResult"]["recordsProcessed"] == 6


BAD_LINES = b'{"Id": 1}\n{not json}\n{"Id": 2}\n{"Id": 3, "Id": 4}\n[5]\n{"Id": 6}\n'


def test_records_that_cannot_be_read_are_left_out_and_counted(server):
    moving.put(server, "bad.json", BAD_LINES)
    record, objects = moving.moved(server)
    assert parsed(objects[0]) == [{"Id": 1}, {"Id": 2}, {"Id": 6}]
    assert record["executionStatus"] == "Successful"
    assert record["executionResult"]["recordsProcessed"] == 6
    assert record["executionResult"]["errorInfo"] == {
        "putFailuresCount": 3, "executionMessage":
            '3 of 6 records were left out, 3 of them because they could not be read. "headgate '
            'flow runs copy --manifest" names the first ones.'}


def test_a_file_that_cannot_be_read_ends_the_run(server):
    moving.put(server, "a.csv", b"Id,Id\n1,2\n")
    record, objects = moving.moved(server, file="CSV")
    assert (record["executionStatus"], objects) == ("Error", [])
    assert message(record).startswith("s3://bucket-in/a.csv cannot be read: ")
    moving.put(server, "a.csv", gzip.compress(TABLE)[:-9])
    assert message(moving.run(server)) == ("s3://bucket-in/a.csv: The compressed text is not valid "
                                           "gzip: it ends too early.")


def test_a_file_that_the_sandbox_does_not_send_ends_the_run(server):
    """At once: S3 is there, and asking again gives the same."""
    moving.put(server, "large", b"")
    with open(moving.buckets(server)[0] / "large", "wb") as file:
        file.truncate(65 * 1024 * 1024)
    record, objects = moving.moved(server)
    assert (record["executionStatus"], objects) == ("Error", [])
    assert message(record) == (
        "This S3 cannot do what it was asked for with s3://bucket-in/large (NotImplemented). That "
        "of the sandbox sends objects of up to 64 MiB.")


def test_a_csv_file_without_a_mapped_column_ends_the_run(server):
    moving.put(server, "a.csv", TABLE)
    record, _ = moving.moved(server, file="CSV", tasks=[a_map("Nmae")])
    assert record["executionStatus"] == "Error"
    assert "a.csv cannot be read: " in message(record) and "Nmae" in message(record)


def shown(server, *words, name="copy"):
    done = subprocess.run(
        command("flow", "runs", name, "--manifest", *words, "--server", server.endpoint),
        env=aws.tool_env(server), capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def test_the_manifest_says_what_was_written_and_what_was_not(server):
    moving.put(server, "bad.json", BAD_LINES)
    only = {"taskType": "Filter", "sourceFields": ["Id"],
            "connectorOperator": {"S3": "LESS_THAN"}, "taskProperties": {"VALUE": "5"}}
    record, objects = moving.moved(server, tasks=[only, moving.ALL])
    code, printed = shown(server, "--json")
    manifest = json.loads(printed)
    key, = moving.written(server)
    hashed = hashlib.sha256(objects[0]).hexdigest()
    assert code == 0 and manifest == {
        "pages": 1, "objects": 1, "recordsWritten": 2, "leftOut": {"unreadable": 3, "filtered": 1},
        "samples": [
            {"page": "s3://bucket-in/bad.json", "position": 1, "line": 2,
             "reason": "the text is not valid in its format"},
            {"page": "s3://bucket-in/bad.json", "position": 3, "line": 4,
             "reason": "a member comes twice"},
            {"page": "s3://bucket-in/bad.json", "position": 4, "line": 5,
             "reason": "the value is not an object"}],
        "list": [{"key": key, "bytes": len(objects[0]), "records": 2, "sha256": hashed}]}
    code, printed = shown(server, "--run", record["executionId"])
    assert code == 0 and "Written: 2 records in 1 objects." in printed and hashed in printed
    assert "Left out: 3 unreadable" in printed and "bad.json, line 4: a member comes" in printed
    assert shown(server, "--run", "0199c0de-0000-7000-8000-000000000000")[0] == 1
    server.ok("DeleteFlow", {"flowName": "copy", "forceDelete": True})
    moving.until(lambda: server.count_rows("flow_run_objects") == 0)


def test_a_manifest_has_all_objects(server):
    for number in range(260):
        moving.put(server, f"{number:03d}", moving.lines_of([{"number": number}]))
    record, objects = moving.moved(server)
    assert len(objects) == 260
    _, printed = shown(server, "--json")
    first, *more = printed.splitlines()
    listed = [*json.loads(first)["list"], *map(json.loads, more)]
    assert [each["key"] for each in listed] == sorted(moving.written(server))
    assert [each["sha256"] for each in listed] == [hashlib.sha256(each).hexdigest()
                                                   for each in objects]
    ask = [("X-Headgate-Manifest", record["executionId"])]
    page = server.ok("DescribeFlowExecutionRecords", {"flowName": "copy"}, headers=ask)
    assert page["flowExecutions"] == [record] and len(page["manifest"]["list"]) == 250
    assert refused(server, "DescribeFlowExecutionRecords", {
        "flowName": "copy", "nextToken": "AAAA"}, headers=ask)[:2] == (400, "ValidationException")
