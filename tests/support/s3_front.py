"""What stands before a stand-in's S3: it passes requests on, but for those that a test answers
otherwise, so that S3 is away, or its answers are."""

import contextlib
import dataclasses
import http.client
import http.server
import threading
import urllib.parse

TIMEOUT_S = 60
# A pause that no call waits for: the client gives up at once.
AWAY = (503, {"Retry-After": "86400"})
DENIED = (403, {})
LOST = "the answer is lost"


@dataclasses.dataclass(frozen=True)
class Cut:
    """Passes a request on, and hangs up after so many bytes of the answer's body."""

    count: int


NOT_PASSED = {"connection", "content-length", "date", "server", "transfer-encoding"}


def times(answer, count, matches):
    """Answers so many of the requests that match so, and passes all others on."""
    left = [answer] * count
    lock = threading.Lock()

    def instead(method, target):
        with lock:
            return left.pop() if matches(method, target) and left else None

    return instead


class Front:
    """`instead` is asked of each request, by its method and its target: None passes it on, LOST
    passes it on and hangs up without an answer, Cut after a part of it, and a status with headers
    is the answer. With a `host`, requests are passed on as for it."""

    def __init__(self, url, host=None):
        self.host = host
        self.origin = urllib.parse.urlsplit(url).netloc
        self.pass_all()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that is gone

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def pass_all(self):
        self.instead = lambda method, target: None

    def pass_on(self, method, target, headers, body):
        """Signed as it is, its Host header included."""
        connection = http.client.HTTPConnection(self.origin, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                is_host = self.host and name.lower() == "host"
                connection.putheader(name, self.host if is_host else value)
            connection.endheaders(body)
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.getheaders()
                    if name.lower() not in NOT_PASSED}
            return answer.status, kept, answer.read()

    def handler(self):
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                instead = front.instead(self.command, self.path)
                cut = instead if isinstance(instead, Cut) else None
                if instead in (None, LOST) or cut:
                    status, headers, body = front.pass_on(
                        self.command, self.path, self.headers, body)
                else:
                    (status, headers), body = instead, b""
                if instead == LOST:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body[:cut.count] if cut else body)
                self.close_connection = bool(cut)

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        return Handler


@contextlib.contextmanager
def before(url, host=None):
    front = Front(url, host)
    thread = threading.Thread(target=front.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield front
    finally:
        front.server.shutdown()
        front.server.server_close()
        thread.join(TIMEOUT_S)
