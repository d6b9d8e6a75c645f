"""What can go wrong with an archive. Each message says what, where and how to mend it."""

from __future__ import annotations


class KeepingError(Exception):
    """Base of the family."""


class ArchiveError(KeepingError):
    """The archive is not one of ours, damaged, or holds what it must not; nothing was changed."""


class NoRoom(KeepingError):
    """The disk is full; what was there before is as it was."""
