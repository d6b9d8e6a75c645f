"""Patterns on what strangers wrote: searched line by line, in time that no pair of pattern and text can stretch."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from config.patterns import LONGEST, LinePattern, PatternError, PatternText, line_pattern


def test_lines_are_searched_one_by_one() -> None:
    text = "first\r\nsecond line\nthird"

    assert line_pattern("^second line$").found(text)
    assert line_pattern("^first$").found(text)
    assert not line_pattern("first.second").found(text)
    assert not line_pattern(r"first\s+second").found(text)
    assert not line_pattern("first[^x]second").found(text)


def test_of_each_line_the_first_match_counts() -> None:
    pattern = LinePattern("(?P<name>[a-z]+)=(?P<value>[0-9]+)?")

    found = list(pattern.lines("a=1 b=2\nnothing\nc= d=4\ne=5"))

    assert [(each["name"], each["value"]) for each in found] == [("a", "1"), ("c", None), ("e", "5")]
    assert pattern.names == ("name", "value")


def test_the_line_that_holds_it_is_given_whole() -> None:
    assert LinePattern("error").line("fine\nan error here\nerror") == "an error here"
    assert LinePattern("error").line("fine") is None


def test_flags_and_choices_stay_within_the_pattern() -> None:
    assert line_pattern("(?i)ERROR").found("an error")
    assert line_pattern("^a|b$").found("x\nb")
    assert not line_pattern("^a|b$").found("xa\nbx")


@pytest.mark.parametrize("text", [r"(a)\1", "(?=a)b", "(?<!a)b", "[a", "(", "a{2000}", "x" * (LONGEST + 1), ""])
def test_what_is_no_such_pattern_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(PatternError, match=r"RE2|characters"):
        LinePattern(text)


def test_an_option_says_what_is_wrong_with_a_pattern() -> None:
    class Options(BaseModel):
        expect: PatternText

    with pytest.raises(ValidationError, match="is no regular expression"):
        Options(expect="[a")
    assert Options(expect="a+").expect == "a+"


@pytest.mark.parametrize("pattern", ["(a+)+x", "(a|a)*x", "(.*a){20}x", "(a?){50}a{50}x"])
def test_no_pattern_runs_away_on_any_text(pattern: str) -> None:
    # With an engine that backtracks none of these would end in a lifetime.
    assert not LinePattern(pattern).found("a" * 200_000)


@given(st.text(max_size=300))
def test_any_text_can_be_searched(text: str) -> None:
    assert LinePattern("^").found(text)
    assert all(isinstance(each["all"], str) for each in LinePattern("(?P<all>.*)").lines(text))


@given(st.text(alphabet="ab\n", max_size=60), st.sampled_from(["a+b", "^b", "a$", "^(a|bb)+$", "b?a"]))
def test_it_finds_what_the_standard_library_finds(text: str, pattern: str) -> None:
    expected = any(re.search(pattern, line) for line in text.split("\n"))

    assert LinePattern(pattern).found(text) is expected


def test_half_a_pair_of_characters_does_no_harm() -> None:
    assert LinePattern("b").found("a\ud800b")
