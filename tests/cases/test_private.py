"""Private mode: answered at once, verified in the background over the operator's private route."""

import concurrent.futures
import json
import resource
import time

import pytest

from support import private
from support.private import HOST, assert_failed, change, create, settled, state
from support.salesforce import REDIRECT, with_app
from support.vendor import http, to_vendor


@pytest.fixture
def salesforce(canaries):
    with private.Gated(canaries) as vendor:
        yield vendor
        vendor.gate.set()


@pytest.fixture
def server(servers, salesforce, canaries):
    return with_app(servers, canaries, *private.options(salesforce)).start()


def new_code(salesforce):
    return {"oAuthRequest": {"authCode": salesforce.new_code(), "redirectUri": REDIRECT}}


def test_created_in_the_background(server, salesforce):
    salesforce.gate.clear()
    answer = server.ok("CreateConnectorProfile", create(salesforce.new_tokens()))
    assert answer == {"connectorProfileArn": server.profile_row("inside")["arn"]}
    salesforce.wait_for(1)
    described = server.describe("inside")
    assert described["privateConnectionProvisioningState"] == {"status": "PENDING"}
    assert described["connectionMode"] == "Private"
    salesforce.gate.set()
    assert settled(server) == {"status": "CREATED"}
    after = server.describe("inside")
    assert after.pop("privateConnectionProvisioningState") == {"status": "CREATED"}
    described.pop("privateConnectionProvisioningState")
    assert after == described  # lastUpdatedAt is the update's
    # The Host header is the vendor's own.
    assert [request.headers["host"] for request in salesforce.requests] == [HOST]


def test_a_dry_run_takes_the_route_and_answers_with_the_verdict(server, salesforce):
    dry = {"headers": [("X-Headgate-Dry-Run", "true")]}
    answer = server.call("CreateConnectorProfile", create(salesforce.new_tokens()), **dry)
    assert answer.status == 200, answer.body
    assert json.loads(answer.header("x-headgate-verification"))["verdict"] == "accepted"
    assert server.describe("inside") is None and server.count_rows("jobs") == 0
    assert [request.headers["host"] for request in salesforce.requests] == [HOST]
    answer = server.call("CreateConnectorProfile", create({"accessToken": "wrong"}), **dry)
    assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")


def test_public_calls_do_not_take_the_private_route(server, salesforce):
    tokens = salesforce.new_tokens()
    answer = server.call("CreateConnectorProfile", create(tokens, mode="Public"))
    assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
    assert salesforce.requests == []


def test_from_public_to_private_and_back(servers, salesforce, canaries):
    """An endpoint that can be reached both ways."""
    server = servers(*to_vendor(salesforce, "Salesforce"),
                     "--private-route", f"127.0.0.1={salesforce.authority}")
    tokens = salesforce.new_tokens()
    server.ok("CreateConnectorProfile", create(tokens, mode="Public"))
    before = server.describe("inside")
    assert "privateConnectionProvisioningState" not in before

    answer = server.ok("UpdateConnectorProfile", change(tokens))
    assert answer["connectorProfileArn"] == before["connectorProfileArn"]
    assert settled(server) == {"status": "CREATED"}
    inside = server.describe("inside")
    assert inside["connectionMode"] == "Private"
    assert inside["createdAt"] == before["createdAt"]
    assert inside["lastUpdatedAt"] > before["lastUpdatedAt"]
    assert inside["credentialsArn"] == before["credentialsArn"]

    # From private to private: made again.
    server.ok("UpdateConnectorProfile", change(tokens, sandbox=True))
    assert settled(server) == {"status": "CREATED"}

    server.ok("UpdateConnectorProfile", change(tokens, mode="Public"))
    back = server.describe("inside")
    assert back["connectionMode"] == "Public"
    assert "privateConnectionProvisioningState" not in back


def test_new_credentials_are_verified_with_their_own_tokens(server, salesforce):
    """Not with the tokens that were got for the ones before, which still work."""
    first, second, revoked = ({"refreshToken": salesforce.new_tokens()["refreshToken"]}
                              for _ in range(3))
    salesforce.live_refresh.discard(revoked["refreshToken"])
    server.ok("CreateConnectorProfile", create(first))
    assert settled(server) == {"status": "CREATED"}
    server.ok("UpdateConnectorProfile", change(second))
    assert settled(server) == {"status": "CREATED"}
    assert salesforce.refreshed == {first["refreshToken"]: 1, second["refreshToken"]: 1}
    server.ok("UpdateConnectorProfile", change(revoked))
    assert_failed(settled(server), "CONNECTOR_AUTHENTICATION", "expired access/refresh token")
    assert salesforce.refreshed[revoked["refreshToken"]] == 1


