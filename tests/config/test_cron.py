"""Cron in a time zone, over both nights on which the clocks of Europe/London change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.cron import gaps, next_fire, read_cron
from config.estate import Cron

_LONDON = ZoneInfo("Europe/London")


def _fires(expression: str, start: str, count: int) -> list[str]:
    """The next fires after a moment, as local ISO times with offset."""
    cron = Cron(expression, "Europe/London")
    moment = datetime.fromisoformat(start).timestamp()
    found = []
    for _ in range(count):
        moment = next_fire(cron, moment)
        found.append(datetime.fromtimestamp(moment, _LONDON).isoformat(timespec="minutes"))
    return found


# 29 March 2026: at 01:00 GMT the clocks go to 02:00 BST. 25 October 2026: at 02:00 BST they go back to 01:00 GMT.
@pytest.mark.parametrize(
    ("expression", "start", "expected"),
    [
        ("30 1 * * *", "2026-03-28T12:00+00:00", ["2026-03-29T02:00+01:00", "2026-03-30T01:30+01:00"]),
        ("0 7 * * *", "2026-03-28T12:00+00:00", ["2026-03-29T07:00+01:00", "2026-03-30T07:00+01:00"]),
        ("0 * * * *", "2026-03-29T00:30+00:00", ["2026-03-29T02:00+01:00", "2026-03-29T03:00+01:00"]),
        ("30 1 * * *", "2026-10-24T12:00+01:00", ["2026-10-25T01:30+01:00", "2026-10-26T01:30+00:00"]),
        ("0 7 * * *", "2026-10-24T12:00+01:00", ["2026-10-25T07:00+00:00", "2026-10-26T07:00+00:00"]),
        (
            "30 * * * *",
            "2026-10-25T00:45+01:00",
            ["2026-10-25T01:30+01:00", "2026-10-25T01:30+00:00", "2026-10-25T02:30+00:00"],
        ),
        # Asked in the second of the two hours, the first has had its fire.
        ("30 1 * * *", "2026-10-25T01:15+00:00", ["2026-10-26T01:30+00:00"]),
    ],
)
def test_fires_over_a_clock_change(expression: str, start: str, expected: list[str]) -> None:
    assert _fires(expression, start, len(expected)) == expected


@given(
    st.sampled_from(["30 1 * * *", "*/20 * * * *", "0 2 * * 0", "15 1-2 25 10 *", "59 0 * 3 *"]),
    st.integers(0, 2 * 86_400 * 4),
    st.sampled_from([datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)]),
)
def test_the_next_fire_is_always_later_and_never_skips_one(expression: str, quarters: int, night: datetime) -> None:
    cron = Cron(expression, "Europe/London")
    after = (night + timedelta(seconds=quarters / 4)).timestamp()

    fire = next_fire(cron, after)

    assert fire > after
    assert next_fire(cron, (after + fire) / 2) == fire


@pytest.mark.parametrize(
    ("expression", "shortest", "longest"),
    [
        ("*/5 * * * *", 300.0, 300.0),
        ("0 6 * * *", 86_400.0, 86_400.0),
        ("0 6,7 * * 1-5", 3_600.0, 3 * 86_400.0 - 3_600.0),
        ("0 0 29 2 *", 4 * 365.25 * 86_400.0, 4 * 365.25 * 86_400.0),
    ],
)
def test_the_shortest_and_the_longest_time_between_two_fires(expression: str, shortest: float, longest: float) -> None:
    assert gaps(expression) == (shortest, longest)


@given(st.text(alphabet="0123456789*/-,#L MONJA", max_size=30))
def test_any_text_is_an_expression_that_fires_or_refused_in_words(text: str) -> None:
    try:
        expression = read_cron(text)
    except ValueError as error:
        assert str(error)
    else:
        assert next_fire(Cron(expression, "Europe/London"), 1_767_225_600.0) > 1_767_225_600.0
