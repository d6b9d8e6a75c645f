"""The way of a result through the house: judge, incidents, ledger, metrics, wishes. In the event loop, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace

from agent.drills.records import Drill
from agent.incidents import Incidents
from agent.judge import Judge
from agent.ledger.batch import Audit, Batch, CheckRecord, MaintenanceWindow
from agent.ledger.recorder import Recorder
from agent.ledger.writer import Writer
from agent.records import NOTHING_CHANGED, CheckResult, IncidentChange, Judgement
from checks.contract import Memory, State, Subject, worst
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics

Listener = Callable[[IncidentChange], None]
"""Told of every change of an incident, in order, before it is on disk. Must not wait and must not raise."""


@dataclass(frozen=True, slots=True)
class Outlets:
    """What the pipeline sets going elsewhere."""

    probe: Callable[[str], None]
    """Ask this target now, with the checks that can tell whether it is reachable."""
    wake: Callable[[frozenset[str]], None]
    """These desks have new wishes on disk; called from the ledger's thread."""
    told: Callable[[], None]
    """An incident changed."""
    kept: Callable[[], None]
    """Events are on disk; called from the ledger's thread."""


def state_of(result: CheckResult) -> State:
    """A check's state: the worst of its findings; without any it is unknown."""
    findings = result.assessment.findings
    if not findings:
        return State.UNKNOWN
    state = findings[0].state
    for finding in findings:
        if finding.state is not state:
            return worst([finding.state for finding in findings])
    return state


class Pipeline:
    """Holds the last result of every check, and passes each on."""

    def __init__(
        self,
        judge: Judge,
        incidents: Incidents,
        recorder: Recorder,
        writer: Writer,
        exposition: Exposition,
        own: OwnMetrics,
        outlets: Outlets,
        clock: Callable[[], float],
    ) -> None:
        self.judge = judge
        self.incidents = incidents
        self.last: dict[tuple[str, str], CheckResult] = {}
        """Last result by check id and vantage, since the start or from the ledger."""
        self.listeners: list[Listener] = []
        self._recorder = recorder
        self._writer = writer
        self._exposition = exposition
        self._own = own
        self._outlets = outlets
        self._clock = clock

    def take(self, result: CheckResult) -> None:
        """One finished run. Everything that follows from it is submitted before this returns."""
        now = self._clock()
        state = state_of(result)
        self.last[result.subject.check.id, result.vantage] = result
        self._exposition.update(result, state)
        self._recorder.take(result, state)
        fault = result.fault
        self._own.ran(
            result.subject.check.kind,
            result.started - result.due,
            result.duration,
            fault.reason.value if fault is not None else None,
        )
        judgement = self.judge.result(result, now)
        if judgement is not NOTHING_CHANGED:
            self.conclude(judgement, now)

    def remembered(self, check: str, vantage: str, memory: Memory) -> CheckRecord | None:
        """The row of a check whose note a person has changed, to be written with the audit; None before any result."""
        result = self.last.get((check, vantage))
        if result is None:
            return None
        self._recorder.remember(check, vantage, memory)
        return CheckRecord(
            check_id=check,
            vantage=vantage,
            target=result.subject.name,
            kind=result.subject.check.kind,
            state=state_of(result),
            started=result.started,
            duration=result.duration,
            valid_for=result.valid_for,
            reached=result.reached,
            last_success=self._recorder.last_success(check, vantage),
            assessment=result.assessment,
            memory=memory,
        )

    def carry_over(
        self, renamed: Mapping[tuple[str, str], tuple[str, Subject]], gone: Iterable[tuple[str, str]]
    ) -> None:
        """The last results after a reload: under their new ids, and without those of checks that are gone."""
        for (check, vantage), (id, subject) in renamed.items():
            result = self.last.pop((check, vantage), None)
            if result is not None:
                self.last[id, vantage] = replace(result, subject=subject)
        for key in gone:
            self.last.pop(key, None)

    def shift(self, seconds: float) -> None:
        """The clock was stepped: what was found is as old as it was before."""
        self.last = {
            key: replace(result, due=result.due + seconds, started=result.started + seconds)
            for key, result in self.last.items()
        }
        self._exposition.shift(seconds)

    def tick(self, now: float) -> None:
        """What follows from time alone."""
        due = self.judge.next_due()
        if due is None or now >= due:
            self.conclude(self.judge.tick(now), now)
        due = self.incidents.next_due()
        if due is None or now >= due:
            self.keep(self.incidents.tick(now))

    def conclude(self, judgement: Judgement, now: float) -> Future[object] | None:
        """Follow a judgement to its end. The future is done once all of it is on disk; None when nothing had to be."""
        changes = self.incidents.apply(judgement, now)
        self._recorder.judged(judgement, now)
        kept = self.keep(changes, judgement=judgement)
        for wish in judgement.wishes:
            self._outlets.probe(wish.target)
        return kept

    def keep(
        self,
        changes: Iterable[IncidentChange] = (),
        *,
        judgement: Judgement = NOTHING_CHANGED,
        audit: tuple[Audit, ...] = (),
        maintenance: tuple[MaintenanceWindow, ...] = (),
        drills: tuple[Drill, ...] = (),
    ) -> Future[object] | None:
        """Submit what changed as one batch, and tell whoever listens."""
        changes = tuple(changes)
        gone = (*judgement.forgotten, *judgement.withdrawn, *(old for old, _ in judgement.renamed))
        batch = Batch(
            alerts=judgement.changed,
            alerts_gone=gone,
            incident_changes=changes,
            audit=audit,
            maintenance=maintenance,
            drills=drills,
        )
        if batch == _EMPTY:
            return None
        kept: Future[object] = self._writer.submit(batch)  # type: ignore[assignment]  # the numbers are nobody's here
        desks = frozenset(wish.desk for change in changes for wish in change.wishes if wish.mode == "live")
        if desks:
            kept.add_done_callback(lambda done: self._outlets.wake(desks) if done.exception() is None else None)
        for change in changes:
            for listener in self.listeners:
                listener(change)
        if changes:
            self._outlets.told()
            kept.add_done_callback(lambda _done: self._outlets.kept())
        return kept


_EMPTY = Batch()
