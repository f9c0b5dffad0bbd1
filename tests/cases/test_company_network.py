"""A company's network: certificates of its own authority, and an HTTP proxy on the way out."""

import base64
import json
import os
import socket
import subprocess
import threading

import pytest

from support import sandbox
from support.connect_proxy import Proxy
from support.server import clean_environment, command, headgate

HOST = "acme.zendesk.com"
OTHERS = "HTTP 400"  # of the sandbox's S3, which has the name 127.0.0.1 and knows no such request


@pytest.fixture(scope="module")
def vendors(tmp_path_factory):
    with sandbox.running(tmp_path_factory.mktemp("vendors")) as running:
        yield running


@pytest.fixture
def proxy(vendors):
    proxy = Proxy(vendors.tls_port)
    yield proxy
    proxy.close()


def create(server, **properties):
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", "Zendesk",
                                 "--outcome", "accepted"))
    config["connectorProfileProperties"]["Zendesk"].update(properties)
    return server.call("CreateConnectorProfile",
                       {"connectorProfileName": "desk", "connectorType": "Zendesk",
                        "connectionMode": "Public", "connectorProfileConfig": config})


def failure(answer):
    assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException"), answer.body
    return answer.json()["message"]


def test_calls_go_through_the_proxy(servers, canaries, vendors, proxy):
    password = canaries.new("proxy")
    server = servers("--vendor-ca", vendors.ca,
                     env={"HEADGATE_PROXY": f"http://gate:{password}@127.0.0.1:{proxy.port}"},
                     start=False)
    server.start()
    assert create(server).status == 200
    assert proxy.heads[0].startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\n")
    shown = base64.b64encode(f"gate:{password}".encode()).decode()
    assert f"\r\nProxy-Authorization: Basic {shown}\r\n" in proxy.heads[0]
    assert f"go through the HTTP proxy 127.0.0.1:{proxy.port} (from --proxy)" in server.log
    server.environ = b""  # where the test itself put the password


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
def test_the_usual_variables_name_it(servers, vendors, proxy, variable):
    server = servers("--vendor-ca", vendors.ca,
                     env={variable: f"http://127.0.0.1:{proxy.port}",
                          "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"})
    assert create(server).status == 200
    assert len(proxy.heads) == 1
    assert f"(from {variable})" in server.log


def test_ports_and_hosts_that_are_not_called(servers, vendors):
    """Once ports are named, they count for opened addresses; what is denied goes before all."""
    opened = ("--vendor-ca", vendors.ca, "--egress-allow", "127.0.0.1")
    at = f"127.0.0.1:{vendors.tls_port}"
    refused = f"connection to {at} is not allowed by this server's egress policy"
    for more, words in ((["--egress-ports", "443"], refused),
                        (["--egress-ports", f"443,{vendors.tls_port}"], OTHERS),
                        (["--egress-deny", "127.0.0.0/8"], refused),
                        (["--egress-deny", "example.org"], OTHERS)):
        server = servers(*opened, *more)
        assert words in failure(create(server, instanceUrl=f"https://{at}")), more
        server.stop()


def test_names_and_ports_inside_are_not_told_apart(servers, vendors):
    """What exists in the operator's network, and what listens there, is for its log alone."""
    with socket.create_server(("127.0.0.1", 0)) as open_port:
        threading.Thread(target=lambda: open_port.accept()[0].sendall(b"220 mail\r\n"),
                         daemon=True).start()
        with socket.create_server(("127.0.0.1", 0)) as other:
            closed = other.getsockname()[1]
        server = servers("--vendor-ca", vendors.ca, "--egress-allow", "127.0.0.1")
        messages = {failure(create(server, instanceUrl=f"https://127.0.0.1:{port}"))
                    .replace(str(port), "PORT")
                    for port in (open_port.getsockname()[1], closed)}
        assert len(messages) == 1 and "no TLS connection to 127.0.0.1:PORT" in messages.pop()
        assert "Internal address: " in server.log and "Connection refused" in server.log
    server = servers()
    messages = {failure(create(server, instanceUrl=f"https://{host}")).replace(host, "HOST")
                for host in ("localhost", "gone.invalid")}
    assert len(messages) == 1 and "HOST has no address that this server" in messages.pop()


