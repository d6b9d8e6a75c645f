"""Working hours and bank holidays: when people are there, and when they are told of something.

Moments are Unix seconds; hours are local to the working hours' own zone, so both nights on which the clocks change
have the length they have.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from config.estate import WakeClass, WorkingHours

_MORNING = time(7, 0)
_NIGHT = time(22, 0)
_HORIZON_DAYS = 400


def is_open(hours: WorkingHours, now: float) -> bool:
    """Whether `now` is within working hours; the closing moment itself is outside."""
    zone = ZoneInfo(hours.time_zone)
    span = _span(hours, datetime.fromtimestamp(now, zone).date(), zone)
    return span is not None and span[0] <= now < span[1]


def next_open(hours: WorkingHours, now: float) -> float:
    """The first moment from `now` on that is within working hours: `now` itself if it is.

    Where nothing opens within 400 days the answer is `now`: to be told at a bad time is better than never.
    """
    return now if is_open(hours, now) else _next_opening(hours, now)


def due(wake: WakeClass, hours: WorkingHours, now: float) -> float:
    """When a person is told of something that is worth telling since `now`.

    `now`: at once. `07:00`: at once by day, from 22:00 at the next 07:00, on any day of the week. `working-hours`:
    in working hours at once, else when they next begin. `digest`: when the next working day begins, never sooner.
    """
    if wake is WakeClass.NOW:
        return now
    if wake is WakeClass.MORNING:
        return _by_day(ZoneInfo(hours.time_zone), now)
    if wake is WakeClass.WORKING_HOURS:
        return next_open(hours, now)
    return _next_opening(hours, now)


@lru_cache(maxsize=64)
def bank_holidays(year: int) -> frozenset[date]:
    """The bank holidays of England in a year, substitute days included.

    From the `holidays` library, so one that is proclaimed (a coronation) comes with a release of it: until then it
    stands in `working_hours.closed`.
    """
    # A tenth of a second and several MiB, for what most commands never ask.
    from holidays import country_holidays

    return frozenset(country_holidays("GB", subdiv="ENG", years=year))


def _by_day(zone: ZoneInfo, now: float) -> float:
    local = datetime.fromtimestamp(now, zone)
    if _MORNING <= local.time() < _NIGHT:
        return now
    day = local.date() if local.time() < _MORNING else local.date() + timedelta(days=1)
    return datetime.combine(day, _MORNING, zone).timestamp()


def _next_opening(hours: WorkingHours, after: float) -> float:
    """The first beginning of a working day strictly later than `after`."""
    zone = ZoneInfo(hours.time_zone)
    first = datetime.fromtimestamp(after, zone).date()
    for ahead in range(_HORIZON_DAYS):
        span = _span(hours, first + timedelta(days=ahead), zone)
        if span is not None and span[0] > after:
            return span[0]
    return after


def _span(hours: WorkingHours, day: date, zone: ZoneInfo) -> tuple[float, float] | None:
    """The opening and the closing moment of a day, or None if it is closed all day."""
    span = hours.days.get(day.weekday())
    if span is None or day.isoformat() in hours.closed:
        return None
    if hours.bank_holidays and day in bank_holidays(day.year):
        return None
    opens, closes = span
    # A closing time of 00:00 is the midnight at the end of the day ("24:00" in the file).
    last = day + timedelta(days=1) if closes == time(0, 0) else day
    return datetime.combine(day, opens, zone).timestamp(), datetime.combine(last, closes, zone).timestamp()
