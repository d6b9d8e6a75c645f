"""What can go wrong with the ledger. Each message says what, where and how to mend it, and never holds a password."""

from __future__ import annotations


class LedgerError(Exception):
    """Base of the family. `retry` says whether trying the same again later can help."""

    retry = False


class LedgerInUse(LedgerError):
    """Another agent holds the ledger; the message says which."""


class LedgerTooNew(LedgerError):
    """The ledger was written by a newer Ridgeway."""


class LedgerUnusable(LedgerError):
    """Not a database, damaged, not ours to open, or its directory is missing."""


class LedgerMisfit(LedgerUnusable):
    """The database does not know a table or a column that this Ridgeway uses: not a ledger, or changed by hand."""


class LedgerRefused(LedgerError):
    """The database refuses these rows (a broken promise, a text too long); nothing of the batch was written."""


class LedgerUnavailable(LedgerError):
    """Full disk, locked, or the database is away. What was submitted stays queued; a call was not carried out.

    `uncertain` is true when the connection broke while a call was being committed, so that nobody can know.
    """

    retry = True

    def __init__(self, message: str, uncertain: bool = False) -> None:
        super().__init__(message)
        self.uncertain = uncertain


class LedgerClosed(LedgerError):
    """The ledger was closed before this could be written or read."""
