"""The search for secrets finds what it must find: a search that finds nothing proves nothing."""

import base64
import json
import pathlib

import pytest

from support import canary, database, proc
from support.canary import Canaries
from support.proc import need_environ

WAYS = {
    "plain": lambda secret: secret.encode(),
    "inside JSON": lambda secret: json.dumps({"accessToken": secret}).encode(),
    "base64": lambda secret: base64.b64encode(secret.encode()),
    "base64 of a pair": lambda secret: base64.b64encode(b"user:" + secret.encode()),
    "base64 of a pair, shifted": lambda secret: base64.b64encode(b"name:" + secret.encode() + b"z"),
    "base64 of a form": lambda secret: base64.b64encode(b"a=b&code=" + secret.encode() + b"&x=y"),
    "hex": lambda secret: secret.encode().hex().encode(),
    "upper hex": lambda secret: secret.encode().hex().upper().encode(),
    "percent": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()).encode(),
    "UTF-16": lambda secret: secret.encode("utf-16-le"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_is_found(way):
    canaries = Canaries()
    leak = WAYS[way](canaries.new("secret"))
    assert canaries.find(b"before " + leak + b" after") == ["secret"]
    with pytest.raises(AssertionError, match="somewhere"):
        canaries.assert_absent([("somewhere", leak)])


@pytest.mark.parametrize("before", [0, 10, canary.PIECE_BYTES - 10, 3 * canary.PIECE_BYTES - 3])
def test_a_secret_between_reserved_space_is_found(tmp_path, before):
    """Whole pieces of zeros are not searched; a secret beside them, or over two pieces, is."""
    secret, path = Canaries().new("secret").encode("utf-16-le"), tmp_path / "reserved"
    path.write_bytes(bytes(before) + secret + bytes(4 * canary.PIECE_BYTES))
    found = canary.content(path)
    assert secret in found and len(found) < 3 * canary.PIECE_BYTES


def test_what_is_no_secret_is_not_found():
    canaries = Canaries()
    canaries.new("secret")
    assert canaries.find(b"canary" + b"0" * 32 + b" accessToken client") == []


def test_what_a_server_leaves_behind_is_searched(servers, canaries):
    """A secret in the data directory, in the log or in an answer would be seen."""
    server = servers()
    server.call("DescribeConnectorProfiles")
    places = dict(server.left_behind())
    rows = ("table profiles", "table audit") if database.REMOTE \
        else ("data/headgate.db", "data/headgate.db-wal")
    for name in (*rows, "stderr-1.log", "stdout-1.log", "what /proc shows", "answer 0"):
        assert name in places, sorted(places)
    assert b"connectorProfileDetails" in places["answer 0"]


def test_the_environment_that_proc_shows_is_searched(servers):
    server = servers()
    need_environ(server)
    assert b"PATH=" in dict(server.left_behind())["what /proc shows"]


def test_an_ordinary_user_is_told_what_is_not_searched(servers, monkeypatch):
    """/proc/PID/environ of a server is root's: who cannot read it skips such a test, by name."""
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(pathlib.Path, "read_bytes", refuse)
        patch.setattr(proc, "has_sudo", lambda: False)
        server = servers()
    assert server.environ_hidden and server.environ == b""
    with pytest.raises(pytest.skip.Exception, match="root's alone"):
        need_environ(server)
