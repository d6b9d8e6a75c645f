"""A whole ledger as one SQLite file, from either database, and back into either.

One kind of copy serves both databases, so that what was saved from one can be restored to the other. Rows are copied as
they are stored: JSON as its text, so that a way there and back changes nothing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Engine,
    Insert,
    MetaData,
    NullPool,
    Select,
    Table,
    Text,
    bindparam,
    create_engine,
    event,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy import (
    cast as sql_cast,
)
from sqlalchemy.dialects import postgresql

from agent.ledger.errors import LedgerUnusable
from agent.ledger.migrate import lay_out
from agent.ledger.tables import metadata

AT_ONCE = 1_000
"""Rows read and written at a time."""
_PAGES = 512
"""Pages copied at a time: 2 MiB."""

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""


def silent(_done: int, _whole: int) -> None:
    """Tells nobody."""


def file_engine(path: Path) -> Engine:
    """A copy's own engine: rollback journal, so that the file is whole by itself; every transaction takes the lock."""
    engine = create_engine(
        f"sqlite:///{path}", poolclass=NullPool, hide_parameters=True, connect_args={"isolation_level": None}
    )

    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA synchronous=FULL")

    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def copy_file(source: sqlite3.Connection, target: Path, progress: Progress = silent) -> None:
    """Copy an SQLite ledger as it is at this moment, while others write it (https://www.sqlite.org/backup.html).

    The read transaction keeps the moment: without it every write by another process would begin the copy anew.
    Raises sqlite3.Error, and OSError when the target cannot be made; a target that is there is overwritten.
    """
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
    source.execute("BEGIN")
    try:
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        into = sqlite3.connect(target)
        try:
            source.backup(into, pages=_PAGES, progress=lambda _s, left, whole: progress(whole - left, whole))
            into.execute("PRAGMA journal_mode=DELETE")
        finally:
            into.close()
    finally:
        source.execute("ROLLBACK")


def copy_to_file(source: Connection, target: Path, revision: str, progress: Progress = silent) -> None:
    """Make an SQLite ledger of this schema from what `source` sees in its transaction.

    To be of one moment, the transaction has to be REPEATABLE READ. Raises DBAPIError, and OSError when the target
    cannot be made; one that is there is overwritten.
    """
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
    engine = file_engine(target)
    with engine.connect() as connection, connection.begin():
        lay_out(connection, revision)
        copy_rows(source, connection, progress)


def copy_rows(source: Connection, target: Connection, progress: Progress = silent) -> None:
    """Copy every row into the empty tables of the same schema, in the transactions that both are in.

    Raises LedgerUnusable when the source holds what a ledger of this schema does not.
    """
    tables = tables_of(source)
    into = {table.name: table for table in tables_of(target)}
    _only_ours(table.name for table in tables if table.name not in into)
    for table in tables:
        odd = {column.name for column in table.c} ^ {column.name for column in into[table.name].c}
        _only_ours(f"{table.name}.{name}" for name in odd)
    whole = sum(source.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
    done = 0
    for table in tables:
        statement = _insertion(into[table.name], target.dialect.name)
        rows = source.execute(rows_of(table).execution_options(yield_per=AT_ONCE))
        for piece in rows.mappings().partitions():
            target.execute(statement, [dict(row) for row in piece])
            done += len(piece)
            progress(done, whole)
    if target.dialect.name == "postgresql":
        _count_on(target, into.values())


def tables_of(connection: Connection) -> list[Table]:
    """The ledger's tables as they are in this database, whatever its schema; those referred to come first."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def rows_of(table: Table) -> Select[tuple[object, ...]]:
    """All rows, by key; JSON as its text."""
    columns = [sql_cast(c, Text).label(c.name) if isinstance(c.type, JSON) else c for c in table.c]
    return select(*columns).order_by(*table.primary_key)


def clear(connection: Connection) -> None:
    """Drop the tables of a ledger, in the caller's transaction. Raises LedgerUnusable when others are there, too."""
    found = MetaData()
    found.reflect(connection)
    _only_ours(found.tables.keys() - metadata.tables.keys() - {"alembic_version"})
    found.drop_all(connection)


def raw(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection, of an SQLite ledger."""
    return cast(sqlite3.Connection, connection.connection.dbapi_connection)


def _only_ours(others: Iterable[str]) -> None:
    names = sorted(others)
    if names:
        raise LedgerUnusable(
            f"the database holds more or less than a ledger's tables and columns ({', '.join(names[:3])}); "
            "give the ledger a database of its own"
        )


def _insertion(table: Table, dialect: str) -> Insert:
    return insert(table).values({column.name: _bound(column, dialect) for column in table.c})


def _bound(column: Column[object], dialect: str) -> object:
    if not isinstance(column.type, JSON):
        return bindparam(column.name, type_=column.type)
    given = bindparam(column.name, type_=Text())
    # SQLite keeps JSON as text; a bound text there would be encoded once more by the column's own type.
    return sql_cast(given, postgresql.JSON) if dialect == "postgresql" else sql_cast(given, Text)


def _count_on(connection: Connection, tables: Iterable[Table]) -> None:
    """Let numbers that PostgreSQL gives go on after those that were copied."""
    names = inspect(connection)
    for table in tables:
        for column in names.get_columns(table.name):
            if not str(column.get("default") or "").startswith("nextval("):
                continue
            quoted = {"table": table.name, "column": column["name"]}
            sequence = text("SELECT pg_get_serial_sequence(:table, :column)").bindparams(**quoted)
            highest = select(func.max(table.c[column["name"]])).scalar_subquery()
            name = connection.execute(sequence).scalar_one()
            connection.execute(select(func.setval(name, func.coalesce(highest, 1), highest.is_not(None))))
