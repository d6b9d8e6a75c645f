"""A restored ledger begins a new epoch, so that the feed's readers notice, and go on without a gap or a double."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select, update
from ulid import ULID

from agent.ledger import tables

GAP = 1_000_000_000
"""How far the numbers of two epochs that follow each other lie apart: more than an agent ever writes."""


def begin_epoch(connection: Connection, now: float, shared: Mapping[str, int]) -> str:
    """Begin a new epoch in the caller's transaction; returns it.

    `shared` maps each earlier epoch, those of the ledger that is being replaced included, to the last number up to
    which its log and this one are the same. The count goes on in a block of numbers of its own, the n-th for n earlier
    epochs, so that it meets no number of an epoch that began from an older or the same copy.
    """
    info, epochs = tables.ledger_info, tables.epochs
    epoch = str(ULID.from_timestamp(now))
    sequence: int = connection.execute(select(info.c.sequence)).scalar_one()
    jumped = sequence + GAP * max(1, len(shared) - sequence // GAP)
    connection.execute(delete(epochs))
    rows = [{"epoch": earlier, "last": last, "ended_at": now} for earlier, last in shared.items()]
    if rows:
        connection.execute(insert(epochs), rows)
    connection.execute(update(info).values(epoch=epoch, sequence=jumped))
    return epoch
