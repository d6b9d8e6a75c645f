"""How a desk is spoken to. The exactly-one-ticket protocol is written once, in `exporters.desks.protocol`.

An adapter is a class with these methods; it says nothing about when or whether. Calls are synchronous, are made by one
thread per desk, never retry by themselves, never follow a redirect, and end within `capabilities.timeout` seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import BaseModel

from agent.records import Priority


class DeskError(Exception):
    """Base of what an adapter may raise. The message says what, where and how to mend it, without secrets."""


class Refused(DeskError):
    """A definite no (400, 401, 403, 404, 422, or a 200 whose text says no): a person has to mend something.

    `everything`: the desk would refuse any request alike (credentials, address), not only this one.
    """

    def __init__(self, message: str, everything: bool = False) -> None:
        super().__init__(message)
        self.everything = everything


class NotDone(DeskError):
    """Certainly not done, and trying later can help: connection refused, 429, a look-up that failed in any such way.

    `retry_after` is what the desk asks for, seconds.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Uncertain(DeskError):
    """Nobody can know whether it was done: no answer after sending, 5xx, an answer that cannot be read.

    A desk that refuses a second ticket with the same key (409) belongs here too: the next look-up finds the first.
    """


@dataclass(frozen=True, slots=True)
class DeskCapabilities:
    """What the adapter promises of its desk; each figure is measured or from the vendor's text."""

    timeout: float = 10.0
    """Longest time one call may take, seconds."""
    max_in_flight: float = 30.0
    """Longest time the desk may still act on a request that nobody waits for."""
    lookup_lag: float = 0.0
    """How long a look-up may miss a ticket that exists."""
    unique_enforced: bool = False
    """True only where a second create with the same key was seen to be refused."""
    can_merge: bool = False


@dataclass(frozen=True, slots=True)
class NewTicket:
    key: str
    """The incident's id; what look-up finds."""
    digest: str
    """The cause key's digest, so that a restored ledger adopts its tickets."""
    queue: str
    title: str
    text: str
    priority: Priority
    council: str
    subject: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as the desk shows it. `open` is false once resolved, closed, rejected or deleted."""

    number: str
    key: str
    queue: str
    status: str
    open: bool
    priority: Priority | None
    digest: str = ""
    deleted: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class QueueCount:
    queue: str
    open: int
    """Neither resolved nor closed, the pending ones included."""
    pending: int
    """On hold: waiting for a supplier, a part, a person."""


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """One line of the start-up self-check: field exists, queue exists, a random id finds nothing, …"""

    name: str
    ok: bool
    text: str


class DeskAdapter(Protocol):
    """The whole of what a desk must be able to do."""

    capabilities: DeskCapabilities

    def look_up(self, key: str) -> Sequence[Ticket]:
        """Every ticket that carries this key, lowest number first."""

    def find_digest(self, digest: str) -> Sequence[Ticket]:
        """Every open ticket that carries this cause digest, lowest number first."""

    def create(self, ticket: NewTicket, may_send: Callable[[], bool]) -> str:
        """Ask for a new ticket once; returns its number. Refused, NotDone or Uncertain otherwise.

        `may_send` is asked immediately before the request leaves, for a thread can stand still anywhere; when it says
        no, nothing is sent and NotDone is raised.
        """

    def read(self, number: str) -> Ticket:
        """The ticket by its number, read consistently. One that is gone is `deleted`; a merged one is its survivor."""

    def has_note(self, number: str, marker: str) -> bool:
        """Whether a note with this marker is already there."""

    def note(self, number: str, marker: str, text: str) -> None:
        """Add an internal note that `has_note` finds by its marker."""

    def set_priority(self, number: str, priority: Priority) -> None:
        """Ask for another priority; the protocol reads the ticket afterwards."""

    def resolve(self, number: str, text: str) -> None:
        """Ask for the ticket to be resolved, saying why; the protocol reads the ticket afterwards."""

    def reopen(self, number: str, text: str) -> None:
        """Ask for the ticket to be opened again, saying why; the protocol reads the ticket afterwards."""

    def merge(self, number: str, into: str) -> None:
        """Make `number` a duplicate of `into`: merge, or close it saying so."""

    def changed_since(self, moment: float) -> Sequence[Ticket]:
        """Tickets that carry any of our keys and changed since then, at least; for the sweep."""

    def counts(self, queues: Sequence[str]) -> Sequence[QueueCount]:
        """How many tickets, of anybody, are open in each queue, and how many of those wait for somebody."""

    def self_check(self, queues: Sequence[str]) -> Sequence[SelfCheck]:
        """Prove that the configuration fits this desk before the first ticket. NotDone when it cannot be asked."""

    def close(self) -> None:
        """Let go of the desk. May be called from another thread, and then cuts off a call in flight."""


@dataclass(frozen=True, slots=True)
class DeskKind:
    """A kind of desk: its options model and how to make an adapter. Found by `exporters.desks.catalogue`."""

    kind: str
    title: str
    options: type[BaseModel]
    make: DeskFactory
    notes: Mapping[str, str] = field(default_factory=dict)


class DeskFactory(Protocol):
    def __call__(self, name: str, options: BaseModel) -> DeskAdapter: ...
