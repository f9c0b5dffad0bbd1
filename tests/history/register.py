"""Whether what was seen of one profile has an explanation: an order of all operations, each at one
moment between its call and its answer, in which every answer is right (Wing and Gong's search, with
a memory of where it has been)."""

import dataclasses
import math

STEPS_MAX = 2_000_000

CREATE = "create"    # needs absence
UPDATE = "update"    # needs presence
KEEP = "keep"        # an update that needs a value of the same address: a compare-and-swap
DELETE = "delete"    # needs presence
SHOWS = "shows"      # this value is in force
ABSENT = "absent"    # nothing is there
PRESENT = "present"  # something is there
ELSEWHERE = "elsewhere"  # a value with another address than this one is in force

WRITES = (CREATE, UPDATE, KEEP, DELETE)
NOTHING = None


def address(value):
    """Where the credentials go that come with a value."""
    return value.rpartition("@")[2]


@dataclasses.dataclass
class Op:
    kind: str
    value: str
    start: float
    end: float
    sure: bool = True  # else it may have happened or not
    words: str = ""

    def __str__(self):
        end = "…" if math.isinf(self.end) else f"{self.end:.3f}"
        words = self.words or f"{self.kind} {self.value}"
        return f"[{self.start:.3f} {end}] {words}" + ("" if self.sure else " (perhaps)")


def happens(state, op):
    """Whether it can happen in this state, and the state after it."""
    if op.kind == CREATE:
        return state is NOTHING, op.value
    if op.kind == UPDATE:
        return state is not NOTHING, op.value
    if op.kind == KEEP:
        return state is not NOTHING and address(state) == address(op.value), op.value
    if op.kind == ELSEWHERE:
        return state is not NOTHING and address(state) != address(op.value), state
    if op.kind == DELETE:
        return state is not NOTHING, NOTHING
    if op.kind == SHOWS:
        return state == op.value, state
    return (state is NOTHING) == (op.kind == ABSENT), state


@dataclasses.dataclass(frozen=True)
class Point:
    """How far the search is: sure operations before `low` are done, of those from there on the
    ones whose bit is set, and of the others those in `used`."""

    low: int
    done: int
    used: int
    state: object

    def has(self, index):
        return index < self.low or self.done >> (index - self.low) & 1


class Search:
    def __init__(self, ops):
        self.sure = sorted((op for op in ops if op.sure), key=lambda op: op.start)
        self.others = sorted((op for op in ops if not op.sure), key=lambda op: op.start)
        self.furthest = Point(0, 0, 0, NOTHING)
        self.looks = {}  # value: the sure operations that show it
        for index, op in enumerate(self.sure):
            if op.kind == SHOWS:
                self.looks.setdefault(op.value, []).append(index)

    def open_at(self, point):
        """The sure operations that may come next: those which began before any other ended."""
        bound, found = math.inf, []
        index = point.low
        while index < len(self.sure) and self.sure[index].start <= bound:
            if not point.has(index):
                bound = min(bound, self.sure[index].end)
                found.append(index)
            index += 1
        return [index for index in found if self.sure[index].start <= bound], bound

    def unused(self, point):
        return [index for index in range(len(self.others)) if not point.used >> index & 1]

    def may_follow(self, point, op):
        """Whether it can happen there. A value that is still to be shown must not be replaced,
        since it is written once."""
        return happens(point.state, op)[0] and (op.kind not in WRITES or all(
            point.has(index) for index in self.looks.get(point.state, ())))

    def ways_on(self, point, latest):
        """Every (next point, start of what happened). What only looks, and sees what is so, may as
        well happen at once, unless a possible write would then come too late."""
        found, bound = self.open_at(point)
        unused = self.unused(point)
        first_end = min((self.others[index].end for index in unused), default=math.inf)
        for index in found:
            op = self.sure[index]
            if op.kind not in WRITES and op.start <= first_end and self.may_follow(point, op):
                return [(self.after_sure(point, index), op.start)]
        ways = [(self.after_sure(point, index), self.sure[index].start)
                for index in sorted(found, key=lambda index: self.sure[index].end)
                if self.may_follow(point, self.sure[index])]
        for index in unused:
            op = self.others[index]
            if op.start <= bound and op.end >= latest and self.may_follow(point, op):
                ways.append((Point(point.low, point.done, point.used | 1 << index,
                                   happens(point.state, op)[1]), op.start))
        return ways

    def after_sure(self, point, index):
        low, done = point.low, point.done | 1 << (index - point.low)
        while done & 1:
            low, done = low + 1, done >> 1
        return Point(low, done, point.used, happens(point.state, self.sure[index])[1])

    def run(self):
        """None when there is an order, else a sentence about where all orders end."""
        seen = {self.furthest}
        stack = [(-math.inf, iter(self.ways_on(self.furthest, -math.inf)))]
        while stack:
            latest, ways = stack[-1]
            point, start = next(ways, (None, None))
            if point is None:
                stack.pop()
                continue
            if point.low == len(self.sure):
                return None
            if point in seen:
                continue
            seen.add(point)
            if len(seen) > STEPS_MAX:
                return f"not decided in {STEPS_MAX} steps; {self.describe_end()}"
            if point.low + point.done.bit_count() >= \
                    self.furthest.low + self.furthest.done.bit_count():
                self.furthest = point
            latest = max(latest, start)
            stack.append((latest, iter(self.ways_on(point, latest))))
        return None if not self.sure else f"no order explains it; {self.describe_end()}"

    def describe_end(self):
        """The furthest that any order came: what was in force there and what could not follow."""
        state = self.furthest.state
        lines = [f"where {'nothing is there' if state is NOTHING else state + ' is in force'}, "
                 "none of these can be next:"]
        lines += [f"  {self.sure[index]}" for index in self.open_at(self.furthest)[0]]
        lines += [f"  and {self.sure[index]} is still to come"
                  for index in self.looks.get(state, ()) if not self.furthest.has(index)]
        lines += [f"  {self.others[index]}" for index in self.unused(self.furthest)]
        return "\n".join(lines)


def explain(ops):
    """None when the operations of one profile have an explanation, else why not."""
    return Search(ops).run()
