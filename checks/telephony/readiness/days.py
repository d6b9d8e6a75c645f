"""Days as people in both councils count them, Europe/London, and months as a calendar has them. Pure."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

_ZONE = ZoneInfo("Europe/London")
_LAST = 253_402_300_799.0
"""The end of the year 9999, beyond which no calendar of ours goes."""


def day_of(moment: float) -> date:
    """The day of a moment (Unix seconds) on a clock in London."""
    return datetime.fromtimestamp(min(max(moment, 0.0), _LAST - 86_400), _ZONE).date()


def begins(day: date) -> float:
    """When the day begins in London (Unix seconds)."""
    return datetime.combine(day, time(), _ZONE).timestamp()


def months_later(day: date, months: int) -> date:
    """The same day so many months later; the last of a month that is too short for it. At most the year 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def spelt(day: date) -> str:
    """The day as people write it: `31 January 2027`."""
    return f"{day.day} {day:%B} {day.year}"


def in_days(number: int) -> str:
    """`in 3 days`, `in 1 day`, `today`, `1 day ago`."""
    if number == 0:
        return "today"
    count = f"{abs(number)} day{'' if abs(number) == 1 else 's'}"
    return f"in {count}" if number > 0 else f"{count} ago"
