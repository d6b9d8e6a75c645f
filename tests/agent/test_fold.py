"""Faults and answers folded to one assessment."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import fold
from checks.contract import REACH, Assessment, Fault, Finding, Observation, Reason, State, covered
from config.estate import Acceptance
from testbeds.single import states

REVIEW = datetime(2027, 1, 31, tzinfo=UTC)
ACCEPTED = Acceptance("the supplier keeps the password", "Ann Example", REVIEW)
BEFORE, AFTER = REVIEW.timestamp() - 1, REVIEW.timestamp()
AWAY = [Reason.NO_ANSWER, Reason.UNREACHABLE]
OURS = [Reason.NAME, Reason.LOCAL, Reason.HANGING, Reason.INTERNAL]
THEIRS = [Reason.REFUSED, Reason.AUTHENTICATION, Reason.FORBIDDEN, Reason.PROTOCOL, Reason.LIMIT]

faults = st.builds(
    Fault,
    st.sampled_from(Reason),
    st.text(min_size=1, max_size=500),
    st.sampled_from(["", "snmp/no-answer", "snmp/authentication", "tcp/443"]),
    st.sampled_from(State),
)


def _fault(reason: Reason, state: State = State.UNKNOWN) -> Fault:
    return Fault(reason, f"fw-a: {reason.value}", f"snmp/{reason.value}", state)


def _seen(fault: Fault | None, answers: object = None) -> Observation:
    return Observation("fw-a", "here", 0.0, 0.0, answers, fault)


@pytest.mark.parametrize("reason", AWAY)
def test_a_target_that_does_not_answer_is_one_condition_whatever_asked(reason):
    assessment = fold.without_answers("snmp", _fault(reason), None, 0.0)

    assert states(assessment.findings) == {REACH: "critical"}
    assert not covered(assessment.covers, f"snmp/{reason.value}")
    assert fold.reached(_seen(_fault(reason)), None) is False


@pytest.mark.parametrize("reason", [*OURS, *THEIRS])
def test_other_faults_keep_their_own_condition(reason):
    assessment = fold.without_answers("snmp", _fault(reason), None, 0.0)

    assert states(assessment.findings) == {f"snmp/{reason.value}": "unknown"}
    assert fold.reached(_seen(_fault(reason)), None) is (None if reason in OURS else True)


@given(faults, st.sampled_from([None, ACCEPTED]), st.sampled_from([BEFORE, AFTER]))
def test_a_run_without_answers_is_never_ok_and_covers_nothing_but_what_it_says(fault, acceptance, now):
    assessment = fold.without_answers("snmp", fault, acceptance, now)

    assert State.OK not in {finding.state for finding in assessment.findings}
    assert {finding.key for finding in assessment.findings} <= assessment.covers
    assert assessment.covers - {finding.key for finding in assessment.findings} <= {fold.ACCEPTANCE}
    assert all(len(finding.summary) <= 300 for finding in assessment.findings)
    assert assessment.readings == ()


@given(faults, st.sampled_from([None, ACCEPTED]))
def test_a_partial_run_shows_its_fault_and_never_as_ok(fault, acceptance):
    whole = Assessment((Finding("snmp/cpu", State.OK, "fine"),), covers=frozenset({"snmp/cpu"}))

    assessment = fold.with_answers("snmp", whole, fault, acceptance, BEFORE)

    assert len(assessment.findings) == 2
    assert assessment.findings[1].state is not State.OK
    assert assessment.findings[1].key in assessment.covers


def test_a_fault_that_assess_judged_itself_is_not_said_twice():
    own = Assessment((Finding("snmp/limit", State.WARNING, "cut short"),), covers=frozenset({"snmp/limit"}))

    assessment = fold.with_answers("snmp", own, _fault(Reason.LIMIT), None, BEFORE)

    assert states(assessment.findings) == {"snmp/limit": "warning"}


@pytest.mark.parametrize("reason", list(Reason))
def test_a_good_run_ends_every_fault_condition_of_its_kind_also_after_a_restart(reason):
    good = fold.with_answers("snmp", Assessment((Finding("snmp/cpu", State.OK, "fine"),)), None, None, 0.0)

    assert covered(good.covers, f"snmp/{reason.value}")
    assert covered(good.may_go, f"snmp/{reason.value}")
    assert not covered(good.covers, f"tcp/{reason.value}")


@pytest.mark.parametrize("reason", list(Reason))
def test_a_run_that_asked_nothing_ends_no_fault(reason):
    said = Assessment((Finding("sip_call/hours", State.UNSUPPORTED, "not now"),), asked=False)

    idle = fold.with_answers("sip_call", said, None, None, 0.0)

    assert not covered(idle.covers, f"sip_call/{reason.value}")
    assert not idle.asked


def test_a_key_that_the_kind_covers_by_name_may_not_just_go():
    own = Assessment((), covers=frozenset({"snmp/limit"}))

    good = fold.with_answers("snmp", own, None, None, 0.0)

    assert covered(good.covers, "snmp/limit")
    assert not covered(good.may_go, "snmp/limit")


@pytest.mark.parametrize("reason", [Reason.NO_ANSWER, *THEIRS])
def test_an_accepted_fault_of_the_target_is_unsupported_and_names_who_answers_for_it(reason):
    assessment = fold.without_answers("snmp", _fault(reason), ACCEPTED, BEFORE)

    (finding,) = assessment.findings
    assert (finding.key, finding.state) == (f"snmp/{reason.value}", State.UNSUPPORTED)
    assert "Ann Example" in finding.summary
    assert "the supplier keeps the password" in finding.summary


def test_an_accepted_silence_says_nothing_about_reaching_the_target():
    assert fold.reached(_seen(_fault(Reason.NO_ANSWER)), ACCEPTED) is None


@pytest.mark.parametrize("reason", [Reason.UNREACHABLE, *OURS])
def test_acceptance_covers_neither_our_own_faults_nor_a_target_the_network_says_is_away(reason):
    assessment = fold.without_answers("snmp", _fault(reason), ACCEPTED, BEFORE)

    assert assessment.findings[0].state is not State.UNSUPPORTED


def test_acceptance_does_not_cover_a_service_that_is_critical():
    assessment = fold.without_answers("tcp", _fault(Reason.NO_ANSWER, State.CRITICAL), ACCEPTED, BEFORE)

    assert states(assessment.findings) == {REACH: "critical"}


@pytest.mark.parametrize("works", [True, False])
def test_an_overdue_review_is_a_finding_until_the_date_is_moved_or_the_acceptance_goes(works):
    def run(acceptance, now):
        if works:
            return fold.with_answers("snmp", Assessment(()), None, acceptance, now)
        return fold.without_answers("snmp", _fault(Reason.FORBIDDEN), acceptance, now)

    overdue, in_time, without = run(ACCEPTED, AFTER), run(ACCEPTED, BEFORE), run(None, AFTER)

    assert states(overdue.findings)[fold.ACCEPTANCE] == "warning"
    assert "31 January 2027" in overdue.findings[-1].summary
    for ended in (in_time, without):
        assert fold.ACCEPTANCE not in states(ended.findings)
        assert covered(ended.covers, fold.ACCEPTANCE)
        assert covered(ended.may_go, fold.ACCEPTANCE)


def test_answers_mean_reached_unless_they_say_otherwise():
    class _Silent:
        reached = None

    assert fold.reached(_seen(None, object()), None) is True
    assert fold.reached(_seen(None, _Silent()), None) is None
