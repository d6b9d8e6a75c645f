"""Rows of a target that goes on under another name (`formerly`): its history goes with it.

Incidents and alerts follow by themselves, as the judge renames their causes; what is renamed here is what nobody holds
in memory. Where rows of the new name are there already, both histories stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Table, func, literal, select, update

from agent.ledger import tables
from agent.ledger.batch import Rename


def rename(connection: Connection, renames: Iterable[Rename]) -> None:
    """Check records, run history, spans, daily peaks, drills and pings. Doing it twice does no harm."""
    for one in renames:
        _checks(connection, tables.checks, one, target=one.new)
        _checks(connection, tables.runs, one)
        spans = tables.spans
        old = (spans.c.council == one.old_council, spans.c.subject == one.old)
        if not _any(connection, spans, spans.c.council == one.council, spans.c.subject == one.new):
            connection.execute(update(spans).where(*old).values(council=one.council, subject=one.new))
        peaks = tables.daily_peaks
        if not _any(connection, peaks, peaks.c.target == one.new):
            connection.execute(update(peaks).where(peaks.c.target == one.old).values(target=one.new))
        drills = tables.drills
        old = (drills.c.council == one.old_council, drills.c.target == one.old)
        connection.execute(update(drills).where(*old).values(council=one.council, target=one.new))
        job = tables.pings.c.job
        if not _any(connection, tables.pings, *_within(job, one.new)):
            tail = func.substr(job, len(one.old) + 1)
            renamed = update(tables.pings).where(*_within(job, one.old))
            connection.execute(renamed.values(job=literal(one.new).concat(tail)))


def _checks(connection: Connection, table: Table, one: Rename, **more: str) -> None:
    """A check's id is `target/name`."""
    id = table.c.check_id
    if _any(connection, table, *_within(id, one.new)):
        return
    tail = func.substr(id, len(one.old) + 1)
    connection.execute(
        update(table).where(*_within(id, one.old)).values(check_id=literal(one.new).concat(tail), **more)
    )


def _within(id: ColumnElement[str], target: str) -> tuple[ColumnElement[bool], ...]:
    """The ids below a target, as a range that an index can find: "0" follows "/"."""
    return id >= f"{target}/", id < f"{target}0"


def _any(connection: Connection, table: Table, *where: ColumnElement[bool]) -> bool:
    return connection.execute(select(literal(1)).select_from(table).where(*where).limit(1)).first() is not None
