"""Whatever devices and carriers say: a judgement comes of it, nothing is green by mistake, nothing is dialled."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import checks.telephony.readiness as package
from checks.contract import Reason, State, covered
from checks.network.transform import Answer
from checks.telephony.readiness.answers import Heard, System, Ups
from checks.telephony.readiness.records import Line, LineKind
from checks.telephony.readiness.registers import gone
from testbeds.readiness import TWO, UPS, heard, mute, readings, round_of, system, ups

ANSWERS: st.SearchStrategy[Answer] = st.one_of(
    st.none(), st.integers(-(2**63), 2**64), st.floats(), st.text(max_size=40)
)
REASONS = st.sampled_from(Reason)
HEARD = st.one_of(
    st.builds(heard, st.integers(100, 999)), st.builds(heard, st.none(), REASONS), st.just(Heard()),
    st.builds(lambda reason: Heard(fault=mute(reason)), REASONS),
)  # fmt: skip
SYSTEMS = st.one_of(
    st.builds(
        system, st.lists(st.tuples(st.sampled_from(["Lines", "SIP Link", "?"]), ANSWERS, ANSWERS, ANSWERS), max_size=4),
        ANSWERS, st.booleans(),
    ),
    st.builds(lambda reason: System(fault=mute(reason)), REASONS),
)  # fmt: skip
UPSS = st.one_of(
    st.builds(lambda source, left, battery, test: ups(source, left, _2_1=battery, _7_3=test), *[ANSWERS] * 4),
    st.builds(lambda reason: Ups(fault=mute(reason)), REASONS),
)
OPTIONS = {
    "routes": TWO | {"isdn": {"target": "controller", "category": "Lines"}},
    "power": {"forum-ups": {}},
    "lines": [{"name": "lift", "kind": "isdn2", "migrated": "2026-01-01"}],
    "in_service": {"isdn2": {"target": "controller", "kind": "isdn2", "category": "Lines"}},
}


@given(HEARD, HEARD, SYSTEMS, UPSS)
def test_a_judgement_comes_of_it_and_only_what_is_known_is_well(
    first: Heard, second: Heard, controller: System, supply: Ups
) -> None:
    assessment = round_of(
        OPTIONS, {"carrier-a": first, "carrier-b": second}, {"controller": controller}, {"forum-ups": supply}
    )

    states = {finding.key: finding.state for finding in assessment.findings}
    up = readings(assessment)["emergency_routes_up",]
    assert (states["emergency_readiness/routes"] is State.OK) is (up >= 1)
    assert all(covered(assessment.covers, key) for key in states)
    assert all(finding.summary and len(finding.summary) <= 300 for finding in assessment.findings)
    if up:
        told = {key: states[f"pair/member/{key}"] for key in ("trunk-a", "trunk-b", "controller")}
        assert sum(state is State.OK for state in told.values()) == up
    if supply.answers is None:
        assert State.UNKNOWN in (states.get("pair/member/forum-ups"), states.get("emergency_readiness/power/forum-ups"))
    elif states["emergency_readiness/power/forum-ups"] is State.OK:
        assert supply.answers.values[f"{UPS}.4.1.0"] in (3, 6, 7)
    if controller.answers is None:
        assert states.get("emergency_readiness/in_service/isdn2") is not State.OK


@given(st.dates(), st.dates())
def test_a_line_that_is_migrated_stays_so(migrated: date, today: date) -> None:
    line = Line(name="lift", kind=LineKind.ISDN2, migrated=migrated)

    assert gone(line, today) is (migrated <= today)


def test_no_module_of_it_can_put_together_a_request_or_a_call() -> None:
    sources = {file.name: file.read_text() for file in Path(package.__file__).parent.glob("*.py")}

    assert len(sources) > 5
    for name, source in sources.items():
        assert "transports.sip" not in source and "sip_call" not in source and "INVITE" not in source, name
