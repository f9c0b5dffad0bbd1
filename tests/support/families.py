"""A vendor for many profiles of several connectors, whose refresh tokens rotate by different rules,
and the ledger of what it was shown. Each profile has a family of tokens of its own."""

import collections
import dataclasses
import itertools
import json
import random
import threading
import time
import urllib.parse

from support.keeping import INTROSPECTION_PATH
from support.salesforce import CLIENT_ID, REDIRECT, TOKEN_PATH
from support.vendor import Vendor, http, reset

GRACE_S = 120
LIFE_S = 3600
ZENDESK_TOKENS = "/oauth/tokens"
TOKEN_PATHS = (TOKEN_PATH, "/api/oauth.v2.access", "/token", ZENDESK_TOKENS)

# What may become of a token request instead of its answer.
THROTTLED = "throttled"    # 429: the vendor has not acted
UNHEARD = "unheard"        # the connection ends before the vendor acts
UNANSWERED = "unanswered"  # and after that
# Of the token requests one after the other; None: it is answered.
SOME_FAULTS = (None, None, THROTTLED, None, None, None, UNANSWERED, None, None, None, None, UNHEARD,
               None, None, None)


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a connector's vendor does about a refresh token that it has replaced."""
    name: str
    connector: str
    key: str
    rotates: bool = True
    punishes: bool = False      # a replaced one ends everything
    grace_s: float = 0          # how long a replaced one works
    introspects: bool = False
    ends_old_access: bool = False
    properties: dict = dataclasses.field(default_factory=dict, hash=False)


KINDS = {kind.name: kind for kind in (
    Kind("never", "Googleanalytics", "GoogleAnalytics", rotates=False),
    Kind("grace", "Slack", "Slack", grace_s=GRACE_S,
         properties={"instanceUrl": "https://acme.slack.com"}),
    Kind("asked", "Salesforce", "Salesforce", punishes=True, introspects=True),
    Kind("blind", "Salesforce", "Salesforce", punishes=True),
    Kind("old access", "Zendesk", "Zendesk", ends_old_access=True,
         properties={"instanceUrl": "{url}"}))}


@dataclasses.dataclass
class Shown:
    """A line of the ledger: a refresh token that was shown."""
    token: str
    at: float
    given: bool      # it brought tokens
    harmful: bool    # it was a replaced one, and something that still worked ended by it


class Family:
    def __init__(self, number, kind, url):
        self.name = f"{kind.name.replace(' ', '-')}-{number}"
        self.kind = kind
        self.properties = {name: value.format(url=url) for name, value in kind.properties.items()}
        self.codes = {}      # code: how often it was shown
        self.refresh = set()  # that work
        self.replaced = {}   # refresh token: when it was replaced
        self.access = set()  # that work
        self.ledger = []
        self.received = 0.0  # when the newest tokens were given out
        self.dropped = set()  # of these times: whose answer was not sent
        self.counter = itertools.count(1)

    def fresh(self, what):
        return f"{what}.{self.name}.{next(self.counter)}.{random.getrandbits(64):016x}"

    def new_pair(self):
        if self.kind.ends_old_access:
            self.access.clear()
        access, refresh = self.fresh("access"), self.fresh("refresh")
        self.access.add(access)
        self.refresh.add(refresh)
        return access, refresh

    def consent(self):
        """What a person gets who authorizes: the credentials to send."""
        self.refresh.clear()
        self.access.clear()
        own = {} if self.kind.key == "Salesforce" else {"clientId": CLIENT_ID,
                                                         "clientSecret": "a-secret-of-no-worth"}
        if self.kind.key in ("Slack", "Zendesk"):
            code = self.fresh("code")
            self.codes[code] = 0
            return {**own, "oAuthRequest": {"authCode": code, "redirectUri": REDIRECT}}
        return {**own, "refreshToken": self.new_pair()[1]}

    def spend(self, token):
        """None: refused. Else the tokens for it."""
        now = time.monotonic()
        known = token in self.refresh
        in_grace = now - self.replaced.get(token, -1e9) < self.kind.grace_s
        line = Shown(token, now, known or in_grace,
                     self.kind.punishes and token in self.replaced and bool(self.access))
        self.ledger.append(line)
        if self.kind.punishes and token in self.replaced:
            self.refresh.clear()
            self.access.clear()
        if not line.given:
            return None
        self.received = now
        if not self.kind.rotates:
            self.access.add(access := self.fresh("access"))
            return access, None
        self.refresh.discard(token)
        self.replaced.setdefault(token, now)
        return self.new_pair()

    def harm(self):
        return [line for line in self.ledger if line.harmful]


