"""What was looked at, what it is like, and how to mend it: the lines of `ledger verify` and of `doctor`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What could not be told is never ok."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"
    UNKNOWN = "could not tell"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at."""

    level: Level
    what: str
    text: str
    where: str = ""
    mend: str = ""
    """What to do; empty when there is nothing to mend."""


def ok(what: str, text: str, where: str = "") -> Line:
    return Line(Level.OK, what, text, where)


def warning(what: str, text: str, mend: str, where: str = "") -> Line:
    return Line(Level.WARNING, what, text, where, mend)


def broken(what: str, text: str, mend: str, where: str = "") -> Line:
    return Line(Level.BROKEN, what, text, where, mend)


def unknown(what: str, text: str, mend: str = "", where: str = "") -> Line:
    return Line(Level.UNKNOWN, what, text, where, mend)


def exit_status(lines: Iterable[Line]) -> int:
    """1 when something is broken or will be, 3 when nothing is but something could not be told, else 0."""
    levels = {line.level for line in lines}
    if levels & {Level.BROKEN, Level.WARNING}:
        return 1
    return 3 if Level.UNKNOWN in levels else 0
