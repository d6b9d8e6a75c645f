"""What lies behind what: children wait for their parents' answer, and hide behind them."""

import pytest

from agent.judge.dependency import UP, Answer, Standing, combine
from agent.records import AlertLevel, Cause, IncidentState
from checks.contract import State
from config.estate import Need
from testbeds.judging import (
    ISOLATED,
    ONCE,
    REFUSED,
    Stage,
    all_of,
    any_of,
    check,
    estate,
    finding,
    reach,
    target,
)

LINK, PHONE, PBX = reach("link"), reach("phone"), reach("pbx")


def site() -> Stage:
    """A link, a PBX behind it, a phone behind the PBX."""
    return Stage(estate(target("link"), target("pbx", needs=all_of("link")), target("phone", needs=all_of("pbx"))))


def test_a_child_whose_parent_was_not_asked_since_is_held_and_its_parent_asked() -> None:
    stage = site()
    stage.good("link/icmp")

    stage.lost("pbx/icmp", after=30, times=2)

    assert stage.level(PBX) is AlertLevel.HELD
    assert [wish.target for wish in stage.probes] == ["link"]
    assert not stage.live()


def test_a_child_opens_when_its_parent_was_asked_and_answers() -> None:
    stage = site()
    stage.lost("pbx/icmp", after=30, times=2)

    stage.good("link/icmp", after=1)

    assert stage.level(PBX) is AlertLevel.FIRING
    assert stage.incident(PBX).state is IncidentState.OPEN


def test_a_parent_that_is_just_failing_is_asked_again_until_it_is_decided() -> None:
    stage = site()
    stage.lost("pbx/icmp", after=30, times=2)

    stage.lost("link/icmp", after=1)
    while_undecided = stage.level(PBX)
    stage.wait(5, step=1)
    stage.lost("link/icmp", after=1)

    assert while_undecided is AlertLevel.HELD
    assert [wish.target for wish in stage.probes] == ["link", "link"]
    assert stage.judge.alerts[PBX].suppressed_by == LINK
    assert [one.cause for one in stage.live()] == [LINK]


def test_everything_behind_hides_behind_the_root_and_is_listed_in_its_incident() -> None:
    stage = site()
    for name in ("link", "pbx", "phone", "link", "pbx", "phone"):
        stage.lost(f"{name}/icmp", after=5)
    stage.wait(10, step=1)

    root = stage.incident(LINK)

    assert {alert.suppressed_by for cause, alert in stage.judge.alerts.items() if cause != LINK} == {LINK}
    assert stage.children[root.id] == {PBX, PHONE}
    assert root.hidden == 2
    assert [one.cause for one in stage.incidents.values()] == [LINK]


def test_a_child_that_is_still_bad_after_its_parents_return_opens_with_its_own_next_result() -> None:
    stage = site()
    for name in ("link", "pbx", "link", "pbx"):
        stage.lost(f"{name}/icmp", after=5)

    stage.good("link/icmp", after=5, times=2)
    on_return = stage.level(PBX)
    stage.lost("pbx/icmp", after=5)
    stage.good("link/icmp", after=5)

    assert on_return is AlertLevel.PENDING
    assert stage.level(PBX) is AlertLevel.FIRING


def test_a_child_that_came_back_with_its_parent_never_gets_an_incident() -> None:
    stage = site()
    for name in ("link", "pbx", "link", "pbx"):
        stage.lost(f"{name}/icmp", after=5)

    stage.good("link/icmp", after=5, times=2)
    stage.good("pbx/icmp", after=5, times=2)
    stage.wait(10, step=1)

    assert stage.level(PBX) is AlertLevel.CLEAR
    assert not stage.all_incidents(PBX)
    assert stage.incident(LINK).hidden == 0


def test_a_child_that_was_open_before_its_parent_died_stays_open_and_closes_by_its_own_results() -> None:
    stage = site()
    stage.lost("pbx/icmp", after=30, times=2)
    stage.good("link/icmp", after=1)

    stage.lost("link/icmp", after=30, times=2)
    while_parent_is_away = stage.incident(PBX).state
    stage.good("pbx/icmp", after=30, times=2)

    assert while_parent_is_away is IncidentState.OPEN
    assert stage.incident(PBX).state is IncidentState.RECOVERING


def test_a_finding_from_a_real_answer_is_not_muted_by_a_parent() -> None:
    stage = Stage(estate(target("link"), target("pbx", check("pbx", "snmp", open_after=ONCE), needs=all_of("link"))))
    stage.lost("link/icmp", after=30, times=2)

    stage.result("pbx/snmp", finding("snmp/memory", State.CRITICAL), after=5)

    assert stage.level(Cause("dacorum", "pbx", "snmp/memory")) is AlertLevel.FIRING


def test_a_refusal_is_an_answer_and_is_not_muted_by_a_parent() -> None:
    stage = Stage(estate(target("link"), target("pbx", check("pbx", "snmp", open_after=ONCE), needs=all_of("link"))))
    stage.lost("link/icmp", after=30, times=2)

    stage.result("pbx/snmp", fault=REFUSED, after=5)

    assert stage.level(Cause("dacorum", "pbx", "snmp/authentication")) is AlertLevel.FIRING


def test_with_one_of_two_ways_up_the_fault_is_the_childs_own() -> None:
    stage = Stage(estate(target("a"), target("b"), target("pbx", needs=any_of("a", "b"))))
    stage.lost("a/icmp", after=5, times=2)
    stage.lost("pbx/icmp", after=5, times=2)

    stage.good("b/icmp", after=1)

    assert stage.level(PBX) is AlertLevel.FIRING


