"""When licences end, by how their use grows."""

from __future__ import annotations

import pytest

from checks.contract import Assessment, State, covered
from checks.telephony.mitel.note import unpacked
from testbeds.mitel import NOW, assessed, bad, business, readings, said

KEY = "mitel/forecast/users"
DAY = 86_400.0


def days(used: list[int], bought: int | None = 200, **options: float) -> list[Assessment]:
    """A poll a day with so many user licences in use of those bought; None: it did not say how many."""
    memory, found = None, []
    for day, count in enumerate(used):
        more = {"_1_2_2": count} | ({} if bought is None else {"_1_2_1": bought})
        at = NOW + day * DAY
        found.append(assessed(business(uptime=DAY * (30 + day), _1_2_4=16, **more), memory, at, **options))
        memory = found[-1].memory or memory
    return found


GROWING = [100 + 2 * day for day in range(30)]


def test_a_use_that_grows_is_a_warning_before_the_licences_end() -> None:
    found = days(GROWING)

    assert bad(found[-1]) == {KEY: State.WARNING}
    assert said(found[-1], KEY).startswith("user licences in use will reach 200 about 2027-")
    full = readings(found[-1])["licences_full_timestamp_seconds", "users"]
    assert (full - found_at(len(GROWING))) / DAY == pytest.approx(21, abs=3)


def found_at(count: int) -> float:
    return NOW + (count - 1) * DAY


def test_less_than_two_weeks_say_nothing() -> None:
    assert KEY not in {finding.key for finding in days(GROWING[:13])[-1].findings}


def test_a_use_that_does_not_grow_is_well_and_has_no_date() -> None:
    found = days([100] * 20)[-1]

    assert bad(found) == {} and "is not in sight" in said(found, KEY)
    assert ("licences_full_timestamp_seconds", "users") not in readings(found)


def test_the_estate_says_how_long_before() -> None:
    assert bad(days(GROWING, licence_lead_days=5)[-1]) == {}


def test_what_the_limit_itself_says_is_not_said_twice() -> None:
    assert bad(days([165 + day for day in range(30)])[-1]) == {"mitel/user_licences": State.WARNING}


def test_more_that_are_bought_end_it() -> None:
    memory = days(GROWING)[-1].memory

    assert bad(assessed(business(_1_2_1=2_000, _1_2_2=160), memory, NOW + 30 * DAY)) == {}


def test_licences_of_which_none_are_bought_have_no_end() -> None:
    found = days(GROWING, bought=0)[-1]

    assert bad(found) == {} and KEY not in {finding.key for finding in found.findings}
    assert covered(found.covers, KEY) and covered(found.may_go, KEY)


def test_a_warning_is_not_taken_back_because_the_number_bought_was_not_told() -> None:
    memory = days(GROWING)[-1].memory

    silent = assessed(business(_1_2_2=160), memory, NOW + 30 * DAY)

    assert not covered(silent.covers, KEY)


def test_the_peaks_of_days_are_remembered_of_licences_that_have_a_limit() -> None:
    found = days(GROWING)[-1]

    assert set(unpacked(found.memory).trends) == {"users"}
