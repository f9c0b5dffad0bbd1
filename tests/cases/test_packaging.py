"""The systemd unit: systemd finds nothing wrong with it, and what it forbids is not needed."""

import re
import shutil
import subprocess
import sys

import pytest

from support import aws
from support.server import BINARY, ROOT, command

PACKAGING = ROOT / "packaging"
EXPOSURE_MAX = 20  # tenths, on systemd's scale from 0 to 100

# Becomes the command after it, where no memory may become both writable and executable, as with
# MemoryDenyWriteExecute: prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN), Linux 6.3.
DENY_WRITE_EXECUTE = """
import ctypes, os, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0:
    sys.exit(77)
if len(sys.argv) > 1:
    os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def units(tmp_path):
    """The units with the binary under test in them."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for path in PACKAGING.glob("headgate*"):
        text = path.read_text().replace("/usr/bin/headgate ", f"{BINARY} ")
        (tmp_path / path.name).write_text(text)
    return tmp_path


def analyze(*words, cwd):
    done = subprocess.run(["systemd-analyze", *words], cwd=cwd, capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


PACKAGES = {"kill": "procps"}  # of Debian, by the program


def test_the_packages_of_what_the_units_run_are_installed_for_the_tests():
    """systemd-analyze wants each program to be there, and a minimal system lacks some."""
    text = "".join(path.read_text() for path in PACKAGING.glob("*.service"))
    programs = set(re.findall(r"^Exec\w+=(?:\S*/)(\w+)", text, re.M)) - {"headgate"}
    deps = (ROOT / "tools/deps.sh").read_text()
    tested = re.search(r"^test_packages=\((.*?)^\)", deps, re.M | re.S).group(1)
    assert programs == set(PACKAGES)
    assert all(re.search(rf"[\s:]{package}\s", tested) for package in PACKAGES.values())


@pytest.mark.as_users_run_it
@pytest.mark.embedded
def test_systemd_reads_the_units(units):
    said = analyze("verify", "./headgate.service", *[f"./{path.name}" for path in
                                                     units.glob("*.socket")], cwd=units).stderr
    assert [line for line in said.splitlines() if "headgate" in line] == []


@pytest.mark.as_users_run_it
@pytest.mark.embedded
def test_the_service_is_confined(units):
    analyze("security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", "./headgate.service",
            cwd=units)


def test_the_unit_s_words_are_the_program_s(tmp_path):
    """Its options exist: with them and no data directory to be made, the start gets that far."""
    line = re.search(r"^ExecStart=/usr/bin/headgate (.*)$",
                     (PACKAGING / "headgate.service").read_text(), re.M).group(1)
    words = line.replace("/var/lib/headgate", str(tmp_path / "no" / "such" / "place")).split()
    done = subprocess.run(command(*words), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "/no/such/place" in done.stderr, done.stderr


def test_it_works_where_no_memory_is_both_writable_and_executable(servers, canaries):
    start = [sys.executable, "-c", DENY_WRITE_EXECUTE]
    if subprocess.run(start, timeout=60).returncode == 77:
        pytest.skip("this kernel cannot deny memory that is writable and executable")
    server = servers("--sandbox", start=False).start(before=start)
    config = aws.config_for(canaries, "Salesforce", "accepted")
    server.ok("CreateConnectorProfile", {
        "connectorProfileName": "p", "connectorType": "Salesforce", "connectionMode": "Public",
        "connectorProfileConfig": config})
    assert server.describe("p")["connectorType"] == "Salesforce"
    assert server.call("DescribeConnectorProfiles", {"connectorProfileNames": ["a b"]}).error == (
        "ValidationException")  # a pattern's
