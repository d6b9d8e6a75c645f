"""How a drill says what came of it: it passed, it failed, or nothing was proved."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What came of a restore."""

    PASSED = "passed"
    FAILED = "failed"
    """It was restored from, and what came is not what must come."""
    UNPROVEN = "unproven"
    """It could not be done: nothing is known, for good or ill."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What a restore that went well was."""

    seconds: float
    octets: int
    words: str
    canary: bytes = b""
    """What was planted, where that is what was restored."""
    as_of: float = 0.0
    """The time as of which the canary was restored."""
    of_the_past: bool = False
    """That time was chosen: how old the canary is today says nothing."""


class Failed(Exception):
    """A restore went wrong, or brought the wrong thing. The message says what, and is told to everybody.

    `path`: of the file in question. Names of people's files are for those who run the drill, and for no ticket.
    """

    def __init__(self, words: str, path: str = "") -> None:
        super().__init__(words)
        self.path = path


class Unproven(Exception):
    """The drill could not be done, for a lock, a password, room, time. The message says how to mend that."""


class Stopped(Unproven):
    """Somebody wants the drill to end now."""
