"""What is reported of profiles' credentials, in the log and by the webhook: docs/notices.md."""

import json
import os
import re
import subprocess

import pytest

from support import operations
from support.keeping import Keeping, create, make_due, update, wait_for
from support.salesforce import set_app, with_app
from support.server import command
from support.vendor import http, to_vendor
from support.webhook import WAIT_S, Receiver, documented

PAGE = http("401 Unauthorized", "<html>Sign in to the guest network</html>", "text/html")
DEAD = http("400 Bad Request",
            '{"error": "invalid_grant", "error_description": "expired access/refresh token"}')


@pytest.fixture
def receiver():
    with Receiver() as made:
        yield made
        made.hold.set()


@pytest.fixture
def vendor(canaries):
    with Keeping(canaries) as made:
        yield made
        made.hold.set()


@pytest.fixture
def secret_file(tmp_path, canaries):
    path = tmp_path / "webhook"
    path.write_text(canaries.new("webhook-old") + "\n" + canaries.new("webhook-new") + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def options(vendor, receiver, secret_file):
    return [*to_vendor(vendor, "Salesforce"), *operations.OPTION,
            "--webhook-url", receiver.url + "/hook?key=1", "--webhook-secret", secret_file]


@pytest.fixture
def server(servers, vendor, canaries, options):
    made = with_app(servers, canaries, *options).start()
    made.ok("CreateConnectorProfile", create(
        {"refreshToken": vendor.new_tokens()["refreshToken"]}))
    return made


def start_again(server):
    """After a crash, as soon as its leases have ended."""
    server.database.change("UPDATE jobs SET lease_until_ms = 0")
    return server.start()


def waiting(server):
    return server.count_rows("credential_events")


def test_a_receiver_gets_each_event_in_order(server, vendor, receiver, secret_file):
    """It refuses the first one twice; the second one waits behind it. The signatures are checked as
    the documentation says, with either secret."""
    receiver.instead = [http("500 No", ""), http("302 Found", "", headers=[
        ("Location", receiver.url + "/elsewhere")])]
    vendor.instead = [PAGE]
    make_due(server)
    wait_for(server, state="backing-off", reason="not_understood")
    make_due(server)
    wait_for(server, state="fresh")
    first, second = receiver.events(2)
    assert {first["event"], second["event"]} == {"credentials.state"}
    assert (first["previousState"], first["state"]) == ("fresh", "backing off")
    assert (second["previousState"], second["state"]) == ("backing off", "fresh")
    assert first["because"].startswith("renewals fail since ")
    assert first["because"].endswith(", 1 times: not_understood") and first["confidence"] == "known"
    assert first["worksUntil"] and second["worksUntil"] > first["worksUntil"]
    assert [first[name] for name in ("version", "account", "profile", "connector", "credential")] \
        == [1, "123456789012", "kept", "Salesforce", "refresh token"]
    assert {each.target for each in receiver.requests} == {"/hook?key=1"}
    ids = [json.loads(each.body)["id"] for each in receiver.requests]
    assert ids.count(first["id"]) >= 3 and not ids.index(second["id"]) < ids.count(first["id"])
    is_genuine = documented()
    for request in receiver.requests:
        headers = {name.title(): value for name, value in request.headers.items()}
        for secret in secret_file.read_text().split():
            assert is_genuine(secret.encode(), headers, request.body)
        assert not is_genuine(b"another secret", headers, request.body)
        assert not is_genuine(secret.encode(), headers, request.body + b" ")
        late = int(headers["Headgate-Timestamp"]) + 301
        assert not is_genuine(secret.encode(), headers, request.body, lambda: late)
    seen = operations.wait_until(server, lambda _: not waiting(server))
    assert 'headgate_webhook_events_total{outcome="delivered"}' in seen
    assert "?key" not in server.log and "/hook" not in server.log


def test_an_answer_counts_by_its_status(server, vendor, receiver):
    """Its body is longer than what is read of it."""
    receiver.instead = [http("200 OK", "x" * 100 * 1024)]
    vendor.instead = [PAGE]
    make_due(server)
    operations.wait_until(server, lambda seen: seen.get(
        'headgate_webhook_events_total{outcome="delivered"}'))
    operations.wait_until(server, lambda _: not waiting(server))  # it goes after it was counted
    assert len(receiver.requests) == 1


def test_events_go_with_their_profile(server, vendor, receiver):
    receiver.instead = [http("500 No", "") for _ in range(9)]
    vendor.instead = [PAGE]
    make_due(server)
    assert receiver.came.acquire(timeout=WAIT_S)
    server.wait_for_log("was not delivered to the webhook")
    assert waiting(server) == 1
    server.ok("DeleteConnectorProfile", {"connectorProfileName": "kept", "forceDelete": True})
    assert not waiting(server)
    assert not server.query("SELECT * FROM jobs WHERE kind = 'webhook'")


def test_an_event_outlives_a_crash(server, vendor, receiver):
    """The server is killed while the receiver has the event: it comes again, with the same id."""
    receiver.hold.clear()
    vendor.instead = [PAGE]
    make_due(server)
    assert receiver.came.acquire(timeout=WAIT_S)
    server.kill()
    receiver.hold.set()
    assert waiting(server) == 1
    start_again(server)
    operations.wait_until(server, lambda _: not waiting(server))
    bodies = {each.body for each in receiver.requests}
    assert len(receiver.requests) == 2 and len(bodies) == 1


def test_a_dead_grant_and_new_credentials(server, vendor, receiver):
    vendor.instead = [DEAD]
    make_due(server)
    wait_for(server, state="backing-off", reason="grant_refused")
    vendor.instead = [DEAD]
    make_due(server)
    wait_for(server, state="needs-reauthorization")
    assert [each["state"] for each in receiver.events(2)] == [
        "backing off", "needs re-authorization"]
    server.ok("UpdateConnectorProfile", update(
        {"refreshToken": vendor.new_tokens()["refreshToken"]}))
    last = receiver.events(3)[2]
    assert (last["previousState"], last["state"]) == ("needs re-authorization", "fresh")


def test_what_does_not_open_is_reported_once(nodes, vendor, canaries, receiver, options):
    one, other = [nodes(*options) for _ in range(2)]
    set_app(one, canaries)
    one.start()
    one.ok("CreateConnectorProfile", create(vendor.new_tokens()))
    one.stop()
    one.database.change("UPDATE profiles SET kms_arn = 'arn:of:another'")
    both = [one, other]
    for node in both:
        node.start()
    assert [each["state"] for each in receiver.events(1)] == ["unreadable"]
    for node in both:
        node.stop()
        node.start()
        operations.wait_until(node, lambda seen: seen.get('headgate_profiles_ending{within="0d"}'))
    reported = [re.findall("kept .*: unreadable; they were fresh", node.log) for node in both]
    assert sorted(map(len, reported)) == [0, 1] and len(receiver.taken) == 1


@pytest.mark.parametrize("given, why", [
    (["--webhook-url", "https://hooks.example"], "must be given together"),
    (["--webhook-secret", "open"], "may be read or changed by others"),
    (["--webhook-secret", "short"], "a secret of 5 bytes"),
    (["--webhook-secret", "three"], "more than 2 secrets"),
    (["--webhook-url", "https://user@hooks.example"], "without a user's name"),
])
def test_options_that_are_refused(tmp_path, given, why):
    for name, text, mode in (("open", "s" * 16, 0o644), ("short", "short", 0o600),
                             ("three", "\n".join("s" * 16 for _ in range(3)), 0o600)):
        (tmp_path / name).write_text(text)
        os.chmod(tmp_path / name, mode)
    done = subprocess.run(command("serve", "--check-config", *given), cwd=tmp_path,
                          capture_output=True, check=False)
    assert done.returncode == 2 and why in done.stderr.decode(), done.stderr
