"""Probes to gaps: every probe counts once, and the bounds of a gap hold whatever the service did between two probes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.drills.counting import MOST_GAPS, Answer, Counted

YES, NO = Answer.ANSWERED, Answer.REFUSED


def counted(*answers: Answer, every: float = 0.1) -> Counted:
    """One probe after the other, each settled at once."""
    count = Counted("tcp:192.0.2.1:443", 0.1, 0.9)
    for number, answer in enumerate(answers):
        count.settle(count.leave(100.0 + number * every), answer, 100.0 + number * every)
    return count


def test_lost_probes_between_two_answered_ones_are_one_gap_with_its_bounds() -> None:
    told = counted(YES, YES, NO, NO, NO, YES).measured()

    (gap,) = told.gaps
    assert (told.sent, told.answered, told.lost, gap.lost, gap.open) == (6, 3, 3, 3, False)
    assert [round(one, 3) for one in (gap.start, gap.seconds, gap.at_least, gap.at_most)] == [100.2, 0.3, 0.2, 0.4]
    assert told.longest == gap
    assert told.ways == {"refused": 3}


def test_a_gap_that_goes_on_is_told_as_far_as_it_is_known() -> None:
    count = counted(YES, Answer.SILENT, Answer.SILENT)

    (gap,) = count.measured().gaps

    assert gap.open
    assert count.lost_since == 100.1
    assert count.answered_in_a_row == 0


def test_answers_that_come_out_of_order_change_nothing() -> None:
    late = Counted("p", 0.1, 0.9)
    for at in range(4):
        late.leave(float(at))
    for number in (3, 1, 0, 2):
        late.settle(number, NO if number in (1, 2) else YES, float(number))
    soon = Counted("p", 0.1, 0.9)
    for number in range(4):
        soon.settle(soon.leave(float(number)), NO if number in (1, 2) else YES, float(number))

    assert late.measured() == soon.measured()
    assert late.under_way == 0


def test_what_failed_on_this_machine_is_neither_answered_nor_lost() -> None:
    told = counted(YES, Answer.UNSENT, YES).measured()

    assert (told.answered, told.lost, told.unsent, told.gaps) == (2, 0, 1, ())


def test_the_coarsest_step_is_told_since_nothing_shorter_can_be_known() -> None:
    count = Counted("p", 0.1, 0.9)
    for at in (0.0, 0.1, 0.9, 1.0):
        count.settle(count.leave(at), YES, at)

    assert count.measured().coarsest == 0.8


def test_of_too_many_gaps_the_number_and_the_longest_are_kept() -> None:
    answers = [YES, NO] * (MOST_GAPS + 5) + [YES, NO, NO, NO, YES]

    told = counted(*answers).measured()

    assert len(told.gaps) == MOST_GAPS
    assert told.gaps_left_out == 6
    assert told.longest is not None and told.longest.lost == 3


@given(
    st.lists(st.floats(0.05, 0.5), min_size=2, max_size=60),
    st.floats(0.0, 10.0),
    st.floats(0.0, 10.0),
    st.floats(0.0, 0.02),
)
def test_the_bounds_hold_for_any_outage_and_any_unevenness(
    steps: list[float], away: float, lasting: float, latency: float
) -> None:
    """The service decides `latency` after a probe left, and its answer is back at that moment."""
    count = Counted("p", 0.1, 0.9)
    at = 0.0
    for step in steps:
        arrives = at + latency
        count.settle(count.leave(at), NO if away <= arrives < away + lasting else YES, arrives)
        at += step

    told = count.measured()

    assert told.sent == told.answered + told.lost == len(steps)
    assert sum(gap.lost for gap in told.gaps) == told.lost
    assert len(told.gaps) <= 1
    for gap in told.gaps:
        assert gap.at_least <= lasting + 1e-9
        if not gap.open and gap.start > 0.0:
            assert lasting <= gap.at_most + 1e-9
            assert gap.at_least <= gap.seconds <= gap.at_most + 1e-9
