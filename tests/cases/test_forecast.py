"""Until when credentials work: `headgate profile list` and `show`, and the metrics."""

import datetime
import fcntl
import json
import os
import pty
import struct
import subprocess
import termios

import pytest

from support import operations
from support.server import command, headgate

OUTCOMES = {"Salesforce": "accepted-refresh-rotating", "Servicenow": "accepted-refresh",
            "Googleanalytics": "accepted-refresh", "Marketo": "accepted", "Amplitude": "accepted",
            "Redshift": "accepted-serverless", "Snowflake": "accepted"}


def sandbox_config(connector, outcome):
    return json.loads(headgate("sandbox", "--list", "--json", "--connector", connector,
                               "--outcome", outcome))


@pytest.fixture(scope="module")
def server(lasting_servers):
    made = lasting_servers("--sandbox", *operations.OPTION)
    for connector, outcome in OUTCOMES.items():
        made.ok("CreateConnectorProfile", {
            "connectorProfileName": connector.lower(), "connectorType": connector,
            "connectionMode": "Public",
            "connectorProfileConfig": sandbox_config(connector, outcome)})
    return made


def days(text):
    end = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round((end - datetime.datetime.now(datetime.timezone.utc)) / datetime.timedelta(days=1))


def listed(server, *more):
    lines = headgate("profile", "list", *server.place, "--json", *more).splitlines()
    return [json.loads(line) for line in lines]


def in_terminal(columns, *words):
    """What a command prints on a terminal of that width, line by line."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(command(*words), stdout=theirs)
    os.close(theirs)
    shown = b""
    try:
        while more := os.read(ours, 65536):
            shown += more
    except OSError:  # the terminal's end, when the process is gone
        pass
    os.close(ours)
    assert process.wait(60) == 0, shown
    return shown.decode().split("\r\n")[:-1]


def test_the_list_begins_with_what_ends_first(server):
    rows = listed(server)
    assert [each["name"] for each in rows[:3]] == ["googleanalytics", "salesforce", "servicenow"]
    assert [days(each["worksUntil"]) for each in rows[:3]] == [7, 30, 100]
    assert [each["confidence"] for each in rows[:3]] == ["assumed", "assumed", "documented"]
    rest = {each["name"]: each for each in rows[3:]}
    assert sorted(rest) == ["amplitude", "marketo", "redshift", "snowflake"]
    assert not any("worksUntil" in each for each in rest.values())
    assert rest["marketo"]["because"] == "until the client secret is changed"
    assert {each["state"] for each in rows} == {"fresh"}
    assert [each["name"] for each in listed(server, "--within", "40")] == [
        "googleanalytics", "salesforce"]
    assert not listed(server, "--account", "111122223333")


def test_the_list_fits_the_terminal_and_is_whole_in_a_pipe(server):
    words = ["profile", "list", *server.place]
    whole = headgate(*words).splitlines()
    assert whole[0].split()[:4] == ["ACCOUNT", "REGION", "NAME", "CONNECTOR"]
    assert "…" not in "".join(whole) and len(whole) == 1 + len(OUTCOMES)
    for columns in (60, 80, 100):
        lines = in_terminal(columns, *words)
        assert max(map(len, lines)) <= max(columns, 78) and len(lines) == len(whole)
        assert "ACCOUNT" not in lines[0] and "…" in "".join(lines)
    assert in_terminal(240, *words) == whole


def test_a_profile_is_shown_with_each_credential(server):
    words = ["profile", "show", "salesforce", *server.place]
    shown = json.loads(headgate(*words, "--json"))
    assert [each["kind"] for each in shown["credentials"]] == ["refresh token", "access token"]
    refresh, access = shown["credentials"]
    assert days(refresh["worksUntil"]) == 30 and refresh["confidence"] == "assumed"
    assert "worksUntil" not in access and access["confidence"] == "known"
    assert shown["vendor"] == {"rotation": "possible", "idleSeconds": 30 * 86400,
                               "idleLimitMayApply": True}
    text = headgate(*words)
    assert "Vendor   an unused refresh token ends after 30 days" in text
    assert max(map(len, in_terminal(78, *words))) <= 78
    missing = subprocess.run(command("profile", "show", "none", *server.place),
                             capture_output=True, check=False)
    assert missing.returncode == 1 and b"no connector profile none" in missing.stderr


@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["show", "salesforce"]])
def test_a_full_disk_is_not_success(server, words):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command("profile", *words, *server.place), stdout=full,
                              stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 1 and b"output could not be written" in done.stderr


def test_what_does_not_open_comes_first(server):
    change = "UPDATE profiles SET connection_mode = ? WHERE name = 'amplitude'"
    server.database.change(change, "Private")
    try:
        rows = listed(server)
        assert (rows[0]["name"], rows[0]["state"]) == ("amplitude", "unreadable")
        assert "headgate check" in rows[0]["because"]
        assert "unreadable" in headgate("profile", "show", "amplitude", *server.place)
    finally:
        server.database.change(change, "Public")


@pytest.mark.embedded  # PostgreSQL takes no such names
@pytest.mark.parametrize("name, shown", [
    (b"\xff\xc2\x9b31m\xe2\x80\xaeevil", "??31m?evil"), (b"x" * 5000, "x" * 2048)])
def test_a_name_of_any_bytes_controls_no_terminal_and_no_width(server, name, shown):
    change = "UPDATE profiles SET name = CAST(? AS TEXT) WHERE connector_type = 'Amplitude'"
    server.database.change(change, name)
    try:
        assert listed(server)[0]["name"] == shown
        table = headgate("profile", "list", *server.place).splitlines()
        assert shown in table[1] and max(map(len, [table[0], *table[2:]])) < 400
    finally:
        server.database.change(change, b"amplitude")


def test_vendors_facts_are_shown_where_there_are_some(server):
    words = ["profile", "show", "marketo", *server.place]
    assert "vendor" not in json.loads(headgate(*words, "--json"))
    assert "Vendor" not in headgate(*words)


def test_the_operator_changes_what_is_assumed(server):
    words = ["profile", "show", "salesforce", *server.place]
    own = json.loads(headgate(*words, "--json"))
    assert (own["tokenPolicy"], own["tokenPolicyChanged"]) == (
        "rotation:possible, reuse:punished, probe:introspection, "
        "probe-path:/services/oauth2/introspect, life:2h, idle:30d", False)
    mine = ["--token-policy", "Salesforce=rotation:always,idle:90d"]
    changed = json.loads(headgate(*words, "--json", *mine))
    assert "rotation:always" in changed["tokenPolicy"] and changed["tokenPolicyChanged"]
    assert days(changed["worksUntil"]) == 90 and days(own["worksUntil"]) == 30
    assert "(with the operator's --token-policy)" in headgate(*words, *mine)
    refused = subprocess.run(command("serve", *server.place, "--token-policy", "Slack=grace:30"),
                             capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2 and "such as 30s, 15m, 2h or 30d" in refused.stderr


def test_metrics_count_what_ends_soon(server):
    """Google's refresh token may end in 7 days; it counts from the second half of that on."""
    server.stop()
    server.start()
    name = 'headgate_profile_earliest_end_seconds{credential="refresh token"}'
    seen = operations.wait_until(server, lambda metrics: name in metrics)
    assert 6.9 * 86400 < seen[name] <= 7 * 86400
    assert not [each for each in seen if each.startswith("headgate_profiles_ending")]
