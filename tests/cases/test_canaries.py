"""The search for secrets finds what it must find: a search that finds nothing proves nothing."""

import base64
import json

import pytest

from support import database
from support.canary import Canaries

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
    assert b"PATH=" in places["what /proc shows"]
    assert b"connectorProfileDetails" in places["answer 0"]
