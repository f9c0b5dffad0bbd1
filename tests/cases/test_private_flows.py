"""Flows of Private profiles: each call takes the private route, and there is no other way."""

import json

import pytest

from support import jobs, moving, private
from support.paged import RECORDS, Paged, create, written
from support.private import HOST, settled
from support.salesforce import with_app
from support.vendor import http


class Inside(Paged):
    """Takes records as well."""

    def judge(self, request):
        answer = super().judge(request)
        if "/composite/sobjects" not in request.target or not answer.startswith(b"HTTP/1.1 200"):
            return answer
        return http("200 OK", json.dumps([
            {"id": f"{number:018}", "success": True, "errors": []}
            for number, _ in enumerate(json.loads(request.body)["records"])]))


@pytest.fixture
def vendor(canaries):
    with Inside(canaries) as each:
        yield each


@pytest.fixture
def store(tmp_path):
    with jobs.s3(tmp_path / "s3") as each:
        yield each


def to_store(store):
    """S3 is on loopback, so that the egress lists are open to it."""
    return ("--egress-allow", "127.0.0.1", "--s3-url", store.url), {
        "AWS_ACCESS_KEY_ID": store.key_id, "AWS_SECRET_ACCESS_KEY": store.secret}


def inside(servers, canaries, vendor, store, *routes):
    words, env = to_store(store)
    made = with_app(servers, canaries, *routes, *words)
    made.env = {**made.env, **env}
    return made.start()


@pytest.fixture
def server(servers, canaries, vendor, store):
    """Nothing can look the vendor's host up: the route is the one way to it."""
    made = inside(servers, canaries, vendor, store, *private.options(vendor))
    made.ok("CreateConnectorProfile", private.create(vendor.new_tokens()))
    assert settled(made)["status"] == "CREATED"
    vendor.requests.clear()
    return made


def run(server, name="read", profile="inside"):
    create(server, name, profile=profile)
    return moving.run(server, name)


def error_of(record):
    assert record["executionStatus"] == "Error", record
    return record["executionResult"]["errorInfo"]["executionMessage"]


def test_a_run_reads_by_the_route(server, vendor, store):
    """Pages, a renewal on the way, and a vendor that is away for a moment."""
    vendor.instead[1] = ["end tokens"]
    vendor.instead[2] = [http("503 Service Unavailable", "[]")]
    record = run(server)
    assert record["executionStatus"] == "Successful", record
    assert written(store, record) == RECORDS
    assert {request.headers["host"] for request in vendor.requests} == {HOST}
    assert sum(vendor.refreshed.values()) == 1


def test_a_preview_reads_by_the_route(server, vendor):
    create(server, profile="inside")
    definition = server.ok("DescribeFlow", {"flowName": "read"})
    members = ("triggerConfig", "sourceFlowConfig", "destinationFlowConfigList", "tasks")
    shown = server.call("UpdateFlow", {
        "flowName": "read", **{name: definition[name] for name in members}},
        headers=[("X-Headgate-Preview", "true")])
    assert shown.status == 200 and shown.json()["preview"]["read"] == 100, shown.body


def test_each_profile_has_its_own_way(servers, canaries, vendor, store):
    """One host, which is reached by the route and, as another vendor, without it."""
    with Paged(canaries) as outside:
        server = inside(servers, canaries, vendor, store, "--endpoint",
                        f"Salesforce={outside.url}", "--private-route",
                        f"127.0.0.1={vendor.authority}")
        for name, mode, each in (("inside", "Private", vendor), ("outside", "Public", outside)):
            server.ok("CreateConnectorProfile", private.create(
                each.new_tokens(), name=name, mode=mode))
            assert settled(server, name) in ({"status": "CREATED"}, None)
        vendor.requests.clear(), outside.requests.clear()
        for name, each, other in (("inside", vendor, outside), ("outside", outside, vendor)):
            before = len(other.requests)
            assert run(server, f"read-{name}", name)["executionStatus"] == "Successful"
            assert each.requests and len(other.requests) == before


def test_without_its_route_a_run_ends(server, vendor, store):
    """It does not take another way, although that would be open."""
    create(server, profile="inside")
    server.stop()
    server.options = [*("--endpoint", f"Salesforce={vendor.url}"), *to_store(store)[0]]
    server.start()
    message = error_of(moving.run(server, "read"))
    assert "private route" in message and "inside" in message, message
    assert vendor.requests == []


def test_a_run_writes_by_the_route(server, vendor, store):
    client = store.boto()
    client.create_bucket(Bucket=moving.IN)
    client.put_object(Bucket=moving.IN, Key="page", Body=moving.lines_of(RECORDS[:3]))
    definition = moving.flow("write", tasks=[
        {"taskType": "Map", "sourceFields": ["Name"], "destinationField": "Name",
         "connectorOperator": {"S3": "NO_OP"}, "taskProperties": {}}])
    definition["destinationFlowConfigList"] = [{
        "connectorType": "Salesforce", "connectorProfileName": "inside",
        "destinationConnectorProperties": {"Salesforce": {
            "object": "Account", "writeOperationType": "INSERT"}}}]
    server.ok("CreateFlow", definition)
    record = moving.run(server, "write")
    assert record["executionStatus"] == "Successful", record
    sent, = [request for request in vendor.requests if "/composite/" in request.target]
    assert sent.headers["host"] == HOST
    assert [each["Name"] for each in json.loads(sent.body)["records"]] == [
        each["Name"] for each in RECORDS[:3]]


def test_a_profile_whose_verification_failed_ends_the_run(server, vendor, store):
    server.ok("CreateConnectorProfile", private.create({"accessToken": "wrong"}, name="failed"))
    assert settled(server, "failed")["status"] == "FAILED"
    vendor.requests.clear()
    message = error_of(run(server, profile="failed"))
    assert "failed" in message, message
