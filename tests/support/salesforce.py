"""A vendor with a memory: codes that work once, refresh tokens that rotate, and the newest access
token only. It counts, so that a test can tell what was sent how often."""

import json
import threading
import urllib.parse

from support.server import headgate
from support.vendor import Vendor, http

TOKEN_PATH = "/services/oauth2/token"
GONE = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
REDIRECT = "https://example.com/callback"
CLIENT_ID = "crash-test-app"


class Salesforce(Vendor):
    def __init__(self, canaries):
        super().__init__(self.answer_one)
        self.turn = threading.Lock()
        self.canaries = canaries
        self.codes = {}      # code: how often it was shown
        self.refreshed = {}  # refresh token: how often it was shown
        self.live_access = set()
        self.live_refresh = set()
        self.made = 0
        self.busy = 0  # so many token requests meet another one for the same credential

    def fresh(self, kind):
        self.made += 1
        return self.canaries.new(f"{kind}-{self.made}")

    def new_code(self):
        code = self.fresh("code")
        self.codes[code] = 0
        return code

    def new_tokens(self):
        """An access token and a refresh token that work, as if from a login elsewhere."""
        access, refresh = self.fresh("access"), self.fresh("refresh")
        self.live_access.add(access)
        self.live_refresh.add(refresh)
        return {"accessToken": access, "refreshToken": refresh}

    def answer_one(self, request):
        with self.turn:
            return self.judge(request)

    def judge(self, request):
        if request.target == TOKEN_PATH:
            return self.give_tokens(dict(urllib.parse.parse_qsl(request.body.decode())))
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.live_access:
            return http("401 Unauthorized", json.dumps(GONE))
        return http("200 OK", json.dumps({"sobjects": "/services/data/v58.0/sobjects",
                                          "user_id": "005000000000001AAA"}))

    def give_tokens(self, form):
        if self.busy > 0:
            self.busy -= 1
            return http("400 Bad Request", json.dumps({
                "error": "invalid_grant",
                "error_description": "token request is already being processed"}))
        if form["grant_type"] == "authorization_code":
            self.codes[form["code"]] += 1
            good = self.codes[form["code"]] == 1
            words = "invalid authorization code"
        else:
            token = form["refresh_token"]
            self.refreshed[token] = self.refreshed.get(token, 0) + 1
            good = token in self.live_refresh
            self.live_refresh.discard(token)
            words = "expired access/refresh token"
        if not good:
            return http("400 Bad Request",
                        json.dumps({"error": "invalid_grant", "error_description": words}))
        fresh = self.new_tokens()
        return http("200 OK", json.dumps({
            "access_token": fresh["accessToken"], "refresh_token": fresh["refreshToken"],
            "token_type": "Bearer", "issued_at": "1700000000000", "scope": "api refresh_token"}))


def set_app(server, canaries):
    headgate("oauth-app", "set", *server.place, "--connector", "Salesforce", "--client-id",
             CLIENT_ID, input=canaries.new("client-secret").encode() + b"\n")


def with_app(servers, canaries, *words):
    """A server that has the OAuth app and was not started yet."""
    made = servers(*words, start=False)
    set_app(made, canaries)
    return made
