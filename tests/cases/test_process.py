"""The server as a process: its files, what it refuses to start with, where it does not go, TLS."""

import json
import re
import signal
import socket
import ssl
import stat
import subprocess

import pytest

from support.server import command, headgate

PROPERTIES = {"connectorProfileProperties": {"Amplitude": {}}}


def amplitude(secret):
    return {"connectorProfileName": "p", "connectorType": "Amplitude", "connectionMode": "Public",
            "connectorProfileConfig": {**PROPERTIES, "connectorProfileCredentials": {
                "Amplitude": {"apiKey": "api-key", "secretKey": secret}}}}


def start_fails(*words):
    """Standard error of a server that must not start."""
    done = subprocess.run(command("serve", "--listen", "127.0.0.1:0", *words), capture_output=True,
                          timeout=60)
    assert done.returncode not in (0, -signal.SIGABRT, -signal.SIGSEGV), (done.returncode,
                                                                          done.stderr)
    assert b"ready" not in done.stdout
    return done.stderr.decode()


@pytest.mark.embedded
def test_only_the_owner_reads_its_files(servers):
    server = servers()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in server.data.rglob("*")}
    assert "headgate.db" in modes and any("key" in name for name in modes), modes
    assert all(mode & 0o077 == 0 for mode in modes.values()), modes


def test_it_leaves_no_core(servers):
    server = servers()
    assert re.search(r"Max core file size +0 +0 ", server.limits), server.limits
    server.process.send_signal(signal.SIGSEGV)
    server.wait_for_end()
    assert not list(server.directory.glob("core*"))


def test_a_crash_after_the_last_answer_is_noticed(servers):
    """By what every test ends with, so that a sanitizer's finding in the background counts."""
    server = servers()
    server.process.kill()
    server.process.wait(60)
    with pytest.raises(AssertionError, match="the server was gone, with status -9"):
        server.stop()
    server.kill()


@pytest.mark.embedded
def test_a_second_server_on_the_same_data(servers):
    server = servers()
    words = start_fails("--data", server.data)
    assert str(server.data) in words, words
    assert server.call("DescribeConnectorProfiles").status == 200


def test_a_keyring_that_is_gone(servers):
    server = servers()
    server.stop()
    keyrings = [path for path in server.data.iterdir() if "keyring" in path.name]
    assert len(keyrings) == 1
    kept = keyrings[0].read_bytes()
    keyrings[0].unlink()
    assert "keyring" in start_fails(*server.place).lower()
    keyrings[0].write_bytes(kept)
    keyrings[0].chmod(0o600)
    server.start()


def test_a_keyring_that_is_another(servers):
    server, other = servers(), servers()
    for each in (server, other):
        each.stop()
    name = next(path.name for path in server.data.iterdir() if "keyring" in path.name)
    kept = (server.data / name).read_bytes()
    (server.data / name).write_bytes((other.data / name).read_bytes())
    assert "key" in start_fails(*server.place).lower()
    (server.data / name).write_bytes(kept)
    server.start()


def test_a_keyring_that_others_may_read(servers):
    server = servers()
    server.stop()
    path = next(path for path in server.data.iterdir() if "keyring" in path.name)
    path.chmod(0o644)
    assert "chmod" in start_fails(*server.place)
    path.chmod(0o600)
    server.start()


def test_the_first_start_makes_a_key_and_prints_no_secret(tmp_path, canaries):
    from support.server import Server
    server = Server(tmp_path / "server", canaries, make_key=False)
    server.start()
    try:
        listed = headgate("access-key", "list", *server.place)
        assert len(listed.strip().splitlines()) == 1, listed
        holders = [path for path in server.data.rglob("*")
                   if path.is_file() and b"aws_secret_access_key" in path.read_bytes()]
        assert len(holders) == 1 and stat.S_IMODE(holders[0].stat().st_mode) == 0o600
        secret = re.search(rb"aws_secret_access_key *= *(\S+)", holders[0].read_bytes()).group(1)
        canaries.add(secret.decode())
        canaries.assert_absent((where, data) for where, data in server.left_behind()
                               if not where.endswith(holders[0].name))
        server.stop()
    finally:
        server.kill()


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:{port}", "http://localhost:{port}", "http://[::1]:{port}",
    "http://[::ffff:127.0.0.1]:{port}", "http://0.0.0.0:{port}", "http://169.254.169.254",
    "http://2130706433:{port}"])
def test_it_does_not_connect_to_what_is_private(servers, vendor, canaries, url):
    server = servers("--verify-timeout", "5", "--endpoint",
                     "Amplitude=" + url.format(port=vendor.port))
    answer = server.call("CreateConnectorProfile", amplitude(canaries.new()))
    assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
    assert vendor.requests == []
    assert server.count_rows("profiles") == 0


def test_it_follows_no_redirect(servers, vendor, canaries):
    server = servers("--egress-allow", "127.0.0.1", "--endpoint", f"Amplitude={vendor.url}")
    vendor.script.append(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/elsewhere\r\n"
                         b"Content-Length: 0\r\n\r\n" % vendor.port)
    answer = server.call("CreateConnectorProfile", amplitude(canaries.new()))
    assert (answer.status, answer.error) == (401, "ConnectorAuthenticationException")
    assert [each.target for each in vendor.requests] == ["/api/2/events/list"]


def test_a_vendor_that_repeats_the_secret(servers, vendor, canaries):
    """Vendors echo what they were sent; what they say is told, without it."""
    server = servers("--egress-allow", "127.0.0.1", "--endpoint", f"Amplitude={vendor.url}")
    secret = canaries.new()
    body = json.dumps({"error": f"the key api-key with secret {secret} is wrong"}).encode()
    vendor.script.append(b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n" % len(body) + body)
    answer = server.call("CreateConnectorProfile", amplitude(secret))
    assert answer.status == 401 and "is wrong" in answer.message, answer.message


def make_certificate(directory, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", directory / "key.pem",
                    "-out", directory / "cert.pem"], check=True, capture_output=True, timeout=60)
    (directory / "key.pem").chmod(0o600)
    return directory / "cert.pem", directory / "key.pem"


def served_certificate(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((server.host, server.port), 30) as plain, \
            context.wrap_socket(plain) as secure:
        assert secure.version() in ("TLSv1.2", "TLSv1.3")
        return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True))


def test_tls_and_its_reload(servers, tmp_path):
    certificate, key = make_certificate(tmp_path, "first")
    server = servers("--tls-cert", certificate, "--tls-key", key)
    first = certificate.read_text()
    assert served_certificate(server) == first
    make_certificate(tmp_path, "second")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("certificate")
    assert served_certificate(server) == certificate.read_text() != first


def test_a_bad_certificate_on_reload_changes_nothing(servers, tmp_path):
    certificate, key = make_certificate(tmp_path, "first")
    first = certificate.read_text()
    server = servers("--tls-cert", certificate, "--tls-key", key)
    certificate.write_text("nonsense")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("certificate")
    assert served_certificate(server) == first


def test_help_names_the_commands():
    words = headgate("--help")
    for name in ("serve", "sandbox", "demo", "access-key create", "oauth-app set"):
        assert name in words, words
