"""`headgate connector`: what it shows of a connector that keeps to the contract and of one that
does not, what it records, and that neither holds the secret."""

import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest

from support.server import ROOT, command as headgate

SCRIPTED = ROOT / "tests/connectors/scripted.py"
TIMEOUT_S = 60
ENTITY = {"entityIdentifier": "Book", "hasNestedEntities": False}
FIELD = {"fieldName": "id", "dataType": "String", "isPrimaryKey": True,
         "readProperties": {"isRetrievable": True}}
GOOD = {
    "DescribeConnectorConfiguration": {
        "isSuccess": True, "connectorOwner": "You", "connectorName": "Library",
        "connectorVersion": "1.0", "connectorModes": ["SOURCE"], "supportedApiVersions": ["v1"],
        "authenticationConfig": {"isApiKeyAuthSupported": True}},
    "ValidateConnectorRuntimeSettings": {"isSuccess": True},
    "ValidateCredentials": {"isSuccess": True},
    "ListEntities": {"isSuccess": True, "entities": [ENTITY],
                     "cacheControl": {"timeToLive": 60, "timeToLiveUnit": "SECONDS"}},
    "DescribeEntity": {"isSuccess": True,
                       "entityDefinition": {"entity": ENTITY, "fields": [FIELD]}},
    "QueryData": {"isSuccess": True, "records": ['{"id":"7"}']},
    "RetrieveData": {"isSuccess": True, "records": ['{"id":"7"}']},
    "WriteData": {"isSuccess": True, "writeRecordResults": [{"isSuccess": True, "recordId": "8"}]},
}
WRITING = ("--operation", "INSERT", "--records", '[{"id":"8"}]')


class Author:
    """Someone who tries a connector in a directory of its own."""

    def __init__(self, directory, canaries):
        self.directory = directory
        self.key = canaries.new("connector-key")
        self.canaries = canaries
        self.secret = directory / "secret.json"
        self.secret.write_text(json.dumps({"apiKey": self.key}))

    def script(self, **answers):
        """The command of a connector that answers as GOOD but for these."""
        path = self.directory / "script.json"
        given = {name: answers.get(name, answer) for name, answer in GOOD.items()}
        path.write_text(json.dumps({f"{name}Request": answer if isinstance(answer, list)
                                    else [answer] for name, answer in given.items()}))
        return shlex.join([sys.executable, "-S", str(SCRIPTED), str(path)])

    def __call__(self, command, connector, *words, env=None, stdin=""):
        done = subprocess.run(
            headgate("connector", command, "--command", connector, *words), input=stdin, text=True,
            cwd=self.directory, env={**os.environ, **(env or {})}, capture_output=True,
            timeout=TIMEOUT_S, check=False)
        self.canaries.assert_absent([("output", (done.stdout + done.stderr).encode())])
        return done

    def rows(self, connector, *words):
        """What `connector test` prints of each function: (outcome, text)."""
        done = self("test", connector, *words)
        *lines, _ = done.stdout.splitlines()
        found = [re.fullmatch(r"(\w+) +(ok|failed|not sent) +(?:\d+ ms)?(?:  +(.*))?", line)
                 for line in lines]
        return {each[1]: (each[2], each[3] or "") for each in found}


@pytest.fixture
def author(tmp_path, canaries):
    return Author(tmp_path, canaries)


def test_a_good_connector(author):
    done = author("test", author.script(), "--secret-file", "secret.json", *WRITING)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "8 passed, 0 failed, 0 not sent"
    rows = author.rows(author.script(), "--secret-file", "secret.json", *WRITING)
    assert list(rows) == list(GOOD)
    assert rows["DescribeConnectorConfiguration"] == ("ok", "Library 1.0")
    assert rows["ListEntities"] == ("ok", "entities: 1; a cache time of 60 s counts as 600 s")
    assert rows["DescribeEntity"] == ("ok", "Book")


def test_what_is_not_known_is_not_sent(author):
    rows = author.rows(author.script(ListEntities={"isSuccess": True}))
    assert rows["ValidateCredentials"] == ("not sent", "give --secret-file or --secret-variable")
    assert rows["ListEntities"] == ("ok", "entities: 0")
    for name in ("DescribeEntity", "QueryData", "RetrieveData", "WriteData"):
        assert rows[name] == ("not sent", "no entity is listed: give --entity")


