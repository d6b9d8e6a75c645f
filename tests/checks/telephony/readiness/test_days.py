"""Days and months as calendars have them, for whatever day and clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.telephony.readiness.days import begins, day_of, in_days, months_later, spelt
from checks.telephony.readiness.records import Location
from checks.telephony.readiness.registers import due, overdue

DAYS = st.dates(date(1990, 1, 1), date(2200, 1, 1))


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 11, 30), 0, date(2026, 11, 30)),
        (date(9999, 12, 1), 1, date.max),
    ],
)
def test_months_later_is_the_same_day_or_the_last_of_a_shorter_month(day: date, months: int, later: date) -> None:
    assert months_later(day, months) == later


@given(DAYS, st.integers(0, 240))
def test_months_later_lands_in_that_month_and_never_before_the_day(day: date, months: int) -> None:
    later = months_later(day, months)

    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day <= day.day
    assert later.day == day.day or (later + timedelta(days=1)).day == 1


@given(DAYS, DAYS, st.integers(0, 120))
def test_an_earlier_day_never_falls_due_later(one: date, other: date, months: int) -> None:
    assert months_later(min(one, other), months) <= months_later(max(one, other), months)


@given(DAYS, st.integers(1, 120), DAYS)
def test_a_review_is_overdue_from_the_day_after_it_was_due(reviewed: date, months: int, today: date) -> None:
    location = Location(name="here", owner="team", reviewed=reviewed, review_every=months)

    assert overdue(location, today) is (today > due(location))
    assert not overdue(location, due(location))
    assert overdue(location, due(location) + timedelta(days=1))


@given(DAYS)
def test_a_day_begins_where_the_day_before_ends(day: date) -> None:
    assert day_of(begins(day)) == day
    assert day_of(begins(day) - 1) == day - timedelta(days=1)
    assert begins(day + timedelta(days=1)) - begins(day) in (23 * 3600, 24 * 3600, 25 * 3600)


@given(st.floats(allow_nan=False))
def test_any_moment_has_a_day(moment: float) -> None:
    assert date.min < day_of(moment) < date.max


def test_in_summer_the_day_begins_an_hour_earlier_than_in_utc() -> None:
    before_midnight_utc = datetime(2026, 7, 14, 23, 30, tzinfo=UTC).timestamp()

    assert day_of(before_midnight_utc) == date(2026, 7, 15)
    assert spelt(date(2027, 1, 31)) == "31 January 2027"
    assert [in_days(number) for number in (2, 1, 0, -1, -2)] == [
        "in 2 days", "in 1 day", "today", "1 day ago", "2 days ago",
    ]  # fmt: skip
