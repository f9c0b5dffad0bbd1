"""The units under a real systemd: it starts them, confines the service, restarts it under load."""

import pytest

from support import aws, machine
from support.load import Asker, Clients, Raw

# The unit starts the binary and nothing before it, with the store that it names.
pytestmark = [pytest.mark.as_users_run_it, pytest.mark.embedded]

HEALTH_PORT = 8629
RESTARTS = 2
BETWEEN = 30  # answers, from one restart to the next


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    """One machine for all of these tests, since it takes a while to start."""
    reason = machine.why_not()
    if reason:
        pytest.skip(reason)
    made = machine.Machine(tmp_path_factory.mktemp("machine"))
    try:
        with made:
            yield made
    except machine.CannotBe as error:
        pytest.skip(f"no machine can be made here: {error}")


def amplitude(canaries):
    return {"connectorProfileName": "p", "connectionMode": "Public",
            "connectorProfileConfig": aws.config_for(canaries, "Amplitude", "accepted")}


def server_process(unit):
    return unit.run("systemctl", "show", "-P", "MainPID", "headgate").strip()


def journal(unit):
    return unit.run("journalctl", "-u", "headgate", "-o", "cat", "--no-pager")


def test_nothing_failed(unit):
    assert unit.run("systemctl", "--failed", "--no-legend", "--plain").strip() == ""
    for name in ("headgate.service", "headgate.socket", "headgate-operations.socket"):
        assert unit.run("systemctl", "is-active", name).strip() == "active"


def test_it_is_confined(unit):
    status = dict(line.split(":", 1) for line in
                  unit.run("cat", f"/proc/{server_process(unit)}/status").splitlines())
    assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2"
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["Uid"].split() == [unit.run("id", "-u", "headgate").strip()] * 4
    assert unit.run("stat", "-c", "%U %a", "/var/lib/headgate").split() == ["headgate", "700"]


def test_changes_and_health(unit, canaries):
    """A change with its verification, a pattern of the model's, and what an operator asks."""
    canaries.add(unit.key.secret)
    with unit.network():
        made = unit.call("CreateConnectorProfile",
                         {**amplitude(canaries), "connectorType": "Amplitude"})
        assert made.status == 200, made.raw
        refused = unit.call("DescribeConnectorProfiles", {"connectorProfileNames": ["a b"]})
        assert refused.error == "ValidationException"
        Asker(HEALTH_PORT, "/readyz", keeps=False)()
    log = journal(unit)
    assert '"message":"CreateConnectorProfile p: ok"' in log
    canaries.assert_absent([("the journal", log.encode())])


def test_no_request_fails_over_restarts(unit, canaries):
    clients = Clients()
    with unit.network():
        unit.call("CreateConnectorProfile", {**amplitude(canaries), "connectorType": "Amplitude"})

    def add(make_one):
        clients.add(lambda: unit.enter_network() or make_one())

    add(lambda: Raw(unit, "DescribeConnectorProfiles", {}))
    add(lambda: Raw(unit, "UpdateConnectorProfile", amplitude(canaries)))
    add(lambda: Asker(HEALTH_PORT, "/metrics", keeps=True))
    add(lambda: Asker(HEALTH_PORT, "/healthz", keeps=False))
    processes = {server_process(unit)}
    for _ in range(RESTARTS):
        clients.wait_for(BETWEEN)
        unit.run("systemctl", "restart", "headgate")
        processes.add(server_process(unit))
    clients.wait_for(BETWEEN)
    clients.end()
    assert len(processes) == RESTARTS + 1


def test_reload_and_a_crash(unit):
    """A reload is told in the log. Who is killed is started again, and the socket waited."""
    unit.run("systemctl", "reload", "headgate")
    unit.wait_for(lambda: "SIGHUP: the TLS certificate" in journal(unit))
    before = server_process(unit)
    unit.run("kill", "-KILL", before)
    with unit.network():
        Raw(unit, "DescribeConnectorProfiles", {})()
    assert server_process(unit) not in (before, "0")
