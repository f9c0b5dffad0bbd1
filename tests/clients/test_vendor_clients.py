"""The sandbox judged by vendors' own clients, unmodified: each makes its own authentication call
with what `headgate sandbox --list` shows, and must be told what its vendor would tell it."""

import json
import os
import pathlib
import re
import subprocess

import pytest

from support import aws
from support import sandbox as sandbox_of
from support.sandbox_records import truth, written

HERE = pathlib.Path(__file__).parent
TIMEOUT_S = 60

APP = {"clientId": "sandbox-connected-app", "clientSecret": "sandbox-connected-app-secret"}


def datadog_models():
    """What connectors/datadog/entities.json says of the models of Datadog's client."""
    schema = json.loads((HERE / "../../connectors/datadog/entities.json").read_text())
    read, asked = {}, {}
    for entity in schema["entities"]:
        for field in entity["fields"]:
            of = read if field.get("read", True) else asked
            of.setdefault(entity["name"], set()).add(field["name"])
    # Answers have attributes of a series, which the model leaves out. The end of a range is no
    # filter of its own.
    return {"series": sorted(read["metrics-timeseries"] - {"attributes"}),
            "log": sorted(read["log-queries"]),
            "filter": sorted(asked["log-queries"] | {"to"})}


# Client, connector, and for each call: the outcome whose credentials it makes it with, what is
# given beside them, and what its answer must hold.
CALLS = {
    "jsforce": ("Salesforce", [
        ("identity", "accepted", {}, {"ok": {"user_id": "0055g00000AbCdEAAV"}}),
        ("identity", "rejected", {}, {"error": "INVALID_SESSION_ID"}),
        ("identity", "expired", {}, {"error": "INVALID_SESSION_ID"}),
        ("identity", "forbidden", {}, {"error": "API_DISABLED_FOR_ORG"}),
        ("identity", "throttled-no-retry-after", {}, {"error": "REQUEST_LIMIT_EXCEEDED"}),
        ("code", "accepted-code", APP, {"ok": {"instance_url": "https://acme.my.salesforce.com"}}),
        ("code", "used-code", APP,
         {"error": "invalid_grant", "message": "expired authorization code"}),
        ("code", "wrong-redirect-uri", APP, {"error": "redirect_uri_mismatch"}),
        ("code", "accepted-code", {**APP, "clientSecret": "another"}, {"error": "invalid_client"}),
        ("refresh", "accepted-refresh", APP, {"ok": {"token_type": "Bearer"}}),
        ("refresh", "refresh-revoked", APP, {"error": "invalid_grant"}),
        ("renew", "accepted-refresh", APP,
         {"ok": {"user_id": "0055g00000AbCdEAAV", "renewed": True}}),
        ("renew", "refresh-revoked", APP, {"message": "expired access/refresh token"}),
    ]),
    "node-zendesk": ("Zendesk", [
        ("me", "accepted", {}, {"ok": {"id": 4001, "role": "admin"}}),
        ("me", "rejected", {}, {"message": "Zendesk Error (401): Not Authorized"}),
        ("me", "expired", {}, {"message": "Zendesk Error (401): Not Authorized"}),
        ("me", "forbidden", {}, {"message": "Zendesk Error (403): Forbidden"}),
        ("me", "anonymous", {}, {"ok": {"id": None, "name": "Anonymous user"}}),
        ("fields", "accepted", {},
         {"ok": {"tickets": "101 102 103 360001 360002 360003",
                 "users": "standard::sms customer_number birthday",
                 "organizations": "contract_value region"}}),
        ("fields", "expired", {}, {"message": "Zendesk Error (401): Not Authorized"}),
    ]),
    "@datadog/datadog-api-client": ("Datadog", [
        ("validate", "accepted", {}, {"ok": {"valid": True}}),
        ("validate", "rejected", {}, {"status": 403, "answer": {"errors": ["Forbidden"]}}),
        ("query", "accepted", {}, {"ok": {"status": "ok"}}),
        ("logs", "accepted", {}, {"ok": {"logs": 2300, "first": "AgAAA0000021"}}),
        ("query", "accepted", {"applicationKey": "another"}, {"status": 403}),
        ("query", "forbidden", {}, {"status": 403, "message": "Failed permission authorization"}),
        ("query", "throttled", {}, {"status": 429}),
        ("models", "accepted", {}, {"ok": datadog_models()}),
    ]),
    "@slack/web-api": ("Slack", [
        ("test", "accepted", {}, {"ok": {"ok": True, "team": "Acme"}}),
        ("test", "rejected", {}, {"error": "invalid_auth"}),
        ("test", "expired", {}, {"error": "token_expired"}),
        ("test", "revoked", {}, {"error": "token_revoked"}),
        ("test", "throttled", {}, {"message": "retry this request in 3600 seconds"}),
        ("channels", "accepted", {},
         {"ok": {"ids": "C012AB3CD C061EG9T2 D0C0F7S8Y", "channel": {"name": "product-launch"}}}),
        ("channels", "forbidden", {}, {"error": "missing_scope"}),
        ("info", "accepted", {"channel": "C0NONE"}, {"error": "channel_not_found"}),
        ("history", "accepted", {"channel": "C012AB3CD"},
         {"ok": {"count": 1200, "distinct": 1200, "sorted": True}}),
        ("history", "accepted", {"channel": "C012AB3CD", "oldest": "1600000000.000000"},
         {"ok": {"sorted": True}}),
        ("history", "accepted", {"channel": "C0NONE"}, {"error": "channel_not_found"}),
        ("code", "accepted-code", {}, {"ok": {"ok": True, "team": {"name": "Acme"}}}),
        ("code", "used-code", {}, {"error": "code_already_used"}),
        ("code", "wrong-client", {}, {"error": "bad_client_secret"}),
        ("code", "wrong-redirect-uri", {}, {"error": "bad_redirect_uri"}),
    ]),
    "google-auth-library": ("Googleanalytics", [
        ("tokenInfo", "accepted", {},
         {"ok": {"scopes": ["https://www.googleapis.com/auth/analytics.readonly"]}}),
        ("tokenInfo", "rejected", {}, {"error": "invalid_token", "status": 400}),
        ("views", "accepted", {}, {"ok": {"names": "3003 All Web Site Data, 3004 Shop"}}),
        ("views", "expired", {}, {"status": 401}),
        ("code", "accepted-code", {}, {"ok": {"token_type": "Bearer"}}),
        ("code", "used-code", {}, {"error": "invalid_grant", "status": 400}),
        ("code", "wrong-client", {}, {"error": "invalid_client", "status": 401}),
        ("refresh", "accepted-refresh", {}, {"ok": {"token": "sandbox-issued-access-"}}),
        ("refresh", "refresh-revoked", {}, {"error": "invalid_grant", "status": 400}),
    ]),
    "snowflake-sdk": ("Snowflake", [
        ("login", "accepted", {}, {"ok": {"rows": [{"1": 1}]}}),
        ("tables", "accepted", {},
         {"ok": {"schemas": "INFORMATION_SCHEMA PUBLIC", "tables": "ACCOUNTS ORDERS order-lines",
                 "columns": "ID ACCOUNT_ID Amount PLACED_AT TAX",
                 "first": {"type": "NUMBER(38,0)", "null?": "N", "primary key": "Y"}}}),
        ("tables", "accepted", {"table": "NONE"}, {"status": "002003"}),
        ("login", "rejected", {},
         {"status": "390100", "message": "Incorrect username or password was specified."}),
        ("login", "locked", {}, {"message": "Your user account has been temporarily locked"}),
        ("login", "mfa", {}, {"error": "OperationFailedError"}),
    ]),
}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """A sandbox of its own: what a client's process needs to be led there and to trust it."""
    folder = tmp_path_factory.mktemp("sandbox")
    with sandbox_of.running(folder) as each:
        yield {"SANDBOX_PORT_80": str(each.http_port), "SANDBOX_PORT_443": str(each.tls_port),
               "NODE_EXTRA_CA_CERTS": str(each.ca), "SANDBOX_RECORDS": str(folder / "records")}


