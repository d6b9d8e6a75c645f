"""The statements by which rows are written, made once per database dialect."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Table, case
from sqlalchemy.dialects import postgresql, sqlite

from agent.ledger import tables

Insert = postgresql.Insert | sqlite.Insert


def _insert(dialect: str, table: Table) -> Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def upsert(dialect: str, table: Table) -> Insert:
    """Insert, or replace every column that is not part of the key."""
    statement = _insert(dialect, table)
    key = [column.name for column in table.primary_key]
    kept = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=kept)


@cache
def upsert_check(dialect: str) -> Insert:
    """As `upsert`, but a record without a note or a success keeps those that are there."""
    table = tables.checks
    statement = _insert(dialect, table)
    new = statement.excluded
    kept: dict[str, Any] = {column.name: new[column.name] for column in table.columns if not column.primary_key}
    for name in ("memory", "memory_version"):
        kept[name] = case((new.memory_version.is_(None), table.c[name]), else_=new[name])
    kept["last_success"] = case((new.last_success.is_(None), table.c.last_success), else_=new.last_success)
    return statement.on_conflict_do_update(index_elements=["check_id", "vantage"], set_=kept)


@cache
def upsert_peak(dialect: str) -> Insert:
    """The lower low and the higher high win, so that a repeated write or a restart within the day loses nothing."""
    table = tables.daily_peaks
    statement = _insert(dialect, table)
    new = statement.excluded
    low = case((new.low < table.c.low, new.low), else_=table.c.low)
    high = case((new.high > table.c.high, new.high), else_=table.c.high)
    key = [column.name for column in table.primary_key]
    return statement.on_conflict_do_update(index_elements=key, set_={"low": low, "high": high})
