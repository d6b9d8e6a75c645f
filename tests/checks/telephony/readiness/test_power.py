"""What telephony runs on, how long it would last, how old its batteries are, and who tells it."""

from __future__ import annotations

import pytest

from checks.contract import Reason, State, covered
from checks.telephony.readiness.answers import Ups
from testbeds.readiness import NOON, UPS, bad, mute, readings, round_of, said, ups

ONE = {"power": {"forum-ups": {"feeds": "controller"}}}


def judged(one: Ups, **more: object) -> dict[str, State]:
    return bad(round_of(ONE | more, power={"forum-ups": one}))


def test_a_ups_on_the_mains_with_a_reserve_is_well_and_measured() -> None:
    assessment = round_of(ONE, power={"forum-ups": ups()})

    assert bad(assessment) == {}
    assert readings(assessment)["power_runtime_seconds", "forum-ups"] == 5_400
    assert readings(assessment)["power_on_battery", "forum-ups"] == 0


def test_on_battery_calls_run_against_the_clock() -> None:
    assessment = round_of(ONE, power={"forum-ups": ups(source=5, minutes=41)})

    assert bad(assessment) == {"emergency_readiness/power/forum-ups": State.WARNING}
    assert "run on battery, 41 minutes are left" in said(assessment, "emergency_readiness/power/forum-ups")
    assert readings(assessment)["power_on_battery", "forum-ups"] == 1
    assert judged(ups(source=5, minutes=14)) == {"emergency_readiness/power/forum-ups": State.CRITICAL}


def test_with_a_check_of_its_own_the_ups_has_the_incident_and_only_the_reserve_is_told_here() -> None:
    assessment = round_of(ONE, power={"forum-ups": ups(source=5, minutes=41, own="snmp")})

    assert bad(assessment) == {}
    assert "its own check snmp has the incident" in said(assessment, "emergency_readiness/power/forum-ups")
    assert judged(ups(minutes=20, own="snmp")) == {"emergency_readiness/runtime/forum-ups": State.WARNING}
    assert judged(ups(own="snmp", _7_3=3)) == {}


@pytest.mark.parametrize(("minutes", "expected"), [(14, State.CRITICAL), (None, State.WARNING)])
def test_on_battery_the_end_of_telephony_is_told_here_whoever_has_the_incident_of_the_ups(
    minutes: int | None, expected: State
) -> None:
    found = judged(ups(source=5, minutes=minutes, own="snmp"))

    assert found == {"emergency_readiness/runtime/forum-ups": expected}


@pytest.mark.parametrize("own", ["", "snmp"])
def test_a_reserve_that_is_too_short_is_not_called_well_while_it_is_used(own: str) -> None:
    key = "emergency_readiness/runtime/forum-ups"

    used = round_of(ONE, power={"forum-ups": ups(source=5, minutes=41, own=own)})
    back = round_of(ONE, power={"forum-ups": ups(minutes=41, own=own)})

    assert not covered(used.covers, key) and covered(back.covers, key)
    assert bad(back) == {key: State.WARNING}


@pytest.mark.parametrize(
    ("minutes", "wanted", "expected"),
    [(60, 60, None), (59, 60, State.WARNING), (None, 60, State.UNKNOWN), (1, 0, None), (-1, 60, State.UNKNOWN)],
)
def test_the_reserve_is_as_long_as_is_wanted_or_it_is_said(
    minutes: int | None, wanted: int, expected: State | None
) -> None:
    found = judged(ups(minutes=minutes), runtime_minutes=wanted, runtime_critical_minutes=0)

    assert found.get("emergency_readiness/runtime/forum-ups") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (2, State.CRITICAL),
        (4, State.WARNING),
        (1, State.UNKNOWN),
        (99, State.UNKNOWN),
        (None, State.UNKNOWN),
        (6, None),
    ],
)
def test_without_protection_or_without_knowing_it_is_not_well(source: int | None, expected: State | None) -> None:
    assert judged(ups(source=source)).get("emergency_readiness/power/forum-ups") == expected


@pytest.mark.parametrize("source", [None, 99, 1])
def test_what_is_not_known_is_said_even_where_the_ups_has_a_check_of_its_own(source: int | None) -> None:
    assert judged(ups(source=source, own="snmp"))["emergency_readiness/power/forum-ups"] is State.UNKNOWN


def test_a_silent_ups_is_unknown_under_its_name_and_keeps_what_was_known() -> None:
    assessment = round_of(ONE, power={"forum-ups": Ups(fault=mute())})

    assert bad(assessment) == {"pair/member/forum-ups": State.UNKNOWN}
    assert not covered(assessment.covers, "emergency_readiness/power/forum-ups")
    assert judged(Ups(fault=mute(Reason.AUTHENTICATION))) == {"emergency_readiness/power/forum-ups": State.UNKNOWN}


def test_a_battery_that_is_to_be_replaced_does_not_hide_a_power_cut() -> None:
    worn = ups(_7_3=3, source=5, minutes=41)
    assert worn.answers is not None
    worn.answers.rows[f"{UPS}.6.2.1.2"]["1"] = f"{UPS}.6.3.1"

    assert judged(worn) == {
        "emergency_readiness/power/forum-ups": State.WARNING,
        "emergency_readiness/battery/forum-ups": State.WARNING,
    }
    assert "battery to be replaced" in said(
        round_of(ONE, power={"forum-ups": worn}), "emergency_readiness/battery/forum-ups"
    )


def test_what_ends_the_output_is_told_with_the_power_cut_that_causes_it() -> None:
    ending = ups(source=5, minutes=2, _2_1=3)
    assert ending.answers is not None
    ending.answers.rows[f"{UPS}.6.2.1.2"]["1"] = f"{UPS}.6.3.23"

    assert judged(ending) == {"emergency_readiness/power/forum-ups": State.CRITICAL}


def test_a_ups_that_was_read_in_part_only_closes_nothing() -> None:
    whole = ups()
    assessment = round_of(ONE, power={"forum-ups": Ups(whole.answers, mute(Reason.LIMIT))})

    assert bad(assessment) == {"emergency_readiness/power/forum-ups": State.UNKNOWN}
    assert not covered(assessment.covers, "emergency_readiness/battery/forum-ups")
    assert not covered(assessment.covers, "emergency_readiness/runtime/forum-ups")


def test_an_old_battery_or_one_that_failed_its_test_is_told() -> None:
    old = {"power": {"forum-ups": {"battery_replaced": "2022-11-01"}}}

    assert bad(round_of(old, power={"forum-ups": ups(own="snmp")})) == {
        "emergency_readiness/battery/forum-ups": State.WARNING
    }
    assert bad(round_of(old | {"battery_years": 5}, power={"forum-ups": ups()})) == {}
    assert judged(ups(_7_3=3)) == {"emergency_readiness/battery/forum-ups": State.WARNING}
    assert readings(round_of(old, power={"forum-ups": ups()}, at=NOON))[
        "power_battery_replaced_timestamp_seconds", "forum-ups"
    ] == pytest.approx(1_667_260_800)


def test_a_battery_that_will_be_replaced_is_a_wrong_date_and_not_a_new_battery() -> None:
    future = {"power": {"forum-ups": {"battery_replaced": "2027-11-01"}}}
    assessment = round_of(future, power={"forum-ups": ups()})

    assert bad(assessment) == {"emergency_readiness/battery/forum-ups": State.WARNING}
    assert "yet to come" in said(assessment, "emergency_readiness/battery/forum-ups")
