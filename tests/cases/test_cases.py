"""Runs every case file beside this one."""

import pathlib

import pytest

from support import cases
from support.vendor_database import Database

FILES = sorted(pathlib.Path(__file__).parent.glob("*.case"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_case(path, servers, vendor, canaries):
    server = servers("--egress-allow", "127.0.0.1", start=False)
    with Database() as database:
        cases.Case(server, vendor, database, canaries).run(cases.parse(path.read_text()))
