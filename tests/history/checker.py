"""Judges a history: every finding is a sentence, and a history in order has none.

- each profile is a register with create, update, delete and describe, linearizable. An update
  without credentials succeeds only while the address to which the stored ones go is its own, so it
  is a compare-and-swap;
- what was refused as a conflict had somebody to conflict with;
- a client token has at most one effect, all its answers are one answer, and it is refused for other
  parameters;
- what is shown was written by somebody, once;
- the audit tells every effect that was seen or acknowledged, and none that nobody asked for."""

import collections
import math

from history import register
from history.calls import OK, REFUSED, UNKNOWN
from history.register import Op

CONFLICT = "ConflictException"
MISSING = "ResourceNotFoundException"
EXISTS = "already exists"
INVALID = "ValidationException"
ELSEWHERE = "to another address than before"
BY_TOKEN = "clientToken"  # in the message of a conflict about one

OPERATIONS = {"create": "CreateConnectorProfile", "update": "UpdateConnectorProfile",
              "delete": "DeleteConnectorProfile"}


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
        for call in history.calls:
            for attempt in call.of(OK):
                for name, shown in call.shown.items():
                    key = name, shown.value
                    self.shown[key].add(shown)
                    self.first_shown[key] = min(attempt.ended,
                                                self.first_shown.get(key, math.inf))

    def findings(self):
        yield from self.check_tokens()
        yield from self.check_shown()
        yield from self.check_conflicts()
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
        written = {(same[0].name, same[0].value) for same, _ in self.tokens}
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
                if not attempt.refused_with(CONFLICT) or EXISTS in attempt.message or \
                        BY_TOKEN in attempt.message:
                    continue
                if not any(other is not attempt and other.sent <= attempt.ended and
                           other.may_last >= attempt.sent for _, other in attempts):
                    yield f"{call}: nobody else changed it, and the answer is {attempt.message}"

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
        if not perhaps or (not sure and same[0].keeps):
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
            elif attempt.refused_with(CONFLICT, EXISTS):
                yield call.name, self.look(register.PRESENT, "", attempt)
            elif attempt.refused_with(INVALID, ELSEWHERE):
                yield call.name, self.look(register.ELSEWHERE, call.value, attempt)

    @staticmethod
    def look(kind, value, attempt):
        return Op(kind, value, attempt.sent, attempt.ended)

    # --- the audit ---

    def audit_findings(self, rows):
        """`rows` counts the audit's successes by operation and profile name."""
        least, most = collections.Counter(), collections.Counter()
        for same, _ in self.tokens:
            key = OPERATIONS[same[0].operation], same[0].name
            tried = [each for call in same for each in call.of(OK, UNKNOWN)]
            least[key] += any(each.verdict == OK for each in tried) or \
                (same[0].name, same[0].value) in self.shown
            most[key] += bool(tried)
        for call in self.history.calls:
            if call.operation == "delete":
                least[OPERATIONS["delete"], call.name] += len(call.of(OK))
                most[OPERATIONS["delete"], call.name] += len(call.of(OK, UNKNOWN))
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
