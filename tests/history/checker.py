"""Judges a history: every finding is a sentence, and a history in order has none.

- each profile is a register with create, update, delete and describe, linearizable. An update
  without credentials succeeds only while the address to which the stored ones go is its own, so it
  is a compare-and-swap;
- what was refused as a conflict had somebody to conflict with;
- what the vendor rejects changes nothing, and what he accepts is not refused;
- a one-time code is shown to him once. It is refused as one whose exchange was cut off only if
  somebody had begun it who gave no answer, or died;
- a private connection is PENDING, and then CREATED if the vendor accepts the credentials and FAILED
  if not, for good. It is made once, and not replaced before;
- a client token has at most one effect, all its answers are one answer, and it is refused for other
  parameters;
- what is shown was written by somebody, once;
- the audit tells every effect that was seen or acknowledged, and none that nobody asked for."""

import collections
import math

from history import register
from history.calls import CREATED, FAILED, OK, PENDING, REFUSED, UNKNOWN
from history.register import Op

CONFLICT = "ConflictException"
MISSING = "ResourceNotFoundException"
EXISTS = "already exists"
INVALID = "ValidationException"
ELSEWHERE = "to another address than before"
REJECTED = "ConnectorAuthenticationException"
BEING_MADE = "is still being made"
CUT_OFF = "its outcome is not known"            # of the exchange of a code
USED = "was exchanged for tokens before"
BY_TOKEN = "clientToken"  # in the message of a conflict about one

OPERATIONS = {"create": "CreateConnectorProfile", "update": "UpdateConnectorProfile",
              "delete": "DeleteConnectorProfile"}

PROVISIONING = "PrivateConnectionProvisioning"


class Tokens:
    """Calls by what has one effect: a client token of an operation."""

    def __init__(self, history):
        self.groups = collections.defaultdict(list)
        for call in history.calls:
            if call.operation in ("create", "update"):
                self.groups[call.operation, call.token].append(call)

    def __iter__(self):
        """Every token as (the calls that mean the same, the calls with other parameters)."""
        for calls in self.groups.values():
            meant = min(calls, key=lambda call: min(
                [each.ended for each in call.of(OK)], default=math.inf))
            same = [call for call in calls if call.meaning == meant.meaning]
            yield same, [call for call in calls if call not in same]


