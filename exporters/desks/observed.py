"""A desk whose every call is counted: what was asked, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, Protocol, TypeVar

from pydantic import BaseModel

from agent.records import Priority
from exporters.desks.contract import (
    DeskAdapter,
    DeskFactory,
    DeskKind,
    NewTicket,
    NotDone,
    QueueCount,
    Refused,
    SelfCheck,
    Ticket,
)

T = TypeVar("T")
Outcome = Literal["done", "refused", "not-done", "uncertain"]


class Count(Protocol):
    """Told of each call when it ends; from the desk's own thread."""

    def __call__(self, desk: str, operation: str, outcome: Outcome) -> None: ...


def observed(kinds: Mapping[str, DeskKind], count: Count) -> Mapping[str, DeskKind]:
    """The same kinds, whose adapters tell `count` of every call."""
    return {name: replace(kind, make=_making(kind, count)) for name, kind in kinds.items()}


def _making(kind: DeskKind, count: Count) -> DeskFactory:
    def make(name: str, options: BaseModel) -> DeskAdapter:
        return ObservedDesk(name, kind.make(name, options), count)

    return make


class ObservedDesk:
    """Passes every call on; see exporters.desks.contract.DeskAdapter."""

    def __init__(self, name: str, adapter: DeskAdapter, count: Count) -> None:
        self.capabilities = adapter.capabilities
        self._name = name
        self._adapter = adapter
        self._count = count

    def look_up(self, key: str) -> Sequence[Ticket]:
        return self._call("look-up", lambda: self._adapter.look_up(key))

    def find_digest(self, digest: str) -> Sequence[Ticket]:
        return self._call("look-up", lambda: self._adapter.find_digest(digest))

    def create(self, ticket: NewTicket, may_send: Callable[[], bool]) -> str:
        return self._call("create", lambda: self._adapter.create(ticket, may_send))

    def read(self, number: str) -> Ticket:
        return self._call("read", lambda: self._adapter.read(number))

    def has_note(self, number: str, marker: str) -> bool:
        return self._call("read", lambda: self._adapter.has_note(number, marker))

    def note(self, number: str, marker: str, text: str) -> None:
        self._call("note", lambda: self._adapter.note(number, marker, text))

    def set_priority(self, number: str, priority: Priority) -> None:
        self._call("priority", lambda: self._adapter.set_priority(number, priority))

    def resolve(self, number: str, text: str) -> None:
        self._call("resolve", lambda: self._adapter.resolve(number, text))

    def reopen(self, number: str, text: str) -> None:
        self._call("reopen", lambda: self._adapter.reopen(number, text))

    def merge(self, number: str, into: str) -> None:
        self._call("sweep", lambda: self._adapter.merge(number, into))

    def changed_since(self, moment: float) -> Sequence[Ticket]:
        return self._call("sweep", lambda: self._adapter.changed_since(moment))

    def counts(self, queues: Sequence[str]) -> Sequence[QueueCount]:
        return self._call("counts", lambda: self._adapter.counts(queues))

    def self_check(self, queues: Sequence[str]) -> Sequence[SelfCheck]:
        return self._call("look-up", lambda: self._adapter.self_check(queues))

    def close(self) -> None:
        self._adapter.close()

    def _call(self, operation: str, call: Callable[[], T]) -> T:
        outcome: Outcome = "uncertain"
        try:
            result = call()
            outcome = "done"
            return result
        except Refused:
            outcome = "refused"
            raise
        except NotDone:
            outcome = "not-done"
            raise
        finally:
            self._count(self._name, operation, outcome)
