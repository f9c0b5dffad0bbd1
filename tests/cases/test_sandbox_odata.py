"""Entity sets of the stand-in for SAP: $filter, $select, $orderby, $top, $skip, counts and pages,
of both versions of OData, give the records that `headgate sandbox --records` prints."""

import base64
import datetime
import json
import re
import urllib.parse
import urllib.request

import pytest

from support import sandbox as sandbox_of
from support.sandbox_records import get, truth

# The stand-in alone: how it reads filters is in the unit program sandbox-odata.
pytestmark = pytest.mark.as_users_run_it

HOST = "sap.acme.example"
V2 = "/sap/opu/odata/sap/API_BUSINESS_PARTNER"
V4 = "/sap/opu/odata4/sap/orders/srvd_a2x/sap/orders/0001"
PATHS = {"A_BusinessPartner": V2, "A_BusinessPartnerAddress": V2, "Order": V4}
BASIC = "Basic " + base64.b64encode(b"APPFLOW:sandbox-password-accepted").decode()
LATER = "sandbox-token-accepted-later"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with sandbox_of.running(tmp_path_factory.mktemp("sandbox")) as each:
        yield each


def ask(sandbox, path, token=None, prefer=None, **query):
    headers = {"Authorization": f"Bearer {token}" if token else BASIC, "sap-client": "100"}
    if prefer:
        headers["Prefer"] = f"odata.maxpagesize={prefer}"
    return get(sandbox, HOST, path, headers, **query)


def options(**query):
    return {"sap-client": "100", **{f"${name}": value for name, value in query.items()}}


def page_of(entity, answer):
    """The records of a page without what OData adds, and the path of the next page."""
    if PATHS[entity] == V2:
        link = answer["d"].get("__next")
        for record in answer["d"]["results"]:
            assert record.pop("__metadata")["type"] == f"{entity}Type"
        return answer["d"]["results"], link and link.removeprefix(f"https://{HOST}")
    link = answer.get("@odata.nextLink")
    return answer["value"], link and f"{V4}/{link}"


def pages(sandbox, entity, prefer=None, **query):
    found, path, query = [], f"{PATHS[entity]}/{entity}", options(**query)
    while path:
        status, _, answer = ask(sandbox, path, prefer=prefer, **query)
        assert status == 200, answer
        records, path = page_of(entity, answer)
        found.append(records)
        query = {}
    return found


def everything(sandbox, entity, **query):
    return sum(pages(sandbox, entity, **query), [])


@pytest.mark.parametrize("entity", PATHS)
def test_every_set_has_records_as_described(sandbox, entity):
    expected = truth("SAPOData", entity)
    assert len(expected) >= 1000
    xml = ask_text(sandbox, f"{PATHS[entity]}/$metadata")
    described = re.search(rf'<EntityType Name="{entity}Type".*?</EntityType>', xml).group(0)
    assert {tuple(record) for record in expected} == {
        tuple(re.findall(r'<Property Name="(\w+)"', described))}
    assert everything(sandbox, entity) == expected
    assert {len(page) for page in pages(sandbox, entity)[:-1]} == {500}
    assert {len(page) for page in pages(sandbox, entity, prefer=300)[:-1]} == {300}
    assert everything(sandbox, entity, skip=20, top=900) == expected[20:920]


def ask_text(sandbox, path):
    request = urllib.request.Request(
        f"http://127.0.0.1:{sandbox.http_port}{path}?sap-client=100",
        headers={"Host": HOST, "Authorization": BASIC})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def moment(text):
    """Of /Date(1700000000000)/."""
    return int(re.fullmatch(r"/Date\((-?\d+)(?:\+0000)?\)/", text).group(1))


def since(text):
    return datetime.datetime.fromisoformat(text).timestamp() * 1000


@pytest.mark.parametrize("entity, filter, holds", [
    ("A_BusinessPartner", "BusinessPartnerIsBlocked eq true",
     lambda r: r["BusinessPartnerIsBlocked"]),
    ("A_BusinessPartner", "YY1_CustomerClass_bus eq 'L''Aquila' or YY1_CustomerClass_bus eq null",
     lambda r: r["YY1_CustomerClass_bus"] in ("L'Aquila", None)),
    ("A_BusinessPartner", "YY1_CustomerClass_bus ne 'A'",
     lambda r: r["YY1_CustomerClass_bus"] != "A"),
    ("A_BusinessPartner", "BusinessPartner ge '1000001000' and not (BusinessPartnerIsBlocked eq "
     "true or BusinessPartnerIsBlocked eq null)", lambda r: r["BusinessPartner"] >= "1000001000"
     and r["BusinessPartnerIsBlocked"] is False),
    ("A_BusinessPartner", "LastChangeDate gt datetime'2023-01-01T00:00:00'",
     lambda r: moment(r["LastChangeDate"]) > since("2023-01-01T00:00:00+00:00")),
    ("A_BusinessPartnerAddress", "ValidityStartDate le datetimeoffset'2022-06-01T02:00:00+02:00'",
     lambda r: r["ValidityStartDate"]
     and moment(r["ValidityStartDate"]) <= since("2022-06-01T00:00:00+00:00")),
    ("Order", "Amount gt 1000.5 and ChangedAt lt 2023-01-01T00:00:00Z",
     lambda r: (r["Amount"] or 0) > 1000.5 and r["ChangedAt"] < "2023-01-01T00:00:00.000Z"),
    ("Order", "Amount eq null", lambda r: r["Amount"] is None),
])
def test_filters(sandbox, entity, filter, holds):
    all_of_them = truth("SAPOData", entity)
    expected = [record for record in all_of_them if holds(record)]
    assert 0 < len(expected) < len(all_of_them)
    assert everything(sandbox, entity, filter=filter) == expected