class Checker:
    def __init__(self, history):
        self.history = history
        self.tokens = list(Tokens(history))
        self.shown = collections.defaultdict(set)  # (name, value): every way it was shown
        self.first_shown = {}                      # (name, value): when a describe had shown it
        self.states = collections.defaultdict(list)  # (name, value): (attempt, state) as shown
        for call in history.calls:
            for attempt in call.of(OK):
                for name, shown in call.shown.items():
                    key = name, shown.value
                    self.shown[key].add(shown)
                    self.states[key].append((attempt, shown.state))
                    self.first_shown[key] = min(attempt.ended,
                                                self.first_shown.get(key, math.inf))

    def findings(self):
        yield from self.check_tokens()
        yield from self.check_shown()
        yield from self.check_conflicts()
        yield from self.check_vendor()
        yield from self.check_codes()
        yield from self.check_private()
        yield from self.check_registers()

    # --- client tokens ---

    def check_tokens(self):
        for same, others in self.tokens:
            answers = {call.arn for call in same if call.succeeded}
            if len(answers) > 1:
                yield f"{same[0]}: one token, several answers: {sorted(answers)}"
            for call in others:
                if call.succeeded:
                    yield f"{call}: another request's token was taken for {same[0]}"
            yield from self.check_after_effect(same, others)

    def check_after_effect(self, same, others):
        """Once it is known that a token had its effect, it has its answer, and no other."""
        known = min([attempt.ended for call in same for attempt in call.of(OK)] +
                    [self.first_shown.get((same[0].name, same[0].value), math.inf)])
        for call in same:
            for attempt in call.of(REFUSED):
                if attempt.sent > known and attempt.code != "ThrottlingException":
                    yield (f"{call}: had its effect, and is then answered "
                           f"{attempt.code}: {attempt.message}")
        for call in others:
            for attempt in call.of(REFUSED):
                if attempt.sent > known and not attempt.refused_with(CONFLICT, BY_TOKEN):
                    yield (f"{call}: the token was used with other parameters, and the answer is "
                           f"{attempt.code}: {attempt.message}")

    # --- what is shown ---

    def check_shown(self):
        written = {(same[0].name, same[0].value) for same, _ in self.tokens
                   if not same[0].is_hopeless}
        for (name, value), ways in self.shown.items():
            if (name, value) not in written:
                yield f"{name}: shows {value}, which nobody wrote"
            if len(ways) > 1:
                yield f"{name}: {value} was written more than once: {sorted(map(str, ways))}"
            for way in ways:
                if way.created_at > way.updated_at:
                    yield f"{name}: {value} was written before it was made: {way}"

    # --- conflicts ---

    def check_conflicts(self):
        """Who is told of a conflict had another change beside him."""
        by_name = collections.defaultdict(list)
        for call in self.history.calls:
            if call.operation != "describe":
                by_name[call.name] += [(call, each) for each in call.of(OK, REFUSED, UNKNOWN)]
        for attempts in by_name.values():
            for call, attempt in attempts:
                if not attempt.refused_with(CONFLICT) or any(
                        words in attempt.message for words in (EXISTS, BY_TOKEN, BEING_MADE)):
                    continue
                if not any(other is not attempt and other.sent <= attempt.ended and
                           other.may_last >= attempt.sent for _, other in attempts):
                    yield f"{call}: nobody else changed it, and the answer is {attempt.message}"

    # --- the vendor ---

    def check_vendor(self):
        for call in self.history.calls:
            if call.is_hopeless and call.succeeded:
                yield f"{call}: is rejected by the vendor, and was answered with success"
            for attempt in call.attempts:
                if call.good and attempt.refused_with(REJECTED) and \
                        not self.may_be_refused(call, attempt):
                    yield (f"{call}: is accepted by the vendor, and was answered "
                           f"{attempt.message}")

    def may_be_refused(self, call, attempt):
        """A code may be lost with whoever had begun to exchange it. That it was exchanged is
        remembered when the profile goes away, and what it gave is not."""
        if CUT_OFF in attempt.message:
            return any(other.sent < attempt.ended for each in self.history.calls
                       if each.value == call.value for other in each.of(UNKNOWN))
        return USED in attempt.message and any(
            other.sent < attempt.ended for each in self.history.calls
            if each.operation == "delete" and each.name == call.name
            for other in each.of(OK, UNKNOWN))

    def check_codes(self):
        for value, code in self.history.codes.items():
            if len(code.shown) > 1:
                times = ", ".join(f"{time:.3f}" for time in code.shown)
                told = "".join(f"\n  {call}: {attempt}" for call in self.history.calls
                               if call.value == value for attempt in call.attempts)
                yield f"{value}: its code was shown more than once: {times}{told}"

    # --- private connections ---

    def check_private(self):
        private = {(same[0].name, same[0].value): same for same, _ in self.tokens
                   if same[0].private}
        for key, looks in self.states.items():
            for wrong in self.wrong_states(private.get(key, [None])[0], looks):
                yield f"{key[0]}: {key[1]} {wrong}"
        by_name = collections.defaultdict(list)
        for (name, _), same in private.items():
            by_name[name].append(same)
        for writes in by_name.values():
            for call in (call for same in writes for call in same):
                yield from self.check_being_made(call, writes)

    def wrong_states(self, call, looks):
        allowed = {""} if call is None else \
            {PENDING, FAILED} if not call.good else \
            {PENDING, CREATED, FAILED} if self.may_be_lost(call) else {PENDING, CREATED}
        for state in {state for _, state in looks} - allowed:
            yield f"is shown as {state or 'a public one'}"
        settled = min([look.ended for look, state in looks if state in (CREATED, FAILED)],
                      default=math.inf)
        if any(state == PENDING and look.sent > settled for look, state in looks):
            yield "is PENDING after it was not any more"
        if len({state for _, state in looks} & {CREATED, FAILED}) > 1:
            yield "is CREATED and FAILED"

    def may_be_lost(self, call):
        """What a node does after its answer ends with it."""
        return call.one_time and any(
            attempt.sent < time for attempt in call.attempts for time in self.history.killed)

    def check_being_made(self, call, writes):
        for attempt in call.attempts:
            if attempt.refused_with(CONFLICT, BEING_MADE) and not any(
                    self.may_be_pending(same, attempt) for same in writes):
                yield f"{call}: nothing is still being made, and the answer is {attempt.message}"

    def may_be_pending(self, same, attempt):
        return any(each.sent <= attempt.ended for call in same
                   for each in call.of(OK, UNKNOWN)) and not any(
            look.ended < attempt.sent and state in (CREATED, FAILED)
            for look, state in self.states.get((same[0].name, same[0].value), ()))

    # --- registers ---

    def check_registers(self):
        ops = collections.defaultdict(list)
        for same, _ in self.tokens:
            effect = self.effect(same)
            if effect:
                ops[same[0].name].append(effect)
        for call in self.history.calls:
            for name, op in self.seen(call):
                ops[name].append(op)
        for name in sorted(ops):
            why = register.explain(ops[name])
            if why:
                yield f"{name}: {why}"

    def effect(self, same):
        """The one write of a token, or None when there was none or it does not matter."""
        acknowledged = [each for call in same for each in call.of(OK)]
        perhaps = acknowledged + [each for call in same for each in call.of(UNKNOWN)]
        first_shown = self.first_shown.get((same[0].name, same[0].value), math.inf)
        sure = bool(acknowledged) or first_shown < math.inf
        # One that changes no address and was never seen explains nothing.
        if not perhaps or (not sure and same[0].keeps) or same[0].is_hopeless:
            return None
        end = min([max(each.may_last for each in perhaps), first_shown] +
                  [each.ended for each in acknowledged])
        return Op(register.KEEP if same[0].keeps else same[0].operation, same[0].value,
                  min(each.sent for each in perhaps), end, sure, str(same[0]))

    def seen(self, call):
        """Pairs of a name and what a call tells of it beside a token's effect."""
        for attempt in call.of(OK):
            if call.operation == "describe":
                for name in [call.name] if call.name else self.history.names:
                    shown = call.shown.get(name)
                    yield name, self.look(register.SHOWS, shown.value, attempt) if shown else \
                        self.look(register.ABSENT, "", attempt)
            elif call.operation == "delete":
                yield call.name, Op(register.DELETE, "", attempt.sent, attempt.ended)
        for attempt in call.of(UNKNOWN):
            if call.operation == "delete":
                yield call.name, Op(register.DELETE, "", attempt.sent, attempt.dead_by, False)
        for attempt in call.attempts:
            if attempt.refused_with(MISSING):
                yield call.name, self.look(register.ABSENT, "", attempt)
            elif attempt.refused_with(REJECTED):
                yield call.name, self.look(register.ABSENT if call.operation == "create" else
                                           register.PRESENT, "", attempt)
            elif attempt.refused_with(CONFLICT, EXISTS) or \
                    attempt.refused_with(CONFLICT, BEING_MADE):
                yield call.name, self.look(register.PRESENT, "", attempt)
            elif attempt.refused_with(INVALID, ELSEWHERE):
                yield call.name, self.look(register.ELSEWHERE, call.value, attempt)

    @staticmethod
    def look(kind, value, attempt):
        return Op(kind, value, attempt.sent, attempt.ended)

    # --- the audit ---

    def audit_findings(self, rows):
        """`rows` counts the audit's successes by operation and profile name, and the failures of
        private connections with them."""
        least, most = collections.Counter(), collections.Counter()
        for same, _ in self.tokens:
            name = same[0].name
            sure = any(call.succeeded for call in same) or (name, same[0].value) in self.shown
            perhaps = not same[0].is_hopeless and any(call.of(OK, UNKNOWN) for call in same)
            for operation in [OPERATIONS[same[0].operation]] + [PROVISIONING] * same[0].private:
                least[operation, name] += sure
                most[operation, name] += perhaps
        for call in self.history.calls:
            if call.operation == "delete":
                least[OPERATIONS["delete"], call.name] += len(call.of(OK))
                most[OPERATIONS["delete"], call.name] += len(call.of(OK, UNKNOWN))
                # A connection may never be made whose profile goes away.
                least[PROVISIONING, call.name] -= len(call.of(OK, UNKNOWN))
        for key in sorted(most | rows):
            if not least[key] <= rows[key] <= most[key]:
                yield (f"the audit has {rows[key]} × {' '.join(key)}, where {least[key]} were "
                       f"acknowledged or seen and {most[key]} may have happened")


def findings(history, audit_rows=None):
    """Everything that is wrong with a history. `audit_rows` is a Counter, see audit_findings."""
    history.bound_by_deaths()
    checker = Checker(history)
    found = list(checker.findings())
    return found + list(checker.audit_findings(audit_rows) if audit_rows is not None else [])
