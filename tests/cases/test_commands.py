"""The commands beside the server: keys, OAuth apps, the audit; what they say when they cannot."""

import json
import subprocess

import pytest

from support.server import ACCOUNT, OTHER_ACCOUNT, command, headgate


def refused(*words, status=1):
    """What a command says that must fail with this status."""
    done = subprocess.run(command(*words), capture_output=True, timeout=60, check=False)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stderr.decode()


def test_access_keys_come_and_go(sandboxed):
    sandboxed.make_key("AKIASECOND0000000001", "second", OTHER_ACCOUNT)
    listed = headgate("access-key", "list", *sandboxed.place)
    assert sorted(line.split()[:2] for line in listed.splitlines()) == [
        [OTHER_ACCOUNT, "AKIASECOND0000000001"], [ACCOUNT, sandboxed.key.id]]
    headgate("access-key", "delete", *sandboxed.place, "--access-key-id",
             "AKIASECOND0000000001")
    assert "AKIASECOND" not in headgate("access-key", "list", *sandboxed.place)
    assert "AKIASECOND" in refused("access-key", "delete", *sandboxed.place,
                                   "--access-key-id", "AKIASECOND0000000001")


def test_a_new_key_goes_to_a_file_of_its_owner(tmp_path):
    out = tmp_path / "key"
    printed = headgate("access-key", "create", "--data", tmp_path / "data", "--account", ACCOUNT,
                       "--out", out)
    assert out.stat().st_mode & 0o777 == 0o600
    secret = out.read_text().split("aws_secret_access_key = ")[1].strip()
    assert len(secret) == 40 and secret not in printed
    assert "exists" in refused("access-key", "create", "--data", tmp_path / "data", "--account",
                               ACCOUNT, "--out", out)


@pytest.mark.parametrize("words, says", [
    (["--account", "12345"], "12 digits"),
    (["--account", ACCOUNT, "--access-key-id", "AKIA"], "go together"),
    (["--account", ACCOUNT, "--access-key-id", "a/b", "--secret-access-key", "x" * 8], "letters"),
    (["--account", ACCOUNT, "--access-key-id", "ab", "--secret-access-key", "x"], "8 to"),
])
def test_a_key_that_is_malformed(tmp_path, words, says):
    assert says in refused("access-key", "create", "--data", tmp_path / "data", *words)


def test_oauth_apps_come_and_go(tmp_path, canaries):
    data = tmp_path / "data"
    secret = canaries.new("client-secret")
    headgate("oauth-app", "set", "--data", data, "--connector", "Salesforce",
             "--client-id", "app-1", input=secret.encode() + b"\n")
    listed = headgate("oauth-app", "list", "--data", data)
    assert listed.split() == ["Salesforce", "app-1"]
    headgate("oauth-app", "delete", "--data", data, "--connector", "Salesforce")
    assert headgate("oauth-app", "list", "--data", data) == ""
    assert "no connector type Nobody" in refused(
        "oauth-app", "set", "--data", data, "--connector", "Nobody", "--client-id", "x")


def test_the_audit_tells_what_was_tried(sandboxed):
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", "Amplitude",
                                 "--outcome", "rejected"))
    request = {"connectorProfileName": "tried", "connectorType": "Amplitude",
               "connectionMode": "Public", "connectorProfileConfig": config}
    assert sandboxed.call("CreateConnectorProfile", request).status == 401
    sandboxed.stop()  # what failed is written without making its caller wait
    told = headgate("audit", *sandboxed.place, "--account", ACCOUNT)
    assert "CreateConnectorProfile  tried  ConnectorAuthenticationException" in told
    assert "rejected the credentials at step api" in told
    assert sandboxed.key.id in told
    assert headgate("audit", *sandboxed.place, "--account", OTHER_ACCOUNT) == ""


@pytest.mark.parametrize("words", [
    ["access-key", "list"], ["access-key", "delete", "--access-key-id", "x"],
    ["oauth-app", "list"], ["oauth-app", "delete", "--connector", "Slack"],
    ["audit", "--account", ACCOUNT]])
def test_a_mistyped_directory_is_not_made(tmp_path, words):
    missing = tmp_path / "mistyped"
    assert "no Headgate data" in refused(*words, "--data", missing)
    assert not missing.exists()


@pytest.mark.parametrize("words", [
    [], ["nothing"], ["serve", "--nothing"], ["serve", "--listen"], ["serve", "--workers", "0"],
    ["serve", "--log-level", "loud"], ["access-key", "create"]])
def test_a_call_with_wrong_words(words):
    assert refused(*words, status=2)


@pytest.mark.parametrize("words", [
    ["serve"], ["demo"], ["sandbox"], ["access-key", "create"], ["access-key", "list"],
    ["access-key", "delete"], ["oauth-app", "set"], ["oauth-app", "list"],
    ["oauth-app", "delete"], ["audit"]])
def test_every_command_has_help(words):
    assert "--" in headgate(*words, "--help")
