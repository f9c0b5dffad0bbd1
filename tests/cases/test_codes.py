"""An authorization code is shown to its vendor once, whatever is cut or dies meanwhile."""

import concurrent.futures
import resource
import socket
import threading
import time

import pytest

from support import private
from support.commit_cutter import CommitCutter
from support.database import administer, cluster, cut_sessions
from support.salesforce import REDIRECT, set_app, with_app
from support.server import OTHER_ACCOUNT
from support.vendor import http, reset, to_vendor

WAIT_S = 60
NOT_KNOWN = "its outcome is not known"


class Turnstile(private.Gated):
    """Whoever shows a certain access token waits until he is let in, each by himself."""

    def __init__(self, canaries):
        super().__init__(canaries)
        self.stale = self.fresh("stale")
        self.waiting = []
        self.open = False  # to all of them

    def answer_one(self, request):
        if not self.open and self.stale in request.headers.get("authorization", ""):
            turn = threading.Event()
            self.waiting.append(turn)
            self.arrived.release()
            assert turn.wait(WAIT_S)
        return super().answer_one(request)


@pytest.fixture
def salesforce(canaries):
    with Turnstile(canaries) as vendor:
        yield vendor
        vendor.gate.set()


def code_of(salesforce):
    return {"oAuthRequest": {"authCode": salesforce.new_code(), "redirectUri": REDIRECT}}


def create(credentials, **more):
    return private.create(credentials, mode="Public", **more)


@pytest.fixture
def server(servers, salesforce, canaries):
    return with_app(servers, canaries, *inside(salesforce, "--verify-timeout", "60")).start()


@pytest.fixture
def pair(nodes, salesforce, canaries):
    made = [nodes(*to_vendor(salesforce, "Salesforce")) for _ in range(2)]
    set_app(made[0], canaries)
    return [node.start() for node in made]


def wait_for_locks(database, count):
    """Until the nodes' sessions hold so many."""
    until = time.monotonic() + WAIT_S
    while administer("SELECT count(*) FROM pg_locks JOIN pg_database ON database = pg_database.oid"
                     f" WHERE locktype = 'advisory' AND datname = '{database.name}'") != [(count,)]:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("tokens", [("one", "one"), ("one", "other")])
def test_it_is_shown_once_when_locks_are_lost(pair, database, salesforce, tokens):
    """The lock that keeps another node away ends with its session. The same request, or another
    with the same code, is then sent to that node, while the vendor still thinks about the first."""
    requests = [create(code, clientToken=token) for token, code in
                zip(tokens, [code_of(salesforce)] * 2)]
    salesforce.gate.clear()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(pair[0].call, "CreateConnectorProfile", requests[0])
        salesforce.wait_for(1)
        assert cut_sessions(database) >= 2
        wait_for_locks(database, 0)
        second = pool.submit(pair[1].call, "CreateConnectorProfile", requests[1])
        wait_for_locks(database, 2)
        salesforce.gate.set()
        answers = [first.result(), second.result()]
    assert list(salesforce.codes.values()) == [1]
    if tokens[0] == tokens[1]:
        assert [each.status for each in answers] == [200, 200], [each.body for each in answers]
        assert answers[0].body == answers[1].body
    else:
        assert sorted(each.status for each in answers) in ([200, 401], [200, 409])
    assert pair[0].count_rows("token_grants WHERE sealed IS NOT NULL") == 0


def test_an_answer_that_another_node_gave_meanwhile(pair, database, salesforce):
    """A request that has lost its client token asks the vendor about an access token that it has
    beside the code; until it comes to the code the same request was answered at the other node."""
    request = create({"accessToken": salesforce.stale, **code_of(salesforce)}, clientToken="one")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(pair[0].call, "CreateConnectorProfile", request)
        salesforce.wait_for(1)
        cut_sessions(database)
        second = pool.submit(pair[1].call, "CreateConnectorProfile", request)
        salesforce.wait_for(1)
        salesforce.waiting[0].set()
        first = first.result()
        salesforce.waiting[1].set()
        second = second.result()
    assert (first.status, second.status) == (200, 200), (first.body, second.body)
    assert first.body == second.body
    assert list(salesforce.codes.values()) == [1]


