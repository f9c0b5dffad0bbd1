"""Tables of the stand-in for a service desk: encoded queries, fields, offsets and keys give the
records that `headgate sandbox --records` prints."""

import http.client
import re

import pytest

from support import sandbox as sandbox_of
from support.sandbox_records import get, truth

# The stand-in alone: sanitizers see it in test_sandbox_lists.py, and how it reads queries in the
# unit program sandbox-records.
pytestmark = pytest.mark.as_users_run_it

HOST = "acme.service-now.com"
TABLE = "/api/now/table"
BARE = {"sysparm_exclude_reference_link": "true"}
LATER = "sandbox-token-accepted-later"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with sandbox_of.running(tmp_path_factory.mktemp("sandbox")) as each:
        yield each


def ask(sandbox, table, token="sandbox-token-accepted", **query):
    return get(sandbox, HOST, f"{TABLE}/{table}", {"Authorization": f"Bearer {token}"}, **query)


def rows(sandbox, table, **query):
    status, headers, answer = ask(sandbox, table, **BARE, **query)
    assert status == 200
    return answer["result"], headers


@pytest.mark.parametrize("table", ["cmdb_ci", "incident", "sys_user", "task", "u_asset_loan"])
def test_every_table_has_records_as_described(sandbox, table):
    parents = f"nameIN{table}{',task' if table == 'incident' else ''}^element!=x"
    _, _, described = ask(sandbox, "sys_dictionary", sysparm_query=parents)
    expected = truth("Servicenow", table)
    assert len(expected) >= 1000
    assert {tuple(record) for record in expected} == {
        tuple(column["element"] for column in described["result"])}
    assert {type(value) for record in expected for value in record.values()} == {str}
    assert len({record["sys_id"] for record in expected}) == len(expected)
    found, headers = rows(sandbox, table)
    assert found == expected
    assert headers["X-Total-Count"] == str(len(expected)) and "Link" not in headers


def test_pages_by_offset(sandbox):
    expected = truth("Servicenow", "incident")
    found, query = [], {"sysparm_limit": 700, "sysparm_query": "ORDERBYnumber"}
    offset = 0
    while offset is not None:
        page, headers = rows(sandbox, "incident", sysparm_offset=offset, **query)
        found += page
        links = dict((name, int(at)) for at, name in re.findall(
            r'<https://acme\.service-now\.com/[^>]*[?&]sysparm_offset=(\d+)>;rel="(\w+)"',
            headers["Link"]))
        assert (links["first"], links["last"]) == (0, 2100)
        assert links.get("prev") == (offset - 700 if offset else None)
        offset = links.get("next")
    assert found == sorted(expected, key=lambda record: record["number"])
    _, headers = rows(sandbox, "incident", sysparm_suppress_pagination_header="true", **query)
    assert "Link" not in headers


def test_pages_behind_a_key(sandbox):
    found, key = [], ""
    while True:
        page, _ = rows(sandbox, "task", sysparm_limit=400,
                       sysparm_query=f"sys_id>{key}^ORDERBYsys_id" if key else "ORDERBYsys_id")
        found += page
        if len(page) < 400:
            break
        key = page[-1]["sys_id"]
    assert found == sorted(truth("Servicenow", "task"), key=lambda record: record["sys_id"])


def number(text):
    return int(text) if text else None


