"""Memory is bounded where it is made: what clients and vendors send, however it is formed, takes
what --request-memory allows, and what does not fit is refused so that it is sent again."""

import asyncio
import json
import socket
import threading

import pytest

from support import crowd, operations
from support.server import OTHER_ACCOUNT

KIB = 1024
MIB = 1024 * KIB
BODY = 250 * KIB
FREED = 16 * MIB  # of freed memory that the allocator keeps for the next requests
# Values and names in one JSON text: src/wire/restjson.h.
REQUEST_NODES_MAX = 20000
ANSWER_NODES_MAX = 50000

# Sanitizers keep what was freed, need address space, and take long for thousands of long answers.
plain_build = pytest.mark.as_users_run_it


def update(number, **more):
    config = {"connectorProfileProperties": {"Amplitude": {}},
              "connectorProfileCredentials": {
                  "Amplitude": {"apiKey": "memory-key", "secretKey": "memory-secret"}}}
    return {"connectorProfileName": f"memory-{number}", "connectionMode": "Public",
            "connectorProfileConfig": config, **more}


def worst(number):
    """As large as a body may be, with as many values as it may have, none of them the model's."""
    body = update(number, zzz=[{}] * (REQUEST_NODES_MAX - 100), text="")
    return {**body, "text": "x" * (BODY - len(json.dumps(body)))}


def create(server, count):
    for number in range(count):
        server.ok("CreateConnectorProfile", {**update(number), "connectorType": "Amplitude"})


def objects(nodes, size):
    """Amplitude's answer to good credentials with so many values more, filled up with blanks."""
    text = b'{"data": {"series": []}, "more": [' + b",".join([b"{}"] * nodes) + b"]}"
    return text + b" " * (size - len(text))


class Vendor:
    """Answers each request with these bytes, but for the last, which waits for `release`."""

    def __init__(self, status, body, headers=""):
        self.head = (f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n{headers}"
                     f"Content-Length: {len(body)}\r\n\r\n").encode()
        self.body, self.held, self.total = body, 0, 0

    def __enter__(self):
        started = threading.Event()
        self.thread = threading.Thread(target=asyncio.run, args=(self.run(started),))
        self.thread.start()
        started.wait()
        return self

    def __exit__(self, *_):
        self.release()
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join()

    def release(self):
        self.loop.call_soon_threadsafe(self.released.set)

    async def run(self, started):
        self.loop, self.ended, self.released = (asyncio.get_running_loop(), asyncio.Event(),
                                                asyncio.Event())
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self.ended.wait()
        server.close()

    async def serve(self, reader, writer):
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.total += 1
                writer.write(self.head + self.body[:-1])
                await writer.drain()
                self.held += 1
                await self.released.wait()
                writer.write(self.body[-1:])
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def options(self):
        return ["--egress-allow", "127.0.0.1", "--endpoint",
                f"Amplitude=http://127.0.0.1:{self.port}"]


def reserved(server):
    return operations.metrics(server)["headgate_request_memory_bytes"]


@plain_build
def test_the_worst_bodies_wait_for_as_little_as_others(servers):
    """2,000 would wait in 256 MiB: what the model does not know is not kept, nor the body's bytes.
    tests/scale sends so many."""
    count, at_once = 100, 10
    with crowd.SlowVendors(0) as vendor:
        server = servers("--egress-allow", "127.0.0.1", "--endpoint", f"Amplitude={vendor.url()}",
                         *operations.OPTION)
        create(server, count)
        vendor.set_delay("never")
        before = server.memory()
        with crowd.Crowd(server, count) as everyone:
            for number in range(0, count, at_once):
                everyone.send([crowd.signed(server, "UpdateConnectorProfile", worst(number + more))
                               for more in range(at_once)], number)
                operations.wait_until(server, lambda waiting: waiting >= number + at_once,
                                      lambda _: vendor.figures()["waiting"])
            assert server.memory() - before < count * 256 * MIB // 2000 + FREED
            assert 0 < reserved(server) < count * 64 * KIB
            vendor.set_delay(0)
            assert {answer.status for answer, _ in everyone.answers()} == {200}
    operations.wait_until(server, lambda held: held == 0, reserved)


