"""The small part of regular expressions: what it understands, what it knows beforehand, and what it refuses."""

from __future__ import annotations

import re
import string
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.commands import NotUnderstood, understood
from config.commands.pattern import OTHER


@pytest.mark.parametrize(
    "text",
    [
        r"^MemTotal: +(?P<value>[0-9]+) kB$", r"(?P<value>[0-9]+)% +/srv$", r"\[U*_", r"[a-z]+", r"a{2,5}b",
        r"^(active|activating) \(", r"(?:[0-9]{1,3}\.)x", r"(ab){1,3}c", r"[^,]*,[^,]*,(?P<value>.*)$", r"(up|down) ",
        r" *--More-- *", r"\S+\s+\d+", r"x[\]\-a]y", r"a]b}c",
    ],
)  # fmt: skip
def test_sensible_patterns_are_understood(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        compiled = understood(text).compiled()

    assert compiled.groups == re.compile(text).groups


@pytest.mark.parametrize(
    "text",
    [
        r"(a+)+x", r"(a|a)*x", r"(a|ab)*c", r"(.*)*", r"(a*)*", r"([a-z]+)*$", r"(\w+\s?)*$", r"(x+x+)+y", r"a*a*b",
        r".*.*x", r".*x", r"\s+ x", r"[a-z]+[a-z0-9]*", r"a?a", r"(a?){30}a", r"(ab?)*", r"\d+\d+", r"(a{1,2}){9}b",
        r"(?:a+)?ab", r"[^x]*y",
        "".join("(a|b|c|d)" for _ in range(9)),
    ],
)  # fmt: skip
def test_what_could_take_very_long_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        understood(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "a" * 1001, r"(a", r"a)", r"[a", r"[]", r"[z-a]", r"[a-\d]", r"(?=a)", r"(?!a)", r"(?<=a)b", r"(?i)a",
        r"(?P<x>a)(?P<x>b)", r"(?P<X>a)", r"(?P=x)", r"(a)\1", r"\x41", r"\A", r"\Z", r"*a", r"a**", r"a+?", r"a{3",
        r"a{3,1}", r"a{0,5000}", r"^*", "a\\", r"\bx", r"[a&&b]", r"[a||b]", r"[+--]", r"(?>a)", r"a{,3}",
        r"[[:alpha:]]", "a^b", "a$b", "(^a)", "(a$)", "^^a", "a$$",
        "(" * 10 + "a" + ")" * 10,
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        understood(text)


def test_the_refusal_says_what_to_write_instead() -> None:
    with pytest.raises(NotUnderstood, match=r"`\.\*` could go on with what comes after it.*`\[\^:\]\*:` instead of"):
        understood("name.*: x")


PIECES = st.sampled_from(
    ["a", "b", "1", "-", "/", r"\.", r"\d", r"\w", r"\S", "[a-c]", "[^a-c]", "[0-9/]", ".", "(?:ab)", "(a|b1)", "é",
     "^", "$"]
)  # fmt: skip
MARKS = st.sampled_from(["", "", "", "?", "*", "+", "{2}", "{1,3}"])
PARTS = st.tuples(PIECES, MARKS).map("".join)
PATTERNS = st.lists(PARTS, min_size=1, max_size=6).map("".join)


@given(PATTERNS, st.text(alphabet="ab1-/.cé \t\nz", max_size=12))
def test_it_matches_what_the_standard_library_does_and_knows_it_beforehand(pattern: str, text: str) -> None:
    try:
        known = understood(pattern)
    except NotUnderstood:
        return
    found = known.compiled().search(text)

    plain = re.search(pattern, text, re.ASCII)
    assert (found and found.span()) == (plain and plain.span())
    if found is not None and found[0]:
        assert {mark if mark.isascii() else OTHER for mark in found[0]} <= known.alphabet
        assert (found[0][0] if found[0][0].isascii() else OTHER) in known.first


@given(st.text(alphabet=string.ascii_lowercase[:3] + r"\[](){}|?*+^$.-,0123:P<>!=", max_size=20))
def test_any_text_is_understood_or_refused_and_never_breaks(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            known = understood(text)
        except NotUnderstood:
            return

        assert known.compiled().groups >= len(known.names)
