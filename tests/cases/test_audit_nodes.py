"""The audit of several nodes over one database: each writes to a chain of its own, and commands to
others; together they are whole."""

import concurrent.futures
import json

import pytest

from support.server import OTHER_ACCOUNT, headgate
from support.vendor import Vendor, http, to_vendor

NODES, CREATES, COMMANDS = 3, 25, 6
NEWEST = "(SELECT max(position) FROM audit)"


@pytest.fixture
def agreeable():
    with Vendor(lambda _: http("200 OK", '{"data": []}')) as vendor:
        yield vendor


def profile(secret, name):
    return {"connectorProfileName": name, "connectorType": "Amplitude", "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"Amplitude": {}},
                "connectorProfileCredentials": {
                    "Amplitude": {"apiKey": "api-key", "secretKey": secret}}}}


def rows(server):
    lines = headgate("audit", *server.place, "--json", "--limit", "100000").splitlines()
    return [json.loads(line) for line in lines]


def test_all_nodes_write_one_audit(nodes, agreeable, canaries):
    made = [nodes(*to_vendor(agreeable)).start() for _ in range(NODES)]
    secret, other = canaries.new("secret-key"), canaries.new("other")

    def create(number):
        made[number % NODES].ok("CreateConnectorProfile", profile(secret, f"p{number}"))

    def make_key(number):
        headgate("access-key", "create", *made[0].place, "--account", OTHER_ACCOUNT,
                 "--access-key-id", f"AKIAHEADGATETEST1{number:03}", "--secret-access-key", other)

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        work = [pool.submit(create, number) for number in range(NODES * CREATES)]
        work += [pool.submit(make_key, number) for number in range(COMMANDS)]
        for each in work:
            each.result()
    found = rows(made[0])
    assert sum(row["operation"] == "CreateConnectorProfile" for row in found) == NODES * CREATES
    assert sum(row["operation"] == "CreateAccessKey" and row["account"] == OTHER_ACCOUNT
               for row in found) == COMMANDS
    assert len({(row["chain"], row["number"]) for row in found}) == len(found)
    assert len({row["chain"] for row in found}) > 1
    assert "no problems found." in headgate("audit", "verify", *made[0].place)
    made[0].database.change(f"DELETE FROM audit WHERE position = {NEWEST}")
    assert "Audit entries missing at the end of chain" in \
        headgate("audit", "verify", *made[0].place, expect=1)
