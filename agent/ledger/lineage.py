"""Where a reader stands in the feed, and whether it can go on from there: cursors, epochs, restores. Pure.

Every event has a number; numbers rise, and within a lineage of ledgers none is used twice. A restored ledger begins a
new epoch: `epochs` says up to which number its log and that of each earlier epoch are the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

LARGEST = 2**63 - 1
"""Of a sequence number, as both databases keep it."""
_CURSOR = re.compile(r"(?:([0-9A-Za-z][0-9A-Za-z-]{0,39}):)?([0-9]{1,20})\Z")


class CursorError(ValueError):
    """A text that is no cursor; the message says what one looks like."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a reader says that it has read: everything up to this number of that epoch's log."""

    sequence: int
    epoch: str | None = None
    """None: the reader kept only the number."""

    @classmethod
    def of(cls, text: str) -> Cursor:
        """Read `SEQ` or `EPOCH:SEQ`. Raises CursorError."""
        found = _CURSOR.match(text)
        if found is None or int(found[2]) > LARGEST:
            raise CursorError("a cursor is a number, or an event's id (EPOCH:NUMBER), as this feed gave it")
        return cls(int(found[2]), found[1])

    def __str__(self) -> str:
        return f"{self.sequence}" if self.epoch is None else f"{self.epoch}:{self.sequence}"


class Loss(StrEnum):
    """Why a reader cannot go on from its cursor as if nothing had happened."""

    EXPIRED = "expired"
    """Events after it have been removed, since they were older than what is kept."""
    AHEAD = "ahead"
    """It says to have read what this log has not got."""
    UNKNOWN_EPOCH = "unknown-epoch"
    """It belongs to a log that this one does not descend from, as far as it knows."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """A log as its readers see it."""

    epoch: str
    oldest: int
    """From this number on every event is kept; one more than `newest` when none is."""
    newest: int
    """The last number used; no event needs to have it, as after a restore."""
    earlier: Mapping[str, int] = field(default_factory=dict)
    """Each earlier epoch, and the number up to which its log and this one are the same."""

    def epoch_of(self, sequence: int) -> str:
        """The epoch in which the event of this number was written, for good: its id depends on it.

        That is the oldest one whose log has it in common with this one. Epochs are ULIDs, so the order of their texts
        is that of their beginnings.
        """
        return min((epoch for epoch, last in self.earlier.items() if sequence <= last), default=self.epoch)

    def cursor(self, sequence: int) -> Cursor:
        """What a reader keeps that has read everything up to this number."""
        return Cursor(sequence, self.epoch_of(sequence))

    def resume(self, cursor: Cursor | None) -> int | Loss:
        """The number after which this reader goes on; without a cursor, from the oldest event that is kept.

        Who has read on in an earlier epoch after the two logs parted goes on where they parted: what came after that
        is not in this log.
        """
        if cursor is None:
            return self.oldest - 1
        after = cursor.sequence
        if cursor.epoch is not None and cursor.epoch != self.epoch:
            if cursor.epoch not in self.earlier:
                return Loss.UNKNOWN_EPOCH
            after = min(after, self.earlier[cursor.epoch])
        if after > self.newest:
            return Loss.AHEAD
        return after if after >= self.oldest - 1 else Loss.EXPIRED
