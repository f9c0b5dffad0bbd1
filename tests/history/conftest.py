"""What both kinds of runs need."""

import pytest

from support import sandbox


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    """A sandbox that outlives the servers."""
    with sandbox.running(tmp_path_factory.mktemp("sandbox")) as each:
        yield each
