"""What every test can ask for: secrets that can be found again, servers, a vendor."""

import collections
import contextlib

import pytest

from support import s3
from support.canary import Canaries
from support.database import REMOTE, PostgresDatabase
from support.scratch import Scratch
from support.server import VARIANT, Server
from support.shown import Shown
from support.spread import Spread
from support.vendor import Vendor


SHOWN = Shown()


def pytest_addoption(parser):
    parser.addoption("--rows-max", type=int, help="of each parametrized test; the first of them")


def pytest_configure(config):
    config.addinivalue_line("markers", "shows(column, name=, kind=): see support/shown.py")
    config.addinivalue_line("markers", "embedded: is about the store in a file, not PostgreSQL")
    config.addinivalue_line("markers", "shared: its nodes always share a PostgreSQL; set here")
    config.addinivalue_line("markers", "as_users_run_it: not for builds with sanitizers")
    config.addinivalue_line("markers", "every_row: its parameters are tests of their own")
    config.addinivalue_line("markers", "waits(seconds): see support/spread.py")
    config.pluginmanager.register(Scratch())
    config.pluginmanager.register(SHOWN)
    config.pluginmanager.register(Spread())


def left_out_here(item):
    """Whether a test cannot run on this build, or runs in the same way over the other store."""
    if VARIANT in ("asan", "tsan") and item.get_closest_marker("as_users_run_it"):
        return True
    return REMOTE and item.get_closest_marker("shared")


def further_rows(items, rows_max):
    """The rows of parametrized tests that come after the first `rows_max` of each."""
    seen = collections.Counter()
    for item in items:
        function = item.nodeid.partition("[")[0]
        seen[function] += 1
        if seen[function] > rows_max and not item.get_closest_marker("every_row"):
            yield item


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        if "database" in item.fixturenames:
            item.add_marker("shared")
    left_out = {item for item in items if left_out_here(item)}
    rows_max = config.getoption("rows_max")
    if rows_max:
        left_out.update(further_rows(items, rows_max))
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=list(left_out))


@pytest.fixture
def canaries():
    return Canaries()


@contextlib.contextmanager
def servers_below(directory, canaries):
    """Makes servers: servers("--sandbox", …). At the end each must stop with status 0 (which a
    sanitizer's finding is not), and nothing of any may hold a secret, while it ran or after."""
    made = []

    def make(*options, env=None, start=True, make_key=True):
        server = Server(directory / f"server-{len(made)}", canaries, options, env, make_key)
        made.append(server)
        return server.start() if start else server

    try:
        yield make
        for server in made:
            canaries.assert_absent(server.left_behind())
            server.stop()
            canaries.assert_absent(server.left_behind())
    finally:
        for server in made:
            server.kill()
        for server in made:
            server.database.drop()


@pytest.fixture
def servers(tmp_path, canaries):
    with servers_below(tmp_path, canaries) as make:
        yield make


@pytest.fixture(scope="module")
def lasting_canaries():
    return Canaries()


@pytest.fixture(scope="module")
def lasting_servers(tmp_path_factory, lasting_canaries):
    """For tests of one module that look at one server."""
    with servers_below(tmp_path_factory.mktemp("lasting"), lasting_canaries) as make:
        yield make


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The sandbox's S3 in a process of its own; `objects` is the folder of its buckets."""
    directory = tmp_path_factory.mktemp("store")
    with s3.stand_in(directory) as made:
        made.objects = directory / "s3"
        made.objects.mkdir(exist_ok=True)
        yield made


@pytest.fixture
def sandboxed(servers):
    """A server whose vendors are the sandbox's."""
    return servers("--sandbox")


@pytest.fixture
def vendor():
    """A vendor on loopback that answers as a test says and keeps what it was asked."""
    with Vendor() as each:
        yield each


@pytest.fixture
def database():
    """One that nodes share."""
    return PostgresDatabase()


@pytest.fixture
def nodes(servers, database):
    """Makes nodes, not started yet, that share the database, and the keyring and the access key of
    the first."""
    made = []

    def make(*options):
        shared = ["--keyring", made[0].data / "keyring"] if made else []
        node = servers(*options, *shared, start=False, make_key=False)
        node.database = database
        node.key = made[0].key if made else node.make_key("AKIAHEADGATETEST0001", "shared-key")
        made.append(node)
        return node

    return make
