"""What the ledger is asked to keep: rows as plain values, and the batch that keeps several together or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.drills.records import Drill
from agent.records import Alert, Cause, CheckResult, Event, IncidentChange
from checks.contract import Assessment, Memory, State, Subject
from checks.transports.inbox import Ping
from config.estate import Selector


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """The last assessment of one check from one vantage, so that `/metrics` is whole after a restart."""

    check_id: str
    vantage: str
    target: str
    kind: str
    state: State
    started: float
    duration: float
    valid_for: float
    reached: bool | None
    last_success: float | None
    """When the check last had a usable answer."""
    assessment: Assessment
    """Its own `memory` is not kept with it; see below."""
    memory: Memory | None = None
    """None keeps the note that is there."""

    def as_result(self, subject: Subject) -> CheckResult:
        """The result as far as it is kept: without observations and fault."""
        return CheckResult(
            subject=subject,
            vantage=self.vantage,
            due=self.started,
            started=self.started,
            duration=self.duration,
            observations=(),
            assessment=self.assessment,
            reached=self.reached,
            fault=None,
            valid_for=self.valid_for,
        )


@dataclass(frozen=True, slots=True)
class Span:
    """How long one cause had one state and one set of flags."""

    cause: Cause
    start: float
    end: float
    state: State
    flags: str = ""
    """Sorted and joined by commas: flapping, maintenance, stale, suppressed."""
    run: str | None = None
    """The run of the agent that holds it open; it then lasts as long as that run. None: ended."""


@dataclass(frozen=True, slots=True)
class AgentSpan:
    """One life of the agent. `end` is moved on while it lives; `clean` says that it was stopped, not killed."""

    run: str
    vantage: str
    start: float
    end: float
    clean: bool = False


@dataclass(frozen=True, slots=True)
class Peak:
    """Lowest and highest value of one series on one day (UTC, ISO date)."""

    day: str
    family: str
    target: str
    labels: str
    """Label values in the family's order, as a JSON array."""
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Run:
    """One run worth remembering: the state changed, or it failed."""

    check_id: str
    vantage: str
    started: float
    duration: float
    state: State
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """Who did what, through `agent.commands`."""

    at: float
    actor: str
    action: str
    subject: str
    detail: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """A window that a person added at run time; those of the estate file are not kept here."""

    id: str
    start: float
    end: float
    author: str
    reason: str
    selector: Selector
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class CredentialRefusals:
    """Which targets refused a credential last, and when (Unix seconds); nobody, after a log-in everywhere worked."""

    credential: str
    targets: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Rename:
    """A target that goes on under another name: its history goes with it."""

    old: str
    old_council: str
    new: str
    council: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that are written in one transaction. Writing the same batch twice does no harm, save for `runs`, `audit`
    and `pings`.

    Alerts are copied when the batch is made, because the judge goes on changing its own.
    """

    alerts: tuple[Alert, ...] = ()
    alerts_gone: tuple[Cause, ...] = ()
    """Causes that nothing judges any more."""
    incident_changes: tuple[IncidentChange, ...] = ()
    events: tuple[Event, ...] = ()
    """Lines for the timelines of incidents that are already kept."""
    checks: tuple[CheckRecord, ...] = ()
    checks_gone: tuple[tuple[str, str], ...] = ()
    """(check id, vantage) of checks taken out of the estate."""
    renames: tuple[Rename, ...] = ()
    """Written after what was submitted before, and before the rest of this batch."""
    spans: tuple[Span, ...] = ()
    agent_spans: tuple[AgentSpan, ...] = ()
    peaks: tuple[Peak, ...] = ()
    runs: tuple[Run, ...] = ()
    audit: tuple[Audit, ...] = ()
    maintenance: tuple[MaintenanceWindow, ...] = ()
    drills: tuple[Drill, ...] = ()
    refusals: tuple[CredentialRefusals, ...] = ()
    pings: tuple[Ping, ...] = ()

    def __post_init__(self) -> None:
        if self.alerts:
            object.__setattr__(self, "alerts", tuple(_copy(alert) for alert in self.alerts))

    @property
    def durable(self) -> bool:
        """Whether it must survive a power cut once its future is done. Judgements and histories can be made again."""
        return bool(
            self.incident_changes
            or self.events
            or self.audit
            or self.maintenance
            or self.drills
            or self.refusals
            or self.renames
            or self.pings
        )

    @property
    def holding(self) -> str:
        """What is in it, in a few words for a log: `incident_changes=2 (RWY-…), alerts=1`."""
        counts = [(name, len(getattr(self, name))) for name in self.__slots__]
        incidents = [change.incident.id for change in self.incident_changes][:5]
        named = f" ({', '.join(incidents)})" if incidents else ""
        return ", ".join(f"{name}={n}{named if name == 'incident_changes' else ''}" for name, n in counts if n)


def _copy(alert: Alert) -> Alert:
    return replace(
        alert,
        contributions=dict(alert.contributions),
        faults=dict(alert.faults),
        questions=dict(alert.questions),
    )
