"""Reading the ledger while it is written: own connections, short transactions, never in the writer's way.

Synchronous; from a coroutine use `asyncio.to_thread`. Safe to use from several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, case, func, select
from sqlalchemy.exc import DBAPIError

from agent.ledger import codec, tables
from agent.ledger.batch import AgentSpan, Peak, Span
from agent.ledger.cursor import Cursor, FeedPosition, Loss
from agent.ledger.database import Database
from agent.ledger.epochs import lineage_of
from agent.ledger.errors import LedgerClosed
from agent.records import About, Cause, Councils, Event, Incident, IncidentState

T = TypeVar("T")
_AT_ONCE = 500
"""Most values in one IN list."""
_BY_CAUSE = ("council", "subject", "condition")


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event with its place in the feed."""

    sequence: int
    council: str
    event: Event
    about: About | None = None
    """None for events written before this was kept."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some events after a cursor, in order, and how far that brings its reader."""

    position: FeedPosition
    """The log at the moment of reading."""
    events: tuple[KeptEvent, ...]
    after: int
    upto: int
    """Of what the reader may see, everything in (after, upto] is in `events`."""
    more: bool
    """Whether events after `upto` were there already."""

    @property
    def next(self) -> Cursor:
        """Where its reader goes on."""
        return self.position.cursor(self.upto)


@dataclass(frozen=True, slots=True)
class Gone:
    """A cursor from which nobody can go on."""

    why: Loss
    position: FeedPosition


@dataclass(frozen=True, slots=True)
class Child:
    """A cause hidden behind an incident, and since when; `until` is None while it still is."""

    cause: Cause
    since: float
    until: float | None


