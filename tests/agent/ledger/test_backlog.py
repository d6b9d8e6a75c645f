"""A backlog made shorter leaves the ledger in the same state, and forgets nobody who waits."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.ledger import backlog
from agent.ledger.backlog import Entry, compact
from agent.ledger.batch import AgentSpan, Batch, Peak, Run, Span
from agent.records import Alert, Cause
from checks.contract import State
from testbeds import kept

CAUSES = [replace(kept.CAUSE, subject=f"router-{number}") for number in range(3)]


def test_only_the_newest_state_of_a_check_is_left() -> None:
    entries = [Entry(Batch(checks=(kept.check_record(started=float(number)),))) for number in range(10)]

    kept_entries, given_up = compact(entries)

    assert [record.started for entry in kept_entries for record in entry.batch.checks] == [9.0]
    assert given_up == 0


def test_batches_with_incidents_stay_whole_and_in_order() -> None:
    opening = Batch(incident_changes=(kept.opening(),), alerts=(kept.alert(),))
    entries = [Entry(opening), Entry(Batch(alerts=(kept.alert(summary="newer"),))), Entry(kept.changed())]

    kept_entries, _ = compact(entries)

    assert [entry.batch for entry in kept_entries] == [entry.batch for entry in entries]


def test_who_waits_for_a_batch_that_vanished_is_told_with_a_later_one() -> None:
    futures: list[Future[tuple[int, ...]]] = [Future() for _ in range(5)]
    entries = [Entry(Batch(alerts=(kept.alert(summary=str(n)),)), [future]) for n, future in enumerate(futures)]

    kept_entries, _ = compact(entries)
    for entry in kept_entries:
        entry.done(())

    assert len(kept_entries) == 1
    assert all(future.done() for future in futures)


def test_peaks_are_widened_not_replaced() -> None:
    future: Future[tuple[int, ...]] = Future()
    wide = Entry(Batch(peaks=(Peak("2026-09-21", "f", "t", "[]", 1.0, 9.0),)), [future])
    narrow = Entry(Batch(peaks=(Peak("2026-09-21", "f", "t", "[]", 4.0, 5.0),)))

    (left,), _ = compact([wide, narrow])
    left.done(())

    assert left.batch.peaks == (Peak("2026-09-21", "f", "t", "[]", 1.0, 9.0),)
    assert future.done()


def test_histories_are_bounded_and_what_was_given_up_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "HISTORY_ROWS", 10)
    runs = [Run("a/b", "hemel", float(number), 0.0, State.OK) for number in range(25)]

    kept_entries, given_up = compact([Entry(Batch(runs=(run,))) for run in runs])

    assert [run.started for entry in kept_entries for run in entry.batch.runs] == [float(n) for n in range(15, 25)]
    assert given_up == 15


ROUTINE = st.one_of(
    st.builds(lambda cause, text: Batch(alerts=(kept.alert(cause, summary=text),)), st.sampled_from(CAUSES), st.text()),
    st.builds(lambda cause: Batch(alerts_gone=(cause,)), st.sampled_from(CAUSES)),
    st.builds(
        lambda name, at: Batch(checks=(kept.check_record(name, started=at),)), st.sampled_from("abc"), st.floats(0, 9)
    ),
    st.builds(lambda name: Batch(checks_gone=((name, "hemel"),)), st.sampled_from("abc")),
    st.builds(lambda end: Batch(spans=(Span(CAUSES[0], 1.0, end, State.OK),)), st.floats(1, 9)),
    st.builds(lambda end: Batch(agent_spans=(AgentSpan("run", "hemel", 1.0, end),)), st.floats(1, 9)),
    st.builds(
        lambda low, high: Batch(peaks=(Peak("2026-09-21", "f", "t", "[]", low, high),)),
        st.floats(-9, 0),
        st.floats(0, 9),
    ),
)
DURABLE = st.builds(
    lambda cause, text: Batch(
        incident_changes=(kept.opening("RWY-1", cause),), alerts=(kept.alert(cause, summary=text),)
    ),
    st.sampled_from(CAUSES),
    st.text(),
)


@settings(deadline=None)
@given(st.lists(ROUTINE | DURABLE, max_size=30))
def test_any_backlog_made_shorter_leaves_the_same_state(batches: list[Batch]) -> None:
    entries = [Entry(batch) for batch in batches]

    shorter, _ = compact(entries)

    assert _state([entry.batch for entry in shorter]) == _state(batches)
    assert len(shorter) <= len(batches) + 1


def _state(batches: list[Batch]) -> object:
    """What a ledger would hold after these batches, in plain dictionaries."""
    alerts: dict[Cause, Alert] = {}
    rows: dict[object, object] = {}
    peaks: dict[object, tuple[float, float]] = {}
    incidents = []
    for batch in batches:
        incidents += [change.incident for change in batch.incident_changes]
        for cause in batch.alerts_gone:
            alerts.pop(cause, None)
        alerts |= {alert.cause: alert for alert in batch.alerts}
        for key in batch.checks_gone:
            rows.pop(key, None)
        rows |= {(record.check_id, record.vantage): record for record in batch.checks}
        rows |= {("span", span.cause, span.start): span for span in batch.spans}
        rows |= {("life", life.run): life for life in batch.agent_spans}
        for peak in batch.peaks:
            key = (peak.day, peak.family, peak.target, peak.labels)
            low, high = peaks.get(key, (peak.low, peak.high))
            peaks[key] = (min(low, peak.low), max(high, peak.high))
    return alerts, rows, peaks, incidents
