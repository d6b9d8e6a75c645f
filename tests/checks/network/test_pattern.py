"""Patterns on pages: a small form, and searches that a hostile page cannot make long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.network.pattern import PIECE, compiled, found


@pytest.mark.parametrize(
    "text",
    ["all is well", "^Version: [0-9]+", r"\d{1,3} users", "(?i)error", "(?:up|ok)$", "a?b?", r"[*+?(){}]", r"\*\+"],
)
def test_patterns_of_the_small_form_are_taken(text):
    assert compiled(text).pattern == text


@pytest.mark.parametrize(
    "text",
    ["(a+)+", "(a|b)*", "(ab){2,}", ".*a.*b.*", r"(a)\1", "(?=a)b", "(?<!a)b", "(?P<n>a)(?P=n)", "a" * 201, "", "[a",
     "a?b?c?d?e?", "x{1,9}y{1,9}z{1,9}"],
)  # fmt: skip
def test_patterns_that_could_run_away_or_are_none_are_refused(text):
    with pytest.raises(ValueError, match=r"pattern|regular expression"):
        compiled(text)


def test_lines_are_searched_one_by_one():
    text = "first\r\nsecond line\nthird"

    assert found(compiled("^second line$"), text) is True
    assert found(compiled("first.second"), text) is False


@given(st.integers(0, 5_000), st.integers(1, PIECE // 2))
def test_what_spans_half_a_piece_is_found_wherever_it_stands_in_a_long_line(before, length):
    text = "." * before + "x" * length + "." * 3_000

    assert found(compiled("x" * min(length, 200)), text) is True


def test_a_search_can_be_stopped_between_its_pieces():
    stops = iter([False, False, True])

    assert found(compiled("z"), "a\n" * 100, lambda: next(stops)) is None


def test_the_worst_pattern_on_the_worst_line_stays_in_bounds():
    asked = 0

    def count() -> bool:
        nonlocal asked
        asked += 1
        return False

    assert found(compiled("a*a*b"), "a" * 4_000, count) is False
    assert asked == 4_000 // (PIECE // 2) - 1
