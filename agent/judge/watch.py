"""What the judge remembers of each check and of each target between results; all of it small, none of it a verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from math import inf

from agent.records import Cause, CheckResult
from checks.contract import Assessment, State
from config.estate import CheckSpec

CADENCES_UNTIL_STALE = 2.5


@dataclass(frozen=True, slots=True)
class Seen:
    """The last result of a check, as the ledger's `checks` table keeps it, to start a judge with."""

    check_id: str
    vantage: str
    started: float
    reached: bool | None
    states: Mapping[str, State]
    """Of its findings, by key."""

    @classmethod
    def of(cls, result: CheckResult) -> Seen:
        states = {finding.key: finding.state for finding in result.assessment.findings}
        return cls(result.subject.check.id, result.vantage, result.started, result.reached, states)


@dataclass(slots=True)
class Reach:
    """One target from one vantage: when it was last known to answer, in starts of results."""

    answered: float = -inf
    """Start of the last result that reached it."""
    up_since: float = -inf
    """Start of the first result that reached it after it had failed to answer."""
    failing: bool = False
    """Whether the last result that told anything was folded into "unreachable"."""
    last_told: float = -inf
    """When such a result last arrived."""

    def note(self, reached: bool, started: float, now: float) -> None:
        self.last_told = now
        if not reached:
            self.failing = True
            return
        if self.failing:
            self.failing = False
            self.up_since = started
        self.answered = max(self.answered, started)


@dataclass(slots=True)
class Watched:
    """One check at one vantage."""

    spec: CheckSpec
    contributor: str
    """Its name among an alert's contributions: the check's id, with the vantage where that is not the judge's own."""
    vantage: str = ""
    states: dict[str, State] = field(default_factory=dict)
    """The findings last reported, by key; keys that were not covered since are kept."""
    covers: frozenset[str] = frozenset()
    calm: bool = False
    """The last result was good throughout and no alert holds a contribution of this check."""
    valid_for: float = 0.0
    """Of its last result, seconds."""
    fresh_until: float = inf
    silent: bool = False
    reached: bool | None = None
    """What its last result that could tell said about the target."""
    told: float = -inf
    """Start of that result."""
    failing_since: float | None = None
    """Start of the first of its present run of results that did not reach the target."""
    failures: int = 0
    """How many results there are in that run."""
    away: bool = False
    """Its vantage could not be asked the last time, so it says nothing of the present."""
    reach: Reach = field(default_factory=Reach)
    """The target as seen from its vantage, shared by all checks of the target there."""
    causes: set[Cause] = field(default_factory=set)
    """Causes that hold a contribution of this check."""
    respecified: bool = False
    """Its options changed, and no full answer came since."""
    _question: str = ""

    @property
    def question(self) -> str:
        """A digest of what it asks: where that differs, other findings are to be expected. Made when first wanted."""
        if not self._question:
            self._question = question_of(self.spec)
        return self._question

    def respecify(self, spec: CheckSpec) -> None:
        """The check is written otherwise than it was."""
        if not asks_the_same(self.spec, spec):
            self.ask_anew()
            self._question = ""
        self.spec = spec

    def ask_anew(self) -> None:
        """What it said so far was the answer to another question."""
        self.respecified = True
        self.states = {}
        self.calm = False

    @property
    def tells(self) -> bool:
        """Whether it is a check that can say, soon, if its target is reachable."""
        return self.reached is not None and not self.spec.evidence

    @property
    def lasts(self) -> float:
        """How long what it says about the target speaks for the present: its own cadence and time-out, seconds."""
        return (self.valid_for - self.spec.timeout) / CADENCES_UNTIL_STALE + self.spec.timeout

    def same_and_good(self, assessment: Assessment) -> bool:
        """Whether this brings nothing new: the same keys as before, and none of them bad. Cheap, for the usual case."""
        states = self.states
        findings = assessment.findings
        if len(findings) != len(states) or assessment.covers != self.covers:
            return False
        for finding in findings:
            state = finding.state
            if (state is not State.OK and state is not State.UNSUPPORTED) or finding.key not in states:
                return False
        return True

    def note_reach(self, reached: bool | None, started: float) -> None:
        """Remember what this result says about the target; a result that cannot tell says nothing."""
        if reached is None:
            return
        self.reached = reached
        self.told = started
        if reached:
            self.failing_since = None
            self.failures = 0
            return
        self.failures += 1
        if self.failing_since is None:
            self.failing_since = started


def asks_the_same(one: CheckSpec, other: CheckSpec) -> bool:
    """Whether the same findings are to be expected of both."""
    return (one.kind, one.options, one.expect_empty) == (other.kind, other.options, other.expect_empty)


def question_of(spec: CheckSpec) -> str:
    """The same as a short text that an alert can keep.

    Options left at their default do not count, so that a new version with one option more asks the same.
    """
    options = spec.options.model_dump(mode="json", exclude_defaults=True)
    asked = json.dumps([spec.kind, options, sorted(spec.expect_empty)], sort_keys=True, default=str)
    return sha256(asked.encode()).hexdigest()[:16]


def contributor_of(check_id: str, vantage: str, home: str) -> str:
    """The name under which a check contributes to an alert: its id, with the vantage where that is not the judge's.

    So a check that is made from a further vantage too keeps the name it has, and its alerts.
    """
    return check_id if vantage == home else f"{check_id}@{vantage}"


def check_of(contributor: str) -> str:
    """The id of the check that contributes under this name."""
    return contributor.partition("@")[0]


def vantages_of(spec: CheckSpec, home: str) -> tuple[str, ...]:
    """From where a check is made: from the judge's own vantage where it names none."""
    return spec.vantages or (home,)
