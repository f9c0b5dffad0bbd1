"""Previews of flows: the first records, what tasks make of each, and nothing stored or written."""

import json
import subprocess
import threading
import time

import pytest

from support import jobs, moving
from support.background import Background
from support.paged import PAGE, RECORDS, TASKS, Paged, begun, create_profile, wait_for_page
from support.salesforce import set_app
from support.server import command
from support.vendor import http
from support.vendor_flows import create_profile as create_profile_of, flow as vendor_flow, task
from test_flows import refused
from test_least_privilege import limited, policy_file
from test_moving_folders import partition

PREVIEW = [("X-Headgate-Preview", "true")]
S3 = "S3"
FORBIDDEN = http("403 Forbidden", json.dumps([
    {"message": "Not yours", "errorCode": "INSUFFICIENT_ACCESS"}]))


@pytest.fixture(scope="module")
def lasting(lasting_servers):
    return lasting_servers("--sandbox")


@pytest.fixture
def server(lasting):
    moving.buckets(lasting)
    yield lasting
    moving.clear(lasting)


def preview(server, definition, operation="CreateFlow"):
    answer = server.call(operation, definition, headers=PREVIEW)
    assert answer.status == 200, answer.body
    return answer.json()["preview"]


def counts(shown):
    return {name: shown[name] for name in ("read", "written", "filtered", "rejected",
                                           "unreadable", "isWhole")}


def of_s3(kind, operator, fields, **properties):
    return task(kind, operator, fields, S3, **properties)


def to(field, made):
    return {**of_s3("Map", "NO_OP", [field]), "destinationField": made}


TABLE = [
    of_s3("Filter", "PROJECTION", ["id", "name", "mail"]),
    of_s3("Filter", "LESS_THAN", ["id"], DATA_TYPE="number", VALUE="5"),
    of_s3("Validate", "VALIDATE_NON_NULL", ["mail"], VALIDATION_ACTION="DropRecord"),
    of_s3("Mask", "MASK_ALL", ["mail"], MASK_VALUE="*"),
    to("id", "number"), to("name", "name"), to("mail", "mail"),
]


def put_table(server):
    moving.put(server, "people.csv", (
        "id,name,mail\n1,Ana,a@b.c\n2,Bo,\n3,Ragged\n4,\"Søren \"\"S\"\"\",s@t.u\n9,Zoe,z@y.x\n"
    ).encode())


def test_each_record_is_shown_before_and_after(server):
    put_table(server)
    definition = moving.flow(file="CSV", tasks=TABLE)
    shown = preview(server, definition)
    assert counts(shown) == {"read": 5, "written": 2, "filtered": 1, "rejected": 1,
                             "unreadable": 1, "isWhole": True}
    first, without, ragged, last, filtered = shown["records"]
    assert first == {"page": 1, "position": 0, "line": 2,
                     "before": {"id": "1", "name": "Ana", "mail": "a@b.c"},
                     "after": {"number": "1", "name": "Ana", "mail": "*****"}}
    assert without["leftOut"] == {"task": 3, "reason": "the value is not valid"}
    assert ragged["unreadable"] and "before" not in ragged and ragged["line"] == 4
    assert last["after"]["name"] == 'Søren "S"'
    assert filtered["leftOut"] == {"reason": "a filter"} and "after" not in filtered
    server.ok("CreateFlow", definition)
    record = moving.run(server)
    assert record["executionResult"]["recordsProcessed"] == shown["read"]
    assert [json.loads(line) for line in b"".join(moving.written(server).values()).splitlines()] \
        == [first["after"], last["after"]]


def test_nothing_is_stored_or_written(server):
    put_table(server)
    answer = server.call("CreateFlow", moving.flow(file="CSV", tasks=TABLE), headers=PREVIEW)
    assert set(answer.json()) == {"flowArn", "flowStatus", "preview"}
    assert server.ok("ListFlows")["flows"] == [] and moving.written(server) == {}
    assert [server.count_rows(table) for table in ("flow_runs", "client_tokens")] == [0, 0]
    assert server.query("SELECT name FROM jobs WHERE kind = 'flow-run'") == []
    assert [row["outcome"] for row in server.query(
        "SELECT outcome FROM audit WHERE operation = 'CreateFlowPreview'")][-1:] == ["ok"]


