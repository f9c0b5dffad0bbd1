"""While a page's records are worked on, one more page is asked for, and no other."""

import json
import threading
import time

import pytest

from support import moving, operations
from support.jobs import s3
from support.paged import (PAGE, PAGES, PROFILE, QUERY, RECORDS, TASKS, Paged, begun, create,
                           create_profile, wait_for_page, written)
from support.vendor import Vendor, http

MIB = 1024 * 1024


class Shaped(Paged):
    """Its lists of records are padded, or its pages end in something else; or the last page names
    a next one, and says behind its records that there is none."""

    def __init__(self, canaries):
        super().__init__(canaries)
        self.padding = {}
        self.tail = ""
        self.misleads = False

    def page(self, page):
        answer = super().page(page)
        if not self.padding and not self.tail and not self.misleads:
            return answer
        body = answer.partition(b"\r\n\r\n")[2].decode().removesuffix("}")
        if self.misleads:
            whole = json.loads(body + "}")
            done = whole.pop("done")
            whole = {"nextRecordsUrl": f"{QUERY}/01g-0", **whole}
            body = f'{json.dumps(whole).removesuffix("}")},"done":{json.dumps(done)}'
            body += ',"others":[{"Id":"1"}]'
        body = body.replace('"records": [', '"records": [' + " " * self.padding.get(page, 0))
        return http("200 OK", f"{body}{self.tail}}}")


@pytest.fixture
def vendor(canaries):
    with Shaped(canaries) as each:
        yield each


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with s3(tmp_path_factory.mktemp("s3")) as each:
        yield each


@pytest.fixture
def server(servers, canaries, vendor, store):
    made = begun(servers, canaries, vendor, store)
    create_profile(made, vendor)
    return made


class Bucket(Vendor):
    """Takes the object of a page once the next page was asked for, and says how far that was."""

    key_id, secret = "SANDBOXACCESSKEY", "sandbox"

    def __init__(self, vendor):
        super().__init__(self.keep)
        self.vendor, self.most, self.turn = vendor, [], threading.Lock()

    def keep(self, request):
        with self.turn:
            assert request.method == "PUT"
            page = len(self.most)
            moving.until(lambda: page + 1 == PAGES or self.vendor.asked[page + 1])
            self.most.append(max(self.vendor.asked))
            return http("200 OK", "", headers=[("ETag", f'"{page:032}"')])


def test_the_next_page_is_asked_for_meanwhile(servers, canaries, vendor):
    with Bucket(vendor) as bucket:
        server = begun(servers, canaries, vendor, bucket)
        create_profile(server, vendor)
        create(server)
        record = moving.run(server, "read")
    assert record["executionStatus"] == "Successful", record
    assert bucket.most == [*range(1, PAGES), PAGES - 1]
    assert vendor.asked == dict.fromkeys(range(PAGES), 1)


def test_a_guess_that_is_wrong_is_not_used(server, vendor, store):
    """The last list of a page is not that of its records, so that what stands before it is not
    seen: behind the last page another one is asked for."""
    vendor.misleads = True
    create(server)
    record = moving.run(server, "read")
    assert record["executionStatus"] == "Successful", record
    assert written(store, record) == RECORDS
    assert vendor.asked == {0: 2, 1: 1, 2: 1, 3: 1}


def test_two_long_pages_are_not_in_memory_together(server, vendor, store):
    """A page that has no room beside the one before it is asked for again, and from then on each
    page is asked for when the one before it is done."""
    vendor.padding = {0: 7 * MIB, 1: 10 * MIB, 2: 10 * MIB}
    create(server)
    record = moving.run(server, "read")
    assert record["executionStatus"] == "Successful", record
    assert written(store, record) == RECORDS
    assert vendor.asked == {0: 1, 1: 2, 2: 1, 3: 1}


