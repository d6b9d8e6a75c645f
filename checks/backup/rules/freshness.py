"""How much would be lost: the age of the newest point that can be restored, against the RPO. Pure.

The clock never stops: not for a run under way, one that is tried again, a job switched off, or work that was announced.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from checks.backup.belief import AHEAD
from checks.backup.history import ObjectHistory
from checks.backup.options import ObjectOptions
from checks.backup.rules import Trouble
from checks.contract import State
from config.cron import LONDON
from config.schema.words import duration_text

NEAR = 0.8
"""The share of the RPO from which it is a warning, where no run is to be expected before it breaks."""


def newest(history: ObjectHistory, now: float) -> float | None:
    """The newest restorable point anywhere. One from the future is not believed."""
    times = [one.newest for one in history.lying.values() if one.newest is not None and one.count != 0]
    return max((at for at in times if at <= now + AHEAD), default=None)


def freshness(
    options: ObjectOptions, history: ObjectHistory, now: float, unread: bool, next_run: float | None = None
) -> Trouble | None:
    """What is wrong with the RPO; None where it is kept. `unread`: not every product could be read.

    `next_run`: when a run is promised, in time or usual. While that is before the RPO breaks, a nightly backup that
    is most of a day old is as it should be.
    """
    at = newest(history, now)
    if at is None:
        words = "there is no restore point" if not unread else "no restore point is known"
        return Trouble(
            State.UNKNOWN if unread else State.CRITICAL, words, "run its backup now, and see that it ends well"
        )
    age = max(0.0, now - at)
    words = f"last restorable point {moment(at)}, {span(age)} ago, {at_risk(age)}; RPO {duration_text(options.rpo)}"
    if age > options.rpo:
        return Trouble(State.UNKNOWN if unread else State.CRITICAL, words, "find out why nothing newer was kept")
    if age > NEAR * options.rpo and (next_run is None or next_run > at + options.rpo):
        return Trouble(State.WARNING, words, "see that its next run ends well")
    return None


def at_risk(age: float) -> str:
    """What would be lost, in the unit in which a service desk asks."""
    return f"{age / 3600:.0f} h of data at risk"


@lru_cache(maxsize=4096)
def moment(at: float) -> str:
    """A time as people in London read it."""
    return datetime.fromtimestamp(at, ZoneInfo(LONDON)).strftime("%Y-%m-%d %H:%M")


def span(seconds: float) -> str:
    """A length of time in its two largest units."""
    minutes = int(seconds // 60)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {rest} min" if hours else f"{rest} min"
