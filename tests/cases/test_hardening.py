"""What a server has given up once it is ready, as the kernel tells it."""

import pathlib
import re

from test_process import amplitude, start_fails


def restrictions(process):
    """(Seccomp, NoNewPrivs) of every thread: 2 is a filter."""
    value = lambda text, name: int(re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE).group(1))
    return {(value(text, "Seccomp"), value(text, "NoNewPrivs")) for text in
            (path.read_text() for path in pathlib.Path(f"/proc/{process}/task").glob("*/status"))}


def test_every_thread_is_restricted_when_it_is_ready(servers):
    server = servers("--sandbox", "--hardening", "required")
    assert restrictions(server.process.pid) == {(2, 1)}
    # The first call to a vendor loads libcurl and starts threads.
    answer = server.call("CreateConnectorProfile", amplitude("sandbox-secret"))
    assert answer.status == 401, answer.body
    assert restrictions(server.process.pid) == {(2, 1)}


def test_it_is_on_unless_it_is_turned_off(servers):
    server = servers()
    assert restrictions(server.process.pid) == {(2, 1)}
    assert "The server runs without" not in server.log
    other = servers("--hardening", "off")
    assert restrictions(other.process.pid) == restrictions("self")  # those of what started it


def test_a_keyring_command_may_write_where_it_wants(servers, tmp_path):
    server = servers()
    server.stop()
    mark = tmp_path / "the-command-was-here"
    server.start("--keyring-command", f"touch {mark} && cat {server.data / 'keyring'}")
    assert mark.exists()
    assert restrictions(server.process.pid) == {(2, 1)}


def test_an_unknown_mode_is_refused():
    assert "--hardening" in start_fails("--hardening", "maybe")
