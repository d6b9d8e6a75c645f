"""What the pages and the API show, and the port through which they get it.

The composition root implements `View` over the judge and the ledger; the pages know neither. Times are Unix seconds.
Nothing here is markup: every text may hold what a device sent, and is escaped where it is rendered. Every question says
for whom: an answer holds nothing of a council that is not among `councils`, neither by name nor by number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from agent.ledger.read import Wanted
from agent.records import Councils, Event, Incident
from checks.contract import State


@dataclass(frozen=True, slots=True)
class TicketLink:
    """A ticket of an incident. `number` is None until the desk has given one."""

    desk: str
    number: str | None
    url: str = ""
    mode: Literal["live", "shadow"] = "live"
    phase: str = ""
    """`wanted`, `attempted`, `linked`, `done`, `blocked` or `lost`, as the ledger keeps it."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that needs a person now, or would if nothing muted it."""

    state: State
    council: str
    subject: str
    """Usually a target's name."""
    condition: str
    summary: str
    since: float
    """First bad result of this run of badness, or since when nothing is known."""
    site: str = ""
    target: str | None = None
    """The target to link to, when the subject is one."""
    incident: str | None = None
    priority: str | None = None
    tickets: Sequence[TicketLink] = ()
    stale: bool = False
    flapping: bool = False
    maintenance: str | None = None
    """Id of the window that mutes it."""
    acknowledged: str | None = None
    """By whom."""
    hidden: int = 0
    """Causes hidden behind this one."""
    behind: str | None = None
    """What it lies behind, in words, where that is nothing that this reader sees among the problems."""

    @property
    def muted(self) -> bool:
        """Known and waiting: a window covers it or somebody has it. Shown after what nobody has seen."""
        return self.maintenance is not None or self.acknowledged is not None


@dataclass(frozen=True, slots=True)
class Summary:
    """The agent at a glance."""

    councils: Mapping[str, str]
    """Name to title, `shared` included where it has targets."""
    targets: int
    checks: Mapping[State, int]
    stale: int
    """Checks whose last result is too old; counted among *unknown* too."""
    last_result: float | None
    isolated_since: float | None
    """Since when the agent is cut off and judges nothing behind its gateway."""
    maintenance: Sequence[str] = ()
    """A sentence per window that holds now or starts within a day."""
    ledger_trouble: str = ""
    """Why nothing reaches the disk and how to mend it, while that is so; empty when all is well."""


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """An incident in a list."""

    incident: Incident
    tickets: Sequence[TicketLink]
    behind: str | None = None
    """What it lies behind, by name only where the reader may see that."""


@dataclass(frozen=True, slots=True)
class IncidentDetail:
    incident: Incident
    timeline: Sequence[Event]
    """Oldest first."""
    children: Sequence[Problem]
    tickets: Sequence[TicketLink]
    behind: str | None = None


@dataclass(frozen=True, slots=True)
class WindowLine:
    """A maintenance window that is open or to come."""

    id: str
    start: float
    end: float
    owner: str
    reason: str
    covers: int
    """How many targets that the reader may see."""
    added: bool
    """By a person, who may end it too; else it stands in the estate file."""


@dataclass(frozen=True, slots=True)
class FindingView:
    key: str
    state: State
    summary: str
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckView:
    """A check of a target, with what its last run said."""

    name: str
    kind: str
    vantage: str
    state: State
    stale: bool
    last_run: float | None
    duration: float | None
    next_run: float | None
    interval: str
    """For a person: `every 60 s`, `0 6 * * * Europe/London`."""
    findings: Sequence[FindingView] = ()
    readings: Sequence[tuple[str, float]] = ()
    """Series and value, as on the metrics page but without the common labels."""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class TargetLine:
    """A target in the list of all."""

    name: str
    title: str
    council: str
    site: str
    state: State
    stale: bool
    checks: int


@dataclass(frozen=True, slots=True)
class TargetDetail:
    line: TargetLine
    address: str
    impact: str
    depends_on: str
    """For a person; empty when nothing is known."""
    checks: Sequence[CheckView]
    incidents: Sequence[Incident]
    """Newest first, the live ones before all."""


@dataclass(frozen=True, slots=True)
class PathLine:
    """A flow of a `path` check: a cell of the matrix of what must pass and what must be blocked."""

    target: str
    check: str
    council: str
    flow: str
    source: str
    """The vantage from which it is tried."""
    to: str
    port: int
    protocol: str
    must: str
    """`pass` or `block`."""
    owner: str
    reason: str
    state: State
    passes: bool | None
    """Whether it got through; None where that is not proved."""
    summary: str
    evidence: Mapping[str, str]
    """Each proof with its time."""
    simulator: FindingView | None
    last_run: float | None


@dataclass(frozen=True, slots=True)
class Health:
    """`healthy`: the scheduler moves. `ready`: estate and ledger are loaded too. `reason` says why not."""

    healthy: bool
    ready: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Which estate is in force."""

    estate: str
    revision: str


class View(Protocol):
    """Everything the pages ask. Each answer is bounded by `limit` or by the size of one target or incident."""

    def health(self) -> Health:
        """At once, without the ledger."""

    def standing(self) -> Standing:
        """At once, too."""

    def ledger_trouble(self) -> str:
        """Why nothing reaches the disk and how to mend it, while that is so; empty when all is well. At once."""

    async def summary(self, councils: Councils) -> Summary: ...

    async def problems(self, limit: int, councils: Councils) -> Sequence[Problem]:
        """What is not ok now, causes hidden behind another of the reader's left out. In any order; the pages sort."""

    async def incidents(self, *, live: bool, limit: int, councils: Councils) -> Sequence[IncidentLine]:
        """Live incidents, or those that ended, newest change first."""

    async def incident_page(self, wanted: Wanted, councils: Councils) -> Sequence[IncidentLine]:
        """Incidents by their ids, the newest first."""

    async def incident(self, incident: str, councils: Councils) -> IncidentDetail | None: ...

    async def targets(self, councils: Councils) -> Sequence[TargetLine]: ...

    async def target(self, name: str, councils: Councils) -> TargetDetail | None: ...

    def windows(self, councils: Councils) -> Sequence[WindowLine]:
        """Maintenance that covers something of the reader's, by when it begins."""

    def paths(self, councils: Councils) -> Sequence[PathLine]:
        """Every flow of the reader's, in the estate's order. At once."""
