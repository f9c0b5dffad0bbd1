"""Lists and exports of the stand-in for a help desk: page by page the same records as
`headgate sandbox --records` prints."""

import http.client
import json
import pathlib
import time
import urllib.parse

import pytest

from support import sandbox as sandbox_of
from support.sandbox_records import get, send, truth

HOST = "acme.zendesk.com"
SCHEMA = json.loads((pathlib.Path(__file__).parents[2] /
                     "connectors/zendesk/entities.json").read_text())["entities"]
# The fields of an account's tickets are few; comments are asked for ticket by ticket.
WITHOUT_RECORDS = {"ticket_fields", "ticket_comments"}
TYPES = {"integer": int, "string": str, "boolean": bool, "datetime": str,
         "object": dict, "array": list}
LATER = "sandbox-token-accepted-later"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with sandbox_of.running(tmp_path_factory.mktemp("sandbox")) as each:
        yield each


def ask(sandbox, path, token="sandbox-token-accepted", **query):
    return get(sandbox, HOST, path, {"Authorization": f"Bearer {token}"}, **query)


def follow(sandbox, url, **more):
    """The page behind a link of an answer."""
    parts = urllib.parse.urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", HOST)
    return ask(sandbox, f"{parts.path}?{parts.query}", **more)


def test_every_resource_has_records_as_described():
    for entity in SCHEMA:
        if entity["name"] in WITHOUT_RECORDS:
            continue
        records = truth("Zendesk", entity["name"])
        assert len(records) >= 1000
        fields = [field for field in entity["fields"] if field.get("read", True)]
        assert {tuple(record) for record in records} == {
            tuple(field["name"] for field in fields)}
        for field in fields:
            where = (entity["name"], field["name"])
            values = [record[field["name"]] for record in records]
            given = [value for value in values if value is not None]
            assert all(type(value) is TYPES[field["type"]] for value in given), where
            assert (len(given) < len(values)) == field.get("null", False), where


def pages_by_cursor(sandbox, path, name, size):
    query = {"page[size]": size}
    status, _, answer = ask(sandbox, path, **query)
    found = [answer[name]]
    while answer["meta"]["has_more"]:
        assert answer["meta"]["after_cursor"] in answer["links"]["next"]
        status, _, answer = follow(sandbox, answer["links"]["next"])
        assert status == 200
        found.append(answer[name])
    assert answer["links"]["next"] is None and answer["meta"]["after_cursor"] is None
    return found


@pytest.mark.parametrize("path, name, size", [
    ("/api/v2/tickets.json", "tickets", 100),
    ("/api/v2/organizations", "organizations", 37),
    ("/api/v2/views.json", "views", 1000),  # 100 at most
    ("/api/v2/tags.json", "tags", 99),
])
def test_lists_by_cursor(sandbox, path, name, size):
    found = pages_by_cursor(sandbox, path, name, size)
    assert {len(page) for page in found[:-1]} == {min(size, 100)}
    assert sum(found, []) == truth("Zendesk", name)


def test_lists_by_page_number(sandbox):
    expected = truth("Zendesk", "groups")
    _, _, answer = ask(sandbox, "/api/v2/groups.json", per_page=90)
    found = answer["groups"]
    assert (answer["count"], answer["previous_page"]) == (len(expected), None)
    while answer["next_page"]:
        _, _, answer = follow(sandbox, answer["next_page"])
        found += answer["groups"]
    assert found == expected
    _, _, beyond = ask(sandbox, "/api/v2/groups.json", page=500)
    assert beyond["groups"] == [] and beyond["next_page"] is None


@pytest.mark.parametrize("path, name", [
    ("/api/v2/slas/policies.json", "sla_policies"), ("/api/v2/ticket_forms", "ticket_forms")])
def test_lists_without_pages(sandbox, path, name):
    _, _, answer = ask(sandbox, path)
    assert (answer[name], answer["next_page"]) == (truth("Zendesk", name), None)


