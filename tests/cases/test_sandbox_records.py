"""Records of the stand-ins: `headgate sandbox --records` prints them all, and vendors' queries are
answered with the same ones."""

import datetime
import http.client
import json

import pytest

from support import sandbox as sandbox_of
from support.sandbox_records import get, truth
from support.server import headgate
from test_commands import refused

# The stand-in alone: sanitizers see it in test_sandbox_lists.py, and how it reads queries in the
# unit program sandbox-records.
pytestmark = pytest.mark.as_users_run_it

HOST = "acme.my.salesforce.com"
API = "/services/data/v58.0"
TYPES = {"id": str, "reference": str, "string": str, "picklist": str, "textarea": str,
         "phone": str, "url": str, "boolean": bool, "int": int, "double": float,
         "currency": float, "date": str, "datetime": str, "address": dict}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with sandbox_of.running(tmp_path_factory.mktemp("sandbox")) as each:
        yield each


def ask(sandbox, path, token="sandbox-token-accepted", headers=None, **query):
    return get(sandbox, HOST, path, {"Authorization": f"Bearer {token}", **(headers or {})},
               **query)


def pages(sandbox, soql, resource="query", **more):
    """The records of each page."""
    status, _, answer = ask(sandbox, f"{API}/{resource}", q=soql, **more)
    found = []
    while True:
        assert status == 200, answer
        found.append([{name: value for name, value in record.items() if name != "attributes"}
                      for record in answer["records"]])
        if answer["done"]:
            assert "nextRecordsUrl" not in answer
            assert answer["totalSize"] == sum(map(len, found))
            return found
        status, _, answer = ask(sandbox, answer["nextRecordsUrl"], **more)


def query(sandbox, soql, **more):
    return sum(pages(sandbox, soql, **more), [])


def test_every_queryable_object_has_records_as_described(sandbox):
    _, _, answer = ask(sandbox, f"{API}/sobjects")
    names = [each["name"] for each in answer["sobjects"]]
    with_records = [name for name in names if not name.endswith(("__e", "ChangeEvent"))]
    assert len(with_records) == 15
    for name in with_records:
        _, _, described = ask(sandbox, f"{API}/sobjects/{name}/describe")
        records = truth("Salesforce", name)
        assert len(records) >= 1000
        assert len({record["Id"] for record in records}) == len(records)
        for field in described["fields"]:
            values = [record[field["name"]] for record in records]
            given = [value for value in values if value is not None]
            assert all(isinstance(value, TYPES[field["type"]]) for value in given), field["name"]
            assert (len(given) < len(values)) == field["nillable"], field["name"]
            if field["length"]:
                assert max(map(len, given)) <= field["length"], field["name"]
        assert {tuple(record) for record in records} == {
            tuple(field["name"] for field in described["fields"])}


def test_records_have_what_breaks_readers():
    lines = headgate("sandbox", "--records", "--connector", "Salesforce", "--entity", "Account")
    assert lines == headgate("sandbox", "--records", "--connector", "Salesforce", "--entity",
                             "Account")
    records = [json.loads(line) for line in lines.splitlines()]
    text = " ".join(record["Description"] or "" for record in records)
    assert {"\n", "\r", "\t", '"', "温", "✔"} <= set(text)
    assert max(len(record["Description"] or "") for record in records) > 1000
    assert any(record["Customer_Number__c"].startswith("00") for record in records
               if record["Customer_Number__c"])
    assert "E" in lines.split('"AnnualRevenue":')[4].split(",")[0]
    assert {type(record["Rating_Score__c"]) for record in records} == {float, type(None)}
    created = [record["CreatedDate"] for record in records]
    assert created != sorted(created), "none came late"
    changed = [record["SystemModstamp"] for record in records]
    assert max(map(changed.count, changed)) >= 20, "no bulk change"
    assert 0 < sum(record["IsDeleted"] for record in records) < len(records) / 10


