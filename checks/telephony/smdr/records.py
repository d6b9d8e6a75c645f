"""Call records as they stream by: counted, and forgotten at once. Pure; nothing of a record is kept or shown.

Records are lines of fixed width, of which the options of the controller change the columns. Only the first character is
the same everywhere: it marks long calls (3300 ICP Technician's Handbook).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from config.patterns import LinePattern

LENGTHS: Mapping[str, str] = {" ": "under-5m", "-": "5m-10m", "%": "10m-30m", "+": "over-30m"}
"""By the first character of a record: how long the call was."""
LONGEST = 512
"""Octets of a line; records have 90 to 120."""
_DURATION = re.compile(r"(?:([0-9]{1,2}):)?([0-9]{1,2}):([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Layout:
    """What a record looks like."""

    record: LinePattern
    duration: tuple[int, int] | None = None
    """Its first and last column, counted from 1."""

    def length_of(self, line: str) -> str:
        """How long the call of this record was; empty where the line is no record."""
        return LENGTHS.get(line[:1], "") if self.record.found(line) else ""

    def seconds_of(self, line: str) -> int | None:
        """The duration in seconds; None where there is none."""
        if self.duration is None:
            return None
        found = _DURATION.fullmatch(line[self.duration[0] - 1 : self.duration[1]].strip())
        if found is None:
            return None
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return hours * 3600 + minutes * 60 + seconds


@dataclass(slots=True)
class Counting:
    """Takes pieces of a stream, whatever is in them, and keeps numbers and less than a line."""

    layout: Layout
    records: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LENGTHS.values(), 0))
    """By length."""
    unread: int = 0
    """Lines that are no records."""
    seconds: int = 0
    """The sum of the durations that could be read."""
    _rest: bytes = field(default=b"", repr=False)
    _skipping: bool = False

    def fed(self, piece: bytes) -> None:
        """The next piece."""
        *lines, rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._line(line)
        if len(rest) > LONGEST:
            self.unread += not self._skipping
            self._skipping, rest = True, b""
        self._rest = rest

    def ended(self) -> None:
        """No more comes. What is left counts if it is a record; the beginning of one says nothing."""
        if self._rest and not self._skipping:
            self._counted(_text(self._rest))
        self._rest = b""

    def _line(self, line: bytes) -> None:
        if self._skipping:
            self._skipping = False
            return
        text = _text(line)
        if text.strip() and (len(line) > LONGEST or not self._counted(text)):
            self.unread += 1

    def _counted(self, text: str) -> bool:
        length = self.layout.length_of(text)
        if length:
            self.records[length] += 1
            self.seconds += self.layout.seconds_of(text) or 0
        return bool(length)


def _text(line: bytes) -> str:
    return line.decode("ascii", "replace").rstrip("\r\0 ")
