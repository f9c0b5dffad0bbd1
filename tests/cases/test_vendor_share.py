"""A vendor that hangs, and an account whose vendors hang, take a share of the workers and of the
queue, and nobody else's."""

import socket

import pytest

from support import crowd, operations

WORKERS = 8
QUEUE = 8


def amplitude(canaries, name):
    return {"connectorProfileName": name, "connectorType": "Amplitude", "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"Amplitude": {}},
                "connectorProfileCredentials": {
                    "Amplitude": {"apiKey": "api-key", "secretKey": canaries.new()}}}}


def servicenow(canaries, name, url):
    return {"connectorProfileName": name, "connectorType": "Servicenow", "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"ServiceNow": {"instanceUrl": url}},
                "connectorProfileCredentials": {
                    "ServiceNow": {"username": "user", "password": canaries.new()}}}}


def creates(server, bodies):
    return [crowd.signed(server, "CreateConnectorProfile", body) for body in bodies]


@pytest.fixture
def vendors():
    """The first hangs, the second answers."""
    with crowd.SlowVendors("never", 0) as each:
        yield each


@pytest.fixture
def server(servers, vendors):
    # One account may have all, so that what counts is the vendor's share.
    return servers("--workers", str(WORKERS), "--queue", str(QUEUE), "--verify-timeout", "300",
                   "--account-updates", str(WORKERS + QUEUE), "--egress-allow", "127.0.0.1",
                   "--endpoint", f"Amplitude={vendors.url(0)}", *operations.OPTION)


@pytest.mark.parametrize("hanging", ["another connector", "another host of the same connector"])
def test_others_go_on(server, vendors, canaries, hanging):
    """More than there are workers hang; reads, deletes and what other hosts verify are answered."""
    count = WORKERS // 2 + QUEUE // 2
    bodies = [amplitude(canaries, f"h{number}") if hanging == "another connector" else
              servicenow(canaries, f"h{number}", vendors.url(0)) for number in range(count)]
    with crowd.Crowd(server, count) as hung:
        hung.send(creates(server, bodies))
        operations.wait_for(server, workers_busy=WORKERS // 2, workers_queued=QUEUE // 2,
                            workers_held=QUEUE // 2)
        for number in range(2 * WORKERS):
            body = servicenow(canaries, f"good-{number}", vendors.url(1))
            assert server.call("CreateConnectorProfile", body).status == 200
        assert server.call("DescribeConnectorProfiles").status == 200
        assert server.call("DeleteConnectorProfile",
                           {"connectorProfileName": "good-0"}).status == 200
        half = WORKERS // 2
        assert vendors.figures(0) == {"waiting": half, "peak": half, "total": half}
        # The next one for the vendor that hangs is told to come back.
        more = server.call("CreateConnectorProfile", {**bodies[0], "connectorProfileName": "more"})
        assert (more.status, more.error, more.header("Retry-After")) == (
            429, "ThrottlingException", "1")
        assert "this vendor" in more.message
        vendors.end()
        assert {answer.status for answer, _ in hung.answers()} == {401}


def test_a_limit_of_the_operators(servers, vendors, canaries):
    server = servers("--vendor-updates", "1", "--egress-allow", "127.0.0.1", "--endpoint",
                     f"Amplitude={vendors.url(0)}", "--verify-timeout", "300", *operations.OPTION)
    with crowd.Crowd(server, 3) as hung:
        hung.send(creates(server, [amplitude(canaries, name) for name in "abc"]))
        operations.wait_for(server, workers_busy=1, workers_held=2)
        vendors.end()
        assert {answer.status for answer, _ in hung.answers()} == {401}


def test_an_update_that_names_no_connector_is_bounded_too(server, vendors, canaries):
    """Amplitude has no properties: such an update tells its vendor only with the stored row."""
    vendors.set_delay(0)
    config = {"connectorProfileProperties": {}}
    update = {"connectorProfileName": "kept", "connectionMode": "Public",
              "connectorProfileConfig": config}
    assert server.call("CreateConnectorProfile", amplitude(canaries, "kept")).status == 200
    assert server.call("UpdateConnectorProfile", update).status == 200
    vendors.set_delay("never")
    with crowd.Crowd(server, WORKERS) as hung:
        hung.send([crowd.signed(server, "UpdateConnectorProfile", update)] * WORKERS)
        operations.wait_for(server, workers_busy=WORKERS // 2, workers_held=WORKERS // 2)
        good = servicenow(canaries, "good", vendors.url(1))
        assert server.call("CreateConnectorProfile", good).status == 200
        vendors.end()
        assert {answer.status for answer, _ in hung.answers()} == {401}


OTHER_ACCOUNT = "111122223333"


def test_an_account_with_many_vendors_that_hang(servers, vendors, canaries):
    """By default. Its host names are as many as it likes; another account's changes are made at
    once, and its own vendor's that answer find a worker too."""
    count = 3 * (WORKERS + QUEUE)
    server = servers("--workers", str(WORKERS), "--queue", str(QUEUE), "--verify-timeout", "300",
                     "--egress-allow", "127.0.0.0/8", *operations.OPTION)
    other = server.make_key("AKIAHEADGATETEST0002", canaries.new(), OTHER_ACCOUNT)
    with socket.create_server(("0.0.0.0", 0), backlog=count) as silent:
        port = silent.getsockname()[1]
        bodies = [servicenow(canaries, f"h{number}", f"http://127.1.0.{number + 1}:{port}")
                  for number in range(count)]
        with crowd.Crowd(server, count) as hung:
            hung.send(creates(server, bodies))
            refused = count - WORKERS // 2 - QUEUE // 2  # of the crowd, which all were looked at
            operations.wait_for(server, **{
                "workers_busy": WORKERS // 2, "workers_queued": QUEUE // 2,
                "workers_held": QUEUE // 2, 'throttled_total{limit="account-share"}': refused})
            for number in range(2 * WORKERS):
                body = servicenow(canaries, f"good-{number}", vendors.url(1))
                assert server.call("CreateConnectorProfile", body, key=other).status == 200
            more = server.call("DeleteConnectorProfile", {"connectorProfileName": "more"})
            assert (more.status, more.error, more.header("Retry-After")) == (
                429, "ThrottlingException", "1")
            assert "account" in more.message
            assert operations.throttled(server, "account-share") == refused + 1
