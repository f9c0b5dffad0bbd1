"""What clients write to the stand-ins' records: an outcome for each record, and what is changed is
seen by queries and by `headgate sandbox --records`, in the account that was written to alone, also
after a restart."""

import json

import pytest

from support import sandbox as sandbox_of
from support.sandbox_records import send, truth, written
from test_commands import refused

# The stand-in alone: sanitizers see its writes in test_flows_to_vendors.py.
pytestmark = pytest.mark.as_users_run_it

HOST = "writes.my.salesforce.com"
DATA = "/services/data/v58.0"
COLLECTION = f"{DATA}/composite/sobjects"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture(scope="module")
def sandbox(folder):
    with sandbox_of.running(folder) as each:
        yield each


def call(sandbox, method, path=COLLECTION, body=None, host=HOST, **query):
    headers = {"Authorization": "Bearer sandbox-token-accepted"}
    status, _, answer = send(sandbox, host, method, path, headers, body, **query)
    return answer if status == 200 else (status, json.loads(answer))


def body(kind, *records, **more):
    return {"allOrNone": False, **more,
            "records": [{"attributes": {"type": kind}, **each} for each in records]}


def insert(sandbox, kind, *records, **more):
    return call(sandbox, "POST", body=body(kind, *records), **more)


def query(sandbox, soql, resource="query", **more):
    answer = call(sandbox, "GET", f"{DATA}/{resource}", q=soql, **more)
    return [{name: value for name, value in each.items() if name != "attributes"}
            for each in answer["records"]]


def count(sandbox, entity):
    answer = call(sandbox, "GET", f"{DATA}/query", q=f"SELECT COUNT() FROM {entity}")
    return answer["totalSize"]


def code_of(result):
    """A failed record's code, text and fields."""
    assert set(result) == {"success", "errors"} and not result["success"], result
    error, = result["errors"]
    return error["statusCode"], error["message"], error["fields"]


def untouched(entity, count=1):
    """Keys of the last records that are not deleted, which no other test changes."""
    keys = [each["Id"] for each in truth("Salesforce", entity) if not each["IsDeleted"]]
    return keys[-count:]


def test_records_are_added_changed_and_deleted(sandbox, folder):
    before = truth("Salesforce", "Account")
    made = insert(sandbox, "Account",
                  {"Name": "Łódź\n\"gate\" ✔", "AnnualRevenue": 12345678.4, "Type": None,
                   "BillingStreet": "", "NumberOfEmployees": "7"},
                  {"name": "second", "Rating_Score__c": 1.006, "BillingStreet": "Quay 1"})
    assert [each["success"] for each in made] == [True, True] and made[0]["errors"] == []
    first, second = (each["id"] for each in made)
    assert not {first, second} & {each["Id"] for each in before} and len(first) == 18
    changed, deleted = untouched("Account", 2)
    assert call(sandbox, "PATCH", body=body("Account", {"id": changed, "Name": "changed"},
                                            {"Id": second[:15], "Phone": "1"})) == [
        {"id": changed, "success": True, "errors": []},
        {"id": second, "success": True, "errors": []}]
    assert call(sandbox, "DELETE", ids=f"{deleted},{first}", allOrNone="false") == [
        {"id": deleted, "success": True, "errors": []},
        {"id": first, "success": True, "errors": []}]

    after = {each["Id"]: each for each in written(folder / "records", "Salesforce", "Account",
                                                  "--host", HOST)}
    assert len(after) == len(before) + 2
    moved = {each["Id"] for each in before if after[each["Id"]] != each}
    assert moved == {changed, deleted}
    old = next(each for each in before if each["Id"] == changed)
    stamps = {name: after[changed][name] for name in ("LastModifiedDate", "SystemModstamp")}
    assert min(stamps.values()) > old["SystemModstamp"]
    assert after[changed] == {**old, **stamps, "Name": "changed"}
    assert after[deleted]["IsDeleted"] and after[first]["IsDeleted"]
    assert {name: value for name, value in after[first].items() if value is not None} == {
        "Id": first, "IsDeleted": True, "Name": "Łódź\n\"gate\" ✔", "AnnualRevenue": 12345678.0,
        "NumberOfEmployees": 7, "CreatedDate": after[first]["CreatedDate"],
        "LastModifiedDate": after[first]["LastModifiedDate"],
        "SystemModstamp": after[first]["SystemModstamp"]}
    assert after[second]["Rating_Score__c"] == 1.01 and after[second]["Phone"] == "1"

    fields = ", ".join(old)
    assert query(sandbox, f"SELECT {fields} FROM Account WHERE Id IN "
                 f"('{changed}', '{deleted}', '{first}', '{second}')") == [
        after[changed], after[second]]
    another = untouched("Account", 3)[0]
    assert query(sandbox, f"SELECT {fields} FROM Account WHERE SystemModstamp > "
                 f"2026-01-01T00:00:00Z AND Id IN ('{changed}', '{deleted}', '{first}', "
                 f"'{another}')", "queryAll") == [after[key] for key in (changed, deleted, first)]
    # Another account has none of it.
    assert query(sandbox, f"SELECT Name FROM Account WHERE Id = '{changed}'",
                 host="other.my.salesforce.com") == [{"Name": old["Name"]}]


