"""The two databases a ledger can live in, behind one small interface: engines, durability, and errors in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError

from agent.ledger.errors import LedgerError
from agent.ledger.mark import Mark


class Hold(Protocol):
    """The exclusive right to write this ledger, until released; and what is remembered of its last run."""

    mark: Mark | None

    def remember(self, mark: Mark) -> None: ...

    def release(self) -> None: ...


class Database(Protocol):
    """Where the ledger is kept. `where` is safe to show: a path, or a URL without its password."""

    where: str

    def writer_engine(self) -> Engine:
        """One connection for the writer thread. Transactions take the write lock when they begin."""

    def reader_engine(self) -> Engine:
        """Read-only connections, safe to use from several threads; they never block the writer."""

    def hold(self, vantage: str) -> Hold:
        """Refuse a second agent. Raises LedgerInUse, naming who holds it."""

    def claim(self, connection: Connection, vantage: str) -> None:
        """Called for each new connection of the writer of an exclusive ledger. Raises LedgerInUse."""

    @contextmanager
    def transaction(self, connection: Connection, durable: bool) -> Iterator[None]:
        """A write transaction. Durable: committed is on the disk; otherwise a power cut may take the last moments."""

    def prepare(self) -> None:
        """Make sure the place can be opened and written. Raises LedgerUnusable."""

    def snapshot(self, connection: Connection, revision: str, stamp: str) -> str | None:
        """Keep a copy before migrating; says where it is, or None when there is no place for one."""

    def explain(self, error: DBAPIError | OSError) -> LedgerError | None:
        """The error in our words: LedgerUnavailable, LedgerUnusable or LedgerMisfit; None when rows were refused."""


def database_at(location: str | Path, state: Path | None = None) -> Database:
    """The database behind a path or a URL (`sqlite:///path`, `postgresql://user@host/name`). Raises LedgerUnusable.

    `state`: a directory for what is kept beside a ledger on a server: its last run, and copies before a migration.
    """
    from agent.ledger.errors import LedgerUnusable

    if isinstance(location, Path) or "://" not in location:
        from agent.ledger.sqlite import SqliteDatabase

        return SqliteDatabase(Path(location))
    url = make_url(location)
    if url.get_backend_name() == "sqlite":
        from agent.ledger.sqlite import SqliteDatabase

        if not url.database or url.database == ":memory:":
            raise LedgerUnusable("a ledger in memory keeps nothing; give the path of a file, for example ledger.sqlite")
        return SqliteDatabase(Path(url.database))
    if url.get_backend_name() in ("postgresql", "postgres"):
        from agent.ledger.postgres import PostgresDatabase

        return PostgresDatabase(url, state)
    raise LedgerUnusable(
        f"cannot keep a ledger in {url.get_backend_name()}; use a file path (SQLite) or postgresql://user@host/name"
    )
