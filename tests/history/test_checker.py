"""The checker itself: histories in which something is wrong, made by hand, and their like in which
nothing is."""

import collections

import pytest

from history.calls import (CREATED, FAILED, OK, PENDING, REFUSED, UNKNOWN, UNSENT, Attempt, Call,
                           Code, History, Shown)
from history.checker import findings

NAME = "p"
CHANGED = ("ConflictException", "Connector Profile with name p was changed by another request.")
EXISTS = ("ConflictException", "ConnectorProfile with name p already exists.")
USED = ("ConflictException", "The clientToken was used with other parameters in the last 8 hours.")
ELSEWHERE = ("ValidationException", "The new connectorProfileProperties send the credentials to "
             "another address than before.")
MISSING = ("ResourceNotFoundException", "Connector Profile with name p does not exist.")
REJECTED = ("ConnectorAuthenticationException", "Error authenticating to connector: …")
CUT_OFF = (REJECTED[0], "Exchanging the code for tokens was begun before and cut off: its outcome "
           "is not known, and a code works only once.")
SPENT = (REJECTED[0], "The code was exchanged for tokens before, and works only once.")
BEING_MADE = ("ConflictException", "The private connection of Connector Profile with name p is "
              "still being made.")


def attempt(sent, ended, verdict=OK, refusal=("", ""), node="one"):
    return Attempt(node, sent, ended, verdict, *refusal)


def change(operation, value, *attempts, token=None, arn="arn:p", **more):
    return Call(operation, NAME, value, token or f"token-{value}", list(attempts), arn, **more)


def create(value, *attempts, **more):
    return change("create", value, *attempts, **more)


def update(value, *attempts, **more):
    return change("update", value, *attempts, **more)


def keep(value, *attempts, **more):
    """An update without credentials: address is what follows the value's @."""
    call = update(value, *attempts, **more)
    call.keeps = True
    return call


def delete(*attempts):
    return Call("delete", NAME, attempts=list(attempts))


def describe(value, *attempts, created_at=1.0, updated_at=2.0, everything=False, state=""):
    shown = {NAME: Shown(value, created_at, updated_at, "arn:p", state)} if value else {}
    return Call("describe", "" if everything else NAME, attempts=list(attempts), shown=shown)


def unknown(sent, ended, node="one"):
    return attempt(sent, ended, UNKNOWN, node=node)


def refused(sent, ended, refusal):
    return attempt(sent, ended, REFUSED, refusal)


def at(time):
    return attempt(time, time + 0.5)


MADE = create("a", at(0))
INSIDE = create("a", at(0), private=True)

IN_ORDER = {
    "a life": [MADE, describe("a", at(1)), update("b", at(2)), describe("b", at(3)), delete(at(4)),
               describe("", at(5)), create("c", at(6)), describe("c", at(7), everything=True)],
    "at once, seen in either order": [
        MADE, update("b", attempt(1, 9)), update("c", attempt(1, 9)), describe("c", at(2)),
        describe("b", at(3)), describe("b", at(10))],
    "unknown, and it happened": [MADE, update("b", unknown(1, 2)), describe("b", at(3))],
    "unknown, and it did not happen": [MADE, update("b", unknown(1, 2)), describe("a", at(3))],
    "unknown, and it happened late": [
        MADE, update("b", unknown(1, 2)), describe("a", at(3)), describe("b", at(4))],
    "an unknown creation that was never shown": [
        create("a", unknown(0, 1)), update("b", at(2)), describe("b", at(3))],
    "an unknown deletion between two creations": [
        MADE, delete(unknown(1, 2)), create("b", at(3)), describe("b", at(4))],
    "a deletion sent twice, the first unknown": [
        MADE, delete(unknown(1, 2), refused(3, 4, MISSING)), describe("", at(5))],
    "a token sent again": [MADE, update("b", unknown(1, 2), at(3)), update("c", at(4)),
                           update("b", at(5)), describe("c", at(6))],
    "a token with other parameters": [
        MADE, update("b", at(1), token="t"), update("c", refused(2, 3, USED), token="t")],
    "a conflict beside a change": [
        MADE, update("b", attempt(1, 5)), update("c", refused(2, 3, CHANGED)),
        describe("b", at(6))],
    "a conflict with what nobody waits for any longer": [
        MADE, update("b", unknown(1, 2)), update("c", refused(5, 6, CHANGED))],
    "refused since it is there, and since it is not": [
        update("z", refused(0, 1, MISSING)), create("a", at(2)),
        create("y", refused(3, 4, EXISTS)), describe("a", at(5))],
    "kept credentials": [
        create("a@x", at(0)), keep("b@x", at(1)), update("c@y", at(2)), keep("d@y", at(3)),
        keep("e@x", refused(4, 5, ELSEWHERE)), describe("d@y", at(6))],
    "kept credentials, explained by an unknown change of address": [
        create("a@x", at(0)), update("b@y", unknown(1, 2)), keep("c@y", at(3)),
        describe("c@y", at(4))],
    "the vendor rejects it": [
        create("y", refused(0, 1, REJECTED), good=False), create("a", at(2)),
        update("b", unknown(3, 4), refused(5, 6, REJECTED), good=False), describe("a", at(7))],
    "a private connection": [
        INSIDE, describe("a", at(1), state=PENDING),
        update("b", refused(2, 3, BEING_MADE), private=True), describe("a", at(4), state=CREATED),
        update("c", at(5), private=True, good=False), describe("c", at(6), state=FAILED)],
    "a private connection that perhaps is being made": [
        INSIDE, describe("a", at(1), state=CREATED), update("b", unknown(2, 3), private=True),
        update("c", refused(4, 5, BEING_MADE), private=True)],
    "nobody listened": [MADE, update("b", attempt(1, 2, UNSENT), at(3)), describe("b", at(4))],
}

