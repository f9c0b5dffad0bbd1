"""What an operator's machines ask a server on its --admin-listen listener."""

import re
import time
import urllib.error
import urllib.request

WAIT_S = 60
OPTION = ("--admin-listen", "127.0.0.1:0")


def address(server):
    """Where the newest start of this server listens for them."""
    log = (server.directory / f"stderr-{server.starts}.log").read_text()
    return re.search(r"Health and metrics: (http://[\d.]+:\d+)/", log).group(1)


def ask(server, path, method="GET"):
    """Status, headers and text of an answer."""
    request = urllib.request.Request(address(server) + path, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def metrics(server):
    """Every sample by its name with labels, as text before the value."""
    status, _, text = ask(server, "/metrics")
    assert status == 200, text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def throttled(server, limit):
    """How often a request was told to come back because of a limit."""
    return metrics(server).get(f'headgate_throttled_total{{limit="{limit}"}}', 0)


def wait_until(server, condition, asked=metrics):
    """Asks until what is asked, the metrics unless told otherwise, meets the condition; what it was
    then."""
    until = time.monotonic() + WAIT_S
    while not condition(seen := asked(server)):
        assert server.running() and time.monotonic() < until, seen
        time.sleep(0.001)
    return seen


def wait_for(server, **expected):
    """Until these metrics, named without headgate_, have these values."""
    return wait_until(server, lambda seen: all(
        seen.get(f"headgate_{name}") == value for name, value in expected.items()))
