"""A vendor whose tokens the keeper renews, and what a test sees of the keeper. The vendor's ledger
is `refreshed`: each refresh token, and how often it was shown."""

import json
import threading
import time

from support.salesforce import TOKEN_PATH, Salesforce
from support.vendor import http, reset

INTROSPECTION_PATH = "/services/oauth2/introspect"
FORBIDDEN = json.dumps([{"message": "Not allowed", "errorCode": "INSUFFICIENT_ACCESS"}])
WAIT_S = 30


class Keeping(Salesforce):
    """`strict`: a refresh token works once, and one that is shown again ends every token."""

    def __init__(self, canaries, strict=True):
        super().__init__(canaries)
        self.strict = strict
        self.extra = {"expires_in": 3600}  # of token answers
        self.instead = []  # answers to the next token requests
        self.forbids = False  # calls with a good access token
        self.introspects = False
        self.hold = threading.Event()  # token requests wait until it is set, before or after
        self.hold.set()
        self.came = threading.Semaphore(0)
        self.spent = set()
        self.drops = False  # the answers to token requests, once they were acted upon

    def answer_one(self, request):
        if request.target == TOKEN_PATH:
            self.came.release()
            assert self.hold.wait(WAIT_S)
        return super().answer_one(request)

    def judge(self, request):
        if request.target == INTROSPECTION_PATH:
            return self.introspect(request)
        if request.target == TOKEN_PATH and self.instead:
            answer = self.instead.pop(0)
            return answer(request) if callable(answer) and answer is not reset else answer
        answer = super().judge(request)
        is_token = request.target == TOKEN_PATH
        if self.forbids and not is_token and answer.startswith(b"HTTP/1.1 200"):
            return http("403 Forbidden", FORBIDDEN)
        return None if is_token and self.drops else answer

    def introspect(self, request):
        if not self.introspects:
            return http("404 Not Found", "")
        live = any(token.encode() in request.body for token in self.live_refresh)
        return http("200 OK", json.dumps({"active": live}))

    def give_tokens(self, form):
        token = form.get("refresh_token")
        if self.strict and token in self.spent:
            self.live_refresh.clear()
            self.live_access.clear()
        answer = super().give_tokens(form)
        good = answer.startswith(b"HTTP/1.1 200")
        if token and good:
            self.spent.add(token)
        if not good:
            return answer
        tokens = json.loads(answer.partition(b"\r\n\r\n")[2])
        if not self.strict and token:
            self.live_refresh.add(token)
            self.live_refresh.discard(tokens.pop("refresh_token"))
        tokens.update(self.extra)
        return http("200 OK", json.dumps({name: value for name, value in tokens.items()
                                          if value is not None}))

    def shown_twice(self):
        return {token for token, times in self.refreshed.items() if times > 1}


def create(tokens, name="kept"):
    return {"connectorProfileName": name, "connectionMode": "Public",
            "connectorType": "Salesforce", "connectorProfileConfig": {
                "connectorProfileProperties": {"Salesforce": {}},
                "connectorProfileCredentials": {"Salesforce": tokens}}}


def update(tokens=None, name="kept"):
    request = create(tokens, name)
    del request["connectorType"]
    if tokens is None:
        del request["connectorProfileConfig"]["connectorProfileCredentials"]
    return request


def state(server, name="kept"):
    rows = server.query("SELECT * FROM token_states WHERE name = '%s'" % name)
    return rows[0] if rows else None


def job(server, name="kept"):
    rows = server.query("SELECT * FROM jobs WHERE kind = 'token-keeper' AND name = '%s'" % name)
    return rows[0] if rows else None


def make_due(server, start=True, **kwargs):
    """The renewal is due now: the server is started again, since its database is its own."""
    server.stop()
    server.database.change("UPDATE jobs SET due_at_ms = 1, lease_until_ms = 0"
                           " WHERE kind = 'token-keeper'")
    return server.start(**kwargs) if start else server


def wait_for(server, *, name="kept", **wanted):
    """Until the state's row has these values."""
    until = time.monotonic() + WAIT_S
    while True:
        row = state(server, name)
        if row and all(row[column] == value for column, value in wanted.items()):
            return row
        assert time.monotonic() < until, (row, wanted, server.log[-3000:])
        time.sleep(0.02)


def wait_until_done(server, attempts, name="kept"):
    """Until so many renewals have ended since the job was made."""
    until = time.monotonic() + WAIT_S
    while (job(server, name) or {"attempts": attempts})["attempts"] < attempts:
        assert time.monotonic() < until, (state(server, name), server.log[-3000:])
        time.sleep(0.02)
    return state(server, name)
