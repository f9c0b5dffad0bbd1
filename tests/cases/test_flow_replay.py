"""Replays: the records that a run's destination did not take are written once more."""

import json
import subprocess

import pytest

from support import aws, moving
from support.server import command
from support.shelf import Shelf, serving
from test_vendor_writes import FAULT, ROWS, failed, flow, run


@pytest.fixture
def shelf(canaries):
    with Shelf(canaries) as each:
        yield each


@pytest.fixture
def server(servers, shelf, canaries, tmp_path):
    with serving(servers, shelf, canaries, tmp_path) as made:
        yield made


def start(server, run_id, **more):
    return server.call("StartFlow", {"flowName": "copy", **more},
                       headers=[("X-Headgate-Replay", run_id)])


def replay(server, record):
    answer = start(server, record["executionId"])
    assert answer.status == 200, answer.body
    ended = moving.ended(server)
    assert ended["executionId"] == answer.json()["executionId"]
    return ended


def test_what_was_refused_is_written_once_it_is_taken(server, shelf):
    """As the tasks made it then; what fails again can be replayed, too."""
    first = run(server, flow())
    assert first["executionResult"]["errorInfo"]["putFailuresCount"] == 1
    again = replay(server, first)
    assert again["executionResult"]["errorInfo"]["putFailuresCount"] == 1
    assert shelf.calls == [("INSERT", None, ROWS), ("INSERT", None, ROWS[2:])]
    assert [len(lines) for lines in failed(server).values()] == [1, 1]
    shelf.refused.clear()
    last = replay(server, again)
    assert last["executionStatus"] == "Successful" and "errorInfo" not in last["executionResult"]
    assert shelf.calls[2:] == [("INSERT", None, ROWS[2:])]
    assert last["executionResult"]["recordsProcessed"] == 1
    later = moving.run(server)
    assert shelf.calls[3:] == [("INSERT", None, ROWS)] and later["executionStatus"] == "Successful"


def test_an_insertion_that_may_have_been_made_is_left_out(server, shelf):
    shelf.scripted.append(FAULT)
    first = run(server, flow())
    assert {line["errorCode"] for lines in failed(server).values() for line in lines} == {"Unknown"}
    assert replay(server, first)["executionStatus"] == "Successful"
    assert len(shelf.calls) == 1


@pytest.mark.parametrize("operation, prefix", [("INSERT", "of"), ("UPSERT", "")])
def test_answers_beside_the_records_are_no_records(server, shelf, operation, prefix):
    first = run(server, flow(operation, {"bucketName": "failed", "bucketPrefix": prefix}))
    key, = failed(server)
    server.buckets.put_object(Bucket="failed", Key=f"{key}-answers", Body=b'{"id": 1}\n[]\n')
    server.buckets.put_object(
        Bucket="failed", Key=f"{key}-long",
        Body=b'{"record": null, "errorCode": "TooLong", "errorMessage": "x"}\n')
    shelf.refused.clear()
    assert replay(server, first)["executionStatus"] == "Successful"
    ids = None if operation == "INSERT" else ["id"]
    assert shelf.calls[1:] == [(operation, ids, ROWS[2:])]


@pytest.mark.every_row
@pytest.mark.parametrize("record", ['"x"', "[]", "7", '"},{"', "true"])
def test_a_record_that_is_no_object_ends_the_replay(server, shelf, record):
    """Somebody edited it: nothing of its page is sent."""
    first = run(server, flow("UPSERT"))
    key, = failed(server)
    server.buckets.put_object(Bucket="failed", Key=f"{key}-edited", Body=(
        '{"record": %s, "errorCode": "Refused", "errorMessage": ""}\n' % record).encode())
    again = replay(server, first)
    assert again["executionStatus"] == "Error", again
    message = again["executionResult"]["errorInfo"]["executionMessage"]
    assert f"{key}-edited, line 1: \"record\" is no JSON object" in message, message
    assert all(records in (ROWS, ROWS[2:]) for _, _, records in shelf.calls)


def test_a_replay_is_continued_after_a_crash(server, shelf):
    first = run(server, flow("UPSERT"))
    shelf.gate.clear()
    assert start(server, first["executionId"]).status == 200
    moving.until(lambda: len(shelf.calls) == 2)
    server.kill()
    shelf.gate.set()
    shelf.refused.clear()
    server.database.change("UPDATE jobs SET lease_until_ms = 0")
    server.start()
    assert moving.ended(server)["executionStatus"] == "Successful"
    assert shelf.calls[-1] == ("UPSERT", ["id"], ROWS[2:])


def test_what_cannot_be_replayed_is_refused(server, shelf):
    first = run(server, flow())
    for run_id in ("none", "0" * 300, "01a23079-9197-7690-b333-c1a440c7abd9"):
        answer = start(server, run_id)
        assert answer.status == 404 and b"has no run" in answer.body, answer.raw
    answer = server.call("StartFlow", {"flowName": "copy"}, headers=[
        ("X-Headgate-Replay", first["executionId"]), ("X-Headgate-Window", "2026-01-01/")])
    assert answer.status == 400 and b"do not go together" in answer.body
    shelf.gate.clear()
    running = server.ok("StartFlow", {"flowName": "copy"})["executionId"]
    answer = start(server, running)
    assert answer.status == 409 and b"has not ended" in answer.body
    shelf.gate.set()
    moving.ended(server)
    plain = flow()
    properties = plain["destinationFlowConfigList"][0]["destinationConnectorProperties"]
    del properties[aws.CUSTOM]["errorHandlingConfig"]
    server.ok("UpdateFlow", plain)
    answer = start(server, first["executionId"])
    assert answer.status == 400 and b"errorHandlingConfig" in answer.body


def test_a_client_token_stands_for_one_replay(server, shelf):
    first = run(server, flow())
    token = {"clientToken": "replay-once"}
    ids = {start(server, first["executionId"], **token).json()["executionId"] for _ in range(2)}
    moving.ended(server)
    assert len(ids) == 1 and len(shelf.calls) == 2
    assert server.call("StartFlow", {"flowName": "copy", **token}).status == 409


def test_the_command(server, shelf, tmp_path):
    keys = tmp_path / "credentials"
    keys.write_text(f"[default]\naws_access_key_id = {server.key.id}\n"
                    f"aws_secret_access_key = {server.key.secret}\n")
    keys.chmod(0o600)

    def run_command(*words):
        return subprocess.run(
            command("flow", "replay", "copy", "--server", server.endpoint, "--credentials", keys,
                    *words), capture_output=True, text=True, timeout=60)

    server.ok("CreateFlow", flow())
    none = run_command()
    assert none.returncode == 1 and "has no run yet" in none.stderr
    first = moving.run(server)
    shelf.refused.clear()
    done = run_command("--json", "--run", first["executionId"])
    assert done.returncode == 0 and json.loads(done.stdout)["executionStatus"] == "Successful"
    assert shelf.calls[1:] == [("INSERT", None, ROWS[2:])]
    assert run_command().returncode == 1  # of the newest run nothing failed
