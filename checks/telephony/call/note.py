"""What a check of test calls remembers: how the last calls were rated, and when the last one was made."""

from __future__ import annotations

import json
from dataclasses import dataclass

from checks.contract import Memory

_VERSION = 1
_MOST = 9
_FRESH = 86_400.0
"""Seconds after which a call says nothing of today's."""


@dataclass(frozen=True, slots=True)
class Note:
    """The check's memory, unpacked."""

    last: float | None = None
    """When a call was made last (Unix seconds)."""
    said: str = ""
    """What came of it, in a few words."""
    ratings: tuple[tuple[float, float], ...] = ()
    """When, and R; the newest at the end."""

    def after(self, now: float, said: str, r: float | None) -> Note:
        """The note after a call."""
        kept = tuple((at, rating) for at, rating in self.ratings if 0 <= now - at <= _FRESH)
        if r is not None:
            kept = (*kept, (now, round(r, 2)))[-_MOST:]
        return Note(now, said[:100], kept)

    def packed(self) -> Memory:
        told = {"last": self.last, "said": self.said, "ratings": self.ratings}
        return Memory(_VERSION, json.dumps(told, separators=(",", ":")))


def unpacked(memory: Memory | None) -> Note:
    """The note in a memory; one of another version, or a damaged one, is empty."""
    if memory is None or memory.version != _VERSION:
        return Note()
    try:
        said = json.loads(memory.text)
        last = said["last"]
        ratings = tuple((float(at), float(r)) for at, r in said["ratings"][-_MOST:])
        return Note(None if last is None else float(last), str(said["said"])[:100], ratings)
    except (ValueError, TypeError, KeyError, RecursionError):
        return Note()
