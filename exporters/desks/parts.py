"""What the protocol works with at one desk, and the steps it tells an observer about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from agent.records import Event, EventKind
from exporters.desks.contract import DeskAdapter
from exporters.desks.fitness import Fitness
from exporters.desks.pace import Clock, Pace

T = TypeVar("T")


class Step(StrEnum):
    """Where the protocol stands; an observer is told after each (at SENDING: just before)."""

    LEASED = "1 leased"
    LOOKED_UP = "2 looked up"
    CHOSEN = "3 chosen"
    MARKED = "4 attempt marked"
    SENDING = "5 about to send"
    ANSWERED = "6 answered"
    READ_BACK = "7 read back"
    LINKED = "8 linked"
    UPDATED = "9 updated"
    SWEPT = "10 swept"


class Ledger(Protocol):
    """The ledger's writer, as far as this side needs it."""

    def call(self, work: Callable[[Connection], T], /) -> T:
        """Run `work` in one transaction and return what it returns once that is on disk."""


class Record(Protocol):
    """Writes a line of an incident's timeline in the transaction it is called in."""

    def __call__(self, connection: Connection, event: Event) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the protocol works with at one desk."""

    desk: str
    adapter: DeskAdapter
    ledger: Ledger
    clock: Clock
    pace: Pace
    record: Record
    fitness: Fitness
    chance: Random
    """Spreads pauses."""
    probe: Callable[[Step], None]

    def event(self, incident: str, what: str, text: str, ticket: str | None = None) -> Event:
        """A line of the timeline: `what` is linked, adopted, blocked, lost, duplicate, resolved, …"""
        data = {"desk": self.desk, "what": what, "ticket": ticket}
        return Event(incident, self.clock.at(), EventKind.TICKET, f"desk:{self.desk}", text, data)


class Overtaken(Exception):
    """The lease is no longer ours; somebody else goes on."""


class TicketLost(Exception):
    """The ticket was deleted in the desk; a person decides."""
