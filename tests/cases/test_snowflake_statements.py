"""COPY INTO of a vendor that takes its time, loses answers and refuses: what the run asks, and what
it says."""

import json
import re
import time

import pytest

from support import aws, moving
from support.vendor import Vendor, http, reset

STAGE = [["STAGE_LOCATION", "URL", "String", f'["s3://{moving.OUT}/staged/"]', ""]]


def good(**data):
    return http("200 OK", json.dumps({"data": data, "code": None, "message": None,
                                      "success": True}))


def bad(code, message, success=False, **data):
    return http("200 OK", json.dumps({"data": data, "code": code, "message": message,
                                      "success": success}))


RUNNING = bad("333333", "Query execution in progress.", True, queryId="01b7-0001",
              getResultUrl="/queries/01b7-0001/result")


class Snowflake(Vendor):
    """Takes logins and the statements around COPY INTO, which `copies` answers, one after another;
    `results`: those of GET /queries/ID/result."""

    def __init__(self):
        super().__init__(self.respond)
        self.stage = STAGE
        self.copies, self.results, self.statements, self.ids = [], [], [], []

    def respond(self, request):
        path = request.target.split("?")[0]
        if path == "/session/v1/login-request":
            return good(token="session-token", masterToken="master", validityInSeconds=3600)
        if path == "/session":
            return good()
        if path.startswith("/queries/") and path.endswith("/result"):
            return self.results.pop(0)
        sql = json.loads(request.body)["sqlText"]
        self.statements.append(sql)
        if sql.startswith("DESC STAGE"):
            return good(rowset=self.stage)
        if not sql.startswith("COPY INTO"):
            return good(rowset=[])
        self.ids.append(re.search("requestId=([0-9a-f-]{36})$", request.target)[1])
        return self.copies.pop(0)


@pytest.fixture
def vendor():
    with Snowflake() as made:
        yield made


@pytest.fixture
def server(servers, vendor, store, canaries):
    made = servers("--egress-allow", "127.0.0.1", "--s3-url", store.url,
                   "--endpoint", f"Snowflake=http://127.0.0.1:{vendor.port}", env={
                       "AWS_ACCESS_KEY_ID": store.key_id, "AWS_SECRET_ACCESS_KEY": store.secret})
    (made.data / "s3").symlink_to(store.objects)
    moving.clear(made)
    aws.create(aws.boto(made), "lake", "Snowflake", {
        "connectorProfileProperties": {"Snowflake": {
            "accountName": "acme-prod", "warehouse": "load wh", "stage": "lake.load.flows",
            "bucketName": moving.OUT, "bucketPrefix": "staged"}},
        "connectorProfileCredentials": {"Snowflake": {
            "username": "SERVICE", "password": canaries.new("password")}}})
    return made


def run(server, prefix="staged/it's", records=({"id": 1},)):
    moving.put(server, "records", moving.lines_of(records))
    server.ok("CreateFlow", {**moving.flow("load"), "destinationFlowConfigList": [{
        "connectorType": "Snowflake", "connectorProfileName": "lake",
        "destinationConnectorProperties": {"Snowflake": {
            "object": "LAKE.LOAD.\"Or-ders\"", "intermediateBucketName": moving.OUT,
            "bucketPrefix": prefix}}}]})
    return moving.run(server, "load")


def message_of(record):
    assert record["executionStatus"] == "Error", record
    return record["executionResult"]["errorInfo"]["executionMessage"]


def loaded(record):
    assert record["executionStatus"] == "Successful", record


@pytest.mark.parametrize("stage", (STAGE, []), ids=("stage's own", "profile's"))
def test_what_is_asked(server, vendor, stage):
    vendor.stage = stage
    vendor.copies = [good(rowset=[["f", "LOADED", "1", "1"]])]
    record = run(server)
    loaded(record)
    run_id = record["executionId"]
    assert vendor.statements[-3:] == [
        'USE WAREHOUSE "load wh"', "DESC STAGE lake.load.flows",
        'COPY INTO LAKE.LOAD."Or-ders" FROM @lake.load.flows/ FILES = '
        f"('it''s/load/{run_id}/{run_id}-00000') FILE_FORMAT = (TYPE = JSON) "
        "MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE ON_ERROR = ABORT_STATEMENT"]
    assert vendor.ids == [f"00000000{run_id[8:]}"]


def test_a_statement_that_takes_long_is_asked_for_again(server, vendor):
    vendor.copies = [RUNNING]
    vendor.results = [RUNNING, good(rowset=[["f", "LOADED", "1", "1"]])]
    loaded(run(server))
    assert not vendor.results and len(vendor.ids) == 1


def test_a_lost_answer_is_asked_for_with_the_same_id(server, vendor):
    vendor.copies = [reset, reset, good(rowset=[["Copy executed with 0 files processed."]])]
    loaded(run(server))
    assert len(vendor.ids) == 3 and len(set(vendor.ids)) == 1


def test_a_record_that_does_not_fit(server, vendor):
    vendor.copies = [bad("100038", "Numeric value 'x' is not recognized\n  File 'f', line 3",
                         errorCode="100038", sqlState="22018")]
    said = message_of(run(server))
    assert "Numeric value 'x' is not recognized" in said and "Nothing was loaded" in said, said
    assert len(vendor.ids) == 1


def test_an_object_that_was_not_loaded(server, vendor):
    vendor.copies = [good(rowset=[["a", "LOADED", "1", "1", "1", "0", None, None],
                                  ["b", "LOAD_FAILED", "1", "0", "1", "1", "it is bad", "7"]])]
    said = message_of(run(server))
    assert "LOAD_FAILED: it is bad (b, line 7)" in said, said


def test_a_privilege_that_is_missing(server, vendor):
    vendor.copies = [bad("003001", "Insufficient privileges to operate on table 'ORDERS'")]
    said = message_of(run(server))
    assert "Insufficient privileges" in said and "Grant the privilege" in said, said


def test_a_stage_elsewhere(server, vendor):
    said = message_of(run(server, prefix="other"))
    assert f"the stage is over s3://{moving.OUT}/staged/" in said and not vendor.ids, said


def test_a_canceled_run_waits_no_longer(server, vendor):
    vendor.copies = [RUNNING]
    vendor.results = [RUNNING] * 60
    moving.put(server, "records", b'{"id": 1}\n')
    server.ok("CreateFlow", {**moving.flow("load"), "destinationFlowConfigList": [{
        "connectorType": "Snowflake", "connectorProfileName": "lake",
        "destinationConnectorProperties": {"Snowflake": {
            "object": "A.B.C", "intermediateBucketName": moving.OUT,
            "bucketPrefix": "staged"}}}]})
    server.ok("StartFlow", {"flowName": "load"})
    moving.until(lambda: len(vendor.results) < 60)
    began = time.monotonic()
    server.ok("CancelFlowExecutions", {"flowName": "load"})
    assert moving.ended(server, "load")["executionStatus"] == "Canceled"
    assert time.monotonic() - began < 20