# What happened, and words of the only finding.
WRONG = {
    "a lost update": (
        [MADE, update("b", at(1)), update("c", at(2)), describe("b", at(3))], "no order"),
    "a lost acknowledgement": (
        [MADE, update("b", at(1)), describe("a", at(2))], "no order"),
    "a lost creation": ([MADE, describe("", at(1))], "no order"),
    "a creation lost from the list of all": (
        [MADE, describe("", at(1), everything=True)], "no order"),
    "a deletion undone": ([MADE, delete(at(1)), describe("a", at(2))], "no order"),
    "a stale read": (
        [MADE, update("b", attempt(1, 9)), describe("b", at(2)), describe("a", at(3))],
        "no order"),
    "a stale answer that it is not there": (
        [MADE, update("b", refused(1, 2, MISSING)), describe("a", at(3))], "no order"),
    "a stale answer that it is there": (
        [MADE, delete(at(1)), create("b", refused(2, 3, EXISTS))], "no order"),
    "two creations and no deletion": ([MADE, create("b", at(1)), describe("b", at(2))], "no order"),
    "a change of what is not there": (
        [MADE, delete(at(1)), update("b", at(2)), describe("b", at(3))], "no order"),
    "a double effect, seen": (
        [MADE, update("b", unknown(1, 2), at(3)), update("c", at(4)), describe("c", at(5)),
         describe("b", at(6))], "no order"),
    "a double effect, told by its times": (
        [MADE, update("b", at(1)), describe("b", at(2)), describe("b", at(3), updated_at=3.0)],
        "written more than once"),
    "an unknown change that comes and goes": (
        [MADE, update("b", unknown(1, 2)), describe("b", at(3)), describe("a", at(4))],
        "no order"),
    "a swap without its comparison": (
        [create("a@x", at(0)), update("b@y", attempt(1, 4)), keep("c@x", attempt(1, 4)),
         describe("b@y", at(2)), describe("c@x", at(5))], "no order"),
    "credentials kept for another address": (
        [create("a@x", at(0)), keep("b@y", at(1))], "no order"),
    "a wrong answer about the address": (
        [create("a@x", at(0)), keep("b@x", refused(1, 2, ELSEWHERE))], "no order"),
    "several answers to one token": (
        [create("a", unknown(0, 1), at(2)), create("a", at(3), arn="arn:q")],
        "several answers"),
    "no answer to a token that had its effect": (
        [MADE, create("a", refused(1, 2, EXISTS))], "had its effect"),
    "no answer to a token whose effect was seen": (
        [create("a", unknown(0, 1)), describe("a", at(2)), create("a", refused(3, 4, EXISTS))],
        "had its effect"),
    "a token taken with other parameters": (
        [MADE, update("b", at(1), token="t"), update("c", at(2), token="t")],
        "another request's token"),
    "a token with other parameters refused for another reason": (
        [MADE, update("b", attempt(1, 1.5), token="t"),
         update("c", refused(2, 3, CHANGED), token="t"), update("d", unknown(2, 3))],
        "used with other parameters"),
    "a conflict with nobody": (
        [MADE, update("b", at(1)), update("c", refused(2, 3, CHANGED))], "nobody else"),
    "what nobody wrote": ([MADE, describe("x", at(1))], "nobody wrote"),
    "what the vendor rejects, answered as done": (
        [MADE, update("b", at(1), good=False)], "is rejected by the vendor"),
    "what the vendor rejects, shown": (
        [MADE, update("b", refused(1, 2, REJECTED), good=False), describe("b", at(3))],
        "nobody wrote"),
    "what the vendor accepts, refused": (
        [MADE, update("b", refused(1, 2, REJECTED))], "is accepted by the vendor"),
    "the vendor asked about an update of what is not there": (
        [MADE, delete(at(1)), update("b", refused(2, 3, REJECTED), good=False)], "no order"),
    "the vendor asked about a creation of what is there": (
        [MADE, create("b", refused(1, 2, REJECTED), good=False)], "no order"),
    "a private connection that is PENDING again": (
        [INSIDE, describe("a", at(1), state=CREATED), describe("a", at(2), state=PENDING)],
        "PENDING after"),
    "a private connection that fails with good credentials": (
        [INSIDE, describe("a", at(1), state=FAILED)], "shown as FAILED"),
    "a private connection that is made with bad credentials": (
        [create("a", at(0), private=True, good=False), describe("a", at(1), state=CREATED)],
        "shown as CREATED"),
    "a private connection that is shown as a public one": (
        [INSIDE, describe("a", at(1))], "shown as a public one"),
    "a public connection that is shown as a private one": (
        [MADE, describe("a", at(1), state=CREATED)], "shown as CREATED"),
    "nothing that is being made": (
        [INSIDE, describe("a", at(1), state=CREATED),
         update("b", refused(2, 3, BEING_MADE), private=True)], "nothing is still being made"),
    "a private connection that is still made when it has gone": (
        [INSIDE, delete(at(1)), update("b", refused(2, 3, BEING_MADE), private=True)],
        "no order"),
}


