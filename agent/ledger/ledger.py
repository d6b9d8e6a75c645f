"""The ledger of one agent: opened once at start, closed at the end; everything else is passed the part it needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog
from sqlalchemy import Connection, case, insert, select, update
from sqlalchemy.exc import DBAPIError
from ulid import ULID

from agent.ledger import tables
from agent.ledger.database import Database, Hold, database_at
from agent.ledger.load import LedgerState, load
from agent.ledger.migrate import migrate
from agent.ledger.read import Reader
from agent.ledger.session import Session
from agent.ledger.writer import LedgerHealth, Writer


class Ledger:
    """What an agent keeps. `writer` owns all writes; reading never blocks it."""

    def __init__(self, database: Database, hold: Hold | None, writer: Writer, run: str, vantage: str) -> None:
        """Use `Ledger.open`."""
        self.writer = writer
        self.reader = Reader(database)
        self.run = run
        """Id of this life of the agent, a ULID."""
        self.where = database.where
        """Path, or URL without password."""
        self._hold = hold
        self._vantage = vantage

    @classmethod
    def open(
        cls,
        location: str | Path,
        *,
        clock: Callable[[], float],
        vantage: str,
        exclusive: bool = True,
        on_health: Callable[[LedgerHealth], None] | None = None,
    ) -> Ledger:
        """Open, make or migrate the ledger at a path or URL, and start its writer.

        Exclusive refuses a second agent. Raises LedgerInUse, LedgerTooNew, LedgerUnusable, LedgerUnavailable; each says
        how to mend it. `on_health` is called in the writer's thread whenever writing begins to fail or works again.
        """
        database = database_at(location)
        database.prepare()
        hold = database.hold(vantage) if exclusive else None
        session = Session(database, database.writer_engine(), vantage, exclusive)
        run = str(ULID())
        try:
            connection = session.connection()
            migrated = migrate(database, connection, clock())
            with database.transaction(connection, durable=True):
                _introduce(connection, clock())
                _begin_life(connection, run, vantage, clock())
        except BaseException as error:
            session.close()
            if hold is not None:
                hold.release()
            if isinstance(error, DBAPIError) and (explained := database.explain(error)) is not None:
                raise explained from error
            raise
        if migrated is not None:
            log = structlog.get_logger("ledger")
            log.info("ledger migrated", before=migrated.before, after=migrated.after, snapshot=migrated.snapshot)
        writer = Writer(session, clock=clock, on_health=on_health)
        writer.start()
        return cls(database, hold, writer, run, vantage)

    def load(self, now: float) -> LedgerState:
        """What is not finished, as it stood at the end of the last life. Raises LedgerError."""
        return self.reader.read(lambda connection: load(connection, self._vantage, self.run, now))

    @property
    def health(self) -> LedgerHealth:
        return self.writer.health

    def close(self, timeout: float = 4.0) -> int:
        """Write what waits and let go. Returns how many batches could not be written."""
        left = self.writer.stop(timeout)
        self.reader.close()
        if self._hold is not None and not self.writer.running:
            # A writer stuck in a hanging disk may still write: then the lock goes with the process.
            self._hold.release()
        return left


def _introduce(connection: Connection, now: float) -> None:
    """Give a new ledger its epoch: what says that a feed's cursor belongs to this ledger and no other."""
    if connection.execute(select(tables.ledger_info.c.id)).first() is None:
        row = {"id": 1, "epoch": str(ULID()), "sequence": 0, "commits": 0, "created_at": now}
        connection.execute(insert(tables.ledger_info), row)


def _begin_life(connection: Connection, run: str, vantage: str, now: float) -> None:
    """Write this life down, and end the spans that earlier lives here left open where those lives ended."""
    spans, lives = tables.spans, tables.agent_spans
    earlier = select(lives.c.run).where(lives.c.vantage == vantage)
    last = select(lives.c.end).where(lives.c.run == spans.c.run).scalar_subquery()
    ended = update(spans).where(spans.c.run.in_(earlier))
    connection.execute(ended.values(end=case((last > spans.c.end, last), else_=spans.c.end), run=None))
    connection.execute(insert(lives), {"run": run, "vantage": vantage, "start": now, "end": now, "clean": False})
