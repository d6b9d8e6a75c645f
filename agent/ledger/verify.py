"""Whether a ledger keeps its promises: read-only, in one transaction, whether an agent runs with it or not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, case, func, inspect, or_, select

from agent.diagnosis import Line, broken, ok, unknown, warning
from agent.ledger import codec, tables
from agent.ledger.copying import raw
from agent.ledger.epochs import lineage_of
from agent.ledger.errors import LedgerUnusable
from agent.ledger.migrate import revision_in
from agent.ledger.migrations import HEAD
from agent.ledger.outbox import PHASES
from agent.records import LIVE
from checks.contract import Family

_RESTORE = "stop the agent, keep a copy, and restore the newest backup (ridgeway restore)"
_REPORT = "report it with the output of `ridgeway ledger verify --json`: this is a defect of Ridgeway, or a hand in it"
_AT_ONCE = 500
_MOST_SHOWN = 3
_MOST_BAD = 10_000
"""Rows that cannot be read, after which a table is given up."""
_TOLERANCE = 1.0
"""Seconds that two spans may overlap: results of several checks are told one after the other."""

Check = Callable[[Connection], Iterator[Line]]


def verify(connection: Connection, now: float) -> Iterator[Line]:
    """Every check in turn, one line each. What a check cannot read it says itself; raises DBAPIError otherwise."""
    yield from sound(connection)
    yield from schema_of(connection)
    there = set(inspect(connection).get_table_names())
    if revision_in(connection) != HEAD or not there.issuperset(tables.metadata.tables):
        yield unknown("promises", "not looked at: the tables are not those of this Ridgeway")
        return
    for check in (_incidents, _tickets, _feed, _orphans, _links, _spans, _rows):
        yield from check(connection)
    yield from _epochs(connection, now)


def sound(connection: Connection) -> Iterator[Line]:
    """Whether the database itself is whole."""
    if connection.dialect.name != "sqlite":
        yield ok("database", "PostgreSQL keeps pages, keys and references itself")
        return
    try:
        found = [row[0] for row in raw(connection).execute("PRAGMA integrity_check(20)")]
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    if found != ["ok"]:
        yield broken("database", f"the file is damaged: {found[0]}", _RESTORE)
        return
    lost = raw(connection).execute("PRAGMA foreign_key_check").fetchmany(_AT_ONCE)
    if lost:
        yield broken("database", f"{len(lost)} rows refer to rows that are not there, first in {lost[0][0]}", _REPORT)
        return
    yield ok("database", "every page and reference is whole")


def schema_of(connection: Connection) -> Iterator[Line]:
    """Whether the tables, and the indices that hold the promises, are those of this Ridgeway."""
    revision = revision_in(connection)
    if revision != HEAD:
        text = f"schema {revision}, this Ridgeway's is {HEAD}"
        yield warning("schema", text, "it is migrated when the agent next starts, if it is older; else update Ridgeway")
        return
    there = inspect(connection)
    names = set(there.get_table_names())
    missing = [table.name for table in tables.metadata.sorted_tables if table.name not in names]
    for table in tables.metadata.sorted_tables:
        if table.name in names:
            kept = {index["name"] for index in there.get_indexes(table.name)}
            missing += [str(index.name) for index in table.indexes if index.name not in kept]
    if missing:
        yield broken("schema", f"missing: {', '.join(missing)}", _RESTORE)
        return
    yield ok("schema", f"schema {revision}, every table and index is there")


def _incidents(connection: Connection) -> Iterator[Line]:
    table = tables.incidents
    live = table.c.state.in_(sorted(state.value for state in LIVE))
    cause = (table.c.council, table.c.subject, table.c.condition)
    twice = select(*cause).where(live).group_by(*cause).having(func.count() > 1)
    yield _none(connection, twice, "one incident", "every cause has at most one live incident", "live twice")


def _tickets(connection: Connection) -> Iterator[Line]:
    links = tables.ticket_links
    ticket = (links.c.desk, links.c.ticket)
    twice = select(*ticket).where(links.c.ticket.is_not(None)).group_by(*ticket).having(func.count() > 1)
    yield _none(connection, twice, "one ticket", "no ticket is held by two incidents", "held by two incidents")


def _feed(connection: Connection) -> Iterator[Line]:
    """The counter of events is not below any event; what was pruned lies below what is kept."""
    info = connection.execute(select(tables.ledger_info)).all()
    if len(info) != 1:
        yield broken("feed", f"the ledger has {len(info)} heads instead of one", _RESTORE)
        return
    head = info[0]
    first, last = connection.execute(
        select(func.min(tables.events.c.sequence), func.max(tables.events.c.sequence))
    ).one()
    if (last or 0) > head.sequence:
        yield broken("feed", f"event {last} is above the counter, {head.sequence}", _RESTORE)
    elif head.pruned > head.sequence or (first or 1) < 1:
        yield broken("feed", f"the first event is {first}, removed up to {head.pruned} of {head.sequence}", _RESTORE)
    else:
        yield ok("feed", f"the counter is {head.sequence}, and no event is above it")


def _epochs(connection: Connection, now: float) -> Iterator[Line]:
    lineage = lineage_of(connection)
    wrong = [name for name, old in lineage.ancestors.items() if not 0 <= old.last <= lineage.sequence]
    if lineage.epoch in lineage.ancestors:
        yield broken("epochs", f"the present epoch {lineage.epoch} is also written down as an earlier one", _RESTORE)
    elif wrong:
        yield broken("epochs", f"epoch {wrong[0]} is to have ended outside the log", _RESTORE)
    elif any(old.ended_at > now + 60 for old in lineage.ancestors.values()):
        yield warning("epochs", "an epoch ended in the future", "look at the clock of this machine: ridgeway doctor")
    else:
        yield ok("epochs", f"epoch {lineage.epoch}, {len(lineage.ancestors)} before it")


def _orphans(connection: Connection) -> Iterator[Line]:
    known = select(tables.incidents.c.id)
    for table in (tables.events, tables.children, tables.outbox, tables.ticket_links):
        lost = select(table.c.incident).where(table.c.incident.not_in(known)).distinct()
        fine = f"every row of {table.name} has its incident"
        yield _none(connection, lost, "belongings", fine, f"in {table.name} without their incident")


def _links(connection: Connection) -> Iterator[Line]:
    """The protocol of exporters.desks.protocol: a ticket's number and its phase go together."""
    links = tables.ticket_links
    with_number = links.c.ticket.is_not(None)
    odd = or_(
        links.c.phase.not_in(PHASES),
        and_(with_number, links.c.phase.in_(("wanted", "attempted", "shadow"))),
        and_(~with_number, links.c.phase.in_(("linked", "done"))),
    )
    wanted = select(links.c.incident, links.c.desk, links.c.phase).where(odd)
    yield _none(connection, wanted, "links", "every link to a ticket is in a phase that can be", "in an odd phase")