def make_calls(sandbox, calls):
    done = subprocess.run(
        ["node", "--require", HERE / "lead_to_sandbox.cjs", HERE / "vendor_clients.mjs"],
        input=json.dumps(calls).encode(), capture_output=True, timeout=TIMEOUT_S,
        env={**os.environ, **sandbox})
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def holds(answer, expected):
    """Whether an answer has what is expected of it; a text may say more."""
    if isinstance(expected, dict):
        return isinstance(answer, dict) and all(
            name in answer and holds(answer[name], value) for name, value in expected.items())
    if isinstance(expected, str) and isinstance(answer, str):
        return expected in answer
    return answer == expected


def call_with(client, call, kind, outcome, given):
    config = aws.sandbox_list()[kind][outcome]
    (key, credentials), = config["connectorProfileCredentials"].items()
    return {"client": client, "call": call, "credentials": {**credentials, **given},
            "properties": config["connectorProfileProperties"].get(key, {})}


@pytest.mark.parametrize("client", [
    pytest.param(client, marks=pytest.mark.shows("peer", client, kind=kind), id=client)
    for client, (kind, _) in CALLS.items()])
def test_the_vendor_s_own_client(sandbox, client):
    kind, calls = CALLS[client]
    answers = make_calls(sandbox, [call_with(client, call, kind, outcome, given)
                                   for call, outcome, given, _ in calls])
    assert len(answers) == len(calls)
    for (call, outcome, _, expected), answer in zip(calls, answers):
        assert ("ok" in answer) == ("ok" in expected), (call, outcome, answer)
        assert holds(answer, expected), (call, outcome, answer)


