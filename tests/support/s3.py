"""S3 servers for tests, and our client of S3 as a program (tests/unit/s3_tool.c)."""

import contextlib
import dataclasses
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import boto3
import botocore.config

from support import ports, sandbox
from support.programs import ROOT
from support.sigv4 import REGION

TOOL = pathlib.Path(os.environ.get("HEADGATE_S3_TOOL", ROOT / "build/faults/tests/unit/s3-tool"))
VERSITYGW = ROOT / "build/clients/versitygw/versitygw"
MOTO = pathlib.Path(__file__).with_name("moto_server.py")
TIMEOUT_S = 60


@dataclasses.dataclass
class S3:
    """A server of S3, and an access key that it knows."""

    url: str
    key_id: str
    secret: str
    token: str = None

    def boto(self, **options):
        return boto3.client(
            "s3", region_name=REGION, endpoint_url=self.url, aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret, aws_session_token=self.token,
            config=botocore.config.Config(retries={"total_max_attempts": 1},
                                          s3={"addressing_style": "path"}), **options)

    def tool(self, *words, body=b"", expect=0, secret=None):
        """Runs our client; its standard output. Nothing that it prints holds the secret."""
        secret = secret or self.secret
        environment = {"S3_KEY_ID": self.key_id, "S3_SECRET": secret,
                       **({"S3_TOKEN": self.token} if self.token else {})}
        operation, bucket, *more = words
        done = subprocess.run(
            [TOOL, self.url, REGION, operation, bucket, *[str(word) for word in more]],
            input=body, capture_output=True, timeout=TIMEOUT_S, env=environment)
        assert done.returncode == expect, (words, done.stdout[:2000], done.stderr[:2000])
        assert len(secret) < 8 or secret.encode() not in done.stdout + done.stderr
        return done.stdout

    def keys(self, bucket, prefix="", delimiter="", start="", page=0):
        lines = self.tool("list", bucket, prefix, delimiter, start, page).decode().splitlines()
        return [json.loads(line) for line in lines]

    def upload(self, bucket, key, parts):
        """An upload with parts of these sizes; its id and what completes it."""
        upload_id = self.tool("begin", bucket, key).decode().split()[1]
        lines = []
        for number, part in enumerate(parts, 1):
            etag = self.tool("part", bucket, key, upload_id, number, body=part).decode().split()[1]
            lines.append(f"{number} {etag} {len(part)}\n")
        return upload_id, "".join(lines).encode()


def await_port(port, process):
    until = time.monotonic() + TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.02)


@contextlib.contextmanager
def process_at(port, words, directory, environment):
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE, stdout=log,
                                   stderr=log, env={**os.environ, **environment})
    try:
        await_port(port, process)
        yield
    finally:
        process.kill()
        process.wait(TIMEOUT_S)
        process.stdin.close()


@contextlib.contextmanager
def versitygw(directory, key_id="AKIAVERSITY", secret="a-secret-of-versity"):
    """Versity's gateway, which checks signatures and the hash of each body."""
    port = ports.free_port()
    objects, metadata = directory / "objects", directory / "metadata"
    objects.mkdir()
    metadata.mkdir()
    server = S3(f"http://127.0.0.1:{port}", key_id, secret)
    with process_at(port, [VERSITYGW, f"127.0.0.1:{port}", objects, metadata], directory,
                    {"VERSITYGW_KEY_ID": server.key_id, "VERSITYGW_SECRET": server.secret}):
        yield server


@contextlib.contextmanager
def moto(directory):
    """moto's server, which checks no signature."""
    port = ports.free_port()
    with process_at(port, [sys.executable, MOTO, "-H", "127.0.0.1", "-p", port], directory, {}):
        yield S3(f"http://127.0.0.1:{port}", "AKIAMOTO", "a-secret-of-moto")


@contextlib.contextmanager
def stand_in(directory):
    """The sandbox's S3."""
    with sandbox.running(directory) as each:
        yield S3(f"http://127.0.0.1:{each.http_port}", "SANDBOXACCESSKEY", "sandbox")
