"""Working hours of people in England, and when they are told of something."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.calendar import bank_holidays, due, is_open, next_open
from config.estate import WakeClass, WorkingHours

_LONDON = ZoneInfo("Europe/London")
_OFFICE = WorkingHours("Europe/London", dict.fromkeys(range(5), (time(8, 45), time(17, 15))))
_WEEK = WorkingHours("Europe/London", dict.fromkeys(range(7), (time(9), time(17))))


def _at(text: str) -> float:
    """A moment as local London time; an offset in the text decides where the time exists twice."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=_LONDON)).timestamp()


def _local(moment: float) -> str:
    return datetime.fromtimestamp(moment, _LONDON).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-23T08:44:59", False),
        ("2026-11-23T08:45", True),
        ("2026-11-23T17:14:59", True),
        ("2026-11-23T17:15", False),
        ("2026-11-21T12:00", False),
        ("2026-07-01T08:45", True),
    ],
    ids=["just-before", "opens", "last-second", "closes", "saturday", "summer-time"],
)
def test_working_hours_begin_and_end_to_the_second(moment: str, expected: bool) -> None:
    assert is_open(_OFFICE, _at(moment)) is expected


@pytest.mark.parametrize(
    ("asked", "opens"),
    [
        # Good Friday and Easter Monday 2026 are 3 and 6 April.
        ("2026-04-02T17:15", "2026-04-07T08:45+01:00"),
        # Christmas Day 2026 is a Friday; Boxing Day, a Saturday, has its substitute on Monday the 28th.
        ("2026-12-24T17:15", "2026-12-29T08:45+00:00"),
        # 2027: both on a weekend, substitutes on the 27th and 28th.
        ("2027-12-24T17:15", "2027-12-29T08:45+00:00"),
        # New Year's Day 2028 is a Saturday, its substitute the 3rd.
        ("2027-12-31T17:15", "2028-01-04T08:45+00:00"),
        ("2026-11-20T17:15", "2026-11-23T08:45+00:00"),
        ("2026-11-23T03:00", "2026-11-23T08:45+00:00"),
    ],
    ids=["easter", "christmas-2026", "christmas-2027", "new-year-2028", "weekend", "early"],
)
def test_the_next_opening_is_after_the_holidays(asked: str, opens: str) -> None:
    assert _local(next_open(_OFFICE, _at(asked))) == opens


def test_a_council_closes_on_days_of_its_own_and_may_ignore_bank_holidays() -> None:
    closed = WorkingHours("Europe/London", _OFFICE.days, closed=frozenset({"2026-12-29", "2026-12-30", "2026-12-31"}))
    always = WorkingHours("Europe/London", _OFFICE.days, bank_holidays=False)

    assert _local(next_open(closed, _at("2026-12-24T17:15"))) == "2027-01-04T08:45+00:00"
    assert is_open(always, _at("2026-12-25T10:00"))


def test_a_saturday_rota_is_closed_on_boxing_day_itself_and_on_its_substitute() -> None:
    assert not is_open(_WEEK, _at("2026-12-26T10:00"))
    assert not is_open(_WEEK, _at("2026-12-28T10:00"))
    assert is_open(_WEEK, _at("2026-12-27T10:00"))


def test_the_nights_of_the_clock_changes_have_the_length_they_have() -> None:
    night = WorkingHours("Europe/London", {6: (time(0), time(6))})

    spring = next_open(night, _at("2026-03-28T12:00")), _at("2026-03-29T06:00")
    autumn = next_open(night, _at("2026-10-24T12:00")), _at("2026-10-25T06:00")

    assert spring[1] - spring[0] == 5 * 3600
    assert autumn[1] - autumn[0] == 7 * 3600
    assert is_open(night, _at("2026-10-25T01:30+00:00"))


def test_a_day_may_end_at_midnight() -> None:
    late = WorkingHours("Europe/London", {0: (time(13), time(0))})

    assert is_open(late, _at("2026-11-23T23:59:59"))
    assert not is_open(late, _at("2026-11-24T00:00"))
    assert not is_open(late, _at("2026-11-23T00:00"))


def test_where_nothing_ever_opens_people_are_told_at_once() -> None:
    never = WorkingHours("Europe/London", {})

    assert next_open(never, 1_000_000.0) == 1_000_000.0


@pytest.mark.parametrize(
    ("wake", "asked", "told"),
    [
        (WakeClass.NOW, "2026-12-25T02:00", "2026-12-25T02:00+00:00"),
        (WakeClass.MORNING, "2026-11-23T02:00", "2026-11-23T07:00+00:00"),
        (WakeClass.MORNING, "2026-11-23T07:00", "2026-11-23T07:00+00:00"),
        (WakeClass.MORNING, "2026-11-23T14:00", "2026-11-23T14:00+00:00"),
        (WakeClass.MORNING, "2026-11-23T22:00", "2026-11-24T07:00+00:00"),
        (WakeClass.MORNING, "2026-12-25T02:00", "2026-12-25T07:00+00:00"),
        (WakeClass.MORNING, "2026-03-29T00:30", "2026-03-29T07:00+01:00"),
        (WakeClass.MORNING, "2026-10-24T23:00", "2026-10-25T07:00+00:00"),
        (WakeClass.WORKING_HOURS, "2026-11-23T10:00", "2026-11-23T10:00+00:00"),
        (WakeClass.WORKING_HOURS, "2026-11-20T18:00", "2026-11-23T08:45+00:00"),
        (WakeClass.DIGEST, "2026-11-23T10:00", "2026-11-24T08:45+00:00"),
        (WakeClass.DIGEST, "2026-11-23T08:45", "2026-11-24T08:45+00:00"),
        (WakeClass.DIGEST, "2026-04-02T10:00", "2026-04-07T08:45+01:00"),
    ],
)
def test_the_wake_class_says_when_a_person_is_told(wake: WakeClass, asked: str, told: str) -> None:
    assert _local(due(wake, _OFFICE, _at(asked))) == told


@given(st.sampled_from(list(WakeClass)), st.floats(1_700_000_000, 1_900_000_000))
def test_nobody_is_told_before_there_is_something_to_tell(wake: WakeClass, now: float) -> None:
    moment = due(wake, _OFFICE, now)

    assert moment >= now
    if wake is WakeClass.WORKING_HOURS:
        assert is_open(_OFFICE, moment)


def test_the_bank_holidays_are_those_of_england() -> None:
    days = bank_holidays(2026)

    assert date(2026, 8, 31) in days
    assert date(2026, 8, 3) not in days  # Scotland's summer holiday
    assert date(2026, 3, 17) not in days  # Northern Ireland's
