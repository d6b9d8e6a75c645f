"""Pings as they are asked for, in the caller's transaction; they are written as parts of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from agent.ledger import codec, tables
from checks.transports.inbox import Ping


def pings(connection: Connection, jobs: Sequence[str], since: float, most: int) -> Mapping[str, tuple[Ping, ...]]:
    """What each job told since then: the `most` that came last, oldest first by when they were sent."""
    table = tables.pings
    found: dict[str, tuple[Ping, ...]] = {}
    for job in jobs:
        wanted = select(table).where(table.c.job == job, table.c.at >= since).order_by(table.c.id.desc()).limit(most)
        newest_first = [codec.ping_of(row) for row in connection.execute(wanted).mappings()]
        found[job] = tuple(sorted(newest_first, key=lambda ping: (ping.at, ping.received)))
    return found