@pytest.mark.parametrize("entity, every", [("Account", True), ("Invoice__c", False)])
def test_jsforce_reads_what_records_prints(sandbox, entity, every):
    """Page by page, with and without deleted records."""
    expected = [record for record in truth("Salesforce", entity)
                if every or not record["IsDeleted"]]
    answer, = make_calls(sandbox, [call_with("jsforce", "query", "Salesforce", "accepted", {
        "soql": f"SELECT {', '.join(expected[0])} FROM {entity}", "all": every})])
    assert answer == {"ok": expected}


def csv_value(value):
    """As the CSV of a job has it, which knows neither null nor types."""
    if isinstance(value, bool):
        return str(value).lower()
    text = "" if value is None else str(value)
    return re.sub(r"(T\S+)\+0000$", r"\1Z", text)


@pytest.mark.parametrize("entity, every", [("Account", True), ("Invoice__c", False)])
def test_jsforce_reads_jobs(sandbox, entity, every):
    """The same records as by pages, with and without deleted ones, but for nested fields."""
    flat = [name for name, value in truth("Salesforce", entity)[0].items()
            if not name.endswith("Address")]
    expected = [{name: record[name] for name in flat} for record in truth("Salesforce", entity)
                if every or not record["IsDeleted"]]
    soql = f"SELECT {', '.join(flat)} FROM {entity}"
    pages, job, nested = make_calls(sandbox, [
        call_with("jsforce", call, "Salesforce", "accepted", {"soql": text, "all": every})
        for call, text in (("query", soql), ("bulk", soql),
                           ("bulk", "SELECT BillingAddress FROM Account"))])
    assert pages == {"ok": expected}
    numbers = {name for record in expected for name, value in record.items()
               if isinstance(value, (int, float)) and not isinstance(value, bool)}
    assert [{name: float(value) if name in numbers and value else value
             for name, value in record.items()} for record in job["ok"]] == [
        {name: float(value) if name in numbers and value is not None else csv_value(value)
         for name, value in record.items()} for record in expected]
    assert "Selecting compound data not supported in Bulk Query" in nested["message"]


def test_jsforce_writes_what_records_prints(sandbox):
    """Each record that it adds, changes and deletes has the outcome that the client's types name,
    and is what the stand-in has afterwards."""
    before = truth("Salesforce", "Account")
    keys = [each["Id"] for each in before if not each["IsDeleted"]]
    numbers = [each["Customer_Number__c"] for each in before
               if each["Customer_Number__c"] and not each["IsDeleted"]]
    # An account of its own, as other tests read the usual one.
    instance = {"instanceUrl": "https://writes.my.salesforce.com"}
    answer, = make_calls(sandbox, [{**call_with("jsforce", "write", "Salesforce", "accepted", {
        "entity": "Account", "external": "Customer_Number__c",
        "inserted": [{"Name": "łódź"}, {"Name": "second", "Type": None}, {"Phone": "1"}],
        "updated": [{"Id": keys[0], "Name": "changed"}, {"Id": keys[1], "Name": None}],
        "upserted": [{"Customer_Number__c": numbers[5], "Phone": "77"},
                     {"Customer_Number__c": "own 1", "Name": "third"}],
        "deleted": [keys[2], "0015g00000zzzzzAAA"]}), "properties": instance}])
    answer = answer["ok"]
    outcomes = {name: [each["success"] for each in answer[name]] for name in
                ("made", "changed", "matched", "gone")}
    assert outcomes == {"made": [True, True, False], "changed": [True, False, True],
                        "matched": [True, True], "gone": [True, False, True]}
    assert answer["made"][2]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert answer["gone"][1]["errors"][0]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert "Required fields are missing: [Name]" in json.dumps(answer["whole"])
    after = written(sandbox["SANDBOX_RECORDS"], "Salesforce", "Account", "--host",
                    "writes.my.salesforce.com")
    assert len(after) == len(before) + 3
    by_key = {each["Id"]: each for each in after}
    first, second, third = after[-3:]
    assert (first["Name"], first["Phone"], first["IsDeleted"]) == ("łódź", "555", False)
    assert (second["Name"], second["IsDeleted"]) == ("second", True)
    assert (third["Name"], third["Customer_Number__c"]) == ("third", "own 1")
    assert by_key[keys[0]]["Name"] == "changed" and by_key[keys[2]]["IsDeleted"]
    assert [each["Phone"] for each in after if each["Customer_Number__c"] == numbers[5]] == ["77"]
    read, = make_calls(sandbox, [{**call_with("jsforce", "query", "Salesforce", "accepted", {
        "soql": f"SELECT {', '.join(after[0])} FROM Account", "all": True}),
        "properties": instance}])
    assert read == {"ok": after}