def test_an_update_is_shown_and_not_made(server):
    put_table(server)
    definition = moving.flow(file="CSV", tasks=TABLE)
    server.ok("CreateFlow", definition)
    before = server.ok("DescribeFlow", {"flowName": "copy"})
    shown = preview(server, {**definition, "tasks": TABLE[:-1]}, "UpdateFlow")
    assert shown["records"][0]["after"] == {"number": "1", "name": "Ana"}
    assert server.ok("DescribeFlow", {"flowName": "copy"}) == before
    assert server.call("UpdateFlow", {**definition, "flowName": "none"},
                       headers=PREVIEW).status == 404


def test_what_would_end_a_run_is_said(server):
    put_table(server)
    ends = of_s3("Validate", "VALIDATE_NON_NULL", ["mail"], VALIDATION_ACTION="DropDataset")
    shown = preview(server, moving.flow(file="CSV", tasks=[*TABLE[:2], ends, *TABLE[4:]]))
    assert shown["read"] == 2 and shown["written"] == 1 and not shown["isWhole"]
    assert "DropDataset" in shown["error"] or "mail" in shown["error"], shown["error"]
    assert "after" not in shown["records"][1]


def test_records_of_any_length_are_bounded(server):
    rows = [{"id": number, "text": "x" * (100_000 if number == 1 else 40_000)}
            for number in range(30)]
    moving.put(server, "long", moving.lines_of(rows))
    answer = server.call("CreateFlow", moving.flow(), headers=PREVIEW)
    assert len(answer.body) < 600_000
    shown = answer.json()["preview"]
    assert shown["records"][1]["before"] == {"longerThanBytes": 65536}
    assert 3 < shown["read"] < 30 and not shown["isWhole"]


def test_folders_are_shown(server):
    moving.put(server, "page", moving.lines_of([{"id": 1, "land": "DK"}]))
    definition = moving.flow(tasks=[*moving.flow()["tasks"], partition("land")])
    assert preview(server, definition)["records"][0]["folder"] == "land=DK/"


def test_at_most_a_hundred(server):
    moving.put(server, "page", moving.lines_of([{"id": number} for number in range(300)]))
    shown = preview(server, moving.flow())
    assert shown["read"] == shown["written"] == 100 and not shown["isWhole"]
    assert [each["before"]["id"] for each in shown["records"]] == list(range(100))


@pytest.mark.parametrize("operation, parameters", [
    ("StartFlow", {"flowName": "copy"}), ("DeleteFlow", {"flowName": "copy"}),
    ("DescribeFlow", {"flowName": "copy"})])
def test_other_operations_have_none(server, operation, parameters):
    answer = server.call(operation, parameters, headers=PREVIEW)
    assert answer.status == 400 and b"has no preview, and nothing was done" in answer.body


def test_a_definition_is_checked_as_for_the_change(server):
    status, name, message = refused(server, "CreateFlow", {**moving.flow(), "tasks": []})
    answer = server.call("CreateFlow", {**moving.flow(), "tasks": []}, headers=PREVIEW)
    assert (answer.status, answer.json()["message"]) == (status, message) and name


def test_who_may_not_change_may_not_look(server, tmp_path):
    put_table(server)
    key = limited(server, 71, "--policy", str(policy_file(tmp_path, {
        "Effect": "Allow", "Action": "appflow:DescribeFlow", "Resource": "*"})))
    answer = server.call("CreateFlow", moving.flow(file="CSV", tasks=TABLE), headers=PREVIEW,
                         key=key)
    assert answer.status == 403 and b"Ana" not in answer.body


# --- drift: fields that the source describes, and those that tasks go by ---

@pytest.fixture(scope="module")
def desk(lasting):
    create_profile_of(lasting, "desk", "Zendesk")


def test_fields_that_the_source_does_not_describe_are_named(desk, server):
    """Also of a Mask task; what a Merge task makes is a field."""
    tasks = [task("Filter", "PROJECTION", ["id", "subject", "renamed"], "Zendesk"),
             task("Mask", "MASK_ALL", ["hidden"], "Zendesk", MASK_VALUE="*"),
             {**task("Merge", "NO_OP", ["id", "subject"], "Zendesk", CONCAT_FORMAT="${id}"),
              "destinationField": "both"},
             *({**task("Map", "NO_OP", [name], "Zendesk"), "destinationField": name}
               for name in ("id", "renamed", "both"))]
    shown = preview(server, vendor_flow("read", "tickets", tasks, "Zendesk", "desk"))
    assert shown["drift"]["unknownFields"] == [{"task": 1, "field": "renamed"},
                                               {"task": 2, "field": "hidden"},
                                               {"task": 5, "field": "renamed"}]
    assert shown["records"][0]["after"]["renamed"] is None