def test_the_secret_may_be_a_variable(author):
    done = author("test", author.script(), "--secret-variable", "LIBRARY",
                  env={"LIBRARY": author.secret.read_text()})
    assert done.returncode == 0, done.stderr
    assert "7 passed, 0 failed, 1 not sent" in done.stdout


def failing(message, code="InvalidArgument"):
    return {"isSuccess": False, "errorDetails": {"errorCode": code, "errorMessage": message}}


FAULTS = [
    ("DescribeConnectorConfiguration", {"isSuccess": True, "connectorOwner": 7},
     '/connectorOwner: expected'),
    ("ValidateConnectorRuntimeSettings",
     {"isSuccess": False, "errorsByInputField": {"shelf": "no such shelf"}},
     '{"shelf":"no such shelf"}'),
    ("ListEntities", {"isSuccess": True, "entities": [{"entityIdentifier": "Book"}]},
     "/entities/0/hasNestedEntities: expected a boolean, found nothing"),
    ("ListEntities", {"isSuccess": True, "nextToken": "again"},
     "/nextToken: page 2 has the token of a page before it, so that the pages never end"),
    ("ListEntities", {"entities": []}, "/isSuccess: expected a boolean, found nothing"),
    ("DescribeEntity", failing("no", "AccessDenied"), "AccessDenied: no"),
    ("QueryData", {"isSuccess": True, "records": [{"id": "7"}]},
     "/records/0: expected a string of at most 6291456 bytes, found an object"),
    ("QueryData", {"do": "raise"}, "no apples"),
    ("QueryData", {"do": "garbage"}, "not JSON"),
    ("QueryData", {"do": "exit"}, "exit status 3"),
    ("QueryData", {"do": "large"}, "6"),
    ("WriteData", {"isSuccess": True, "writeRecordResults": []},
     "/writeRecordResults: expected a result for each of 1 records, found 0"),
]


@pytest.mark.parametrize("name, answer, text", FAULTS,
                         ids=[f"{name}-{number}" for number, (name, _, _) in enumerate(FAULTS)])
def test_faults_are_shown(author, name, answer, text):
    outcome, shown = author.rows(author.script(**{name: answer}), *WRITING)[name]
    assert outcome == "failed"
    assert text in shown
    assert author("test", author.script(**{name: answer}), *WRITING).returncode == 1


def test_pages_are_followed(author):
    pages = [{"isSuccess": True, "records": ['{"id":"1"}', '{"id":"2"}'], "nextToken": "a"},
             {"isSuccess": True, "records": [], "nextToken": "b"},
             {"isSuccess": True, "records": ['{"id":"3"}']}]
    rows = author.rows(author.script(QueryData=pages))
    assert rows["QueryData"] == ("ok", "records: 3 on 3 pages")
    rows = author.rows(author.script(QueryData=pages), "--pages", "2")
    assert rows["QueryData"] == ("ok", "records: 2 on 2 pages; there are more pages than 2, "
                                       "see --pages")


def test_a_recording_has_no_secret_and_can_be_replayed(author):
    told = dict(GOOD["DescribeConnectorConfiguration"], connectorName=f"of {author.key}")
    connector = author.script(DescribeConnectorConfiguration=told,
                              QueryData={"isSuccess": True, "records": [
                                  json.dumps({"id": "7", "key": author.key})]})
    words = ("--secret-file", "secret.json", "--settings", json.dumps({"copy": author.key}))
    done = author("record", connector, "--to", "traffic", *words)
    assert done.returncode == 0, done.stderr
    text = (author.directory / "traffic").read_bytes()
    author.canaries.assert_absent([("recording", text)])
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["request"]["type"] for line in lines] == [f"{name}Request" for name in
                                                         list(GOOD)[:7]]
    assert lines[0]["answer"]["connectorName"] == "of [removed]"
    assert lines[1]["request"]["connectorRuntimeSettings"] == {"copy": "{secret:apiKey}"}
    assert all(line["outcome"] == "answered" for line in lines)

    done = author("replay", connector, "--from", "traffic", "--secret-file", "secret.json")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "7 the same, 0 different"
    assert author("record", connector, "--to", "traffic").returncode == 2  # it is there


