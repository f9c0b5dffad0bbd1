"""Runs that read a table while its records are added and deleted: each record that is there all the
time comes once, as none is found by its place among the others."""

import json
import re
import urllib.parse

import pytest

from support import moving, s3
from support.vendor import Vendor, http, to_vendor
from support.vendor_flows import flow, task

PAGE = 1000  # of a run


def key(number):
    return f"{number:032x}"


class Table(Vendor):
    """A table that is sorted by its key. `changes` happen after so many pages."""

    def __init__(self):
        super().__init__(self.page)
        self.rows = {}
        self.changes = {}
        self.hidden = set()  # keys that the user may not see
        self.pages = []

    def page(self, request):
        path, _, text = request.target.partition("?")
        query = dict(urllib.parse.parse_qsl(text))
        if not path.endswith("/table/incident"):
            return http("200 OK", json.dumps({"result": [{"name": "incident"}]}))
        behind = re.search(r"sys_id>(\w+)", query["sysparm_query"])
        assert query["sysparm_query"].endswith("ORDERBYsys_id")
        found = sorted(name for name in self.rows if not behind or name > behind.group(1))
        offset, limit = int(query.get("sysparm_offset", 0)), int(query["sysparm_limit"])
        page = [{"sys_id": name, "note": self.rows[name]} for name in found[offset:offset + limit]
                if name not in self.hidden]
        self.pages.append(len(page))
        self.changes.pop(len(self.pages), lambda: None)()
        return http("200 OK", json.dumps({"result": page}),
                    headers=[("X-Total-Count", str(len(found)))])

    def add(self, numbers, note):
        self.rows.update((key(number), note) for number in numbers)

    def remove(self, numbers):
        for number in numbers:
            del self.rows[key(number)]


@pytest.fixture
def table():
    with Table() as each:
        each.add(range(1000, 4000), "old")
        yield each


@pytest.fixture
def server(servers, canaries, table, tmp_path):
    with s3.stand_in(tmp_path) as store:
        made = servers(*to_vendor(table, "Servicenow"), "--s3-url", store.url,
                       env={"AWS_ACCESS_KEY_ID": store.key_id,
                            "AWS_SECRET_ACCESS_KEY": store.secret})
        made.boto = store.boto()
        made.boto.create_bucket(Bucket=moving.OUT)
        made.ok("CreateConnectorProfile", {
            "connectorProfileName": "desk", "connectorType": "Servicenow",
            "connectionMode": "Public", "connectorProfileConfig": {
                "connectorProfileProperties": {"ServiceNow": {"instanceUrl": table.url}},
                "connectorProfileCredentials": {"ServiceNow": {
                    "username": "user", "password": canaries.new("password")}}}})
        yield made


def read(server):
    """The keys of the records that a run writes, in their order."""
    definition = flow("copy", "incident", [task("Map_all", "NO_OP", [], key="ServiceNow")],
                      kind="Servicenow", profile="desk")
    definition["sourceFlowConfig"]["sourceConnectorProperties"] = {
        "ServiceNow": {"object": "incident"}}
    server.ok("CreateFlow", definition)
    record = moving.run(server)
    assert record["executionStatus"] == "Successful", record
    listed = server.boto.list_objects_v2(Bucket=moving.OUT)["Contents"]
    lines = [line for each in listed for line in server.boto.get_object(
        Bucket=moving.OUT, Key=each["Key"])["Body"].read().splitlines()]
    assert record["executionResult"]["recordsProcessed"] == len(lines)
    return [json.loads(line)["sys_id"] for line in lines]


def keys(*ranges):
    return [key(number) for numbers in ranges for number in numbers]


def test_records_that_come_and_go_between_pages(server, table):
    """By offset, the deletion would lose 300 records, and the addition bring 200 of them twice."""
    def first():
        table.remove(range(1000, 1300))
        table.add(range(0, 50), "too early")
        table.add(range(5000, 5010), "behind")

    def second():
        table.add(range(50, 250), "too early")
        table.remove(range(3500, 3600))

    table.changes = {1: first, 2: second}
    assert read(server) == keys(range(1000, 3500), range(3600, 4000), range(5000, 5010))
    assert table.pages[:2] == [PAGE, PAGE]


def test_records_that_the_user_may_not_see(server, table):
    """A page without one is no end: the count says that there are more behind it."""
    table.hidden = set(keys(range(2000, 3000)))
    table.changes = {1: lambda: table.remove(range(1100, 1200))}
    assert read(server) == keys(range(1000, 2000), range(3000, 4000))
    assert 0 in table.pages
