"""Two requests at once: one client token has one effect, one code is shown once, and of two changes
that started from the same state one is told to look again."""

import concurrent.futures
import threading

import pytest

from support.salesforce import REDIRECT, Salesforce, with_app
from support.vendor import to_vendor

MEET_TIMEOUT_S = 30


class Held(Salesforce):
    """Holds every answer back until as many requests have come as a test waits for."""

    def __init__(self, canaries):
        super().__init__(canaries)
        self.meeting = None
        self.arrived = threading.Event()

    def answer_one(self, request):
        answer = super().answer_one(request)
        self.arrived.set()
        if self.meeting:
            self.meeting.wait(MEET_TIMEOUT_S)
        return answer


@pytest.fixture
def salesforce(canaries):
    with Held(canaries) as vendor:
        yield vendor


@pytest.fixture
def server(servers, salesforce, canaries):
    made = with_app(servers, canaries, *to_vendor(salesforce, "Salesforce")).start()
    made.ok("CreateConnectorProfile", {**change(salesforce.new_tokens()),
                                       "connectorType": "Salesforce"})
    salesforce.requests.clear()
    salesforce.arrived.clear()
    return made


def change(credentials, **more):
    return {"connectorProfileName": "race", "connectionMode": "Public", "connectorProfileConfig": {
        "connectorProfileProperties": {"Salesforce": {}},
        "connectorProfileCredentials": {"Salesforce": credentials}}, **more}


def at_once(server, *requests):
    with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(lambda each: server.call("UpdateConnectorProfile", each), requests))


def with_code(salesforce, **more):
    return change({"oAuthRequest": {"authCode": salesforce.new_code(),
                                    "redirectUri": REDIRECT}}, **more)


def test_one_token_twice(server, salesforce):
    request = with_code(salesforce, clientToken="t1")
    answers = at_once(server, request, request, request)
    assert [each.status for each in answers] == [200, 200, 200]
    assert len({each.body for each in answers}) == 1
    assert list(salesforce.codes.values()) == [1]
    assert server.query("SELECT count(*) AS n FROM audit WHERE outcome = 'ok' "
                        "AND region IS NOT NULL") == [{"n": 2}]


def test_one_code_in_two_requests(server, salesforce):
    """Both bring the same code under tokens of their own: it is shown to the vendor once."""
    request = with_code(salesforce)
    answers = at_once(server, {**request, "clientToken": "t1"}, {**request, "clientToken": "t2"})
    statuses = sorted(each.status for each in answers)
    assert statuses[0] == 200 and statuses[1] in (200, 401, 409), [each.body for each in answers]
    assert list(salesforce.codes.values()) == [1]


def test_two_changes_from_one_state(server, salesforce):
    before = server.profile_row("race")
    salesforce.meeting = threading.Barrier(2)
    answers = at_once(server, change(salesforce.new_tokens()), change(salesforce.new_tokens()))
    assert sorted(each.status for each in answers) == [200, 409], [each.body for each in answers]
    loser = next(each for each in answers if each.status == 409)
    assert loser.error == "ConflictException"
    assert server.profile_row("race")["version"] > before["version"]


def test_who_lost_goes_on_with_his_own_code(server, salesforce):
    """Both exchange their codes before either commits. The one that lost is sent again, and its
    code is not shown a second time."""
    requests = [with_code(salesforce), with_code(salesforce)]
    salesforce.meeting = threading.Barrier(2)
    answers = at_once(server, *requests)
    assert sorted(each.status for each in answers) == [200, 409], [each.body for each in answers]
    salesforce.meeting = None
    loser = requests[[each.status for each in answers].index(409)]
    server.ok("UpdateConnectorProfile", loser)
    assert list(salesforce.codes.values()) == [1, 1]


def test_a_profile_that_was_deleted_meanwhile(server, salesforce):
    salesforce.meeting = threading.Barrier(2)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        update = pool.submit(server.call, "UpdateConnectorProfile",
                             change(salesforce.new_tokens()))
        assert salesforce.arrived.wait(MEET_TIMEOUT_S)
        server.ok("DeleteConnectorProfile", {"connectorProfileName": "race"})
        salesforce.meeting.wait(MEET_TIMEOUT_S)
        answer = update.result()
    assert answer.status in (404, 409), answer.body
    assert server.count_rows("profiles") == 0


def test_a_client_that_goes_away_does_not_undo_a_change(server, salesforce):
    from support import wire
    before = server.profile_row("race")
    salesforce.meeting = threading.Barrier(2)
    body = wire.json.dumps(change(salesforce.new_tokens(), clientToken="t1")).encode()
    connection = wire.Connection(server.host, server.port)
    connection.socket.sendall(
        wire.signed_request(server, "POST", "/update-connector-profile", body))
    assert salesforce.arrived.wait(MEET_TIMEOUT_S)
    connection.close()
    salesforce.meeting.wait(MEET_TIMEOUT_S)
    server.stop()
    server.start()
    assert server.profile_row("race")["version"] > before["version"]


def test_stopping_answers_what_was_accepted(server, salesforce):
    salesforce.meeting = threading.Barrier(2)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        update = pool.submit(server.call, "UpdateConnectorProfile",
                             change(salesforce.new_tokens()))
        assert salesforce.arrived.wait(MEET_TIMEOUT_S)
        stopping = pool.submit(server.stop)
        salesforce.meeting.wait(MEET_TIMEOUT_S)
        stopping.result()
        assert update.result().status == 200
