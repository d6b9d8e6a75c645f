"""Days as they are in London, the long and the short one among them."""

from __future__ import annotations

from datetime import date

import pytest

from agent.evidence.period import london, period_of, utc

NOW = 1_795_000_000.0
"""2026-11-18 11:06 UTC."""


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 3, 30), 24), (date(2025, 10, 26), 25)])
def test_a_day_has_as_many_hours_as_it_had_in_london(day: date, hours: int) -> None:
    period = period_of(day, day, NOW)

    assert period.end - period.start == hours * 3600


def test_the_last_day_is_included() -> None:
    period = period_of(date(2026, 6, 1), date(2026, 6, 2), NOW)

    assert (utc(period.start), utc(period.end)) == ("2026-05-31T23:00:00Z", "2026-06-02T23:00:00Z")


def test_what_has_not_happened_yet_is_not_asked_for() -> None:
    assert period_of(date(2026, 11, 1), date(2026, 12, 31), NOW).end == NOW


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        (date(2026, 6, 2), date(2026, 6, 1), "is before"),
        (date(2027, 1, 1), date(2027, 1, 2), "has not begun"),
        (date(2020, 1, 1), date(2026, 1, 1), "three years"),
    ],
)
def test_days_that_make_no_time_are_refused(first: date, last: date, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        period_of(first, last, NOW)


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    assert [london(at) for at in ("2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z")] == [
        "2025-10-26 01:30 BST", "2025-10-26 01:30 GMT",
    ]  # fmt: skip
