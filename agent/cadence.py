"""When a check is due, and for how long its result holds. Pure arithmetic on Unix seconds."""

from __future__ import annotations

import math
from hashlib import blake2b

from config.cron import next_fire
from config.estate import Every, Schedule

BUCKET = 0.25
"""Seconds by which phases are grouped; checks of one interval and phase are started together."""
_STALE_AFTER = 2.5


def phase(check_id: str, seconds: float) -> float:
    """Where in its period a check runs: from 0 up to `seconds`, in steps of 0.25 s, the same for ever."""
    buckets = max(1, int(seconds / BUCKET))
    digest = blake2b(check_id.encode(), digest_size=8).digest()
    return (int.from_bytes(digest) % buckets) * BUCKET


def next_in_period(seconds: float, offset: float, after: float) -> float:
    """The first moment later than `after` that lies `offset` into a period; periods are counted from the epoch."""
    due = (math.floor((after - offset) / seconds) + 1) * seconds + offset
    return due if due > after else due + seconds  # the quotient may have been rounded up


def next_due(schedule: Schedule, check_id: str, after: float) -> float:
    """The check's first run later than `after`."""
    if isinstance(schedule, Every):
        return next_in_period(schedule.seconds, phase(check_id, schedule.seconds), after)
    return next_fire(schedule, after)


def valid_for(schedule: Schedule, timeout: float, started: float) -> float:
    """Seconds for which a result holds: 2.5 periods, or until the next run but one, and the time-out."""
    if isinstance(schedule, Every):
        return _STALE_AFTER * schedule.seconds + timeout
    following = next_fire(schedule, started)
    return next_fire(schedule, following) - started + timeout if following < math.inf else math.inf