def ticket_map(field, **types):
    return {**task("Map", "NO_OP", [field], "Zendesk", **types), "destinationField": field}


def drift(server, tasks, **output):
    definition = vendor_flow("read", "tickets", tasks, "Zendesk", "desk")
    s3 = definition["destinationFlowConfigList"][0]["destinationConnectorProperties"]["S3"]
    s3["s3OutputFormatConfig"].update(output)
    return preview(server, definition)["drift"]


def test_fields_of_another_type_are_named_with_what_comes_of_it(desk, server):
    """Zendesk's id is an integer, its subject a string. Types of the same kind are the same."""
    found = drift(server, [
        ticket_map("id", SOURCE_DATA_TYPE="string"),
        ticket_map("subject", SOURCE_DATA_TYPE="int", DESTINATION_DATA_TYPE="string"),
        ticket_map("status", SOURCE_DATA_TYPE="picklist", DESTINATION_DATA_TYPE="string"),
        ticket_map("type", SOURCE_DATA_TYPE="no type that is known"), ticket_map("priority")])
    assert found["unknownFields"] == []
    assert found["retypedFields"] == [
        {"task": 1, "field": "id", "taskType": "string", "type": "integer", "effect": "asItComes"},
        {"task": 2, "field": "subject", "taskType": "int", "type": "string",
         "effect": "converted"}]


def test_a_typed_column_is_said(desk, server):
    found = drift(server, [ticket_map("id", SOURCE_DATA_TYPE="string")],
                  fileType="PARQUET", preserveSourceDataTyping=True)
    assert [each["effect"] for each in found["retypedFields"]] == ["column"]


def test_fields_that_no_task_reads_are_named(desk, server):
    found = drift(server, [ticket_map("id"),
                           task("Mask", "MASK_ALL", ["subject"], "Zendesk", MASK_VALUE="*")])
    unread = {each["field"]: each["type"] for each in found["unreadFields"]}
    assert unread["created_at"] == "datetime" and not unread.keys() & {"id", "subject"}
    assert found["unreadCount"] == len(unread) > 10


def test_a_task_that_copies_all_leaves_none_unread(desk, server):
    found = drift(server, [{**moving.ALL, "connectorOperator": {"Zendesk": "NO_OP"},
                             "taskProperties": {}}])
    assert found == {"unknownFields": [], "retypedFields": []}


# --- vendors ---

@pytest.fixture(scope="module")
def vendor(lasting_canaries):
    with Paged(lasting_canaries) as each:
        yield each


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with jobs.s3(tmp_path_factory.mktemp("s3")) as each:
        yield each


@pytest.fixture
def asking(servers, canaries, vendor, store):
    vendor.forget()
    server = begun(servers, canaries, vendor, store, "--verify-timeout", "3")
    create_profile(server, vendor)
    return server


def of_vendor(tasks=TASKS):
    return vendor_flow("read", "Account", tasks)


def test_pages_are_read_as_far_as_they_are_needed(asking, vendor):
    """Also by a token that is refused on the way, which is renewed and kept."""
    vendor.instead[1] = ["end tokens"]
    shown = preview(asking, of_vendor())
    assert [each["after"] for each in shown["records"]] == RECORDS[:100]
    assert {each["page"] for each in shown["records"]} == {1, 2} and vendor.asked[3] == 0
    assert shown["records"][PAGE]["position"] == 0
    assert preview(asking, of_vendor())["read"] == 100


def test_a_refusal_is_the_requests_error(asking, vendor):
    vendor.instead[0] = [FORBIDDEN]
    answer = asking.call("CreateFlow", of_vendor(), headers=PREVIEW)
    assert answer.status in (400, 401) and b"Update the connector profile crm" in answer.body


def test_a_refusal_behind_records_is_in_the_answer(asking, vendor):
    vendor.instead[1] = [FORBIDDEN]
    shown = preview(asking, of_vendor())
    assert shown["read"] == PAGE and "Update the connector profile crm" in shown["error"]


