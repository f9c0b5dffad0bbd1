"""HTTP over a raw socket, byte for byte: nothing is added to what a test sends, nothing is hidden
of what comes back."""

import json
import socket

from support import sigv4

TIMEOUT_S = 60
ANSWER_MAX = 4 * 1024 * 1024


class Answer:
    """One HTTP answer: `raw` is every byte of it."""

    def __init__(self, raw):
        self.raw = raw
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status_line = lines[0]
        self.status = int(lines[0].split(" ")[1])
        self.headers = [tuple(line.split(": ", 1)) for line in lines[1:]]

    def header(self, name):
        found = [value for each, value in self.headers if each.lower() == name.lower()]
        assert len(found) <= 1, f"{name} is there {len(found)} times"
        return found[0] if found else None

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.header("x-amzn-ErrorType")

    @property
    def message(self):
        return self.json()["message"]


def read_message(connection, before=b""):
    """Reads one message framed by Content-Length; its bytes, and what came after it."""
    data = before
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return data, b""
        data += more
    head, _, _ = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.decode("latin-1").lower().split("\r\n")[1:]:
        if line.startswith("content-length:"):
            length = int(line.split(":", 1)[1])
    end = len(head) + 4 + length
    assert end <= ANSWER_MAX
    while len(data) < end:
        more = connection.recv(65536)
        if not more:
            break
        data += more
    return data[:end], data[end:]


class Connection:
    """A connection to the server that is kept alive between requests."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), TIMEOUT_S)
        self.rest = b""

    def exchange(self, request):
        self.socket.sendall(request)
        raw, self.rest = read_message(self.socket, self.rest)
        return Answer(raw)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request_bytes(method, target, headers, body):
    lines = [f"{method} {target} HTTP/1.1"] + [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def signed_request(server, method, target, body=b"", headers=(), key=None, region=sigv4.REGION):
    """A request's bytes, signed as `key` (the server's own access key without one)."""
    key = key or server.key
    headers = [("Host", server.authority), *headers]
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    headers += sigv4.sign(method, target, headers, body, key.id, key.secret, region)
    if body or method != "GET":
        headers.append(("Content-Length", str(len(body))))
    return request_bytes(method, target, headers, body)


def kebab(operation):
    words = "".join("-" + letter.lower() if letter.isupper() else letter for letter in operation)
    return "/" + words[1:]


def call(server, operation, parameters=None, **kwargs):
    """Calls an operation with a JSON body over a connection of its own."""
    body = json.dumps({} if parameters is None else parameters).encode()
    request = signed_request(server, "POST", kebab(operation), body, **kwargs)
    with Connection(server.host, server.port) as connection:
        answer = connection.exchange(request)
    server.answers.append(answer.raw)
    return answer
