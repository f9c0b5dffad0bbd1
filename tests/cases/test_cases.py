"""Runs every case file beside this one."""

import pathlib
import re

import pytest

from support import cases
from support.vendor_database import Database

FILES = sorted(pathlib.Path(__file__).parent.glob("*.case"))
SILENCE_S = 3  # of a vendor that does not answer, and of a throttled one, which is mostly near it


def param(path):
    waits = SILENCE_S * len(re.findall(r"^== \w+ is silent$", path.read_text(), re.MULTILINE))
    return pytest.param(path, id=path.stem, marks=pytest.mark.waits(waits))


@pytest.mark.embedded  # what vendors are sent does not depend on the store
@pytest.mark.every_row
@pytest.mark.parametrize("path", [param(path) for path in FILES])
def test_case(path, servers, vendor, canaries):
    server = servers("--egress-allow", "127.0.0.1", start=False)
    with Database() as database:
        cases.Case(server, vendor, database, canaries).run(cases.parse(path.read_text()))
