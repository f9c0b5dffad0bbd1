"""A stand-in for Amazon EventBridge, which takes what PutEvents puts."""

import json
import threading
import uuid

from support.vendor import Vendor, http

WAIT_S = 30


def refused(name):
    """An answer about the whole call."""
    return http("400 Bad Request", json.dumps({"__type": name, "message": "not-seen-outside"}))


def not_taken(name):
    """An answer about its one entry."""
    return http("200 OK", json.dumps({"FailedEntryCount": 1, "Entries": [
        {"ErrorCode": name, "ErrorMessage": "not-seen-outside"}]}))


class EventBus(Vendor):
    """`instead` has what the next calls are answered with; `refuses` gets an entry and gives an
    answer instead, or None."""

    def __init__(self):
        super().__init__(self.put)
        self.instead = []
        self.refuses = lambda entry: None
        self.came = threading.Semaphore(0)
        self.entries = []  # that were taken

    def put(self, request):
        assert request.headers["x-amz-target"] == "AWSEvents.PutEvents", request.raw
        assert request.headers["content-type"] == "application/x-amz-json-1.1"
        entry, = json.loads(request.body)["Entries"]
        answer = self.instead.pop(0) if self.instead else self.refuses(entry)
        if not answer:
            self.entries.append(entry)
            answer = http("200 OK", json.dumps(
                {"FailedEntryCount": 0, "Entries": [{"EventId": str(uuid.uuid4())}]}))
        self.came.release()
        return answer

    def taken(self, count):
        """The entries, once there are so many."""
        while len(self.entries) < count:
            assert self.came.acquire(timeout=WAIT_S), self.entries
        return list(self.entries)
