"""Tables, times and durations as people read them."""

from __future__ import annotations

import pytest

from agent.cli.tables import moment, span, table


def test_columns_are_as_wide_as_their_widest_cell_and_lines_end_without_blanks() -> None:
    drawn = table(("id", "what"), [("RWY-1", "a link"), ("RWY-22", "")])

    assert drawn == "ID      WHAT\nRWY-1   a link\nRWY-22"


def test_a_row_that_does_not_fit_the_headings_is_a_mistake_of_ours_and_not_cut() -> None:
    with pytest.raises(ValueError):
        table(("id", "what"), [("RWY-1", "a link", "surplus")])


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (1_795_424_400.0, "2026-11-23 09:00:00 GMT"),
        (1_782_900_000.0, "2026-07-01 11:00:00 BST"),
        (None, "–"),
    ],
)
def test_a_moment_is_told_in_english_time_with_its_zone(when: float | None, text: str) -> None:
    told = moment(when)

    assert told == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (7_500, "2 h 5 min"),
        (90_061, "1 d 1 h"),
        (-61, "1 min 1 s"),
    ],
)
def test_a_span_is_told_in_its_two_greatest_units(seconds: float, text: str) -> None:
    told = span(seconds)

    assert told == text
