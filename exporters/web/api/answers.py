"""The shape of every answer, for the description (OpenAPI) and for the tests that hold real answers against it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from agent.drills.failover_log import ToldBy
from agent.drills.records import DrillKind, Outcome
from agent.records import EventKind, IncidentState, Priority
from checks.contract import State
from config.estate import WakeClass

Council = Annotated[str, Field(description="A council of the estate, or `shared`.")]
Count = Annotated[int, Field(ge=0)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)  # no agent needs them before it is asked for them


class ProblemDetails(_Answer):
    """Why something was refused or failed (RFC 9457), which allows members of a problem's own."""

    model_config = ConfigDict(extra="allow")

    type: Literal["about:blank"]
    status: int
    title: str
    detail: Annotated[str, Field(description="What is wrong and how to mend it, for a person.")]


class Ticket(_Answer):
    desk: str
    number: Annotated[str | None, Field(description="Null until the desk has given one.")]
    url: str | None
    mode: Literal["live", "shadow"]
    phase: Annotated[str, Field(description="`wanted`, `attempted`, `linked`, `done`, `blocked` or `lost`.")]
    error: str | None


class Acknowledged(_Answer):
    by: str
    at: datetime
    until: datetime
    comment: str


class Incident(_Answer):
    id: Annotated[str, Field(description="`RWY-` and a ULID: newer ids are greater.")]
    council: Council
    subject: Annotated[str, Field(description="What is at fault, usually a target.")]
    condition: Annotated[str, Field(description="Which fault, such as `target/unreachable`.")]
    site: str
    state: IncidentState
    severity: State
    priority: Priority
    wake: Annotated[WakeClass, Field(description="When a person is told.")]
    title: str
    summary: str
    evidence: dict[str, str]
    suspected_at: Annotated[datetime, Field(description="First bad result.")]
    opened_at: datetime | None
    recovered_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    changed_at: datetime
    resolution: Annotated[str | None, Field(description="`recovered`, `withdrawn` or `cancelled` once it is over.")]
    acknowledged: Acknowledged | None
    suppressed_by: Annotated[
        str | None,
        Field(description="The cause it lies behind; in general words where that is not for this reader to see."),
    ]
    maintenance: Annotated[str | None, Field(description="Id of the window that covers it.")]
    flapping: bool
    stale: bool
    hidden: Annotated[Count, Field(description="How many causes that this reader may see hide behind it.")]
    follows: Annotated[str | None, Field(description="The closed incident of the same cause before it.")]
    tickets: list[Ticket]


class Child(_Answer):
    """A cause that hides behind an incident and has none of its own."""

    council: Council
    subject: str
    condition: str
    state: State
    summary: str
    since: datetime


class TimelineEvent(_Answer):
    at: datetime
    kind: EventKind
    actor: Annotated[str, Field(description="`agent`, a person's name, or `desk:NAME`.")]
    text: str


class IncidentDetail(Incident):
    children: list[Child]
    events: Annotated[list[TimelineEvent], Field(description="Oldest first.")]


class Incidents(_Answer):
    incidents: Annotated[list[Incident], Field(description="The newest first, by id.")]
    limit: int
    next: Annotated[str | None, Field(description="Ask with `page=` this for those that follow; null at the end.")]


class Problem(_Answer):
    """Something that needs a person now, or would if nothing muted it."""

    state: State
    council: Council
    subject: str
    condition: str
    summary: str
    since: datetime
    site: str | None
    target: Annotated[str | None, Field(description="The target's name, when the subject is one.")]
    incident: str | None
    priority: Priority | None
    stale: bool
    flapping: bool
    maintenance: str | None
    acknowledged_by: str | None
    suppressed_by: Annotated[str | None, Field(description="What it lies behind that is not among these problems.")]
    hidden: Count
    tickets: list[Ticket]


class Problems(_Answer):
    problems: Annotated[list[Problem], Field(description="Worst first; what is muted last.")]
    limit: int