def test_records_are_found_by_an_external_id(sandbox):
    path = f"{COLLECTION}/Invoice__c/Number__c"
    known = next(each for each in truth("Salesforce", "Invoice__c")
                 if each["Number__c"] and not each["IsDeleted"])
    account = untouched("Account")[0]
    whole = {"Account__c": account, "Amount__c": "1.50", "Due_Date__c": "2026-02-03"}
    both = call(sandbox, "PATCH", path, body("Invoice__c", {"Number__c": known["Number__c"],
                                                            "Amount__c": 7},
                                             {"Number__c": "new-1", **whole},
                                             {"Number__c": "NEW-1", **whole}, {"Amount__c": 1}))
    assert both[0] == {"id": known["Id"], "success": True, "errors": [], "created": False}
    assert both[1]["success"] and both[1]["created"]
    assert code_of(both[2])[0] == "DUPLICATE_VALUE"
    assert code_of(both[3])[:2] == ("MISSING_ARGUMENT", "Number__c not specified")
    again, = call(sandbox, "PATCH", path, body("Invoice__c", {"Number__c": "new-1",
                                                              "Paid__c": True}))
    assert again == {**both[1], "created": False}
    found, = query(sandbox, "SELECT Id, Name, Account__c, Amount__c, Due_Date__c, Paid__c FROM "
                   "Invoice__c WHERE Number__c = 'new-1'")
    assert found.pop("Name").startswith("INV-")
    assert found == {"Id": again["id"], "Account__c": account, "Amount__c": 1.5,
                     "Due_Date__c": "2026-02-03", "Paid__c": True}
    assert call(sandbox, "PATCH", f"{COLLECTION}/Account/Name", body("Account"))[0] == 404
    assert call(sandbox, "PATCH", f"{COLLECTION}/None/Id", body("None"))[0] == 404


NOT_WRITTEN = ("INVALID_FIELD_FOR_INSERT_UPDATE",
               "Unable to create/update fields: CreatedDate. Please check the security settings "
               "of this field and verify that it is read/write for your profile or permission "
               "set.", ["CreatedDate"])
FAULTS = {
    "missing": ({"Phone": "1"}, ("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]",
                                 ["Name"])),
    "read-only": ({"Name": "n", "CreatedDate": "2026-01-01T00:00:00Z"}, NOT_WRITTEN),
    "unknown": ({"Name": "n", "Nothing": 1},
                ("INVALID_FIELD", "No such column 'Nothing' on sobject of type Account", [])),
    "long": ({"Name": "x" * 256}, ("STRING_TOO_LONG", "Account Name: data value too large: "
                                   f"{'x' * 100} (max length=255)", ["Name"])),
    "range": ({"Name": "n", "Rating_Score__c": 1000},
              ("NUMBER_OUTSIDE_VALID_RANGE", "Rating Score: value outside of valid range on "
               "numeric field: 1000", ["Rating_Score__c"])),
    "type": ({"Name": "n", "NumberOfEmployees": "many"},
             ("INVALID_TYPE_ON_FIELD_IN_RECORD",
              'Employees: value not of required type: many', ["NumberOfEmployees"])),
    "reference": ({"Name": "n", "ParentId": "none"},
                  ("MALFORMED_ID", "Parent Account ID: id value of incorrect type: none",
                   ["ParentId"])),
    "no record": ({"Name": "n", "ParentId": "0015g00000zzzzzAAA"},
                  ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ["ParentId"])),
    "twice": ({"Name": "n", "Customer_Number__c": "%s"}, ("DUPLICATE_VALUE", "", [])),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_record_that_is_refused(sandbox, name):
    record, expected = FAULTS[name]
    known = next(each for each in truth("Salesforce", "Account")
                 if each["Customer_Number__c"] and not each["IsDeleted"])
    record = {key: value.replace("%s", known["Customer_Number__c"])
              if isinstance(value, str) else value for key, value in record.items()}
    before = count(sandbox, "Account")
    good, bad = insert(sandbox, "Account", {"Name": 255 * "é"}, record)
    assert good["success"]
    code, message, fields = code_of(bad)
    assert (code, fields) == (expected[0], expected[2]) and expected[1] in message, bad
    first, second = call(sandbox, "POST", body=body("Account", {"Name": "beside"}, record,
                                                    allOrNone=True))
    assert code_of(first)[0] == "ALL_OR_NONE_OPERATION_ROLLED_BACK" and code_of(second)[0] == code
    assert count(sandbox, "Account") == before + 1


