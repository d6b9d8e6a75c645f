"""From results to rows: what has to be written soon, and what may wait.

A steady check costs a few comparisons, and one row a minute whatever its cadence; a change of state is submitted at
the next tick. For the event loop's thread only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from itertools import count

from agent.ledger.batch import AgentSpan, Batch, CheckRecord, Peak, Rename, Run
from agent.ledger.load import LedgerState
from agent.ledger.peaks import Peaks
from agent.ledger.retention import Pruning, Retention
from agent.ledger.spans import Seen, SpanTracker
from agent.ledger.writer import Writer
from agent.records import CheckResult, Judgement
from checks.contract import Memory, State, Subject

CHUNK = 100
"""Most checks written per tick and batch; 400 a second at four ticks a second."""
_OF_VALIDITY = 0.45
"""Part of its validity that a result may wait: what a killed agent finds again is then still fresh."""


@dataclass(frozen=True, slots=True)
class RecorderLimits:
    """How much is kept, and how soon. Seconds."""

    write_after: float = 90.0
    """A steady check's newest result is written this long after the first that was not, or sooner (see `_OF_VALIDITY`):
    for a check that runs every minute with every second result.
    """
    sweep_every: float = 60.0
    """How often checks without a fresh result are looked for, to end their spans."""
    alive_every: float = 15.0
    """How often the agent's own life is moved on: after a kill, spans end at most this long too early."""
    peak_series: int = 20_000
    """Most series of which daily peaks are kept."""


@dataclass(slots=True, eq=False)
class _Slot:
    """One check at one vantage."""

    result: CheckResult
    state: State
    last_success: float | None = None
    memory: Memory | None = None
    seen: Seen | None = None
    peaks: Peaks | None = None
    waiting: bool = False
    """Its newest result is in the queue of those to be written."""


