"""Phones that go all at once, and come back: by the numbers of their category, whatever the system calls it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.contract import Assessment, Memory, State, covered
from checks.telephony.mitel import MitelOptions
from checks.telephony.mitel.note import unpacked
from testbeds.mitel import IPERA, NOW, assessed, bad, business, readings, said

KEY, CATEGORY = "mitel/fleet/IP Sets", "mitel/category/IP Sets"
WARNING, CRITICAL = State.WARNING, State.CRITICAL
DAY = 86_400.0


def polls(
    *counts: int | tuple[int, int], total: int = 400, every: float = 60.0, uptimes: list[float] | None = None,
    memory: Memory | None = None, **options: Any,
) -> list[Assessment]:  # fmt: skip
    """Polls of a system with so many sets out of service, or with the level of their category before that."""
    found = []
    for number, count in enumerate(counts):
        level, absent = count if isinstance(count, tuple) else (1, count)
        uptime = 30 * DAY + number * every if uptimes is None else uptimes[number]
        answers = business(1, [("IP Sets", level, total - absent, absent), ("SIP Link", 1, 2, 0)], uptime=uptime)
        found.append(assessed(answers, memory, NOW + number * every, fleet=options))
        memory = found[-1].memory or memory
    return found


def states(found: list[Assessment]) -> list[dict[str, State]]:
    """What is bad of the sets; a level that does not fit the categories is another thing."""
    return [{key: state for key, state in bad(one).items() if key in (KEY, CATEGORY)} for one in found]


def test_sets_that_go_at_once_are_a_warning_until_they_are_back_though_the_system_stays_clear() -> None:
    found = polls(3, 3, 48, 48, 20, 8, 3)

    assert states(found) == [{}, {}, {KEY: WARNING}, {KEY: WARNING}, {KEY: WARNING}, {}, {}]
    assert said(found[2], KEY).startswith("IP Sets: 45 of 400 sets went out of service together and are not back")


def test_a_quarter_of_all_is_critical_and_fewer_are_a_warning_again() -> None:
    assert states(polls(0, 120, 60, 0)) == [{}, {KEY: CRITICAL}, {KEY: WARNING}, {}]


def test_sets_that_stay_away_stay_bad_however_long() -> None:
    assert states(polls(0, 48, *[48] * 30, every=3600))[-1] == {KEY: WARNING}


def test_sets_that_go_one_by_one_are_no_mass_and_neither_is_what_always_was_away() -> None:
    assert states(polls(*range(0, 60, 1), every=120)) == [{}] * 60
    assert states(polls(90, 90, 90)) == [{}] * 3


@pytest.mark.parametrize(("counts", "total"), [((0, 9), 40), ((0, 40), 1000)], ids=["few", "small share"])
def test_a_few_sets_or_a_small_share_of_many_are_none(counts: tuple[int, int], total: int) -> None:
    assert states(polls(*counts, total=total)) == [{}, {}]


def test_a_drop_in_steps_within_the_window_counts_as_one() -> None:
    assert states(polls(0, 8, 16, 24)) == [{}, {}, {}, {KEY: WARNING}]


def test_a_dip_is_forgotten_when_its_window_is_over() -> None:
    assert states(polls(0, 15, *[15] * 12, 29, every=60))[-1] == {}


def test_the_estate_says_what_is_many() -> None:
    assert states(polls(0, 4, total=20, sets=3, minutes=5)) == [{}, {KEY: WARNING}]
    assert states(polls(0, 90, categories=("DNIC*",))) == [{}, {}]
    with pytest.raises(ValidationError, match="must not be below share"):
        MitelOptions.model_validate({"fleet": {"share": 0.5, "critical_share": 0.2}})


def test_a_category_that_is_bad_first_says_it_and_the_fleet_is_not_a_second_ticket() -> None:
    found = polls(0, (2, 48), (2, 48), 48, 0)

    assert states(found) == [{}, {CATEGORY: WARNING}, {CATEGORY: WARNING}, {KEY: WARNING}, {}]
    assert "48 of 400 sets went out of service" in said(found[1], CATEGORY)
    assert said(found[1], KEY) == "IP Sets: mitel/category/IP Sets says it"


def test_a_category_that_is_minor_is_critical_by_how_many_went() -> None:
    assert states(polls(0, (2, 200))) == [{}, {CATEGORY: CRITICAL}]


def test_a_fleet_that_spoke_first_speaks_on_when_the_system_calls_it_bad_too() -> None:
    found = polls(0, 48, (3, 48), (3, 48), (3, 2))

    assert states(found) == [{}, {KEY: WARNING}, {KEY: CRITICAL}, {KEY: CRITICAL}, {CATEGORY: CRITICAL}]
    assert said(found[2], CATEGORY) == "IP Sets: mitel/fleet/IP Sets says it"
    assert "level: major" in said(found[2], KEY)


def test_while_a_system_that_started_anew_settles_nothing_new_is_judged() -> None:
    found = polls(3, 390, 200, 3, uptimes=[DAY, 60, 120, 180])

    assert states(found) == [{}] * 4


def test_sets_that_do_not_come_back_after_a_start_are_missed_when_it_has_settled() -> None:
    found = polls(3, 390, 200, 3 + 48, uptimes=[DAY, 60, 360, 660], every=300)

    assert states(found) == [{}, {}, {}, {KEY: WARNING}]


def test_sets_that_were_missing_before_a_start_are_not_called_back_by_numbers_that_settle() -> None:
    found = polls(3, 60, 0, 60, 60, 3, uptimes=[DAY, DAY + 300, 60, 360, 660, 960], every=300)

    assert states(found) == [{}, *[{KEY: WARNING}] * 4, {}]
    assert "is awaited" in said(found[2], KEY)


def test_a_category_that_is_not_listed_any_more_is_over() -> None:
    opened = polls(0, 48)[-1]

    gone = assessed(business(uptime=30 * DAY + 120), opened.memory, NOW + 120)

    assert bad(gone) == {} and covered(gone.covers, KEY) and covered(gone.may_go, KEY)
    assert unpacked(gone.memory).fleet == {}


def test_a_table_that_was_cut_short_leaves_everything_as_it_was() -> None:
    opened = polls(0, 48)[-1]
    answers = business(1, [("IP Sets", 1, 352, 0)], uptime=30 * DAY + 120)
    answers.snmp.cut.append(f"{IPERA}.2.4.1.3")

    partial = assessed(answers, opened.memory, NOW + 120, whole=False)

    assert KEY not in {finding.key for finding in partial.findings} and not covered(partial.covers, KEY)
    assert unpacked(partial.memory or opened.memory).fleet == unpacked(opened.memory).fleet


def test_sets_are_counted_over_all_categories_of_sets() -> None:
    rows = [("IP Sets", 1, 352, 48), ("DNIC Sets", 1, 10, 2), ("Reset", 1, 1, 1)]

    shown = readings(assessed(business(1, rows)))

    assert (shown["sets_registered",], shown["sets_unavailable",]) == (362, 50)
    assert ("sets_registered",) not in readings(assessed(business()))


def test_a_system_that_lists_no_sets_says_that_they_are_not_watched() -> None:
    words = "no category that counts sets is listed"

    assert words in said(assessed(business(1, [("Telephones", 1, 9, 0)])), "mitel/system")
    assert words not in said(polls(3)[0], "mitel/system")
    assert words not in said(assessed(business(), fleet={"categories": ()}), "mitel/system")


def test_nothing_is_written_down_while_nothing_changes() -> None:
    found = polls(3, 3, 3)

    first, second = unpacked(found[0].memory), found[1].memory
    assert first.fleet["IP Sets"].steps == ((NOW, 3),)
    assert second is None or unpacked(second).fleet == first.fleet


@settings(deadline=None, max_examples=30)
@given(counts=st.lists(st.integers(0, 400), min_size=1, max_size=60))
def test_the_least_of_the_window_is_what_a_rise_is_measured_from_and_what_is_kept_is_bounded(counts: list[int]) -> None:
    found = polls(*counts, every=120, minutes=10, sets=401)

    steps = (
        unpacked(found[-1].memory or next(one.memory for one in reversed(found) if one.memory)).fleet["IP Sets"].steps
    )
    assert len(steps) <= 32
    assert min(counts[-5:]) >= steps[0][1] == min(absent for _, absent in steps)
    assert steps[-1][1] == counts[-1]
