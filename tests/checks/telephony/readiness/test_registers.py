"""Address records and lines: who has to see to what, and how many days are left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from checks.contract import State, covered
from checks.telephony.readiness.answers import Kept, System
from testbeds.readiness import bad, mute, readings, round_of, said, system

FORUM = {"name": "Forum", "address": "The Forum, HP1 1DN", "owner": "telephony team", "reviewed": "2025-11-30"}
LIFT = {"name": "lift", "kind": "analogue", "used_for": "lift", "owner": "facilities"}
TRUNK = {"name": "trunk", "kind": "isdn30", "owner": "telephony team", "migrated": "2026-05-04"}


def on(day: str) -> float:
    return datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"reviewed": "2025-11-29"}, "was to be reviewed by 29 November 2026, 1 day ago"),
        ({"reviewed": "2025-11-29", "review_every": 24}, None),
        ({"reviewed": None}, "was never reviewed"),
        ({"reviewed": "2026-12-01"}, "yet to come"),
        ({"owner": ""}, "has no owner"),
    ],
)
def test_an_address_record_is_in_order_or_its_owner_is_told(change: dict[str, Any], expected: str | None) -> None:
    assessment = round_of({"locations": [FORUM | change]})

    if expected is None:
        assert bad(assessment) == {}
    else:
        assert bad(assessment) == {"emergency_readiness/location/forum": State.WARNING}
        assert expected in said(assessment, "emergency_readiness/location/forum")
        assert (change.get("owner", "telephony team") or "nobody") in said(
            assessment, "emergency_readiness/location/forum"
        )


def test_overdue_reviews_are_counted_and_a_mended_record_may_go() -> None:
    late = round_of({"locations": [FORUM | {"reviewed": "2024-01-01"}, FORUM | {"name": "Tring"}]})

    assert readings(late)["emergency_location_reviews_overdue",] == 1
    assert covered(late.covers, "emergency_readiness/location/tring") and covered(
        late.may_go, "emergency_readiness/location/tring"
    )


@pytest.mark.parametrize(
    ("today", "state"),
    [
        ("2026-11-01", State.OK),
        ("2026-11-02", State.WARNING),
        ("2026-12-31", State.WARNING),
        ("2027-01-01", State.CRITICAL),
        ("2027-01-31", State.CRITICAL),
        ("2027-02-01", State.CRITICAL),
    ],
)
def test_the_countdown_grows_worse_as_the_switch_off_comes(today: str, state: State) -> None:
    assessment = round_of({"lines": [LIFT, TRUNK]}, at=on(today))

    assert bad(assessment).get("emergency_readiness/switch_off", State.OK) is state
    assert "1 of 2 lines are not migrated" in said(assessment, "emergency_readiness/switch_off")
    assert "lift (lift)" in said(assessment, "emergency_readiness/switch_off")


def test_lines_are_counted_by_kind_and_all_that_are_migrated_end_it() -> None:
    assessment = round_of({"lines": [LIFT, TRUNK]})
    done = round_of({"lines": [LIFT | {"migrated": "2026-11-30"}, TRUNK]})
    planned = round_of({"lines": [LIFT | {"migrated": "2026-12-01"}, TRUNK]})

    assert readings(assessment)["lines_not_migrated", "analogue"] == 1
    assert readings(assessment)["lines_not_migrated", "isdn30"] == 0
    assert readings(assessment)["lines_switch_off_timestamp_seconds",] == on("2027-01-31") - 12 * 3600
    assert bad(done) == {}
    assert bad(planned) == {"emergency_readiness/switch_off": State.WARNING}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"owner": ""}, "has no owner"),
        ({"plan": "2026-11-29"}, "was to be migrated by 29 November 2026, 1 day ago"),
        ({"plan": "2027-02-01"}, "after the switch-off"),
    ],
)
def test_a_line_without_owner_or_with_a_plan_that_fails_is_told(change: dict[str, Any], words: str) -> None:
    assessment = round_of({"lines": [LIFT | change]})

    assert bad(assessment)["emergency_readiness/line/lift"] is State.WARNING
    assert words in said(assessment, "emergency_readiness/line/lift")


ISDN = {"in_service": {"isdn": {"kind": "isdn30", "category": "T1/E1*"}}}
AFTER = on("2027-02-01")


def isdn(one: System, at: float, lines: list[dict[str, Any]]) -> dict[str, State]:
    found = bad(round_of(ISDN | {"lines": lines}, systems={"": one}, at=at))
    return {key: state for key, state in found.items() if key != "emergency_readiness/switch_off"}


def test_a_category_may_be_in_service_until_its_lines_are_migrated_or_the_day_has_come() -> None:
    alive, dead = system([("T1/E1 trunk", 1, 30, 0)]), system([("T1/E1 trunk", 4, 0, 30)])
    left = [TRUNK | {"migrated": None}]

    assert isdn(alive, on("2026-11-30"), left) == {}
    assert isdn(alive, on("2026-11-30"), [TRUNK]) == {"emergency_readiness/in_service/isdn": State.WARNING}
    assert isdn(alive, AFTER, left) == {"emergency_readiness/in_service/isdn": State.WARNING}
    assert isdn(dead, AFTER, left) == {}


def test_while_the_register_cannot_be_read_nothing_is_said_of_what_must_have_ended() -> None:
    told = ISDN | {"records": "/etc/ridgeway/emergency.yaml"}
    alive, unread = system([("T1/E1 trunk", 1, 30, 0)]), Kept(fault="it cannot be read")

    before = round_of(told, systems={"": alive}, records=unread)
    after = round_of(told, systems={"": alive}, records=unread, at=AFTER)

    assert not covered(before.covers, "emergency_readiness/in_service/isdn")
    assert bad(after)["emergency_readiness/in_service/isdn"] is State.WARNING


def test_a_category_that_is_not_listed_is_gone_only_where_clear_ones_are_listed() -> None:
    assert isdn(system([("SIP Link", 1, 4, 0)]), AFTER, [TRUNK]) == {}
    assert isdn(system(), AFTER, [TRUNK]) == {"emergency_readiness/in_service/isdn": State.UNKNOWN}
    assert isdn(system(cut=True), AFTER, [TRUNK]) == {"emergency_readiness/in_service/isdn": State.UNKNOWN}


def test_a_controller_of_lines_that_does_not_answer_is_unknown_under_its_name() -> None:
    told = {"in_service": {"isdn": ISDN["in_service"]["isdn"] | {"target": "controller"}}, "lines": [TRUNK]}
    assessment = round_of(told, systems={"controller": System(fault=mute())})

    assert bad(assessment) == {"pair/member/controller": State.UNKNOWN}


def test_records_that_cannot_be_read_are_unknown_and_close_nothing() -> None:
    assessment = round_of({"records": "/etc/ridgeway/emergency.yaml"}, records=Kept(fault="it cannot be read"))

    assert bad(assessment) == {"emergency_readiness/records": State.UNKNOWN}
    assert not covered(assessment.covers, "emergency_readiness/location/forum")
    assert not covered(assessment.covers, "emergency_readiness/switch_off")
    assert readings(assessment) == {}


def test_the_summary_reads_as_a_sentence_and_names_what_nobody_declared() -> None:
    assessment = round_of({"locations": [FORUM | {"reviewed": None}], "lines": [LIFT]})

    assert said(assessment, "emergency_readiness/readiness") == (
        "1 of 1 address records are overdue for review; 1 of 1 lines are not migrated, the switch-off is in 62 days. "
        "Nobody declared: routes for 999, power"
    )
