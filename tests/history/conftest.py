"""What both kinds of runs need."""

import pytest

from history.vendor import Remembering
from support import sandbox


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    """A sandbox that outlives the servers."""
    with sandbox.running(tmp_path_factory.mktemp("sandbox")) as each:
        yield each


@pytest.fixture
def vendor(canaries):
    with Remembering(canaries) as each:
        yield each
