"""Kills the server between a vendor's answer to a consent and the end of the change: the browser is
told so at once after the restart, the code is used at most once, and a new link works."""

import re
import signal
import urllib.parse

import pytest

from support.salesforce import Salesforce, with_app
from support.vendor import to_vendor
from support.wire import Connection, request_bytes

# Each with how often the code was shown to the vendor by then.
POINTS = {"consent:taken": 0, "grant:begun": 0, "grant:answered": 1, "grant:saved": 1,
          "change:verified": 1, "change:sealed": 1, "change:committed": 1}
CALLBACK = "/connect/callback/Salesforce?"
NEW = {"connectorProfileName": "crash", "connectionMode": "Public", "connectorType": "Salesforce",
       "connectorProfileConfig": {"connectorProfileProperties": {"Salesforce": {}},
                                  "connectorProfileCredentials": {"Salesforce": {}}}}


@pytest.fixture
def salesforce(canaries):
    with Salesforce(canaries) as vendor:
        yield vendor


@pytest.fixture
def server(servers, salesforce, canaries):
    return with_app(servers, canaries, *to_vendor(salesforce, "Salesforce"))


class Visitor:
    """A browser, as far as it matters here."""

    def __init__(self, server):
        self.server = server
        self.cookie = None

    def send(self, method, target, form=b""):
        headers = [("Host", self.server.authority)]
        headers += [("Cookie", self.cookie)] if self.cookie else []
        headers += [("Content-Length", str(len(form)))] if method == "POST" else []
        with Connection(self.server.host, self.server.port) as connection:
            answer = connection.exchange(request_bytes(method, target, headers, form))
        self.server.answers.append(answer.raw)
        return answer

    def begin(self):
        """From a new link to the vendor; the path of the link, and the state to come back with."""
        answer = self.server.call("CreateConnectorProfile", NEW,
                                  headers=[("X-Headgate-Consent", "true")])
        link = urllib.parse.urlsplit(answer.header("X-Headgate-Consent-Link")).path
        page = self.send("GET", link)
        self.cookie = page.header("Set-Cookie").split(";")[0]
        token = re.search(rb'name="token" value="([\w-]+)"', page.body).group(1)
        away = self.send("POST", link, b"token=" + token).header("Refresh")
        return link, urllib.parse.parse_qs(urllib.parse.urlsplit(away).query)["state"][0]

    def follow(self, target):
        """The page at the end."""
        answer = self.send("GET", target)
        assert answer.status == 303, answer.raw
        return self.send("GET", answer.header("Location"))


@pytest.mark.embedded  # where nodes share a store, one that lives may work on it for a while
@pytest.mark.parametrize("point", POINTS)
def test_killed_between_the_vendors_answer_and_the_end(server, salesforce, point):
    server.start(env={"HEADGATE_FAULT": point})
    visitor, code = Visitor(server), salesforce.new_code()
    link, state = visitor.begin()
    callback = CALLBACK + urllib.parse.urlencode({"code": code, "state": state})
    with pytest.raises((OSError, IndexError, ValueError)):
        visitor.send("GET", callback)
    assert server.wait_for_end() == -signal.SIGKILL
    server.start()
    committed = point == "change:committed"
    for target in (callback, link):  # reloaded, and the link opened again
        if committed and target == callback:
            assert visitor.send("GET", target).status == 410  # it has ended, and works once
            continue
        page = visitor.follow(target)
        assert b"Connected" in page.body if committed else b"was interrupted" in page.body
        assert (page.status, page.header("Refresh")) == (200 if committed else 500, None)
    assert salesforce.codes == {code: POINTS[point]}
    assert server.count_rows("profiles") == committed
    if not committed:
        again = salesforce.new_code()
        state = visitor.begin()[1]
        page = visitor.follow(
            CALLBACK + urllib.parse.urlencode({"code": again, "state": state}))
        assert b"Connected" in page.body
        assert salesforce.codes == {code: POINTS[point], again: 1}
    assert server.describe("crash") is not None