class Target(_Answer):
    name: str
    title: str
    council: Council
    site: str
    state: Annotated[State, Field(description="The worst of its checks.")]
    stale: bool
    checks: Count


class Targets(_Answer):
    targets: list[Target]


class Finding(_Answer):
    key: str
    state: State
    summary: str
    evidence: dict[str, str]


class Reading(_Answer):
    series: Annotated[str, Field(description="As on `/metrics`, without the labels that all series of a target have.")]
    value: Annotated[float | None, Field(description="Null for what is no number.")]


class Check(_Answer):
    name: str
    kind: str
    vantage: str
    state: State
    stale: bool
    last_run: datetime | None
    duration_seconds: float | None
    next_run: datetime | None
    schedule: str
    findings: list[Finding]
    readings: list[Reading]
    fault: Annotated[str | None, Field(description="Why the last run did not get all its answers.")]


class IncidentOfTarget(_Answer):
    id: str
    state: IncidentState
    title: str
    changed_at: datetime


class TargetDetail(_Answer):
    name: str
    title: str
    council: Council
    site: str
    state: State
    stale: bool
    address: str
    impact: str
    depends_on: str | None
    checks: list[Check]
    incidents: Annotated[list[IncidentOfTarget], Field(description="The live ones first, then the newest change.")]


class Simulator(_Answer):
    state: State
    summary: str


class PathFlow(_Answer):
    """A flow that must pass or must be blocked, and what its last run proved."""

    target: Annotated[str, Field(description="The target that has the check.")]
    check: str
    council: Council
    flow: str
    source: Annotated[str, Field(description="The vantage from which it is tried.", alias="from")]
    to: str
    port: int
    protocol: Literal["tcp", "tls", "dns", "ntp"]
    must: Literal["pass", "block"]
    owner: str
    reason: str
    state: State
    passes: Annotated[bool | None, Field(description="Whether it got through; null where that is not proved.")]
    summary: str
    evidence: Annotated[dict[str, str], Field(description="Each proof with its time.")]
    simulator: Annotated[Simulator | None, Field(description="The firewall's own word, held against the probe.")]
    last_run: datetime | None


class Paths(_Answer):
    paths: Annotated[list[PathFlow], Field(description="In the order of the estate.")]


class Window(_Answer):
    """Planned work, during which what it covers opens no incident."""

    id: str
    start: datetime | None
    end: datetime | None
    owner: str
    reason: str
    covers: Annotated[Count, Field(description="How many targets that this reader may see.")]
    added: Annotated[bool, Field(description="By a person, who may end it; else it stands in the estate file.")]


class Windows(_Answer):
    windows: Annotated[list[Window], Field(description="Open now or to come, by when they begin.")]


class EndedWindow(_Answer):
    id: str
    ended_at: datetime


class Drill(_Answer):
    """A test that people announced and carried out, such as a failover, and what came of it."""

    id: Annotated[str, Field(description="`DRL-` and a ULID: newer ids are greater.")]
    kind: DrillKind
    council: Council
    target: str
    standby: Annotated[str | None, Field(description="The target that is to take over, where the kind names one.")]
    by: str
    reason: str
    change: Annotated[str | None, Field(description="Reference of the change record.")]
    window: Annotated[str, Field(description="Id of its maintenance window.")]
    start: datetime
    until: Annotated[datetime, Field(description="When it ends at the latest.")]
    ended_at: Annotated[datetime | None, Field(description="Null while it is under way.")]
    ended_by: Annotated[str | None, Field(description="A person, `agent`, or `window` where its time was over.")]
    outcome: Outcome | None
    summary: str | None
    proven_at: Annotated[datetime | None, Field(description="When it last proved what it drills.")]


class Drills(_Answer):
    drills: Annotated[list[Drill], Field(description="The newest first, by id.")]
    limit: int
    next: Annotated[str | None, Field(description="Ask with `page=` this for those that follow; null at the end.")]