class Families(Vendor):
    """`delay_s`: the most that it thinks before it acts, and again before it answers."""

    def __init__(self, each, kinds=tuple(KINDS), delay_s=0.02):
        super().__init__(self.judge)
        self.turn = threading.Lock()
        self.delay_s = delay_s
        self.families = {family.name: family for kind in kinds
                         for family in (Family(number, KINDS[kind], self.url)
                                        for number in range(each))}
        self.came = threading.Semaphore(0)  # token requests
        self.hold = threading.Event()       # answers to them wait until it is set
        self.hold.set()
        self.faults = itertools.repeat(None)  # of the next token requests
        self.faults_made = collections.Counter()

    def options(self):
        return ("--egress-allow", "127.0.0.1", *itertools.chain(*(
            ("--endpoint", f"{connector}={self.url}")
            for connector in sorted({family.kind.connector
                                     for family in self.families.values()}))))

    def family_of(self, token):
        parts = token.split(".")
        return self.families.get(parts[1]) if len(parts) == 4 else None

    # --- what it answers ---

    def judge(self, request):
        target = request.target.partition("?")[0]
        if target == INTROSPECTION_PATH:
            return self.introspect(form_of(request))
        if target in TOKEN_PATHS:
            return self.give(target, form_of(request))
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        family = self.family_of(token)
        with self.turn:
            good = family and token in family.access
        if not good and target.startswith("/api/") and not target.startswith("/api/v2"):
            return http("200 OK", '{"ok": false, "error": "token_expired"}')
        return http("200 OK", json.dumps(PROOF)) if good else REFUSALS[target.split("/")[1]]

    def introspect(self, form):
        family = self.family_of(form["token"])
        if not family.kind.introspects:
            return http("403 Forbidden", '{"error": "unauthorized_client"}')
        with self.turn:
            return http("200 OK", json.dumps({"active": form["token"] in family.refresh}))

    def give(self, target, form):
        token = form.get("refresh_token") or form["code"]
        family = self.family_of(token)
        self.came.release()
        fault = self.next_fault()
        if fault == THROTTLED:
            return TOO_MANY
        time.sleep(random.random() * self.delay_s)
        if fault == UNHEARD:
            return reset
        with self.turn:
            pair = self.take_code(family, token) if "code" in form else family.spend(token)
            if fault == UNANSWERED and pair:
                family.dropped.add(family.received)
        time.sleep(random.random() * self.delay_s)
        self.hold.wait()
        return reset if fault == UNANSWERED else answer(target, pair)

    def next_fault(self):
        with self.turn:
            fault = next(self.faults)
            self.faults_made[fault] += 1
        return fault

    @staticmethod
    def take_code(family, code):
        family.codes[code] += 1
        family.received = time.monotonic()
        return family.new_pair() if family.codes[code] == 1 else None


TOO_MANY = http("429 Too Many Requests", '{"error": "rate_limit_exceeded"}',
                headers=(("Retry-After", "1"),))
PROOF = {"ok": True, "user_id": "U1", "url": "https://acme.slack.com/", "channels": [],
         "user": {"id": 1}, "token": {"id": 1}, "kind": "analytics#accountSummaries",
         "sobjects": "/services/data/v58.0/sobjects"}
REFUSALS = {
    "services": http("401 Unauthorized", json.dumps(
        [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])),
    "api": http("401 Unauthorized", '{"error": "invalid_token"}'),
    "analytics": http("401 Unauthorized", '{"error": {"code": 401, "status": "UNAUTHENTICATED"}}'),
}


def form_of(request):
    text = request.body.decode()
    return json.loads(text) if text.startswith("{") else dict(urllib.parse.parse_qsl(text))


def answer(target, pair):
    if pair is None and target == "/api/oauth.v2.access":
        return http("200 OK", '{"ok": false, "error": "invalid_refresh_token"}')
    if pair is None:
        return http("400 Bad Request", '{"error": "invalid_grant", '
                                       '"error_description": "expired access/refresh token"}')
    tokens = {"access_token": pair[0], "token_type": "Bearer", "expires_in": LIFE_S}
    if pair[1]:
        tokens["refresh_token"] = pair[1]
    if target == "/api/oauth.v2.access":
        tokens = {"ok": True, "authed_user": {"id": "U1", "scope": "channels:read", **tokens,
                                              "token_type": "user"}}
    return http("201 Created" if target == ZENDESK_TOKENS else "200 OK", json.dumps(tokens))


# --- requests ---

def create(family):
    return {**update(family, family.consent()), "connectorType": family.kind.connector}


def update(family, credentials=None):
    config = {"connectorProfileProperties": {family.kind.key: family.properties}}
    if credentials:
        config["connectorProfileCredentials"] = {family.kind.key: credentials}
    return {"connectorProfileName": family.name, "connectionMode": "Public",
            "connectorProfileConfig": config}


def by_kind(families):
    """How many of each kind, for people."""
    counts = collections.Counter(family.kind.name for family in families)
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"