def test_ids_that_are_refused(sandbox):
    gone = next(each["Id"] for each in truth("Salesforce", "Contact") if each["IsDeleted"])
    contact = untouched("Contact")[0]
    results = call(sandbox, "DELETE", ids=f"{gone},{contact},{contact},0035g00000zzzzzAAA,x")
    assert results[1]["success"]
    assert [code_of(each)[0] for each in results[:1] + results[2:]] == [
        "ENTITY_IS_DELETED", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"]
    results = call(sandbox, "PATCH", body=body(
        "Contact", {"Name": "n"}, {"id": gone, "Name": "n"}, {"id": untouched("Lead")[0]}))
    assert [code_of(each)[0] for each in results] == [
        "MISSING_ARGUMENT", "ENTITY_IS_DELETED", "MALFORMED_ID"]
    assert code_of(call(sandbox, "POST", body=body("Account"[:-1], {"Name": "n"}))[0])[:2] == (
        "INVALID_TYPE", "sObject type 'Accoun' is not supported.")


@pytest.mark.parametrize("asked, code", [
    ("{", "JSON_PARSER_ERROR"), ("[]", "JSON_PARSER_ERROR"), ("{}", "JSON_PARSER_ERROR"),
    (body("Account", *201 * [{"Name": "n"}]), "EXCEEDED_ID_LIMIT")])
def test_a_call_that_is_refused_whole(sandbox, asked, code):
    status, (error,) = call(sandbox, "POST", body=asked)
    assert (status, error["errorCode"]) == (400, code)


def test_writes_are_kept_over_a_restart(tmp_path):
    with sandbox_of.running(tmp_path) as sandbox:
        before = count(sandbox, "Lead")
        made = insert(sandbox, "Lead", {"Name": "one"}, {"Name": "two"})
        insert(sandbox, "Lead", {"Name": "there"}, host="other.my.salesforce.com")
    lines = tmp_path / "records" / "Salesforce" / f"{HOST}.jsonl"
    with lines.open("a") as out:
        out.write('{"entity":"Lead","row":1,"at":1,"dele')  # as a crash cuts it
    with sandbox_of.running(tmp_path) as sandbox:
        assert count(sandbox, "Lead") == before + 2
        third, = insert(sandbox, "Lead", {"Name": "three"})
        assert third["id"] > made[1]["id"]
    mine = written(tmp_path / "records", "Salesforce", "Lead", "--host", HOST)
    assert [each["Name"] for each in mine[-3:]] == ["one", "two", "three"]
    words = ["--records", "--connector", "Salesforce", "--entity", "Lead", "--records-dir",
             tmp_path / "records"]
    assert "--host names one of: " in refused("sandbox", *words, status=2)
    assert "--host needs --records" in refused("sandbox", "--host", HOST, status=2)


def test_an_account_takes_so_much_and_no_more(tmp_path):
    """Another one is not touched by that."""
    many = [{"Name": "n", "Description": "x" * 30000} for _ in range(200)]
    with sandbox_of.running(tmp_path) as sandbox:
        results = []
        while not results or results[0]["success"]:
            assert len(results) < 1000
            results = insert(sandbox, "Account", *many)
        assert {code_of(each)[:2] for each in results} == {
            ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")}
        assert insert(sandbox, "Account", many[0], host="other.my.salesforce.com")[0]["success"]
    size = (tmp_path / "records" / "Salesforce" / f"{HOST}.jsonl").stat().st_size
    assert 8 * 1024 * 1024 < size <= 16 * 1024 * 1024


def test_users_match_by_what_they_have(sandbox, folder):
    """Of Zendesk: records without an external id are different ones, and so is one behind a record
    that was refused."""
    host = "matches.zendesk.com"
    users = [{"external_id": None, "email": "first@example.com", "name": "first"},
             {"external_id": None, "email": "second@example.com", "name": "second"},
             {"external_id": "same"}, {"external_id": "same", "name": "third"}]
    job = call(sandbox, "POST", "/api/v2/users/create_or_update_many.json", {"users": users}, host)
    status = job["job_status"]
    while status["status"] != "completed":
        status = call(sandbox, "GET", f"/api/v2/job_statuses/{status['id']}.json",
                      host=host)["job_status"]
    results = status["results"]  # in the order of the call
    assert ["error" in each for each in results] == [False, False, True, False], results
    assert len({results[at]["id"] for at in (0, 1, 3)}) == 3
    after = written(folder / "records", "Zendesk", "users", "--host", host)
    assert [each["name"] for each in after[-3:]] == ["first", "second", "third"]