class Gap(_Answer):
    """A row of probes that were not answered."""

    start: datetime
    seconds: float
    at_least: Annotated[float, Field(description="Seconds for which the service was away for sure.")]
    at_most: Annotated[float | None, Field(description="Seconds for which it can have been; null where it goes on.")]
    lost: Count
    open: Annotated[bool, Field(description="It had not ended when the measuring did, or now.")]


class Measured(_Answer):
    probe: str
    interval_seconds: float
    patience_seconds: Annotated[float, Field(description="An answer after longer than this does not count.")]
    coarsest_seconds: Annotated[float, Field(description="The longest time between two probes: the resolution.")]
    sent: Count
    answered: Count
    lost: Count
    unsent: Annotated[Count, Field(description="Failed on the agent's own machine.")]
    lost_by_way: Annotated[dict[str, Count], Field(description="`refused`, `silent`, `unreachable` or `unwell`.")]
    longest: Gap | None
    gaps: list[Gap]
    gaps_left_out: Count


class Swap(_Answer):
    """A failover during a drill."""

    at: datetime
    seen: datetime
    away_from: str | None
    to: str
    reason: str | None


class Look(_Answer):
    """How what is drilled stood from this moment on, as its own check tells it."""

    at: datetime
    state: State
    active: Annotated[list[str], Field(description="Active members of the pair; the controller where the phones are.")]
    text: str
    dated: Annotated[datetime | None, Field(description="When that began, by the device's own clock.")]


class Out(_Answer):
    """Sets of one category that were out of service at a controller, as its own check counted them."""

    target: str
    category: str
    before: Count
    worst: Count
    worst_at: datetime
    last: Count
    last_at: datetime
    back_at: Annotated[datetime | None, Field(description="Since when no more are out than before.")]


class DrillDetail(Drill):
    covers: Annotated[list[str], Field(description="Targets that its window covers.")]
    probes: list[Measured]
    failovers: list[Swap]
    looks: list[Look]
    looks_left_out: Count
    out_of_service: list[Out]


class Announced(_Answer):
    window: str
    reason: str
    drill: str | None


class Loss(_Answer):
    told_by: ToldBy
    seconds: Annotated[float | None, Field(description="Null where nothing tells how long.")]
    text: str


class Failover(_Answer):
    target: Annotated[str, Field(description="The target whose check remembers it.")]
    council: Council
    at: Annotated[datetime, Field(description="By the device's own history, where it has one.")]
    seen: datetime
    away_from: str | None
    to: str
    reason: Annotated[str | None, Field(description="The device's own words.")]
    announced: Annotated[Announced | None, Field(description="The maintenance or drill in force; null: unannounced.")]
    loss: Annotated[Loss, Field(description="How long the service was away, as far as anything tells.")]


class Failovers(_Answer):
    failovers: Annotated[list[Failover], Field(description="The newest first.")]


class Status(_Answer):
    version: str
    estate: str
    revision: Annotated[str, Field(description="SHA-256 of the files of the estate in force.")]
    healthy: bool
    ready: bool
    reason: Annotated[str | None, Field(description="Why it is not healthy or not ready.")]
    isolated_since: Annotated[datetime | None, Field(description="Since when the agent is cut off from its gateway.")]
    ledger_trouble: Annotated[str | None, Field(description="Why nothing reaches the disk, while that is so.")]
    last_result: datetime | None
    councils: Annotated[dict[str, str], Field(description="Councils that this reader may see, name to title.")]
    targets: Count
    checks: dict[State, Count]
    checks_stale: Annotated[Count, Field(description="Counted among `unknown` too.")]


class DiscoveredTarget(_Answer):
    targets: list[str]
    labels: dict[str, str]


class Discovered(RootModel[list[DiscoveredTarget]]):
    """What `http_sd_configs` of Prometheus reads."""


class Anything(RootModel[dict[str, object]]):
    """This description."""
