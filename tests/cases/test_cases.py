"""Runs every case file beside this one."""

import pathlib

import pytest

from support import cases
from support.server import headgate

FILES = sorted(pathlib.Path(__file__).parent.glob("*.case"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_case(path, servers, vendor, canaries):
    sections = cases.parse(path.read_text())
    server = servers("--egress-allow", "127.0.0.1", start=False)
    case = cases.Case(server, vendor, canaries)
    for words in cases.setup_of(sections):
        words = [case.fill(word) for word in words]
        if words[0] == "oauth-app":
            headgate("oauth-app", "set", "--data", server.data, "--connector", words[1],
                     "--client-id", words[2], input=(canaries.new(words[3]) + "\n").encode())
        elif words[0] == "env":
            server.env[words[1]] = words[2]
        else:
            server.options += words
    server.start()
    case.run(sections)