def test_previous_tokens_stay_when_the_route_changes(servers, salesforce, canaries):
    """The credentials in use are ready, so the row of tokens has the previous ones' alone. Sent by
    another route they are new, and the same as before."""
    server = with_app(servers, canaries, *to_vendor(salesforce, "Salesforce"), "--private-route",
                      f"127.0.0.1={salesforce.authority}").start()
    first, ready = salesforce.new_tokens()["refreshToken"], salesforce.new_tokens()
    server.ok("CreateConnectorProfile", create({"refreshToken": first}, mode="Public"))
    for mode in ("Public", "Private"):
        server.ok("UpdateConnectorProfile", change(ready, mode=mode))
    assert settled(server) == {"status": "CREATED"}
    answer = server.call("UpdateConnectorProfile", {
        "connectorProfileName": "inside", "connectionMode": "Public",
        "connectorProfileConfig": {"connectorProfileProperties": {}}},
        headers=[("X-Headgate-Rollback", "true")])
    assert answer.status == 200, answer.body
    assert salesforce.refreshed == {first: 1}


def test_a_second_update_while_pending_is_a_conflict(server, salesforce):
    tokens = salesforce.new_tokens()
    salesforce.gate.clear()
    server.ok("CreateConnectorProfile", create(tokens, clientToken="first"))
    row = server.profile_row("inside")
    for mode in ("Private", "Public"):
        answer = server.call("UpdateConnectorProfile", change(tokens, mode=mode, sandbox=True))
        assert (answer.status, answer.error) == (409, "ConflictException")
        assert "PrivateConnection" in answer.message or "private connection" in answer.message
    assert server.profile_row("inside") == row
    # The request that made it pending may be repeated with its token.
    again = server.ok("CreateConnectorProfile", create(tokens, clientToken="first"))
    assert again["connectorProfileArn"] == row["arn"]
    other = server.call("CreateConnectorProfile", create(tokens, clientToken="first", sandbox=True))
    assert (other.status, other.error) == (409, "ConflictException")
    salesforce.gate.set()
    assert settled(server) == {"status": "CREATED"}
    server.ok("UpdateConnectorProfile", change(tokens, sandbox=True))
    assert settled(server) == {"status": "CREATED"}


def test_an_update_s_token_answers_while_pending(server, salesforce):
    tokens = salesforce.new_tokens()
    server.ok("CreateConnectorProfile", create(tokens))
    assert settled(server) == {"status": "CREATED"}
    salesforce.gate.clear()
    first = server.ok("UpdateConnectorProfile", change(tokens, sandbox=True, clientToken="again"))
    row = server.profile_row("inside")
    assert server.ok("UpdateConnectorProfile",
                     change(tokens, sandbox=True, clientToken="again")) == first
    assert server.profile_row("inside") == row
    salesforce.gate.set()
    assert settled(server) == {"status": "CREATED"}


def test_deleted_while_pending(server, salesforce):
    """What the vendor gives afterwards is not kept, and a new profile of the name is another."""
    salesforce.gate.clear()
    server.ok("CreateConnectorProfile", create(new_code(salesforce)))
    salesforce.wait_for(1)
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "inside"})
    assert server.describe("inside") is None
    assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == 0
    salesforce.gate.set()
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens(), name="next"))
    assert settled(server, "next") == {"status": "CREATED"}
    server.stop()
    assert server.count_rows("profiles") == 1
    assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == 0


def test_deleted_and_made_again_while_pending(server, salesforce):
    salesforce.gate.clear()
    stale = salesforce.new_tokens()
    salesforce.live_access.discard(stale["accessToken"])
    salesforce.live_refresh.discard(stale["refreshToken"])
    server.ok("CreateConnectorProfile", create(stale))
    salesforce.wait_for(1)
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "inside"})
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens()))
    salesforce.gate.set()
    assert settled(server) == {"status": "CREATED"}
    server.stop()
    server.start()
    assert state(server) == {"status": "CREATED"}


def test_a_code_is_exchanged_over_the_private_route(server, salesforce):
    server.ok("CreateConnectorProfile", create(new_code(salesforce)))
    assert settled(server) == {"status": "CREATED"}
    assert list(salesforce.codes.values()) == [1]
    assert {request.headers["host"] for request in salesforce.requests} == {HOST}
    assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == 0
    # What it gave is stored, and serves without credentials.
    server.ok("UpdateConnectorProfile", change(None))
    assert settled(server) == {"status": "CREATED"}


