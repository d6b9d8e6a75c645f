"""The ledger in PostgreSQL (psycopg 3)."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError

from agent.ledger.copying import Progress, copy_to_file, silent
from agent.ledger.database import Hold
from agent.ledger.errors import LedgerError, LedgerInUse, LedgerMisfit, LedgerTooNew, LedgerUnavailable, LedgerUnusable
from agent.ledger.jsontext import dumps
from agent.ledger.mark import FileLock, NoHold
from agent.ledger.migrate import known, revision_of

_ADVISORY_KEY = 0x52575901
"""Ours within one database; two ledgers in two databases of one server do not meet."""
_CONNECT_SECONDS = 5
_STATEMENT_MILLISECONDS = 30_000
_PARTING = 3.0
"""Seconds within which the server sees that an agent was killed, and lets go of its lock: it may be busy with it."""
_DEAD_PEER_MILLISECONDS = 10_000
"""A server that vanished without a word is given up after this (TCP_USER_TIMEOUT); else the writer waits for hours."""
_ROWS_REFUSED = ("22", "23")
"""SQLSTATE classes of data exceptions and broken constraints."""
_SCHEMA = "42"
"""SQLSTATE class of statements that do not fit the schema."""
_NEVER = {
    "28000": "refuses this user; check user and pg_hba.conf",
    "28P01": "refuses the password",
    "3D000": "does not exist; create it: createdb",
    "42501": "forbids this user what the ledger needs; grant it the schema",
}


class PostgresDatabase:
    """A ledger in a PostgreSQL database of its own, reached directly: a transaction-mode pooler would lose the lock."""

    def __init__(self, url: URL, state: Path | None = None) -> None:
        self._state = state
        self._url = url.set(drivername="postgresql+psycopg")
        self.where = url.set(drivername="postgresql").render_as_string(hide_password=True)

    def prepare(self) -> None:
        """Nothing: connecting tells."""

    def _engine(self, **options: object) -> Engine:
        return create_engine(
            self._url,
            json_serializer=dumps,
            hide_parameters=True,
            connect_args={
                "connect_timeout": _CONNECT_SECONDS,
                "tcp_user_timeout": _DEAD_PEER_MILLISECONDS,
                "keepalives_idle": 30,
                "application_name": f"ridgeway {socket.gethostname()} process {os.getpid()}",
                "options": f"-c statement_timeout={_STATEMENT_MILLISECONDS} -c lock_timeout=5000 -c timezone=UTC",
            },
            **options,
        )

    def writer_engine(self) -> Engine:
        return self._engine(poolclass=NullPool)

    def reader_engine(self) -> Engine:
        engine = self._engine(poolclass=QueuePool, pool_size=2, max_overflow=6, pool_pre_ping=True)

        def set_up(connection: DBAPIConnection, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("SET default_transaction_read_only = on")
            # Else each statement of a transaction would see a moment of its own, and a reader could pass over events.
            cursor.execute("SET default_transaction_isolation = 'repeatable read'")
            cursor.close()
            connection.commit()

        event.listen(engine, "connect", set_up)
        return engine

    def hold(self, vantage: str) -> Hold:
        """The advisory lock goes with the writer's connection; what is held here only remembers the last run."""
        if self._state is None or not os.access(self._state, os.W_OK | os.X_OK):
            return NoHold()
        name = hashlib.sha256(self.where.encode()).hexdigest()[:12]
        path = self._state / f"ledger-{name}.lock"
        try:
            return FileLock(path, vantage)
        except OSError as error:
            raise LedgerUnusable(f"cannot make the lock file of the ledger: {path}: {error.strerror}") from error

    def claim(self, connection: Connection, vantage: str) -> None:
        # The lock lives on the writer's own session: one that lost its connection cannot write without asking again.
        until = time.monotonic() + _PARTING
        while True:
            with connection.begin():
                name = {"name": self._name(vantage)}
                connection.execute(text("SELECT set_config('application_name', :name, false)"), name)
                wish = text("SELECT pg_try_advisory_lock(:key)")
                taken = connection.execute(wish, {"key": _ADVISORY_KEY}).scalar_one()
                holder = None if taken else self._holder(connection)
            if taken:
                return
            if time.monotonic() >= until:
                raise LedgerInUse(
                    f"the ledger {self.where} is in use by {holder or 'another session'}; "
                    "stop that agent first, or give this one a ledger of its own"
                )
            time.sleep(0.1)

    def _name(self, vantage: str) -> str:
        return f"ridgeway {socket.gethostname()} process {os.getpid()}, vantage {vantage}"[:63]

    @staticmethod
    def _holder(connection: Connection) -> str | None:
        found: str | None = connection.execute(
            text(
                "SELECT a.application_name || coalesce(' from ' || host(a.client_addr), '') FROM pg_locks l "
                "JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted AND l.objid = :key "
                "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ),
            {"key": _ADVISORY_KEY},
        ).scalar()
        return found

    @contextmanager
    def transaction(self, connection: Connection, durable: bool) -> Iterator[None]:
        with connection.begin():
            if not durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield

    def snapshot(self, connection: Connection, revision: str, stamp: str) -> str | None:
        """An SQLite copy in the state directory; None, and a line in the log, when there is no room for one."""
        log = structlog.get_logger("ledger")
        if self._state is None or not self._state.is_dir():
            log.warning("no copy is kept before the migration: there is no state directory", ledger=self.where)
            return None
        copy = self._state / f"ledger-postgresql.before-{revision}.{stamp}"
        try:
            self.copy_to(connection, copy)
        except (OSError, LedgerUnavailable, DBAPIError) as error:
            copy.unlink(missing_ok=True)
            cause = error.orig if isinstance(error, DBAPIError) else error
            log.warning("no copy is kept before the migration", ledger=self.where, error=str(cause)[:200])
            return None
        return str(copy)

    def copy_to(self, connection: Connection, target: Path, progress: Progress = silent) -> None:
        """Copy the whole ledger, of one moment, into an SQLite file. Raises LedgerUnavailable when there is no room."""
        revision = revision_of(connection)
        if revision is None:
            raise LedgerUnusable(f"there is no ledger at {self.where}; has an agent run with it? (--ledger.url)")
        if not known(revision):
            raise LedgerTooNew(
                f"the ledger {self.where} was written by a newer Ridgeway (schema {revision}), which this one cannot "
                "copy; use that version, or give the ledger an empty database"
            )
        with connection.begin():
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            size: int = connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
            if size > shutil.disk_usage(target.parent).free:
                raise LedgerUnavailable(
                    f"there is no room in {target.parent} for a copy of the ledger ({size:,} bytes)"
                )
            copy_to_file(connection, target, revision, progress)

    def explain(self, error: DBAPIError | OSError) -> LedgerError | None:
        if isinstance(error, OSError):
            return LedgerUnavailable(f"the ledger {self.where} cannot be reached: {error.strerror}")
        code = getattr(error.orig, "sqlstate", None) or ""
        if code in _NEVER:
            return LedgerUnusable(f"the ledger {self.where} {_NEVER[code]}")
        if code.startswith(_ROWS_REFUSED):
            return None
        if code.startswith(_SCHEMA):
            line = _first_line(error)
            return LedgerMisfit(f"the ledger {self.where} is not what this Ridgeway made ({line}); restore a backup")
        if code == "53100":
            return LedgerUnavailable(
                f"the ledger {self.where} cannot grow: the disk of its server is full; make room there"
            )
        if not code and not error.connection_invalidated and not _connection_trouble(error):
            return None
        return LedgerUnavailable(f"the ledger {self.where} cannot be used now: {_first_line(error)}")


def _connection_trouble(error: DBAPIError) -> bool:
    """psycopg gives no SQLSTATE when the server never answered; its OperationalError then says so."""
    from psycopg import InterfaceError, OperationalError

    return isinstance(error.orig, OperationalError | InterfaceError)


def _first_line(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0][:200] if lines else "no reason given"
