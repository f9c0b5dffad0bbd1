"""A person authorizes in a real browser (Chromium) at an authorization server that is not ours
(oidc-provider): `headgate connect`, the pages of /connect/, and every way in which it can end."""

import http.client
import json
import pathlib
import re
import subprocess
import time
import urllib.parse

import pytest

from support import aws
from support.browser import Browser, missing
from support.server import clean_environment, command, headgate

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"without {', '.join(missing())}")

SCRIPT = pathlib.Path(__file__).with_name("consent_server.mjs")
CLIENT = "headgate-test-app"
TAB, ENTER = "\ue004", "\ue007"
COOKIE = "headgate-connect"


class Vendor:
    def __init__(self, secret, redirect_uri):
        self.process = subprocess.Popen(
            ["node", SCRIPT, CLIENT, secret, redirect_uri], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.origin = f"http://127.0.0.1:{self._read()['port']}"

    def _read(self):
        line = self.process.stdout.readline()
        assert line, "the authorization server has ended"
        return json.loads(line)

    def ask(self, **words):
        self.process.stdin.write(json.dumps(words).encode() + b"\n")
        self.process.stdin.flush()
        return self._read()

    def codes(self):
        """The codes that were shown to the token endpoint, each with its verifier."""
        return [(each["code"], each["verifier"]) for each in self.ask()["tokenRequests"]
                if each["grant"] == "authorization_code"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


class World:
    """A server, the vendor that it is led to, and a browser."""

    def __init__(self, server, vendor, browser, secret, directory):
        self.server, self.vendor, self.browser = server, vendor, browser
        self.client = aws.boto(server)
        self.file = directory / "config.json"
        self.file.write_text(json.dumps({
            "connectorProfileProperties": {"Zendesk": {"instanceUrl": vendor.origin}},
            "connectorProfileCredentials": {
                "Zendesk": {"clientId": CLIENT, "clientSecret": secret}}}))
        self.made = 0

    def name(self):
        self.made += 1
        return f"desk-{self.made}"

    def connect(self, name, *words, new=True, key=None, expect=0):
        """The link; what is said where there is none."""
        key = key or self.server.key
        if new:
            words = ("--connector", "Zendesk", "--with", self.file, *words)
        done = subprocess.run(
            command("connect", name, "--server", self.server.endpoint, *words),
            capture_output=True, timeout=60, check=False,
            env={**clean_environment(), "AWS_ACCESS_KEY_ID": key.id,
                 "AWS_SECRET_ACCESS_KEY": key.secret})
        assert done.returncode == expect, (done.stdout, done.stderr)
        return (done.stderr if expect else done.stdout).decode().strip()

    def roll_back(self, name):
        done = subprocess.run(
            command("profile", "rollback", name, "--server", self.server.endpoint),
            capture_output=True, timeout=60, check=False,
            env={**clean_environment(), "AWS_ACCESS_KEY_ID": self.server.key.id,
                 "AWS_SECRET_ACCESS_KEY": self.server.key.secret})
        assert done.returncode == 0, (done.stdout, done.stderr)

    def go_to_vendor(self, link):
        self.browser.open(link, "Connect Zendesk")
        self.browser.click("button")
        self.browser.wait_for_title("The vendor")

    def answer(self, link, as_whom, title):
        """From the link to the end, in a browser that the vendor does not know yet."""
        self.forget()
        self.go_to_vendor(link)
        self.browser.click("#" + as_whom)
        self.browser.wait_for_title(title)

    def leave(self):
        self.browser.open(self.server.endpoint + "/connect/none", "There is no such link")

    def forget(self):
        """The browser becomes another one, for the server and the vendor."""
        self.leave()
        self.browser.forget()

    def state(self):
        """Of the latest request to authorize."""
        query = urllib.parse.urlsplit(self.vendor.ask()["requests"][-1]).query
        return urllib.parse.parse_qs(query)["state"][0]

    def names(self):
        details = self.client.describe_connector_profiles()["connectorProfileDetails"]
        return [each["connectorProfileName"] for each in details]

    def send(self, method, url, form=None, **headers):
        """Without the browser: status, headers, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        connection.request(method, url.removeprefix(self.server.endpoint), form, headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    made = Browser(tmp_path_factory.mktemp("browser"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def world(lasting_servers, lasting_canaries, browser, tmp_path_factory):
    secret = lasting_canaries.new("client-secret")
    server = lasting_servers("--egress-allow", "127.0.0.1", "--log-level", "debug")
    vendor = Vendor(secret, server.endpoint + "/connect/callback/Zendesk")
    yield World(server, vendor, browser, secret, tmp_path_factory.mktemp("world"))
    vendor.close()


@pytest.fixture(autouse=True)
def as_another_person(world):
    """Each test begins in a browser that knows neither the server nor the vendor."""
    world.forget()
    yield
    world.vendor.ask(issuer=None, hold=False, refresh=True)


def test_a_new_profile_and_then_the_same_one(world):
    """The keyboard suffices; the code is in no address and no log; PKCE is used."""
    browser, name = world.browser, world.name()
    before = len(world.vendor.codes())
    browser.open(world.connect(name), "Connect Zendesk")
    text = browser.text("main")
    for word in (name, "123456789012", "us-east-1", "127.0.0.1", "read", "write"):
        assert word in text, word
    browser.press(TAB)
    browser.press(ENTER)
    browser.wait_for_title("The vendor")
    browser.click("#alice")
    browser.wait_for_title("Connected")
    assert "code=" not in browser.url and "state=" not in browser.url
    assert name in browser.text("main") and name in world.names()
    code, verifier = world.vendor.codes()[before]
    assert 43 <= len(verifier) <= 128 and code not in world.server.log
    # For a profile that is there its stored client is used; the vendor's user is the same.
    world.answer(world.connect(name, new=False), "alice", "Connected")
    assert len(world.vendor.codes()) == before + 2


def test_a_refusal(world):
    name = world.name()
    link = world.connect(name)
    before = len(world.vendor.codes())
    world.answer(link, "refuse", "You did not authorize")
    assert "aborted" in world.browser.text("blockquote")
    world.leave()
    world.browser.open(link, "You did not authorize")
    assert len(world.vendor.codes()) == before and name not in world.names()


def test_a_closed_window_a_double_click_and_the_back_button(world):
    browser = world.browser
    link = world.connect(world.name())
    world.go_to_vendor(link)  # and the window is closed
    browser.open(link, "Connect Zendesk")
    browser.run("const form = document.forms[0]; form.submit(); form.submit();")
    browser.wait_for_title("The vendor")
    browser.back()
    browser.wait_for_title("Connect Zendesk")
    browser.click("button")
    browser.wait_for_title("The vendor")
    before = len(world.vendor.codes())
    browser.click("#alice")
    browser.wait_for_title("Connected")
    world.leave()
    browser.open(link, "Connected")
    assert len(world.vendor.codes()) == before + 1


def test_another_browser_cannot_go_on(world):
    link = world.connect(world.name())
    world.go_to_vendor(link)
    world.browser.open(link, "Connect Zendesk")
    world.browser.forget()
    world.browser.open(link, "The link is in use in another browser")


def test_an_answer_works_once(world):
    """It is sent again while it is worked on, and afterwards."""
    browser, vendor = world.browser, world.vendor
    browser.open(world.connect(world.name()), "Connect Zendesk")
    [cookie] = [each["value"] for each in browser.cookies() if each["name"] == COOKIE]
    cookie = f"{COOKIE}={cookie}"
    browser.click("button")
    browser.wait_for_title("The vendor")
    before = len(vendor.codes())
    vendor.ask(hold=True)
    browser.click("#alice")
    until = time.monotonic() + 20
    while len(vendor.codes()) == before:
        assert time.monotonic() < until
    callback = vendor.ask()["answers"][-1]
    status, headers, _ = world.send("GET", callback, Cookie=cookie)
    assert status == 303 and headers["location"].startswith("/connect/result/")
    status, waiting, body = world.send("GET", headers["location"], Cookie=cookie)
    assert status == 200 and "One moment" in body and waiting["refresh"]
    status, _, body = world.send("GET", headers["location"])  # another browser
    assert status == 410 and "One moment" not in body
    vendor.ask(hold=False)
    browser.wait_for_title("Connected")
    browser.open(callback, "This was used already")
    browser.back()
    browser.wait_for_title("Connected")
    assert len(vendor.codes()) == before + 1


def test_an_answer_belongs_to_a_browser_and_its_request(world):
    name = world.name()
    world.go_to_vendor(world.connect(name))
    before, state = len(world.vendor.codes()), world.state()
    base = world.server.endpoint + "/connect/callback/Zendesk?code=some-code&state="
    other = state[:-1] + ("A" if state[-1] != "A" else "B")
    for wrong in (base + other, base, base + 76 * "x", base.replace("Zendesk", "Slack") + state):
        world.browser.open(wrong, "This answer belongs to no link")
        world.leave()
    status, _, body = world.send("GET", base + state)  # another browser, with the right state
    assert status == 400 and "belongs to no link" in body
    assert len(world.vendor.codes()) == before and name not in world.names()


def test_another_issuer(world):
    name = world.name()
    world.vendor.ask(issuer="https://evil.example")
    before = len(world.vendor.codes())
    world.answer(world.connect(name), "alice", "The answer came from another server")
    world.forget()
    world.go_to_vendor(world.connect(name))  # an overlong issuer is not left out
    world.browser.open(f"{world.server.endpoint}/connect/callback/Zendesk?code=some-code"
                       f"&state={world.state()}&iss=" + 4097 * "x",
                       "The answer came from another server")
    assert len(world.vendor.codes()) == before and name not in world.names()


def test_another_account_of_the_vendor(world):
    name = world.name()
    world.answer(world.connect(name), "alice", "Connected")
    row = world.server.profile_row(name)
    world.answer(world.connect(name, new=False), "bob", "This is another account")
    assert "alice" in world.browser.text("blockquote")
    assert world.server.profile_row(name) == row
    world.answer(world.connect(name, "--any-account", new=False), "bob", "Connected")
    assert world.server.profile_row(name) != row
    world.roll_back(name)  # to the tokens of before
    world.answer(world.connect(name, new=False), "bob", "This is another account")


def test_a_change_between_the_link_and_the_answer(world):
    name = world.name()
    world.answer(world.connect(name), "alice", "Connected")
    link = world.connect(name, new=False)
    world.client.update_connector_profile(
        connectorProfileName=name, connectionMode="Public", connectorProfileConfig={
            "connectorProfileProperties": {"Zendesk": {"instanceUrl": world.vendor.origin}}})
    row, before = world.server.profile_row(name), len(world.vendor.codes())
    world.answer(link, "alice", "The profile could not be stored")
    assert "was changed after the link was made" in world.browser.text("blockquote")
    assert world.server.profile_row(name) == row and len(world.vendor.codes()) == before


def test_no_refresh_token_any_more(world):
    name = world.name()
    world.answer(world.connect(name), "alice", "Connected")
    row = world.server.profile_row(name)
    world.vendor.ask(refresh=False)
    world.answer(world.connect(name, new=False), "alice", "The vendor gave no refresh token")
    assert "Only an access token came" in world.browser.text("blockquote")
    assert world.server.profile_row(name) == row


def test_fewer_scopes(world):
    name = world.name()
    world.answer(world.connect(name), "less", "Not every permission was granted")
    assert world.browser.text("blockquote") == "Not granted: write"
    assert name not in world.names()


def test_errors_of_the_vendor(world):
    """One of its own, whose words hold a secret; and a code that it does not know."""
    name = world.name()
    world.answer(world.connect(name), "broken", "The vendor reported an error")
    said = world.browser.text("blockquote")
    assert said == "temporarily_unavailable: Repairs, reported by [removed]"
    world.go_to_vendor(world.connect(name))
    world.browser.open(f"{world.server.endpoint}/connect/callback/Zendesk?code=made-up-code"
                       f"&state={world.state()}", "The vendor did not accept")
    assert "code is invalid, expired or was used before" in world.browser.text("blockquote")
    assert name not in world.names()


def test_a_link_expires_and_ends_with_its_access_key(world):
    name = world.name()
    link = world.connect(name)
    world.server.database.change("UPDATE consents SET expires_at_ms = 1 + ("
                                 "SELECT max(at_ms) FROM audit) - 600000 WHERE name = ?", name)
    world.browser.open(link, "The link has expired")
    key = world.server.make_key("AKIAHEADGATETEST0002", "second-key")
    name = world.name()
    world.go_to_vendor(world.connect(name, key=key))
    headgate("access-key", "delete", *world.server.place, "--access-key-id", key.id)
    world.browser.click("#alice")
    world.browser.wait_for_title("The link is not valid any more")
    assert name not in world.names()


def test_the_pages_load_nothing_and_tell_others_nothing(world):
    link = world.connect(world.name())
    status, headers, body = world.send("GET", link)
    assert status == 200 and "<script" not in body and "style=" not in body
    assert re.findall(r'(?:src|href)="([^"]*)"', body) == ["/connect/style.css"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer" and headers["cache-control"] == "no-store"
    assert "HttpOnly; SameSite=Lax" in headers["set-cookie"]
    for method, target in (("GET", "/connect/" + 43 * "A"), ("GET", "/connect/result/" + 32 * "0"),
                           ("POST", "/connect/result/x"), ("DELETE", link)):
        assert world.send(method, target)[0] == 404


def test_a_form_of_another_site_does_nothing(world):
    """Without the page's token, without its cookie, and from another site."""
    link = world.connect(world.name())
    _, headers, body = world.send("GET", link)
    form = "token=" + re.search(r'name="token" value="([\w-]+)"', body).group(1)
    cookie = headers["set-cookie"].split(";")[0]
    for sent, given in (({"Cookie": cookie}, "token=none"), ({}, form),
                        ({"Cookie": cookie, "Sec-Fetch-Site": "cross-site"}, form)):
        status, _, body = world.send("POST", link, given, **sent)
        assert status == 403 and "sent no cookie" in body
    status, headers, _ = world.send("POST", link, form, Cookie=cookie)
    assert status == 200 and headers["refresh"].startswith("0;url=" + world.vendor.origin)


class Mock:
    """A server whose vendors are the sandbox's."""

    def __init__(self, server, browser):
        self.server, self.browser = server, browser

    def authorize(self, name, vendor, decision, title, *words):
        """From the link by the mock vendor's page to the end."""
        done = subprocess.run(
            command("connect", name, "--server", self.server.endpoint, "--connector", vendor,
                    *words),
            capture_output=True, timeout=60, check=True,
            env={**clean_environment(), "AWS_ACCESS_KEY_ID": self.server.key.id,
                 "AWS_SECRET_ACCESS_KEY": self.server.key.secret})
        self.browser.open(done.stdout.decode().strip(), f"Connect {vendor}")
        self.browser.click("button")
        self.browser.wait_for_title(f"{vendor} (mock vendor)")
        self.browser.click("#" + decision)
        self.browser.wait_for_title(title)

    def names(self):
        details = aws.boto(self.server).describe_connector_profiles()["connectorProfileDetails"]
        return [each["connectorProfileName"] for each in details]


@pytest.fixture(scope="module")
def mock(lasting_servers, browser):
    return Mock(lasting_servers("--sandbox"), browser)


def test_a_person_allows_at_a_mock_vendor(mock):
    mock.authorize("crm", "Salesforce", "allow", "Connected")
    assert mock.browser.url.startswith(mock.server.endpoint + "/connect/result/")
    assert mock.names() == ["crm"]


def test_a_person_denies_at_a_mock_vendor(mock, tmp_path):
    """Of one that says who it is (RFC 9207)."""
    (tmp_path / "google.json").write_text(json.dumps({
        "connectorProfileProperties": {"Googleanalytics": {}},
        "connectorProfileCredentials": {"Googleanalytics": {
            "clientId": "1001-sandbox.apps.googleusercontent.com",
            "clientSecret": "sandbox-google-client-secret"}}}))
    mock.authorize("visits", "Googleanalytics", "deny", "You did not authorize",
                   "--with", tmp_path / "google.json")
    assert mock.browser.text("blockquote") == "access_denied"
    assert "visits" not in mock.names()


def test_what_gets_no_link(world):
    """A connector without such a page, and more links than an account may have."""
    name = world.name()
    said = world.connect(name, "--connector", "Singular", new=False, expect=1)
    assert "has no page on which a person authorizes" in said
    world.server.database.change("UPDATE consents SET stage = 'open', expires_at_ms = "
                                 "(SELECT max(expires_at_ms) FROM consents)")
    for _ in range(32 - world.server.count_rows("consents")):
        world.connect(name)
    assert "no account may have more" in world.connect(name, expect=1)
