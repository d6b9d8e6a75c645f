"""What a ledger is, in figures: for `ledger info`, `doctor`, and people who are about to replace it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from agent.ledger import tables
from agent.ledger.epochs import Lineage, lineage_of
from agent.ledger.migrate import revision_in
from agent.ledger.migrations import HEAD
from agent.records import IncidentState


@dataclass(frozen=True, slots=True)
class Overview:
    """Times are Unix seconds; None where there is nothing of the kind."""

    schema: str
    lineage: Lineage
    size: int
    """Bytes of the file (without its write-ahead log), or of the database on the server."""
    created_at: float
    alive_at: float | None
    """When an agent was last known to run with it."""
    open_incidents: int
    waiting: int
    """Wishes that a desk has still to be told."""
    oldest_waiting: float | None
    counts: Mapping[str, int]
    """Rows per table."""


def overview(connection: Connection) -> Overview | None:
    """All of one moment, in the caller's transaction; None when it is of another schema than this Ridgeway's."""
    schema = revision_in(connection)
    if schema != HEAD:
        return None
    wishes, lives, incidents = tables.outbox, tables.agent_spans, tables.incidents
    waiting, oldest = connection.execute(
        select(func.count(), func.min(wishes.c.at)).where(wishes.c.phase == "waiting")
    ).one()
    states = (IncidentState.OPEN.value, IncidentState.RECOVERING.value)
    return Overview(
        schema=schema,
        lineage=lineage_of(connection),
        size=size_of(connection),
        created_at=connection.execute(select(tables.ledger_info.c.created_at)).scalar_one(),
        alive_at=connection.execute(select(func.max(lives.c.end))).scalar_one(),
        open_incidents=connection.execute(
            select(func.count()).select_from(incidents).where(incidents.c.state.in_(states))
        ).scalar_one(),
        waiting=waiting,
        oldest_waiting=oldest,
        counts={
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables.metadata.sorted_tables
        },
    )


def size_of(connection: Connection) -> int:
    """Bytes that the ledger takes."""
    if connection.dialect.name == "sqlite":
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
    return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
