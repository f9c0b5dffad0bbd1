"""While a page's records are worked on, one more page is asked for, and no other."""

import threading

import pytest

from support import moving
from support.jobs import s3
from support.paged import (PAGE, PAGES, RECORDS, TASKS, Paged, begun, create, create_profile,
                           written)
from support.vendor import Vendor, http

MIB = 1024 * 1024


class Shaped(Paged):
    """Its lists of records are padded, or its pages end in something else."""

    def __init__(self, canaries):
        super().__init__(canaries)
        self.padding = {}
        self.tail = ""

    def page(self, page):
        answer = super().page(page)
        if not self.padding and not self.tail:
            return answer
        body = answer.partition(b"\r\n\r\n")[2].decode().removesuffix("}")
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
    """The last list of a page is not that of its records."""
    vendor.tail = ',"others":[{"Id":"1"}]'
    create(server)
    record = moving.run(server, "read")
    assert record["executionStatus"] == "Successful", record
    assert written(store, record) == RECORDS
    assert vendor.asked == dict.fromkeys(range(PAGES), 1)


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
    answered = threading.Event()
    vendor.instead[2] = [answered, "end tokens"]
    create(server)
    server.ok("StartFlow", {"flowName": "read"})
    moving.until(lambda: moving.records(server, "read")[0]["executionResult"].get(
        "recordsProcessed") == 2 * PAGE)
    server.ok("CancelFlowExecutions", {"flowName": "read"})
    answered.set()
    assert moving.ended(server, "read")["executionStatus"] == "Canceled"
    assert sum(vendor.asked.values()) <= PAGES + 1


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
