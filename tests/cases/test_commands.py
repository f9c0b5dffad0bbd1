"""The command line: what each command does and says, and how it refuses what is wrong."""

import contextlib
import json
import os
import pty
import pwd
import re
import shutil
import signal
import subprocess
import termios

import pytest

from support.server import ACCOUNT, BINARY, OTHER_ACCOUNT, clean_environment, command, headgate


def refused(*words, status=1, env=None):
    """What a command says that must fail with this status."""
    done = subprocess.run(command(*words), capture_output=True, timeout=60, check=False,
                          env={**clean_environment(), **(env or {})})
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
    (["--account", ACCOUNT, "--access-key-id", "AKIA"], "given together"),
    (["--account", ACCOUNT, "--access-key-id", "a/b", "--secret-access-key", "x" * 8], "letters"),
    (["--account", ACCOUNT, "--access-key-id", "ab", "--secret-access-key", "x"], "8 to"),
])
def test_a_key_that_is_malformed(tmp_path, words, says):
    assert says in refused("access-key", "create", "--data", tmp_path / "data", *words, status=2)
    assert not (tmp_path / "data").exists()


def test_oauth_apps_come_and_go(tmp_path, canaries):
    data = tmp_path / "data"
    secret = canaries.new("client-secret")
    headgate("oauth-app", "set", "--data", data, "--connector", "Salesforce",
             "--client-id", "app-1", input=secret.encode() + b"\n")
    listed = headgate("oauth-app", "list", "--data", data)
    assert listed.split() == ["Salesforce", "app-1"]
    headgate("oauth-app", "delete", "--data", data, "--connector", "Salesforce")
    assert headgate("oauth-app", "list", "--data", data) == ""


@pytest.mark.parametrize("kind, says", [
    ("Nobody", 'invalid value "Nobody" for --connector'),
    ("salesforce", "Did you mean Salesforce?"),
    ("Amplitude", "which Amplitude does not"),  # it has no OAuth
])
def test_an_oauth_app_is_for_a_connector_that_uses_one(tmp_path, kind, says):
    assert says in refused("oauth-app", "set", "--data", tmp_path / "data", "--connector", kind,
                           "--client-id", "x", status=2)
    assert not (tmp_path / "data").exists()


def test_a_secret_that_is_typed_is_not_shown(tmp_path, canaries):
    """On a terminal there is a prompt and no echo; what is typed is stored."""
    secret = canaries.new("client-secret").encode()
    words = command("oauth-app", "set", "--data", tmp_path / "data", "--connector", "Salesforce",
                    "--client-id", "app-1")
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(words[0], words)
    shown = b""
    while b"Client secret" not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, secret + b"\n")
    with contextlib.suppress(OSError):  # the terminal's end, when the process is gone
        while more := os.read(terminal, 4096):
            shown += more
    os.close(terminal)
    assert os.waitpid(child, 0)[1] == 0, shown
    assert secret not in shown, shown
    assert headgate("oauth-app", "list", "--data", tmp_path / "data").split()[1] == "app-1"


def test_a_terminal_shows_what_is_typed_again_after_an_interrupt(tmp_path):
    words = command("oauth-app", "set", "--data", tmp_path / "data", "--connector", "Salesforce",
                    "--client-id", "app-1")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs)
    shown = b""
    while b"Client secret" not in shown:
        shown += os.read(ours, 4096)
    assert not termios.tcgetattr(theirs)[3] & termios.ECHO
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == -signal.SIGINT
    assert termios.tcgetattr(theirs)[3] & termios.ECHO
    os.close(ours)
    os.close(theirs)


def test_a_pipe_gets_no_prompt(tmp_path, canaries):
    done = subprocess.run(
        command("oauth-app", "set", "--data", tmp_path / "data", "--connector", "Salesforce",
                "--client-id", "app-1"),
        input=canaries.new("client-secret").encode(), capture_output=True, timeout=60, check=True)
    assert b"ecret" not in done.stdout + done.stderr, done


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


# --- wrong command lines ---

