"""Runs of flows with a Partition task: each record is in its folder, whatever its values are."""

import json
import urllib.parse

import pytest

from support import moving


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    return lasting_servers("--sandbox")


@pytest.fixture
def server(lasting):
    yield lasting
    moving.clear(lasting)


def partition(*keys):
    return {"taskType": "Partition", "sourceFields": [],
            "taskProperties": {"ORDERED_PARTITION_KEYS_LIST": json.dumps(keys)}}


def typed(field, source, wanted):
    return {"taskType": "Map", "sourceFields": [field], "destinationField": field,
            "taskProperties": {"SOURCE_DATA_TYPE": source, "DESTINATION_DATA_TYPE": wanted}}


def objects_of(server, record, name="copy"):
    """Lists of records by folder: what is between the flow's name and the object's."""
    folders = {}
    for path, body in moving.written(server).items():
        key = urllib.parse.unquote(path)  # the sandbox's S3 escapes names of files
        flow, *parts, last = key.split("/")
        assert flow == name and last.startswith(record["executionId"]), key
        folders.setdefault("/".join(parts), []).append(
            [json.loads(line) for line in body.splitlines()])
    return folders


def test_records_are_in_their_folders(server):
    countries = ["DE", "FR", None, "", "a/../b", "Ä=1%", "null"]
    people = [{"Id": number, "Country": countries[number % 7],
               "Day": f"2026-03-0{number % 2 + 1}T08:00:00Z"} for number in range(700)]
    moving.put(server, "people.json", moving.lines_of(people))
    record, _ = moving.moved(server, tasks=[
        moving.ALL, typed("Day", "datetime", "date"), partition("Country", "Day")])
    assert record["executionStatus"] == "Successful", record
    found = objects_of(server, record)
    names = {"DE": "DE", "FR": "FR", None: "null", "": "", "a/../b": "a%2F..%2Fb",
             "Ä=1%": "Ä%3D1%25", "null": "null"}
    expected = {}
    for each in people:
        folder = f"Country={names[each['Country']]}/Day={each['Day'][:10]}"
        expected.setdefault(folder, []).append({**each, "Day": each["Day"][:10]})
    assert found == {folder: [records] for folder, records in expected.items()}
    assert record["executionResult"]["recordsProcessed"] == 700


def test_more_folders_than_are_open_at_once(server):
    rows = [{"Id": number, "Key": number * 7 % 300} for number in range(3000)]
    moving.put(server, "rows.json", moving.lines_of(rows))
    record, _ = moving.moved(server, tasks=[moving.ALL, partition("Key")])
    assert record["executionStatus"] == "Successful", record
    found = objects_of(server, record)
    assert len(found) == 300
    for folder, objects in found.items():
        assert all(f"Key={each['Key']}" == folder for records in objects for each in records)
    moved = [each for objects in found.values() for records in objects for each in records]
    assert sorted(moved, key=lambda each: each["Id"]) == rows


def test_a_single_file_a_folder(server):
    rows = [{"Id": number, "Key": number % 3} for number in range(60)]
    for page in range(3):
        moving.put(server, f"rows-{page}.json", moving.lines_of(rows[20 * page:20 * page + 20]))
    single = {"aggregationConfig": {"aggregationType": "SingleFile"}}
    record, _ = moving.moved(server, tasks=[moving.ALL, partition("Key")], **single)
    assert record["executionStatus"] == "Successful", record
    assert objects_of(server, record) == {
        f"Key={key}": [[each for each in rows if each["Key"] == key]] for key in range(3)}


def test_too_many_folders_for_a_single_file_each(server):
    moving.put(server, "rows.json", moving.lines_of({"Id": each} for each in range(200)))
    single = {"aggregationConfig": {"aggregationType": "SingleFile"}}
    record, objects = moving.moved(server, tasks=[moving.ALL, partition("Id")], **single)
    assert record["executionStatus"] == "Error", record
    assert "The Partition task makes too many folders for one object each" in \
        record["executionResult"]["errorInfo"]["executionMessage"]
    assert objects == []


def test_values_that_are_not_of_their_type_are_left_out(server):
    rows = [{"Id": "1", "N": "9007199254740993"}, {"Id": "2", "N": "12.5"}, {"Id": "3", "N": "x"},
            {"Id": "4", "N": None}, {"Id": "5", "N": ""}]
    moving.put(server, "rows.json", moving.lines_of(rows))
    record, objects = moving.moved(server, tasks=[
        typed("Id", "string", "string"), typed("N", "string", "long")])
    assert record["executionStatus"] == "Successful", record
    assert [json.loads(line) for line in objects[0].splitlines()] == [
        {"Id": "1", "N": 9007199254740993}, {"Id": "4", "N": None}, {"Id": "5", "N": None}]
