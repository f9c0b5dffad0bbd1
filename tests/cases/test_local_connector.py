"""Local connectors as a server has them: their options, SIGHUP, and what is left when it ends. What
a process is given and what becomes of its calls is in tests/unit/test_local_runner.c and
test_local_process.c."""

import concurrent.futures
import ctypes
import json
import os
import signal
import sys
import time

import pytest

from support import custom, proc
from support.functions import function_arn
from support.operations import OPTION, metrics
from support.proc import children
from support.server import ACCOUNT, ROOT, headgate
from test_process import start_fails

ARN = function_arn("")  # a name follows
FUNCTION = f"exec {sys.executable} {ROOT / 'tests/support/provided.py'}"


def await_end(pid, limit_s=20):
    end = time.monotonic() + limit_s
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < end, f"process {pid} is still there"
        time.sleep(0.01)


def landlock_version():
    """What the kernel has of Landlock; below 1: nothing."""
    create_ruleset, only_version = 444, 1
    return ctypes.CDLL(None).syscall(create_ruleset, None, ctypes.c_size_t(0), only_version)


def test_a_restricted_server_has_a_supervisor_that_ends_with_it(servers):
    server = servers("--hardening", "required", "--local-connector", f"{ARN}orchard={FUNCTION}, x",
                     "--local-connector", f"{ARN}meadow={FUNCTION}")
    assert "2 local connectors, at most 32 processes." in server.log
    supervisor, = children(server.process.pid, "supervisor")
    server.stop()
    await_end(supervisor)
    server.start()
    supervisor, = children(server.process.pid, "supervisor")
    server.kill()
    await_end(supervisor)


def test_what_the_server_wipes_is_in_no_process_of_it(servers, canaries):
    """They are forked before it is wiped."""
    secret = canaries.new("aws")
    server = servers("--local-connector", f"{ARN}orchard={FUNCTION}",
                     env={"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": secret})
    printed = server.data / "keyring"
    server.stop()
    server.start("--keyring-command", f"cat {printed}", env={"AWS_SECRET_ACCESS_KEY": secret})
    proc.need_environ(server)
    seen = [proc.read(pid, "environ") for pid in children(server.process.pid)]
    assert len(seen) == 3 and all(b"AWS_SECRET_ACCESS_KEY=" in each for each in seen)
    assert not any(secret.encode() in each for each in seen)


def test_a_server_without_local_connectors_has_a_courier_alone(servers):
    pid = servers().process.pid
    assert len(children(pid)) == 1 and children(pid) == children(pid, "courier")
    assert children(servers("--sandbox").process.pid) == []


def test_the_directory_is_read_again(servers, tmp_path):
    connectors = tmp_path / "connectors"
    connectors.mkdir()
    (connectors / "orchard.conf").write_text(
        f"# apples\n{ARN}orchard={FUNCTION}\nLOG_LEVEL=debug\n")
    (connectors / "skipped.conf~").write_text("not a connector\n")
    server = servers("--local-connectors", connectors)
    assert "1 local connector, at most 32 processes." in server.log
    (connectors / "meadow.conf").write_text(f"{ARN}meadow={FUNCTION}\n{ARN}hill={FUNCTION}\n")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("SIGHUP: the local connectors were read again, 3 of them.")
    (connectors / "meadow.conf").write_text(f"{ARN}meadow\n")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("the previous list stays in use: "
                        f"{connectors}/meadow.conf:1: expected arn:aws:lambda:")


def test_what_is_wrong_is_said_before_the_start(tmp_path):
    def refused(text, mode=0o600):
        path = tmp_path / "list"
        path.write_text(text)
        path.chmod(mode)
        return start_fails("--data", tmp_path / "data", "--local-connectors", tmp_path)

    assert "expected ARN=COMMAND" in start_fails("--local-connector", "orchard=true")
    assert ("--local-connector-calls is 40, but --local-connector-processes allows only 32 "
            "processes") in start_fails("--data", tmp_path / "data",
                                        "--local-connector-calls", "40")
    assert "a whole number from 1 to 1024" in start_fails("--local-connector-calls", "0")
    assert f"{ARN}orchard is given twice" in start_fails(
        "--data", tmp_path / "data", "--local-connector", f"{ARN}orchard=true",
        "--local-connector", f"{ARN}orchard=false")
    assert "is not the ARN of a Lambda function" in refused("arn:aws:s3:::orchard=true\n")
    assert "list:2: the command" in refused(f"# a\n{ARN}orchard=\n")
    assert "comes before any ARN=COMMAND" in refused("NAME=value\n")
    assert "is set by the server" in refused(f"{ARN}orchard=true\nAWS_LAMBDA_RUNTIME_API=x\n")
    assert "every user may change it" in refused(f"{ARN}orchard=true\n", 0o602)
    assert "cannot be read" in start_fails("--local-connectors", tmp_path / "nowhere")


def test_a_process_cannot_read_files_that_hold_secrets(servers, tmp_path):
    """The store's URL in the file of the options may hold a password."""
    if landlock_version() < 1:
        pytest.skip("the kernel has no Landlock")
    config, beside = tmp_path / "headgate.conf", tmp_path / "beside"
    config.write_text("# the-text-of-the-options\nlog-level = info\n")
    beside.write_text("the-text-beside\n")
    (tmp_path / "referred").mkdir()
    secret = tmp_path / "referred" / "secret"
    secret.write_text("the-text-that-credentials-refer-to\n")
    command = (f"cat {beside} {config} {secret}; "
               f"exec {sys.executable} {ROOT / 'tests/connectors/greedy.py'}")
    server = servers("--config", config, "--local-connector", f"{function_arn()}={command}",
                     "--reference", f"{ACCOUNT}=file:{secret.parent}")
    custom.register(server)
    server.wait_for_log("the-text-beside")
    # The random name of the directory may look like a secret, which goes out of the log.
    server.wait_for_log(f"/{config.name}: Permission denied")
    server.wait_for_log(f"/{secret.name}: Permission denied")
    assert "the-text-of-the-options" not in server.log
    assert "the-text-that-credentials-refer-to" not in server.log


def test_calls_at_once_are_bounded(servers):
    """The second call comes while the first process starts, and waits for it."""
    greedy = f"exec {sys.executable} {ROOT / 'tests/connectors/greedy.py'}"
    server = servers("--local-connector", f"{function_arn()}={greedy}",
                     "--local-connector-calls", "1", *OPTION)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda label: custom.register(server, label), ["first", "second", "third"]))
    assert metrics(server)["headgate_local_processes_started_total"] == 1


def test_a_process_reads_its_secret_a_hundred_times_at_most(servers, canaries):
    """Each reading is a row in the audit, and the connector decides how many it makes."""
    greedy = f"exec {sys.executable} {ROOT / 'tests/connectors/greedy.py'}"
    server = servers("--local-connector", f"{function_arn()}={greedy}")
    custom.register(server)
    for _ in range(2):  # the second call is granted as much again
        answer = server.call("CreateConnectorProfile",
                             custom.create(custom.basic(canaries.new())))
        assert answer.error == "ConnectorAuthenticationException", answer.body
        assert '{"200": 100, "429": 3}' in answer.message, answer.message
    rows = [json.loads(row) for row in
            headgate("audit", *server.place, "--json").splitlines()]
    read = [row for row in rows if row["operation"] == "GetSecretValue"
            and row["outcome"] == "ok"]
    assert len(read) == 200
