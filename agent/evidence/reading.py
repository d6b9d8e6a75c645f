"""What the ledger has of backups in a time that is asked for, all of one moment. The agent may run meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from agent.evidence.period import Period
from agent.ledger import codec, tables
from agent.ledger.batch import AgentSpan, CheckRecord, Span
from agent.ledger.epochs import Lineage, lineage_of
from agent.ledger.migrate import revision_in
from agent.ledger.migrations import HEAD
from agent.ledger.read import TicketLink, lives_of, spans_of, tickets_in
from agent.records import Incident
from checks.backup.options import KIND
from checks.contract import INPUT, REACH

BACKUP = f"{KIND}/"


@dataclass(frozen=True, slots=True)
class Kept:
    """What was read."""

    lineage: Lineage
    records: Mapping[str, CheckRecord]
    """The newest result of each check of the kind `backup`, by its id."""
    spans: tuple[Span, ...]
    """Of all conditions of backups."""
    lives: tuple[AgentSpan, ...]
    incidents: tuple[Incident, ...]
    """That were opened, and did not end before the time."""
    tickets: Mapping[str, tuple[TicketLink, ...]]


def kept_in(
    connection: Connection, period: Period, councils: Collection[str] | None, at: Collection[str]
) -> Kept | None:
    """`at`: targets whose own unreachability is an exception of backups. None: a ledger of another schema."""
    if revision_in(connection) != HEAD:
        return None
    incidents = _incidents(connection, period, councils, at)
    return Kept(
        lineage_of(connection),
        _records(connection),
        spans_of(connection, period.start, period.end, councils=councils, beginning=BACKUP),
        lives_of(connection, period.start, period.end),
        incidents,
        tickets_in(connection, [one.id for one in incidents]),
    )


def _records(connection: Connection) -> Mapping[str, CheckRecord]:
    table = tables.checks
    families = {row["name"]: codec.family_of(row) for row in connection.execute(select(tables.families)).mappings()}
    wanted = select(table).where(table.c.kind == KIND).order_by(table.c.started)
    return {row["check_id"]: codec.check_of(row, families) for row in connection.execute(wanted).mappings()}


def _incidents(
    connection: Connection, period: Period, councils: Collection[str] | None, at: Collection[str]
) -> tuple[Incident, ...]:
    table = tables.incidents
    not_there = or_(table.c.condition == REACH, table.c.condition.startswith(INPUT, autoescape=True))
    wanted = (
        select(table)
        .where(table.c.opened_at.is_not(None), table.c.suspected_at < period.end)
        .where(or_(table.c.resolved_at.is_(None), table.c.resolved_at > period.start))
        .where(or_(table.c.closed_at.is_(None), table.c.closed_at > period.start))
        .where(
            or_(
                table.c.condition.startswith(BACKUP, autoescape=True),
                not_there & table.c.subject.in_(sorted(at)),
            )
        )
        .order_by(table.c.suspected_at, table.c.id)
    )
    if councils is not None:
        wanted = wanted.where(table.c.council.in_(sorted(councils)))
    return tuple(codec.incident_of(row) for row in connection.execute(wanted).mappings())
