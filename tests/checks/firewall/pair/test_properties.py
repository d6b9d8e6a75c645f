"""Whatever two members say: never ok unless exactly one is active, never well while one is not read, nothing twice."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from checks.contract import Assessment, Reason, State, covered, worst
from checks.firewall.pair import CHECK
from checks.wire import observation_json, observation_of
from testbeds.pairs import PALO, SHARED, VRRP, Pair, Values, fortigate, keepalived, listing, panos

WORDS = st.sampled_from(
    ["active", "passive", "tentative", "initial", "non-functional", "suspended", "unknown", "disabled", "", "resting"]
)
MODES = st.sampled_from(["active-passive", "disabled", "", "new mode"])
PALO_MEMBERS = st.none() | st.builds(panos, WORDS, WORDS, MODES)
VRRP_MEMBERS = st.none() | st.builds(keepalived, st.none() | st.integers(0, 9), st.integers(0, 255))
PLACES = st.sampled_from([None, listing(), listing(SHARED), "", "[]", "no json", "[1]", '[{"addr_info": 1}]'])


@st.composite
def fortis(draw: st.DrawFn) -> Values | None:
    """A FortiGate of a pair with some of its words changed or taken away."""
    if draw(st.integers(0, 9)) == 0:
        return None
    values = fortigate(draw(st.integers(0, 1)), draw(st.integers(0, 1)))
    changed = draw(
        st.dictionaries(st.sampled_from(sorted(values)), st.none() | st.integers(0, 9) | st.text(max_size=3))
    )
    return {oid: value for oid, value in (values | changed).items() if value is not None}


def rounds(members: Any) -> Any:
    """Some rounds, each with two members."""
    return st.lists(st.tuples(members, members), min_size=1, max_size=3)


def state_of(said: Assessment) -> State:
    return worst([finding.state for finding in said.findings])


def sound(pair: Pair) -> Assessment | None:
    """One round, judged, with everything that must hold of any assessment; None where nobody answered."""
    observation = pair.observed()
    again = observation_of(observation_json(observation, CHECK), {CHECK.kind: CHECK})
    assert again == observation
    if observation.answers is None:
        assert observation.fault is not None
        return None
    said = pair.judged(observation)
    keys = [finding.key for finding in said.findings]
    assert len(keys) == len(set(keys))
    assert all(covered(said.covers, key) for key in keys)
    assert all(0 < len(finding.summary) <= 300 for finding in said.findings if finding.key != "pair/facts")
    series = [(reading.family.name, reading.labels) for reading in said.readings]
    assert len(series) == len(set(series))
    return said


@settings(deadline=None)
@given(rounds(PALO_MEMBERS), st.sampled_from([Reason.NO_ANSWER, Reason.REFUSED, Reason.LOCAL]))
def test_a_pair_that_names_its_roles_is_well_only_with_exactly_one_active(told: Any, reason: Reason) -> None:
    pair = Pair(None, None)
    pair.reasons = [reason, reason]
    for first, second in told:
        pair.values = [first, second]

        said = sound(pair)

        actives = [values for values in (first, second) if values and values[f"{PALO}.1.11.0"] == "active"]
        clustered = all(values[f"{PALO}.1.13.0"] != "disabled" for values in actives)
        if said is not None and (len(actives) != 1 or None in (first, second)):
            assert state_of(said) is not State.OK
        if said is not None and len(actives) == 2 and clustered:
            assert {f.key: f.state for f in said.findings}["pair/service"] is State.CRITICAL


@settings(deadline=None)
@given(rounds(VRRP_MEMBERS), PLACES, PLACES)
def test_keepalived_is_well_only_with_one_master_and_the_address_on_one(told: Any, one: Any, other: Any) -> None:
    pair = Pair(None, None, profile="firewall/linux")
    pair.with_ssh = True
    pair.addresses = [one, other]
    for first, second in told:
        pair.values = [first, second]

        said = sound(pair)

        masters = [values is not None and values.get(f"{VRRP}.4.1") == 2 for values in (first, second)]
        well = None not in (first, second) and masters.count(True) == 1 and [one, other].count(listing(SHARED)) == 1
        if said is not None and not well:
            assert state_of(said) is not State.OK


@settings(deadline=None)
@given(rounds(fortis()))
def test_whatever_fortigates_answer_is_judged_and_a_member_that_is_away_is_never_passed_over(told: Any) -> None:
    pair = Pair(None, None)
    for first, second in told:
        pair.values = [first, second]

        said = sound(pair)

        if said is not None and None in (first, second):
            assert state_of(said) is not State.OK
