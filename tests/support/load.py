"""Clients that keep sending, and what each of them sends."""

import json
import threading

from support import wire


class Clients:
    """Threads that keep sending until they are told that it is enough, or the first failure."""

    def __init__(self):
        self.over = threading.Event()
        self.answered = threading.Semaphore(0)
        self.failures = []
        self.threads = []

    def add(self, make_one):
        """`make_one()` returns a function that sends one request and raises unless all is well."""
        def run():
            try:
                send = make_one()
                while not self.over.is_set():
                    send()
                    self.answered.release()
            except BaseException as error:
                self.failures.append(error)
                self.over.set()
        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()

    def wait_for(self, count):
        for _ in range(count):
            assert self.answered.acquire(timeout=60) and not self.failures, self.failures

    def end(self):
        self.over.set()
        for each in self.threads:
            each.join(60)
            assert not each.is_alive()
        assert self.failures == []


class Raw:
    """A keep-alive connection of its own, opened anew only after Connection: close."""

    def __init__(self, server, operation, parameters):
        self.server = server
        self.operation = operation
        self.body = json.dumps(parameters).encode()
        self.connection = None

    def __call__(self):
        if not self.connection:
            self.connection = wire.Connection(self.server.host, self.server.port)
        answer = self.connection.exchange(wire.signed_request(
            self.server, "POST", wire.kebab(self.operation), self.body))
        assert answer.status == 200, answer.raw
        if answer.header("Connection") == "close":
            self.connection.close()
            self.connection = None


class Asker:
    """Asks for a page of health and metrics: over a connection that it keeps until it is told to
    close it, as a Prometheus server does, or over a new one each time."""

    def __init__(self, port, page, keeps):
        self.port = port
        self.request = f"GET {page} HTTP/1.1\r\nHost: h\r\n\r\n".encode()
        self.keeps = keeps
        self.connection = None

    def __call__(self):
        if not self.connection:
            self.connection = wire.Connection("127.0.0.1", self.port)
        answer = self.connection.exchange(self.request)
        assert answer.status == 200, answer.raw
        if not self.keeps or answer.header("Connection") == "close":
            self.connection.close()
            self.connection = None