def test_a_replay_shows_what_differs(author):
    done = author("record", author.script(QueryData={"do": "raise"}), "--to", "traffic")
    assert done.returncode == 1
    changed = author.script(
        ListEntities={"isSuccess": True, "entities": [dict(ENTITY, label="New")],
                      "cacheControl": None},
        DescribeEntity=dict(GOOD["DescribeEntity"], errorDetails=None))  # null is absent
    done = author("replay", changed, "--from", "traffic")
    assert done.returncode == 1
    rows = dict(re.fullmatch(r"(\w+)Request +(.*?) *", line).groups()
                for line in done.stdout.splitlines()[:-1])
    assert rows["DescribeConnectorConfiguration"] == rows["DescribeEntity"] == "same"
    assert rows["ListEntities"].split(None, 1) == [
        "different", '/entities/0/label: recorded nothing, now "New"']
    assert rows["QueryData"].startswith("different")
    done = author("replay", changed, "--from", "traffic", "--ignore",
                  "/entities/0/label,/cacheControl")
    assert re.search(r"^ListEntitiesRequest +same$", done.stdout, re.M)


def test_a_damaged_recording_is_named(author):
    (author.directory / "traffic").write_text('{"request": {}}\n')
    done = author("replay", author.script(), "--from", "traffic")
    assert done.returncode == 2
    assert "traffic:1: it has no request, or no outcome." in done.stderr


def test_one_call(author):
    done = author("invoke", author.script(), "--function", "DescribeEntity", "--entity", "Book",
                  "--api-version", "v1")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == GOOD["DescribeEntity"]
    broken = author.script(ListEntities={"isSuccess": True, "entities": 7})
    done = author("invoke", broken, "--function", "ListEntities")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"isSuccess": True, "entities": 7}
    assert "/entities: expected a list, found a number" in done.stderr
    done = author("invoke", author.script(), "--payload", '{"type": "ListEntitiesRequest"}')
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == GOOD["ListEntities"]


def test_requests_from_standard_input(author):
    lines = ['{"type": "ListEntitiesRequest"}', "", "no JSON", '{"type": "QueryDataRequest"}']
    done = author("run", author.script(QueryData={"do": "exit"}), stdin="\n".join(lines))
    assert done.returncode == 0, done.stderr
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first == GOOD["ListEntities"]
    assert second["outcome"] == "crashed"
    assert "a line that is not JSON" in done.stderr


def state_of(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def stopped_process(command):
    """The process that the command has started and stopped for a debugger."""
    found = None
    while not found:
        line = command.stderr.readline()
        assert line, "the command ended before it stopped a process"
        found = re.search(r"process (\d+) is stopped: attach", line)
    until = time.monotonic() + TIMEOUT_S
    while state_of(found[1]) != "T":  # the words come before the stop
        assert time.monotonic() < until, f"process {found[1]} does not stop"
        time.sleep(0.01)
    return int(found[1])


def test_a_process_that_waits_for_a_debugger(author):
    """It stops before the command starts, and has all time from there on."""
    with subprocess.Popen(headgate("connector", "invoke", "--debug", "--function", "ListEntities",
                                   "--command", author.script()), cwd=author.directory,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            pid = stopped_process(process)
            assert process.poll() is None
            os.kill(pid, signal.SIGCONT)
            out, _ = process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()
    assert process.returncode == 0
    assert json.loads(out) == GOOD["ListEntities"]


REFUSED = [
    (("test",), "--command is required"),
    (("invoke", "--command", "x"), "give either --function or --payload"),
    (("invoke", "--command", "x", "--function", "ListEntitys"), "Did you mean ListEntities?"),
    (("invoke", "--command", "x", "--function", "WriteData"), "WriteData was not called"),
    (("test", "--command", "x", "--operation", "MERGE"), "INSERT, UPDATE, UPSERT or DELETE"),
    (("test", "--command", "x", "--authentication", "NONE"), "BASIC, OAUTH2, APIKEY or CUSTOM"),
    (("test", "--command", "x", "--settings", "[]"), "--settings must hold a JSON object"),
    (("test", "--command", "x", "--secret-file", "/no/such/file"), "cannot open /no/such/file"),
    (("test", "--command", "x", "--secret-variable", "NO_SUCH_VARIABLE"), "NO_SUCH_VARIABLE"),
    (("replay", "--command", "x", "--from", "/no/such/file"), "cannot open /no/such/file"),
    (("tset", "--command", "x"), "Did you mean test?"),
]


@pytest.mark.parametrize("words, message", REFUSED, ids=[message for _, message in REFUSED])
def test_wrong_options(words, message):
    done = subprocess.run(headgate("connector", *words), capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    assert done.returncode == 2
    assert message in done.stderr
