"""A way to PostgreSQL on which a COMMIT, or its answer, does not arrive."""

import socket
import socketserver
import threading


class CommitCutter:
    """Passes everything on, until arm(): the next COMMIT is passed on, its answer is waited for,
    and then both sides are cut; or, if the COMMIT shall not arrive, they are cut at once. spoil()
    changes a word of the same length until unspoil(). While `flows` is clear, nothing that is
    sent to PostgreSQL is passed on; hold_at() clears it, and sets `held`, at the first word."""

    def __init__(self, port):
        cutter = self
        self.target = ("127.0.0.1", port)
        self.armed = threading.Event()
        self.arrives = True
        self.cut = threading.Event()
        self.flows = threading.Event()
        self.flows.set()
        self.spoils = []  # a word and what comes in its place
        self.hold = None
        self.held = threading.Event()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                cutter.pass_on(self.request)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.listener = Listener(("127.0.0.1", 0), Handler)
        self.port = self.listener.server_address[1]
        self.thread = threading.Thread(target=self.listener.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.flows.set()
        self.listener.shutdown()
        self.listener.server_close()
        self.thread.join()

    def arm(self, arrives=True):
        self.cut.clear()
        self.arrives = arrives
        self.armed.set()

    def hold_at(self, word):
        self.held.clear()
        self.hold = word

    def spoil(self, word, other):
        assert len(word) == len(other)
        self.spoils = [(word, other)]

    def unspoil(self):
        self.spoils = []

    def pass_on(self, near):
        with socket.create_connection(self.target) as far:
            last = threading.Event()  # the answer that is on its way now goes no further
            back = threading.Thread(target=self.bring_back, args=(far, near, last), daemon=True)
            back.start()
            while data := receive(near):
                if self.hold and self.hold in data:
                    self.hold = None
                    self.flows.clear()
                    self.held.set()
                self.flows.wait()
                for word, other in self.spoils:
                    data = data.replace(word, other)
                if self.armed.is_set() and b"COMMIT" in data:
                    self.armed.clear()
                    last.set()
                    if not self.arrives:
                        self.cut.set()
                        break
                if not send(far, data):
                    break
            end(near)
            end(far)
            back.join()

    def bring_back(self, far, near, last):
        while data := receive(far):
            if last.is_set():
                self.cut.set()
                break
            if not send(near, data):
                break
        end(near)
        end(far)


def receive(connection):
    try:
        return connection.recv(65536)
    except OSError:
        return b""


def send(connection, data):
    """False: who should get it has gone."""
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True


def end(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it has ended already