@pytest.mark.parametrize("query, holds", [
    ("active=true", lambda r: r["active"] == "true"),
    ("u_customer_impact=TRUE", lambda r: r["u_customer_impact"] == "true"),
    ("u_customer_impactISEMPTY", lambda r: not r["u_customer_impact"]),
    ("u_customer_impactISNOTEMPTY^active=false",
     lambda r: r["u_customer_impact"] and r["active"] == "false"),
    ("priority>500000^ORpriorityISEMPTY",
     lambda r: not r["priority"] or int(r["priority"]) > 500000),
    ("priority<=-1", lambda r: r["priority"] and int(r["priority"]) <= -1),
    ("priorityBETWEEN100000@200000", lambda r: r["priority"]
     and 100000 <= int(r["priority"]) <= 200000),
    ("u_customer_impactLIKE%", lambda r: "%" in r["u_customer_impact"]),
    ("numberSTARTSWITHINC00012", lambda r: r["number"].startswith("INC00012")),
    ("numberENDSWITH7", lambda r: r["number"].endswith("7")),
    ("u_customer_impactINplain,null,-", lambda r: r["u_customer_impact"] in ("plain", "null", "-")),
    ("u_customer_impactNOT INplain", lambda r: r["u_customer_impact"] != "plain"),
    ("sys_updated_on>2023-01-01 00:00:00^sys_updated_on<=2023-03-01 00:00:00",
     lambda r: "2023-01-01 00:00:00" < r["sys_updated_on"] <= "2023-03-01 00:00:00"),
    ("sys_updated_on>javascript:gs.dateGenerate('2024-01-01','10:00:00')",
     lambda r: r["sys_updated_on"] > "2024-01-01 10:00:00"),
    ("active=true^NQnumber=INC0000001", lambda r: r["active"] == "true"
     or r["number"] == "INC0000001"),
    # What says nothing is left out.
    ("nothing=1^active=true^priority=x^opened_at>soon", lambda r: r["active"] == "true"),
    *((f"active=true^opened_at>javascript:gs.dateGenerate('{broken}",
       lambda r: r["active"] == "true")
      for broken in ("", "')", "',')", "','')", "2024-01-01','10:00:00'", "2024-01-01')")),
])
def test_conditions(sandbox, query, holds):
    expected = [record for record in truth("Servicenow", "incident") if holds(record)]
    found, headers = rows(sandbox, "incident", sysparm_query=query)
    assert found == expected and found
    assert headers["X-Total-Count"] == str(len(expected))


def test_order_and_fields(sandbox):
    expected = sorted(truth("Servicenow", "incident"),
                      key=lambda record: (number(record["priority"]) is not None,
                                          number(record["priority"]) or 0, record["number"]),
                      reverse=True)
    found, _ = rows(sandbox, "incident", sysparm_query="ORDERBYDESCpriority^ORDERBYDESCnumber",
                    sysparm_fields="number, priority,none")
    assert found == [{"number": record["number"], "priority": record["priority"]}
                     for record in expected]


def test_references_have_links(sandbox):
    _, _, answer = ask(sandbox, "incident", sysparm_fields="caller_id,assigned_to")
    for record, bare in zip(answer["result"], truth("Servicenow", "incident")):
        for name, value in record.items():
            link = f"https://{HOST}{TABLE}/sys_user/{bare[name]}"
            assert value == ({"link": link, "value": bare[name]} if bare[name] else "")
    users = {record["sys_id"] for record in truth("Servicenow", "sys_user")}
    assert {record["caller_id"] for record in truth("Servicenow", "incident")} <= users


def test_what_is_refused(sandbox):
    status, _, text = ask(sandbox, "nothing")
    assert (status, text) == (400, '{"error":{"message":"Invalid table nothing","detail":null},'
                                   '"status":"failure"}')
    assert ask(sandbox, "incident", sysparm_query="^".join(["active=true"] * 201))[0] == 400
    assert ask(sandbox, "incident", token="nothing")[0] == 401


@pytest.mark.parametrize("following", [
    {"sysparm_offset": 100}, {"sysparm_query": "sys_id>1^ORDERBYsys_id"}], ids=["offset", "key"])
def test_a_later_page_fails(sandbox, following):
    kind = "".join(following)
    first = {"sysparm_limit": 100, "sysparm_offset": 0}
    for outcome, statuses in (("throttled", [429, 200]), ("server-error", [503, 200]),
                              ("expired", [401, 401])):
        token = f"{LATER}-{outcome}-{kind}"
        assert ask(sandbox, "incident", token, **first)[0] == 200
        assert [ask(sandbox, "incident", token, **following)[0] for _ in range(2)] == statuses
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        ask(sandbox, "incident", f"{LATER}-truncated-{kind}", **following)
    _, _, changed = ask(sandbox, "incident", f"{LATER}-schema-changed-1", **following)
    assert set(truth("Servicenow", "incident")[0]) - set(changed["result"][0]) == {
        "sys_updated_on"}
