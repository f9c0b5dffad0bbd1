"""The token keeper while its processes die at random moments, judged by the vendor's ledger and by
a real call of each profile: no credential is lost that could be kept, and no refresh token that was
replaced is shown where that is punished."""

import itertools
import os
import signal

import pytest

from history.nodes import SEED, UPDATES
from history.renewals import DUE, Renewals, kill
from support.families import SOME_FAULTS, THROTTLED, UNANSWERED, UNHEARD, Families, by_kind
from support.salesforce import set_app
from support.vendor import reset

KILLS = int(os.environ.get("HISTORY_KILLS") or (1000 if UPDATES else 12))
FAULTS = max(8, KILLS // 25)  # of three nodes
EACH = 3  # profiles of each kind
# Whose answer is lost with the process that waits for it.
CANNOT_KEEP = {"asked", "blind", "old access"}
LEASES_END = "UPDATE jobs SET lease_until_ms = 0 WHERE kind = 'token-keeper'"
ATTEMPTS_END = "UPDATE token_grants SET attempt_ends_at_ms = 1 WHERE attempt IS NOT NULL"


@pytest.fixture
def vendor():
    with Families(EACH) as made:
        yield made
        made.hold.set()


def report(renewals):
    print(f"seed {SEED}: lost in flight: {by_kind(renewals.lost)}; in doubt and kept: "
          f"{renewals.doubted}; shown: {sum(len(each.ledger) for each in renewals.families)}; "
          f"faults of the vendor: {dict(renewals.vendor.faults_made)}")


@pytest.mark.waits(30)
@pytest.mark.parametrize("whole", [False, True], ids=["the server alone", "all its processes"])
def test_killed_again_and_again(servers, vendor, canaries, whole):
    server = servers(*vendor.options(), start=False)
    set_app(server, canaries)
    renewals = Renewals(vendor, [server.start()], f"{SEED} {whole}")
    renewals.create_all()
    kill(server, whole)
    for _ in range(KILLS // 2):
        server.database.change(DUE)
        renewals.forget_requests()
        server.start()
        for family in renewals.in_doubt():
            renewals.mend(family)
        load = renewals.load()
        renewals.wait_for_some(len(vendor.families))
        renewals.kills.append(kill(server, whole))
        renewals.end_load(load)
    server.database.change(DUE)
    server.start()
    renewals.settle()
    report(renewals)
    assert renewals.harm() == []
    # The courier outlives the server.
    assert {family.kind.name for family in renewals.lost} <= (CANNOT_KEEP if whole else set())


def freeze(renewals, node):
    """Past its leases: other nodes take its jobs while it cannot know."""
    node.process.send_signal(signal.SIGSTOP)
    node.database.change(LEASES_END)
    renewals.wait_for_some(len(renewals.vendor.families))
    node.process.send_signal(signal.SIGCONT)


def kill_one(renewals, node):
    """Its attempts are over for the others, as they are when their time has passed."""
    renewals.kills.append(kill(node, renewals.random.random() < 0.5))
    node.database.change(ATTEMPTS_END)
    renewals.wait_for_some(len(renewals.vendor.families))
    node.start()


@pytest.mark.waits(30)
def test_three_nodes_die_and_freeze(nodes, vendor, canaries):
    three = [nodes(*vendor.options(), "--verify-timeout", "5") for _ in range(3)]
    set_app(three[0], canaries)
    renewals = Renewals(vendor, [node.start() for node in three], f"{SEED} nodes")
    renewals.create_all()
    vendor.faults = itertools.cycle(SOME_FAULTS)
    load = renewals.load()
    for at in range(FAULTS):
        three[0].database.change(DUE)
        renewals.forget_requests()
        renewals.wait_for_some(len(vendor.families))
        [freeze, kill_one][at % 2](renewals, renewals.node())
    renewals.end_load(load)
    three[0].database.change(DUE)
    renewals.settle()
    report(renewals)
    assert renewals.harm() == []
    assert {family.kind.name for family in renewals.lost} <= CANNOT_KEEP


def test_the_ledger_tells_harm(vendor):
    """Of a replaced refresh token that is shown while something works; else of none."""
    for name, harmful in (("blind-0", True), ("asked-0", True), ("grace-0", False),
                          ("never-0", False), ("old-access-0", False)):
        family = vendor.families[name]
        access, first = family.new_pair()
        assert family.spend(first) and not family.harm()
        again = family.spend(first)
        assert (again is None) == (name not in ("grace-0", "never-0"))
        assert bool(family.harm()) == harmful and bool(family.access) != harmful
        assert family.spend(access) is None


def test_the_ledger_knows_what_was_not_answered(vendor):
    """A refresh token is not spent by a call that the vendor has not taken."""
    family = vendor.families["blind-0"]
    _, token = family.new_pair()
    form = {"refresh_token": token}
    vendor.faults = iter((THROTTLED, UNHEARD, UNANSWERED, UNANSWERED))
    assert vendor.give("/token", form).startswith(b"HTTP/1.1 429")
    assert vendor.give("/token", form) is reset
    assert token in family.refresh and not family.ledger and not family.dropped
    assert vendor.give("/token", form) is reset
    assert token in family.replaced and family.dropped == {family.received}
    assert vendor.give("/token", form) is reset
    assert len(family.ledger) == 2 and family.harm() and family.dropped == {family.received}
