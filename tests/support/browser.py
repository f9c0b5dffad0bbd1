"""A real browser, headless: Chromium by way of its driver, which speaks W3C WebDriver over HTTP."""

import base64
import http.client
import json
import os
import pathlib
import subprocess
import time

from support import programs

PROGRAMS = {"chromium": "chromium", "driver": "chromedriver"}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver 11
WAIT_S = 20
OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
           "--no-first-run", "--disable-background-networking", "--disable-sync",
           "--disable-extensions", "--disable-component-update", "--host-resolver-rules="
           "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE *.localhost"]


def missing():
    """Which of the programs there is not."""
    return [name for name in PROGRAMS.values() if not programs.find(name)]


class Browser:
    def __init__(self, directory, options=()):
        out = open(directory / "chromedriver.log", "wb")
        self.driver = subprocess.Popen(
            [programs.find(PROGRAMS["driver"]), "--port=0"], stdout=subprocess.PIPE, stderr=out,
            env={**os.environ, "HOME": str(directory)})
        self.port = self._port()
        words = [*OPTIONS, *options, f"--user-data-dir={directory / 'profile'}"]
        made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"binary": programs.find(PROGRAMS["chromium"]), "args": words},
            "pageLoadStrategy": "none"}}})
        self.session = f"/session/{made['sessionId']}"

    def _port(self):
        for line in self.driver.stdout:
            if b"started successfully on port " in line:
                return int(line.rsplit(b" ", 1)[1].strip().rstrip(b"."))
        raise AssertionError("chromedriver did not start")

    def _call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        value = json.loads(answer.read())["value"]
        connection.close()
        if answer.status != 200:
            raise AssertionError(f"{method} {path}: {value['error']}: {value['message'][:500]}")
        return value

    def call(self, method, path, body=None):
        return self._call(method, self.session + path, body)

    def open(self, url, title=""):
        self.call("POST", "/url", {"url": url})
        self.wait_for_title(title)

    @property
    def url(self):
        return self.call("GET", "/url")

    @property
    def title(self):
        return self.call("GET", "/title")

    @property
    def source(self):
        return self.call("GET", "/source")

    def find(self, selector):
        """Waits for it: a page has its title before its body."""
        until = time.monotonic() + WAIT_S
        while True:
            found = self.call("POST", "/elements", {"using": "css selector", "value": selector})
            if found:
                return found[0][ELEMENT]
            assert time.monotonic() < until, (selector, self.url)
            time.sleep(0.02)

    def click(self, selector):
        self.call("POST", f"/element/{self.find(selector)}/click", {})

    def text(self, selector):
        self.find(selector)
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def press(self, key):
        """On what has the focus."""
        active = self.call("GET", "/element/active")[ELEMENT]
        self.call("POST", f"/element/{active}/value", {"text": key})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def back(self):
        self.call("POST", "/back", {})

    def forget(self):
        """Becomes another browser to the page's host: without its cookies."""
        self.call("DELETE", "/cookie")

    def cookies(self):
        return self.call("GET", "/cookie")

    def wait_for_title(self, title):
        until = time.monotonic() + WAIT_S
        while title not in self.title:
            assert time.monotonic() < until, (title, self.title, self.url)
            time.sleep(0.02)
        self.find("body")

    def screenshot(self, path, width=900, height=800, dark=False):
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]}})
        self.call("POST", "/goog/cdp/execute", {
            "cmd": "Emulation.setDeviceMetricsOverride",
            "params": {"width": width, "height": height, "deviceScaleFactor": 1,
                       "mobile": width < 500}})
        pathlib.Path(path).write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def close(self):
        try:
            self._call("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait(20)
