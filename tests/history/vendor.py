"""A vendor whose codes work once, and who remembers when he was shown each: an SAP system."""

import base64
import json
import time
import urllib.parse

from history.calls import Code
from support.vendor import Vendor, http

TOKEN_PATH = "/token"
REDIRECT = "https://example.com/callback"


class Remembering(Vendor):
    """Passwords, codes and tokens each hold a secret that all of their kind have in common, so that
    few words are searched for however long a run is. A code ends with the value that it stands
    for, and the token that is given for it does, too."""

    def __init__(self, canaries):
        super().__init__(self.judge)
        self.canaries = canaries
        self.codes = {}  # value: Code

    def password(self, good):
        return self.canaries.new("password" if good else "wrong-password")

    def code(self, value, good):
        """A bad one is not known here."""
        return self.canaries.new("code" if good else "unknown-code") + f"-{value}"

    def oauth(self):
        return {"tokenUrl": self.url + TOKEN_PATH, "authCodeUrl": self.url + "/authorize",
                "oAuthScopes": ["CATALOG"]}

    def client(self):
        return {"clientId": "history", "clientSecret": self.canaries.new("client-secret")}

    def judge(self, request):
        """Called by several threads, but never for one code at once unless that is the fault."""
        if request.target == TOKEN_PATH:
            return self.give_token(dict(urllib.parse.parse_qsl(request.body.decode()))["code"])
        way, _, shown = request.headers.get("authorization", "").partition(" ")
        if way == "Basic":
            good = base64.b64decode(shown).decode().partition(":")[2] == self.password(True)
        else:
            good = shown.partition("-")[0] == self.canaries.new("token")
        return http("200 OK", '{"value": []}') if good else http("401 Unauthorized", "{}")

    def give_token(self, code):
        secret, _, value = code.partition("-")
        if secret != self.canaries.new("code"):
            return http("400 Bad Request", '{"error": "invalid_grant"}')
        times = self.codes.setdefault(value, Code()).shown
        times.append(time.monotonic())
        if len(times) > 1:
            return http("400 Bad Request", '{"error": "invalid_grant"}')
        return http("200 OK", json.dumps({
            "access_token": f"{self.canaries.new('token')}-{value}", "token_type": "Bearer"}))
