"""The ledger in one SQLite file: WAL, BEGIN IMMEDIATE, mode 0600, a lock file beside it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError

from agent.ledger.copying import copy_file, raw
from agent.ledger.errors import LedgerError, LedgerMisfit, LedgerUnavailable, LedgerUnusable
from agent.ledger.jsontext import dumps
from agent.ledger.mark import FileLock

BUSY_SECONDS = 5.0
_WAL_LIMIT = 64 * 1024 * 1024
"""Bytes to which the write-ahead log is cut back after a checkpoint."""
_UNUSABLE = {
    sqlite3.SQLITE_NOTADB: "is not a ledger (not an SQLite database); choose another path, or move this file away",
    sqlite3.SQLITE_CORRUPT: "is damaged; stop the agent, keep a copy, and restore the newest backup "
    "(or try: sqlite3 FILE '.recover')",
}
_AWAY = {
    sqlite3.SQLITE_FULL: "cannot grow: the disk (or its quota) is full; make room, the agent writes on by itself",
    sqlite3.SQLITE_IOERR: "cannot be read or written (I/O error); look at the disk, dmesg and free space",
    sqlite3.SQLITE_BUSY: "is locked by another program; end it (fuser shows which)",
    sqlite3.SQLITE_LOCKED: "is locked by another connection; trying again",
    sqlite3.SQLITE_READONLY: "is read-only; mount the file system writable and give the agent's user the file",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; give the agent's user the file and its directory",
    sqlite3.SQLITE_PERM: "may not be opened; give the agent's user the file and its directory",
    sqlite3.SQLITE_PROTOCOL: "is locked by another program; end it (fuser shows which)",
    sqlite3.SQLITE_NOMEM: "cannot be written: out of memory",
}


class SqliteDatabase:
    """A ledger in a file. Its directory must exist, be writable, and not lie on a network file system (WAL)."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.where = str(self.path)

    def prepare(self) -> None:
        directory = self.path.parent
        if not directory.is_dir():
            raise LedgerUnusable(f"the directory of the ledger is missing: {directory}; make it: mkdir -p {directory}")
        if self.path.is_dir():
            raise LedgerUnusable(f"the ledger's path is a directory: {self.path}; give the path of a file in it")
        if not os.access(directory, os.W_OK | os.X_OK):
            raise LedgerUnusable(f"the directory of the ledger is not writable for this user: {directory}")
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            if self.path.stat().st_mode & 0o077:
                self.path.chmod(0o600)
        except OSError as error:
            raise _cannot_open(self.where, error) from error

    @property
    def lock(self) -> Path:
        """The lock file beside the ledger."""
        return self.path.with_name(self.path.name + ".lock")

    def writer_engine(self) -> Engine:
        engine = create_engine(
            f"sqlite:///{self.path}",
            poolclass=NullPool,
            json_serializer=dumps,
            hide_parameters=True,
            connect_args={"isolation_level": None, "check_same_thread": False, "timeout": BUSY_SECONDS},
        )

        def set_up(connection: DBAPIConnection, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute(f"PRAGMA journal_size_limit={_WAL_LIMIT}")
            cursor.close()

        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        event.listen(engine, "connect", set_up)
        event.listen(engine, "begin", begin)
        return engine

    def reader_engine(self) -> Engine:
        engine = create_engine(
            f"sqlite:///file:{quote(str(self.path))}?mode=ro&uri=true",
            poolclass=QueuePool,
            pool_size=2,
            max_overflow=6,
            json_serializer=dumps,
            hide_parameters=True,
            connect_args={"isolation_level": None, "check_same_thread": False, "timeout": BUSY_SECONDS},
        )

        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN")

        event.listen(engine, "begin", begin)
        return engine

    def hold(self, vantage: str) -> FileLock:
        path = self.lock
        try:
            return FileLock(path, vantage)
        except OSError as error:
            raise LedgerUnusable(f"cannot make the lock file of the ledger: {path}: {error.strerror}") from error

    def claim(self, connection: Connection, vantage: str) -> None:
        """Nothing: the lock file is held by the process, not by a connection."""

    @contextmanager
    def transaction(self, connection: Connection, durable: bool) -> Iterator[None]:
        # SQLite refuses to change `synchronous` inside a transaction, so it is set on the raw connection before BEGIN.
        raw(connection).execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        with connection.begin():
            yield

    def snapshot(self, connection: Connection, revision: str, stamp: str) -> str:
        copy = self.path.with_name(f"{self.path.name}.before-{revision}.{stamp}")
        copy_file(raw(connection), copy)
        return str(copy)

    def explain(self, error: DBAPIError | OSError) -> LedgerError | None:
        if isinstance(error, OSError):
            return _cannot_open(self.where, error)
        cause = error.orig
        code = getattr(cause, "sqlite_errorcode", None)
        primary = code & 0xFF if isinstance(code, int) else None
        if primary in _UNUSABLE:
            return LedgerUnusable(f"the ledger {self.where} {_UNUSABLE[primary]}")
        if primary == sqlite3.SQLITE_CANTOPEN and not self.path.exists():
            return LedgerUnusable(f"there is no ledger at {self.where}; has an agent run with it? (--ledger.url)")
        if primary in _AWAY:
            return LedgerUnavailable(f"the ledger {self.where} {_AWAY[primary]}")
        if primary == sqlite3.SQLITE_ERROR:
            return LedgerMisfit(f"the ledger {self.where} is not what this Ridgeway made ({cause}); restore a backup")
        if isinstance(cause, sqlite3.OperationalError):
            return LedgerUnavailable(f"the ledger {self.where} cannot be used now: {cause}")
        return None


def _cannot_open(where: str, error: OSError) -> LedgerUnusable:
    return LedgerUnusable(f"the ledger {where} cannot be opened: {error.strerror}")
