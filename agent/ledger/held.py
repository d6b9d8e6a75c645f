"""A ledger for a command: to change it while no agent runs, or to look at it in any case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from agent.ledger.database import Database, Hold, database_at
from agent.ledger.errors import LedgerUnusable
from agent.ledger.sqlite import SqliteDatabase

COMMAND = "a command"
"""Stands where an agent names its vantage."""


@contextmanager
def held(location: str | Path, state: Path | None) -> Iterator[tuple[Database, Hold, Connection]]:
    """The ledger with its lock and a writing connection, all given back afterwards.

    Raises LedgerInUse when an agent holds it, and LedgerError when it cannot be used.
    """
    database = database_at(location, state)
    if isinstance(database, SqliteDatabase) and not database.path.exists():
        raise LedgerUnusable(f"there is no ledger at {database.where}; has an agent run with it? (--ledger.url)")
    database.prepare()
    hold = database.hold(COMMAND)
    try:
        with database.writer_engine().connect() as connection:
            database.claim(connection, COMMAND)
            yield database, hold, connection
    except DBAPIError as error:
        raise database.explain(error) or error from error
    finally:
        hold.release()


@contextmanager
def looking(database: Database) -> Iterator[Connection]:
    """A read-only connection for a while. Raises DBAPIError."""
    engine = database.reader_engine()
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