def test_a_run_is_canceled_with_a_page_in_flight(server, vendor, store):
    """The vendor is slow to send it: it ends once the run has."""
    over = threading.Event()

    def send(connection):
        connection.sendall(http("200 OK", " " * MIB)[:-MIB])
        while not over.wait(0.02):
            connection.sendall(b" ")

    vendor.instead[2] = [send]
    create(server)
    server.ok("StartFlow", {"flowName": "read"})
    moving.until(lambda: moving.records(server, "read")[0]["executionResult"].get(
        "recordsProcessed") == 2 * PAGE)
    wait_for_page(vendor, 2)
    server.ok("CancelFlowExecutions", {"flowName": "read"})
    assert moving.ended(server, "read")["executionStatus"] == "Canceled"
    over.set()
    assert vendor.asked == {0: 1, 1: 1, 2: 1}


def test_a_page_that_cannot_be_decoded_ends_the_run(server, vendor, store):
    """Whatever the page behind it is."""
    vendor.padding = {0: MIB}
    vendor.tail = ",no JSON"
    create(server, tasks=TASKS)
    record = moving.run(server, "read")
    assert record["executionStatus"] == "Error", record
    message = record["executionResult"]["errorInfo"]["executionMessage"]
    assert message.startswith("Page 1 of Account cannot be read: "), message
    assert sum(vendor.asked.values()) <= 2


# --- a vendor that limits the call ahead ---


class BothEnds(Paged):
    """Takes records, too: a page by two calls, of which the first is answered once the vendor's
    limit is known."""

    def __init__(self, canaries):
        super().__init__(canaries)
        self.taken, self.is_limited = [], lambda: True
        self.taken_at = []  # in seconds

    def page(self, page):
        answer = json.loads(super().page(page).partition(b"\r\n\r\n")[2])
        answer["records"] *= 6
        return http("200 OK", json.dumps(answer))

    def answer_one(self, request):
        if not request.target.endswith("/composite/sobjects"):
            return super().answer_one(request)
        moving.until(self.is_limited)
        records = json.loads(request.body)["records"]
        self.taken_at.append(time.monotonic())
        self.taken += [each["Name"] for each in records]
        return http("200 OK", json.dumps([{"id": "001", "success": True, "errors": []}] *
                                         len(records)))


def limits(server):
    return operations.metrics(server).get(
        'headgate_vendor_limits_total{connector="Salesforce"}', 0)


def to_itself():
    """The flow "read", whose destination is its source."""
    end = {"connectorType": "Salesforce", "connectorProfileName": PROFILE}
    return {
        "flowName": "read", "triggerConfig": {"triggerType": "OnDemand"},
        "sourceFlowConfig": {**end, "sourceConnectorProperties": {
            "Salesforce": {"object": "Account"}}},
        "destinationFlowConfigList": [{**end, "destinationConnectorProperties": {"Salesforce": {
            "object": "Contact", "writeOperationType": "INSERT",
            "errorHandlingConfig": {"failOnFirstDestinationError": True}}}}],
        "tasks": TASKS}


def test_a_page_that_is_limited_holds_up_no_write(servers, canaries):
    """Both ends of the flow are the same customer's; the vendor's wait is waited out once."""
    wait_s = 3
    with BothEnds(canaries) as vendor, Vendor() as store:
        store.key_id, store.secret = "SANDBOXACCESSKEY", "sandbox"
        server = begun(servers, canaries, vendor, store, *operations.OPTION)
        create_profile(server, vendor)
        vendor.instead[1] = [http("429 Too Many Requests", "[]",
                                  headers=[("Retry-After", str(wait_s))])]
        vendor.is_limited = lambda: limits(server) > 0
        server.ok("CreateFlow", to_itself())
        record = moving.run(server, "read")
    assert record["executionStatus"] == "Successful", record
    assert len(vendor.taken) == 6 * len(RECORDS)
    assert vendor.taken_at[1] - vendor.times[1] >= wait_s
    assert vendor.times[2] - vendor.taken_at[1] < wait_s
    assert set(vendor.taken) == {each["Name"] for each in RECORDS}
    assert vendor.asked == {0: 1, 1: 2, 2: 1, 3: 1}
