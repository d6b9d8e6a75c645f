"""The days that evidence is asked for, as people in England count them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
_LONGEST = 3 * 366


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of London, both included, as far as they are over: from `start` up to `end` (Unix seconds)."""

    first: date
    last: date
    start: float
    end: float


def period_of(first: date, last: date, now: float) -> Period:
    """The time from midnight of the first day to the midnight that ends the last, or to now. ValueError says why not.

    A day on which the clocks change has 23 or 25 hours.
    """
    if last < first:
        raise ValueError(f"--to {last} is before --from {first}")
    if (last - first).days >= _LONGEST:
        raise ValueError("three years are the most: the ledger keeps no more")
    start, end = _midnight(first), _midnight(last + timedelta(days=1))
    if start >= now:
        raise ValueError(f"--from {first} has not begun yet")
    return Period(first, last, start, min(end, now))


def utc(at: float) -> str:
    """RFC 3339 in UTC, to the second: `2026-11-23T09:14:05Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def london(at: str | None) -> str:
    """What `utc` made, as people in England read it: `2026-11-23 09:14 GMT`."""
    if at is None:
        return "–"
    return datetime.fromisoformat(at).astimezone(LONDON).strftime("%Y-%m-%d %H:%M %Z")


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=LONDON).timestamp()
