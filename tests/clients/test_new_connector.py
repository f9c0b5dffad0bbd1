"""The connector that CONTRIBUTING.md shows: in a copy of the tree it is built, and its credentials
go through UpdateConnectorProfile. Beside its folder and one word, only the API's model is touched,
since the vendor does not exist."""

import json
import os
import re
import shutil
import subprocess

import pytest

from support import server as support_server
from support.server import ROOT

BUILD_TIMEOUT_S = 600
pytestmark = pytest.mark.waits(60)  # for a compiler
EXAMPLE = re.compile(r"^`(connectors/orchard/[\w.]+)`:\n\n```\w+\n(.*?)^```$", re.S | re.M)
WORD = re.compile(r"^and `('orchard')` after `('marketo')` in `(connectors/meson\.build)`", re.M)
RESPONSES = "tests/unit/test-connector-responses"
PARTS = ("api", "connectors", "sandbox", "src", "tools", "tests")


def copy_tree(tree):
    """What a build needs; what was built or fetched stays behind."""
    ignored = shutil.ignore_patterns("node_modules", "__pycache__")
    for part in PARTS:
        shutil.copytree(ROOT / part, tree / part, ignore=ignored)
    for name in ("meson.build", "meson_options.txt"):
        shutil.copy(ROOT / name, tree / name)


def add_connector(tree):
    """Does what CONTRIBUTING.md says."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    files = dict(EXAMPLE.findall(page))
    names = {name.rsplit("/")[-1] for name in files}
    assert names == {"connector.c", "sandbox.json", "responses.json"}
    for name, text in files.items():
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(text)
    word, after, where = WORD.search(page).groups()
    listing = (tree / where).read_text()
    assert listing.count(f"{after},") == 1
    (tree / where).write_text(listing.replace(f"{after},", f"{after}, {word},"))


def add_shapes(tree):
    """Gives the vendor Singular's shapes in every union, and its place among the types."""
    path = tree / "api/appflow-2020-08-23.json"
    model = json.loads(path.read_text())
    for shape in model["shapes"].values():
        if "Singular" in shape.get("members", {}):
            shape["members"]["Orchard"] = shape["members"]["Singular"]
        if "Singular" in shape.get("enum", []):
            shape["enum"].append("Orchard")
    path.write_text(json.dumps(model))


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return tmp_path_factory.mktemp("new-connector")


@pytest.fixture(scope="module")
def binary(tree):
    copy_tree(tree)
    add_connector(tree)
    add_shapes(tree)
    done = subprocess.run(
        ["tools/build.sh", "build/example", "--buildtype=plain", "-Dtests=true"], cwd=tree,
        env={**os.environ, "TARGETS": f"headgate {RESPONSES}"}, capture_output=True,
        timeout=BUILD_TIMEOUT_S)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-3000:]
    return tree / "build/example/headgate"


@pytest.fixture
def orchards(binary, servers, canaries, monkeypatch):
    """A server with the new connector, and what its stand-in lists."""
    monkeypatch.setattr(support_server, "BINARY", str(binary))
    configs = json.loads(support_server.headgate("sandbox", "--list", "--json"))["Orchard"]
    for config in configs.values():
        canaries.add_credentials(config)
    return servers("--sandbox"), configs


def test_its_documented_responses(tree, binary):
    """Fails where a row of responses.json is not decided as it says."""
    done = subprocess.run([binary.parent / RESPONSES], cwd=tree, capture_output=True,
                          timeout=BUILD_TIMEOUT_S)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-3000:]


def test_the_new_connector(orchards):
    server, configs = orchards
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": "fruit", "connectorType": "Orchard", "connectionMode": "Public",
        "connectorProfileConfig": configs["accepted"]})

    def update(outcome):
        answer = server.call("UpdateConnectorProfile", {
            "connectorProfileName": "fruit", "connectionMode": "Public",
            "connectorProfileConfig": configs[outcome]})
        return answer.status, answer.json().get("message", "")

    assert update("accepted") == (200, "")
    row = server.profile_row("fruit")
    status, message = update("rejected")
    assert status == 401 and "Orchard rejected the credentials" in message
    assert "Make a new key" in message
    status, message = update("forbidden")
    assert status == 401 and "they lack a permission" in message
    assert server.profile_row("fruit") == row
