"""headgate demo: what `make run` shows a newcomer, first of all."""

import contextlib
import json
import re
import signal
import subprocess
import types

import pytest

from support import aws
from support.sandbox_records import truth
from support.server import ACCOUNT, Key, command, headgate

STEPS = [("create a Salesforce profile", "200"), ("update it with new credentials", "200"),
         ("try to update it with a wrong token", "401"),
         ("repeat step 2 with the same client token", "200"), ("describe it", "200"),
         ("create a flow: accounts to files", "200"), ("run it", "200"),
         ("write Parquet instead, and run it again", "200")]
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


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """What a demo printed that has ended, and where its data are."""
    data = tmp_path_factory.mktemp("demo")
    return headgate("demo", "--once", "--data", data, "--listen", "127.0.0.1:0"), data


def test_the_main_job_step_by_step(once):
    shown, _ = once
    assert [(what, status) for _, what, status, _ in steps(shown)] == STEPS
    assert [number for number, *_ in steps(shown)] == list("12345678")
    outcomes = [outcome for *_, outcome in steps(shown)]
    assert outcomes[2] == "ConnectorAuthenticationException"
    assert all(f":{ACCOUNT}:" in outcomes[at] for at in (0, 1, 3, 4, 5))
    assert "rejected the credentials" in shown and LAST not in shown


def test_its_flow_moves_records(once):
    """Its files have those of the stand-in's records that the flow's tasks leave, and the rows that
    it prints are the first of them."""
    shown, data = once
    runs = [outcome for _, what, _, outcome in steps(shown)[6:]]
    lines, parquet = [data / "s3/headgate-demo/demo-accounts" / run for run in runs]
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    wanted = [record for record in truth("Salesforce", "Account")
              if not record["IsDeleted"] and (record["AnnualRevenue"] or 0) > 1_000_000]
    assert [(row["id"], row["name"], row["revenue"]) for row in rows] == [
        (record["Id"], record["Name"], record["AnnualRevenue"]) for record in wanted]
    assert all(row["phone"] == (record["Phone"] and record["Phone"][:-4] + "****")
               for row, record in zip(rows, wanted))
    printed = [json.loads(line) for line in shown.splitlines() if line.startswith("   {")]
    assert printed == rows[:3]
    assert parquet.read_bytes()[:4] == parquet.read_bytes()[-4:] == b"PAR1"
    assert shown.count(f"   {len(rows)} records were read, ") == 2
    assert f"read_parquet('{parquet}')" in shown


def test_it_can_be_shown_again(once):
    _, data = once
    assert len(steps(headgate("demo", "--once", "--data", data,
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


def test_the_line_that_makes_a_link_runs(tmp_path):
    """No terminal, so no link is printed: the line makes one."""
    with demo("--data", tmp_path, "--listen", "127.0.0.1:0") as (_, shown):
        assert "/connect/" not in shown
        found = re.search(r"^  \S+ (connect demo-salesforce .*) \\\n +(.*)$", shown, re.M)
        link = headgate(*" ".join(found.groups()).split()).strip()
        assert re.fullmatch(re.escape(endpoint(shown)) + r"/connect/[\w-]{43}", link)


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


@pytest.mark.parametrize("words", [["demo", "--once"], ["serve", "--sandbox"]])
def test_another_s3_is_refused(tmp_path, words):
    """Objects would go to the sandbox's S3 all the same."""
    done = subprocess.run(
        command(*words, "--data", tmp_path, "--listen", "127.0.0.1:0", "--s3-url",
                "http://127.0.0.1:9000"), capture_output=True, timeout=60, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert "--s3-url is not used in sandbox mode" in done.stderr