@pytest.mark.parametrize("words, says", [
    (["--records", "--connector", "Salesforce", "--entity", "Accont"], "It has those of: AI"),
    (["--records", "--connector", "Honeycode", "--entity", "events"], "It has those of: "),
    (["--records", "--connector", "Salesforce", "--entity", "AccountChangeEvent"], "no records"),
    (["--records", "--connector", "Salesforce"], "--records needs --connector and --entity"),
    (["--entity", "Account"], "--entity needs --records"),
    (["--connector", "Salesforce"], "--connector needs --list or --records"),
    (["--list", "--records", "--connector", "Salesforce", "--entity", "Account"], "exclude"),
])
def test_records_that_there_are_not(words, says):
    assert says in refused("sandbox", *words, status=2)


# --- queries ---


@pytest.mark.parametrize("size", [None, 1, 5000])
def test_pages_are_the_truth(sandbox, size):
    everything = truth("Salesforce", "Account")
    headers = {"Sforce-Query-Options": f"batchSize={size}"} if size else {}
    soql = f"SELECT {', '.join(everything[0])} FROM Account"
    expected = 500 if size is None else min(max(size, 200), 2000)
    found = pages(sandbox, soql, headers=headers)
    assert {len(page) for page in found[:-1]} == {expected}
    assert sum(found, []) == [record for record in everything if not record["IsDeleted"]]
    assert sum(pages(sandbox, soql, resource="queryAll", headers=headers), []) == everything