def history(calls, **more):
    return History([NAME], list(calls), **more)


@pytest.mark.parametrize("story", IN_ORDER)
def test_nothing_is_found_where_nothing_is(story):
    assert findings(history(IN_ORDER[story])) == []


@pytest.mark.parametrize("story", WRONG)
def test_what_is_wrong_is_found(story):
    calls, words = WRONG[story]
    found = findings(history(calls))
    assert any(words in each for each in found), found


def test_what_a_dead_node_worked_on_takes_no_effect_later():
    """Its update was not seen after its death, and is then seen: only another node's may be."""
    calls = [MADE, update("b", unknown(1, 2)), describe("a", at(4)), describe("b", at(5))]
    assert findings(history(calls)) == []
    deaths = {"one": [0.5, 3.0]}
    assert "no order" in "".join(findings(history(calls, deaths=deaths)))
    assert findings(history(calls[:3], deaths=deaths)) == []
    calls[1] = update("b", unknown(1, 2, node="two"))
    assert findings(history(calls, deaths=deaths)) == []


def test_a_dead_node_s_deletion_takes_no_effect_later():
    calls = [MADE, delete(unknown(1, 2)), describe("a", at(4)), describe("", at(5))]
    assert findings(history(calls)) == []
    assert "no order" in "".join(findings(history(calls, deaths={"one": [3.0]})))


def codes(*times):
    """The vendor was shown the code of the value b at these times."""
    return {"b": Code(list(times))}


def test_a_code_is_shown_once():
    calls = [MADE, update("b", unknown(1, 2), at(5)), describe("b", at(6))]
    assert findings(history(calls, codes=codes(1.5), killed=[3.0])) == []
    for killed in ([], [1.0], [3.0]):
        found = findings(history(calls, codes=codes(1.5, 5.2), killed=killed))
        assert "shown more than once" in "".join(found)


