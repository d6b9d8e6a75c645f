"""How much would be lost: the age of the newest point that can be restored, against the RPO. Pure.

The clock never stops: not for a run under way, one that is tried again, a job switched off, or work that was announced.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from checks.backup.history import ObjectHistory
from checks.backup.options import ObjectOptions
from checks.backup.rules import Trouble
from checks.contract import State
from config.cron import LONDON
from config.schema.words import duration_text

NEAR = 0.8
"""The share of the RPO from which it is a warning."""
AHEAD = 300.0
"""Seconds by which a point may be younger than now: clocks differ."""


def newest(history: ObjectHistory, now: float) -> float | None:
    """The newest restorable point anywhere. One from the future is not believed."""
    times = [one.newest for one in history.lying.values() if one.newest is not None and one.count != 0]
    return max((at for at in times if at <= now + AHEAD), default=None)


def freshness(options: ObjectOptions, history: ObjectHistory, now: float, unread: bool) -> Trouble | None:
    """What is wrong with the RPO; None where it is kept. `unread`: not every product could be read."""
    at = newest(history, now)
    if at is None:
        words = "there is no restore point" if not unread else "no restore point is known"
        return Trouble(
            State.UNKNOWN if unread else State.CRITICAL, words, "run its backup now, and see that it ends well"
        )
    age = max(0.0, now - at)
    words = f"last restorable point {moment(at)}, {span(age)} ago; RPO {duration_text(options.rpo)}"
    if age > options.rpo:
        return Trouble(State.UNKNOWN if unread else State.CRITICAL, words, "find out why nothing newer was kept")
    if age > NEAR * options.rpo:
        return Trouble(State.WARNING, words, "see that its next run ends well")
    return None


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