@pytest.mark.waits(15)
def test_a_node_dies_while_the_vendor_is_asked(nodes, salesforce, canaries):
    """Another node does not show the code, and says what has become of it once it is sure that the
    first cannot be at it any more."""
    first, second = [nodes(*to_vendor(salesforce, "Salesforce"), "--verify-timeout", "3")
                     for _ in range(2)]
    set_app(first, canaries)
    request = create(code_of(salesforce), clientToken="one")
    salesforce.gate.clear()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first.start()
        asked = pool.submit(first.call, "CreateConnectorProfile", request)
        salesforce.wait_for(1)
        first.kill()
        assert asked.exception()
    salesforce.drop()
    salesforce.gate.set()
    second.start()
    statuses = [500]
    while statuses[-1] == 500:  # which the SDKs send again
        answer = second.call("CreateConnectorProfile", request)
        statuses.append(answer.status)
        assert "rying again" not in answer.message
    assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
    assert NOT_KNOWN in answer.message and "Get a new one" in answer.message, answer.message
    assert len(statuses) > 2 and len(salesforce.requests) == 1
    second.ok("CreateConnectorProfile", create(code_of(salesforce), clientToken="two"))


def test_a_lost_answer_is_known_at_the_other_node_at_once(nodes, salesforce, canaries):
    """Not only when the attempt's time is over: until then it would be told to try again."""
    pair = [nodes(*to_vendor(salesforce, "Salesforce"), "--verify-timeout", "3") for _ in range(2)]
    set_app(pair[0], canaries)
    first, second = [node.start() for node in pair]
    salesforce.judge = lambda _: None  # it hangs up with the code in its hands
    request = create(code_of(salesforce))
    for node in (first, second, first):
        answer = node.call("CreateConnectorProfile", request)
        assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
        assert NOT_KNOWN in answer.message or node is first, answer.message
    assert len(salesforce.requests) == 1


def inside(salesforce, *options):
    """Options for a vendor that is reached both ways."""
    return (*to_vendor(salesforce, "Salesforce"), "--private-route",
            f"127.0.0.1={salesforce.authority}", *options)


@pytest.mark.waits(15)
def test_a_node_dies_while_it_makes_a_private_connection(nodes, salesforce, canaries):
    """Another node goes on with it, and waits until it is sure."""
    first, second = [nodes(*inside(salesforce, "--verify-timeout", "3")) for _ in range(2)]
    set_app(first, canaries)
    salesforce.gate.clear()
    first.start().ok("CreateConnectorProfile", private.create(code_of(salesforce)))
    salesforce.wait_for(1)
    first.kill()
    salesforce.drop()
    salesforce.gate.set()
    second.start()
    assert private.state(second) == {"status": "PENDING"}
    private.assert_failed(private.settled(second), "CONNECTOR_AUTHENTICATION", NOT_KNOWN)
    assert len(salesforce.requests) == 1


@pytest.mark.waits(60)
def test_the_database_is_away_during_a_private_exchange(nodes, database, salesforce, canaries):
    """It stays PENDING, and its vendor is asked again until the code can be exchanged."""
    node = nodes(*inside(salesforce))
    set_app(node, canaries)
    credentials = {"accessToken": salesforce.stale, **code_of(salesforce)}
    with CommitCutter(cluster().port) as way:
        database.options = ["--store", database.url.replace(str(cluster().port), str(way.port))]
        node.start().ok("CreateConnectorProfile", private.create(credentials))
        salesforce.wait_for(1)
        way.flows.clear()
        cut_sessions(database)
        salesforce.waiting[0].set()
        salesforce.wait_for(2)  # it is let in, and comes again
        way.flows.set()
        salesforce.open = True
        salesforce.waiting[1].set()
        until = time.monotonic() + private.WAIT_S
        while node.call("DescribeConnectorProfiles").status == 503:
            assert time.monotonic() < until  # who asks on has not been answered yet
        assert private.settled(node) == {"status": "CREATED"}
        assert list(salesforce.codes.values()) == [1]
        node.stop()


@pytest.mark.embedded
@pytest.mark.parametrize("mode", ["Public", "Private"])
def test_the_server_dies_while_the_vendor_is_asked(server, salesforce, mode):
    """There is no other that could be at it: the answer comes at once."""
    request = private.create(code_of(salesforce), mode=mode, clientToken="one")
    salesforce.gate.clear()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.call, "CreateConnectorProfile", request)
        salesforce.wait_for(1)
        server.kill()
        assert mode == "Private" or asked.exception()
    salesforce.drop()
    salesforce.gate.set()
    server.start()
    answer = server.call("CreateConnectorProfile", request)
    if mode == "Public":
        assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
        assert NOT_KNOWN in answer.message, answer.message
    else:
        private.assert_failed(private.settled(server), "CONNECTOR_AUTHENTICATION", NOT_KNOWN)
    assert len(salesforce.requests) == 1