@pytest.mark.parametrize("resource", ["tickets", "users", "organizations"])
def test_node_zendesk_reads_what_records_prints(sandbox, resource):
    listed, exported = make_calls(sandbox, [
        call_with("node-zendesk", call, "Zendesk", "accepted", {"resource": resource, "start": 1})
        for call in ("list", "exported")])
    expected = truth("Zendesk", resource)
    assert listed == {"ok": expected}
    # Of an export the client follows no pages: those that changed first.
    assert len(exported["ok"]) == 1000
    assert exported["ok"] == sorted(
        expected, key=lambda record: (record["updated_at"], record["id"]))[:1000]


def test_node_zendesk_writes_what_records_prints(sandbox):
    """By jobs that the client watches; each result is of the record at its place."""
    users = truth("Zendesk", "users")
    known = next(each for each in users if each["email"])
    instance = {"instanceUrl": "https://writes.zendesk.com"}
    answer, = make_calls(sandbox, [{**call_with("node-zendesk", "write", "Zendesk", "accepted", {
        "tickets": [{"subject": "łódź", "comment": {"body": "why"}}, {"subject": "no comment"}],
        "users": [{"email": known["email"], "name": "known"}, {"email": "a@b.example",
                                                               "name": "new"}],
        "changed": [{"id": users[7]["id"], "alias": "seven"}, {"id": 1, "alias": "none"}],
        "organizations": [{"name": "own"}, {"name": "own"}]}), "properties": instance}])
    assert "ok" in answer, answer
    answer = answer["ok"]

    def now(entity):
        return written(sandbox["SANDBOX_RECORDS"], "Zendesk", entity, "--host",
                       "writes.zendesk.com")

    tickets = now("tickets")
    assert len(tickets) == len(truth("Zendesk", "tickets")) + 1
    assert (tickets[-1]["subject"], tickets[-1]["description"]) == ("łódź", "why")
    assert answer["tickets"] == [
        {"index": 0, "id": tickets[-1]["id"], "success": True},
        {"index": 1, "error": "TicketCreateFailed", "details": "Description: cannot be blank"}]
    after = now("users")
    assert [each["name"] for each in after if each["id"] in (known["id"], after[-1]["id"])] == [
        "known", "new"]
    assert answer["users"] == [{"id": known["id"], "status": "Updated"},
                               {"id": after[-1]["id"], "status": "Created"}]
    assert after[7]["alias"] == "seven" and answer["changed"][0]["status"] == "Updated"
    assert answer["changed"][1] == {"id": 1, "error": "UserUpdateError",
                                    "details": "RecordNotFound", "status": "Failed"}
    assert [each["status"] for each in answer["organizations"]] == ["Created", "Failed"]
    assert now("organizations")[-1]["name"] == "own"


def test_jsforce_names_what_is_refused(sandbox):
    answer, = make_calls(sandbox, [call_with("jsforce", "query", "Salesforce", "accepted", {
        "soql": "SELECT Nothing FROM Account"})])
    assert answer["error"] == "INVALID_FIELD"
    assert "No such column 'Nothing' on entity 'Account'" in answer["message"]


def test_jsforce_describes_what_we_list(sandbox, sandboxed, canaries):
    """The same stand-in, read by Salesforce's client and by us."""
    answer, = make_calls(sandbox, [call_with("jsforce", "describe", "Salesforce", "accepted", {})])
    client = aws.boto(sandboxed)
    aws.create(client, "crm", "Salesforce", aws.config_for(canaries, "Salesforce", "accepted"))
    ours = client.list_connector_entities(connectorProfileName="crm")["connectorEntityMap"]
    assert {each["name"]: each["label"] for each in ours["Objects"]} == {
        each["name"]: each["label"] for each in answer["ok"]["sobjects"]}
    fields = client.describe_connector_entity(
        connectorProfileName="crm", connectorEntityName="Account")["connectorEntityFields"]
    theirs = answer["ok"]["fields"]
    assert [each["identifier"] for each in fields] == [each["name"] for each in theirs]
    for our, their in zip(fields, theirs):
        assert our["label"] == their["label"]
        assert our["supportedFieldTypeDetails"]["v1"]["fieldType"] == their["type"]
        assert our["sourceProperties"]["isQueryable"] == their["filterable"]
        assert our["destinationProperties"]["isCreatable"] == their["createable"]
        assert our["destinationProperties"]["isUpdatable"] == their["updateable"]
        assert our["destinationProperties"]["isNullable"] == their["nillable"]
