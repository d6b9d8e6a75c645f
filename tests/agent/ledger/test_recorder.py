"""What is written soon, what later, and what a restart finds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from sqlalchemy import select

from agent.ledger import tables
from agent.ledger.batch import Batch, Peak, Span
from agent.ledger.ledger import Ledger
from agent.ledger.recorder import CHUNK, Recorder, RecorderLimits
from agent.records import AlertLevel, Judgement
from checks.contract import Fault, Memory, Reason, State
from testbeds import kept


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = kept.NOW

    def __call__(self) -> float:
        return self.now


def _recorder(ledger: Ledger, clock: Clock | None = None, **limits: Any) -> Recorder:
    return Recorder(
        ledger.writer, run=ledger.run, vantage="hemel", clock=clock or Clock(), limits=RecorderLimits(**limits)
    )


def _written(ledger: Ledger, recorder: Recorder | None = None) -> None:
    """Return when everything submitted so far is committed; with the recorder, also what it writes at its next tick."""
    if recorder is not None:
        recorder.tick(kept.NOW)
    ledger.writer.call(lambda _connection: None)


def test_the_first_result_and_every_change_are_written_at_the_next_tick(ledger: Ledger) -> None:
    recorder = _recorder(ledger)

    recorder.take(kept.result(), State.OK)
    recorder.take(kept.result(started=kept.NOW + 60, found=kept.assessment(0.93, State.WARNING)), State.WARNING)
    _written(ledger, recorder)

    found = ledger.load(kept.NOW).checks["hemel-router/snmp", "hemel"]
    assert (found.state, found.started) == (State.WARNING, kept.NOW + 60)
    assert found.assessment.readings[0].value == 0.93
    assert _runs(ledger) == [("ok", None), ("warning", None)]


def test_a_steady_check_is_written_seldom_and_only_its_newest_result(ledger: Ledger) -> None:
    recorder = _recorder(ledger, write_after=60.0)
    recorder.take(kept.result(), State.OK)
    recorder.tick(kept.NOW)
    for second in range(10, 60, 10):
        recorder.take(kept.result(started=kept.NOW + second), State.OK)

    recorder.tick(kept.NOW + 69.9)
    _written(ledger)
    too_soon = ledger.load(kept.NOW).checks["hemel-router/snmp", "hemel"].started
    recorder.tick(kept.NOW + 70)
    _written(ledger)

    assert too_soon == kept.NOW
    assert ledger.load(kept.NOW).checks["hemel-router/snmp", "hemel"].started == kept.NOW + 50
    assert len(_runs(ledger)) == 1


def test_a_clock_set_back_an_hour_delays_nothing(ledger: Ledger) -> None:
    recorder = _recorder(ledger)
    recorder.tick(kept.NOW)
    for second in (0, 1):
        recorder.take(kept.result(started=kept.NOW + second), State.OK)
        recorder.tick(kept.NOW + second)
    earlier = kept.NOW - 3_600
    recorder.take(kept.result(started=earlier), State.OK)

    recorder.tick(earlier)
    _written(ledger)

    assert ledger.load(earlier).checks["hemel-router/snmp", "hemel"].started == earlier
    assert recorder.waiting == 0


def test_a_fault_is_a_run_worth_remembering_and_keeps_the_last_success(ledger: Ledger) -> None:
    recorder = _recorder(ledger)
    recorder.take(kept.result(), State.OK)

    fault = Fault(Reason.NO_ANSWER, "no answer from 192.0.2.1 within 5 s", "snmp/no-answer")
    nothing = kept.assessment(state=State.UNKNOWN)
    recorder.take(kept.result(started=kept.NOW + 60, found=nothing, fault=fault), State.UNKNOWN)
    _written(ledger, recorder)

    assert _runs(ledger)[1] == ("unknown", "no-answer: no answer from 192.0.2.1 within 5 s")
    assert ledger.load(kept.NOW).checks["hemel-router/snmp", "hemel"].last_success == kept.NOW


def test_many_checks_are_written_in_pieces(ledger: Ledger) -> None:
    recorder = _recorder(ledger)
    for started in (kept.NOW, kept.NOW + 1):
        for number in range(CHUNK * 2 + 5):
            recorder.take(kept.result(f"router-{number}/snmp", started), State.OK)
        recorder.tick(started)
    commits: list[int] = []

    for _ in range(4):
        recorder.tick(kept.NOW + 80)
        _written(ledger)
        checks = ledger.load(kept.NOW).checks.values()
        commits.append(sum(record.started == kept.NOW + 1 for record in checks))

    assert commits == [CHUNK, CHUNK * 2, CHUNK * 2 + 5, CHUNK * 2 + 5]


async def test_a_clean_stop_writes_everything_that_waits(open_ledger: Callable[..., Ledger]) -> None:
    clock = Clock()
    ledger = await asyncio.to_thread(open_ledger, clock=clock)
    recorder = _recorder(ledger, clock)
    for started in (kept.NOW, kept.NOW + 5):
        recorder.take(kept.result(started=started, found=kept.assessment(started - kept.NOW)), State.OK)
    clock.now += 30

    await recorder.stop()
    await asyncio.to_thread(ledger.close)

    again = await asyncio.to_thread(open_ledger)
    state = again.load(clock.now)
    assert state.checks["hemel-router/snmp", "hemel"].assessment.readings[0].value == 5.0
    assert state.last_life is not None
    assert (state.last_life.start, state.last_life.end, state.last_life.clean) == (kept.NOW, clock.now, True)


def test_after_a_kill_spans_end_where_the_agent_was_last_known_alive(open_ledger: Callable[..., Ledger]) -> None:
    ledger = open_ledger()
    recorder = _recorder(ledger)
    recorder.take(kept.result(), State.OK)
    recorder.tick(kept.NOW + 45)
    _written(ledger)
    alive = ledger.reader.spans_between(0, 1e12)
    ledger.close()  # without the recorder's own clean end

    again = open_ledger(clock=lambda: kept.NOW + 300)

    assert alive == (Span(kept.CAUSE, kept.NOW + 0.25, kept.NOW + 45, State.OK, "", ledger.run),)
    assert again.reader.spans_between(0, 1e12) == (replace(alive[0], run=None),)
    lives = again.reader.lives_between(0, kept.NOW + 300)
    assert [(life.start, life.end, life.clean) for life in lives] == [(kept.NOW, kept.NOW + 45, False)]


def test_a_check_that_stops_coming_leaves_a_gap_while_the_agent_lives_on(ledger: Ledger) -> None:
    recorder = _recorder(ledger)
    recorder.take(kept.result(), State.OK)

    for second in range(0, 400, 15):
        recorder.tick(kept.NOW + second)
    _written(ledger)

    (span,) = ledger.reader.spans_between(0, 1e12)
    assert (span.end, span.run) == (kept.NOW + 0.25, None)


def test_a_cause_has_one_span_at_a_time_when_an_alert_begins_and_ends(ledger: Ledger) -> None:
    recorder = _recorder(ledger)
    recorder.take(kept.result(), State.OK)
    recorder.take(kept.result(started=kept.NOW + 60, found=kept.assessment(0.93, State.WARNING)), State.WARNING)
    recorder.judged(Judgement((kept.alert(level=AlertLevel.PENDING),)), kept.NOW + 60.5)
    recorder.take(kept.result(started=kept.NOW + 120), State.OK)
    recorder.judged(Judgement((kept.alert(level=AlertLevel.CLEAR, state=State.OK),)), kept.NOW + 120.5)
    recorder.take(kept.result(started=kept.NOW + 180), State.OK)
    recorder.judged(Judgement(forgotten=(kept.CAUSE,)), kept.NOW + 180.5)
    recorder.take(kept.result(started=kept.NOW + 240), State.OK)
    recorder.tick(kept.NOW + 241)
    _written(ledger)

    spans = ledger.reader.spans_between(0, 1e12)

    assert [(span.start - kept.NOW, span.state) for span in spans] == [
        (0.25, State.OK),
        (60.5, State.WARNING),
        (120.5, State.OK),
        (180.5, State.OK),
    ]
    assert all(first.end == second.start for first, second in pairwise(spans))


def test_a_restart_repeats_no_change_that_was_written_before(open_ledger: Callable[..., Ledger]) -> None:
    first = open_ledger()
    before = _recorder(first)
    before.take(kept.result(), State.OK)
    before.tick(kept.NOW)
    first.close()
    second = open_ledger()
    recorder = _recorder(second)
    recorder.restore(second.load(kept.NOW))

    recorder.take(kept.result(started=kept.NOW + 60), State.OK)
    _written(second, recorder)

    assert _runs(second) == [("ok", None)]


def test_a_note_is_kept_through_runs_that_bring_none(ledger: Ledger) -> None:
    recorder = _recorder(ledger)
    noted = kept.assessment()
    recorder.take(kept.result(found=type(noted)(noted.findings, memory=Memory(1, "members: 2"))), State.OK)

    recorder.take(kept.result(started=kept.NOW + 60, found=kept.assessment(0.9, State.WARNING)), State.WARNING)
    _written(ledger, recorder)

    assert ledger.load(kept.NOW).checks["hemel-router/snmp", "hemel"].memory == Memory(1, "members: 2")


def test_a_check_taken_out_of_the_estate_is_forgotten(ledger: Ledger) -> None:
    recorder = _recorder(ledger)
    recorder.take(kept.result(), State.OK)
    recorder.take(kept.result(started=kept.NOW + 1), State.OK)

    recorder.forget([("hemel-router/snmp", "hemel"), ("never/seen", "hemel")])
    recorder.tick(kept.NOW + 100)
    _written(ledger)

    assert ledger.load(kept.NOW).checks == {}
    assert [span.run for span in ledger.reader.spans_between(0, 1e12)] == [None]


def test_peaks_are_written_with_the_check_and_bounded(ledger: Ledger) -> None:
    recorder = _recorder(ledger, peak_series=1)
    for value in (0.5, 0.9, 0.2):
        recorder.take(kept.result(found=kept.assessment(value)), State.OK)
    recorder.take(kept.result("other/snmp"), State.OK)
    recorder.take(kept.result("other/snmp"), State.OK)

    recorder.tick(kept.NOW + 100)
    _written(ledger)

    (peak,) = ledger.reader.peaks("2026-09-21", "2026-09-21")
    assert peak == Peak("2026-09-21", kept.MEMORY.name, "hemel-router", "[]", 0.2, 0.9)
    assert recorder.series_left_out == 1


def test_a_steady_alert_is_as_fresh_after_a_restart_as_its_checks_results(ledger: Ledger) -> None:
    contributions = {"hemel-router/snmp": State.WARNING}
    ledger.writer.submit(Batch(alerts=(kept.alert(contributions=contributions),))).result(30)
    recorder = _recorder(ledger)
    recorder.take(kept.result(found=kept.assessment(0.93, State.WARNING)), State.WARNING)
    recorder.take(kept.result(started=kept.NOW + 3_600, found=kept.assessment(0.94, State.WARNING)), State.WARNING)
    recorder.tick(kept.NOW + 3_700)
    _written(ledger)

    alert = ledger.load(kept.NOW + 3_700).alerts[kept.CAUSE]

    assert (alert.last_result, alert.fresh_until) == (kept.NOW + 3_600, kept.NOW + 3_600 + 160)


def test_an_alert_is_not_made_fresh_by_a_result_that_did_not_cover_it(ledger: Ledger) -> None:
    contributions = {"hemel-router/snmp": State.WARNING}
    ledger.writer.submit(Batch(alerts=(kept.alert(contributions=contributions),))).result(30)
    elsewhere = kept.assessment(key="snmp/cpu")
    record = kept.check_record(started=kept.NOW + 3_600, assessment=elsewhere)

    ledger.writer.submit(Batch(checks=(record,))).result(30)

    assert ledger.load(kept.NOW + 3_700).alerts[kept.CAUSE].last_result == kept.NOW


def _runs(ledger: Ledger) -> list[tuple[str, str | None]]:
    table = tables.runs
    rows = ledger.reader.read(lambda c: c.execute(select(table.c.state, table.c.fault).order_by(table.c.id)).all())
    return [(row.state, row.fault) for row in rows]