@pytest.fixture
def unheard():
    """A port where connections are refused, until its socket listens."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        yield bound


def test_it_may_be_shown_again_when_it_never_got_there(servers, unheard, salesforce, canaries):
    """At the same address, where nobody listens; then the vendor is there."""
    server = with_app(servers, canaries, "--egress-allow", "127.0.0.1", "--endpoint",
                      f"Salesforce=http://127.0.0.1:{unheard.getsockname()[1]}").start()
    request = create(code_of(salesforce), clientToken="one")
    for _ in range(2):
        answer = server.call("CreateConnectorProfile", request)
        assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
        assert "Connection refused" in answer.message
    assert server.count_rows("token_grants") == 0
    unheard.listen()
    salesforce.serve(unheard)
    server.ok("CreateConnectorProfile", request)
    assert list(salesforce.codes.values()) == [1]


@pytest.mark.parametrize("first, again", [
    (http("401 Unauthorized", '{"error": "invalid_client"}'), True),
    (http("503 Service Unavailable", "later"), True),
    (http("200 OK", "no tokens in here"), False),
    (None, False),
    (reset, False),
], ids=["it refuses the app", "it is out of order", "its answer says nothing", "it hangs up",
        "it resets"])
def test_it_may_be_shown_again_when_the_vendor_surely_kept_it(server, salesforce, first, again):
    """That is, when its answer says so; the second time the vendor would be at hand."""
    answers = salesforce.judge
    salesforce.judge = lambda request: first
    request = create(code_of(salesforce))
    assert server.call("CreateConnectorProfile", request).status == 401
    shown = len(salesforce.requests)
    salesforce.judge = answers
    answer = server.call("CreateConnectorProfile", request)
    if again:
        assert answer.status == 200, answer.body
        assert list(salesforce.codes.values()) == [1]
    else:
        assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
        assert NOT_KNOWN in answer.message, answer.message
        assert len(salesforce.requests) == shown


def test_two_vendors_may_give_the_same_code(servers, salesforce, canaries):
    """A code is its token endpoint's; what is known of it elsewhere says nothing."""
    with private.Gated(canaries) as other:
        credentials = code_of(salesforce)
        other.codes.update(salesforce.codes)
        server = with_app(servers, canaries, *to_vendor(salesforce, "Salesforce")).start()
        server.ok("CreateConnectorProfile", create(credentials))
        server.stop()
        server.options = to_vendor(other, "Salesforce")
        server.start().ok("CreateConnectorProfile", create(credentials, name="second"))
        assert list(salesforce.codes.values()) == list(other.codes.values()) == [1]


def test_what_a_code_gave_is_its_profile_s(server, salesforce):
    """Tokens that were saved without a profile, since the probe after them failed, are taken up by
    the same profile only: the same name in another region or account is another."""
    answers = salesforce.judge
    salesforce.judge = lambda request: answers(request) if request.method == "POST" else http(
        "403 Forbidden", '[{"errorCode": "API_DISABLED_FOR_ORG", "message": "no API"}]')
    credentials = code_of(salesforce)
    assert server.call("CreateConnectorProfile", create(credentials)).status == 401
    assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == 1
    salesforce.judge = answers
    stranger = server.make_key("AKIAHEADGATETEST0002", "other-key", OTHER_ACCOUNT)
    for where in ({"region": "eu-central-1"}, {"key": stranger}, {"name": "other"}):
        name = {"name": where.pop("name")} if "name" in where else {}
        answer = server.call("CreateConnectorProfile", create(credentials, **name), **where)
        assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException"), where
        assert "works only once" in answer.message, answer.message
    server.ok("CreateConnectorProfile", create(credentials))
    assert list(salesforce.codes.values()) == [1]
    assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == 0


def set_file_limit(server, size):
    hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, hard))


@pytest.mark.embedded
@pytest.mark.parametrize("when", ["before it is shown", "when its tokens have come"])
def test_the_disk_is_full_during_a_private_exchange(server, salesforce, when):
    """It is gone on with when there is room, and the code is shown once."""
    credentials = code_of(salesforce)
    if when == "before it is shown":
        credentials["accessToken"] = salesforce.stale
    else:
        salesforce.gate.clear()
    server.ok("CreateConnectorProfile", private.create(credentials))
    salesforce.wait_for(1)
    set_file_limit(server, 4096)
    salesforce.gate.set()
    salesforce.open = True
    for turn in salesforce.waiting:
        turn.set()
    server.wait_for_log("Writes to the store fail")
    assert private.state(server) == {"status": "PENDING"}
    set_file_limit(server, resource.RLIM_INFINITY)
    assert private.settled(server) == {"status": "CREATED"}
    assert list(salesforce.codes.values()) == [1]
    assert server.count_rows("token_grants WHERE sealed IS NOT NULL") == 0
