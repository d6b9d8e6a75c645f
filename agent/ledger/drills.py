"""Drills as they are asked for, in the caller's transaction; they are written as parts of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from agent.drills.records import Drill, DrillKind
from agent.ledger import codec, tables
from agent.ledger.batch import MaintenanceWindow
from agent.records import Councils

_AT_A_TIME = 1_000
"""Most windows, or drills, that are looked at of one moment."""


@dataclass(frozen=True, slots=True)
class WantedDrills:
    """Which drills are asked for. None restricts nothing; `before` is the id after which a page goes on."""

    target: str | None = None
    kind: DrillKind | None = None
    before: str | None = None
    limit: int = 100


def drills(connection: Connection, wanted: WantedDrills, councils: Councils = None) -> tuple[Drill, ...]:
    """Drills by their ids, the newest first; of these councils, or of all."""
    table = tables.drills
    found = select(table).order_by(table.c.id.desc()).limit(wanted.limit)
    if councils is not None:
        found = found.where(table.c.council.in_(sorted(councils)))
    if wanted.target is not None:
        found = found.where(table.c.target == wanted.target)
    if wanted.kind is not None:
        found = found.where(table.c.kind == wanted.kind.value)
    if wanted.before is not None:
        found = found.where(table.c.id < wanted.before)
    return tuple(codec.drill_of(row) for row in connection.execute(found).mappings())


def drill(connection: Connection, id: str, councils: Councils = None) -> Drill | None:
    """One drill; None where there is none, or none of these councils."""
    table = tables.drills
    found = select(table).where(table.c.id == id)
    if councils is not None:
        found = found.where(table.c.council.in_(sorted(councils)))
    row = connection.execute(found).mappings().first()
    return None if row is None else codec.drill_of(row)


def unfinished(connection: Connection) -> tuple[Drill, ...]:
    """Drills without an end: of the agent that writes here, or broken off when it was killed."""
    table = tables.drills
    found = select(table).where(table.c.ended_at.is_(None)).order_by(table.c.id)
    return tuple(codec.drill_of(row) for row in connection.execute(found).mappings())


def last_proven(connection: Connection, kinds: Sequence[DrillKind]) -> Mapping[str, float]:
    """When a drill of one of these kinds last proved something, by target; those never proven are left out."""
    table = tables.drills
    proven = table.c.proven_at.is_not(None)
    found = select(table.c.target, func.max(table.c.proven_at)).where(
        table.c.kind.in_([kind.value for kind in kinds]), proven
    )
    return {row[0]: row[1] for row in connection.execute(found.group_by(table.c.target))}


def drills_at(connection: Connection, moment: float) -> tuple[Drill, ...]:
    """Drills that were under way then, the newest first."""
    table = tables.drills
    then = (table.c.start <= moment) & (table.c.ended_at.is_(None) | (table.c.ended_at >= moment))
    rows = connection.execute(select(table).where(then).order_by(table.c.id.desc()).limit(_AT_A_TIME)).mappings()
    return tuple(one for one in map(codec.drill_of, rows) if one.ended_at is not None or moment <= one.until)


def windows_at(connection: Connection, moment: float) -> tuple[MaintenanceWindow, ...]:
    """Maintenance that people had added and that was in force then, the newest first."""
    table = tables.maintenance
    then = (table.c.start <= moment) & (table.c.end > moment)
    then &= table.c.ended_at.is_(None) | (table.c.ended_at > moment)
    rows = connection.execute(select(table).where(then).order_by(table.c.start.desc()).limit(_AT_A_TIME)).mappings()
    return tuple(codec.maintenance_of(row) for row in rows)
