"""What the server is measured beside: nginx, SQLite, PostgreSQL's own pgbench, and moto."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

from load import CONNECTIONS, PROFILES, ROOT, START_LIMIT_S, free_port, program
from support import postgres, wire
from support.programs import find

ROW_BYTES = 1500  # a profile's size in the store


def wait_for_port(port, process, what):
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise SystemExit(f"bench: {what} did not start")


class Process:
    """A program with a port, for the length of a `with`."""

    def __init__(self, what, command, port):
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.port = port
        self.authority = f"127.0.0.1:{port}"
        wait_for_port(port, self.process, what)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(START_LIMIT_S)


NGINX_CONFIG = """
daemon off; pid {directory}/pid; error_log {directory}/error.log;
worker_processes auto; events {{ worker_connections 1024; }}
http {{
    access_log off; default_type application/json; keepalive_requests 1000000000;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {http}
}}
"""


def run_nginx(directory, port, http):
    """nginx with these lines in its http block, which listen at `port`."""
    directory.mkdir()
    user = "user root;" if os.geteuid() == 0 else ""  # else its workers may not read our files
    (directory / "nginx.conf").write_text(user + NGINX_CONFIG.format(directory=directory,
                                                                     http=http))
    return Process("nginx", [find("nginx"), "-c", directory / "nginx.conf"], port)


def quoted(body):
    return body.replace("\\", "\\\\").replace("'", "\\'")


def nginx(work, answer):
    """Answers fixed bytes: what a request costs before anything is done for it."""
    port = free_port()
    headers = "".join(f'add_header {name} "{value}";\n' for name, value in answer.headers
                      if name.lower() == "x-amzn-requestid")
    return run_nginx(pathlib.Path(work) / "nginx", port, f"""
        server {{ listen 127.0.0.1:{port};
                  location / {{ {headers} return 200 '{quoted(answer.body.decode())}'; }} }}""")


class TlsVendor:
    """A vendor that answers the connector's call with fixed bytes, over TLS, and nginx as a proxy
    to it: what one call out costs without a signature, a check, a seal or a commit. Both keep their
    connections, and both callers verify the vendor's certificate."""

    HOST = "vendor.test"
    BODY = '{"data": []}'

    def __init__(self, work, path, headers):
        self.directory = pathlib.Path(work) / "vendor"
        self.directory.mkdir()
        self.ca = postgres.make_certificates(self.directory, self.HOST, "IP:127.0.0.1")
        self.path, self.headers = path, headers

    def __enter__(self):
        port = free_port()
        self.url = f"https://127.0.0.1:{port}"
        self.vendor = run_nginx(self.directory / "tls", port, f"""
            server {{ listen 127.0.0.1:{port} ssl;
                      ssl_certificate {self.directory}/server.crt;
                      ssl_certificate_key {self.directory}/server.key;
                      location / {{ return 200 '{self.BODY}'; }} }}""")
        try:
            self.proxy = self._run_proxy(port)
        except BaseException:
            self.vendor.__exit__()
            raise
        return self

    def _run_proxy(self, vendor_port):
        port = free_port()
        headers = "".join(f'proxy_set_header {name} "{value}";\n'
                          for name, value in self.headers.items())
        return run_nginx(self.directory / "proxy", port, f"""
            upstream vendor {{ server 127.0.0.1:{vendor_port}; keepalive {CONNECTIONS}; }}
            server {{ listen 127.0.0.1:{port};
                      location / {{
                          proxy_pass https://vendor{self.path}; proxy_http_version 1.1;
                          proxy_method GET; proxy_pass_request_body off;
                          proxy_set_header Content-Length ""; proxy_set_header Connection "";
                          {headers}
                          proxy_ssl_verify on; proxy_ssl_name {self.HOST};
                          proxy_ssl_trusted_certificate {self.ca}; }} }}""")

    def __exit__(self, *_):
        self.proxy.__exit__()
        self.vendor.__exit__()


def sqlite_commits(work, seconds, way):
    done = subprocess.run([program("sqlite_commits", "-lsqlite3"),
                           pathlib.Path(work) / "yardstick.db", str(seconds), way],
                          capture_output=True, text=True, check=True)
    return float(done.stdout)


