"""The contract between a check and the agent: what is asked, what was answered, what it means.

A check is a plain `CheckKind` object found by `checks.catalogue`. `collect` does the asking for one target from one
vantage; `assess` is pure and says what the answers mean for a subject. Nothing here knows thresholds, metrics text,
incidents or tickets. Times are Unix seconds (UTC) unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

from checks.notices import Hearing, Notices
from config.estate import CheckSpec, Credential, KindDefaults, Target

if TYPE_CHECKING:
    from checks.transports import Transports

CONTRACT_VERSION = 1
REACH = "target/unreachable"
"""The one condition into which every failure to reach a target folds, whatever the check."""
INPUT = "pair/member/"
"""Begins the key of a finding that an input of the check, named after it, is not there for it. While checks of that
input's own say `target/unreachable`, they say the same, and have the incident."""
MEMBER_LABEL = "member"
"""The label by which readings of a check's inputs are told apart."""


class State(StrEnum):
    """What is known of one thing. Maintenance, suppressed, flapping and stale are flags beside it, never states."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"
    UNSUPPORTED = "unsupported"

    @property
    def code(self) -> int:
        """0 ok, 1 warning, 2 critical, 3 unknown, 4 unsupported."""
        return _CODES[self]

    @property
    def rank(self) -> int:
        """Order of badness, greatest worst: critical, unknown, warning, unsupported, ok."""
        return _RANKS[self]

    @property
    def bad(self) -> bool:
        """Whether an alert can be made of it: critical, unknown and warning are, unsupported is not."""
        return self.rank >= 2


_CODES = {State.OK: 0, State.WARNING: 1, State.CRITICAL: 2, State.UNKNOWN: 3, State.UNSUPPORTED: 4}
_RANKS = {State.OK: 0, State.UNSUPPORTED: 1, State.WARNING: 2, State.UNKNOWN: 3, State.CRITICAL: 4}


def worst(states: Sequence[State]) -> State:
    """The worst of the states; nothing at all is *unknown*, never ok."""
    return max(states, key=_RANKS.__getitem__) if states else State.UNKNOWN


class Reason(StrEnum):
    """Why a question got no usable answer; a closed set, fit for a metric label."""

    NO_ANSWER = "no-answer"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NAME = "name"
    AUTHENTICATION = "authentication"
    FORBIDDEN = "forbidden"
    PROTOCOL = "protocol"
    LIMIT = "limit"
    LOCAL = "local"
    HANGING = "hanging"
    WITHHELD = "withheld"
    """Not asked, to spare an account that was refused lately (`checks.transports.lockout`)."""
    INTERNAL = "internal"


_REACHED = {
    Reason.NO_ANSWER: False,
    Reason.UNREACHABLE: False,
    Reason.REFUSED: True,
    Reason.AUTHENTICATION: True,
    Reason.FORBIDDEN: True,
    Reason.PROTOCOL: True,
    Reason.LIMIT: True,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A question that got no usable answer."""

    reason: Reason
    message: str
    """What failed, where, and how to mend it; redacted, one line, at most 500 characters."""
    condition: str
    """The finding's key when this is the protocol's own fault, for example `snmp/no-answer`."""
    state: State = State.UNKNOWN
    """The finding's state in that case: what could not be read is unknown; a service that is not there is critical."""

    @property
    def reached(self) -> bool | None:
        """Did the target itself answer? None: this fault cannot tell (a local one, a name, an earlier run hanging)."""
        return _REACHED.get(self.reason)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one collect brought back from one target, seen from one vantage.

    `answers` is an instance of the kind's `answers` type, or None when nothing usable came. Answers with a fault
    beside them are partial: what was read counts, what was not is not covered.
    """

    target: str
    vantage: str
    started: float
    duration: float
    answers: Any = None
    fault: Fault | None = None


class MetricType(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family, declared once. `labels` come after the labels every family has: target, council, vantage.

    Counters end in `_total`; a unit is a base unit and stands in the name (Prometheus naming guide).
    """

    name: str
    help: str
    type: MetricType = MetricType.GAUGE
    unit: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a family; `labels` in the family's order. Absent stays absent: no reading, no series.

    One label more than the family has is `member`: the input of the check that the value is about.
    """

    family: Family
    value: float
    labels: tuple[str, ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of its labels, in their order."""
        names = self.family.labels
        return (*names, MEMBER_LABEL) if len(self.labels) > len(names) else names