def test_fields_orders_and_counts(sandbox):
    expected = sorted(truth("SAPOData", "Order"), key=lambda r: r["OrderID"], reverse=True)
    query = {"select": "OrderID,ChangedAt", "orderby": "OrderID desc"}
    assert everything(sandbox, "Order", **query) == [
        {name: record[name] for name in ("OrderID", "ChangedAt")} for record in expected]
    _, _, answer = ask(sandbox, f"{V4}/Order", **options(count="true", top=1))
    assert answer["@odata.count"] == len(expected) and len(answer["value"]) == 1
    _, _, answer = ask(sandbox, f"{V2}/A_BusinessPartner", **options(inlinecount="allpages", top=1))
    assert answer["d"]["__count"] == str(len(truth("SAPOData", "A_BusinessPartner")))


@pytest.mark.parametrize("entity, query, says", [
    ("Order", {"filter": "Amount gt '1'"}, "Invalid parameter for the property's type at '1'"),
    ("Order", {"filter": "Nothing eq 1"}, "Invalid filter property at 'Nothing'"),
    ("Order", {"filter": "YY1_Channel eq 'web'"}, "Property cannot be filtered"),
    ("Order", {"filter": "Amount like 1"}, "Invalid operator"),
    ("Order", {"filter": "(" * 40}, "Filter too complex"),
    ("Order", {"filter": "OrderID eq 'a"}, "Invalid literal"),
    ("Order", {"filter": "(Amount eq 1"}, "Missing ')'"),
    ("Order", {"filter": "Amount eq 1 Amount eq 2"}, "Invalid filter at 'Amount eq 2'"),
    ("Order", {"filter": "ChangedAt gt datetimeoffset'2023-01-01T00:00:00Z'"}, "property's type"),
    ("A_BusinessPartner", {"filter": "LastChangeDate gt 2023-01-01T00:00:00Z"}, "property's type"),
    ("A_BusinessPartner",
     {"filter": "LastChangeDate gt datetimeoffset'2023-01-01T00:00:00Z'"}, "property's type"),
    ("Order", {"select": "Amount,Nothing"}, "Invalid select property 'Nothing'"),
    ("Order", {"orderby": "Nothing"}, "Invalid order at 'Nothing'"),
    ("Order", {"orderby": "Amount upwards"}, "Invalid order at 'upwards'"),
    ("Order", {"skiptoken": "x"}, "Invalid skip token"),
    ("Order", {"expand": "Items"}, "Property to be expanded not found"),
])
def test_queries_that_are_refused(sandbox, entity, query, says):
    status, _, text = ask(sandbox, f"{PATHS[entity]}/{entity}", **options(**query))
    message = json.loads(text)["error"]["message"]
    assert status == 400
    assert says in (message["value"] if PATHS[entity] == V2 else message)


def test_a_set_that_is_not_there(sandbox):
    for path in (f"{V2}/Nothing", f"{V4}/Nothing"):
        assert ask(sandbox, path, **options())[0] == 404
    status, _, _ = get(sandbox, HOST, f"{V4}/Order", {"Authorization": BASIC})
    assert status == 404  # without the client's number


@pytest.mark.parametrize("outcome, first, then", [
    ("throttled", 429, 200), ("server-error", 503, 200), ("expired", 401, 401),
    ("cursor-expired", 400, 400)])
def test_a_later_page_fails(sandbox, outcome, first, then):
    token = f"{LATER}-{outcome}-1"
    status, _, answer = ask(sandbox, f"{V2}/A_BusinessPartner", token=token, **options())
    assert status == 200
    link = urllib.parse.urlsplit(answer["d"]["__next"])
    assert "sap-client" not in link.query
    found = [ask(sandbox, f"{link.path}?{link.query}", token=token)[0] for _ in range(2)]
    assert found == [first, then]