def test_what_was_exchanged_is_kept_when_the_probe_fails(server, salesforce):
    """The code is spent, so its tokens must not be lost with the failure."""
    answers = salesforce.judge
    salesforce.judge = lambda request: answers(request) if request.method == "POST" else http(
        "403 Forbidden", json.dumps([{"errorCode": "API_DISABLED_FOR_ORG", "message": "no API"}]))
    credentials = new_code(salesforce)
    server.ok("CreateConnectorProfile", create(credentials))
    assert_failed(settled(server), "ACCESS_DENIED", "no API")
    assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == 0
    salesforce.judge = answers
    server.ok("UpdateConnectorProfile", change(credentials))
    assert settled(server) == {"status": "CREATED"}
    assert list(salesforce.codes.values()) == [1]


FAILURES = {
    "rejected": ("401 Unauthorized", [{"errorCode": "INVALID_SESSION_ID", "message":
                 "Session expired: \"now\", (or 'invalid')"}],
                 "CONNECTOR_AUTHENTICATION", "Session expired - now or invalid"),
    "forbidden": ("403 Forbidden", [{"errorCode": "API_DISABLED_FOR_ORG", "message": "no API"}],
                  "ACCESS_DENIED", "no API"),
    "server error": ("503 Service Unavailable", {}, "CONNECTOR_SERVER", "HTTP 503"),
    "not found": ("404 Not Found", [], "VALIDATION", "HTTP 404"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_verification_that_fails(server, salesforce, failure):
    status, body, cause, words = FAILURES[failure]
    salesforce.judge = lambda _: http(status, json.dumps(body))
    server.ok("CreateConnectorProfile", create({"accessToken": salesforce.new_tokens()
                                                ["accessToken"]}))
    assert_failed(settled(server), cause, words)
    audit = server.query("SELECT outcome, detail FROM audit WHERE operation = "
                         "'PrivateConnectionProvisioning'")
    assert [row["outcome"] for row in audit] == ["ConnectorAuthenticationException"]
    server.stop()
    server.start()  # a failure is final: nobody asks again
    asked = len(salesforce.requests)
    assert_failed(state(server), cause, words)
    assert len(salesforce.requests) == asked


def test_an_update_that_fails_is_mended_by_another(server, salesforce):
    """The new configuration has replaced the old one, as it was acknowledged."""
    good = salesforce.new_tokens()
    server.ok("CreateConnectorProfile", create(good))
    assert settled(server) == {"status": "CREATED"}
    wrong = {"accessToken": salesforce.fresh("wrong")}
    server.ok("UpdateConnectorProfile", change(wrong, sandbox=True))
    assert_failed(settled(server), "CONNECTOR_AUTHENTICATION", "Session expired")
    described = server.describe("inside")
    assert described["connectorProfileProperties"]["Salesforce"]["isSandboxEnvironment"] is True
    server.ok("UpdateConnectorProfile", change(good))
    assert settled(server) == {"status": "CREATED"}


def test_without_a_route(servers, salesforce):
    server = servers(*to_vendor(salesforce, "Salesforce"))
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens()))
    assert_failed(settled(server), "VALIDATION", "There is no private route for 127.0.0.1.")
    assert salesforce.requests == []


def test_a_route_belongs_to_an_account(servers, salesforce, canaries):
    """Another account's profile does not take it, also one with the same address; and what is not a
    vendor's JSON is not repeated."""
    words = canaries.new("words")
    salesforce.judge = lambda _: http("404 Not Found", f"intranet wiki: {words}", "text/plain")
    server = servers(*private.options(salesforce))
    other = server.make_key("AKIAOTHERACCOUNT0001", "other", account="111122223333")
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens()), key=other)
    assert_failed(settled(server, key=other), "VALIDATION",
                  f"There is no private route for {HOST}.")
    assert salesforce.requests == []
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens()))
    assert_failed(settled(server), "VALIDATION", "HTTP 404")
    assert len(salesforce.requests) == 1
    server.stop()
    server.options = [option.replace(HOST + "=", f"111122223333:{HOST}=")
                      for option in server.options]
    server.start()
    server.ok("UpdateConnectorProfile", change(salesforce.new_tokens()), key=other)
    assert_failed(settled(server, key=other), "VALIDATION", "HTTP 404")
    assert len(salesforce.requests) == 2


def test_a_route_that_leads_nowhere(servers, salesforce):
    server = servers("--endpoint", f"Salesforce=http://{HOST}", "--private-route",
                     f"{HOST}={private.closed_port()}")
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens()))
    assert_failed(settled(server), "CONNECTOR_SERVER", "Connection refused")
    # Where the operator's network has it is not told.
    assert "127.0.0.1" not in state(server)["failureMessage"]


