"""What the agent keeps: causes, alerts, incidents, their timeline, and wishes to probe or to tell a desk.

Plain values, shared by the judge, the incident machine, the ledger and the exporters. Times are Unix seconds (UTC).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Literal

from checks.contract import Assessment, Fault, Observation, State, Subject
from config.estate import MofN, WakeClass

Councils = frozenset[str] | None
"""Whose things a reader may see, `shared` only where it is named; None: everybody's."""


def sees(councils: Councils, council: str) -> bool:
    """Whether what belongs to this council may be shown."""
    return councils is None or council in councils


@dataclass(frozen=True, slots=True, order=True)
class Cause:
    """The identity of a fault: whose, of what, which. Never contains the check's name."""

    council: str
    subject: str
    condition: str

    def __str__(self) -> str:
        return f"{self.council}/{self.subject}: {self.condition}"

    @property
    def digest(self) -> str:
        """16 upper-case hexadecimal digits that stand in a ticket, so that a lost ledger finds its tickets again."""
        text = "\x1f".join((self.council, self.subject, self.condition))
        return sha256(text.encode()).hexdigest()[:16].upper()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One finished run of one check, from `agent.run` to the judge, the exposition and the ledger."""

    subject: Subject
    vantage: str
    due: float
    """When the schedule wanted it."""
    started: float
    duration: float
    observations: tuple[Observation, ...]
    """What was brought back, where somebody needs it still: for subjects of several targets, and who runs checks once.

    Else empty, since the last result of every check is kept, and the answers are more than half of it.
    """
    assessment: Assessment
    reached: bool | None
    """Whether the target answered this check in any way; None when this run cannot tell."""
    fault: Fault | None
    valid_for: float
    """Seconds after `started` until this result is stale: 2.5 cadences and the time-out."""


class AlertLevel(StrEnum):
    """Where an alert stands between its results and an incident."""

    CLEAR = "clear"
    PENDING = "pending"
    """Bad results, fewer than m of n."""
    HELD = "held"
    """m of n reached; waiting until the parent that was asked has answered."""
    FIRING = "firing"
    CLEARING = "clearing"
    """Firing, with good results, but fewer than the clearing rule asks for."""


OPEN_LEVELS = frozenset({AlertLevel.FIRING, AlertLevel.CLEARING})
"""Levels of an alert whose incident is open."""
WAITING_LEVELS = frozenset({AlertLevel.PENDING, AlertLevel.HELD})
"""Levels of an alert that is bad, but not open."""


@dataclass(slots=True)
class Alert:
    """The judge's record of one cause. Every field is kept by the ledger, so a restart changes no verdict."""

    cause: Cause
    site: str
    level: AlertLevel = AlertLevel.CLEAR
    state: State = State.UNKNOWN
    """Of the newest covering result, worst of all checks that contribute."""
    summary: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)
    contributions: dict[str, State] = field(default_factory=dict)
    """Check id to the state it last gave this cause."""
    history: int = 0
    """Newest result in the lowest bit, 1 = bad."""
    length: int = 0
    """Results in `history`, at most 32."""
    open_after: MofN = field(default_factory=lambda: MofN(1, 1))
    clear_after: MofN = field(default_factory=lambda: MofN(1, 1))
    hold_down: float = 600.0
    reopen_window: float = 86_400.0
    wake: WakeClass = WakeClass.WORKING_HOURS
    impact: str = "medium"
    first_bad: float | None = None
    """First bad result of the present run of badness."""
    first_good: float | None = None
    """First good result after it."""
    last_result: float = 0.0
    fresh_until: float = 0.0
    held_until: float | None = None
    stale: bool = False
    flapping: bool = False
    maintenance: str | None = None
    """Id of the window that covers it now."""
    suppressed_by: Cause | None = None
    """The parent's cause while that is what keeps this quiet."""
    faults: dict[str, bool] = field(default_factory=dict)
    """Checks of `contributions` that give a fault of asking, not a finding; true when the target itself answered."""
    questions: dict[str, str] = field(default_factory=dict)
    """Checks of `contributions` that spoke by a finding, each with a digest of what it asked when it did."""
    dependent: bool = False
    """Something it depends on may explain it: no incident is made until that has been ruled out."""


@dataclass(frozen=True, slots=True)
class ProbeWish:
    """Ask this target now, with its checks that can tell whether it is reachable; openings wait for the answer."""

    target: str
    because: Cause


class IncidentState(StrEnum):
    SUSPECT = "suspect"
    OPEN = "open"
    RECOVERING = "recovering"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


LIVE = frozenset({IncidentState.SUSPECT, IncidentState.OPEN, IncidentState.RECOVERING})
"""States of which at most one incident per cause may exist (a partial unique index of the ledger)."""

