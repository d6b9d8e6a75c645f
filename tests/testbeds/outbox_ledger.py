"""A ledger for tests of the desks: the real tables in a database of its own, one transaction per call, no thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.pool import NullPool

from agent.ledger import outbox, tables
from agent.records import DeskWish, Event, Priority, WishKind

T = TypeVar("T")
DIGEST = "0123456789ABCDEF"


class OutboxLedger:
    """`call` commits before it returns. `events` are those recorded by this object's `record`, in this process."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.events: list[Event] = []

    @classmethod
    def in_file(cls, path: Path, *, make: bool = True) -> OutboxLedger:
        """SQLite as the product uses it: WAL, synchronous FULL, the write lock taken when a transaction begins.

        A connection per call, so that it may be used after a fork and from any thread.
        """
        engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

        @event.listens_for(engine, "connect")
        def _prepare(connection: Any, _record: Any) -> None:
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA busy_timeout=20000")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        if make:
            tables.metadata.create_all(engine)
        return cls(engine)

    def call(self, work: Callable[[Connection], T], /) -> T:
        with self.engine.begin() as connection:
            return work(connection)

    def record(self, connection: Connection, event: Event) -> None:
        self.events.append(event)

    def wish(self, *wishes: DeskWish) -> int:
        """Insert wishes as the incident's transaction would."""
        return self.call(lambda connection: outbox.insert_wishes(connection, wishes))

    def link(self, incident: str, desk: str = "ict") -> Any:
        """The row of ticket_links."""
        links = tables.ticket_links
        query = select(links).where(links.c.incident == incident, links.c.desk == desk)
        return self.call(lambda connection: connection.execute(query).one())

    def phases(self, incident: str) -> list[tuple[str, str]]:
        """Kind and phase of each wish of an incident, in order."""
        rows = tables.outbox
        query = select(rows.c.kind, rows.c.phase).where(rows.c.incident == incident).order_by(rows.c.id)
        return self.call(lambda connection: [tuple(row) for row in connection.execute(query)])

    def waiting(self) -> int:
        query = select(tables.outbox.c.id).where(tables.outbox.c.phase == "waiting")
        return self.call(lambda connection: len(connection.execute(query).all()))


def incident_id(number: int) -> str:
    """A well-formed incident id."""
    return f"RWY-01JD{number:022d}"


def wish(incident: str, kind: WishKind = WishKind.ENSURE, number: int = 0, **changes: Any) -> DeskWish:
    """A wish as the incident machine makes it; the digest is the incident's own unless given."""
    fields: dict[str, Any] = {
        "desk": "ict",
        "at": 1_700_000_000.0,
        "text": f"Text {number} of {kind} for {incident}",
        "priority": Priority.P2,
        "queue": "dacorum",
        "title": "Core switch does not answer",
        "council": "dacorum",
        "subject": "core-switch",
        "digest": incident[-16:],
    }
    return DeskWish(incident=incident, kind=kind, number=number, **(fields | changes))
