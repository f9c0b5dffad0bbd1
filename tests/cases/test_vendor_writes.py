"""Runs that write records to a vendor, here a registered connector: the outcome of each record, the
error bucket, what is written again after a fault or a crash, and what is not."""

import json

import pytest

from support import aws, moving
from support.functions import lambda_fails
from support.shelf import BOOKS, Shelf, serving

FAULT = lambda_fails("Own.Fault", "it fell over")


@pytest.fixture
def shelf(canaries):
    with Shelf(canaries) as each:
        yield each


@pytest.fixture
def server(servers, shelf, canaries, tmp_path):
    with serving(servers, shelf, canaries, tmp_path) as made:
        yield made


def flow(operation="INSERT", errors=None, **properties):
    config = {"bucketName": "failed", "bucketPrefix": "of"} if errors is None else errors
    if operation != "INSERT":
        properties["idFieldNames"] = ["id"]
    return {**moving.flow(), "destinationFlowConfigList": [{
        "connectorType": aws.CUSTOM, "connectorProfileName": "own", "apiVersion": "v1",
        "destinationConnectorProperties": {aws.CUSTOM: {
            "entityName": "Book", "writeOperationType": operation, "errorHandlingConfig": config,
            **properties}}}],
        "tasks": [{"taskType": "Map", "sourceFields": [name], "destinationField": name,
                   "connectorOperator": {"S3": "NO_OP"}} for name in ("id", "title", "pages")]}


def run(server, definition):
    server.ok("CreateFlow", definition)
    return moving.run(server)


def failed(server):
    """Objects of the error bucket by their keys, as lists of their lines."""
    listed = server.buckets.list_objects_v2(Bucket="failed").get("Contents", [])
    return {each["Key"]: [json.loads(line) for line in server.buckets.get_object(
        Bucket="failed", Key=each["Key"])["Body"].read().splitlines()] for each in listed}


def whole(book):
    return {"id": book["id"], "title": book["title"], "pages": book.get("pages")}


ROWS = [whole(each) for each in BOOKS]


def test_each_record_has_its_outcome(server, shelf):
    record = run(server, flow())
    assert record["executionStatus"] == "Successful", record
    result = record["executionResult"]
    assert shelf.calls == [("INSERT", None, ROWS)]
    assert result["recordsProcessed"] == 3 and result["errorInfo"]["putFailuresCount"] == 1
    assert failed(server) == {f"of/copy/{record['executionId']}/00000-0": [
        {"record": ROWS[2], "errorCode": "Refused", "errorMessage": "no room for 3"}]}


def test_the_first_failure_ends_the_run(server, shelf):
    server.buckets.put_object(Bucket=moving.IN, Key="later", Body=moving.lines_of(BOOKS))
    record = run(server, flow(errors={"failOnFirstDestinationError": True,
                                      "bucketName": "failed"}))
    assert record["executionStatus"] == "Error", record
    info = record["executionResult"]["errorInfo"]
    assert "refused by the destination: no room for 3." in info["executionMessage"], info
    assert info["putFailuresCount"] == 1 and len(shelf.calls) == 1
    lines, = failed(server).values()
    assert [each["record"] for each in lines] == ROWS[2:]


def test_a_first_unknown_outcome_ends_the_run(server, shelf):
    shelf.scripted.append(FAULT)
    record = run(server, flow(errors={"failOnFirstDestinationError": True}))
    assert record["executionStatus"] == "Error", record
    message = record["executionResult"]["errorInfo"]["executionMessage"]
    assert "a record may or may not have been written to the destination: " in message, message


def test_an_insert_whose_answer_is_lost_is_not_made_again(server, shelf):
    shelf.scripted.append(FAULT)
    record = run(server, flow())
    assert record["executionStatus"] == "Successful", record
    assert len(shelf.calls) == 1
    assert record["executionResult"]["errorInfo"]["putFailuresCount"] == 3
    lines, = failed(server).values()
    assert [each["record"] for each in lines] == ROWS
    assert {each["errorCode"] for each in lines} == {"Unknown"}
    assert "it fell over" in lines[0]["errorMessage"]


def test_an_update_whose_answer_is_lost_is_made_again(server, shelf):
    shelf.scripted.append(FAULT)
    record = run(server, flow("UPDATE"))
    assert record["executionResult"]["errorInfo"]["putFailuresCount"] == 1
    assert shelf.calls == 2 * [("UPDATE", ["id"], ROWS)]


def test_a_run_is_canceled_while_its_connector_lets_it_wait(server, shelf):
    """100 s fit into the time that a call may take."""
    shelf.scripted.append({"isSuccess": False, "errorDetails": {
        "errorCode": "RateLimitExceeded", "errorMessage": "slower", "retryAfterSeconds": 100}})
    server.ok("CreateFlow", flow("UPDATE"))
    server.ok("StartFlow", {"flowName": "copy"})
    moving.until(lambda: shelf.calls)
    server.ok("CancelFlowExecutions", {"flowName": "copy"})
    assert moving.ended(server)["executionStatus"] == "Canceled"


def test_a_run_is_canceled_between_the_calls_of_a_batch(server, shelf):
    """A call takes 200 records, and a batch has more."""
    books = [{"id": number, "title": None} for number in range(250)]
    server.buckets.put_object(Bucket=moving.IN, Key="books", Body=moving.lines_of(books))
    shelf.gate.clear()
    server.ok("CreateFlow", flow())
    server.ok("StartFlow", {"flowName": "copy"})
    moving.until(lambda: shelf.calls)
    server.ok("CancelFlowExecutions", {"flowName": "copy"})
    shelf.gate.set()
    assert moving.ended(server)["executionStatus"] == "Canceled"
    assert [len(each[2]) for each in shelf.calls] == [200]


def test_credentials_that_are_refused_end_the_run(server, shelf):
    shelf.scripted += 2 * [{"isSuccess": False, "errorDetails": {
        "errorCode": "InvalidCredentials", "errorMessage": "who are you"}}]
    record = run(server, flow())
    assert record["executionStatus"] == "Error", record
    message = record["executionResult"]["errorInfo"]["executionMessage"]
    assert "who are you" in message and "connector profile own" in message
    assert not failed(server)


@pytest.mark.parametrize("operation", ["INSERT", "UPSERT"])
def test_a_server_that_dies_while_it_writes(server, shelf, operation):
    """A later try writes the page again: of INSERT the run says so."""
    shelf.gate.clear()
    server.ok("CreateFlow", flow(operation))
    server.ok("StartFlow", {"flowName": "copy"})
    moving.until(lambda: shelf.calls)
    server.kill()
    shelf.gate.set()
    server.start()
    record = moving.ended(server)
    assert record["executionStatus"] == "Successful", record
    assert [each[2] for each in shelf.calls] == [ROWS, ROWS]
    assert len(failed(server)) == 1
    message = record["executionResult"]["errorInfo"]["executionMessage"]
    assert ("2 records may have been inserted twice" in message) == (operation == "INSERT")
