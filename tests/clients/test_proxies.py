"""Clients that are configured with a proxy name the whole URL in their request line. The server is
reached so, as the proxy itself and behind one that hands requests on as they are."""

import socket
import subprocess
import threading

import boto3
import botocore.config
from support import aws
from support.sigv4 import REGION


class Relay:
    """The simplest proxy there is: hands every byte on as it came, and keeps what clients sent."""

    def __init__(self, server):
        self.upstream = (server.host, server.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sent = b""
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.upstream, 60)
            for source, sink, keep in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.pump, args=(source, sink, keep), daemon=True).start()

    def pump(self, source, sink, keep):
        try:
            while data := source.recv(65536):
                if keep:
                    self.sent += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


def boto_through(server, proxy_port, endpoint):
    client = boto3.client(
        "appflow", region_name=REGION, endpoint_url=endpoint,
        aws_access_key_id=server.key.id, aws_secret_access_key=server.key.secret,
        config=botocore.config.Config(retries={"total_max_attempts": 1},
                                      proxies={"http": f"http://127.0.0.1:{proxy_port}"}))
    aws.keep_answers(client, server)
    return client


def test_boto3_through_a_proxy(servers):
    server = servers()
    relay = Relay(server)
    try:
        client = boto_through(server, relay.port, server.endpoint)
        assert client.describe_connector_profiles()["connectorProfileDetails"] == []
        assert relay.sent.startswith(b"POST http://127.0.0.1:")
    finally:
        relay.close()


def test_the_server_as_boto3_s_proxy(servers):
    """Whatever AWS's own host is called, the signature covers that name."""
    server = servers()
    client = boto_through(server, server.port, "http://appflow.us-east-1.amazonaws.com")
    assert client.describe_connector_profiles()["connectorProfileDetails"] == []


def test_curl_through_a_proxy(servers):
    server = servers()
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "60",
         "--proxy", f"http://127.0.0.1:{server.port}", "--aws-sigv4",
         f"aws:amz:{REGION}:appflow", "--user", f"{server.key.id}:{server.key.secret}",
         "--header", "Content-Type: application/json", "--data", "{}",
         "http://appflow.us-east-1.amazonaws.com/describe-connector-profiles"],
        capture_output=True, timeout=90, check=True)
    assert done.stdout == b'{"connectorProfileDetails":[]}', done.stdout
