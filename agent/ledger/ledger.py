"""The ledger of one agent: opened once at start, closed at the end; everything else is passed the part it needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog
from sqlalchemy import Connection, Select, case, insert, select, update
from sqlalchemy.exc import DBAPIError
from ulid import ULID

from agent.ledger import tables
from agent.ledger.database import Database, Hold, database_at
from agent.ledger.epochs import GAP, Lineage, begin_epoch, lineage_of
from agent.ledger.load import LedgerState, load
from agent.ledger.mark import Mark
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
        state: Path | None = None,
    ) -> Ledger:
        """Open, make or migrate the ledger at a path or URL, and start its writer.

        Exclusive refuses a second agent. `state` is the agent's state directory (see `database_at`). A ledger that does
        not know the run that used it last, or the last event of that run, was put in its place by somebody: it gets a
        new epoch.
        Raises LedgerInUse, LedgerTooNew, LedgerUnusable, LedgerUnavailable; each says how to mend it.
        `on_health` is called in the writer's thread whenever writing begins to fail or works again.
        """
        database = database_at(location, state)
        database.prepare()
        hold = database.hold(vantage) if exclusive else None
        run = str(ULID())

        def reached(sequence: int) -> None:
            if hold is not None:
                hold.remember(Mark(run, sequence))

        session = Session(database, database.writer_engine(), vantage, exclusive, reached)
        try:
            connection = session.connection()
            migrated = migrate(database, connection, clock())
            mark = None if hold is None else hold.mark
            with database.transaction(connection, durable=True):
                lineage, renewed = _introduce(connection, clock(), mark)
                _begin_life(connection, run, vantage, clock())
            reached(lineage.sequence)
        except BaseException as error:
            session.close()
            if hold is not None:
                hold.release()
            if isinstance(error, DBAPIError) and (explained := database.explain(error)) is not None:
                raise explained from error
            raise
        log = structlog.get_logger("ledger")
        if renewed:
            log.warning(
                "another ledger than the one last used here: it gets a new epoch, as a restored one does",
                ledger=database.where,
                epoch=lineage.epoch,
                last_run=None if mark is None else mark.run,
            )
        if migrated is not None:
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


def _introduce(connection: Connection, now: float, mark: Mark | None) -> tuple[Lineage, bool]:
    """Give a new ledger its epoch: what says that a feed's cursor belongs to this ledger and no other.

    One that does not know the last run that is remembered beside it, or is older than that run's last event, gets a
    new one. Returns its lineage, and whether it was such a one.
    """
    if connection.execute(select(tables.ledger_info.c.id)).first() is None:
        used = 0 if mark is None else mark.sequence + GAP  # the ledger that was here before was lost
        row = {"id": 1, "epoch": str(ULID()), "sequence": used, "pruned": used, "commits": 0, "created_at": now}
        connection.execute(insert(tables.ledger_info), row)
        return lineage_of(connection), False
    lives = tables.agent_spans
    lineage = lineage_of(connection)
    known = mark is None or connection.execute(select(lives.c.run).where(lives.c.run == mark.run)).first() is not None
    if mark is None or (known and lineage.sequence >= mark.sequence):
        return lineage, False
    begin_epoch(connection, now, beyond=mark.sequence)
    return lineage_of(connection), True


def _begin_life(connection: Connection, run: str, vantage: str, now: float) -> None:
    """Write this life down, and end the spans that earlier lives here left open where those lives ended."""
    lives = tables.agent_spans
    end_spans(connection, select(lives.c.run).where(lives.c.vantage == vantage))
    connection.execute(insert(lives), {"run": run, "vantage": vantage, "start": now, "end": now, "clean": False})


def end_spans(connection: Connection, runs: Select[tuple[str]]) -> None:
    """End the spans that these runs hold open where the runs were last known to be alive."""
    spans, lives = tables.spans, tables.agent_spans
    last = select(lives.c.end).where(lives.c.run == spans.c.run).scalar_subquery()
    ended = update(spans).where(spans.c.run.in_(runs))
    connection.execute(ended.values(end=case((last > spans.c.end, last), else_=spans.c.end), run=None))
