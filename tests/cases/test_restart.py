"""Restarts that no client notices: the listening socket belongs to whoever starts the servers."""

import json
import socket
import threading

import pytest

from support import aws, operations, wire

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


def listening():
    return socket.create_server(("127.0.0.1", 0), backlog=128)


@pytest.fixture
def listeners():
    """For the API and for health and metrics, by the names of the units in packaging/."""
    with listening() as api, listening() as operations:
        yield {"headgate.socket": api, "operations": operations}


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


def restart_under_load(server, listeners, clients):
    for _ in range(RESTARTS):
        clients.wait_for(BETWEEN)
        server.stop()
        server.start(listeners=listeners)
    clients.wait_for(BETWEEN)
    clients.end()


def test_no_raw_request_fails(servers, canaries, listeners, clients):
    server = servers("--sandbox", start=False).start(listeners=listeners)
    assert server.port == listeners["headgate.socket"].getsockname()[1]
    change = {"connectorProfileName": "p", "connectionMode": "Public",
              "connectorProfileConfig": aws.config_for(canaries, "Amplitude", "accepted")}
    server.ok("CreateConnectorProfile", {**change, "connectorType": "Amplitude"})
    for _ in range(CLIENTS):
        clients.add(lambda: Raw(server, "DescribeConnectorProfiles", {}))
    clients.add(lambda: Raw(server, "UpdateConnectorProfile", change))
    restart_under_load(server, listeners, clients)


def test_no_sdk_request_fails(servers, listeners, clients):
    """Without the SDK's own retries, so that it would tell."""
    server = servers("--sandbox", start=False).start(listeners=listeners)
    for _ in range(CLIENTS):
        client = aws.boto(server, retries=1)
        clients.add(lambda client=client: client.describe_connector_profiles)
    restart_under_load(server, listeners, clients)


def test_nobody_who_asks_for_health_or_metrics_fails(servers, listeners, clients):
    server = servers("--sandbox", start=False).start(listeners=listeners)
    port = listeners["operations"].getsockname()[1]
    assert operations.address(server) == f"http://127.0.0.1:{port}"
    clients.add(lambda: Asker(port, "/healthz", keeps=False))
    clients.add(lambda: Asker(port, "/metrics", keeps=True))
    restart_under_load(server, listeners, clients)


def test_a_socket_for_operations_alone(servers, listeners):
    """The API then listens where it was told to, and not where the other socket is."""
    server = servers(start=False).start(listeners={"operations": listeners["operations"]})
    port = listeners["operations"].getsockname()[1]
    assert operations.address(server) == f"http://127.0.0.1:{port}" and server.port != port
    assert operations.ask(server, "/readyz")[0] == 200
    assert server.call("DescribeConnectorProfiles").status == 200


def test_sockets_for_another_process_are_left_alone(servers, listeners):
    """Variables that a parent forgot to clear."""
    server = servers(start=False).start(env={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
    assert server.port != listeners["headgate.socket"].getsockname()[1]


def test_it_tells_the_service_manager(servers, tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(60)
        server = servers(start=False).start(env={"NOTIFY_SOCKET": str(path)})
        assert manager.recv(100) == b"READY=1"
        server.stop()
        assert manager.recv(100) == b"STOPPING=1"