def test_a_code_may_be_lost_with_whoever_exchanged_it():
    calls = [MADE, update("b", unknown(1, 2), refused(5, 6, CUT_OFF)), describe("a", at(7))]
    assert findings(history(calls, codes=codes(1.5), killed=[3.0])) == []
    for before in ([], [unknown(7, 8)], [attempt(1, 2, UNSENT)]):
        calls = [MADE, update("b", *before, refused(5, 6, CUT_OFF))]
        assert "is accepted" in "".join(findings(history(calls, codes=codes(1.5))))
    calls = [MADE, update("b", unknown(1, 2), refused(5, 6, REJECTED))]
    assert "is accepted" in "".join(findings(history(calls, codes=codes(1.5))))


def test_a_used_code_is_refused_when_its_profile_is_another():
    calls = [MADE, update("b", unknown(1, 2), refused(5, 6, SPENT))]
    assert "is accepted" in "".join(findings(history(calls, codes=codes(1.5))))
    calls += [delete(at(3)), create("c", at(4))]
    assert findings(history(calls, codes=codes(1.5))) == []


def test_a_private_connection_may_lose_its_code():
    """With the node that exchanges it; and if it is no code, it has none to lose."""
    for one_time, killed, is_right in ((True, [3.0], True), (True, [], False),
                                       (True, [-1.0], False), (False, [3.0], False)):
        calls = [create("b", at(0), private=True, one_time=one_time),
                 describe("b", at(6), state=FAILED)]
        found = "".join(findings(history(calls, codes=codes(1.5), killed=killed)))
        assert (found == "") == is_right and ("FAILED" in found) != is_right, found
    calls = [create("b", at(0), private=True, one_time=True), describe("b", at(6), state=FAILED),
             describe("b", at(8), state=CREATED)]
    assert "CREATED and FAILED" in "".join(
        findings(history(calls, codes=codes(1.5), killed=[3.0])))


def rows(**counts):
    operations = {"created": "CreateConnectorProfile", "updated": "UpdateConnectorProfile",
                  "deleted": "DeleteConnectorProfile", "made": "PrivateConnectionProvisioning"}
    return collections.Counter({(operations[each], NAME): count
                                for each, count in counts.items()})


def test_the_audit_is_compared():
    calls = [MADE, update("b", at(1)), update("c", unknown(2, 3)), delete(at(4))]
    for updated in (1, 2):
        assert findings(history(calls), rows(created=1, updated=updated, deleted=1)) == []
    for wrong in (rows(created=1, updated=3, deleted=1), rows(created=1, updated=0, deleted=1),
                  rows(created=2, updated=1, deleted=1), rows(created=1, updated=1),
                  rows()):
        assert all("the audit has" in each for each in findings(history(calls), wrong))
        assert findings(history(calls), wrong)
    seen = [MADE, update("c", unknown(2, 3)), describe("c", at(4))]
    assert findings(history(seen), rows(created=1, updated=0)) != []
    rejected = [MADE, update("b", unknown(1, 2), refused(3, 4, REJECTED), good=False)]
    assert findings(history(rejected), rows(created=1)) == []
    assert findings(history(rejected), rows(created=1, updated=1)) != []


def test_private_connections_are_made_once_each():
    """What replaced one found it made; what went away may have been in the midst."""
    calls = [INSIDE, update("b", at(2), private=True), update("c", unknown(4, 5), private=True)]
    for made in (2, 3):
        assert findings(history(calls), rows(created=1, updated=made - 1, made=made)) == []
    for made in (1, 4):
        assert findings(history(calls), rows(created=1, updated=1, made=made)) != []
    calls = [INSIDE, delete(at(1))]
    for made in (0, 1):
        assert findings(history(calls), rows(created=1, deleted=1, made=made)) == []


def long_history(count):
    """Eight clients at once, for many rounds: each writes a value and one of them is then shown."""
    calls = [MADE]
    for number in range(count):
        time = 1.0 + 10 * number
        values = [f"{number}-{client}" for client in range(8)]
        calls += [update(value, attempt(time, time + 5)) for value in values]
        calls += [delete(unknown(time, time + 5))] if number % 50 == 0 else []
        calls.append(describe(values[number % 8], at(time + 6)))
    return calls


def test_a_long_history_is_judged():
    calls = long_history(250)
    assert findings(history(calls)) == []
    calls.append(describe("100-3", at(3000)))
    assert "no order" in "".join(findings(history(calls)))