def moment(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def after(text):
    return lambda record: moment(record["SystemModstamp"]) > moment(text)


@pytest.mark.parametrize("where, holds", [
    ("Type = 'partner'", lambda r: r["Type"] == "Partner"),
    ("Type != 'Partner'", lambda r: r["Type"] != "Partner"),
    ("Type = null", lambda r: r["Type"] is None),
    ("Type IN ('Customer', null)", lambda r: r["Type"] in ("Customer", None)),
    ("Type NOT IN ('Customer')", lambda r: r["Type"] != "Customer"),
    ("AnnualRevenue > 1000.5", lambda r: (r["AnnualRevenue"] or 0) > 1000.5),
    ("AnnualRevenue <= -3", lambda r: (r["AnnualRevenue"] or 0) <= -3),
    ("NumberOfEmployees = 2147483647", lambda r: r["NumberOfEmployees"] == 2147483647),
    ("Rating_Score__c < 0.10", lambda r: r["Rating_Score__c"] is not None
     and r["Rating_Score__c"] < 0.1),
    ("Name LIKE '%łódź%'", lambda r: False),  # only letters of ASCII are of any case
    ("Name LIKE '%ódź%'", lambda r: "ódź" in r["Name"]),
    ("Name LIKE 'saw%12__'",
     lambda r: r["Name"].startswith("Sawmill") and r["Name"][-4:-2] == "12"),
    ("Name LIKE '%L\\'Aquila%'", lambda r: "L'Aquila" in r["Name"]),
    ("Website LIKE '%\\%20'", lambda r: bool(r["Website"])),
    ("SystemModstamp > 2023-01-01T02:00:00+02:00", after("2023-01-01T00:00:00.000+0000")),
    ("SystemModstamp > 2023-01-01T00:00:00Z AND SystemModstamp <= 2023-02-01T00:00:00.000Z",
     lambda r: after("2023-01-01T00:00:00.000+0000")(r)
     and not after("2023-02-01T00:00:00.000+0000")(r)),
    ("LastActivityDate = 2000-02-29", lambda r: r["LastActivityDate"] == "2000-02-29"),
    ("LastActivityDate >= 2024-06-01", lambda r: (r["LastActivityDate"] or "") >= "2024-06-01"),
    ("NOT (Type = 'Partner' OR Type = 'Customer') AND Phone != null",
     lambda r: r["Type"] is None and r["Phone"] is not None),
    ("Id = '0015g0000000001AAA'", lambda r: r["Id"] == "0015g0000000001AAA"),
])
def test_conditions(sandbox, where, holds):
    expected = [record["Id"] for record in truth("Salesforce", "Account")
                if not record["IsDeleted"] and holds(record)]
    found = query(sandbox, f"select id from account where {where}")
    assert [record["Id"] for record in found] == expected
    assert bool(found) == ("łódź" not in where)


def test_flags_are_compared(sandbox):
    expected = [record for record in truth("Salesforce", "Invoice__c")
                if record["Paid__c"] and not record["IsDeleted"]]
    names = ", ".join(expected[0])
    assert query(sandbox, f"SELECT {names} FROM Invoice__c WHERE Paid__c = TRUE") == expected


def test_order_and_limits(sandbox):
    records = [record for record in truth("Salesforce", "Account") if not record["IsDeleted"]]
    changed = sorted(records, key=lambda record: (record["SystemModstamp"], record["Id"]))
    soql = "SELECT Id FROM Account ORDER BY SystemModstamp, Id"
    ids = [record["Id"] for record in changed]
    assert [record["Id"] for record in query(sandbox, soql)] == ids
    assert [record["Id"] for record in query(sandbox, soql + " LIMIT 7 OFFSET 3")] == ids[3:10]
    with_score = sorted((r for r in records if r["Rating_Score__c"] is not None),
                        key=lambda record: -record["Rating_Score__c"])
    found = query(sandbox, "SELECT Rating_Score__c FROM Account "
                           "ORDER BY Rating_Score__c DESC NULLS LAST, Id LIMIT 1500")
    assert found == [{"Rating_Score__c": r["Rating_Score__c"]} for r in with_score][:1500]
    first, = query(sandbox, "SELECT Type FROM Account ORDER BY Type LIMIT 1")
    assert first == {"Type": None}


def test_counts(sandbox):
    everything = truth("Salesforce", "Account")
    live = sum(not record["IsDeleted"] for record in everything)
    for resource, count in (("query", live), ("queryAll", len(everything))):
        _, _, answer = ask(sandbox, f"{API}/{resource}", q="SELECT COUNT() FROM Account")
        assert answer == {"totalSize": count, "done": True, "records": []}


@pytest.mark.parametrize("soql, code, says", [
    ("SELECT Id, Foo FROM Account", "INVALID_FIELD",
     "\nSELECT Id, Foo FROM Account\n           ^\nERROR at Row:1:Column:12\n"
     "No such column 'Foo' on entity 'Account'. If you are attempting to use a custom field, be "
     "sure to append the '__c' after the custom field name. Please reference your WSDL or the "
     "describe call for the appropriate names."),
    ("SELECT Id FROM Foo", "INVALID_TYPE", "sObject type 'Foo' is not supported."),
    ("SELECT Id FROM AccountChangeEvent", "INVALID_TYPE_FOR_OPERATION", "does not support query"),
    ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
    ("SELECT Id FROM Account WHERE Name = 'x\\'", "MALFORMED_QUERY", "unexpected token: '''"),
    ("SELECT Id FROM Account WHERE Name ~ 'x'", "MALFORMED_QUERY", "unexpected token: '~'"),
    ("SELECT Id FROM Account WHERE 東 = 'x'", "MALFORMED_QUERY", "unexpected token: '東'"),
    ("SELECT Id FROM Account LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
    ("SELECT Id FROM Account WHERE Id = '1' AND Id = '2' OR Id = '3'", "MALFORMED_QUERY",
     "unexpected token: 'OR'"),
    ("SELECT Id FROM Account WHERE " + "(" * 50, "MALFORMED_QUERY", "unexpected token: '('"),
    ("SELECT Id FROM Account WHERE " + "NOT " * 50, "MALFORMED_QUERY", "unexpected token: 'NOT'"),
    ("SELECT Id, Id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
    ("SELECT Id FROM Account WHERE CreatedDate > '2024-01-01T00:00:00Z'", "INVALID_FIELD",
     "must be of type dateTime and should not be enclosed in quotes"),
    ("SELECT Id FROM Account WHERE CreatedDate > 2024-02-30T00:00:00Z", "INVALID_FIELD",
     "must be of type dateTime"),
    ("SELECT Id FROM Account WHERE LastActivityDate > 2024-01-01T00:00:00Z", "INVALID_FIELD",
     "must be of type date"),
    ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD",
     "must be of type string and should be enclosed in quotes"),
    ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD",
     "field 'Description' can not be filtered in a query call"),
    ("SELECT Id FROM Account WHERE BillingAddress != null", "INVALID_FIELD", "can not be filtered"),
    ("SELECT Id FROM Account ORDER BY Description", "INVALID_FIELD", "can not be sorted"),
    ("SELECT Id FROM Account WHERE NumberOfEmployees LIKE '1%'", "INVALID_FIELD",
     "invalid operator on field 'NumberOfEmployees'"),
])
def test_queries_that_are_refused(sandbox, soql, code, says):
    status, _, text = ask(sandbox, f"{API}/query", q=soql)
    fault, = json.loads(text)
    assert (status, fault["errorCode"]) == (400, code)
    assert says in fault["message"]


def test_the_longest_query_has_pages(sandbox):
    """Its locator fits in a request; a longer query is refused, not its second page."""
    start = "SELECT Id FROM Account WHERE Name != '"
    longest = start + "x" * (6000 - len(start) - 1) + "'"
    records = [each for each in truth("Salesforce", "Account") if not each["IsDeleted"]]
    found = query(sandbox, longest, headers={"Sforce-Query-Options": "batchSize=2000"})
    assert found == [{"Id": each["Id"]} for each in records]
    status, _, text = ask(sandbox, f"{API}/query", q=start + "x" + longest[len(start):])
    fault, = json.loads(text)
    assert (status, fault["errorCode"]) == (400, "MALFORMED_QUERY")
    assert fault["message"] == "SOQL statements cannot be longer than 6000 characters."


@pytest.mark.parametrize("locator", ["01gX-500", "01g-500", "nothing", "01gUVNFTEVDVA-x", "-"])
def test_locators_that_lead_nowhere(sandbox, locator):
    status, _, text = ask(sandbox, f"{API}/query/{locator}")
    fault, = json.loads(text)
    assert (status, fault["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


# --- what goes wrong between two pages ---


@pytest.mark.parametrize("outcome, first, then", [
    ("throttled", 429, 200),
    ("server-error", 503, 200),
    ("expired", 401, 401),
    ("cursor-expired", 400, 400),
])
def test_a_later_page_fails(sandbox, outcome, first, then):
    token = f"sandbox-token-accepted-later-{outcome}-1"
    soql = "SELECT Id FROM Account"
    status, _, answer = ask(sandbox, f"{API}/query", token=token, q=soql)
    assert status == 200 and not answer["done"]
    following = [ask(sandbox, answer["nextRecordsUrl"], token=token)[0] for _ in range(2)]
    assert following == [first, then]


def test_a_later_page_breaks_off(sandbox):
    token = "sandbox-token-accepted-later-truncated-1"
    _, _, answer = ask(sandbox, f"{API}/query", token=token, q="SELECT Id FROM Account")
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        ask(sandbox, answer["nextRecordsUrl"], token=token)
    assert ask(sandbox, answer["nextRecordsUrl"], token=token)[0] == 200


def test_a_later_page_has_fewer_fields(sandbox):
    found = pages(sandbox, "SELECT Id, Name, SystemModstamp FROM Account",
                  token="sandbox-token-accepted-later-schema-changed-1")
    assert set(found[0][0]) == {"Id", "Name", "SystemModstamp"}
    assert set(found[1][0]) == {"Id"}
