"""Routes for 999: one lost, all lost, not known, and a second one that nobody has."""

from __future__ import annotations

import pytest

from checks.contract import Memory, Reason, State, covered
from checks.telephony.readiness.answers import System
from checks.telephony.readiness.options import ReadinessOptions
from checks.telephony.readiness.routes import identity
from testbeds.readiness import TWO, bad, heard, mute, readings, round_of, said, system

BOTH_ANSWERED = Memory(
    1,
    '["'
    + '", "'.join(identity(n, r) for n, r in ReadinessOptions.model_validate({"routes": TWO}).routes.items())
    + '"]',
)
DOWN = heard(None)


def test_two_routes_that_answer_are_well_and_say_what_that_does_not_prove() -> None:
    assessment = round_of({"routes": TWO}, {"carrier-a": heard(200), "carrier-b": heard(403)})

    assert bad(assessment) == {}
    assert "not the carrier's to the emergency centre" in said(assessment, "emergency_readiness/routes")
    assert readings(assessment)["emergency_routes",] == 2
    assert readings(assessment)["emergency_routes_up",] == 2


def test_one_route_down_is_resilience_gone_under_the_name_of_its_target() -> None:
    assessment = round_of({"routes": TWO}, {"carrier-a": heard(), "carrier-b": DOWN}, memory=BOTH_ANSWERED)

    assert bad(assessment) == {"pair/member/trunk-b": State.WARNING}
    assert said(assessment, "pair/member/trunk-b").startswith("resilience of 999 gone: carrier-b is down")
    assert readings(assessment)["emergency_routes_up",] == 1


def test_no_route_up_is_critical_once_and_what_was_known_of_each_is_kept() -> None:
    assessment = round_of({"routes": TWO}, {"carrier-a": heard(503), "carrier-b": DOWN}, memory=BOTH_ANSWERED)

    assert bad(assessment) == {"emergency_readiness/routes": State.CRITICAL}
    assert "tell people to use mobiles" in said(assessment, "emergency_readiness/routes")
    assert not covered(assessment.covers, "pair/member/trunk-a")
    assert readings(assessment)["emergency_routes_up",] == 0


@pytest.mark.parametrize("status", [500, 503, 408, 504])
def test_a_route_that_would_refuse_a_call_for_its_own_trouble_is_not_up(status: int) -> None:
    assessment = round_of({"routes": TWO}, {"carrier-a": heard(status), "carrier-b": heard()})

    assert bad(assessment) == {"pair/member/trunk-a": State.WARNING}


def test_silence_of_one_that_never_answered_is_unknown_never_well() -> None:
    one = round_of({"routes": TWO}, {"carrier-a": heard(), "carrier-b": DOWN})
    both = round_of({"routes": TWO}, {"carrier-a": DOWN, "carrier-b": DOWN})

    assert bad(one) == {"pair/member/trunk-b": State.UNKNOWN}
    assert bad(both) == {"emergency_readiness/routes": State.UNKNOWN}


def test_who_has_answered_is_remembered_beyond_a_restart_and_forgotten_with_its_endpoint() -> None:
    first = round_of({"routes": TWO}, {"carrier-a": heard(), "carrier-b": heard()})
    moved = {"routes": TWO | {"carrier-b": {"target": "trunk-c", "sip": {}}}}

    assert first.memory == BOTH_ANSWERED
    assert bad(round_of({"routes": TWO}, {"carrier-a": heard(), "carrier-b": DOWN}, memory=first.memory)) == {
        "pair/member/trunk-b": State.WARNING
    }
    assert bad(round_of(moved, {"carrier-a": heard(), "carrier-b": DOWN}, memory=first.memory)) == {
        "pair/member/trunk-c": State.UNKNOWN
    }


@pytest.mark.parametrize("text", ["", "{}", "[1, {}]", "nonsense", "null", '"' * 99])
def test_a_damaged_note_is_an_empty_one(text: str) -> None:
    assessment = round_of({"routes": TWO}, {"carrier-a": heard(), "carrier-b": DOWN}, memory=Memory(1, text))

    assert bad(assessment) == {"pair/member/trunk-b": State.UNKNOWN}


def test_a_closed_port_is_down_and_a_name_without_address_is_not_known() -> None:
    refused = round_of({"routes": TWO}, {"carrier-a": heard(), "carrier-b": heard(None, Reason.REFUSED)})
    nameless = round_of({"routes": TWO}, {"carrier-a": heard(), "carrier-b": heard(None, Reason.NAME)})

    assert bad(refused) == {"pair/member/trunk-b": State.WARNING}
    assert bad(nameless) == {"pair/member/trunk-b": State.UNKNOWN}


