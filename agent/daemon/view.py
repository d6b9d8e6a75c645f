"""What the pages show, taken from the judge, the incidents and the ledger (the port is exporters.web.view.View)."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from agent.daemon.parts import specs_of
from agent.daemon.paths import path_lines
from agent.daemon.pipeline import Pipeline, state_of
from agent.daemon.reading import sentence, states_named, tickets_of, window_lines
from agent.isolation import ISOLATED, isolation
from agent.judge.watch import vantages_of
from agent.ledger.errors import LedgerError
from agent.ledger.read import Child, Reader, Wanted
from agent.ledger.writer import LedgerHealth
from agent.records import (
    ENDED,
    LIVE,
    OPEN_LEVELS,
    Alert,
    AlertLevel,
    Cause,
    CheckResult,
    Councils,
    Incident,
    IncidentState,
    sees,
)
from agent.schedule import Scheduler
from agent.windows import Windows
from agent.wording import elsewhere
from checks.contract import State, worst
from config.estate import CheckSpec, Estate, Every, Need, Target
from exporters.feed.scoped import behind, fault_for, finding_for, incident_for, scoped, summary_for
from exporters.web.text import moment
from exporters.web.view import (
    CheckView,
    FindingView,
    Health,
    IncidentDetail,
    IncidentLine,
    PathLine,
    Problem,
    Standing,
    Summary,
    TargetDetail,
    TargetLine,
    TicketLink,
    WindowLine,
)

_SHOWN = frozenset({AlertLevel.HELD, AlertLevel.PENDING}) | OPEN_LEVELS
_SOON = 86_400.0
_MOST_LINKS = 500
_STUCK = 30.0
"""Seconds without progress of the scheduler after which the agent is not healthy."""


class AgentView:
    """Implements exporters.web.view.View. Belongs to the event loop's thread; the ledger is read in another."""

    def __init__(
        self,
        estate: Estate,
        vantage: str,
        pipeline: Pipeline,
        windows: Windows,
        reader: Reader,
        scheduler: Scheduler,
        ledger_health: Callable[[], LedgerHealth],
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.begun = False
        """Set once the checks are scheduled."""
        self._monotonic = monotonic
        self._estate = estate
        self._vantage = vantage
        self._pipeline = pipeline
        self._windows = windows
        self._reader = reader
        self._scheduler = scheduler
        self._ledger_health = ledger_health
        self._clock = clock

    def use(self, estate: Estate) -> None:
        """Another estate is in force."""
        self._estate = estate

    def health(self) -> Health:
        """Healthy while the scheduler moves; ready once it has begun."""
        if not self.begun:
            return Health(True, False, "the checks have not begun yet")
        idle = self._monotonic() - self._scheduler.last_progress
        if idle > _STUCK:
            return Health(False, False, f"the scheduler has not moved for {idle:.0f} s")
        return Health(True, True)

    def councils(self) -> list[str]:
        """Councils that own a target, `shared` included."""
        return sorted({target.council for target in self._estate.targets.values()} | {"shared"})

    def isolated_since(self) -> float | None:
        """Since when the agent's own gateway has not answered; None when it does, or nobody knows."""
        alert = self._pipeline.judge.alerts.get(isolation(self._vantage))
        return alert.first_bad if alert is not None and alert.level in OPEN_LEVELS else None

    def status_line(self) -> str:
        """One line for `systemctl status`."""
        open_ones = sum(
            incident.state is not IncidentState.SUSPECT for incident in self._pipeline.incidents.live.values()
        )
        checks = sum(1 for _ in self._runs(specs_of(self._estate)))
        return f"{checks} checks of {len(self._estate.targets)} targets, {open_ones} open incident(s)"

    def standing(self) -> Standing:
        return Standing(self._estate.name, self._estate.revision)

    async def summary(self, councils: Councils) -> Summary:
        now = self._clock()
        states: Counter[State] = Counter()
        stale = 0
        last: float | None = None
        targets = self._targets(councils)
        for key in self._runs(spec for target in targets for spec in target.checks):
            result = self._pipeline.last.get(key)
            old = result is None or _stale(result, now)
            stale += result is not None and old
            states[State.UNKNOWN if old or result is None else state_of(result)] += 1
            if result is not None and (last is None or result.started > last):
                last = result.started
        return Summary(
            councils={
                name: self._estate.councils[name].title or name for name in self.councils() if sees(councils, name)
            },
            targets=len(targets),
            checks=states,
            stale=stale,
            last_result=last,
            isolated_since=self.isolated_since(),
            maintenance=[sentence(line, now) for line in window_lines(self._windows, now, councils, within=_SOON)],
            ledger_trouble=self.ledger_trouble(),
        )

    async def problems(self, limit: int, councils: Councils) -> Sequence[Problem]:
        live = [one.id for one in self._pipeline.incidents.live.values() if sees(councils, one.cause.council)]
        links = await self._links(live[:_MOST_LINKS])
        shown = [
            alert
            for alert in self._pipeline.judge.alerts.values()
            if alert.level in _SHOWN and sees(councils, alert.cause.council) and _stands_alone(alert, councils)
        ]
        shown.sort(key=lambda alert: (-alert.state.rank, alert.first_bad or 0.0))
        return [self._problem(alert, links, councils) for alert in shown[:limit]]

    async def incidents(self, *, live: bool, limit: int, councils: Councils) -> Sequence[IncidentLine]:
        states = states_named("live") if live else ENDED
        found = await asyncio.to_thread(self._reader.incidents, states, None, limit, councils)
        return await self._lines(found, councils)

    async def incident_page(self, wanted: Wanted, councils: Councils) -> Sequence[IncidentLine]:
        return await self._lines(await asyncio.to_thread(self._reader.incident_page, wanted, councils), councils)

    async def incident(self, incident: str, councils: Councils) -> IncidentDetail | None:
        file = await asyncio.to_thread(self._reader.incident, incident, councils)
        if file is None:
            return None
        present = [child for child in file.children if child.until is None]
        return IncidentDetail(
            incident=incident_for(file.incident, councils, len(present)),
            timeline=[scoped(kept, councils).event for kept in file.timeline],
            children=[self._child(file.incident, child, councils) for child in present],
            tickets=tickets_of(file.incident, file.tickets),
            behind=behind(file.incident.suppressed_by, councils),
        )

    async def targets(self, councils: Councils) -> Sequence[TargetLine]:
        now = self._clock()
        return [self._line(target, now) for target in self._targets(councils)]

    async def target(self, name: str, councils: Councils) -> TargetDetail | None:
        target = self._estate.targets.get(name)
        if target is None or not sees(councils, target.council):
            return None
        now = self._clock()
        kept = await asyncio.to_thread(self._reader.incidents_of, target.name, 50, councils)
        incidents = sorted(kept, key=lambda one: (one.state not in LIVE, -one.changed_at))
        return TargetDetail(
            line=self._line(target, now),
            address=target.address,
            impact=target.impact.value,
            depends_on=self._need(target.depends_on, councils),
            checks=[
                self._check(spec, vantage, now, councils)
                for spec in target.checks
                for vantage in vantages_of(spec, self._vantage)
            ],
            incidents=[line.incident for line in await self._lines(incidents, councils, tickets=False)],
        )

    def windows(self, councils: Councils) -> Sequence[WindowLine]:
        return window_lines(self._windows, self._clock(), councils)

    def paths(self, councils: Councils) -> Sequence[PathLine]:
        results = self._pipeline.last
        return path_lines(self._targets(councils), results, self._vantage, self._clock(), councils)

    async def _lines(
        self, found: Sequence[Incident], councils: Councils, *, tickets: bool = True
    ) -> Sequence[IncidentLine]:
        ids = [incident.id for incident in found]
        links = await self._links(ids) if tickets else {}
        hidden = await asyncio.to_thread(self._reader.hidden_of, ids, councils) if councils is not None else {}
        return [
            IncidentLine(
                incident_for(incident, councils, hidden.get(incident.id, 0)),
                links.get(incident.id, ()),
                behind(incident.suppressed_by, councils),
            )
            for incident in found
        ]

    def _targets(self, councils: Councils) -> list[Target]:
        return [target for target in self._estate.targets.values() if sees(councils, target.council)]

    async def _links(self, incidents: Sequence[str]) -> Mapping[str, Sequence[TicketLink]]:
        try:
            kept = await asyncio.to_thread(self._reader.tickets_of, incidents)
        except LedgerError:
            return {}  # the page of problems must come up while the ledger is away
        live = {incident.id: incident for incident in self._pipeline.incidents.live.values()}
        return {id: tickets_of(live.get(id), links) for id, links in kept.items()}

    def _problem(self, alert: Alert, links: Mapping[str, Sequence[TicketLink]], councils: Councils) -> Problem:
        incident = self._pipeline.incidents.live.get(alert.cause)
        cause = alert.cause
        return Problem(
            state=alert.state,
            council=cause.council,
            subject=cause.subject,
            condition=cause.condition,
            summary=summary_for(cause, alert.summary, councils),
            since=alert.first_bad or alert.last_result,
            site=alert.site,
            target=self._linked(cause, councils),
            incident=incident.id if incident is not None else None,
            priority=incident.priority.value if incident is not None else None,
            tickets=links.get(incident.id, ()) if incident is not None else (),
            stale=alert.stale,
            flapping=alert.flapping,
            maintenance=alert.maintenance,
            acknowledged=incident.acknowledged.by if incident is not None and incident.acknowledged else None,
            hidden=self._hidden(incident, councils),
            behind=behind(alert.suppressed_by, councils),
        )

    def _hidden(self, incident: Incident | None, councils: Councils) -> int:
        if incident is None or councils is None:
            return incident.hidden if incident is not None else 0
        return sum(cause.council in councils for cause in self._pipeline.incidents.behind(incident.cause))

    def _linked(self, cause: Cause, councils: Councils) -> str | None:
        """The target of that name, where there is one that this reader may see."""
        target = self._estate.targets.get(cause.subject)
        return cause.subject if target is not None and sees(councils, target.council) else None

    def _child(self, parent: Incident, child: Child, councils: Councils) -> Problem:
        cause = child.cause
        alert = self._pipeline.judge.alerts.get(cause)
        return Problem(
            state=alert.state if alert is not None else State.UNKNOWN,
            council=cause.council,
            subject=cause.subject,
            condition=cause.condition,
            summary=summary_for(cause, alert.summary, councils) if alert is not None else "",
            since=child.since,
            site=alert.site if alert is not None else parent.site,
            target=self._linked(cause, councils),
        )

    def _line(self, target: Target, now: float) -> TargetLine:
        states = []
        stale = False
        for key in self._runs(target.checks):
            result = self._pipeline.last.get(key)
            old = result is None or _stale(result, now)
            stale = stale or (result is not None and old)
            states.append(State.UNKNOWN if old or result is None else state_of(result))
        return TargetLine(target.name, target.title, target.council, target.site, worst(states), stale, len(states))

    def _runs(self, specs: Iterable[CheckSpec]) -> Iterator[tuple[str, str]]:
        """Each check's id, with every vantage from which it is made."""
        for spec in specs:
            for vantage in vantages_of(spec, self._vantage):
                yield spec.id, vantage

    def _check(self, spec: CheckSpec, vantage: str, now: float, councils: Councils) -> CheckView:
        result = self._pipeline.last.get((spec.id, vantage))
        stale = result is not None and _stale(result, now)
        schedule = spec.schedule
        told = partial(finding_for, councils=councils)
        return CheckView(
            name=spec.name,
            kind=spec.kind,
            vantage=vantage,
            state=State.UNKNOWN if result is None or stale else state_of(result),
            stale=stale,
            last_run=result.started if result is not None else None,
            duration=result.duration if result is not None else None,
            next_run=self._scheduler.next_due(spec.id),
            interval=f"every {schedule.seconds:g} s"
            if isinstance(schedule, Every)
            else f"{schedule.expression} {schedule.time_zone}",
            findings=[
                FindingView(finding.key, finding.state, finding.summary, finding.evidence)
                for finding in map(told, result.assessment.findings if result is not None else ())
            ],
            readings=[
                (_series(reading.family.name, reading.label_names, reading.labels), reading.value)
                for reading in (result.assessment.readings if result is not None and not stale else ())
            ],
            fault=fault_for(result.fault, councils) if result is not None and result.fault is not None else "",
        )

    def ledger_trouble(self) -> str:
        health = self._ledger_health()
        return "" if health.ok else f"Since {moment(health.since)}: {health.error}. What happens is kept in memory."

    def _need(self, need: Need | None, councils: Councils) -> str:
        """What a target depends on, for a person."""
        if need is None:
            return ""
        joint = " and " if need.mode == "all" else " or "
        return joint.join(
            self._needed(part, councils) if isinstance(part, str) else f"({self._need(part, councils)})"
            for part in need.parts
        )

    def _needed(self, name: str, councils: Councils) -> str:
        council = self._estate.targets[name].council
        return name if sees(councils, council) else elsewhere(council)


def _stale(result: CheckResult, now: float) -> bool:
    return now > result.started + result.valid_for


def _stands_alone(alert: Alert, councils: Councils) -> bool:
    """Not hidden behind a problem that this reader sees, nor behind the agent's isolation, which every page says."""
    root = alert.suppressed_by
    return root is None or not (sees(councils, root.council) or root.condition == ISOLATED)


def _series(name: str, labels: Sequence[str], values: Sequence[str]) -> str:
    if not labels:
        return name
    return (
        name
        + "{"
        + ", ".join(f"{label}={json.dumps(value)}" for label, value in zip(labels, values, strict=True))
        + "}"
    )