@dataclass(frozen=True, slots=True)
class Finding:
    """One judgement about a subject. `key` is stable and is the condition of the cause; ok findings are emitted too."""

    key: str
    state: State
    summary: str
    """A sentence a person can act on, at most 300 characters, redacted."""
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memory:
    """A check's bounded note to itself, kept by the ledger: text of at most 64 KiB unless its kind says otherwise
    (`CheckKind.largest_memory`), versioned by the check."""

    version: int
    text: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the answers mean.

    `covers` lists the keys judged completely; an entry `name/*` covers every key with that prefix. A covered key
    that is absent from `findings` is *gone*: it may go silently only if `may_go` (same notation) lists it.
    A key that is not covered keeps its state and ages to stale.
    """

    findings: tuple[Finding, ...]
    readings: tuple[Reading, ...] = ()
    covers: frozenset[str] = frozenset()
    may_go: frozenset[str] = frozenset()
    memory: Memory | None = None
    """The new note; None keeps the old one."""
    asked: bool = True
    """False: nothing was asked this time, since the estate wants it so at this hour. No earlier fault ends by that."""
    whole: bool = True
    """False: some of what the check asks could not be read. After a change of its options, what it mentions no more is
    then taken back only where `covers` has it."""


@dataclass(frozen=True, slots=True)
class Planned:
    """Work that somebody announced: a maintenance window, as far as it was one (Unix seconds)."""

    id: str
    start: float
    end: float


class Work(Protocol):
    """What is known of people's work: which was announced, and when they are there. The same question, asked of the
    same estate and windows, has the same answer."""

    def announced(self, target: Target, kind: str, condition: str, after: float, until: float) -> Sequence[Planned]:
        """Windows over this condition of the target that were open at any moment from `after` to `until`."""
        ...

    def next_working_day(self, after: float) -> float:
        """When the first working day begins that is later than `after`."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: its name is the alert's subject. The spine's subjects are single targets."""

    name: str
    council: str
    site: str
    check: CheckSpec
    targets: tuple[Target, ...]
    work: Work | None = field(default=None, compare=False, repr=False)
    """For checks that tell announced work from other; None where a check is run by hand."""
    hearing: Hearing | None = field(default=None, compare=False, repr=False)
    """For checks whose targets announce their changes; None where a check is run by hand."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A person approves what a check remembers."""

    at: float
    by: str
    change: str
    """The reference of the change record."""
    note: str = ""
    state: str = ""
    """The state that was looked at, as `Approvals.shown` names it; empty: the one that is noted."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """For kinds whose memory holds a state that a person approves."""

    shown: Callable[[Memory], Mapping[str, Any]]
    """What is approved since when, and what waits: JSON of plain values, without any secret. Empty: nothing yet."""
    approved: Callable[[Memory, Approval], Memory]
    """The memory afterwards. Raises ValueError with a sentence when the state is another one."""


@dataclass(slots=True)
class Context:
    """What a collect may use. Made once per check by the agent; `deadline` is set before each run."""

    vantage: str
    transports: Transports
    now: Callable[[], float]
    deadline: float = 0.0
    """In the event loop's own time (`loop.time()`); a collect gives up before it."""
    kept: object = None
    """What the check's collect keeps for its next run while the agent runs: when it last asked what it asks seldom.
    It is lost at a restart, so nothing that a judgement remembers belongs here."""
    unjudged: bool = False
    """What the last run was told came to nothing: the estate changed meanwhile, it was stopped, or judging it failed.
    A collect that asks for what is new must ask for that again."""
    memory: Memory | None = None
    """The note that the last judgement left, to read only, for what must be known while asking. None where the check is
    made for another vantage: its notes are kept where it is judged."""
    inputs: tuple[Target, ...] = ()
    """The further targets that the check asks in the same round, in the order of `CheckKind.inputs`."""
    places: Mapping[str, Callable[[], Awaitable[Observation]]] = field(default_factory=dict)
    """By name of a further vantage (`CheckKind.places`): makes this check there. Empty where it is made for another."""


def nothing_else(_options: Any) -> Sequence[str]:
    """A check of one target, made from one vantage at a time, as nearly all are."""
    return ()


@dataclass(frozen=True, slots=True)
class CheckKind:
    """A kind of check, as the catalogue finds it."""

    kind: str
    title: str
    options: type[BaseModel]
    answers: type[Any]
    """A dataclass of plain values, so that an Observation can travel as JSON and be replayed."""
    defaults: KindDefaults
    finding_keys: Mapping[str, str]
    """Key or key pattern (`snmp/<value>`) to what it means and what to do: the runbook's first line."""
    families: Callable[[], Sequence[Family]]
    collect: Callable[[Target, Any, Context], Awaitable[Observation]]
    assess: Callable[[Subject, Sequence[Observation], Memory | None, float], Assessment]
    requires: tuple[str | tuple[str, ...], ...] = ()
    """Credential roles the target must have for this kind, for example `("snmp",)`; its inputs where it has any.
    Of a tuple in it one is enough."""
    inputs: Callable[[Any], Sequence[str]] = nothing_else
    """By its options: the names of further targets that one run asks, such as the members of a pair."""
    places: Callable[[Any], Sequence[str]] = nothing_else
    """By its options: the names of further vantages from which one run asks."""
    asks_itself: bool = False
    """Whether a check with inputs asks its own target too, which then needs the credentials as well."""
    largest_memory: int = 64 * 1024
    """Characters of a note; for kinds that remember the history of many things."""
    assessed_aside: bool = False
    """Whether `assess` is called in a thread of its own: for kinds that judge a thousand things at once, so that the
    event loop is not held. It is pure, so nothing else changes."""
    approvals: Approvals | None = None
    """How people approve what a check of this kind has found; None: there is nothing to approve."""
    notices: Notices | None = None
    """What traps and informs of its targets say; None: they only prompt a poll."""


def covered(keys: frozenset[str], key: str) -> bool:
    """Whether `key` is in `keys`, by name or by a `prefix/*` entry."""
    if key in keys:
        return True
    return any(entry.endswith("/*") and key.startswith(entry[:-1]) for entry in keys)


__all__ = [
    "CONTRACT_VERSION", "INPUT", "MEMBER_LABEL", "REACH", "Approval", "Approvals", "Assessment", "CheckKind",
    "CheckSpec", "Context", "Credential", "Family", "Fault", "Finding", "Hearing", "KindDefaults", "Memory",
    "MetricType", "Notices", "Observation", "Planned", "Reading", "Reason", "State", "Subject", "Target", "Work",
    "covered", "worst",
]  # fmt: skip
