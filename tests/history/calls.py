"""What clients sent and what came of it: the history that is recorded, and judged afterwards.

An attempt is one HTTP request; a call is what a user asked of the SDK, which sends it again as it
sees fit. All times are seconds of this machine's monotonic clock."""

import dataclasses
import math

OK = "ok"            # answered with success
REFUSED = "refused"  # answered with a 4xx, which says that nothing was done
UNKNOWN = "unknown"  # no answer, or a 5xx: it may have taken effect, or may yet
UNSENT = "unsent"    # nobody listened: it cannot have taken effect


@dataclasses.dataclass
class Attempt:
    node: str
    sent: float
    ended: float = math.inf    # when its answer came, or nobody waited for it any longer
    verdict: str = UNKNOWN
    code: str = ""             # REFUSED: the exception's name
    message: str = ""
    dead_by: float = math.inf  # UNKNOWN: when whoever worked on it was certainly gone

    @property
    def may_last(self):
        """Until when it may have been worked on."""
        return self.dead_by if self.verdict == UNKNOWN else self.ended

    def __str__(self):
        end = "…" if math.isinf(self.ended) else f"{self.ended:.3f}"
        return f"[{self.sent:.3f} {end}] {self.node} {self.verdict} {self.code} {self.message}"

    def refused_with(self, code, words=""):
        return self.verdict == REFUSED and self.code == code and words in self.message


@dataclasses.dataclass(frozen=True)
class Shown:
    """What DescribeConnectorProfiles shows of a profile."""

    value: str  # of the write that is in force
    created_at: float
    updated_at: float
    arn: str
    # How far a private connection is: PENDING, then CREATED or FAILED. It is no part of the value.
    state: str = dataclasses.field(default="", compare=False)


PENDING = "PENDING"
CREATED = "CREATED"
FAILED = "FAILED"


@dataclasses.dataclass
class Call:
    operation: str    # "create", "update", "delete", "describe"
    name: str = ""    # of the profile; a describe of none shows all
    value: str = ""   # what a create or an update writes; no two write the same unless one token
    token: str = ""   # the client token of a create or an update
    attempts: list = dataclasses.field(default_factory=list)
    arn: str = ""     # as a create or an update was answered
    shown: dict = dataclasses.field(default_factory=dict)  # name: Shown, as a describe was answered
    keeps: bool = False  # an update without credentials: those that are stored stay
    good: bool = True    # the vendor takes its credentials
    private: bool = False  # the vendor is asked after the answer
    one_time: bool = False  # its credentials are a code

    @property
    def meaning(self):
        """What it asks for. Calls of one token must not differ in it."""
        return self.name, self.value, self.keeps, self.good

    @property
    def is_hopeless(self):
        """It can only be refused, and must change nothing."""
        return not self.good and not self.private

    def of(self, *verdicts):
        return [each for each in self.attempts if each.verdict in verdicts]

    @property
    def succeeded(self):
        return bool(self.of(OK))

    @property
    def is_underway(self):
        """A describe that did not succeed, or shows what is not decided yet."""
        return not self.succeeded or any(each.state == PENDING for each in self.shown.values())

    def __str__(self):
        words = " ".join(filter(None, (self.operation, self.name, self.value,
                                       "without credentials" if self.keeps else "",
                                       "" if self.good else "with bad credentials")))
        return words + (f" (token {self.token})" if self.token else "")


@dataclasses.dataclass
class Code:
    """What a vendor saw of a one-time credential."""

    shown: list = dataclasses.field(default_factory=list)  # when


@dataclasses.dataclass
class History:
    names: list  # every profile name that clients used
    calls: list = dataclasses.field(default_factory=list)
    deaths: dict = dataclasses.field(default_factory=dict)  # node: times by which it was gone
    killed: list = dataclasses.field(default_factory=list)  # times by which any node was gone
    codes: dict = dataclasses.field(default_factory=dict)   # value: Code

    def bound_by_deaths(self):
        """Where a node's work ends with its process, an attempt can take effect no later."""
        for call in self.calls:
            for attempt in call.of(UNKNOWN):
                later = [time for time in self.deaths.get(attempt.node, ())
                         if time > attempt.sent]
                attempt.dead_by = min(later, default=math.inf)
