"""headgate demo: what `make run` shows a newcomer, first of all."""

import contextlib
import re
import signal
import subprocess
import types

import pytest

from support import aws
from support.server import ACCOUNT, Key, command, headgate

STEPS = [("create a Salesforce profile", "200"), ("update it with new credentials", "200"),
         ("try to update it with a wrong token", "401"),
         ("repeat step 2 with the same client token", "200"), ("describe it", "200")]
LAST = "Press Ctrl-C to stop the server."


@contextlib.contextmanager
def demo(*words):
    """A demo that stays up, and what it has printed by then."""
    process = subprocess.Popen(command("demo", *words), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        shown = ""
        for line in process.stdout:
            shown += line
            if LAST in line:
                break
        yield process, shown
    finally:
        process.kill()
        process.communicate(timeout=60)


def steps(shown):
    return re.findall(r"^(\d)  (.*?) +(\d{3})  (\S+)", shown, re.M)


def endpoint(shown):
    return re.search(r"^Headgate is running at (\S+)$", shown, re.M).group(1)


def test_the_main_job_step_by_step(tmp_path):
    shown = headgate("demo", "--once", "--data", tmp_path, "--listen", "127.0.0.1:0")
    assert [(what, status) for _, what, status, _ in steps(shown)] == STEPS
    assert [number for number, *_ in steps(shown)] == ["1", "2", "3", "4", "5"]
    outcomes = [outcome for *_, outcome in steps(shown)]
    assert outcomes[2] == "ConnectorAuthenticationException"
    assert all(f":{ACCOUNT}:" in outcome for at, outcome in enumerate(outcomes) if at != 2)
    assert "rejected the credentials" in shown and LAST not in shown


def test_it_can_be_shown_again(tmp_path):
    for _ in range(2):
        assert len(steps(headgate("demo", "--once", "--data", tmp_path,
                                  "--listen", "127.0.0.1:0"))) == len(STEPS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stays_up_until_it_is_stopped(tmp_path, number):
    """What it prints last is true: the endpoint answers to the access key of the file that it
    names, and the keyring is where it says."""
    with demo("--data", tmp_path, "--listen", "127.0.0.1:0") as (process, shown):
        credentials = str(tmp_path / "credentials")
        assert re.search(rf"^Access key for account {ACCOUNT}: +{credentials}$", shown, re.M)
        assert f"export AWS_SHARED_CREDENTIALS_FILE={credentials}\n" in shown
        assert re.search(rf"^Data directory, with the keyring: {tmp_path}$", shown, re.M)
        assert (tmp_path / "keyring").exists()
        key = Key(*re.findall(r"= (\S+)", (tmp_path / "credentials").read_text()))
        assert key.secret not in shown
        client = aws.boto(types.SimpleNamespace(endpoint=endpoint(shown), key=key,
                                                answers=[]))
        found = client.describe_connector_profiles(connectorProfileNames=["demo-salesforce"])
        assert len(found["connectorProfileDetails"]) == 1
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0 and out == ""
        assert "Shutting down" in errors and " error " not in errors and " warn " not in errors


def test_the_lines_to_paste_run(tmp_path):
    """The program that they name is this one, wherever they are pasted."""
    with demo("--data", tmp_path, "--listen", "127.0.0.1:0") as (_, shown):
        found = re.search(r'\$\((\S+ sandbox --list --json) \\\n +(.*)\)"', shown)
        done = subprocess.run(command(*" ".join(found.groups()).split()[1:]), capture_output=True,
                              cwd=tmp_path, timeout=60, check=True)
        assert found.group(1).split()[0] == str(command()[-1])
        assert done.stdout.startswith(b"{")


def test_two_at_once(tmp_path):
    """The second takes another port than the default one."""
    with demo("--data", tmp_path / "a") as (_, first):
        with demo("--data", tmp_path / "b") as (_, second):
            assert endpoint(first) != endpoint(second)


def test_a_demo_that_cannot_start(tmp_path):
    tmp_path.chmod(0o777)
    done = subprocess.run(command("demo", "--data", tmp_path), capture_output=True, timeout=60,
                          text=True)
    assert done.returncode == 1 and "chmod go-w" in done.stderr and done.stdout == ""