def creates(server, count, make=update):
    return [crowd.signed(server, "CreateConnectorProfile",
                         {**make(number), "connectorType": "Amplitude"}) for number in range(count)]


@plain_build
@pytest.mark.parametrize("status, nodes", [
    (200, ANSWER_NODES_MAX - 10), (429, ANSWER_NODES_MAX - 10), (429, 340000)])
def test_long_answers_take_what_there_is(servers, status, nodes):
    """60 vendors' answers of 1 MiB at once, and memory for some of them. A call that finds none
    fails and can be made again, the others end as usual, and another account finds some."""
    count, allowed = 60, 64
    with Vendor(status, objects(nodes, MIB)) as vendor:
        server = servers("--request-memory", str(allowed), *vendor.options(), *operations.OPTION)
        other = server.make_key("AKIAHEADGATETEST0002", "other-key", OTHER_ACCOUNT)
        before = server.memory()
        with crowd.Crowd(server, count) as everyone:
            everyone.send(creates(server, count))
            operations.wait_until(server, lambda total: total >= count, lambda _: vendor.total)
            assert reserved(server) <= (allowed // 2 + 4) * MIB
            assert server.call("DescribeConnectorProfiles", key=other).status == 200
            vendor.release()
            answers = [answer for answer, _ in everyone.answers()]
        assert server.memory() - before < (allowed + 8) * MIB
        without = [answer for answer in answers if answer.status == 500]
        for answer in without:
            assert answer.error == "InternalServerException"
            assert "no memory is left for the response" in answer.json()["message"]
        ended = {answer.status for answer in answers} - {500}
        assert without and ended == {200 if status == 200 else 401}


@plain_build
def test_no_mix_ends_a_process_of_one_gibibyte(servers):
    """Large bodies and long answers at once, again and again, with the options as they are: those
    for which there is no memory are refused, and the server goes on."""
    with Vendor(429, objects(ANSWER_NODES_MAX - 10, MIB), "Retry-After: 1\r\n") as vendor:
        server = servers(*vendor.options(), "--verify-timeout", "5", start=False).start(
            before=["prlimit", f"--as={1024 * MIB}"])
        for _ in range(2):
            with crowd.Crowd(server, 300) as everyone:
                everyone.send(creates(server, 200) + creates(server, 100, worst))
                vendor.release()
                answers = everyone.answers()
            assert {answer.status for answer, _ in answers} <= {401, 429, 500}
        assert server.call("DescribeConnectorProfiles").status == 200
        server.stop()


def test_a_request_has_so_many_values(servers):
    server = servers()
    body = update(1, zzz=[{}] * REQUEST_NODES_MAX)
    answer = server.call("UpdateConnectorProfile", body)
    assert (answer.status, answer.error) == (400, "SerializationException")
    assert answer.json()["message"] == "The body has more than 20000 JSON values and names."


@plain_build
def test_long_answers_are_counted_until_they_are_read(servers):
    """A client that does not read its answer holds memory of its account's share: another account
    still gets long answers."""
    count, profiles = 60, 90
    with crowd.SlowVendors(0) as vendor:
        server = servers("--request-memory", "4", "--egress-allow", "127.0.0.1", "--endpoint",
                         f"Amplitude={vendor.url()}", *operations.OPTION)
        create(server, profiles)
        other = server.make_key("AKIAHEADGATETEST0002", "other-key", OTHER_ACCOUNT)
        for number in range(profiles):
            server.ok("CreateConnectorProfile", {**update(number), "connectorType": "Amplitude"},
                      key=other)
        listing = crowd.signed(server, "DescribeConnectorProfiles", {"maxResults": 100})
        held = [socket.create_connection((server.host, server.port)) for _ in range(count)]
        for each in held:  # more than the kernel's buffers take
            each.setblocking(False)
            each.send(listing * 300)
        operations.wait_until(server, lambda held: held > MIB, reserved)
        for _ in range(5):
            assert server.call("DescribeConnectorProfiles", {"maxResults": 100},
                               key=other).status == 200
            assert reserved(server) <= 4 * MIB
        for each in held:
            each.close()
    operations.wait_until(server, lambda held: held == 0, reserved)
