"""Categories of alarms of a MiVoice Business, as far as a route or a line hangs on them. Pure.

`mitel` has a finding for each of them; here they are only counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from checks.network import raw
from checks.network.plan import TablePlan
from checks.network.rows import rows_of
from checks.telephony.mitel.options import BUSINESS, MitelOptions
from checks.telephony.mitel.product import LEVEL
from checks.telephony.readiness.answers import System
from config.profiles import search_path

_CLEAR = 1


def table() -> TablePlan:
    """The table of categories, as the profile on the search path has it."""
    return _table(search_path())


@lru_cache(maxsize=4)
def _table(_directories: tuple[Path, ...]) -> TablePlan:
    return MitelOptions(profile=BUSINESS).plan_of(BUSINESS).table("categories")


@dataclass(frozen=True, slots=True)
class Count:
    """What categories that fit a pattern have together. `why` says what keeps it from being known."""

    available: int = 0
    unavailable: int = 0
    found: tuple[str, ...] = ()
    missing: bool = False
    """Whether no category of that name is listed, in a table that was read to its end."""
    lists_all: bool = False
    """Whether the system is seen to list categories that are clear, so that one which is missing does not exist."""
    clear: bool = False
    """Whether the overall level is clear."""
    why: str = ""


def counted(system: System, pattern: str) -> Count:
    """The resources of the categories whose names fit."""
    if system.answers is None:
        return Count(why=system.fault.message if system.fault is not None else "it was not asked")
    answers = system.answers
    level = answers.values.get(LEVEL)
    if not isinstance(level, int) or isinstance(level, bool):
        return Count(why="it has no level of alarms, so that it is no MiVoice Business")
    rows = rows_of(table(), answers)
    fitting = [row for row in rows.rows if raw.like((pattern,), row.label)]
    if not rows.complete:
        return Count(why="its categories were not read to their end")
    if not fitting:
        lists_all = any(row.said("category") == "clear" for row in rows.rows)
        return Count(missing=True, lists_all=lists_all, clear=level == _CLEAR)
    numbers = [(row.said("available"), row.said("unavailable")) for row in fitting]
    if not all(isinstance(one, int) and one >= 0 for pair in numbers for one in pair):
        return Count(why="its categories do not say how much of them is available")
    return Count(
        sum(int(available or 0) for available, _ in numbers),
        sum(int(unavailable or 0) for _, unavailable in numbers),
        tuple(row.label for row in fitting),
    )


__all__ = ["LEVEL", "Count", "counted", "table"]
