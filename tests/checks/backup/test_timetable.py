"""When a run is due: cron, systemd's calendar, and the two nights a year on which London's clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup.timetable import Timetable, read_calendar

LONDON = ZoneInfo("Europe/London")
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


def at(*when: int) -> float:
    return datetime(*when, tzinfo=LONDON).timestamp()  # type: ignore[arg-type, misc]


def last(timetable: Timetable, now: float) -> datetime:
    due = timetable.last(now)
    assert due is not None
    return datetime.fromtimestamp(due.at, LONDON)


@pytest.mark.parametrize(
    "table", [Timetable(cron="30 22 * * *"), Timetable(calendar="*-*-* 22:30")], ids=["cron", "calendar"]
)
def test_every_night_of_two_years_is_due_at_its_wall_clock_time(table: Timetable) -> None:
    for day in range(730):
        now = (BEGIN + timedelta(days=day, hours=12)).timestamp()

        due = last(table, now)

        assert (due.hour, due.minute) == (22, 30)
        assert timedelta(0) <= datetime.fromtimestamp(now, LONDON) - due < timedelta(days=1, hours=2)


def test_a_time_that_does_not_exist_is_not_due() -> None:
    table = Timetable(cron="30 1 * * *")

    assert last(table, at(2026, 3, 29, 12)) == datetime(2026, 3, 28, 1, 30, tzinfo=LONDON)
    assert last(table, at(2026, 3, 30, 12)) == datetime(2026, 3, 30, 1, 30, tzinfo=LONDON)


def test_a_time_that_exists_twice_is_due_once_and_either_will_do() -> None:
    table = Timetable(cron="30 1 * * *")

    due = table.last(at(2026, 10, 25, 12))

    assert due is not None
    assert due.twice
    assert due.latest - due.at == 3600
    assert due.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()


@given(
    st.integers(0, 730 * 24 * 60),
    st.sampled_from(["0 3 * * *", "30 1 * * *", "15 */4 * * *", "0 2 1 * *", "0 22 * * 5"]),
)
def test_what_is_due_is_never_later_than_now_and_never_older_than_the_longest_gap(minutes: int, cron: str) -> None:
    table, now = Timetable(cron=cron), (BEGIN + timedelta(minutes=minutes)).timestamp()

    due = table.last(now)

    assert due is not None
    # The gap is longer by what the clocks are put back, or by a moment that does not exist.
    assert 0 <= now - due.at <= 2 * table.longest_gap() + 7200
    later = table.last(now + 60)
    assert later is not None
    assert later.at >= due.at


def test_a_calendar_expression_that_is_none_is_refused_with_how_one_is_written() -> None:
    with pytest.raises(ValueError, match=r'as in "Mon..Fri 22:00"'):
        read_calendar("every night")
    assert read_calendar("Mon..Fri 22:00") == "Mon..Fri 22:00"
