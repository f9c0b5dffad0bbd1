"""A stand-in vendor on loopback that keeps the bytes of every request and answers as told."""

import collections
import socket
import struct
import threading

from support import wire

UNEXPECTED = b"HTTP/1.1 500 Unexpected\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Request:
    """What the vendor was sent, as bytes and taken apart."""

    def __init__(self, raw):
        self.raw = raw
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.headers = {name.lower(): value
                        for name, _, value in (line.partition(": ") for line in lines[1:])}


def http(status, body=b"", content_type="application/json", headers=()):
    """An answer's bytes."""
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}",
             *[f"{name}: {value}" for name, value in headers], f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# What a vendor may do with a connection instead of answering; each is its end.

def reset(connection):
    """Gives it up without a word: what the other side waits for ends in ECONNRESET."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silence(connection):
    """Says nothing for as long as the other side waits."""
    while connection.recv(65536):
        pass


def breaking_off(raw):
    """Hangs up after these bytes, whatever more they promised."""
    return lambda connection: connection.sendall(raw)


class Vendor:
    """Answers requests with a function, or from a script when none is set; a request that the
    script does not foresee gets a 500 and stays in `requests`, where the test will see it. The
    function is called on the connection's thread, several at once if there are several. An answer
    is bytes, or one of the functions above, or None: hang up without a word."""

    name = "vendor"

    def __init__(self, answer=None):
        self.answer = answer or self.next_of_script
        self.script = collections.deque()
        self.requests = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.listeners = []
        self.connections = []
        self.closed = False

    @property
    def authority(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"http://{self.authority}"

    def next_of_script(self, _):
        return self.script.popleft() if self.script else UNEXPECTED

    def __enter__(self):
        self.serve(self.listener)
        return self

    def serve(self, listener):
        """Answers at one more listening socket, which becomes its own."""
        self.listeners.append(listener)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def __exit__(self, *_):
        self.closed = True
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for connection in self.connections:
            connection.close()

    def _accept(self, listener):
        while not self.closed:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        rest = b""
        try:
            while True:
                raw, rest = wire.read_message(connection, rest)
                if not raw or not self.take(connection, Request(raw)):
                    return
        except OSError:
            pass
        finally:
            connection.close()

    def take(self, connection, request):
        """Keeps a request and answers it. False: that was the connection's end."""
        with self.lock:
            self.requests.append(request)
        answer = self.answer(request)
        if answer is None:
            return False
        if callable(answer):
            answer(connection)
            return False
        connection.sendall(answer)
        return True


def to_vendor(vendor, kind="Amplitude"):
    """A server's options that lead a connector's calls to it."""
    return ("--egress-allow", "127.0.0.1", "--endpoint", f"{kind}={vendor.url}")
