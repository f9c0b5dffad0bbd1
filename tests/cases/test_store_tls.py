"""A store in PostgreSQL that is reached over TLS: the server is who it should be, or nothing is
told to it."""

import subprocess

import pytest

from support.database import Elsewhere
from support.ports import free_port
from support.postgres import Postgres, make_certificates
from support.server import command
from support.vendor import Vendor, http, to_vendor

PASSWORD = "store-password"
ROLES = f"CREATE ROLE headgate LOGIN PASSWORD '{PASSWORD}'; CREATE DATABASE kept OWNER headgate;"
HBA = ["hostssl kept headgate 127.0.0.1/32 scram-sha-256"]


@pytest.fixture(scope="module")
def encrypted():
    """Whose certificate is for localhost, and who takes nobody without TLS."""
    made = Postgres(True, HBA, ROLES)
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain():
    made = Postgres(False, ["host kept headgate 127.0.0.1/32 scram-sha-256"], ROLES)
    yield made
    made.close()


def url(postgres, hosts="localhost:{port}", user="headgate", **words):
    query = "&".join(f"{name}={value}" for name, value in words.items())
    return f"postgresql://{user}@{hosts.format(port=postgres.port)}/kept?{query}"


def refused(tmp_path, where):
    """What a server that does not start says."""
    done = subprocess.run(
        command("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--store", where),
        env={"PGPASSWORD": PASSWORD}, capture_output=True, timeout=60)
    said = done.stderr.decode()
    assert done.returncode == 1 and PASSWORD not in said, said
    return said


def sessions(postgres):
    """Whether each of the server's sessions is encrypted."""
    return postgres.sql("SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
                        " WHERE usename = 'headgate'").split()


def test_a_store_over_tls(servers, encrypted, canaries):
    """Though the first of its hosts is down, and again when all sessions were ended."""
    where = url(encrypted, f"localhost:{free_port()},localhost:{{port}}", f"headgate:{PASSWORD}",
                sslmode="verify-full", sslrootcert=encrypted.ca)
    with Vendor(lambda _: http("200 OK", '{"data": []}')) as vendor:
        server = servers(*to_vendor(vendor), start=False, make_key=False)
        server.database = Elsewhere("--store", where)
        server.key = server.make_key("AKIAHEADGATETEST0001", "test-key")
        server.start()
        create = {"connectorProfileName": "p", "connectorType": "Amplitude",
                  "connectionMode": "Public", "connectorProfileConfig": {
                      "connectorProfileProperties": {"Amplitude": {}},
                      "connectorProfileCredentials": {
                          "Amplitude": {"apiKey": "key", "secretKey": canaries.new()}}}}
        server.ok("CreateConnectorProfile", create)
        assert server.describe("p") and set(sessions(encrypted)) == {"t"}
        encrypted.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                      " WHERE usename = 'headgate'")
        server.ok("DeleteConnectorProfile", {"connectorProfileName": "p"})
        assert set(sessions(encrypted)) == {"t"}
        server.stop()


def test_a_certificate_of_somebody_else_s_authority(tmp_path, encrypted):
    other = make_certificates(tmp_path, "localhost")
    said = refused(tmp_path, url(encrypted, sslmode="verify-full", sslrootcert=other))
    assert "cannot be reached" in said and "certificate verify failed" in said


def test_a_certificate_for_another_name(tmp_path, encrypted):
    said = refused(tmp_path, url(encrypted, "127.0.0.1:{port}", sslmode="verify-full",
                                 sslrootcert=encrypted.ca))
    assert "does not match host name" in said


def test_a_server_that_has_no_tls(tmp_path, plain):
    said = refused(tmp_path, url(plain, sslmode="require"))
    assert "does not support SSL" in said


def test_a_server_that_wants_tls(tmp_path, encrypted):
    said = refused(tmp_path, url(encrypted, sslmode="disable"))
    assert "no encryption" in said
