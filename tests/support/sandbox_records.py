"""The truth of a stand-in's records, and requests to it."""

import functools
import json
import urllib.error
import urllib.parse
import urllib.request

from support.server import headgate

TIMEOUT_S = 60


@functools.cache
def truth(kind, entity):
    """Every record of an entity, as `headgate sandbox --records` prints them; not to be changed."""
    printed = headgate("sandbox", "--records", "--connector", kind, "--entity", entity)
    return [json.loads(line) for line in printed.splitlines()]


def written(directory, kind, entity, *words):
    """The same with what clients wrote, which the stand-in keeps in a folder."""
    printed = headgate("sandbox", "--records", "--connector", kind, "--entity", entity,
                       "--records-dir", directory, *words)
    return [json.loads(line) for line in printed.splitlines()]


def get(sandbox, host, path, headers, **query):
    """Status, headers and JSON of the answer to a GET at the stand-in; of a failure the text."""
    return send(sandbox, host, "GET", path, headers, None, **query)


def send(sandbox, host, method, path, headers, body, **query):
    """The same of any request; the body is JSON's, or a text."""
    url = f"http://127.0.0.1:{sandbox.http_port}{path}"
    if query:
        url += "?" + urllib.parse.urlencode(query)
    if body is not None:
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
        headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, method=method, data=body,
                                     headers={"Host": host, **headers})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return answer.status, answer.headers, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()