def test_routes_are_checked_at_the_start(servers):
    with pytest.raises(AssertionError, match="HOST:PORT"):
        servers("--private-route", "acme.example")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_resumed_at_the_start(server, salesforce, how):
    """Pending profiles of every region: one that waits for another's answer, since the vendor gave
    none yet, and that one. What was on its way had not come to the vendor."""
    salesforce.gate.clear()
    regions = "us-east-1", "eu-central-1"
    for region in regions:
        server.ok("CreateConnectorProfile", create(salesforce.new_tokens()), region=region)
    salesforce.wait_for(1)
    getattr(server, how)()
    assert server.count_rows("profiles WHERE provisioning_status = 'PENDING'") == 2
    salesforce.drop()
    server.start()
    assert state(server) == {"status": "PENDING"}
    salesforce.gate.set()
    for region in regions:
        assert settled(server, region=region) == {"status": "CREATED"}


def test_a_stop_waits_for_a_code(server, salesforce):
    salesforce.gate.clear()
    server.ok("CreateConnectorProfile", create(new_code(salesforce)))
    salesforce.wait_for(1)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(server.stop)
        server.wait_for_log("Shutting down")
        salesforce.gate.set()
        stopped.result()
    server.start()
    assert settled(server) == {"status": "CREATED"}
    assert list(salesforce.codes.values()) == [1]


def test_a_code_that_a_stop_cut_off(servers, salesforce, canaries):
    """Whether it came to the vendor is not known, and it is not shown again."""
    server = with_app(servers, canaries, *private.options(salesforce), "--stop-timeout", "1")
    salesforce.gate.clear()
    server.start().ok("CreateConnectorProfile", create(new_code(salesforce)))
    salesforce.wait_for(1)
    server.stop()
    salesforce.gate.set()
    server.start()
    assert_failed(settled(server), "CONNECTOR_AUTHENTICATION", "its outcome is not known")
    assert len(salesforce.requests) == 1


def set_file_limit(server, size):
    hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, hard))


@pytest.mark.embedded
def test_the_disk_is_full_at_the_end(server, salesforce):
    """The vendor's word is kept until it can be written, and the vendor is not asked again."""
    salesforce.gate.clear()
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens()))
    salesforce.wait_for(1)
    set_file_limit(server, 4096)  # the log has room in it, the store has not
    salesforce.gate.set()
    server.wait_for_log("Writes to the store fail")
    assert state(server) == {"status": "PENDING"}
    set_file_limit(server, resource.RLIM_INFINITY)
    assert settled(server) == {"status": "CREATED"}
    assert len(salesforce.requests) == 1


@pytest.mark.embedded
def test_tokens_that_the_store_refused_wait_for_it(server, salesforce):
    """The code is spent: nothing is concluded before what it brought is saved."""
    salesforce.gate.clear()
    server.ok("CreateConnectorProfile", create(new_code(salesforce)))
    salesforce.wait_for(1)
    server.database.change("CREATE TRIGGER no BEFORE INSERT ON token_grants"
                           " WHEN NEW.sealed IS NOT NULL BEGIN SELECT RAISE(ABORT, 'no'); END")
    salesforce.gate.set()
    time.sleep(0.5)
    assert state(server) == {"status": "PENDING"}
    server.database.change("DROP TRIGGER no")
    assert settled(server) == {"status": "CREATED"}
    assert list(salesforce.codes.values()) == [1]


def test_stored_credentials_stay_with_their_receiver(servers, salesforce):
    """Over plain HTTP nobody proves to be the host: another way there is another receiver."""
    server = servers(*to_vendor(salesforce, "Salesforce"),
                     "--private-route", f"127.0.0.1={salesforce.authority}")
    server.ok("CreateConnectorProfile", create(salesforce.new_tokens(), mode="Public"))
    asked = len(salesforce.requests)
    answer = server.call("UpdateConnectorProfile", change(None))
    assert (answer.status, answer.error) == (400, "ValidationException")
    assert "connectorProfileCredentials again" in answer.message
    assert len(salesforce.requests) == asked


def test_over_tls_the_stored_credentials_stay_good(servers, canaries):
    """A certificate proves the host, whichever way leads to it. In sandbox mode the sandbox stands
    at the end of each."""
    from support import aws  # pylint: disable=import-outside-toplevel
    server = servers("--sandbox", "--private-route", "acme.my.salesforce.com=10.0.0.7:443")
    config = aws.config_for(canaries, "Salesforce", "accepted")
    config["connectorProfileProperties"]["Salesforce"]["instanceUrl"] = \
        "https://acme.my.salesforce.com"
    request = {"connectorProfileName": "inside", "connectionMode": "Public",
               "connectorProfileConfig": config}
    server.ok("CreateConnectorProfile", {**request, "connectorType": "Salesforce"})
    del config["connectorProfileCredentials"]
    server.ok("UpdateConnectorProfile", {**request, "connectionMode": "Private"})
    assert settled(server) == {"status": "CREATED"}
    server.ok("UpdateConnectorProfile", request)
    assert state(server) is None
