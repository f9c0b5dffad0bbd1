"""Restarts that no client notices: the listening socket belongs to whoever starts the servers."""

import json
import socket
import threading

import pytest

from support import aws, wire

CLIENTS = 3
RESTARTS = 3
BETWEEN = 60  # answers, from one restart to the next


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


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0), backlog=128) as each:
        yield each


@pytest.fixture
def clients():
    made = Clients()
    yield made
    made.over.set()


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


def restart_under_load(server, listener, clients):
    for _ in range(RESTARTS):
        clients.wait_for(BETWEEN)
        server.stop()
        server.start(listener=listener)
    clients.wait_for(BETWEEN)
    clients.end()


def test_no_raw_request_fails(servers, canaries, listener, clients):
    server = servers("--sandbox", start=False).start(listener=listener)
    assert server.port == listener.getsockname()[1]
    change = {"connectorProfileName": "p", "connectionMode": "Public",
              "connectorProfileConfig": aws.config_for(canaries, "Amplitude", "accepted")}
    server.ok("CreateConnectorProfile", {**change, "connectorType": "Amplitude"})
    for _ in range(CLIENTS):
        clients.add(lambda: Raw(server, "DescribeConnectorProfiles", {}))
    clients.add(lambda: Raw(server, "UpdateConnectorProfile", change))
    restart_under_load(server, listener, clients)


def test_no_sdk_request_fails(servers, listener, clients):
    """Without the SDK's own retries, so that it would tell."""
    server = servers("--sandbox", start=False).start(listener=listener)
    for _ in range(CLIENTS):
        client = aws.boto(server, retries=1)
        clients.add(lambda client=client: client.describe_connector_profiles)
    restart_under_load(server, listener, clients)


def test_sockets_for_another_process_are_left_alone(servers, listener):
    """Variables that a parent forgot to clear."""
    server = servers(start=False).start(env={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
    assert server.port != listener.getsockname()[1]


def test_it_tells_the_service_manager(servers, tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(60)
        server = servers(start=False).start(env={"NOTIFY_SOCKET": str(path)})
        assert manager.recv(100) == b"READY=1"
        server.stop()
        assert manager.recv(100) == b"STOPPING=1"
