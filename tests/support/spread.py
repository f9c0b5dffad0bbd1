"""How tests are spread over processes, a pytest plugin: the tests of a file that share something
that lasts stay together, any other goes where there is room, and who waits longest starts first.

A test that mostly waits for time to pass carries the mark waits(seconds), about so many."""

import functools
import pathlib

import pytest
from xdist.scheduler import LoadScopeScheduling

SHARES = ('scope="module"', "lasting_")  # what a file says whose tests share something


@functools.cache
def shares(path):
    text = pathlib.Path(path).read_text()
    return any(words in text for words in SHARES)


def waits_s(item):
    return max((mark.args[0] for mark in item.iter_markers("waits")), default=0)


class Scheduler(LoadScopeScheduling):
    """Hands out tests in the order in which they were collected."""

    def __init__(self, config, log):
        config.option.loadscopereorder = False
        super().__init__(config, log)
        self.root = config.rootpath

    def _split_scope(self, nodeid):
        """The name of what must stay together with this test."""
        path = nodeid.split("::", 1)[0]
        return path if shares(self.root / path) else nodeid


class Spread:
    @staticmethod
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(items):
        items.sort(key=lambda item: -waits_s(item))

    @staticmethod
    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(config, log):
        return Scheduler(config, log)
