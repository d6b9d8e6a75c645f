"""The trend of daily peaks: what moves it and what must not."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from checks.trends.history import days_of, text_of
from checks.trends.trend import FEWEST, WINDOW, Day, Trend, trend_of

TODAY = 739_950
amount = st.floats(0.01, 1_000_000, allow_nan=False)
lengths = st.integers(FEWEST, WINDOW)
seeds = st.integers(0, 2**32)


def numbered(peaks: list[float]) -> list[Day]:
    """The peaks as those of the days up to yesterday."""
    return [(TODAY - len(peaks) + place, peak) for place, peak in enumerate(peaks)]


def told(peaks: list[float]) -> Trend:
    trend = trend_of(numbered(peaks), TODAY)
    assert trend is not None
    return trend


@given(lengths, amount, st.floats(0.001, 1.0))
def test_a_straight_line_is_found_exactly(days: int, start: float, share: float) -> None:
    slope = start * share / days

    trend = told([start + slope * day for day in range(days)])

    assert trend.slope == pytest.approx(slope, rel=1e-6)
    assert trend.level == pytest.approx(start + slope * days, rel=1e-6)
    assert trend.low == pytest.approx(slope, rel=1e-6) and trend.high == pytest.approx(slope, rel=1e-6)
    assert trend.rising and trend.goes_on and trend.span == days


@given(lengths, st.integers(0, WINDOW), st.floats(-1e9, 1e9, allow_nan=False), st.floats(0.01, 10))
def test_one_absurd_day_moves_nothing(days: int, where: int, absurd: float, slope: float) -> None:
    peaks = [100 + slope * day for day in range(days)]
    without = told(peaks)
    peaks[where % days] = absurd

    trend = told(peaks)

    assert trend.slope == pytest.approx(without.slope)
    assert trend.level == pytest.approx(without.level)
    assert trend.rising


@given(lengths, amount)
def test_what_is_constant_does_not_rise(days: int, peak: float) -> None:
    trend = told([peak] * days)

    assert (trend.slope, trend.level) == (0, peak)
    assert not trend.rising and not trend.goes_on


@given(st.lists(amount, min_size=FEWEST, max_size=WINDOW))
def test_what_falls_or_stays_never_rises(peaks: list[float]) -> None:
    trend = told(sorted(peaks, reverse=True))

    assert trend.slope <= 0
    assert not trend.rising


@given(lengths, st.integers(1, WINDOW - 1), amount, amount)
def test_a_step_is_no_trend_wherever_it_stands(days: int, where: int, before: float, more: float) -> None:
    assume(where < days)

    trend = told([before + (more if day >= where else 0) for day in range(days)])

    assert not trend.rising
    assert before <= trend.level <= (before + more) * 1.000001


@given(seeds)
def test_noise_around_a_rise_does_not_hide_it(seed: int) -> None:
    rng = Random(seed)

    trend = told([50 + day + rng.uniform(-2, 2) for day in range(WINDOW)])

    assert trend.rising
    assert trend.slope == pytest.approx(1, abs=0.15)


@given(seeds, lengths)
def test_the_bounds_stand_around_the_slope_and_the_surer_ones_wider(seed: int, days: int) -> None:
    rng = Random(seed)

    trend = told([rng.gauss(50, 10) for _ in range(days)])

    assert trend.low <= trend.likely <= trend.slope <= trend.high


@given(seeds, st.floats(0.001, 1e6), st.floats(-1e6, 1e6))
def test_another_unit_and_another_zero_change_nothing_else(seed: int, scale: float, zero: float) -> None:
    rng = Random(seed)
    peaks = [rng.gauss(50, 10) + day for day in range(30)]
    plain = told(peaks)

    other = told([scale * peak + zero for peak in peaks])

    close = 1e-4 * (scale + abs(zero) * 1e-6)
    assert other.slope == pytest.approx(scale * plain.slope, abs=close)
    assert other.level == pytest.approx(scale * plain.level + zero, rel=1e-6, abs=close)


@given(st.lists(st.floats(-1e6, 1e6), min_size=FEWEST, max_size=WINDOW), st.integers(-300_000, 300_000))
def test_it_does_not_matter_which_year_it_is(peaks: list[float], years: int) -> None:
    here = told(peaks)

    there = trend_of([(at + years, peak) for at, peak in numbered(peaks)], TODAY + years)

    assert there is not None
    assert (there.slope, there.low, there.high, there.level) == (here.slope, here.low, here.high, here.level)


@pytest.mark.parametrize("days", range(FEWEST))
def test_fewer_than_two_weeks_tell_nothing(days: int) -> None:
    assert trend_of(numbered([float(day) for day in range(days)]), TODAY) is None


@settings(max_examples=50)
@given(st.sets(st.integers(0, WINDOW - 1), max_size=WINDOW))
def test_a_history_with_gaps_is_told_only_where_three_quarters_of_it_are_known(gaps: set[int]) -> None:
    known = [(at, 1.0 * at) for n, at in enumerate(range(TODAY - WINDOW, TODAY)) if n not in gaps]

    trend = trend_of(known, TODAY)

    if trend is not None:
        there = [at for at, _ in known if at >= known[-1][0] - trend.span + 1]
        assert len(there) >= 0.75 * trend.span and len(there) >= FEWEST
        assert known[-1][0] >= TODAY - 2
    if not gaps:
        assert trend is not None


def test_after_a_long_gap_only_what_came_since_counts() -> None:
    old = [(TODAY - 28 + day, 90.0) for day in range(3)]
    new = [(TODAY - 14 + day, 10.0 + day) for day in range(14)]

    trend = trend_of([*old, *new], TODAY)

    assert trend is not None and trend.span == 14
    assert trend.slope == pytest.approx(1)
    assert trend_of([*old, *new[1:]], TODAY) is None


def test_a_history_that_ended_days_ago_foretells_nothing() -> None:
    peaks = numbered([float(day) for day in range(30)])

    assert trend_of(peaks, TODAY + 1) is not None
    assert trend_of(peaks, TODAY + 2) is None


def test_a_rise_that_is_over_is_none_any_more_within_a_fortnight() -> None:
    over = next(
        days for days in range(1, 30) if not told([min(day, 27) * 1.0 for day in range(days, days + WINDOW)]).rising
    )

    assert over <= 14


@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0, 1e9)), max_size=WINDOW, unique_by=lambda day: day[0]))
def test_days_as_text_are_read_as_they_were_written(days: list[Day]) -> None:
    days = [(739_000 + at, peak) for at, peak in sorted(days)]

    read = days_of(text_of(days))

    assert [at for at, _ in read] == [at for at, _ in days]
    assert [peak for _, peak in read] == pytest.approx([peak for _, peak in days], rel=1e-3)


@given(st.text(max_size=200))
def test_a_damaged_text_of_days_is_read_as_far_as_it_is_one(text: str) -> None:
    assert len(days_of(text)) <= WINDOW
