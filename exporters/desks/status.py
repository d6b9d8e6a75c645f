"""What can be said about a desk at any moment, for health pages and metrics; never asks the desk or the database."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agent.ledger.outbox import Backlog
from exporters.desks.contract import QueueCount


@dataclass(frozen=True, slots=True)
class DeskStatus:
    """One desk as its worker last saw it. Times are Unix seconds; counters count since this process started."""

    desk: str
    backlog: Backlog = field(default_factory=Backlog)
    """`created` counts the last 24 hours, the window of the daily cap."""
    cap: int = 0
    capped: bool = False
    """New tickets wait because the cap is reached; updates and closing go on."""
    opened: int = 0
    repaired: int = 0
    uncertain: int = 0
    """Creates without an answer that could be believed."""
    failures: int = 0
    """In a row; 0 when the last exchange went well."""
    last_error: str = ""
    last_error_at: float | None = None
    last_success_at: float | None = None
    swept_at: float | None = None
    strangers: tuple[str, ...] = ()
    """Open tickets with keys of ours that this ledger does not know, as of the last sweep."""
    counts: Sequence[QueueCount] = ()
    counts_at: float | None = None


class StatusBoard:
    """The newest status of one desk, written by its worker and read by anybody."""

    def __init__(self, desk: str, cap: int) -> None:
        self._lock = threading.Lock()
        self._status = DeskStatus(desk, cap=cap)

    def read(self) -> DeskStatus:
        with self._lock:
            return self._status

    def write(self, **changes: Any) -> DeskStatus:
        """Change some fields; returns what it was before."""
        with self._lock:
            before, self._status = self._status, replace(self._status, **changes)
            return before
