"""Where a reader stands in the feed, and whether it can go on from there. Pure.

What epochs are, and why no number is used twice: `agent.ledger.epochs`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from agent.ledger.epochs import Lineage, epoch_of

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
class FeedPosition:
    """A log as its readers see it."""

    lineage: Lineage
    oldest: int
    """From this number on every event is kept; one more than `newest` when none is."""

    @property
    def epoch(self) -> str:
        return self.lineage.epoch

    @property
    def newest(self) -> int:
        """The last number used; no event needs to have it, as after a restore."""
        return self.lineage.sequence

    def epoch_of(self, sequence: int) -> str:
        """The epoch in which the event of this number was written."""
        return epoch_of(sequence, self.lineage)

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
            ancestor = self.lineage.ancestors.get(cursor.epoch)
            if ancestor is None:
                return Loss.UNKNOWN_EPOCH
            after = min(after, ancestor.last)
        if after > self.newest:
            return Loss.AHEAD
        return after if after >= self.oldest - 1 else Loss.EXPIRED