@pytest.mark.parametrize("where", ["option", "variable"])
def test_hosts_can_be_called_without_it(servers, vendors, proxy, where):
    more = ["--no-proxy", "example.org,127.0.0.1"] if where == "option" else []
    server = servers("--vendor-ca", vendors.ca, "--egress-allow", "127.0.0.1",
                     "--proxy", f"http://127.0.0.1:{proxy.port}", *more,
                     env={} if more else {"NO_PROXY": "127.0.0.0/8"})
    message = failure(create(server, instanceUrl=f"https://127.0.0.1:{vendors.tls_port}"))
    assert OTHERS in message
    assert proxy.heads == []


def test_private_hosts_are_refused_before_it_is_asked(servers, proxy):
    server = servers("--proxy", f"http://127.0.0.1:{proxy.port}")
    for host in ("169.254.169.254", "localhost", "10.1.2.3"):
        message = failure(create(server, instanceUrl=f"https://{host}"))
        assert f"connection to {host} is not allowed by this server's egress policy" in message
    assert proxy.heads == []


def test_what_the_proxy_refuses_is_told_as_its(servers, vendors, proxy):
    server = servers("--vendor-ca", vendors.ca, "--proxy", f"http://127.0.0.1:{proxy.port}")
    proxy.answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    message = failure(create(server))
    assert (f"{HOST} was not reached: user and password needed by the proxy "
            f"127.0.0.1:{proxy.port}. ") in message
    assert "Ask the operator of this server to check its HTTP proxy" in message
    proxy.answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    assert f"not allowed by the proxy 127.0.0.1:{proxy.port} (HTTP 403)" in failure(create(server))
    proxy.close()


def test_the_trusted_authorities_are_named(servers, vendors, proxy):
    server = servers("--proxy", f"http://127.0.0.1:{proxy.port}")
    message = failure(create(server))
    assert f"TLS handshake with {HOST} failed: " in message
    assert "(trusted are the authorities in /etc/" in message
    assert "the operator can add one with --vendor-ca)" in message


def test_a_bundle_in_place_of_the_systems(servers, vendors, proxy):
    server = servers("--proxy", f"http://127.0.0.1:{proxy.port}",
                     env={"SSL_CERT_FILE": str(vendors.ca)})
    assert create(server).status == 200


def refuse(tmp_path, *options, env=None):
    done = subprocess.run(command("serve", "--data", tmp_path / "data", *options),
                          capture_output=True, timeout=60, env={**clean_environment(),
                                                                **(env or {})})
    assert done.returncode != 0
    return done.returncode, done.stderr.decode()


def test_settings_are_checked_at_the_start(tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate\n")
    code, text = refuse(tmp_path, "--vendor-ca", empty)
    assert code == 2 and "--vendor-ca" in text and "holds no certificate in PEM form" in text
    code, text = refuse(tmp_path, "--vendor-ca", tmp_path / "missing.pem")
    assert code == 2 and "No such file or directory" in text
    code, text = refuse(tmp_path, "--proxy", "https://gate:hidden@proxy.example:3128")
    assert code == 2 and "http://HOST:PORT" in text and "hidden" not in text
    code, text = refuse(tmp_path, env={"HTTPS_PROXY": "socks5://gate:hidden@proxy.example"})
    assert "HTTPS_PROXY: expected http://HOST:PORT" in text and code == 2 and "hidden" not in text
    code, text = refuse(tmp_path, env={"SSL_CERT_FILE": os.fspath(empty)})
    assert f"SSL_CERT_FILE: {empty} holds no certificate in PEM form" in text
