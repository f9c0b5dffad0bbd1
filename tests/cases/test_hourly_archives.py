"""Reads of hours that a vendor exports as a ZIP of compressed files: every record of the range
once, in the order of the files, whatever the vendor's archives are like."""

import datetime
import gzip
import io
import json
import zipfile

import pytest

from support import aws, moving
from support.hours import EPOCH, HOUR_MS, Amplitude, between, hour, lines, ms, record, zipped
from support.sandbox_records import truth
from support.vendor import http, reset
from support.vendor_flows import create_profile, flow


@pytest.fixture
def vendor():
    with Amplitude() as made:
        yield made


@pytest.fixture
def server(servers, vendor, store, canaries):
    made = servers("--egress-allow", "127.0.0.1", "--s3-url", store.url,
                   "--endpoint", f"Amplitude={vendor.url}", env={
                       "AWS_ACCESS_KEY_ID": store.key_id, "AWS_SECRET_ACCESS_KEY": store.secret})
    (made.data / "s3").symlink_to(store.objects)
    moving.clear(made)
    aws.create(aws.boto(made), "events", "Amplitude", {
        "connectorProfileProperties": {"Amplitude": {}},
        "connectorProfileCredentials": {"Amplitude": {
            "apiKey": "key", "secretKey": canaries.new("secret")}}})
    return made


def create_for(server, *filters):
    server.ok("CreateFlow", flow("read", "events", [*filters, moving.ALL], "Amplitude", "events"))


def create(server, first=0, last=48):
    create_for(server, between(ms(hour(first)) - 1, ms(hour(last))))


def run(server, first=0, last=48):
    create(server, first, last)
    return moving.run(server, "read")


def read(server):
    return [json.loads(line) for _, body in sorted(moving.written(server).items())
            for line in body.splitlines()]


def good(done):
    assert done["executionStatus"] == "Successful", json.dumps(done)
    return done


def failed(done):
    assert done["executionStatus"] == "Error", done
    return done["executionResult"]["errorInfo"]["executionMessage"]


# --- the sandbox ---

def test_the_stand_in_s_records(servers):
    server = servers("--sandbox")
    moving.clear(server)
    create_profile(server, "events", "Amplitude")
    wanted = truth("Amplitude", "events")
    year = 365 * 24 * HOUR_MS
    create_for(server, between(ms(EPOCH) - 8 * year, ms(EPOCH) + year))
    done = good(moving.run(server, "read"))
    assert done["executionResult"]["recordsProcessed"] == len(wanted)
    key = lambda each: each["$insert_id"]
    assert sorted(read(server), key=key) == sorted(wanted, key=key)


# --- a vendor of our own ---

def test_hours_are_asked_for_and_their_records_come_once(server, vendor):
    vendor.hours = {0: [lines([record(1, 0), record(2, 0)]), lines([record(3, 0)])],
                    30: [lines([record(4, 30)])[:-1], lines([record(5, 30)])], 47: [b""],
                    48: [lines([record(6, 48)])]}
    good(run(server))
    assert read(server) == [record(1, 0), record(2, 0), record(3, 0), record(4, 30), record(5, 30)]
    assert vendor.ranges[:2] == [("20240229T23", "20240301T22"), ("20240301T23", "20240302T22")]
    assert vendor.ranges[-1][1] == "20240303T00"


def test_records_of_the_range_s_first_and_last_hour_are_chosen_by_their_time(server, vendor):
    vendor.hours = {0: [lines([record(0, 0), record(1800, 0), record(3599, 0)])]}
    create_for(server, between(ms(hour(0)) + 1000, ms(hour(0)) + 3000 * 1000))
    good(moving.run(server, "read"))
    assert read(server) == [record(1800, 0)]
    assert vendor.ranges == [("20240301T00", "20240301T00")]


def test_a_long_archive_comes_in_pieces(server, vendor):
    more = "x" * 2000
    records = [record(number, 5, more) for number in range(5000)]  # five pages
    vendor.hours = {5: [lines(records[:3000]), lines(records[3000:])], 6: [lines([record(1, 6)])]}
    done = good(run(server))
    assert read(server) == [*records, record(1, 6)]
    assert done["executionResult"]["recordsProcessed"] == 5001
    assert len(vendor.ranges) == len(set(vendor.ranges)) <= 4  # no archive was fetched twice


def test_what_is_too_much_is_asked_for_in_smaller_ranges(server, vendor):
    vendor.hours = {number: [lines([record(number, number)])] for number in range(24)}
    vendor.answers = [http("400 Bad Request", "{}"), http("504 Gateway Timeout", "{}"),
                      http("200 OK", b"PK\3\4" + bytes(11 * 1024 * 1024), "application/zip")]
    good(run(server, last=24))
    assert read(server) == [record(number, number) for number in range(24)]
    lengths = [(datetime.datetime.strptime(last, "%Y%m%dT%H") -
                datetime.datetime.strptime(first, "%Y%m%dT%H")).total_seconds() / 3600 + 1
               for first, last in vendor.ranges]
    assert lengths[:4] == [24, 6, 6, 1], lengths  # 504 is asked once more


