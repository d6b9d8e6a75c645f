"""What a reader of the incident feed knows: which incidents are open, and which have an open ticket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

_OPENS = frozenset({"opened", "reopened"})
_ENDS = frozenset({"resolved", "cancelled", "closed"})
_TICKET_OPENS = frozenset({"linked", "adopted", "reopen"})
_TICKET_ENDS = "resolve"


class Known:
    """Takes the feed's CloudEvents in their order."""

    def __init__(self) -> None:
        self._open: set[str] = set()
        self._tickets: dict[str, tuple[str, str]] = {}
        """Incident to the target that it is about, and to its condition."""
        self._hidden: dict[str, int] = {}
        """Target to how many causes hide behind it."""
        self._came = asyncio.Event()

    def take(self, event: Mapping[str, Any]) -> None:
        """One event more."""
        data = event["data"]
        incident, kind = data["incident"], data["kind"]
        if kind in _OPENS:
            self._open.add(incident)
        elif kind in _ENDS:
            self._open.discard(incident)
        elif kind == "hides":
            self._hidden[data["about"]["subject"]] = int(data["detail"]["total"])
        elif kind == "ticket":
            what = data["detail"].get("what")
            if what in _TICKET_OPENS:
                self._tickets[incident] = (data["about"]["subject"], data["about"]["condition"])
            elif what == _TICKET_ENDS:
                self._tickets.pop(incident, None)
        self._came.set()
        self._came = asyncio.Event()

    async def until(self, holds: Callable[[Known], bool]) -> None:
        """Return when `holds` does of what is known."""
        while not holds(self):
            await self._came.wait()

    def has_ticket(self, subject: str, condition: str = "") -> bool:
        """Whether a ticket is open about this target, and about a condition of it that begins so."""
        return any(name == subject and of.startswith(condition) for name, of in self._tickets.values())

    def hidden(self, subject: str) -> int:
        """How many causes hide behind this target."""
        return self._hidden.get(subject, 0)

    @property
    def unfinished(self) -> int:
        """Incidents that are open, or whose ticket is."""
        return len(self._open | set(self._tickets))
