"""A run of results as bits."""

import pytest

from agent.history import bad_among, brings_nearer, change_percentage, clears, flaps, good_run, opens, pushed
from config.estate import MofN


def history(text: str) -> int:
    """`b` and `g`, the oldest first."""
    made = 0
    for letter in text:
        made = pushed(made, letter == "b")
    return made


@pytest.mark.parametrize(
    ("results", "rule", "expected"),
    [
        pytest.param("b", MofN(1, 1), True, id="one of one"),
        pytest.param("bgb", MofN(2, 3), True, id="two of three with a good one between"),
        pytest.param("bbg", MofN(2, 3), False, id="the newest must be bad"),
        pytest.param("bggb", MofN(2, 3), False, id="the first has left the window"),
    ],
)
def test_when_a_history_opens(results: str, rule: MofN, expected: bool) -> None:
    assert opens(history(results), rule) is expected


@pytest.mark.parametrize(
    ("results", "rule", "expected"),
    [
        pytest.param("bg", MofN(1, 1), True, id="one of one"),
        pytest.param("bg", MofN(2, 2), False, id="one of two"),
        pytest.param("gbg", MofN(2, 3), True, id="two of three with a bad one between"),
        pytest.param("ggb", MofN(2, 3), False, id="the newest must be good"),
        pytest.param("g", MofN(2, 3), False, id="what never happened is no good result"),
    ],
)
def test_when_a_history_clears(results: str, rule: MofN, expected: bool) -> None:
    assert clears(history(results), len(results), rule) is expected


def test_an_old_bad_result_matters_only_while_it_can_still_help_to_open() -> None:
    assert brings_nearer(history("bg"), MofN(2, 3))
    assert not brings_nearer(history("bgg"), MofN(2, 3))
    assert not brings_nearer(history("bg"), MofN(3, 3))


def test_the_good_run_is_counted_since_the_last_bad_result() -> None:
    assert good_run(history("bggg"), 4) == 3
    assert good_run(history("ggb"), 3) == 0
    assert good_run(history("gg"), 2) == 2
    assert bad_among(history("bgbgg"), 5) == 2


def test_twenty_changes_of_state_in_a_row_are_a_hundred_per_cent() -> None:
    assert change_percentage(history("bg" * 11)) == pytest.approx(100.0)
    assert change_percentage(history("b" * 32)) == 0.0


def test_a_fresh_change_weighs_more_than_an_old_one() -> None:
    fresh = change_percentage(history("g" * 20 + "b"))
    old = change_percentage(history("g" + "b" * 20))

    assert fresh == pytest.approx(1.25 * 5)
    assert old == pytest.approx(0.75 * 5)


def test_flapping_begins_above_thirty_and_ends_below_twenty_per_cent() -> None:
    between = history("b" + "bg" * 2 + "g" * 16)  # some 20 to 30 per cent, depending on age
    restless = history("bg" * 11)

    assert flaps(restless, flapping=False)
    assert 0.0 < change_percentage(between) < 30.0
    assert not flaps(between, flapping=False)
    assert not flaps(history("g" * 21), flapping=True)


def test_between_the_two_limits_flapping_stays_as_it_was() -> None:
    between = next(
        made
        for changes in range(1, 11)
        if 20.0 <= change_percentage(made := history("bg" * changes + "g" * (21 - 2 * changes))) <= 30.0
    )

    assert flaps(between, flapping=True)
    assert not flaps(between, flapping=False)
