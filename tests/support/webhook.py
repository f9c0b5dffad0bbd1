"""A receiver of the webhook's events, and what the documentation gives to receivers."""

import json
import re
import threading

from support.server import ROOT
from support.vendor import Vendor, http

TAKEN = http("204 No Content")
WAIT_S = 30


def documented():
    """The snippet that the documentation shows to receivers."""
    names = {}
    page = (ROOT / "docs/notices.md").read_text()
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1), names)
    return names["is_genuine"]


class Receiver(Vendor):
    """Takes events, unless a test has it answer something else first."""

    def __init__(self):
        super().__init__(self.answer_one)
        self.instead = []
        self.hold = threading.Event()
        self.hold.set()
        self.came = threading.Semaphore(0)
        self.taken = {}

    def answer_one(self, request):
        self.came.release()
        assert self.hold.wait(WAIT_S)
        if self.instead:
            return self.instead.pop(0)
        event = json.loads(request.body)
        self.taken.setdefault(event["id"], event)
        return TAKEN

    def events(self, count):
        """The events in the order in which they were first taken, once there are so many. One that
        was under way when the server was stopped comes again."""
        while len(self.taken) < count:
            assert self.came.acquire(timeout=WAIT_S), self.taken
        return list(self.taken.values())
