"""docs/custom-connectors.md as it stands there: its connectors in each language, on Amazon's own
runtime clients, tried with `headgate connector test`, and registered with a server."""

import os
import re
import subprocess

import pytest

from support import connectors, moving
from support.functions import function_arn
from support.server import BINARY, ROOT

TIMEOUT_S = 120
KEY = "good-key"  # the page's own: no secret
PASSED = "7 passed, 0 failed, 1 not sent"


@pytest.fixture
def shell(tmp_path):
    """Runs a block of the page in a directory of its own."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "headgate").symlink_to(BINARY)
    # Debian's programs first: another AWS CLI or Node may come earlier in PATH.
    env = {**os.environ, "PATH": f"{folder}:/usr/bin:{os.environ['PATH']}"}

    def run(text):
        return subprocess.run(["bash", "-ec", text], cwd=tmp_path, env=env, capture_output=True,
                              text=True, timeout=TIMEOUT_S, check=False)

    run(connectors.block("sh", ">secret.json"))
    assert (tmp_path / "secret.json").is_file()
    return run


LANGUAGES = [
    pytest.param("python", "awslambdaric connector.handler' \\", id="python",
                 marks=connectors.needs_python),
    pytest.param("javascript", "aws-lambda-ric connector.handler'", id="javascript",
                 marks=connectors.needs_javascript),
    pytest.param("java", "javac", id="java", marks=connectors.needs_java),
    pytest.param("shell", "chmod", id="shell"),
]


@pytest.mark.parametrize("language, mark", LANGUAGES)
def test_a_connector_of_the_page(shell, tmp_path, language, mark):
    getattr(connectors, language)(tmp_path)
    done = shell(connectors.block("sh", mark))
    assert done.returncode == 0, done.stdout + done.stderr
    shown = connectors.block("", "DescribeConnectorConfiguration    ok")
    assert without_times(done.stdout) == without_times(shown)


def without_times(text):
    return re.sub(r" +\d+ ms", " MS", text)


@pytest.mark.parametrize("language, mark", [LANGUAGES[0], LANGUAGES[-1]])
def test_it_refuses_what_it_should(shell, tmp_path, language, mark):
    getattr(connectors, language)(tmp_path)
    (tmp_path / "secret.json").write_text('{"apiKey": "bad-key"}')
    done = shell(connectors.block("sh", mark).replace('"fiction"', '"drama"'))
    assert done.returncode == 1, done.stdout + done.stderr
    rows = done.stdout.splitlines()
    assert rows[1].endswith('{"shelf":"There is no such shelf."}')
    assert rows[2].endswith("InvalidCredentials: The library does not know this key.")
    assert rows[-1] == "5 passed, 2 failed, 1 not sent"


def test_one_executable(tmp_path):
    library = connectors.compiled(tmp_path, "library.c", "-isystem", ROOT / "build/sources/yyjson",
                                  ROOT / "build/sources/yyjson/yyjson.c", "-lcurl")
    (tmp_path / "secret.json").write_text(f'{{"apiKey": "{KEY}"}}')
    done = subprocess.run(
        [BINARY, "connector", "test", "--command", library, "--secret-file",
         tmp_path / "secret.json", "--settings", '{"shelf": "fiction"}'],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == PASSED


def test_the_versions_of_the_page_are_those_that_are_tested():
    python = (ROOT / "tests/requirements-connectors.txt").read_text().splitlines()
    for pinned in re.findall(r"\S+==\S+", connectors.block("sh", "pip install")):
        assert pinned in python
    javascript = (ROOT / "tests/connectors/javascript/package.json").read_text()
    name, version = re.search(r"install (\S+)@(\S+)", connectors.block("sh", "npm")).groups()
    assert f'"{name}": "{version}"' in javascript


# --- registered with a server ---

@connectors.needs_python
def test_the_page_s_registration(servers, tmp_path):
    """With its own calls of the AWS CLI."""
    connectors.python(tmp_path)
    command = f"cd {tmp_path} && exec venv/bin/python -m awslambdaric connector.handler"
    server = servers("--sandbox", "--local-connector", f"{function_arn('library')}={command}")
    text = connectors.block("sh", "register-connector")
    env = {**os.environ, "AWS_ACCESS_KEY_ID": server.key.id, "AWS_PAGER": "",
           "AWS_SECRET_ACCESS_KEY": server.key.secret, "AWS_DEFAULT_REGION": "us-east-1",
           "PATH": f"/usr/bin:{os.environ['PATH']}"}
    entities = connectors.block("sh", "list-connector-entities")
    text = f'aws() {{ command aws --endpoint-url {server.endpoint} "$@"; }}\n{text}'
    done = subprocess.run(["bash", "-ec", text + entities], env=env, capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    assert "connector/Library" in done.stdout
    assert "connectorprofile/books" in done.stdout
    assert '"name": "Book"' in done.stdout and '"identifier": "title"' in done.stdout
    (server.data / "s3/shelf").mkdir(parents=True)
    flow = text.split("aws appflow", 1)[0] + connectors.block("sh", "create-flow")
    done = subprocess.run(["bash", "-ec", flow], env=env, capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    assert moving.ended(server, "lend")["executionStatus"] == "Successful"
    written = [each for each in (server.data / "s3/shelf").rglob("*") if each.is_file()]
    assert [each.read_text() for each in written] == ["title\nEmma\nPersuasion\n"], written
    bad = text.split("register-connector", 1)[0].rsplit("\n", 1)[0] + "\n" + (
        "aws appflow create" + text.split("aws appflow create", 1)[1])
    bad = bad.replace("good-key", "bad-key").replace("--connector-profile-name books",
                                                     "--connector-profile-name others")
    done = subprocess.run(["bash", "-c", bad], env=env, capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    assert "ConnectorAuthenticationException" in done.stderr, done.stdout + done.stderr
    assert "The library does not know this key" in done.stderr
