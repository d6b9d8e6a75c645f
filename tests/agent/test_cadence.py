"""When checks are due: properties of phases, and the real clock changes of 2026 in London."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.cadence import BUCKET, next_due, next_in_period, phase, valid_for
from config.cron import next_fire
from config.estate import Cron, Every

PERIODS = st.sampled_from([1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86_400.0])
MOMENTS = st.floats(min_value=1.6e9, max_value=2.5e9)
NAMES = st.text(min_size=1, max_size=40)


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _runs(expression: str, start: str, count: int) -> list[str]:
    runs, moment = [], _at(start)
    for _ in range(count):
        moment = next_fire(Cron(expression, "Europe/London"), moment)
        runs.append(datetime.fromtimestamp(moment, UTC).strftime("%d %H:%M"))
    return runs


@given(NAMES, PERIODS)
def test_a_phase_lies_in_its_period_on_a_bucket_and_is_always_the_same(name, seconds):
    first = phase(name, seconds)

    assert 0 <= first < seconds
    assert first % BUCKET == 0
    assert phase(name, seconds) == first


@given(NAMES, PERIODS, MOMENTS)
def test_the_next_run_is_later_within_a_period_and_at_the_phase(name, seconds, now):
    due = next_due(Every(seconds), name, now)

    assert now < due <= now + seconds
    assert math.isclose((due - phase(name, seconds)) % seconds % seconds, 0.0, abs_tol=1e-5)


@given(NAMES, PERIODS, MOMENTS, st.floats(min_value=0, max_value=1))
def test_a_restart_anywhere_within_a_period_moves_no_run(name, seconds, now, share):
    due = next_due(Every(seconds), name, now)
    restart = now + share * (due - now)
    assume(restart < due)

    assert next_due(Every(seconds), name, restart) == due


@given(st.floats(min_value=0.3, max_value=1e5), MOMENTS)
def test_periods_that_are_no_multiple_of_a_bucket_make_progress_too(seconds, now):
    first = next_in_period(seconds, phase("x", seconds), now)
    second = next_in_period(seconds, phase("x", seconds), first)

    assert first < second <= first + seconds * 1.001


def test_a_thousand_checks_are_spread_over_their_minute():
    fullest = [0] * 60
    for number in range(6000):
        fullest[int(phase(f"target-{number}/snmp", 60.0))] += 1

    assert min(fullest) > 60
    assert max(fullest) < 150


def test_a_run_at_a_time_that_spring_skips_happens_once_right_after_the_gap():
    # 29 March 2026: 01:00 GMT becomes 02:00 BST
    assert _runs("30 1 * * *", "2026-03-28T12:00Z", 3) == ["29 01:00", "30 00:30", "31 00:30"]


def test_a_run_at_a_time_that_autumn_repeats_happens_once():
    # 25 October 2026: 02:00 BST (01:00 UTC) becomes 01:00 GMT
    assert _runs("30 1 * * *", "2026-10-24T12:00Z", 3) == ["25 00:30", "26 01:30", "27 01:30"]


@pytest.mark.parametrize("start", ["2026-10-25T00:30Z", "2026-10-25T01:00Z", "2026-10-25T01:15Z", "2026-10-25T01:30Z"])
def test_a_start_inside_the_repeated_hour_does_not_run_the_past_again(start):
    assert _runs("30 1 * * *", start, 1) == ["26 01:30"]


def test_a_run_every_half_hour_goes_on_through_both_changes():
    assert _runs("*/30 * * * *", "2026-03-29T00:15Z", 3) == ["29 00:30", "29 01:00", "29 01:30"]
    assert _runs("*/30 * * * *", "2026-10-25T00:15Z", 4) == ["25 00:30", "25 01:00", "25 01:30", "25 02:00"]


@given(st.floats(min_value=_at("2026-10-24T20:00Z"), max_value=_at("2026-10-25T06:00Z")))
def test_a_cron_run_is_always_in_the_future(now):
    for expression in ("30 1 * * *", "*/7 * * * *", "0 */2 * * *"):
        assert next_fire(Cron(expression, "Europe/London"), now) > now


def test_a_result_is_valid_for_two_and_a_half_periods_or_until_the_next_run_but_one():
    nightly = Cron("0 3 * * *", "Europe/London")

    assert valid_for(Every(60.0), 5.0, 0.0) == 155.0
    assert valid_for(nightly, 20.0, _at("2026-06-01T02:00Z")) == 2 * 86_400 + 20
    # over the night of 25 October a day has 25 hours
    assert valid_for(nightly, 20.0, _at("2026-10-24T02:00Z")) == 49 * 3600 + 20