def test_a_vendor_that_asks_for_patience_is_not_waited_for(asking, vendor):
    vendor.instead[0] = [http("429 Too Many Requests", "[]", headers=[("Retry-After", "60")])]
    began = time.monotonic()
    answer = asking.call("CreateFlow", of_vendor(), headers=PREVIEW)
    assert answer.status in (500, 503) and b"gave no record in time" in answer.body, answer.raw
    assert time.monotonic() - began < 30


def test_a_silent_vendor_holds_no_other_request(asking, vendor):
    hold = threading.Event()
    vendor.instead[0] = [hold, FORBIDDEN]
    waiting = Background(lambda: asking.call("CreateFlow", of_vendor(), headers=PREVIEW))
    wait_for_page(vendor, 0)
    asking.ok("ListFlows")
    answer = waiting.result()
    hold.set()
    assert answer.status in (500, 503) and b"gave no record in time" in answer.body, answer.raw


def test_the_vendors_job_is_waited_for_and_ended(servers, canaries, store):
    with jobs.Jobs(canaries) as vendor:
        words, env = jobs.options(vendor, store)
        server = servers(*words, env=env)
        set_app(server, canaries)
        jobs.profile(server, vendor)
        tasks = [task("Filter", "PROJECTION", list(jobs.TYPES)),
                 *({**task("Map", "NO_OP", [name]), "destinationField": name}
                   for name in jobs.TYPES)]
        shown = preview(server, vendor_flow("read", "Account", tasks, dataTransferApi="BULKV2"))
        assert shown["read"] == 100
        assert [each["after"]["Id"] for each in shown["records"]] == [
            each["Id"] for each in jobs.RECORDS[:100]]
        assert vendor.jobs == {}


# --- the command ---

@pytest.fixture
def run(server, tmp_path):
    """headgate flow preview copy."""
    keys = tmp_path / "credentials"
    keys.write_text(f"[default]\naws_access_key_id = {server.key.id}\n"
                    f"aws_secret_access_key = {server.key.secret}\n")
    keys.chmod(0o600)

    def preview_of(*words):
        return subprocess.run(
            command("flow", "preview", "copy", "--server", server.endpoint, "--credentials", keys,
                    *words), capture_output=True, text=True, timeout=60)

    return preview_of


def test_the_command(server, run, tmp_path):
    put_table(server)
    definition = moving.flow(file="CSV", tasks=TABLE)
    path = tmp_path / "definition.json"
    path.write_text(json.dumps(definition))

    missing = run()
    assert missing.returncode == 1 and "copy does not exist" in missing.stderr
    new = run("--file", path)
    assert new.returncode == 0, new
    assert "(left out by task 3: the value is not valid)" in new.stdout
    assert "5 records read, all that there are: 2 would be written, 1 are left out by filters, " \
        "1 by other tasks, 1 cannot be read." in new.stdout
    server.ok("CreateFlow", definition)
    assert run().stdout == run("--file", path).stdout == new.stdout
    assert json.loads(run("--json").stdout)["preview"]["written"] == 2
    ends = of_s3("Validate", "VALIDATE_NON_NULL", ["mail"], VALIDATION_ACTION="DropDataset")
    path.write_text(json.dumps({**definition, "tasks": [*TABLE[:2], ends, *TABLE[4:]]}))
    ended = run("--file", path)
    assert ended.returncode == 1 and "A run would end here" in ended.stdout, ended
    path.write_text("[")
    assert run("--file", path).returncode == 2


def test_the_command_says_what_has_drifted(desk, run, tmp_path):
    path = tmp_path / "definition.json"
    path.write_text(json.dumps(vendor_flow("copy", "tickets", [
        ticket_map("id", SOURCE_DATA_TYPE="string"), ticket_map("renamed"),
        ticket_map("subject", SOURCE_DATA_TYPE="int", DESTINATION_DATA_TYPE="string")],
        "Zendesk", "desk")))
    done = run("--file", path)
    assert done.returncode == 0, done
    drifted = " ".join(done.stdout.partition("cannot be read.\n")[2].split())
    assert drifted.startswith(
        "Task 2 reads renamed, which the source does not describe. "
        "Task 1 takes id for string, and the source says that it is integer. It is written as it "
        "comes. Task 3 takes subject for int, and the source says that it is string. It is "
        "converted; what cannot be leaves its record out. No task reads: url, "), drifted
    assert drifted.endswith("more")