class Recorder:
    """Keeps the last result of every check, run history, spans and peaks."""

    def __init__(
        self,
        writer: Writer,
        *,
        run: str,
        vantage: str,
        clock: Callable[[], float],
        limits: RecorderLimits = RecorderLimits(),
        retention: Retention = Retention(),  # noqa: B008 - frozen
    ) -> None:
        self._writer = writer
        self._run = run
        self._vantage = vantage
        self._clock = clock
        self._limits = limits
        self._began = clock()
        self._slots: dict[tuple[str, str], _Slot] = {}
        self._known: dict[tuple[str, str], tuple[State, float | None]] = {}
        """State and last success from before the start, of checks that have not run since."""
        self._queue: list[tuple[float, int, _Slot]] = []
        """A heap of slots to be written: from when, a number that settles ties, which."""
        self._count = count()
        self._urgent: list[tuple[_Slot, Run]] = []
        """Slots whose state changed since the last tick, and the run that changed it."""
        self._asked: _Slot | None = None
        """The slot whose result is being judged: its spans are looked at when the judgement is known."""
        self._spans = SpanTracker(run)
        self._pruning = Pruning(writer, retention)
        self._ticked = self._began
        self._alive_due = self._began
        self._sweep_due = self._began + limits.sweep_every
        self._series = 0
        self.series_left_out = 0
        """Series without daily peaks, because `peak_series` was reached."""

    @property
    def waiting(self) -> int:
        """How many checks have a result that is not written yet."""
        return len(self._queue)

    def restore(self, state: LedgerState) -> None:
        """Go on from what was loaded at start."""
        for (check, vantage), record in state.checks.items():
            self._known[check, vantage] = record.state, record.last_success
        self._spans.restore(state.alerts.values(), self._began)

    def take(self, result: CheckResult, state: State) -> None:
        """Every finished run, before it is judged. `state` is the check's: the worst of its findings."""
        self._look()
        key = (result.subject.check.id, result.vantage)
        slot = self._slots.get(key)
        changed = False
        if slot is None:
            slot = self._slots[key] = _Slot(result, state)
            before, slot.last_success = self._known.pop(key, (None, None))
            changed = before is not state
        else:
            changed = state is not slot.state or (result.fault is None) is not (slot.result.fault is None)
            slot.result = result
            slot.state = state
        if result.fault is None:
            slot.last_success = result.started
        if result.assessment.memory is not None:
            slot.memory = result.assessment.memory
        self._asked = slot
        if result.assessment.readings:
            self._measure(slot, result)
        if changed:
            self._urgent.append((slot, _run(result, state)))
        elif not slot.waiting:
            slot.waiting = True
            due = result.started + min(self._limits.write_after, _OF_VALIDITY * result.valid_for)
            heappush(self._queue, (due, next(self._count), slot))

    def judged(self, judgement: Judgement, now: float) -> None:
        """Every judgement, after the result it came from was taken; also those that time alone made."""
        self._spans.judged(judgement, now)
        self._look(now)
        self._submit_spans()

    def tick(self, now: float) -> None:
        """Several times a second: write what has waited long enough, at most `CHUNK` checks at a time."""
        if now < self._ticked:
            self._set_back(now)
        self._ticked = now
        self._look()
        self._write_urgent()
        due: list[_Slot] = []
        while self._queue and self._queue[0][0] <= now and len(due) < CHUNK:
            slot = heappop(self._queue)[2]
            if slot.waiting:
                due.append(slot)
        if due:
            self._writer.submit(self._batch(due))
        if now >= self._alive_due:
            self._alive_due = now + self._limits.alive_every
            self._writer.submit(Batch(agent_spans=(self._life(now),)))
        if now >= self._sweep_due:
            self._sweep_due = now + self._limits.sweep_every
            self._sweep(now)
        self._submit_spans()
        self._pruning.tick(now)

    async def stop(self) -> None:
        """Submit everything that waits, and the clean end of this life; done when it is on disk or cannot be."""
        self._look()
        self._write_urgent()
        waiting = [slot for _due, _number, slot in sorted(self._queue) if slot.waiting]
        self._queue.clear()
        for start in range(0, len(waiting), CHUNK):
            self._writer.submit(self._batch(waiting[start : start + CHUNK]))
            await asyncio.sleep(0)
        self._submit_spans()
        self._writer.submit(Batch(agent_spans=(self._life(self._clock(), clean=True),)))

    def forget(self, checks: Iterable[tuple[str, str]]) -> None:
        """These checks, by id and vantage, are no longer in the estate."""
        self._look()
        self._write_urgent()
        gone = tuple(checks)
        peaks: list[Peak] = []
        now = self._clock()
        for key in gone:
            self._known.pop(key, None)
            slot = self._slots.pop(key, None)
            if slot is not None:
                slot.waiting = False
                self._lose(slot, now)
                peaks += self._drop_peaks(slot)
        if gone:
            self._writer.submit(Batch(checks_gone=gone, spans=self._spans.take(), peaks=tuple(peaks)))

    def _drop_peaks(self, slot: _Slot) -> list[Peak]:
        """What was not written of them; their place is for others."""
        peaks, slot.peaks = slot.peaks, None
        if peaks is None:
            return []
        self._series -= peaks.series
        self.series_left_out -= peaks.left_out
        return peaks.take()

    def remember(self, check: str, vantage: str, memory: Memory) -> None:
        """A check's note was changed by a person; who does that has it written, too."""
        slot = self._slots.get((check, vantage))
        if slot is not None:
            slot.memory = memory

    def rename(self, renames: Iterable[Rename], subjects: Mapping[tuple[str, str], tuple[str, Subject]]) -> None:
        """Targets go on under another name, and the history of their checks with them.

        `subjects`: by check id and vantage as they were, the id and the subject as they are. Before the judgement that
        renames their alerts.
        """
        told = tuple(renames)
        if not told:
            return
        self._look()
        self._write_urgent()
        self._submit_spans()
        for (check, vantage), (id, subject) in subjects.items():
            if (check, vantage) in self._known:
                self._known[id, vantage] = self._known.pop((check, vantage))
            slot = self._slots.pop((check, vantage), None)
            if slot is None:
                continue
            self._writer.submit(self._batch([slot]))
            slot.result = replace(slot.result, subject=subject)
            self._drop_peaks(slot)
            if slot.seen is not None:
                slot.seen.subject, slot.seen.council = subject.name, subject.council
            self._slots[id, vantage] = slot
        for one in told:
            self._spans.rename(one.old, one.new, one.council)
        self._writer.submit(Batch(renames=told))

    def last_success(self, check: str, vantage: str) -> float | None:
        """When the check last had a usable answer, as far as is known."""
        slot = self._slots.get((check, vantage))
        return slot.last_success if slot is not None else self._known.get((check, vantage), (None, None))[1]

    def _set_back(self, now: float) -> None:
        """The clock was set back: what was due later than now is due at once, else it would wait for as long again."""
        self._queue = [(min(due, now), number, slot) for due, number, slot in self._queue]
        heapify(self._queue)
        self._alive_due = min(self._alive_due, now)
        self._sweep_due = min(self._sweep_due, now)

    def _look(self, at: float | None = None) -> None:
        """Follow the spans of the result that was taken last, now that it is known which alerts it made."""
        slot, self._asked = self._asked, None
        if slot is not None:
            result = slot.result
            subject = result.subject
            at = result.started + result.duration if at is None else at
            slot.seen = self._spans.found(slot.seen, subject.council, subject.name, result.assessment.findings, at)

    def _measure(self, slot: _Slot, result: CheckResult) -> None:
        peaks = slot.peaks
        if peaks is None:
            peaks = slot.peaks = Peaks(result.subject.name)
        kept, left_out = peaks.series, peaks.left_out
        peaks.see(result.assessment.readings, result.started, self._limits.peak_series - self._series + kept)
        self._series += peaks.series - kept
        self.series_left_out += peaks.left_out - left_out

    def _write_urgent(self) -> None:
        """What changed since the last tick; each check once, with its newest result."""
        urgent, self._urgent = self._urgent, []
        for start in range(0, len(urgent), CHUNK):
            some = urgent[start : start + CHUNK]
            batch = self._batch({id(slot): slot for slot, _run in some}.values())
            self._writer.submit(replace(batch, runs=tuple(run for _slot, run in some)))

    def _batch(self, slots: Iterable[_Slot]) -> Batch:
        checks: list[CheckRecord] = []
        peaks: list[Peak] = []
        for slot in slots:
            slot.waiting = False
            checks.append(_record(slot))
            if slot.peaks is not None:
                peaks.extend(slot.peaks.take())
        return Batch(checks=tuple(checks), peaks=tuple(peaks))

    def _submit_spans(self) -> None:
        spans = self._spans.take()
        if spans:
            self._writer.submit(Batch(spans=spans))

    def _sweep(self, now: float) -> None:
        """End the spans of checks whose last result is no longer fresh."""
        for slot in self._slots.values():
            if slot.seen is not None and slot.result.started + slot.result.valid_for < now:
                self._lose(slot, slot.result.started + slot.result.duration)

    def _lose(self, slot: _Slot, at: float) -> None:
        if slot.seen is not None:
            self._spans.lost(slot.seen, at)
            slot.seen = None

    def _life(self, now: float, clean: bool = False) -> AgentSpan:
        return AgentSpan(self._run, self._vantage, self._began, max(now, self._began), clean)


def _run(result: CheckResult, state: State) -> Run:
    fault = None if result.fault is None else f"{result.fault.reason}: {result.fault.message}"
    return Run(result.subject.check.id, result.vantage, result.started, result.duration, state, fault)


def _record(slot: _Slot) -> CheckRecord:
    result = slot.result
    return CheckRecord(
        check_id=result.subject.check.id,
        vantage=result.vantage,
        target=result.subject.name,
        kind=result.subject.check.kind,
        state=slot.state,
        started=result.started,
        duration=result.duration,
        valid_for=result.valid_for,
        reached=result.reached,
        last_success=slot.last_success,
        assessment=result.assessment,
        memory=slot.memory,
    )