def test_an_endpoint_is_up_while_one_of_its_addresses_is() -> None:
    some = {"carrier-a": heard(addresses=[None, 200]), "carrier-b": heard()}
    assessment = round_of({"routes": TWO}, some)

    assert bad(assessment) == {}
    assert "1 of its 2 addresses" in said(assessment, "pair/member/trunk-a")


def test_a_single_route_is_a_finding_that_stays() -> None:
    assessment = round_of({"routes": {"carrier-a": TWO["carrier-a"]}}, {"carrier-a": heard()})

    assert bad(assessment) == {"emergency_readiness/second_route": State.WARNING}


def test_two_ports_of_one_gateway_are_no_second_route() -> None:
    over_one = {"a": {"target": "gateway", "sip": {}}, "b": {"target": "gateway", "sip": {"transport": "tls"}}}
    assessment = round_of({"routes": over_one}, {"a": heard(), "b": heard()})

    assert bad(assessment) == {"emergency_readiness/second_route": State.WARNING}
    assert "run over gateway" in said(assessment, "emergency_readiness/second_route")


MIXED = {"carrier-a": TWO["carrier-a"], "isdn": {"category": "Lines*"}}


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        (("Lines", 1, 4, 0), {}),
        (("Lines", 2, 1, 3), {}),
        (("Lines", 4, 0, 4), {"emergency_readiness/route/isdn": State.WARNING}),
        (("Lines", 1, 0, 0), {"emergency_readiness/route/isdn": State.UNKNOWN}),
        (("Lines", 1, "four", 0), {"emergency_readiness/route/isdn": State.UNKNOWN}),
        (("Lines", 1, -1, 0), {"emergency_readiness/route/isdn": State.UNKNOWN}),
        (("SIP Link", 1, 4, 0), {"emergency_readiness/route/isdn": State.UNKNOWN}),
    ],
)
def test_a_category_is_up_while_something_of_it_is_available(
    category: tuple[str, int, int, int], expected: dict[str, State]
) -> None:
    assessment = round_of({"routes": MIXED}, {"carrier-a": heard()}, {"": system([category])})

    assert bad(assessment) == expected


def test_a_category_that_is_not_listed_is_well_only_on_a_system_that_lists_alarms_only_and_is_clear() -> None:
    told = {"routes": {"carrier-a": TWO["carrier-a"], "isdn": {"category": "Lines", "listed_in_alarm_only": True}}}

    def of(one: System) -> dict[str, State]:
        return bad(round_of(told, {"carrier-a": heard()}, {"": one}))

    unknown = {"emergency_readiness/route/isdn": State.UNKNOWN}
    assert of(system()) == {}
    assert of(system(level=3)) == unknown
    assert of(system([("SIP Link", 1, 4, 0)])) == unknown
    assert of(system(level=None)) == unknown
    assert of(system(cut=True)) == unknown


def test_a_controller_that_cannot_be_read_is_told_by_the_fault_and_counts_as_no_route() -> None:
    assessment = round_of({"routes": MIXED}, {"carrier-a": heard()}, {"": System(fault=mute())})

    assert bad(assessment) == {}
    assert not covered(assessment.covers, "emergency_readiness/route/isdn")
    assert readings(assessment)["emergency_routes_up",] == 1
    assert "1 of 2 routes" in said(assessment, "emergency_readiness/routes")


def test_two_routes_over_one_target_are_one_finding() -> None:
    over_one = {
        "carrier-a": TWO["carrier-a"],
        "sip": {"target": "controller", "category": "SIP Link*"},
        "isdn": {"target": "controller", "category": "Lines"},
    }
    assessment = round_of(
        {"routes": over_one}, {"carrier-a": heard()},
        {"controller": system([("SIP Link 1", 4, 0, 2), ("Lines", 4, 0, 4)])},
    )  # fmt: skip

    assert bad(assessment) == {"pair/member/controller": State.WARNING}
    assert "sip is down" in said(assessment, "pair/member/controller")
    assert "isdn is down" in said(assessment, "pair/member/controller")


def test_with_three_routes_one_that_is_down_leaves_a_second_one() -> None:
    three = TWO | {"carrier-c": {"target": "trunk-c", "sip": {}}}
    assessment = round_of({"routes": three}, {"carrier-a": heard(), "carrier-b": heard(), "carrier-c": heard(503)})

    assert said(assessment, "pair/member/trunk-c").startswith("a route for 999 is down")


def test_with_three_routes_the_last_one_left_is_no_resilience() -> None:
    three = TWO | {"carrier-c": {"target": "trunk-c", "sip": {}}}
    assessment = round_of({"routes": three}, {"carrier-a": heard(), "carrier-b": heard(503), "carrier-c": heard(503)})

    assert said(assessment, "pair/member/trunk-b").startswith("resilience of 999 gone")
    assert said(assessment, "pair/member/trunk-c").startswith("resilience of 999 gone")
