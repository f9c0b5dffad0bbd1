"""What every test can ask for: secrets that can be found again, servers, a vendor."""

import pytest

from support.canary import Canaries
from support.server import Server
from support.vendor import Vendor


@pytest.fixture
def canaries():
    return Canaries()


@pytest.fixture
def servers(tmp_path, canaries):
    """Makes servers: servers("--sandbox", …). At the end each must stop with status 0 (which a
    sanitizer's finding is not), and nothing of any may hold a secret, while it ran or after."""
    made = []

    def make(*options, env=None, start=True):
        server = Server(tmp_path / f"server-{len(made)}", canaries, options, env)
        made.append(server)
        return server.start() if start else server

    yield make
    try:
        for server in made:
            canaries.assert_absent(server.left_behind())
            server.stop()
            canaries.assert_absent(server.left_behind())
    finally:
        for server in made:
            server.kill()


@pytest.fixture
def sandboxed(servers):
    """A server whose vendors are the sandbox's."""
    return servers("--sandbox")


@pytest.fixture
def vendor():
    """A vendor on loopback that answers as a test says and keeps what it was asked."""
    with Vendor() as each:
        yield each
