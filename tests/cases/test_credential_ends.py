"""When credentials end that nothing renews, as their vendors say when they are asked:
docs/when-a-credential-dies.md."""

import datetime
import json
import time

import pytest

from support import operations
from support.server import ACCOUNT, headgate
from support.vendor import Vendor, http, to_vendor

WAIT_S = 30
DAY_S = 24 * 60 * 60
OUTCOMES = {"Dynatrace": "accepted", "Trendmicro": "accepted", "Zendesk": "accepted",
            "Salesforce": "accepted", "Amplitude": "accepted"}


def in_days(days):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def in_ms(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


class Dynatrace(Vendor):
    """`end` is what a token's record says; `instead` answers its next lookups."""

    def __init__(self):
        super().__init__(self.answer_one)
        self.end = in_days(20)
        self.instead = []

    def answer_one(self, request):
        if not request.target.endswith("/lookup"):
            return http("200 OK", json.dumps({"problems": []}))
        if self.instead:
            return self.instead.pop(0)
        record = {"id": "dt0c01.A", "enabled": True, "expirationDate": self.end}
        return http("200 OK", json.dumps(record))


def config(vendor, token):
    return {"connectorProfileProperties": {"Dynatrace": {"instanceUrl": vendor.url}},
            "connectorProfileCredentials": {"Dynatrace": {"apiToken": token}}}


@pytest.fixture
def vendor():
    with Dynatrace() as made:
        yield made


@pytest.fixture
def server(servers, vendor, canaries):
    made = servers(*to_vendor(vendor, "Dynatrace"), *operations.OPTION)
    made.ok("CreateConnectorProfile", {
        "connectorProfileName": "problems", "connectorType": "Dynatrace",
        "connectionMode": "Public",
        "connectorProfileConfig": config(vendor, canaries.new("token"))})
    return made


def job(server):
    rows = server.query("SELECT * FROM jobs WHERE kind = 'credential-end'")
    return rows[0] if rows else None


def asked(server):
    return server.query("SELECT * FROM profiles WHERE name = 'problems'")[0]


def wait_until(server, condition):
    until = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until, (asked(server), job(server), server.log[-3000:])
        time.sleep(0.02)


def make_due(server):
    """Now, and not so long ago that a first lookup is put off."""
    server.database.change(f"UPDATE jobs SET due_at_ms = {int(time.time() * 1000)},"
                           " lease_until_ms = 0, attempts = 0 WHERE kind = 'credential-end'")


def look_up(server):
    """The lookup is due now: the server is started again, since its database is its own."""
    server.stop()
    make_due(server)
    server.start()
    wait_until(server, lambda: job(server)["attempts"] == 1)
    return asked(server)


def show(server, *more):
    return headgate("profile", "show", "problems", *server.place, *more)


def test_an_end_is_asked_told_and_asked_again(server, vendor):
    """The verification's answer has it; then the operator extends the token."""
    shown = json.loads(show(server, "--json"))
    assert (shown["confidence"], shown["because"]) == ("reported", "the key ends")
    assert in_ms(shown["worksUntil"]) == in_ms(vendor.end) == in_ms(shown["endLookup"]["endsAt"])
    assert "the vendor said that it ends at " + vendor.end[:10] in " ".join(show(server).split())
    server.stop()
    told = "The credentials of profile problems" in server.log  # once, if it looked already
    server.start()  # which looks at all profiles soon after
    if not told:
        server.wait_for_log("The credentials of profile problems")
    assert "the key ends (reported)" in server.log
    vendor.end = in_days(300)
    row = look_up(server)
    assert row["asked_end_ms"] == in_ms(vendor.end) and row["asked_words"] is None
    next_in_ms = job(server)["due_at_ms"] - row["asked_at_ms"]
    assert (DAY_S - 3600) * 1000 < next_in_ms < (DAY_S + 60) * 1000
    lookups = [each for each in vendor.requests if each.target.endswith("/lookup")]
    assert len(lookups) == 2  # one of them was the verification
    seen = operations.metrics(server)
    assert seen['headgate_credential_end_lookups_total{outcome="said"}'] == 1


def test_the_first_lookup_waits_for_some_minutes(server):
    wait_ms = job(server)["due_at_ms"] - asked(server)["created_at_ms"]
    assert 5 * 60_000 <= wait_ms <= 16 * 60_000


def test_a_token_without_an_end(server, vendor):
    vendor.end = None
    row = look_up(server)
    assert (row["asked_end_ms"], row["asked_words"]) == (0, None)
    shown = json.loads(show(server, "--json"))
    assert "worksUntil" not in shown and shown["confidence"] == "reported"
    assert "the vendor said that it has no end" in " ".join(show(server).split())


REFUSED = http("403 Forbidden", json.dumps({"error": {"code": 403, "message": "No such scope."}}))
UNKNOWN = http("200 OK", json.dumps({"id": "a", "expirationDate": "9999-12-31T23:59:59.000Z"}))
AWAY = http("503 Service Unavailable", json.dumps({"error": {"code": 503, "message": "Away"}}))
BUSY = http("429 Too Many Requests", json.dumps({"error": {"code": 429, "message": "Slower"}}),
            headers=[("Retry-After", "7200")])


@pytest.mark.parametrize("answer, words", [
    (REFUSED, "No such scope."), (UNKNOWN, "more than 100 years away")])
def test_why_a_vendor_does_not_say_it_is_kept(server, vendor, answer, words):
    """What it said before stays, and the profile works on."""
    vendor.instead = [answer]
    row = look_up(server)
    assert words in row["asked_words"] and row["asked_end_ms"] == in_ms(vendor.end)
    shown = json.loads(show(server, "--json"))
    assert shown["state"] == "fresh" and words in shown["endLookup"]["error"]
    assert in_ms(shown["worksUntil"]) == in_ms(vendor.end)
    assert row["version"] == row["credentials_version"]


@pytest.mark.parametrize("answers, wait_s", [([AWAY, AWAY], 3600), ([BUSY], 7200)])
def test_a_vendor_that_does_not_answer_is_asked_later(server, vendor, answers, wait_s):
    vendor.instead = list(answers)
    before, begun_ms = asked(server), time.time() * 1000
    assert look_up(server) == before
    due_ms = job(server)["due_at_ms"]
    assert begun_ms + wait_s * 1000 <= due_ms <= (time.time() + wait_s) * 1000


def test_first_lookups_that_are_late_are_spread(server, vendor):
    """As after an upgrade, whose migration plans one of each profile for the past."""
    server.stop()
    before = len(vendor.requests)
    server.database.change("UPDATE jobs SET due_at_ms = 1, attempts = 0"
                           " WHERE kind = 'credential-end'")
    begun_ms = time.time() * 1000
    server.start()
    wait_until(server, lambda: job(server)["attempts"] == 1)
    assert begun_ms < job(server)["due_at_ms"] <= (time.time() + 3600) * 1000
    assert len(vendor.requests) == before


def test_credentials_that_cannot_be_opened(servers, vendor, canaries, tmp_path):
    """The file that they are in was removed: the vendor cannot be asked."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "token").write_text(canaries.new("token"))
    server = servers(*to_vendor(vendor, "Dynatrace"), *operations.OPTION,
                     "--reference", f"{ACCOUNT}=file:{own}")
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": "problems", "connectorType": "Dynatrace",
        "connectionMode": "Public",
        "connectorProfileConfig": config(vendor, f"{{{{resolve:file:{own / 'token'}}}}}")})
    (own / "token").unlink()
    row = look_up(server)
    assert row["asked_words"] and row["asked_end_ms"] == in_ms(vendor.end)
    assert json.loads(show(server, "--json"))["endLookup"]["error"] == row["asked_words"]
    seen = operations.metrics(server)
    assert seen['headgate_credential_end_lookups_total{outcome="unanswered"}'] == 1


def test_an_answer_goes_with_its_credentials(server, vendor, canaries):
    """The verification of the others does not say when they end: the token may not look it up."""
    vendor.instead = [REFUSED]
    server.ok("UpdateConnectorProfile", {
        "connectorProfileName": "problems", "connectionMode": "Public",
        "connectorProfileConfig": config(vendor, canaries.new("another token"))})
    shown = json.loads(show(server, "--json"))
    assert "endLookup" not in shown and "worksUntil" not in shown
    assert job(server)["due_at_ms"] > asked(server)["updated_at_ms"]
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "problems"})
    assert job(server) is None


def sandbox_config(connector, outcome):
    return json.loads(headgate("sandbox", "--list", "--json", "--connector", connector,
                               "--outcome", outcome))


def test_each_vendor_of_the_sandbox_is_asked(servers):
    server = servers("--sandbox")
    for connector, outcome in OUTCOMES.items():
        server.ok("CreateConnectorProfile", {
            "connectorProfileName": connector.lower(), "connectorType": connector,
            "connectionMode": "Public",
            "connectorProfileConfig": sandbox_config(connector, outcome)})
    server.stop()
    make_due(server)
    server.start()
    until = time.monotonic() + WAIT_S
    while server.count_rows("profiles WHERE asked_version = credentials_version") < 4:
        assert time.monotonic() < until, server.log[-3000:]
        time.sleep(0.02)
    lines = headgate("profile", "list", *server.place, "--json").splitlines()
    rows = {each["name"]: each for each in map(json.loads, lines)}
    ends = {name: each["worksUntil"][:10] for name, each in rows.items() if "worksUntil" in each}
    assert ends == {"dynatrace": "2099-12-31", "trendmicro": "2099-12-31",
                    "salesforce": "2099-12-31"}
    assert {name for name, each in rows.items() if each["confidence"] == "reported"} == {
        "dynatrace", "trendmicro", "zendesk"}
    assert rows["salesforce"]["confidence"] == "assumed"  # a use moves its end
    assert not server.query("SELECT * FROM jobs WHERE kind = 'credential-end'"
                            " AND name = 'amplitude'")
