"""Runs that are canceled while Redshift loads their records: by the Data API it is asked to give up
the statement (docs.aws.amazon.com/redshift-data, CancelStatement)."""

import json

import pytest

from support import moving, s3
from support.glue import ASSUMED
from support.vendor import Vendor, http

ROLE = "arn:aws:iam::123456789012:role/load"
FINISHED = json.dumps({"__type": "ValidationException", "Message": (
    "Could not cancel a query that is already in FINISHED state")})


class DataApi(Vendor):
    """A statement that verifies a profile has ended, and one that loads has not until it is
    canceled."""

    def __init__(self, canaries):
        super().__init__(self.reply)
        self.answer_of_sts = ASSUMED.format(secret=canaries.new("role"),
                                            token=canaries.new("session"))
        self.statements, self.canceled, self.refusal = {}, [], None

    def reply(self, request):
        if request.target.startswith("/sts"):
            return http("200 OK", self.answer_of_sts, "text/xml")
        given = json.loads(request.body)
        operation = request.headers["x-amz-target"].removeprefix("RedshiftData.")
        if operation == "ExecuteStatement":
            statement = given.get("ClientToken", "probe")
            self.statements[statement] = "STARTED" if "COPY" in given["Sql"] else "FINISHED"
            return http("200 OK", json.dumps({"Id": statement}))
        if operation == "CancelStatement":
            self.canceled.append(given["Id"])
            return self.refusal or http("200 OK", '{"Status":true}')
        assert operation == "DescribeStatement"
        return http("200 OK", json.dumps({"Status": self.statements[given["Id"]]}))


@pytest.fixture
def api(canaries):
    with DataApi(canaries) as made:
        yield made


@pytest.fixture
def server(servers, api, tmp_path):
    with s3.stand_in(tmp_path) as store:
        made = servers("--egress-allow", "127.0.0.1", "--s3-url", store.url, "--sts-url",
                       api.url + "/sts", "--endpoint", f"Redshift={api.url}", env={
                           "AWS_ACCESS_KEY_ID": store.key_id,
                           "AWS_SECRET_ACCESS_KEY": store.secret})
        for bucket in (moving.IN, moving.OUT):
            store.boto().create_bucket(Bucket=bucket)
        store.boto().put_object(Bucket=moving.IN, Key="page", Body=b'{"id": 1}\n')
        made.ok("CreateConnectorProfile", {
            "connectorProfileName": "house", "connectorType": "Redshift",
            "connectionMode": "Public", "connectorProfileConfig": {
                "connectorProfileProperties": {"Redshift": {
                    "bucketName": moving.OUT, "roleArn": ROLE, "dataApiRoleArn": ROLE,
                    "databaseName": "dev", "clusterIdentifier": "acme"}},
                "connectorProfileCredentials": {"Redshift": {"username": "loader"}}}})
        made.ok("CreateFlow", {**moving.flow("load"), "destinationFlowConfigList": [{
            "connectorType": "Redshift", "connectorProfileName": "house",
            "destinationConnectorProperties": {"Redshift": {
                "object": "public.orders", "intermediateBucketName": moving.OUT}}}]})
        yield made


def canceled(server, api):
    """The id of the run, which was canceled once the statement had begun."""
    run = server.ok("StartFlow", {"flowName": "load"})["executionId"]
    moving.until(lambda: run in api.statements)
    server.ok("CancelFlowExecutions", {"flowName": "load"})
    record = moving.ended(server, "load")
    assert record["executionStatus"] == "Canceled", record
    return run


def test_the_statement_is_canceled(server, api):
    run = canceled(server, api)
    moving.until(lambda: api.canceled)
    assert api.canceled == [run]


def test_one_that_has_ended_meanwhile_is_told(server, api):
    api.refusal = http("400 Bad Request", FINISHED)
    run = canceled(server, api)
    server.wait_for_log("and its destination may load its records all the same")
    assert api.canceled == [run] and "already in FINISHED state" in server.log


def test_a_load_that_ends_is_not_canceled(server, api):
    run = server.ok("StartFlow", {"flowName": "load"})["executionId"]
    moving.until(lambda: run in api.statements)
    api.statements[run] = "FINISHED"
    assert moving.ended(server, "load")["executionStatus"] == "Successful"
    assert not api.canceled