@pytest.mark.parametrize("words, says", [
    ([], "Usage:"),
    (["srve"], 'unknown command "srve". Did you mean serve?'),
    (["--nothing"], 'unknown option "--nothing".'),
    (["access-key"], "access-key needs a subcommand: create, list, delete, session."),
    (["access-key", "crate"], 'unknown command "access-key crate". Did you mean create?'),
    (["oauth-app", "remove"], 'unknown command "oauth-app remove".'),
    (["help", "srve"], "Did you mean serve?"),
    (["serve", "--lisen", "x"], "unknown option --lisen. Did you mean --listen?"),
    (["serve", "word"], 'unexpected argument "word".'),
    (["serve", "--listen"], "--listen needs a value."),
    (["serve", "--workers", "0"], 'invalid value "0" for --workers: expected a whole number'),
    (["serve", "--workers=1", "--workers=2"], "--workers is given twice."),
    (["serve", "--log-level", "loud"], "expected debug, info, warn or error"),
    (["serve", "--config", "/no/such/file"], "/no/such/file: No such file or directory"),
    (["access-key", "create"], "--account is required."),
    (["audit", "--account", "abc"], 'invalid value "abc" for --account: expected 12 digits'),
    (["sandbox", "--json"], "need --list"),
    (["sandbox", "--list", "--outcome", "accepted"], "--outcome needs --connector"),
    (["sandbox", "--list", "--connector", "salesforce"], "Did you mean Salesforce?"),
    (["sandbox", "--list", "--connector", "Slack", "--outcome", "acepted"],
     'Slack has no outcome "acepted". Did you mean accepted?'),
    (["backup", "--to", "x", "--store", "postgresql://h/d"], "use pg_dump"),
])
def test_a_wrong_command_line(words, says):
    """Told in one sentence, with a pointer to the help instead of the help, and status 2."""
    said = refused(*words, status=2)
    assert says in said
    assert not words or len(said.splitlines()) <= 2, said


@pytest.mark.parametrize("words, says", [
    (["--listen", "foo"], 'invalid value "foo" for --listen: expected HOST:PORT'),
    (["--listen", "example.com:8620"], "expected HOST:PORT"),
    (["--admin-listen", "8629"], 'invalid value "8629" for --admin-listen'),
    (["--tls-cert", "a"], "--tls-cert and --tls-key must be given together"),
    (["--tls-cert", "/no/cert", "--tls-key", "/no/key"], "/no/cert cannot be read: No such file"),
    (["--endpoint", "foo"], 'invalid value "foo" for --endpoint: expected TYPE=URL'),
    (["--endpoint", "Amplitude=https://a.example/x,y"], 'invalid value "y" for --endpoint'),
    (["--endpoint", "amplitude=https://a.example"], "Did you mean Amplitude?"),
    (["--endpoint", "Slack=https://a.example", "--endpoint", "Slack=https://b.example"],
     "--endpoint is given twice for Slack"),
    (["--egress-allow", "foo"], 'invalid value "foo" for --egress-allow: expected an IP address'),
    (["--egress-allow", "127.0.0.1", "--egress-allow", "10.0.0.1/8"], "bits set past its prefix"),
    (["--egress-deny", "10.0.0.1/8"], "bits set past its prefix"),
    (["--egress-deny", "*.example"], "expected an IP address, a CIDR block or a host name"),
    (["--egress-ports", "0"], "expected a port or a range of ports"),
    (["--private-route", "a.example"], "expected [ACCOUNT:]NAME[@CALLED]=[http://]HOST:PORT"),
    (["--private-route", "a=10.1.2.3:1,A=10.1.2.3:2"], "two private routes for A"),
    (["--private-route", "123456789012:a=10.1.2.3:1,a=10.1.2.3:2"], "two private routes for a"),
    (["--private-route", "com.amazonaws.vpce.x=http://10.1.2.3:1"],
     "needs the host that is called"),
    (["--account", "12"], 'invalid value "12" for --account: expected 12 digits'),
    (["--account-read-rate", "many"], "expected requests a second"),
    (["--secrets-manager-url", "x"], "expected a URL"),
    (["--sts-url", "x"], "expected a URL"),
    (["--lambda-url", "x"], "expected a URL"),
    (["--mirror-secrets", "a!b"], "expected 1 to 64 letters, digits and characters of /_+=.@-"),
    (["--connector-role", "connectors"], "expected a role's ARN, such as arn:aws:iam::"),
    (["--store", "mysql://u:hidden@h/d"], "invalid value for --store: expected a PostgreSQL"),
    (["--keyring", "a", "--keyring-command", "b"], "exclude each other"),
])
def test_a_server_checks_its_options_before_it_creates_anything(tmp_path, words, says):
    said = refused("serve", "--data", tmp_path / "data", *words, status=2)
    assert says in said and "hidden" not in said
    assert not (tmp_path / "data").exists()


