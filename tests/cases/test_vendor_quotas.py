"""What vendors say of their limits, and until when that will do: docs/flows.md, "A vendor's
limits"."""

import json
import time

import pytest

from support import moving, operations, s3
from support.paged import PAGES, Paged, begun, create, create_profile
from support.server import OTHER_ACCOUNT
from support.vendor import http
from test_flow_runs import asks

HEADER = [("X-Headgate-Quotas", "true")]


@pytest.fixture
def vendor(canaries):
    with Paged(canaries) as made:
        yield made


@pytest.fixture
def server(servers, canaries, vendor, tmp_path):
    with s3.stand_in(tmp_path) as store:
        for bucket in (moving.IN, moving.OUT):
            store.boto().create_bucket(Bucket=bucket)
        made = begun(servers, canaries, vendor, store, *operations.OPTION)
        create_profile(made, vendor)
        yield made


def quotas(server, **more):
    answer = server.ok("ListFlows", {}, headers=HEADER, **more)
    assert answer["flows"] == []
    return answer["vendorQuotas"]


def run(server, name="read"):
    record = moving.run(server, name)
    assert record["executionStatus"] == "Successful", record


def test_nothing_is_known_before_a_run(server, vendor):
    assert quotas(server) == []
    assert "No vendor has said anything" in asks(server, "quotas").stdout
    assert vendor.requests and not vendor.asked


def test_what_a_vendor_says_of_its_quota(server, vendor):
    """It stays when the run has ended, for the account that it is of."""
    vendor.used = 100
    create(server)
    before = time.time()
    run(server)
    quota, = quotas(server)
    assert before - 1 < quota.pop("asOf") < time.time() + 1
    assert quota == {"connectorType": "Salesforce", "host": "127.0.0.1",
                     "callsLeft": 900 - PAGES, "callsInProgress": 0, "callsWaiting": 0}
    other = server.make_key("AKIAHEADGATETEST0002", "another-secret", OTHER_ACCOUNT)
    assert quotas(server, key=other) == []


@pytest.mark.as_users_run_it  # the span of a forecast, in real time
def test_a_forecast(server, vendor):
    """The last calls, at some in eleven seconds."""
    vendor.used = 980
    create(server)
    run(server)
    time.sleep(11)
    run(server)
    quota, = quotas(server)
    assert quota["callsLeft"] == 20 - 2 * PAGES
    seconds = 3600 / quota["callsAnHour"] * quota["callsLeft"]
    assert abs(quota["endsAt"] - quota["asOf"] - seconds) < 1
    assert seconds > 0
    shown = asks(server, "quotas").stdout
    ends = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(quota["endsAt"]))
    assert ends in shown and "127.0.0.1" in shown and str(quota["callsAnHour"]) in shown


def test_runs_that_wait(server, vendor):
    vendor.instead[0] = [http("429 Too Many Requests", "[]", headers=[("Retry-After", "600")])]
    create(server)
    server.ok("StartFlow", {"flowName": "read"})
    moving.until(lambda: quotas(server) and quotas(server)[0].get("waitsUntil"))
    quota, = quotas(server)
    assert quota["callsWaiting"] == 1 and "callsLeft" not in quota
    assert 300 < quota["waitsUntil"] - time.time() < 601
    line = json.loads(asks(server, "quotas", "--json").stdout)
    assert abs(line.pop("waitsUntil") - quota.pop("waitsUntil")) < 1
    assert line == quota


def test_the_header_is_for_lists_of_flows(server):
    answer = server.call("ListConnectors", {}, headers=HEADER)
    assert answer.status == 400 and "is for ListFlows" in answer.json()["message"], answer.body
    answer = server.call("ListFlows", {}, headers=[("X-Headgate-Quotas", "yes")])
    assert answer.status == 400 and 'with the value "true"' in answer.json()["message"]
