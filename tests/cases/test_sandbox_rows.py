"""Single records that clients write to the Salesforce stand-in (sObject Rows), as Amazon's example
connector does: what is answered, and what the records are then."""

import json

import pytest

from support import sandbox as sandbox_of
from support.sandbox_records import send, truth

pytestmark = pytest.mark.as_users_run_it

HOST = "rows.my.salesforce.com"
DATA = "/services/data/v58.0"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with sandbox_of.running(tmp_path_factory.mktemp("sandbox")) as each:
        yield each


def call(sandbox, method, path, body=None, token="accepted", **query):
    headers = {"Authorization": f"Bearer sandbox-token-{token}"}
    status, _, answer = send(sandbox, HOST, method, f"{DATA}/{path}", headers, body, **query)
    return status, json.loads(answer) if isinstance(answer, str) else answer


def found(sandbox, entity, where, *fields):
    _, answer = call(sandbox, "GET", "query",
                     q=f"SELECT {', '.join(fields)} FROM {entity} WHERE {where}")
    return [[each[name] for name in fields] for each in answer["records"]]


def some(entity, field="Id"):
    return next(each for each in truth("Salesforce", entity)
                if each[field] and not each["IsDeleted"])


def test_a_record_is_added_changed_and_deleted(sandbox):
    status, made = call(sandbox, "POST", "sobjects/Account", {"Name": "one", "Phone": "1"})
    assert (status, made) == (201, {"id": made["id"], "success": True, "errors": []})
    path = f"sobjects/account/{made['id']}"
    assert call(sandbox, "PATCH", path, {"Name": "two \"2\""}) == (204, None)
    assert call(sandbox, "PATCH", path, {}) == (204, None)
    where = f"Id = '{made['id']}'"
    assert found(sandbox, "Account", where, "Name", "Phone") == [["two \"2\"", "1"]]
    assert call(sandbox, "DELETE", path) == (204, None)
    assert found(sandbox, "Account", where, "Name") == []
    for method in ("PATCH", "DELETE"):
        status, (error,) = call(sandbox, method, path, {"Name": "n"} if method == "PATCH" else None)
        assert (status, error["errorCode"]) == (404, "ENTITY_IS_DELETED")


def test_a_record_is_found_by_an_external_id(sandbox):
    known, account = some("Invoice__c", "Number__c"), some("Account")["Id"]
    path = "sobjects/Invoice__c/Number__c/"
    whole = {"Account__c": account, "Amount__c": 1.5, "Due_Date__c": "2026-02-03"}
    assert call(sandbox, "PATCH", path + known["Number__c"], {"Amount__c": 7}) == (
        200, {"id": known["Id"], "success": True, "errors": [], "created": False})
    status, made = call(sandbox, "PATCH", path + "a%2Fb%201", whole)
    assert (status, made["created"]) == (201, True)
    assert found(sandbox, "Invoice__c", f"Id IN ('{made['id']}', '{known['Id']}')",
                 "Number__c", "Amount__c") == [[known["Number__c"], 7], ["a/b 1", 1.5]]


NAME = {"Name": "n"}


@pytest.mark.parametrize("method, path, body, status, code", [
    ("POST", "sobjects/Account", {"Phone": "1"}, 400, "REQUIRED_FIELD_MISSING"),
    ("POST", "sobjects/Account", "[]", 400, "JSON_PARSER_ERROR"),
    ("POST", "sobjects/Account", "{", 400, "JSON_PARSER_ERROR"),
    ("POST", "sobjects/None", NAME, 404, "NOT_FOUND"),
    ("PATCH", "sobjects/Account/0015g00000zzzzzAAA", NAME, 404, "INVALID_CROSS_REFERENCE_KEY"),
    ("PATCH", "sobjects/Account/x", NAME, 400, "MALFORMED_ID"),
    ("PATCH", "sobjects/Account/{Account}", {"id": "x", **NAME}, 400, "INVALID_FIELD"),
    ("PATCH", "sobjects/Account/Name/n", NAME, 404, "NOT_FOUND"),
    ("PATCH", "sobjects/Account/None/n", NAME, 404, "NOT_FOUND"),
    ("PATCH", "sobjects/Account/%ff", NAME, 404, "NOT_FOUND"),
    ("DELETE", "sobjects/Account/{Contact}", None, 404, "NOT_FOUND")])
def test_a_record_that_is_refused(sandbox, method, path, body, status, code):
    path = path.format(Account=some("Account")["Id"], Contact=some("Contact")["Id"])
    answered, (error,) = call(sandbox, method, path, body)
    assert (answered, error["errorCode"]) == (status, code), error
    contact = some("Contact")["Id"]
    assert found(sandbox, "Contact", f"Id = '{contact}'", "Id") == [[contact]]


def test_a_token_that_is_refused_writes_nothing(sandbox):
    status, _ = call(sandbox, "POST", "sobjects/Lead", {"Name": "refused"}, token="rejected")
    assert status == 401
    assert found(sandbox, "Lead", "Name = 'refused'", "Name") == []