@dataclass(frozen=True, slots=True)
class TicketLink:
    """What is known of an incident's ticket at one desk."""

    desk: str
    queue: str
    phase: str
    ticket: str | None
    attempts: int
    linked_at: float | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents are asked for. None restricts nothing; `before` is the id after which a page goes on."""

    states: frozenset[IncidentState] | None = None
    council: str | None = None
    site: str | None = None
    subject: str | None = None
    since: float | None = None
    """Changed later than this."""
    before: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class IncidentFile:
    """One incident with everything that belongs to it."""

    incident: Incident
    timeline: tuple[KeptEvent, ...]
    children: tuple[Child, ...]
    tickets: tuple[TicketLink, ...]


class Reader:
    """Raises LedgerUnavailable, LedgerUnusable or LedgerClosed, whatever is asked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._engine = database.reader_engine()
        self._reading = 0
        self._ended = threading.Condition()
        self._closed = False

    def close(self, within: float = 0.5) -> None:
        """Let go, once what is being read has been read: a thread that nobody waits for any more may still read.

        Whoever reads afterwards gets LedgerClosed, and opens no connection that nobody would close.
        """
        with self._ended:
            self._closed = True
            self._ended.wait_for(lambda: self._reading == 0, timeout=within)
        self._engine.dispose()

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work(connection)` in one read-only transaction: all it reads is of one moment."""
        with self._ended:
            if self._closed:
                raise LedgerClosed("the ledger is closed")
            self._reading += 1
        try:
            with self._engine.connect() as connection, connection.begin():
                return work(connection)
        except DBAPIError as error:
            raise self._database.explain(error) or error from error
        finally:
            with self._ended:
                self._reading -= 1
                self._ended.notify_all()

    def feed_position(self) -> FeedPosition:
        """Where the feed begins and ends, and from which epochs it descends."""
        return self.read(position_of)

    def events(self, after: int, limit: int, councils: Collection[str] | None = None) -> tuple[KeptEvent, ...]:
        """At most `limit` events with a sequence number above `after`, in order; of these councils, or of all."""
        return self.read(lambda connection: events_of(connection, _after(after, limit, councils)))

    def feed(self, cursor: Cursor | None, limit: int, councils: Collection[str] | None = None) -> FeedPage | Gone:
        """At most `limit` events after a cursor, or from the oldest that is kept; of these councils, or of all.

        Position and events are of one moment, so that nothing is passed over that is committed or removed meanwhile.
        """
        return self.read(lambda connection: _feed(connection, cursor, limit, councils))

    def told_incidents(self, limit: int, councils: Collection[str] | None = None) -> tuple[Incident, ...]:
        """Incidents that were opened, whatever became of them, the last changed first; of these councils, or of all."""
        table = tables.incidents
        wanted = select(table).where(table.c.opened_at.is_not(None))
        if councils is not None:
            wanted = wanted.where(table.c.council.in_(sorted(councils)))
        wanted = wanted.order_by(table.c.changed_at.desc(), table.c.id.desc()).limit(limit)
        return self.read(
            lambda connection: tuple(codec.incident_of(row) for row in connection.execute(wanted).mappings())
        )

    def incidents(
        self,
        states: Collection[IncidentState] | None = None,
        council: str | None = None,
        limit: int = 1_000,
        councils: Councils = None,
    ) -> tuple[Incident, ...]:
        """Incidents in these states (all without), the last changed first; of `councils` only, where that is given."""
        table = tables.incidents
        wanted = _of_councils(select(table), table, councils)
        wanted = wanted.order_by(table.c.changed_at.desc(), table.c.id.desc()).limit(limit)
        if states is not None:
            wanted = wanted.where(table.c.state.in_(sorted(state.value for state in states)))
        if council is not None:
            wanted = wanted.where(table.c.council == council)
        return self._incidents(wanted)

    def incident_page(self, asked: Wanted, councils: Councils = None) -> tuple[Incident, ...]:
        """Incidents by their ids, the newest first: an order in which none moves while somebody turns the pages."""
        table = tables.incidents
        wanted = _of_councils(select(table), table, councils).order_by(table.c.id.desc()).limit(asked.limit)
        if asked.states is not None:
            wanted = wanted.where(table.c.state.in_(sorted(state.value for state in asked.states)))
        for column, value in (
            (table.c.council, asked.council),
            (table.c.site, asked.site),
            (table.c.subject, asked.subject),
        ):
            if value is not None:
                wanted = wanted.where(column == value)
        if asked.since is not None:
            wanted = wanted.where(table.c.changed_at > asked.since)
        if asked.before is not None:
            wanted = wanted.where(table.c.id < asked.before)
        return self._incidents(wanted)

    def incident(self, id: str, councils: Councils = None) -> IncidentFile | None:
        """The incident with timeline, hidden causes and tickets, as far as they are of these councils.

        None when it is not (or no longer) kept, or of another council: that costs the same.
        """
        return self.read(lambda connection: _file(connection, id, councils))

    def incidents_of(self, subject: str, limit: int, councils: Councils = None) -> tuple[Incident, ...]:
        """Incidents of one subject (a target), the last changed first."""
        table = tables.incidents
        wanted = _of_councils(select(table), table, councils).where(table.c.subject == subject)
        return self._incidents(wanted.order_by(table.c.changed_at.desc(), table.c.id.desc()).limit(limit))

    def hidden_of(self, incidents: Collection[str], councils: Councils = None) -> Mapping[str, int]:
        """How many causes of these councils hide behind each of these incidents now; those without any are left out."""
        return self.read(lambda connection: _hidden(connection, incidents, councils))

    def tickets_of(self, incidents: Collection[str]) -> Mapping[str, tuple[TicketLink, ...]]:
        """The tickets of these incidents by incident, by desk; incidents without any are left out."""
        return self.read(lambda connection: tickets_in(connection, incidents))

    def spans_between(self, start: float, end: float, councils: Collection[str] | None = None) -> tuple[Span, ...]:
        """Spans that overlap [start, end), by cause and start; each with its whole extent, not cut to the interval.

        A span that a run of the agent still holds open ends where that run was last known to be alive.
        """
        return self.read(lambda connection: spans_of(connection, start, end, councils=councils))

    def lives_between(self, start: float, end: float) -> tuple[AgentSpan, ...]:
        """When agents were alive: what lies between these, nobody watched."""
        return self.read(lambda connection: lives_of(connection, start, end))

    def peaks(self, first_day: str, last_day: str, family: str | None = None) -> tuple[Peak, ...]:
        """Daily peaks of these days (ISO dates, both included)."""
        table = tables.daily_peaks
        wanted = select(table).where(table.c.day >= first_day, table.c.day <= last_day)
        if family is not None:
            wanted = wanted.where(table.c.family == family)
        wanted = wanted.order_by(*(column for column in table.primary_key))
        return self.read(lambda connection: tuple(Peak(*row) for row in connection.execute(wanted)))

    def _incidents(self, wanted: Select[Any]) -> tuple[Incident, ...]:
        return self.read(
            lambda connection: tuple(codec.incident_of(row) for row in connection.execute(wanted).mappings())
        )

    def counts(self) -> Mapping[str, int]:
        """Rows per table, for `ridgeway` commands and self metrics."""
        return self.read(
            lambda connection: {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in tables.metadata.sorted_tables
            }
        )


def spans_of(
    connection: Connection,
    start: float,
    end: float,
    *,
    councils: Collection[str] | None = None,
    subject: str | None = None,
    beginning: str | None = None,
) -> tuple[Span, ...]:
    """`Reader.spans_between`, in the caller's transaction; of one subject, and of conditions with one beginning, where
    they are named."""
    table, lives = tables.spans, tables.agent_spans
    held = case((lives.c.end > table.c.end, lives.c.end), else_=table.c.end)
    last = case((table.c.run.is_(None), table.c.end), (lives.c.run.is_(None), table.c.end), else_=held)
    columns = [column for column in table.c if column.name != "end"]
    wanted = (
        select(*columns, last.label("end"))
        .join_from(table, lives, lives.c.run == table.c.run, isouter=True)
        .where(table.c.start < end, last > start)
        .order_by(*(table.c[name] for name in _BY_CAUSE), table.c.start)
    )
    if councils is not None:
        wanted = wanted.where(table.c.council.in_(sorted(councils)))
    if subject is not None:
        wanted = wanted.where(table.c.subject == subject)
    if beginning is not None:
        wanted = wanted.where(table.c.condition.startswith(beginning, autoescape=True))
    return tuple(codec.span_of(row) for row in connection.execute(wanted).mappings())


def lives_of(connection: Connection, start: float, end: float) -> tuple[AgentSpan, ...]:
    """`Reader.lives_between`, in the caller's transaction."""
    table = tables.agent_spans
    wanted = select(table).where(table.c.start < end, table.c.end > start).order_by(table.c.start)
    return tuple(codec.agent_span_of(row) for row in connection.execute(wanted).mappings())


def position_of(connection: Connection) -> FeedPosition:
    """Where the feed begins and ends, in the caller's transaction."""
    pruned: int = connection.execute(select(tables.ledger_info.c.pruned)).scalar_one()
    return FeedPosition(lineage_of(connection), pruned + 1)


def _feed(
    connection: Connection, cursor: Cursor | None, limit: int, councils: Collection[str] | None
) -> FeedPage | Gone:
    position = position_of(connection)
    after = position.resume(cursor)
    if isinstance(after, Loss):
        return Gone(after, position)
    found = events_of(connection, _after(after, limit + 1, councils))
    events, more = found[:limit], len(found) > limit
    return FeedPage(position, events, after, events[-1].sequence if more else position.newest, more)


def _after(sequence: int, limit: int, councils: Collection[str] | None) -> Select[Any]:
    table = tables.events
    wanted = select(table).where(table.c.sequence > sequence).order_by(table.c.sequence).limit(limit)
    return wanted if councils is None else wanted.where(table.c.council.in_(sorted(councils)))


def events_of(connection: Connection, wanted: Select[Any]) -> tuple[KeptEvent, ...]:
    """The events that a selection of rows of `events` brings, in its order, in the caller's transaction."""
    rows = connection.execute(wanted).mappings()
    return tuple(KeptEvent(row["sequence"], row["council"], codec.event_of(row), codec.about_of(row)) for row in rows)


def _of_councils(wanted: Select[Any], table: Table, councils: Councils) -> Select[Any]:
    return wanted if councils is None else wanted.where(table.c.council.in_(sorted(councils)))


def _file(connection: Connection, id: str, councils: Councils) -> IncidentFile | None:
    table, events, children = tables.incidents, tables.events, tables.children
    found = _of_councils(select(table).where(table.c.id == id), table, councils)
    row = connection.execute(found).mappings().first()
    if row is None:
        return None
    told = _of_councils(select(events).where(events.c.incident == id), events, councils)
    hidden = _of_councils(select(children).where(children.c.incident == id), children, councils)
    return IncidentFile(
        incident=codec.incident_of(row),
        timeline=events_of(connection, told.order_by(events.c.sequence)),
        children=tuple(
            Child(Cause(child.council, child.subject, child.condition), child.since, child.until)
            for child in connection.execute(hidden.order_by(*(children.c[name] for name in _BY_CAUSE)))
        ),
        tickets=tickets_in(connection, [id]).get(id, ()),
    )


def _hidden(connection: Connection, incidents: Collection[str], councils: Councils) -> dict[str, int]:
    table = tables.children
    found: dict[str, int] = {}
    ids = sorted(set(incidents))
    for start in range(0, len(ids), _AT_ONCE):
        counted = select(table.c.incident, func.count()).where(table.c.incident.in_(ids[start : start + _AT_ONCE]))
        counted = _of_councils(counted.where(table.c.until.is_(None)), table, councils).group_by(table.c.incident)
        found |= {row[0]: row[1] for row in connection.execute(counted)}
    return found


def tickets_in(connection: Connection, incidents: Collection[str]) -> dict[str, tuple[TicketLink, ...]]:
    """`Reader.tickets_of`, in the caller's transaction."""
    table = tables.ticket_links
    found: dict[str, tuple[TicketLink, ...]] = {}
    ids = sorted(set(incidents))
    for start in range(0, len(ids), _AT_ONCE):
        wanted = select(table).where(table.c.incident.in_(ids[start : start + _AT_ONCE]))
        for row in connection.execute(wanted.order_by(table.c.incident, table.c.desk)):
            link = TicketLink(row.desk, row.queue, row.phase, row.ticket, row.attempts, row.linked_at, row.last_error)
            found[row.incident] = (*found.get(row.incident, ()), link)
    return found
