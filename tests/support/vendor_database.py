"""A stand-in database on loopback: it keeps the bytes of every message and answers as told, in
PostgreSQL's protocol or out of it. A case file writes messages a line each:

    start 196608 "user\\0loader\\0\\0"    without a type: what opens a connection
    R 5 "salt"                          type R; the length is added
    D 1/2 1 "1"                         numbers have four bytes, or as many as are named
    raw "N"                             as it stands, without a length
"""

import hashlib
import re

from support.vendor import Vendor

MESSAGE_MAX = 10000  # bytes
TERMINATE = b"X"
ASK_FOR_TLS = (80877103).to_bytes(4, "big")
ESCAPES = {r"\0": "\0", r"\n": "\n", r"\"": '"', r"\\": "\\"}
WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(-?\d+)(?:/([124]))?|(\S+)')


def text_of(quoted):
    return re.sub(r"\\.", lambda match: ESCAPES[match.group(0)], quoted)


def message(line):
    """The bytes of one line."""
    kind, _, rest = line.partition(" ")
    body = b""
    for text, number, size, stray in WORD.findall(rest):
        assert not stray, f"{stray} is no text and no number: {line}"
        body += int(number).to_bytes(int(size or 4), "big", signed=True) if number \
            else text_of(text).encode()
    if kind == "raw":
        return body
    return (b"" if kind == "start" else kind.encode()) + (len(body) + 4).to_bytes(4, "big") + body


def messages(lines):
    return b"".join(message(line) for line in lines if line)


def md5_password(user, password, salt):
    """What is shown instead of a password (PostgreSQL's manual, "Message Flow")."""
    inner = hashlib.md5((password + user).encode()).hexdigest()
    return "md5" + hashlib.md5((inner + salt).encode()).hexdigest()


class Message:
    def __init__(self, raw):
        self.raw = raw


def read_message(stream, typed):
    """The next message's bytes; empty at the end of the connection, and of the protocol."""
    head = stream.read(5 if typed else 4)
    size = int.from_bytes(head[-4:], "big")
    return head + stream.read(size - 4) if 4 <= size <= MESSAGE_MAX else b""


class Database(Vendor):
    """Takes messages in place of requests, without the one that says goodbye."""

    name = "database"

    def _serve(self, connection):
        typed = False
        try:
            with connection, connection.makefile("rb") as stream:
                raw = read_message(stream, typed)
                while raw and raw[:1] != TERMINATE and self.take(connection, Message(raw)):
                    typed = typed or raw[4:] != ASK_FOR_TLS
                    raw = read_message(stream, typed)
        except OSError:
            pass
