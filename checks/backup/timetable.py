"""When a backup is due: cron expressions, calendar expressions of systemd, or simply every so often. Pure.

A timetable is wall-clock time in its zone. A moment that does not exist when the clocks go forward is not due; one that
exists twice when they go back is due once, and either of the two is taken for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim
from oncalendar import OnCalendar, OnCalendarError

from config.cron import LONDON, read_cron

TWICE = 3600.0
"""Seconds by which the second of two equal wall-clock times is later."""
_SAMPLE = datetime(2024, 1, 1, tzinfo=UTC)
_SAMPLE_FIRES = 400
_SAMPLE_SPAN = timedelta(days=8)
_LONGEST = timedelta(days=10 * 366)


@dataclass(frozen=True, slots=True)
class Due:
    """A moment at which a run is expected (Unix seconds)."""

    at: float
    twice: bool = False
    """It exists twice; `at` is the first."""

    @property
    def latest(self) -> float:
        """The last moment that goes by this wall-clock time."""
        return self.at + TWICE if self.twice else self.at


@dataclass(frozen=True, slots=True)
class Timetable:
    """One of the three; `every` is in seconds and counts from the last run, whenever that was."""

    cron: str = ""
    calendar: str = ""
    every: float = 0.0
    zone: str = LONDON

    def last(self, now: float) -> Due | None:
        """The newest moment that is not later than `now`; None for `every`, and before the first one."""
        return None if self.every else _last(self, now)

    def next(self, now: float) -> float | None:
        """The first moment that is later than `now`; None for `every`."""
        return None if self.every else _next(self, now)

    def longest_gap(self) -> float:
        """Seconds between two due moments at most, clock changes left out."""
        return self.every or _longest(self.cron, self.calendar).total_seconds()


@lru_cache(maxsize=256)
def _last(table: Timetable, now: float) -> Due | None:
    there = ZoneInfo(table.zone)
    wall = datetime.fromtimestamp(now, there).replace(tzinfo=UTC)
    begin = wall - 2 * _longest(table.cron, table.calendar) - timedelta(hours=3)  # one of them may not exist
    found: Due | None = None
    for fire in _fires(table.cron, table.calendar, begin):
        if fire > wall + timedelta(hours=2):
            break
        due = _moment(fire, there)
        if due is not None and due.at <= now:
            found = due
    return found


@lru_cache(maxsize=256)
def _next(table: Timetable, now: float) -> float | None:
    there = ZoneInfo(table.zone)
    wall = datetime.fromtimestamp(now, there).replace(tzinfo=UTC)
    for fire in _fires(table.cron, table.calendar, wall - timedelta(hours=3)):
        due = _moment(fire, there)
        if due is not None and due.at > now:
            return due.at
    return None


def read_calendar(text: str) -> str:
    """A calendar expression of systemd (systemd.time(7)), proved to fire. ValueError says what is wrong."""
    if len(text) > 200:
        raise ValueError("a calendar expression is shorter than that")
    try:
        first = next(OnCalendar(text, _SAMPLE), None)
    except OnCalendarError as error:
        raise ValueError(f'is no calendar expression of systemd, as in "Mon..Fri 22:00": {error}') from error
    if first is None:
        raise ValueError("can never fire")
    return text


def _fires(cron: str, calendar: str, begin: datetime) -> Iterator[datetime]:
    """Wall-clock times after `begin`, as if the zone were UTC."""
    return CronSim(cron, begin) if cron else OnCalendar(calendar, begin)


@lru_cache(maxsize=1024)
def _longest(cron: str, calendar: str) -> timedelta:
    fires = _fires(cron, calendar, _SAMPLE)
    begin = previous = next(fires)
    longest = timedelta(0)
    for count, fire in enumerate(fires):
        longest, previous = max(longest, fire - previous), fire
        if (count >= _SAMPLE_FIRES and fire - begin >= _SAMPLE_SPAN) or fire - begin >= _LONGEST:
            break
    return longest


def _moment(wall: datetime, there: ZoneInfo) -> Due | None:
    """The wall-clock time in the zone; None where the clocks jump over it."""
    local = wall.replace(tzinfo=there, fold=0)
    if datetime.fromtimestamp(local.timestamp(), there).replace(tzinfo=None) != wall.replace(tzinfo=None):
        return None
    return Due(local.timestamp(), local.utcoffset() != local.replace(fold=1).utcoffset())


__all__ = ["Due", "Timetable", "read_calendar", "read_cron"]
