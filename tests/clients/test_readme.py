"""The README's first use, as it stands there: its lines for the shell, Python and JavaScript are
run, with nothing in their environment but what it says to export."""

import os
import pty
import re
import subprocess
import sys

import pytest

from support.server import BINARY, ROOT

README = (ROOT / "README.md").read_text()
TIMEOUT_S = 120
SHELL, PYTHON, JAVASCRIPT = (
    next(block for block in re.findall(rf"```{language}\n(.*?)```", README, re.S) if mark in block)
    for language, mark in (("sh", "update-connector-profile"), ("python", "boto3"),
                           ("js", "client-appflow")))
EXPORTS = next(block for block in re.findall(r"```sh\n(.*?)```", README, re.S)
               if "AWS_SHARED_CREDENTIALS_FILE" in block)


@pytest.fixture
def run(sandboxed, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.write_text(f"[default]\naws_access_key_id = {sandboxed.key.id}\n"
                           f"aws_secret_access_key = {sandboxed.key.secret}\n")

    def here(text):
        return (text.replace("http://127.0.0.1:8620", sandboxed.endpoint)
                .replace("build/headgate", BINARY)
                .replace("$PWD/headgate-data/credentials", str(credentials)))

    def shell(text, command="", **kwargs):
        """Runs the README's exports, then `text`, then a command in the same environment."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        env["PAGER"] = "/no/such/pager"  # what is exported keeps the CLI from starting one
        # Debian's AWS CLI, since an older one may come earlier in PATH.
        env["PATH"] = f"/usr/bin:{env['PATH']}"
        script = "\n".join([here(EXPORTS), here(text), command])
        kwargs = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **kwargs}
        return subprocess.run(["bash", "-c", script], env=env, text=True, timeout=TIMEOUT_S,
                              check=False, **kwargs)

    return shell, here


def test_first_use(run, sandboxed):
    shell, here = run
    done = shell(SHELL)
    assert done.stdout.count("connectorprofile/crm") == 2, done.stderr  # created, described
    assert "ConnectorAuthenticationException" in done.stderr
    for command, text, place in ((f"exec {sys.executable} -", PYTHON, ROOT),
                                 ("exec node --input-type=module -", JAVASCRIPT, ROOT / "tests")):
        before = sandboxed.profile_row("crm")["version"]
        done = shell("", command, input=here(text), cwd=place)
        assert done.returncode == 0, done.stderr
        assert "connectorprofile/crm" in done.stdout
        assert sandboxed.profile_row("crm")["version"] > before


def test_the_cli_needs_no_pager(run, sandboxed):
    """On a terminal the CLI starts one, unless what is exported says otherwise."""
    shell, _ = run
    ours, theirs = pty.openpty()
    done = shell("", "aws --endpoint-url http://127.0.0.1:8620 appflow describe-connector-profiles"
                 .replace("http://127.0.0.1:8620", sandboxed.endpoint), stdout=theirs)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 0, done.stderr


def test_git_ignores_the_data_directory():
    """It holds the keyring and the first secret key."""
    (directory,) = set(re.findall(r"--data (\S+)", README))
    assert f"/{directory}/" in (ROOT / ".gitignore").read_text().splitlines()
    assert f"$PWD/{directory}/credentials" in README


def test_terraform_s_blocks_can_be_read():
    """What a block holds on its own line is one argument or nothing, and no other block (HCL's
    grammar, OneLineBlock)."""
    text, = re.findall(r"```hcl\n(.*?)```", README, re.S)
    assert "aws_appflow_connector_profile" in text
    assert text.count("{") == text.count("}")
    for line in text.splitlines():
        if "{" in line and "}" in line:
            assert re.fullmatch(r'\s*\w+( "\w+")* \{( \w+ += +("[^"]*"|\w+) )?\}', line), line
    declared = set(re.findall(r'^variable "(\w+)"', text, re.M))
    assert set(re.findall(r"var\.(\w+)", text)) == declared