def in_order(name, start, by="updated_at"):
    """What an export from a time gives."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start))
    return sorted((record for record in truth("Zendesk", name) if record["updated_at"] >= moment),
                  key=lambda record: (record[by], record["id"]))


@pytest.mark.parametrize("name, start, size", [
    ("tickets", 0, 1000), ("tickets", 1640995200, 250), ("users", 1706745600, 1)])
def test_exports_by_cursor(sandbox, name, start, size):
    status, _, answer = ask(sandbox, f"/api/v2/incremental/{name}/cursor.json", start_time=start,
                            per_page=size)
    found = answer[name]
    while not answer["end_of_stream"] and len(found) < 3000:
        assert len(answer[name]) == size
        assert answer["after_cursor"] in answer["after_url"]
        status, _, answer = follow(sandbox, answer["after_url"])
        assert status == 200
        found += answer[name]
    assert found == in_order(name, start)
    _, _, after = follow(sandbox, answer["after_url"])
    assert after[name] == [] and after["end_of_stream"]


def test_exports_by_time_may_repeat_a_second(sandbox):
    expected = in_order("organizations", 1577836800)
    _, _, answer = ask(sandbox, "/api/v2/incremental/organizations.json", start_time=1577836800,
                       per_page=100)
    pages = [answer["organizations"]]
    while not answer["end_of_stream"]:
        assert answer["count"] == len(answer["organizations"]) >= 100
        _, _, answer = follow(sandbox, answer["next_page"])
        pages.append(answer["organizations"])
    for page, following in zip(pages, pages[1:]):
        assert page[-1] in following
    once = {record["id"]: record for record in sum(pages, [])}
    assert list(once.values()) == expected


@pytest.mark.parametrize("path, query, status, says", [
    ("/api/v2/nothing.json", {}, 404, "InvalidEndpoint"),
    ("/api/v2/incremental/nothing.json", {"start_time": 0}, 404, "InvalidEndpoint"),
    ("/api/v2/tickets.json", {"page[after]": "x"}, 400, "InvalidPaginationParameter"),
    ("/api/v2/incremental/tickets/cursor.json", {}, 400, "start_time"),
    ("/api/v2/incremental/tickets/cursor.json", {"cursor": "bm8"}, 400, "Invalid cursor"),
    ("/api/v2/incremental/tickets/cursor.json", {"start_time": 4000000000}, 422,
     "StartTimeTooRecent"),
    ("/api/v2/incremental/tickets.json", {"start_time": "x"}, 400, "start_time"),
])
def test_what_is_refused(sandbox, path, query, status, says):
    found, _, text = ask(sandbox, path, **query)
    assert found == status and says in text


FIRST_AND_NEXT = {
    "list": ("/api/v2/tickets.json", {"page[size]": 100}, lambda answer: answer["links"]["next"]),
    "export": ("/api/v2/incremental/tickets/cursor.json", {"start_time": 0},
               lambda answer: answer["after_url"]),
}


@pytest.mark.parametrize("kind", FIRST_AND_NEXT)
@pytest.mark.parametrize("outcome, statuses", [
    ("throttled", [429, 200]), ("server-error", [503, 200]), ("expired", [401, 401]),
    ("cursor-expired", [400, 400])])
def test_a_later_page_fails(sandbox, kind, outcome, statuses):
    path, query, following = FIRST_AND_NEXT[kind]
    token = f"{LATER}-{outcome}-{kind}"
    _, _, answer = ask(sandbox, path, token, **query)
    assert len(answer["tickets"]) >= 100
    assert [follow(sandbox, following(answer), token=token)[0] for _ in range(2)] == statuses


@pytest.mark.parametrize("kind", FIRST_AND_NEXT)
def test_a_later_page_breaks_off_or_changes(sandbox, kind):
    path, query, following = FIRST_AND_NEXT[kind]
    _, _, answer = ask(sandbox, path, f"{LATER}-schema-changed-1", **query)
    _, _, changed = follow(sandbox, following(answer), token=f"{LATER}-schema-changed-1")
    assert set(answer["tickets"][0]) - set(changed["tickets"][0]) == {"updated_at"}
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        follow(sandbox, following(answer), token=f"{LATER}-truncated-{kind}")
    assert follow(sandbox, following(answer), token=f"{LATER}-truncated-{kind}")[0] == 200


def test_an_extract_that_has_not_ended_is_canceled(sandbox):
    """Of the marketing platform: one in the queue, once."""
    def call(method, path, body=None):
        return send(sandbox, "123-abc-456.mktorest.com", method, f"/bulk/v1/leads/export/{path}",
                    {"Authorization": "Bearer sandbox-token-accepted"}, body)[2]

    made = call("POST", "create.json", {"fields": ["id"], "format": "CSV", "filter": {
        "createdAt": {"startAt": "2020-01-01T00:00:00Z", "endAt": "2020-01-02T00:00:00Z"}}})
    name = made["result"][0]["exportId"]
    assert call("POST", f"{name}/enqueue.json", "")["result"][0]["status"] == "Queued"
    assert call("POST", f"{name}/cancel.json", "")["result"][0]["status"] == "Cancelled"
    assert call("GET", f"{name}/status.json")["result"][0]["status"] == "Cancelled"
    for again in ("cancel", "enqueue"):
        answer = call("POST", f"{name}/{again}.json", "")
        assert not answer["success"] and answer["errors"][0]["code"] == "1003"
