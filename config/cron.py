"""Cron expressions of five fields, as Debian's cron reads them, in a time zone (cronsim does the reckoning).

Over a clock change: a moment that does not exist fires when the clocks have gone forward, one that exists twice
fires once, and a `*` in the hours keeps the real interval.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from config.estate import Cron

LONDON = "Europe/London"

_SAMPLE_START = datetime(2024, 1, 1, tzinfo=UTC)
_SAMPLE_DAYS = timedelta(days=8)
_SAMPLE_FIRES = 400
_SAMPLE_LIMIT = timedelta(days=40 * 365)
_FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")


def read_cron(value: object) -> str:
    """The expression, proved to fire; ValueError says which field is wrong or that it can never fire."""
    if not isinstance(value, str) or len(value) > 200:
        raise ValueError('must be a cron expression in quotes, as in "30 6 * * 1-5"')
    fields = value.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"a cron expression has five fields ({', '.join(_FIELDS)}), not {len(fields)}")
    try:
        next(CronSim(value, _SAMPLE_START))
    except CronSimError as error:
        if _never(fields):
            raise ValueError(_NEVER) from error
        reason = str(error)
        raise ValueError(f"is no cron expression: {reason[:1].lower()}{reason[1:]}") from error
    except StopIteration as error:
        raise ValueError(_NEVER) from error
    return " ".join(fields)


_NEVER = "can never fire: no such day exists"


def _never(fields: list[str]) -> bool:
    """Whether the fields are right one by one, and only the day and the month together are not."""
    try:
        next(CronSim(" ".join([*fields[:3], "*", fields[4]]), _SAMPLE_START))
    except (CronSimError, StopIteration):
        return False
    try:
        next(CronSim(" ".join([*fields[:2], "*", *fields[3:]]), _SAMPLE_START))
    except (CronSimError, StopIteration):
        return False
    return True


def read_zone(value: object) -> str:
    """The name of a time zone of the IANA database."""
    try:
        if isinstance(value, str) and 0 < len(value) < 64 and value[:1].isalpha():
            return ZoneInfo(value).key
    except (OSError, ValueError, KeyError):
        pass
    raise ValueError(f'must be the name of a time zone, as in "{LONDON}"')


@lru_cache(maxsize=1024)
def gaps(expression: str) -> tuple[float, float]:
    """The shortest and the longest time between two fires, in seconds, as seen over at least 400 fires and eight days.

    Clock changes are left out: they stretch or shrink a gap by an hour twice a year.
    """
    fires = CronSim(expression, _SAMPLE_START)
    previous = next(fires)
    begin = previous
    shortest, longest = timedelta.max, timedelta(0)
    for count, fire in enumerate(fires):
        shortest, longest = min(shortest, fire - previous), max(longest, fire - previous)
        previous = fire
        if (count >= _SAMPLE_FIRES and fire - begin >= _SAMPLE_DAYS) or fire - begin >= _SAMPLE_LIMIT:
            break
    return shortest.total_seconds(), longest.total_seconds()


def next_fire(cron: Cron, after: float) -> float:
    """The first moment strictly later than `after` at which it fires, infinity if never again; Unix seconds."""
    start = datetime.fromtimestamp(after, ZoneInfo(cron.time_zone))
    fires = CronSim(cron.expression, start)
    # In the hour that happens twice cronsim reckons from the wall clock, and its first answer may lie behind us.
    return next((moment for fire in fires if (moment := fire.timestamp()) > after), math.inf)
