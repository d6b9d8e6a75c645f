"""What the pages show, taken from the judge, the incidents and the ledger (the port is exporters.web.view.View)."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from agent.daemon.parts import specs_of
from agent.daemon.pipeline import Pipeline, state_of
from agent.daemon.reading import states_named, tickets_of
from agent.isolation import isolation
from agent.judge.watch import vantages_of
from agent.ledger.errors import LedgerError
from agent.ledger.read import Reader
from agent.ledger.writer import LedgerHealth
from agent.records import LIVE, OPEN_LEVELS, Alert, AlertLevel, CheckResult, Incident, IncidentState
from agent.schedule import Scheduler
from agent.windows import Windows
from checks.contract import State, worst
from config.estate import CheckSpec, Estate, Every, Need, Target
from exporters.web.text import moment
from exporters.web.view import (
    CheckView,
    FindingView,
    Health,
    IncidentDetail,
    Problem,
    Summary,
    TargetDetail,
    TargetLine,
    TicketLink,
)

_SHOWN = frozenset({AlertLevel.HELD, AlertLevel.PENDING}) | OPEN_LEVELS
_SOON = 86_400.0
_ENDED = frozenset({IncidentState.RESOLVED, IncidentState.CLOSED})
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

    async def summary(self) -> Summary:
        now = self._clock()
        states: Counter[State] = Counter()
        stale = 0
        last: float | None = None
        for key in self._runs(specs_of(self._estate)):
            result = self._pipeline.last.get(key)
            old = result is None or _stale(result, now)
            stale += result is not None and old
            states[State.UNKNOWN if old or result is None else state_of(result)] += 1
            if result is not None and (last is None or result.started > last):
                last = result.started
        return Summary(
            councils={name: self._estate.councils[name].title or name for name in self.councils()},
            targets=len(self._estate.targets),
            checks=states,
            stale=stale,
            last_result=last,
            isolated_since=self.isolated_since(),
            maintenance=self._maintenance(now),
            ledger_trouble=self._ledger_trouble(),
        )

    async def problems(self, limit: int) -> Sequence[Problem]:
        links = await self._links([incident.id for incident in self._pipeline.incidents.live.values()][:_MOST_LINKS])
        shown = [
            alert
            for alert in self._pipeline.judge.alerts.values()
            if alert.level in _SHOWN and alert.suppressed_by is None
        ]
        shown.sort(key=lambda alert: (-alert.state.rank, alert.first_bad or 0.0))
        return [self._problem(alert, links) for alert in shown[:limit]]

    async def incidents(self, *, live: bool, limit: int) -> Sequence[tuple[Incident, Sequence[TicketLink]]]:
        states = states_named("live") if live else _ENDED
        found = await asyncio.to_thread(self._reader.incidents, states, None, limit)
        links = await self._links([incident.id for incident in found])
        return [(incident, links.get(incident.id, ())) for incident in found]

    async def incident(self, incident: str) -> IncidentDetail | None:
        file = await asyncio.to_thread(self._reader.incident, incident)
        if file is None:
            return None
        children = [
            self._child(file.incident, child.cause.subject, child.cause.condition, child.cause.council, child.since)
            for child in file.children
            if child.until is None
        ]
        return IncidentDetail(
            incident=file.incident,
            timeline=[kept.event for kept in file.timeline],
            children=children,
            tickets=tickets_of(file.incident, file.tickets),
        )

    async def targets(self) -> Sequence[TargetLine]:
        now = self._clock()
        return [self._line(target, now) for target in self._estate.targets.values()]

    async def target(self, name: str) -> TargetDetail | None:
        target = self._estate.targets.get(name)
        if target is None:
            return None
        now = self._clock()
        kept = await asyncio.to_thread(self._reader.incidents_of, target.name, 50)
        incidents = sorted(kept, key=lambda one: (one.state not in LIVE, -one.changed_at))
        return TargetDetail(
            line=self._line(target, now),
            address=target.address,
            impact=target.impact.value,
            depends_on=_need(target.depends_on),
            checks=[
                self._check(spec, vantage, now)
                for spec in target.checks
                for vantage in vantages_of(spec, self._vantage)
            ],
            incidents=incidents,
        )

    async def _links(self, incidents: Sequence[str]) -> Mapping[str, Sequence[TicketLink]]:
        try:
            kept = await asyncio.to_thread(self._reader.tickets_of, incidents)
        except LedgerError:
            return {}  # the page of problems must come up while the ledger is away
        live = {incident.id: incident for incident in self._pipeline.incidents.live.values()}
        return {id: tickets_of(live.get(id), links) for id, links in kept.items()}

    def _problem(self, alert: Alert, links: Mapping[str, Sequence[TicketLink]]) -> Problem:
        incident = self._pipeline.incidents.live.get(alert.cause)
        cause = alert.cause
        return Problem(
            state=alert.state,
            council=cause.council,
            subject=cause.subject,
            condition=cause.condition,
            summary=alert.summary,
            since=alert.first_bad or alert.last_result,
            site=alert.site,
            target=cause.subject if cause.subject in self._estate.targets else None,
            incident=incident.id if incident is not None else None,
            priority=incident.priority.value if incident is not None else None,
            tickets=links.get(incident.id, ()) if incident is not None else (),
            stale=alert.stale,
            flapping=alert.flapping,
            maintenance=alert.maintenance,
            acknowledged=incident.acknowledged.by if incident is not None and incident.acknowledged else None,
            hidden=incident.hidden if incident is not None else 0,
        )

    def _child(self, parent: Incident, subject: str, condition: str, council: str, since: float) -> Problem:
        alert = next(
            (
                alert
                for cause, alert in self._pipeline.judge.alerts.items()
                if (cause.subject, cause.condition, cause.council) == (subject, condition, council)
            ),
            None,
        )
        return Problem(
            state=alert.state if alert is not None else State.UNKNOWN,
            council=council,
            subject=subject,
            condition=condition,
            summary=alert.summary if alert is not None else "",
            since=since,
            site=alert.site if alert is not None else parent.site,
            target=subject if subject in self._estate.targets else None,
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

    def _check(self, spec: CheckSpec, vantage: str, now: float) -> CheckView:
        result = self._pipeline.last.get((spec.id, vantage))
        stale = result is not None and _stale(result, now)
        schedule = spec.schedule
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
                for finding in (result.assessment.findings if result is not None else ())
            ],
            readings=[
                (_series(reading.family.name, reading.family.labels, reading.labels), reading.value)
                for reading in (result.assessment.readings if result is not None and not stale else ())
            ],
            fault=result.fault.message if result is not None and result.fault is not None else "",
        )

    def _ledger_trouble(self) -> str:
        health = self._ledger_health()
        return "" if health.ok else f"Since {moment(health.since)}: {health.error}. What happens is kept in memory."

    def _maintenance(self, now: float) -> list[str]:
        sentences = []
        for window in self._windows.coming(now, _SOON):
            begins, ends = self._windows.begins(window, now), self._windows.ends(window, now)
            when = f"until {moment(ends)}" if begins <= now else f"from {moment(begins)} to {moment(ends)}"
            covers = self._windows.covers(window)
            sentences.append(f"{window.id}: {window.reason} ({window.owner}), {when}, {covers} target(s).")
        return sentences


def _stale(result: CheckResult, now: float) -> bool:
    return now > result.started + result.valid_for


def _need(need: Need | None) -> str:
    if need is None:
        return ""
    joint = " and " if need.mode == "all" else " or "
    parts = (part if isinstance(part, str) else f"({_need(part)})" for part in need.parts)
    return joint.join(parts)


def _series(name: str, labels: Sequence[str], values: Sequence[str]) -> str:
    if not labels:
        return name
    return (
        name
        + "{"
        + ", ".join(f"{label}={json.dumps(value)}" for label, value in zip(labels, values, strict=True))
        + "}"
    )