def test_with_both_ways_down_the_child_hides_behind_the_first_whichever_fell_first() -> None:
    for order in (("a", "b"), ("b", "a")):
        stage = Stage(estate(target("a"), target("b"), target("pbx", needs=any_of("a", "b"))))
        for name in order:
            stage.lost(f"{name}/icmp", after=5, times=2)

        stage.lost("pbx/icmp", after=5, times=2)

        assert stage.judge.alerts[PBX].suppressed_by == reach("a")


def test_a_parent_that_never_answers_the_question_holds_an_opening_only_so_long() -> None:
    stage = site()
    stage.lost("pbx/icmp", after=30, times=2)

    stage.wait(60, step=1)

    assert stage.level(PBX) is AlertLevel.FIRING


def test_a_parent_without_checks_is_looked_through() -> None:
    patch = target("patch-panel", needs=all_of("link"))
    patch = type(patch)(**{name: getattr(patch, name) for name in patch.__slots__} | {"checks": ()})
    stage = Stage(estate(target("link"), patch, target("pbx", needs=all_of("patch-panel"))))
    stage.lost("link/icmp", after=5, times=2)

    stage.lost("pbx/icmp", after=5, times=2)

    assert stage.judge.alerts[PBX].suppressed_by == LINK


def test_what_is_hidden_stays_hidden_through_a_restart() -> None:
    stage = site()
    for name in ("link", "pbx", "link", "pbx"):
        stage.lost(f"{name}/icmp", after=5)

    stage.crash()
    stage.lost("pbx/icmp", after=5)
    stage.wait(120, step=10)

    assert stage.judge.alerts[PBX].suppressed_by == LINK
    assert not stage.all_incidents(PBX)


def test_an_opening_that_waits_for_an_answer_waits_on_after_a_restart() -> None:
    stage = site()
    stage.lost("pbx/icmp", after=30, times=2)

    stage.crash()
    stage.tick()
    asked_again = [wish.target for wish in stage.probes]
    stage.good("link/icmp", after=1)

    assert asked_again == ["link", "link"]
    assert stage.level(PBX) is AlertLevel.FIRING


def test_when_the_gateway_does_not_answer_the_agent_is_cut_off_and_nothing_else_is_said_to_be_dead() -> None:
    stage = Stage(estate(target("gate"), target("link"), target("pbx"), gateway="gate"))

    for name in ("link", "gate", "pbx", "link", "gate", "pbx"):
        stage.lost(f"{name}/icmp", after=3)

    assert [(one.cause, one.state) for one in stage.incidents.values()] == [(ISOLATED, IncidentState.OPEN)]
    assert {stage.judge.alerts[cause].state for cause in (LINK, PBX)} == {State.UNKNOWN}
    assert {stage.judge.alerts[cause].suppressed_by for cause in (LINK, PBX)} == {ISOLATED}


def test_the_gateway_is_asked_as_soon_as_anything_begins_to_fail() -> None:
    stage = Stage(estate(target("gate"), target("link"), gateway="gate"))

    stage.lost("link/icmp")

    assert [wish.target for wish in stage.probes] == ["gate"]


def test_an_incident_from_before_the_isolation_is_neither_closed_nor_repeated_by_it() -> None:
    stage = Stage(estate(target("gate"), target("link"), gateway="gate"))
    stage.lost("link/icmp", after=3, times=2)
    stage.good("gate/icmp", after=1)
    before = stage.incident(LINK)

    stage.lost("gate/icmp", after=3, times=2)
    stage.wait(900)

    assert stage.incident(LINK).state is before.state is IncidentState.OPEN
    assert len(stage.all_incidents(LINK)) == 1


def test_after_an_isolation_only_a_new_result_can_open_what_was_unknown() -> None:
    stage = Stage(estate(target("gate"), target("link"), gateway="gate"))
    for name in ("link", "gate", "link", "gate"):
        stage.lost(f"{name}/icmp", after=3)

    stage.good("gate/icmp", after=3, times=2)
    stage.wait(30, step=1)
    before = stage.level(LINK)
    stage.lost("link/icmp", after=3)
    stage.good("gate/icmp", after=1)

    assert before is AlertLevel.PENDING
    assert stage.level(LINK) is AlertLevel.FIRING


@pytest.mark.parametrize(
    ("need", "standing", "root"),
    [
        pytest.param(all_of("up", "up"), Standing.UP, None, id="all are up"),
        pytest.param(all_of("up", "down"), Standing.DOWN, "down", id="one of all is down"),
        pytest.param(all_of("wait", "down"), Standing.DOWN, "down", id="down needs no waiting for the rest"),
        pytest.param(all_of("up", "wait"), Standing.WAIT, None, id="one of all has not answered"),
        pytest.param(any_of("down", "up"), Standing.UP, None, id="one of any is up"),
        pytest.param(any_of("down", "wait"), Standing.WAIT, None, id="the last way may still be up"),
        pytest.param(any_of("down", "down2"), Standing.DOWN, "down", id="no way is left"),
        pytest.param(any_of("down", "recent"), Standing.RECENT, None, id="the last way was away a moment ago"),
        pytest.param(all_of("up", any_of("down", "wait")), Standing.WAIT, None, id="needs may be nested"),
    ],
)
def test_a_need_is_combined_from_its_parts(need: Need, standing: Standing, root: str) -> None:
    parts = {
        "up": UP,
        "wait": Answer(Standing.WAIT, ask=("wait",)),
        "recent": Answer(Standing.RECENT),
        "down": Answer(Standing.DOWN, root=reach("down")),
        "down2": Answer(Standing.DOWN, root=reach("down2")),
    }

    answer = combine(need, parts.__getitem__)

    assert answer.standing is standing
    assert answer.root == (reach(root) if root else None)