def test_a_database_that_cannot_be_reached_leaves_no_directory(tmp_path):
    assert "cannot be reached" in refused(
        "serve", "--data", tmp_path / "data", "--store", "postgresql://127.0.0.1:1/x")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("variable, value, says", [
    ("HEADGATE_WORKERS", "abc", 'invalid value "abc" for HEADGATE_WORKERS'),
    ("HEADGATE_SANDBOX", "maybe", 'for HEADGATE_SANDBOX: expected true, false, 1 or 0.'),
    ("HTTPS_PROXY", "ftp://proxy.example:1", "invalid value for HTTPS_PROXY: expected"),
    ("SSL_CERT_FILE", "/no/such/file", "SSL_CERT_FILE: "),
    ("HEADGATE_ENDPOINT", "Slack=https://a.example,b", 'invalid value "b" for HEADGATE_ENDPOINT'),
])
def test_a_wrong_variable(tmp_path, variable, value, says):
    assert says in refused("serve", "--data", tmp_path / "data", status=2, env={variable: value})
    assert not (tmp_path / "data").exists()


def test_output_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command("sandbox", "--list", "--json", "--connector", "Amplitude",
                                      "--outcome", "accepted"),
                              stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 1 and b"output could not be written" in done.stderr


def test_a_wrong_configuration_file(tmp_path):
    config = tmp_path / "headgate.conf"
    config.write_text("# what is not there\nlisten = :0\nendpiont = x\n")
    assert (f'{config}:3: unknown option "endpiont". Did you mean endpoint?'
            in refused("serve", "--config", config, status=2))
    config.write_text("workers = many\n")
    assert (f'{config}:1: invalid value "many" for workers: expected a whole number'
            in refused("serve", "--config", config, status=2))


# --- good ones ---

def checked(*words, env=None, expect=0):
    return headgate("serve", "--check-config", *words, expect=expect,
                    env={**clean_environment(), **(env or {})})


LISTS = {"endpoint": "Slack=https://a.example, Amplitude=https://b.example",
         "egress-allow": "127.0.0.1,10.1.0.0/16", "no-proxy": "a.example,b.example",
         "private-route": "a=10.1.2.3:1,b=10.1.2.3:2"}



@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_separated_by_commas_wherever_it_is_given(tmp_path, name):
    """Another value that is wrong shows that it is a value of its own."""
    variable = "HEADGATE_" + name.upper().replace("-", "_")
    config = tmp_path / "headgate.conf"
    for value, expect in ((LISTS[name], 0), (LISTS[name] + ",", 2), (f"{LISTS[name]},,x", 2)):
        config.write_text(f"{name} = {value}\n")
        checked(f"--{name}", value, expect=expect)
        checked(env={variable: value}, expect=expect)
        checked("--config", config, expect=expect)
    checked(*(word for each in LISTS[name].split(",") for word in (f"--{name}", each.strip())))


def test_the_configuration_is_checked_without_a_start(tmp_path):
    assert checked("--data", tmp_path / "data") == "The configuration is valid.\n"
    assert not (tmp_path / "data").exists()
    assert checked(env={"HEADGATE_SANDBOX": "1", "HEADGATE_DATA": str(tmp_path / "data")})


