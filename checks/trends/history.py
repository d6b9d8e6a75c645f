"""The daily peaks of one value, as a check remembers them: the day under way, and the days that are over. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from checks.trends.trend import WINDOW, Day, Trend, trend_of

_NOTICEABLE = 0.02
"""A peak that grows by less than this share of its limit is not worth a new note."""


class Said(StrEnum):
    """What was said of a value last, so that it is not taken back for a trifle."""

    NOTHING = "nothing"
    WARNED = "warned"
    REACHED = "reached"
    """It is beyond a limit of its own, whose finding tells it."""


@dataclass(frozen=True, slots=True)
class History:
    """The peaks of one value. Days are those of London, as ordinals."""

    day: int
    peak: float
    """Of the day under way, which is not part of the trend."""
    over: str = ""
    """The days that are over, as text, so that it costs nothing to carry: see `days_of`."""
    trend: Trend | None = None
    said: Said = Said.NOTHING


def noted(before: History | None, day: int, value: float, limit: float | None) -> History:
    """The history with a value of `day`; the same object where there is nothing new that is worth a note."""
    if before is None:
        return History(day, value)
    if day == before.day:
        step = _NOTICEABLE * abs(before.peak if limit is None else limit)
        return replace(before, peak=value) if value > before.peak + step else before
    # A clock may be wrong either way: days to come are kept for when they come, and count for nothing until then.
    known = {**dict(days_of(before.over)), before.day: before.peak}
    peak = max(value, known.pop(day, value))
    over = sorted(known.items())[-WINDOW:]
    return History(day, peak, text_of(over), trend_of(over, day), before.said)


def days_of(text: str) -> tuple[Day, ...]:
    """The days in a text of `text_of`; what is none of it is left out."""
    first, *rest = text.split() or ["0"]
    found = []
    for word in rest[:WINDOW]:
        after, _, peak = word.partition(":")
        try:
            found.append((int(first) + int(after), float(peak)))
        except ValueError:
            continue
    return tuple(found)


def text_of(days: Sequence[Day]) -> str:
    """The first day, then for each how many days after it and its peak in four digits: `739950 0:0.51 1:0.5032`."""
    return " ".join([str(days[0][0]), *(f"{at - days[0][0]}:{peak:.4g}" for at, peak in days)]) if days else ""


def plain(history: History) -> list[Any]:
    """As JSON has it."""
    trend = history.trend
    numbers = None if trend is None else [
        trend.day, trend.span,
        *(float(f"{number:.5g}") if math.isfinite(number) else None
          for number in (trend.slope, trend.low, trend.high, trend.likely, trend.recent, trend.level)),
    ]  # fmt: skip
    return [history.day, float(f"{history.peak:.4g}"), history.over, numbers, history.said.value]


def unplain(said: Any) -> History:
    """From JSON. Raises ValueError, TypeError or OverflowError where it is not of `plain`."""
    day, peak, over, numbers, word = said
    trend = None
    if numbers is not None:
        slope, low, high, likely, recent, level = numbers[2:]
        low, high = (-math.inf if low is None else low), (math.inf if high is None else high)
        likely, recent = (-math.inf if likely is None else likely), (math.nan if recent is None else recent)
        slopes = map(float, (slope, low, high, likely, recent, level))
        trend = Trend(_ordinal(numbers[0]), int(numbers[1]), *slopes)
    return History(_ordinal(day), float(peak), str(over), trend, Said(word))


def _ordinal(said: Any) -> int:
    return date.fromordinal(int(said)).toordinal()  # refuses what is no day
