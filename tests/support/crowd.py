"""Many clients at once: connections without a thread each, and vendors that keep them waiting."""

import json
import pathlib
import select
import socket
import subprocess
import sys
import time

from support import wire

HERE = pathlib.Path(__file__).resolve().parent
WAIT_S = 120


class SlowVendors:
    """One process with a vendor a delay (seconds, or "never"): see slow_vendor.py."""

    def __init__(self, *delays):
        self.delays = [str(delay) for delay in delays]

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, HERE / "slow_vendor.py", *self.delays], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.ports = [int(word) for word in self.process.stdout.readline().split()]
        assert len(self.ports) == len(self.delays), "the vendors did not start"
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Hangs up on whoever waits, and takes no more connections."""
        self.process.stdin.close()
        self.process.wait(WAIT_S)
        self.process.stdout.close()

    def url(self, number=0):
        return f"http://127.0.0.1:{self.ports[number]}"

    def ask(self, number, path):
        with wire.Connection("127.0.0.1", self.ports[number]) as connection:
            request = f"GET {path} HTTP/1.1\r\nHost: vendor\r\n\r\n"
            return connection.exchange(request.encode()).json()

    def figures(self, number=0):
        """{"waiting": requests now, "peak": most at once, "total": all}"""
        return self.ask(number, "/peak")

    def set_delay(self, delay, number=0):
        self.ask(number, f"/delay/{delay}")


class Crowd:
    """Keep-alive connections to a server, driven together by one loop."""

    def __init__(self, server, count):
        self.server, self.sockets = server, []
        self.grow(count)

    def grow(self, count):
        where = self.server.host, self.server.port
        self.sockets += [socket.create_connection(where, wire.TIMEOUT_S) for _ in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self.sockets:
            each.close()

    def send(self, requests, first=0):
        """Sends a request over each connection from `first` on, and waits for none."""
        for connection, request in zip(self.sockets[first:], requests):
            connection.sendall(request)

    def answers(self, count=None, first=0):
        """What each of `count` connections gets, in their order: pairs of an answer and when its
        last byte came; None for a connection that was closed without."""
        count = len(self.sockets) if count is None else count
        chosen = self.sockets[first:first + count]
        waiting = {each.fileno(): number for number, each in enumerate(chosen)}
        results = [None] * len(waiting)
        received = {descriptor: b"" for descriptor in waiting}
        epoll = select.epoll()
        for descriptor in waiting:
            epoll.register(descriptor, select.EPOLLIN)
        until = time.monotonic() + WAIT_S
        while waiting:
            ready = epoll.poll(max(0, until - time.monotonic()))
            assert ready, f"{len(waiting)} connections have no answer"
            for descriptor, _ in ready:
                number = waiting[descriptor]
                more = chosen[number].recv(65536)
                received[descriptor] += more
                if more and not is_whole(received[descriptor]):
                    continue
                if more:
                    results[number] = wire.Answer(received[descriptor]), time.monotonic()
                del waiting[descriptor]
                epoll.unregister(descriptor)
        epoll.close()
        return results

    def exchange(self, requests, first=0):
        self.send(requests, first)
        return self.answers(min(len(requests), len(self.sockets) - first), first)


def is_whole(data):
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return True


def signed(server, operation, parameters):
    return wire.signed_request(server, "POST", wire.kebab(operation),
                               json.dumps(parameters).encode())