@pytest.mark.parametrize("listen, host", [("localhost:0", "127.0.0.1"), (":0", None)])
def test_addresses_in_short(servers, listen, host):
    server = servers(start=False, make_key=False)
    server.listen = listen
    process = subprocess.Popen(
        command("serve", "--data", server.data, "--listen", listen), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    try:
        endpoint = process.stdout.readline().decode().split()[1]
    finally:
        process.terminate()
        assert process.wait(60) == 0
    assert endpoint.startswith(f"http://{host}:" if host else ("http://[::]:", "http://0.0.0.0:"))


def test_the_first_start_says_what_it_created(servers):
    server = servers(start=False, make_key=False).start()
    keyring = [line for line in server.log.splitlines() if f"keyring {server.data}/keyring" in line]
    assert len(keyring) == 1 and "Back it up" in keyring[0]
    assert f"access key for account {ACCOUNT} in {server.data}/credentials" in server.log
    server.stop()
    server.start()
    log = (server.directory / "stderr-2.log").read_text()
    assert "Created" not in log


def test_a_command_that_creates_the_keyring_says_so(tmp_path):
    done = subprocess.run(command("access-key", "create", "--data", tmp_path, "--account", ACCOUNT),
                          capture_output=True, timeout=60, check=True)
    assert b"Created the keyring" in done.stderr and b"Back it up" in done.stderr


def test_the_sandbox_lists_values():
    listed = headgate("sandbox", "--list", "--connector", "Amplitude", "--outcome", "rejected")
    config = json.loads(headgate("sandbox", "--list", "--json", "--connector", "Amplitude",
                                 "--outcome", "rejected"))
    for name, value in config["connectorProfileCredentials"]["Amplitude"].items():
        assert f"connectorProfileCredentials.Amplitude.{name} = {value}\n" in listed
    assert listed.startswith("rejected: ") and "accepted" not in listed.replace(
        "sandbox-key-accepted", "")
    whole = headgate("sandbox", "--list", "--connector", "Amplitude")
    assert listed in whole and "\naccepted-after-throttle: " in whole


def test_a_database_that_is_elsewhere_is_not_backed_up_here(tmp_path):
    assert "use pg_dump" in refused("backup", "--data", tmp_path, "--to", tmp_path / "copy")


# --- help ---

COMMANDS = [["serve"], ["demo"], ["sandbox"], ["access-key", "create"], ["access-key", "list"],
            ["access-key", "delete"], ["oauth-app", "set"], ["oauth-app", "list"],
            ["oauth-app", "delete"], ["audit"], ["check"], ["backup"], ["restore"]]


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_help(words):
    """What it is, usage, examples and options; in every spelling, and 80 columns wide."""
    text = headgate(*words, "--help")
    assert f"Usage:\n  headgate {' '.join(words)} [OPTIONS]\n" in text
    assert "Examples:\n" in text and "  --data DIR" in text or words == ["sandbox"]
    assert headgate(*words, "-h") == text == headgate("help", *words)
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_the_program_has_help(words):
    text = headgate(*words)
    for each in COMMANDS:
        assert f"\n  {' '.join(each)} " in text
    assert headgate("--help") == text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("word", ["-h", "--help", "help"])
def test_a_group_of_commands_has_help(word):
    text = headgate("access-key", word)
    assert "\n  create " in text and "\n  delete " in text and "oauth" not in text


def test_the_version():
    assert headgate("--version") == headgate("-v") == headgate("version")
    assert headgate("version").startswith("headgate 0.")


@pytest.mark.parametrize("words", COMMANDS)
def test_the_options_of_examples_exist(words):
    """Each line of the examples is one that the program understands."""
    text = headgate(*words, "--help")
    options = set(re.findall(r"^  (--[a-z-]+)", text, re.M))
    examples = text.split("Examples:\n")[1].split("\n\nOptions")[0]
    examples = examples[:re.search(r"^[A-Z][A-Za-z ]*:$", examples, re.M).start()]
    assert set(re.findall(r"(--[a-z-]+)", examples)) <= options
    assert f"headgate {' '.join(words)}" in examples


# --- whose files they are ---

@pytest.fixture
def of_another(tmp_path):
    """A data directory, and a user whose it is not. Needs root, to give files away."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another user")
    data = tmp_path / "data"
    headgate("access-key", "create", "--data", data, "--account", ACCOUNT)
    return data, pwd.getpwnam("nobody")


def test_a_keyring_of_another_user_stays_theirs(of_another):
    """What is advised must not take the keyring away from the server."""
    data, other = of_another
    os.chown(data / "keyring", other.pw_uid, -1)
    said = refused("check", "--data", data)
    assert "belongs to user nobody" in said and "sudo -u 'nobody' headgate" in said
    assert "chown" not in said


def test_a_directory_of_another_user(of_another):
    data, other = of_another
    os.chown(data, 4242, -1)  # a user without a name
    for each in [*data.parents][:-1]:  # the other one must get there
        if each.stat().st_uid == 0 and each.stat().st_mode & 0o001 == 0:
            each.chmod(each.stat().st_mode | 0o011)
    data.chmod(0o711)
    reachable = shutil.copy(BINARY, data.parent)  # it may lie where only root gets to
    os.chmod(reachable, 0o755)
    done = subprocess.run([*command()[:-1], reachable, "check", "--data", data], user=other.pw_uid,
                          capture_output=True, timeout=60)
    assert done.returncode == 1
    assert b"belongs to user #4242. Run this command as that user: sudo -u '#4242'" in done.stderr