def test_an_hour_that_is_too_much_ends_the_run(server, vendor):
    vendor.answers = [http("200 OK", b"PK\3\4" + bytes(11 * 1024 * 1024), "application/zip")] * 9
    said = failed(run(server, last=24))
    assert "the export of one hour is longer than 10 MiB" in said, said


@pytest.mark.parametrize("answer, expected", [
    (http("200 OK", zipped(b'{"a": 1}\n')[:-60] + bytes(60), "application/zip"), None),
    (http("200 OK", b"PK\3\4" + bytes(200), "application/zip"), "not valid gzip"),
    (http("200 OK", zipped(b'{"a": 1}\n')[:90], "application/zip"), "archive cannot be read"),
    (http("200 OK", "[]"), "no ZIP archive"),
    (http("200 OK", "<html>Sign in</html>", "text/html"), "Amplitude"),
    (http("404 Not Found", "<html>Gone</html>", "text/html"), "HTTP 404"),
], ids=("directory", "damaged", "cut", "JSON", "page", "page of 404"))
def test_what_is_no_archive(server, vendor, answer, expected):
    vendor.answers = [answer] * 60
    create(server, last=1)
    server.ok("StartFlow", {"flowName": "read"})
    if not expected:  # the directory at the end is not looked at
        good(moving.ended(server, "read"))
        return
    moving.until(lambda: expected in json.dumps(moving.records(server, "read")))
    server.ok("CancelFlowExecutions", {"flowName": "read"})
    assert not read(server)


@pytest.mark.as_users_run_it  # half a gigabyte is read
def test_an_archive_that_inflates_without_end_ends_the_run(server, vendor):
    bomb = gzip.compress(b"\n" * (8 * 1024 * 1024), 9) * 80
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("bomb.json.gz", bomb)
    vendor.answers = [http("200 OK", out.getvalue(), "application/zip")] * 9
    said = failed(run(server, last=1))
    assert "more than 512 MiB of records" in said, said


def test_an_archive_that_is_gone_ends_the_run(server, vendor):
    """Its first records were read, over a connection that is no longer there."""
    text = lines([record(number, 0, "x" * 4000) for number in range(50)])
    vendor.answers = [http("200 OK", zipped(*[text] * 1200), "application/zip")]
    create(server, last=1)
    server.ok("StartFlow", {"flowName": "read"})
    moving.until(lambda: "are gone" in json.dumps(moving.records(server, "read")))
    server.ok("CancelFlowExecutions", {"flowName": "read"})


def test_a_record_that_is_too_long_ends_the_run(server, vendor):
    vendor.hours = {0: [lines([record(1, 0, "x" * (3 * 1024 * 1024))])]}
    assert "longer than 2 MiB" in failed(run(server, last=1))


def test_a_connection_that_breaks_is_made_again(server, vendor):
    vendor.hours = {0: [lines([record(1, 0)])]}
    vendor.answers = [reset, None]
    good(run(server, last=1))
    assert read(server) == [record(1, 0)]


def test_hours_that_are_not_complete_are_waited_for(server, vendor):
    """A window up to now, as a schedule has it."""
    now = datetime.datetime.now(datetime.UTC)
    create_for(server, between(ms(now) - 6 * HOUR_MS, ms(now)))
    server.ok("StartFlow", {"flowName": "read"})
    complete = f"{now - datetime.timedelta(hours=3):%Y%m%dT%H}"
    moving.until(lambda: vendor.ranges and vendor.ranges[-1][1] == complete)
    server.ok("CreateFlow", {**moving.flow("other"), "tasks": [moving.ALL]})
    moving.run(server, "other")  # another run meanwhile
    assert vendor.ranges[-1][1] == complete
    assert moving.records(server, "read")[0]["executionStatus"] == "InProgress"
    server.ok("CancelFlowExecutions", {"flowName": "read"})
    assert moving.ended(server, "read")["executionStatus"] == "Canceled"


def test_without_a_range_the_complete_hours_of_a_year_are_read(server, vendor):
    create_for(server)
    good(moving.run(server, "read"))
    now = datetime.datetime.now(datetime.UTC).replace(minute=0)
    first = now - datetime.timedelta(days=365, hours=2)
    assert vendor.ranges[0][0] in {f"{first - datetime.timedelta(hours=late):%Y%m%dT%H}"
                                   for late in (0, 1)}
    assert len(vendor.ranges) < 30  # ranges without records grow



@pytest.mark.parametrize("answer", [
    http("429 Too Many Requests", "{}", headers=[("Retry-After", "1")]),
    http("503 Service Unavailable", "{}"), reset], ids=("throttled", "fault", "reset"))
def test_a_failure_between_two_archives(server, vendor, answer):
    vendor.hours = {0: [lines([record(1, 0)])], 30: [lines([record(2, 30)])]}
    vendor.answers = [None, answer]
    good(run(server))
    assert read(server) == [record(1, 0), record(2, 30)]


def test_keys_that_are_refused_between_two_archives_end_the_run(server, vendor):
    vendor.hours = {0: [lines([record(1, 0)])], 30: [lines([record(2, 30)])]}
    refused = http("401 Unauthorized", '{"error": {"message": "Incorrect credentials"}}')
    vendor.answers = [None, refused, refused, refused]
    said = failed(run(server))
    assert "Incorrect credentials" in said and "Update the connector profile events." in said, said
