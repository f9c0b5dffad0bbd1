"""Restarts that no client notices: the listening socket belongs to whoever starts the servers."""

import socket

import pytest

from support import aws, operations
from support.load import Asker, Clients, Raw

CLIENTS = 3
RESTARTS = 3
BETWEEN = 60  # answers, from one restart to the next


def listening():
    return socket.create_server(("127.0.0.1", 0), backlog=128)


@pytest.fixture
def listeners():
    """For the API and for health and metrics, by the names of the units in packaging/."""
    with listening() as api, listening() as health:
        yield {"headgate.socket": api, "operations": health}


@pytest.fixture
def clients():
    made = Clients()
    yield made
    made.over.set()


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
