"""When an event is sent again: the schedule of Standard Webhooks, a shorter one for refusals, what is asked for."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.outbound import Failure, Outcome
from exporters.webhooks import schedule

AWAY = Outcome(Failure.UNREACHABLE, "nothing answers")
HOURS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400)


class Never(Random):
    """Chance that adds nothing."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@pytest.fixture(autouse=True)
def quick() -> None:
    """The schedule as it is."""


def refused(status: int, asked: float | None = None) -> Outcome:
    return Outcome(Failure.REFUSED, f"it answers {status}", status, asked)


def pauses(outcome: Outcome, in_a_row: int = 0) -> list[float | None]:
    return [schedule.pause(attempts, outcome, in_a_row, Never()) for attempts in range(1, 9)]


def test_an_event_is_tried_eight_times_in_31_hours_and_then_given_up() -> None:
    assert pauses(AWAY) == [*HOURS, None]
    assert sum(HOURS) == 31 * 3600 + 35 * 60 + 5


@pytest.mark.parametrize("status", sorted(schedule.REFUSALS))
def test_an_event_that_is_refused_for_what_it_is_holds_the_others_up_for_five_minutes(status: int) -> None:
    assert pauses(refused(status))[:3] == [5, 300, None]


@pytest.mark.parametrize("status", [401, 403, 404, 405, 409])
def test_what_is_wrong_with_every_event_gives_a_person_the_whole_time_to_mend_it(status: int) -> None:
    assert pauses(refused(status)) == [*HOURS, None]


def test_when_one_event_after_the_other_is_refused_it_is_not_the_events() -> None:
    assert pauses(refused(400), in_a_row=schedule.REFUSED_IN_A_ROW - 1)[2] is None
    assert pauses(refused(400), in_a_row=schedule.REFUSED_IN_A_ROW) == [*HOURS, None]


def test_a_receiver_can_ask_for_more_time_but_not_for_less_or_for_ever() -> None:
    assert schedule.pause(1, refused(503, 60), 0, Never()) == 60
    assert schedule.pause(3, refused(503, 60), 0, Never()) == 1_800
    assert schedule.pause(1, refused(503, 1e9), 0, Never()) == schedule.LONGEST_ASKED


@given(st.integers(1, 12), st.integers(0, 9), st.sampled_from([AWAY, refused(400), refused(503, 7e9)]), st.randoms())
def test_a_pause_is_near_its_figure_and_never_longer_than_the_longest(
    attempts: int, in_a_row: int, outcome: Outcome, chance: Random
) -> None:
    pause = schedule.pause(attempts, outcome, in_a_row, chance)

    if pause is None:
        assert attempts >= schedule.TRIES_IF_REFUSED
    else:
        assert 0.9 * HOURS[attempts - 1] <= pause <= schedule.LONGEST
