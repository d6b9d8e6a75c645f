"""What waits to be written, in order. Pure: no thread, no clock, no database.

While the database is away the backlog grows. Batches that hold incidents, events or what a person did stay whole.
Of the others only the newest row of each key is kept, and of pure histories the newest `HISTORY_ROWS`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TypeVar

from agent.ledger.batch import Batch, Peak, Run, Span

HISTORY_ROWS = 50_000

T = TypeVar("T")
Numbers = tuple[int, ...]
"""Sequence numbers of the events of one batch."""


@dataclass(slots=True)
class Entry:
    """A batch, and everyone who waits for it to be on the disk."""

    batch: Batch
    futures: list[Future[Numbers]] = field(default_factory=list)

    def done(self, numbers: Numbers) -> None:
        """Tell everyone; who has given up waiting is passed over."""
        for future in self.futures:
            if future.set_running_or_notify_cancel():
                future.set_result(numbers)

    def failed(self, error: Exception) -> None:
        for future in self.futures:
            if future.set_running_or_notify_cancel():
                future.set_exception(error)


def compact(entries: list[Entry]) -> tuple[list[Entry], int]:
    """The shortest backlog that leaves the ledger in the same state; and how many history rows were given up.

    A batch of which nothing is left hands those who wait for it to the next one: they are told when the newer state,
    which includes theirs, is on the disk.
    """
    seen: set[Hashable] = set()
    room = [HISTORY_ROWS, 0]
    kept: list[Entry] = []
    peaks: dict[Hashable, Peak] = {}
    for_peaks = Entry(Batch())
    for entry in reversed(entries):
        if entry.batch.durable:
            seen |= _keys(entry.batch)
            kept.append(entry)
            continue
        _widen(peaks, entry.batch.peaks)
        batch = _without(entry.batch, seen, room)
        if batch == Batch() and entry.batch.peaks:
            for_peaks.futures.extend(entry.futures)
        elif kept and batch == Batch():
            kept[-1].futures.extend(entry.futures)
        else:
            kept.append(Entry(batch, entry.futures))
    kept.reverse()
    if peaks:
        kept.append(replace(for_peaks, batch=Batch(peaks=tuple(peaks.values()))))
    return kept, room[1]


def _keys(batch: Batch) -> set[Hashable]:
    keys: set[Hashable] = {alert.cause for alert in batch.alerts} | set(batch.alerts_gone)
    keys |= {(record.check_id, record.vantage) for record in batch.checks}
    keys |= {("life", life.run) for life in batch.agent_spans}
    keys |= {("span", span.cause, span.start) for span in batch.spans}
    return keys


def _without(batch: Batch, seen: set[Hashable], room: list[int]) -> Batch:
    """The batch without rows whose keys were seen in a later one; its own keys are then seen too."""
    return replace(
        batch,
        alerts=_unseen(((alert.cause, alert) for alert in batch.alerts), seen),
        alerts_gone=_unseen(((cause, cause) for cause in batch.alerts_gone), seen),
        checks=_unseen((((r.check_id, r.vantage), r) for r in batch.checks), seen),
        checks_gone=_unseen(((key, key) for key in batch.checks_gone), seen),
        agent_spans=_unseen(((("life", life.run), life) for life in batch.agent_spans), seen),
        spans=_within(_unseen(((("span", s.cause, s.start), s) for s in batch.spans), seen), room),
        peaks=(),
        runs=_within(batch.runs, room),
    )


def _widen(peaks: dict[Hashable, Peak], more: Iterable[Peak]) -> None:
    for peak in more:
        key = (peak.day, peak.family, peak.target, peak.labels)
        known = peaks.get(key, peak)
        peaks[key] = replace(peak, low=min(peak.low, known.low), high=max(peak.high, known.high))


def _unseen(rows: Iterable[tuple[Hashable, T]], seen: set[Hashable]) -> tuple[T, ...]:
    kept = []
    for key, row in rows:
        if key not in seen:
            seen.add(key)
            kept.append(row)
    return tuple(kept)


History = TypeVar("History", Run, Span)


def _within(rows: tuple[History, ...], room: list[int]) -> tuple[History, ...]:
    """The newest rows that still fit; `room` is [rows left, rows given up]."""
    kept = rows[-room[0] :] if room[0] else ()
    room[0] -= len(kept)
    room[1] += len(rows) - len(kept)
    return kept
