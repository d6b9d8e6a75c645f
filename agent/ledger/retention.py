"""How long what is over is kept, and its removal in small pieces, so that no transaction is long.

What is not over is never removed, however old: live and resolved incidents, open spans, waiting wishes.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import ColumnElement, Connection, Table, delete, func, select, update

from agent.ledger import tables
from agent.ledger.load import UNFINISHED
from agent.ledger.writer import Writer

DAY = 86_400.0
YEAR = 365.25 * DAY
PIECE = 500
"""Most rows removed in one transaction."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Seconds that each class is kept after it ended."""

    incidents: float = 3 * YEAR
    """Closed and cancelled incidents with timeline, hidden causes, wishes and ticket links; not under 400 days."""
    spans: float = 3 * YEAR
    """State spans and the agent's own lives."""
    peaks: float = 3 * YEAR
    runs: float = 90 * DAY
    audit: float = 7 * YEAR
    pings: float = 90 * DAY
    """Of runs the checks remember what they need; these are what they are made of."""
    maintenance: float = 3 * YEAR
    drills: float = 7 * YEAR
    """Evidence for auditors; the newest proof of each target stays beyond that."""

    def __post_init__(self) -> None:
        if self.incidents < 400 * DAY:
            raise ValueError("incidents are kept at least 400 days: yearly reports and the feed's readers need them")


def prune(connection: Connection, retention: Retention, now: float) -> int:
    """Remove at most `PIECE` rows of each class; returns how many rows went. Call again until it is 0."""
    gone = _incidents(connection, now - retention.incidents)
    t = tables
    for table, old in (
        (t.spans, t.spans.c.run.is_(None) & (t.spans.c.end < now - retention.spans)),
        (t.agent_spans, t.agent_spans.c.end < now - retention.spans),
        (t.daily_peaks, t.daily_peaks.c.day < _day(now - retention.peaks)),
        (t.maintenance, t.maintenance.c.end < now - retention.maintenance),
    ):
        gone += _some(connection, table, old)
    gone += _some(connection, t.drills, _old_drills(now - retention.drills))
    # Numbered in the order they were written: only the oldest need a look.
    gone += _oldest(connection, t.runs, t.runs.c.started, now - retention.runs)
    gone += _oldest(connection, t.pings, t.pings.c.received, now - retention.pings)
    gone += _oldest(connection, t.audit, t.audit.c.at, now - retention.audit)
    return gone


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


def _incidents(connection: Connection, before: float) -> int:
    table = tables.incidents
    waiting = select(tables.outbox.c.incident).where(tables.outbox.c.phase == "waiting")
    over = table.c.state.not_in([state.value for state in UNFINISHED]) & (table.c.changed_at < before)
    over &= table.c.id.not_in(waiting)
    ids = [row.id for row in connection.execute(select(table.c.id).where(over).limit(PIECE // 10))]
    if not ids:
        return 0
    gone = 0
    last = connection.execute(
        select(func.max(tables.events.c.sequence)).where(tables.events.c.incident.in_(ids))
    ).scalar()
    info = tables.ledger_info
    # Events go incident by incident, so what is left has holes: readers must know up to where.
    connection.execute(update(info).where(info.c.pruned < (last or 0)).values(pruned=last))
    letters = tables.dead_letters
    events = select(tables.events.c.sequence).where(tables.events.c.incident.in_(ids))
    gone += connection.execute(delete(letters).where(letters.c.sequence.in_(events))).rowcount
    for part in (tables.events, tables.outbox, tables.ticket_links, tables.children):
        gone += connection.execute(delete(part).where(part.c.incident.in_(ids))).rowcount
    return gone + connection.execute(delete(table).where(table.c.id.in_(ids))).rowcount


def _some(connection: Connection, table: Table, old: ColumnElement[bool]) -> int:
    key = list(table.primary_key)
    rows = connection.execute(select(*key).where(old).limit(PIECE)).all()
    for row in rows:
        connection.execute(delete(table).where(*(column == value for column, value in zip(key, row, strict=True))))
    return len(rows)


def _old_drills(before: float) -> ColumnElement[bool]:
    """Those that ended before, but the one that last proved something of its target: its age is what people ask for."""
    drills, other = tables.drills, tables.drills.alias()
    same = (other.c.target == drills.c.target) & (other.c.kind == drills.c.kind)
    newer = select(other.c.id).where(same, other.c.proven_at > drills.c.proven_at).correlate(drills).exists()
    return (drills.c.ended_at < before) & (drills.c.proven_at.is_(None) | newer)


def _oldest(connection: Connection, table: Table, moment: ColumnElement[float], before: float) -> int:
    ids = select(table.c.id, moment.label("moment")).order_by(table.c.id).limit(PIECE)
    old = [row.id for row in connection.execute(ids) if row.moment < before]
    if old:
        connection.execute(delete(table).where(table.c.id.in_(old)))
    return len(old)


class Pruning:
    """Removes what is over, once an hour and piece by piece, one piece per tick. For the event loop's thread."""

    def __init__(self, writer: Writer, retention: Retention, every: float = 3_600.0) -> None:
        self._writer = writer
        self._retention = retention
        self._every = every
        self._due: float | None = None
        self._piece: Future[int] | None = None

    def tick(self, now: float) -> None:
        """Submit the next piece when it is time and the last one is done."""
        if self._piece is not None:
            if not self._piece.done():
                return
            piece, self._piece = self._piece, None
            if piece.exception() is not None:
                # The writer's health tells why; the next hour tries again.
                structlog.get_logger("ledger").warning("could not remove what is over", error=str(piece.exception()))
            elif piece.result() > 0:
                self._submit(now)
                return
        if self._due is None or self._due > now + self._every:  # the first time, or the clock was set back
            self._due = now + self._every
        elif now >= self._due:
            self._due = now + self._every
            self._submit(now)

    def _submit(self, now: float) -> None:
        def work(connection: Connection) -> int:
            return prune(connection, self._retention, now)

        self._piece = self._writer.submit_call(work)
