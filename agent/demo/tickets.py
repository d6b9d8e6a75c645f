"""The tickets of the demo desk: a small, strict book of them in memory, kept in a file if one is named."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

STATUSES = ("new", "open", "pending", "resolved")
PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
_LONGEST = {"key": 60, "digest": 60, "queue": 60, "title": 200, "text": 20_000}


class BadTicket(ValueError):
    """The desk refuses this, and says why."""


class Twice(ValueError):
    """There is a ticket with this key, and this desk allows only one."""


@dataclass(slots=True)
class DeskTicket:
    """One ticket; times are Unix seconds. `merged_into` names the survivor of a merge."""

    number: int
    key: str
    digest: str
    queue: str
    title: str
    priority: str
    created: float
    changed: float
    status: str = "new"
    deleted: bool = False
    merged_into: int | None = None
    notes: list[dict[str, str]] = field(default_factory=list)


class TicketBook:
    """What the desk knows. Every method may be called from several threads.

    `lookup_lag`: seconds for which a search misses a new ticket, as many real desks do. `unique`: refuse a second
    ticket with the same key, as few real desks do.
    """

    def __init__(
        self,
        queues: Sequence[str],
        clock: Callable[[], float],
        *,
        lookup_lag: float = 0.0,
        unique: bool = False,
        path: Path | None = None,
    ) -> None:
        self.queues = tuple(queues)
        self.lookup_lag = lookup_lag
        self._clock = clock
        self._unique = unique
        self._path = path
        self._lock = threading.RLock()
        self._tickets: dict[int, DeskTicket] = {}
        if path is not None and path.exists():
            for row in json.loads(path.read_text(encoding="utf-8")):
                self._tickets[row["number"]] = DeskTicket(**row)

    def all(self) -> Sequence[DeskTicket]:
        """Every ticket, newest first, merged and deleted ones included."""
        with self._lock:
            return sorted(self._tickets.values(), key=lambda ticket: -ticket.number)

    def create(self, fields: Mapping[str, str]) -> DeskTicket:
        """A new ticket; BadTicket or Twice when the desk does not take it."""
        for name, longest in _LONGEST.items():
            if len(fields[name]) > longest:
                raise BadTicket(f"{name} is longer than {longest} characters")
        if fields["queue"] not in self.queues:
            raise BadTicket(f"there is no queue {fields['queue']!r}")
        if fields["priority"] not in PRIORITIES:
            raise BadTicket(f"priority is one of {', '.join(PRIORITIES)}")
        with self._lock:
            if self._unique and any(t.key == fields["key"] for t in self._tickets.values()):
                raise Twice(f"there is a ticket with the key {fields['key']}")
            now = self._clock()
            ticket = DeskTicket(
                number=max(self._tickets, default=0) + 1,
                key=fields["key"],
                digest=fields["digest"],
                queue=fields["queue"],
                title=fields["title"],
                priority=fields["priority"],
                created=now,
                changed=now,
            )
            ticket.notes.append({"marker": "", "text": fields["text"]})
            self._tickets[ticket.number] = ticket
            self._save()
            return ticket

    def get(self, number: int) -> DeskTicket | None:
        """The ticket, or the survivor it was merged into."""
        with self._lock:
            ticket = self._tickets.get(number)
            while ticket is not None and ticket.merged_into is not None:
                ticket = self._tickets.get(ticket.merged_into)
            return ticket

    def search(
        self, *, key: str | None = None, digest: str | None = None, since: float | None = None
    ) -> list[DeskTicket]:
        """Tickets that are there and can be found yet, lowest number first."""
        with self._lock:
            horizon = self._clock() - self.lookup_lag
            return [
                ticket
                for _, ticket in sorted(self._tickets.items())
                if not ticket.deleted
                and ticket.merged_into is None
                and ticket.created <= horizon
                and (key is None or ticket.key == key)
                and (digest is None or ticket.digest == digest)
                and (since is None or ticket.changed >= since)
            ]

    def change(self, number: int, *, status: str | None = None, priority: str | None = None, text: str = "") -> bool:
        """Set what is given; false when there is no such ticket. BadTicket for words the desk does not know."""
        if status is not None and status not in STATUSES:
            raise BadTicket(f"status is one of {', '.join(STATUSES)}")
        if priority is not None and priority not in PRIORITIES:
            raise BadTicket(f"priority is one of {', '.join(PRIORITIES)}")
        with self._lock:
            ticket = self.get(number)
            if ticket is None or ticket.deleted:
                return False
            ticket.status, ticket.priority = status or ticket.status, priority or ticket.priority
            return self._changed(ticket, {"marker": "", "text": text} if text else None)

    def note(self, number: int, marker: str, text: str) -> bool:
        """Add a note; false when there is no such ticket."""
        with self._lock:
            ticket = self.get(number)
            return ticket is not None and not ticket.deleted and self._changed(ticket, {"marker": marker, "text": text})

    def merge(self, number: int, into: int) -> bool:
        """Make one ticket part of another; false when either is missing."""
        with self._lock:
            ticket, survivor = self._tickets.get(number), self.get(into)
            if ticket is None or survivor is None or ticket is survivor:
                return False
            ticket.merged_into = survivor.number
            return self._changed(survivor, {"marker": "", "text": f"Ticket {number} was merged into this one"})

    def delete(self, number: int) -> bool:
        """What a person may do in the desk; false when there is no such ticket."""
        with self._lock:
            ticket = self.get(number)
            if ticket is None:
                return False
            ticket.deleted = True
            return self._changed(ticket, None)

    def _changed(self, ticket: DeskTicket, note: dict[str, str] | None) -> bool:
        if note is not None:
            ticket.notes.append(note)
        ticket.changed = self._clock()
        self._save()
        return True

    def _save(self) -> None:
        if self._path is None:
            return
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(ticket) for ticket in self._tickets.values()]), encoding="utf-8")
        fresh.replace(self._path)