ENDED = frozenset({IncidentState.RESOLVED, IncidentState.CLOSED})
"""States of an incident that was open once and is over."""


class Priority(StrEnum):
    """ITIL 4 practice: impact × urgency."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
    P5 = "P5"


@dataclass(frozen=True, slots=True)
class RoutedDesk:
    """A desk chosen when the incident opened; closing follows this, never today's routes."""

    desk: str
    queue: str
    mode: Literal["live", "shadow"]


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    by: str
    at: float
    until: float
    comment: str


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause, one incident. `id` is `RWY-` and a ULID, 30 characters of A–Z, 0–9 and a hyphen."""

    id: str
    cause: Cause
    site: str
    state: IncidentState
    severity: State
    priority: Priority
    wake: WakeClass
    title: str
    summary: str
    evidence: Mapping[str, str]
    suspected_at: float
    """First bad result: where response and resolution clocks start."""
    changed_at: float
    opened_at: float | None = None
    recovered_at: float | None = None
    """First good result of the run of good ones that is holding."""
    hold_until: float | None = None
    resolved_at: float | None = None
    reopen_until: float | None = None
    closed_at: float | None = None
    resolution: str = ""
    """`recovered`, `withdrawn` (taken out of the estate) or `cancelled`."""
    acknowledged: Acknowledgement | None = None
    suppressed_by: Cause | None = None
    maintenance: str | None = None
    flapping: bool = False
    stale: bool = False
    relapses: int = 0
    reopened: int = 0
    follows: str | None = None
    desks: tuple[RoutedDesk, ...] = ()
    hidden: int = 0
    """How many causes are hidden behind this one; the ledger's `children` table lists them."""
    notes: int = 0
    """Notes wished for so far: the number of the last one."""
    noted_at: float | None = None
    """When the last one was wished for."""


class EventKind(StrEnum):
    """What can happen to an incident; the timeline and the feed are made of these."""

    SUSPECTED = "suspected"
    OPENED = "opened"
    CANCELLED = "cancelled"
    CHANGED = "changed"
    RECOVERING = "recovering"
    RELAPSED = "relapsed"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CLOSED = "closed"
    ACKNOWLEDGED = "acknowledged"
    ACKNOWLEDGEMENT_EXPIRED = "acknowledgement-expired"
    SUPPRESSED = "suppressed"
    RELEASED = "released"
    MAINTENANCE = "maintenance"
    STALE = "stale"
    FRESH = "fresh"
    FLAPPING = "flapping"
    SETTLED = "settled"
    HIDES = "hides"
    """Children hidden behind this incident, or no longer: `added`, `removed`, `total`."""
    TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an incident's timeline. The ledger gives it its global sequence number."""

    incident: str
    at: float
    kind: EventKind
    actor: str
    """`agent`, a person's name, or `desk:<name>`."""
    text: str
    data: Mapping[str, str | int | float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class About:
    """The incident as it was once an event had been written: what a reader of the feed needs to understand it."""

    council: str
    subject: str
    condition: str
    site: str
    state: IncidentState
    severity: State
    priority: Priority
    title: str


class WishKind(StrEnum):
    """What a desk is asked to do; rows of the outbox."""

    ENSURE = "ensure-ticket"
    NOTE = "note"
    PRIORITY = "priority"
    RESOLVE = "resolve"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class DeskWish:
    """A wish for the outbox, written in the same transaction as the incident's change.

    Unique by (incident, desk, kind, number). `text` is what a person at the desk will read.
    """

    incident: str
    desk: str
    kind: WishKind
    number: int
    at: float
    text: str
    priority: Priority
    queue: str
    mode: Literal["live", "shadow"] = "live"
    title: str = ""
    council: str = ""
    subject: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """What one step of the incident machine asks the ledger to keep, all in one transaction."""

    incident: Incident
    events: tuple[Event, ...] = ()
    wishes: tuple[DeskWish, ...] = ()
    children_added: tuple[Cause, ...] = ()
    children_removed: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judge concludes from one result or one tick. Empty when nothing changed, which is nearly always."""

    changed: tuple[Alert, ...] = ()
    """Alerts as they are now, in the order they changed; parents before their children."""
    wishes: tuple[ProbeWish, ...] = ()
    forgotten: tuple[Cause, ...] = ()
    """Causes firmly clear, with nothing left to remember: the ledger may delete their alerts."""
    withdrawn: tuple[Cause, ...] = ()
    """Causes taken out of the estate: their alerts are gone, their incidents end as "withdrawn", not "recovered"."""
    renamed: tuple[tuple[Cause, Cause], ...] = ()
    """Old and new cause of what goes on under another name (`formerly`) or council."""
    moved: tuple[tuple[str, str, str], ...] = ()
    """(old subject, new subject, new council) of targets renamed: what was lately resolved goes with them."""


NOTHING_CHANGED = Judgement()
