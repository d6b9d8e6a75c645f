"""The one sentence on top: never green by mistake."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.contract import State
from exporters.web.pages import headline, worst_first
from exporters.web.text import lasting, moment, safe_url, value
from exporters.web.view import Health, Problem, Summary
from testbeds.pages import NOW

WELL = Health(True, True)


def glance(last: float | None = NOW, isolated: float | None = None, **checks: int) -> Summary:
    return Summary({}, 1, {State(name): count for name, count in checks.items()}, 0, last, isolated)


def problem(state: State = State.CRITICAL, **more: object) -> Problem:
    return Problem(state, "dacorum", "t", "c", "s", **{"since": NOW, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("summary", "problems", "health", "tone", "text"),
    [
        (glance(ok=7), [], WELL, "ok", "All is well: 7 checks ok"),
        (glance(ok=7, unsupported=2), [], WELL, "ok", "All is well: 7 checks ok"),
        (glance(ok=7, unknown=1), [], WELL, "unknown", "No incident, but 1 check unknown"),
        (glance(ok=7, critical=1, warning=1), [], WELL, "warning", "No incident yet, but 2 checks not ok"),
        (glance(), [], WELL, "unknown", "Nothing is watched: the estate has no checks"),
        (glance(last=None, unknown=7), [], WELL, "unknown", "Nothing is known yet: no check has finished"),
        (glance(ok=7), [problem()], WELL, "critical", "1 problem needs attention"),
        (glance(ok=7), [problem(State.UNKNOWN)], WELL, "unknown", "1 problem needs attention"),
        (glance(ok=7), [problem(State.WARNING)], WELL, "warning", "1 problem needs attention"),
        (glance(ok=7), [problem(State.WARNING, stale=True)], WELL, "unknown", "1 problem needs attention"),
        (glance(ok=7), [problem(acknowledged="me")], WELL, "ok", "Nothing new needs attention"),
        (glance(ok=7, unknown=1), [problem(maintenance="m")], WELL, "unknown", "No incident, but 1 check unknown"),
        (glance(ok=7), [], Health(False, False, "stuck"), "critical",
         "This agent does not work: nothing below is up to date"),
        (replace(glance(ok=7), ledger_trouble="the disk is full"), [], WELL, "critical",
         "The ledger cannot be written: no ticket is made or closed"),
        (glance(ok=7, isolated=NOW), [], WELL, "critical",
         "This agent is cut off: nothing behind its gateway is known"),
    ],
)  # fmt: skip
def test_the_headline_says_all_is_well_only_when_everything_is_known_and_ok(
    summary: Summary, problems: list[Problem], health: Health, tone: str, text: str
) -> None:
    found = headline(summary, problems, health)

    assert (found.tone, found.text) == (tone, text)


def test_what_is_stale_counts_as_unknown_and_what_is_known_comes_last() -> None:
    known = problem(State.CRITICAL, acknowledged="me")
    stale = problem(State.OK, stale=True)
    warning = problem(State.WARNING)
    older, newer = problem(since=NOW - 9), problem(since=NOW - 1)

    assert worst_first([known, warning, stale, older, newer]) == [newer, older, stale, warning, known]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (3_600, "1 h"), (11_100, "3 h 5 min"), (187_200, "2 d 4 h")],
)
def test_lengths_of_time_have_two_units_at_most(seconds: float, text: str) -> None:
    assert lasting(seconds) == text


def test_times_are_those_of_london_in_summer_and_winter() -> None:
    assert moment(1_782_900_000) == "Wed 1 Jul 2026, 11:00:00 BST"
    assert moment(1_795_000_000) == "Wed 18 Nov 2026, 11:06:40 GMT"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//host/path", "http://", "http://[", ""])
def test_an_address_that_is_not_plain_http_is_not_linked(url: str) -> None:
    assert safe_url(url) == ""


@pytest.mark.parametrize(
    ("number", "text"),
    [(5.0, "5"), (1e6, "1,000,000"), (0.1234567, "0.123457"), (float("nan"), "nan"), (1e300, "1e+300")],
)
def test_readings_are_shown_as_short_as_they_can_be(number: float, text: str) -> None:
    assert value(number) == text
