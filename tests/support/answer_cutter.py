"""A way to the server on which an answer gets lost after the server has committed."""

import json
import socketserver
import threading

from support import wire


class AnswerCutter:
    """Passes requests on to a server, each over a connection of its own. lose() names an operation:
    its next answer is read to the end, then the client's connection is closed without it.
    `exchanges` has each request's path, body and answer, lost answers too."""

    def __init__(self, server):
        cutter = self
        self.server = server
        self.lost = []
        self.exchanges = []

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                cutter.pass_on(self.request)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.listener = Listener(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.listener.serve_forever, daemon=True)

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.listener.server_address[1]}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown()
        self.listener.server_close()
        self.thread.join()

    def lose(self, operation):
        self.lost.append(wire.kebab(operation))

    def of(self, operation):
        """Pairs of body and answer."""
        return [(body, answer) for path, body, answer in self.exchanges
                if path == wire.kebab(operation)]

    def pass_on(self, near):
        """Until the client hangs up or an answer is lost; the caller closes the connection."""
        rest = b""
        while True:
            try:
                request, rest = wire.read_message(near, rest)
            except OSError:
                return
            if not request:
                return
            with wire.Connection(self.server.host, self.server.port) as far:
                answer = far.exchange(request)
            self.server.answers.append(answer.raw)
            head, _, body = request.partition(b"\r\n\r\n")
            path = head.split(b" ")[1].decode()
            self.exchanges.append((path, json.loads(body or b"{}"), answer))
            if path in self.lost:
                self.lost.remove(path)
                return
            near.sendall(answer.raw)