def _spans(connection: Connection) -> Iterator[Line]:
    table = tables.spans
    backwards = select(table.c.subject, table.c.condition).where(table.c.end < table.c.start)
    line = _none(connection, backwards, "spans", "no span ends before it begins", "that end before they begin")
    yield line
    found = connection.execute(_overlapping().limit(_AT_ONCE)).all()
    if found:
        shown = ", ".join(f"{row.subject} {row.condition}" for row in found[:_MOST_SHOWN])
        yield warning(
            "spans",
            f"{_many(found)} overlap the one before ({shown})",
            "reports count that time once; was a clock set back?",
        )
    else:
        yield ok("spans", "no two spans of a cause overlap")


def _overlapping() -> Select[Any]:
    """Spans that begin before the one before them has ended; one that a run holds open lasts as long as the run."""
    table, lives = tables.spans, tables.agent_spans
    end = case((lives.c.end > table.c.end, lives.c.end), else_=table.c.end)
    before = func.lag(end).over(
        partition_by=(table.c.council, table.c.subject, table.c.condition), order_by=table.c.start
    )
    each = (
        select(table.c.subject, table.c.condition, table.c.start, before.label("before"))
        .join_from(table, lives, lives.c.run == table.c.run, isouter=True)
        .subquery()
    )
    return select(each.c.subject, each.c.condition).where(each.c.before > each.c.start + _TOLERANCE)


def _rows(connection: Connection) -> Iterator[Line]:
    """Whether this Ridgeway can read what is kept."""
    families: dict[str, Family] = {}

    def family_of(row: Mapping[Any, Any]) -> None:
        families[row["name"]] = codec.family_of(row)

    readers: tuple[tuple[Table, Callable[[Mapping[Any, Any]], object]], ...] = (
        (tables.families, family_of),
        (tables.alerts, codec.alert_of),
        (tables.incidents, codec.incident_of),
        (tables.checks, lambda row: codec.check_of(row, families)),
        (tables.events, lambda row: (codec.event_of(row), codec.about_of(row))),
        (tables.maintenance, codec.maintenance_of),
        (tables.drills, codec.drill_of),
        (tables.pings, codec.ping_of),
        (tables.spans, codec.span_of),
    )
    for table, read in readers:
        bad, first = _unreadable(connection, table, read)
        if bad:
            yield broken("rows", f"{bad} rows of {table.name} cannot be read: {first}", _REPORT)
        else:
            yield ok("rows", f"every row of {table.name} can be read")


def _unreadable(connection: Connection, table: Table, read: Callable[[Mapping[Any, Any]], object]) -> tuple[int, str]:
    bad, first = 0, ""
    rows = iter(connection.execute(select(table).execution_options(yield_per=_AT_ONCE)).mappings())
    while True:
        try:
            row = next(rows, None)  # here the database's own values are read, JSON among them
            if row is None:
                break
            read(row)
        except (LedgerUnusable, ValueError, TypeError, KeyError) as error:
            bad, first = bad + 1, first or str(error)[:200]
            if bad > _MOST_BAD:
                break
    return bad, first


def _none(connection: Connection, wanted: Select[Any], what: str, fine: str, wrong: str) -> Line:
    found = connection.execute(wanted.limit(_AT_ONCE)).all()
    if not found:
        return ok(what, fine)
    shown = "; ".join(" ".join(map(str, row)) for row in found[:_MOST_SHOWN])
    return broken(what, f"{_many(found)} {wrong}: {shown}", _REPORT)


def _many(found: Iterable[object]) -> str:
    count = len(list(found))
    return f"{count} or more" if count == _AT_ONCE else str(count)
