#!/usr/bin/env python3
"""A vendor that thousands of connections wait on at once: one loop, no thread a connection.

    slow_vendor.py DELAY [DELAY ...]

Listens on a port a delay, prints the ports on one line, and answers each GET after that many
seconds (`never`: not at all) with what Amplitude, ServiceNow and Singular answer to good
credentials, until its standard input ends. Two requests are its own, answered at once: GET /peak
tells how many requests wait, how many did at the same time at most and how many there were; GET
/delay/SECONDS sets the delay of the port, also for those that would have waited for ever.
"""

import collections
import heapq
import json
import select
import socket
import sys
import time

BACKLOG = 4096
GOOD = b'{"data": {"series": []}, "result": [], "status": 0, "value": []}'


def answer_bytes(body):
    return (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body))


class Port:
    def __init__(self, delay):
        self.set_delay(delay)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.listener.setblocking(False)
        self.waiting = self.peak = self.total = 0
        self.held = []  # connections that wait for ever

    def set_delay(self, delay):
        self.delay_s = None if delay == "never" else float(delay)

    def figures(self):
        figures = {"waiting": self.waiting, "peak": self.peak, "total": self.total}
        return json.dumps(figures).encode()


class Loop:
    def __init__(self, delays):
        self.epoll = select.epoll()
        self.ports = [Port(delay) for delay in delays]
        self.listeners = {port.listener.fileno(): port for port in self.ports}
        self.connections = {}  # by descriptor: socket, port
        self.received = collections.defaultdict(bytes)
        self.due = []  # heap of when, number, descriptor, socket
        self.number = 0
        for descriptor in (*self.listeners, sys.stdin.fileno()):
            self.epoll.register(descriptor, select.EPOLLIN)

    def run(self):
        print(*[port.listener.getsockname()[1] for port in self.ports], flush=True)
        while True:
            wait_s = max(0, self.due[0][0] - time.monotonic()) if self.due else -1
            for descriptor, _ in self.epoll.poll(wait_s):
                if descriptor == sys.stdin.fileno():
                    return
                if descriptor in self.listeners:
                    self.accept(self.listeners[descriptor])
                else:
                    self.read(descriptor)
            self.answer_due()

    def accept(self, port):
        try:
            connection, _ = port.listener.accept()
        except BlockingIOError:
            return
        connection.setblocking(False)
        self.connections[connection.fileno()] = connection, port
        self.epoll.register(connection, select.EPOLLIN)

    def read(self, descriptor):
        connection, port = self.connections[descriptor]
        try:
            more = connection.recv(65536)
        except (BlockingIOError, ConnectionError):
            more = b""
        if not more:
            del self.connections[descriptor]
            self.received.pop(descriptor, None)
            connection.close()
            return
        self.received[descriptor] += more
        while b"\r\n\r\n" in self.received[descriptor]:
            head, _, rest = self.received[descriptor].partition(b"\r\n\r\n")
            self.received[descriptor] = rest
            self.take(connection, port, head)

    def take(self, connection, port, head):
        path = head.split(b" ")[1].decode()
        if path.startswith("/delay/"):
            port.set_delay(path.removeprefix("/delay/"))
            for held in port.held:
                self.wait(held, port)
            port.held.clear()
        if path == "/peak" or path.startswith("/delay/"):
            connection.sendall(answer_bytes(port.figures()))
            return
        port.total += 1
        port.waiting += 1
        port.peak = max(port.peak, port.waiting)
        if port.delay_s is None:
            port.held.append(connection)
        else:
            self.wait(connection, port)

    def wait(self, connection, port):
        self.number += 1
        heapq.heappush(self.due, (time.monotonic() + port.delay_s, self.number, connection, port))

    def answer_due(self):
        while self.due and self.due[0][0] <= time.monotonic():
            _, _, connection, port = heapq.heappop(self.due)
            port.waiting -= 1
            try:
                connection.sendall(answer_bytes(GOOD))
            except OSError:
                pass  # whoever asked has gone


if __name__ == "__main__":
    Loop(sys.argv[1:]).run()
