"""Phones on their backup controller, and what is known of them after a restart."""

from __future__ import annotations

import pytest

from checks.contract import Assessment, Memory, State, covered
from checks.telephony.mitel.note import Note, unpacked
from testbeds.mitel import IPERA, NOW, assessed, bad, business, index_of, readings, said

KEY = "mitel/resilience/controller-a"
HERE = {"controller-a": 1}
LOST = {KEY: State.UNKNOWN}


def after_a_restart(**options: float) -> Assessment:
    """Phones were here, and ten minutes later the table is empty and the uptime small."""
    return assessed(business(uptime=120), assessed(business(resiliency=HERE)).memory, NOW + 600, **options)


@pytest.mark.parametrize(
    ("status", "state"), [(1, State.WARNING), (2, State.WARNING), (3, State.OK), (4, State.UNKNOWN)]
)
def test_the_first_two_statuses_mean_that_redundancy_is_lost(status: int, state: State) -> None:
    assessment = assessed(business(resiliency={"controller-a": status}))

    assert bad(assessment).get(KEY, State.OK) is state
    assert said(assessment, KEY).count("controller-a") >= 1 and index_of("controller-a") not in said(assessment, KEY)
    assert ("redundancy lost" in said(assessment, KEY)) is (state is State.WARNING)


def test_the_name_of_the_primary_is_read_from_the_index_and_from_its_column() -> None:
    answers = business(resiliency=HERE)
    (index,) = answers.snmp.rows[f"{IPERA}.4.1.1.5"]
    answers.snmp.rows[f"{IPERA}.4.1.1.1"][index] = "controller-a"

    assert bad(assessed(answers)) == bad(assessed(business(resiliency=HERE))) == {KEY: State.WARNING}
    assert readings(assessed(answers))["resilient_sets_active", "controller-a"] == 1


def test_a_row_that_goes_without_a_restart_clears() -> None:
    opened = assessed(business(resiliency=HERE))

    cleared = assessed(business(uptime=86_460), opened.memory, NOW + 60)

    assert bad(cleared) == {}
    assert covered(cleared.covers, KEY) and covered(cleared.may_go, KEY)


def test_a_restart_makes_it_unknown_and_it_stays_so() -> None:
    first = after_a_restart()
    second = assessed(business(uptime=90_000), first.memory, NOW + 90_480)

    assert bad(first) == bad(second) == LOST
    assert "its table is lost" in said(first, KEY)


def test_a_status_that_nobody_knows_is_not_forgotten_at_a_restart_either() -> None:
    opened = assessed(business(resiliency={"controller-a": 4}))

    assert bad(assessed(business(uptime=120), opened.memory, NOW + 600)) == LOST


def test_it_is_proved_when_the_phones_come_again_and_go() -> None:
    lost = after_a_restart()
    again = assessed(business(uptime=180, resiliency=HERE), lost.memory, NOW + 660)
    gone = assessed(business(uptime=240), again.memory, NOW + 720)

    assert [bad(one) for one in (again, gone)] == [{KEY: State.WARNING}, {}]


def test_it_is_proved_when_the_system_says_that_they_went_back() -> None:
    back = assessed(business(uptime=180, resiliency={"controller-a": 3}), after_a_restart().memory, NOW + 660)

    assert bad(back) == {}
    assert bad(assessed(business(uptime=240), back.memory, NOW + 720)) == {}


def test_the_estate_may_say_how_long_it_takes_phones_to_come_again() -> None:
    lost = after_a_restart(resilience_settles_minutes=30)
    before = assessed(business(uptime=1_800), lost.memory, NOW + 2_280, resilience_settles_minutes=30)
    after = assessed(business(uptime=1_980), lost.memory, NOW + 2_460, resilience_settles_minutes=30)

    assert [bad(one) for one in (lost, before, after)] == [LOST, LOST, {}]


def test_a_restart_at_a_poll_without_the_table_is_not_forgotten() -> None:
    cut = business(uptime=60)
    cut.snmp.cut.extend((f"{IPERA}.4.1.1.5", f"{IPERA}.4.1.1.1"))
    partial = assessed(cut, assessed(business(resiliency=HERE)).memory, NOW + 600, whole=False)
    then = assessed(business(uptime=120), partial.memory, NOW + 660)

    assert not covered(partial.covers, KEY)
    assert bad(then) == LOST


def test_a_restart_long_over_is_seen_though_the_uptime_is_above_the_noted_one() -> None:
    opened = assessed(business(uptime=100, resiliency=HERE))

    assert bad(assessed(business(uptime=5_000), opened.memory, NOW + 90_000)) == LOST


def test_an_uptime_that_wraps_after_497_days_is_no_restart() -> None:
    assert not Note(at=NOW, uptime=2**32 / 100 - 30).restarted(30, NOW + 60)


def test_a_note_of_many_long_names_is_small_enough_to_be_kept() -> None:
    names = {str(number) + "é" * 60 for number in range(200)}

    memory = Note(at=NOW, open=frozenset(names), lost=dict.fromkeys(names, NOW)).packed(Note())

    assert memory is not None and len(memory.text) < 65_536
    assert unpacked(memory).open < names


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"values": 3}', "null"])
def test_a_damaged_note_is_an_empty_one(text: str) -> None:
    assert unpacked(Memory(1, text)) == Note()
