"""A vendor that exports whole hours of events as a ZIP of compressed files, and its events."""

import datetime
import functools
import gzip
import io
import json
import re
import zipfile

from support.vendor import Vendor, http
from support.vendor_flows import task

HOUR_MS = 3600 * 1000
EPOCH = datetime.datetime(2024, 3, 1, tzinfo=datetime.UTC)


def ms(moment):
    return int(moment.timestamp() * 1000)


def between(low, high):
    return task("Filter", "BETWEEN", ["server_upload_time"], key="Amplitude",
                DATA_TYPE="datetime", LOWER_BOUND=str(low), UPPER_BOUND=str(high))


def hour(number):
    return EPOCH + datetime.timedelta(hours=number)


@functools.cache
def record(number, at, more=""):
    moment = hour(at) + datetime.timedelta(seconds=number % 3600)
    return {"uuid": str(number), "server_upload_time": f"{moment:%Y-%m-%d %H:%M:%S}.000000",
            "event_properties": {"n": number, "text": f"“{number}”{more}"}}


def lines(records):
    return "".join(json.dumps(each) + "\n" for each in records).encode()


def zipped(*files, method=zipfile.ZIP_STORED):
    """An archive of these texts, each compressed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("100/", b"")
        for number, text in enumerate(files):
            archive.writestr(f"100/100_2024-03-01_0#{number}.json.gz", gzip.compress(text, 1))
    return out.getvalue()


class Amplitude(Vendor):
    """Exports the hours of `hours`, each a list of files' texts; `answers` come first."""

    def __init__(self):
        super().__init__(self.respond)
        self.hours, self.answers, self.ranges = {}, [], []

    def respond(self, request):
        if request.target == "/api/2/events/list":
            return http("200 OK", '{"data": []}')
        first, last = re.fullmatch(r"/api/2/export\?start=(\w+)&end=(\w+)", request.target).groups()
        self.ranges.append((first, last))
        if self.answers and (answer := self.answers.pop(0)):
            return answer
        at = {f"{hour(number):%Y%m%dT%H}": files for number, files in self.hours.items()}
        files = [text for name in sorted(at) if first <= name <= last for text in at[name]]
        if not files:
            return http("404 Not Found", "Raw data files were not found.", "text/html")
        return http("200 OK", zipped(*files), "application/zip")
