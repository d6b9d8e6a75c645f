"""A check that asks further targets: what it says of one that is away is the same cause as that one's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.records import AlertLevel, Cause
from checks.contract import INPUT, State
from config.estate import Target
from testbeds.judging import NO_ANSWER, Stage, all_of, check, estate, finding, reach, target

MEMBER = f"{INPUT}fw-b"
ABOUT_B = Cause("dacorum", "firewall", MEMBER)
B, PAIR, LINK = reach("fw-b"), reach("firewall"), reach("link")


def firewall() -> Target:
    pair = replace(check("firewall", "pair"), inputs=("fw-a", "fw-b"))
    return target("firewall", pair, check("firewall"))


def quiet(name: str, needs: str | None = None) -> Target:
    """A member without checks of its own."""
    return replace(target(name, needs=all_of(needs) if needs else None), checks=())


def away(stage: Stage, **said: float) -> None:
    stage.result("firewall/pair", finding(MEMBER, State.WARNING), **said)  # type: ignore[arg-type]  # only `after`


def test_a_member_without_checks_of_its_own_is_told_by_the_pair_alone() -> None:
    stage = Stage(estate(quiet("fw-a"), quiet("fw-b"), firewall()))

    away(stage, after=60)
    away(stage, after=60)

    assert [incident.cause for incident in stage.live()] == [ABOUT_B]


@pytest.mark.parametrize("first", ["pair", "icmp"])
def test_a_member_with_checks_of_its_own_that_dies_is_one_incident_whoever_sees_it_first(first: str) -> None:
    stage = Stage(estate(target("fw-a"), target("fw-b"), firewall()))
    stage.good("firewall/icmp")
    stage.good("fw-b/icmp")

    for _ in range(3):
        if first == "pair":
            away(stage, after=30)
        stage.lost("fw-b/icmp", after=15)
        if first == "icmp":
            away(stage, after=30)
        stage.good("firewall/icmp", after=15)

    assert [incident.cause for incident in stage.live()] == [B]
    assert stage.level(ABOUT_B) is AlertLevel.HELD
    assert stage.alerts[ABOUT_B].suppressed_by == B


def test_a_member_that_answers_other_checks_is_told_by_the_pair() -> None:
    stage = Stage(estate(target("fw-a"), target("fw-b"), firewall()))

    for _ in range(3):
        away(stage, after=30)
        stage.good("fw-b/icmp", after=15)

    assert [incident.cause for incident in stage.live()] == [ABOUT_B]


def test_what_is_left_when_the_member_answers_again_opens_then() -> None:
    stage = Stage(estate(target("fw-a"), target("fw-b"), firewall()))
    for _ in range(3):
        away(stage, after=30)
        stage.lost("fw-b/icmp", after=15)

    for _ in range(3):
        away(stage, after=30)
        stage.good("fw-b/icmp", after=15)

    assert (stage.level(B), stage.level(ABOUT_B)) == (AlertLevel.CLEAR, AlertLevel.FIRING)


def test_a_member_behind_a_link_that_is_away_is_the_link_s() -> None:
    stage = Stage(estate(target("link"), quiet("fw-a"), quiet("fw-b", "link"), firewall()))

    for _ in range(3):
        away(stage, after=30)
        stage.lost("link/icmp", after=15)

    assert [incident.cause for incident in stage.live()] == [LINK]


def test_it_holds_after_a_restart() -> None:
    stage = Stage(estate(target("fw-a"), target("fw-b"), firewall()))
    for _ in range(3):
        away(stage, after=30)
        stage.lost("fw-b/icmp", after=15)

    stage.crash()
    away(stage, after=30)
    stage.lost("fw-b/icmp", after=15)

    assert [incident.cause for incident in stage.live()] == [B]


def test_no_member_left_is_one_incident_with_the_shared_address() -> None:
    stage = Stage(estate(quiet("fw-a"), quiet("fw-b"), firewall()))
    stage.good("firewall/icmp")

    for _ in range(3):
        stage.result("firewall/pair", fault=replace(NO_ANSWER, condition="snmp/no-answer"), after=30)
        stage.lost("firewall/icmp", after=30)

    assert [incident.cause for incident in stage.live()] == [PAIR]


def test_the_same_key_of_a_check_that_asks_nobody_else_blames_nobody() -> None:
    stage = Stage(estate(target("fw-b"), target("firewall", check("firewall", "pair"))))
    stage.lost("fw-b/icmp", after=15, times=3)

    away(stage, after=30)
    away(stage, after=30)

    assert {incident.cause for incident in stage.live()} == {B, ABOUT_B}
