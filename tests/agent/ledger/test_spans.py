"""Spans: written when something changes, never while nothing does; gaps show."""

from __future__ import annotations

from dataclasses import replace

from agent.ledger.batch import Span
from agent.ledger.spans import Seen, SpanTracker, flags_of
from agent.records import Cause, Judgement
from checks.contract import Finding, State
from testbeds import kept

MEMORY = kept.CAUSE
CPU = replace(MEMORY, condition="snmp/cpu")


def _found(**states: State) -> tuple[Finding, ...]:
    return tuple(Finding(f"snmp/{name}", state, "text") for name, state in states.items())


def _see(tracker: SpanTracker, seen: Seen | None, at: float, **states: State) -> Seen:
    return tracker.found(seen, MEMORY.council, MEMORY.subject, _found(**states), at)


def test_the_first_result_opens_a_span_that_this_run_holds() -> None:
    tracker = SpanTracker("run-1")

    _see(tracker, None, 10.0, memory=State.OK)

    assert tracker.take() == (Span(MEMORY, 10.0, 10.0, State.OK, "", "run-1"),)


def test_as_long_as_nothing_changes_nothing_is_written() -> None:
    tracker = SpanTracker("run-1")
    seen = _see(tracker, None, 10.0, memory=State.OK, cpu=State.OK)
    tracker.take()

    again = [_see(tracker, seen, 10.0 + number, memory=State.OK, cpu=State.OK) for number in range(100)]

    assert tracker.take() == ()
    assert all(one is seen for one in again)


def test_a_change_of_one_key_ends_its_span_and_leaves_the_others() -> None:
    tracker = SpanTracker("run-1")
    seen = _see(tracker, None, 10.0, memory=State.OK, cpu=State.OK)
    tracker.take()

    _see(tracker, seen, 70.0, memory=State.UNSUPPORTED, cpu=State.OK)

    assert tracker.take() == (
        Span(MEMORY, 10.0, 70.0, State.OK, "", None),
        Span(MEMORY, 70.0, 70.0, State.UNSUPPORTED, "", "run-1"),
    )


def test_a_key_that_is_no_longer_told_leaves_a_gap_until_it_is_told_again() -> None:
    tracker = SpanTracker("run-1")
    seen = _see(tracker, None, 10.0, memory=State.OK)
    seen = _see(tracker, seen, 70.0)
    ended = tracker.take()

    _see(tracker, seen, 130.0, memory=State.OK)

    assert ended == (Span(MEMORY, 10.0, 70.0, State.OK, "", None),)
    assert tracker.take() == (Span(MEMORY, 130.0, 130.0, State.OK, "", "run-1"),)


def test_an_alert_takes_its_cause_over_from_the_check() -> None:
    tracker = SpanTracker("run-1")
    seen = _see(tracker, None, 10.0, memory=State.OK, cpu=State.OK)
    tracker.take()

    tracker.judged(Judgement((kept.alert(MEMORY, state=State.WARNING),)), 70.0)
    seen = _see(tracker, seen, 70.0, memory=State.WARNING, cpu=State.OK)
    seen = _see(tracker, seen, 130.0, memory=State.CRITICAL, cpu=State.OK)

    assert set(tracker.take()) == {
        Span(MEMORY, 10.0, 70.0, State.OK, "", None),
        Span(MEMORY, 70.0, 70.0, State.WARNING, "", "run-1"),
    }


def test_a_flag_of_the_alert_makes_a_span_of_its_own() -> None:
    tracker = SpanTracker("run-1")
    tracker.judged(Judgement((kept.alert(state=State.CRITICAL),)), 10.0)
    tracker.take()

    tracker.judged(Judgement((kept.alert(state=State.CRITICAL, maintenance="MNT-1", stale=True),)), 70.0)

    assert tracker.take() == (
        Span(MEMORY, 10.0, 70.0, State.CRITICAL, "", None),
        Span(MEMORY, 70.0, 70.0, State.CRITICAL, "maintenance,stale", "run-1"),
    )


def test_a_forgotten_alert_hands_its_cause_back_to_the_check() -> None:
    tracker = SpanTracker("run-1")
    tracker.judged(Judgement((kept.alert(state=State.OK),)), 10.0)
    seen = _see(tracker, None, 10.0, memory=State.OK)
    tracker.take()

    tracker.judged(Judgement(forgotten=(MEMORY,)), 70.0)
    _see(tracker, seen, 70.0, memory=State.OK)

    assert set(tracker.take()) == {
        Span(MEMORY, 10.0, 70.0, State.OK, "", None),
        Span(MEMORY, 70.0, 70.0, State.OK, "", "run-1"),
    }


def test_a_withdrawn_cause_ends() -> None:
    tracker = SpanTracker("run-1")
    tracker.judged(Judgement((kept.alert(), kept.alert(CPU))), 10.0)
    tracker.take()

    tracker.judged(Judgement(withdrawn=(MEMORY,), renamed=((CPU, Cause("dacorum", "new", "snmp/cpu")),)), 70.0)

    assert {(span.cause, span.end, span.run) for span in tracker.take()} == {(MEMORY, 70.0, None), (CPU, 70.0, None)}


def test_a_check_without_fresh_results_ends_what_it_held() -> None:
    tracker = SpanTracker("run-1")
    seen = _see(tracker, None, 10.0, memory=State.OK, cpu=State.OK)
    tracker.take()

    tracker.lost(seen, 70.0)

    assert {(span.cause, span.end, span.run) for span in tracker.take()} == {(MEMORY, 70.0, None), (CPU, 70.0, None)}


def test_the_alerts_of_an_earlier_life_go_on_from_the_start_of_this_one() -> None:
    tracker = SpanTracker("run-2")

    tracker.restore([kept.alert(state=State.CRITICAL, flapping=True)], 500.0)

    assert tracker.take() == (Span(MEMORY, 500.0, 500.0, State.CRITICAL, "flapping", "run-2"),)


def test_flags_are_sorted_and_complete() -> None:
    alert = kept.alert(stale=True, flapping=True, maintenance="M", suppressed_by=CPU)

    assert flags_of(alert) == "flapping,maintenance,stale,suppressed"