class Moto:
    """moto's Secrets Manager: what a user would have instead."""

    key_id, region = "testing", "us-east-1"

    def __init__(self, config):
        port = free_port()
        self.server = Process("moto", [
            ROOT / "build/venv/bin/python", ROOT / "tests/support/moto_server.py", "-H",
            "127.0.0.1", "-p", str(port)], port)
        self.secret = json.dumps(config)

    def __enter__(self):
        try:
            self.make_secrets()
        except BaseException:
            self.server.__exit__()
            raise
        return self

    def make_secrets(self):
        for number in range(CONNECTIONS):
            with wire.Connection("127.0.0.1", self.server.port) as connection:  # it closes each
                answer = connection.exchange(self.request(
                    "CreateSecret", {"Name": f"bench-{number}", "SecretString": self.secret}))
            if answer.status != 200:
                raise SystemExit(f"bench: moto: {answer.status} {answer.body!r}")

    def __exit__(self, *_):
        self.server.__exit__()

    def request(self, operation, parameters):
        """moto looks at who asks, not at the signature."""
        scope = f"{self.key_id}/20260101/{self.region}/secretsmanager/aws4_request"
        body = json.dumps(parameters).encode()
        return wire.request_bytes("POST", "/", [
            ("Host", self.server.authority), ("Content-Type", "application/x-amz-json-1.1"),
            ("X-Amz-Target", f"secretsmanager.{operation}"),
            ("X-Amz-Date", "20260101T000000Z"),
            ("Authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, "
                              f"Signature={'0' * 64}"),
            ("Content-Length", str(len(body)))], body)

    def puts(self):
        return [self.request("PutSecretValue", {"SecretId": f"bench-{number}",
                                                "SecretString": self.secret})
                for number in range(CONNECTIONS)]

    def gets(self):
        return [self.request("GetSecretValue", {"SecretId": f"bench-{number}"})
                for number in range(CONNECTIONS)]


PGBENCH_SCRIPTS = {
    "update": f"\\set id random(1, {PROFILES})\n"
              f"UPDATE bench SET data = repeat('x', {ROW_BYTES})::bytea WHERE id = :id;\n",
    "insert": "INSERT INTO bench (id, name, data) SELECT id, 'name-' || id,"
              f" repeat('x', {ROW_BYTES})::bytea FROM nextval('made') AS id;\n",
    "delete": "DELETE FROM bench WHERE id = (SELECT nextval('gone'));\n",  # that "insert" made
}
# Rows that random bytes would have are not compressed, so these are not either.
PGBENCH_TABLES = f"""
    CREATE DATABASE headgate;
    CREATE TABLE bench (id bigint PRIMARY KEY, name text UNIQUE, data bytea);
    ALTER TABLE bench ALTER data SET STORAGE EXTERNAL;
    CREATE SEQUENCE made START 1000000; CREATE SEQUENCE gone START 1000000;
    INSERT INTO bench SELECT id, 'name-' || id, repeat('x', {ROW_BYTES})::bytea
        FROM generate_series(1, {PROFILES}) AS id;
"""


class Pgbench:
    """A PostgreSQL of its own, as durable as it is usually run, and its own load generator."""

    def __init__(self):
        self.server = postgres.Postgres(
            False, ["host all owner 127.0.0.1/32 trust"], "",
            {"max_connections": 2 * CONNECTIONS + 20, "fsync": "on", "log_connections": "off"})
        for line in PGBENCH_TABLES.split(";")[:-1]:
            self.server.sql(line + ";")
        self.url = f"postgresql://owner@127.0.0.1:{self.server.port}/headgate"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()

    def run(self, way, seconds, connections=CONNECTIONS):
        """Single-row transactions per second, for so long; but "delete" is for as many rows as
        "insert" made, since one that finds no row commits nothing and is many times as fast."""
        length = ["-T", str(seconds)]
        if way == "delete":
            left = int(self.server.sql("SELECT count(*) FROM bench WHERE id >= 1000000"))
            length = ["-t", str(max(1, left // connections))]
        script = self.server.directory / f"{way}.sql"
        script.write_text(PGBENCH_SCRIPTS[way])
        script.chmod(0o644)
        done = subprocess.run(
            [self.server.bin / "pgbench", "-n", "-M", "prepared", "-f", script, "-c",
             str(connections), "-j", str(os.cpu_count()), *length, "-h", "127.0.0.1",
             "-p", str(self.server.port), "-U", "owner", "postgres"],
            capture_output=True, text=True, timeout=seconds + START_LIMIT_S)
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        if done.returncode != 0 or not found:
            raise SystemExit(f"bench: pgbench: {done.stderr}")
        return float(found.group(1))


def have_postgres():
    return postgres.programs() and find("pgbench")


def versions():
    """Of the yardsticks that there are, for the record."""
    found = {}
    for name, word in (("nginx", "-v"), ("postgres", "--version"), ("valgrind", "--version")):
        path = find(name)
        if path:
            done = subprocess.run([path, word], capture_output=True, text=True)
            found[name] = (done.stdout + done.stderr).strip().split("\n")[0]
    found["python"] = sys.version.split()[0]
    return found
