"""msdb and the catalogue views in SQLite: T-SQL is parsed and really run, so that a wrong column or join is an error.

Tables have the names and columns of Microsoft's reference, as far as anything asks for them. What is no SELECT is
refused.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import sqlglot
from sqlglot import exp

LONDON = ZoneInfo("Europe/London")
_SCHEMA = """
CREATE TABLE databases (name, state, is_read_only, recovery_model, group_database_id, source_database_id,
  create_date, checked);
CREATE TABLE availability_databases_cluster (group_id, group_database_id, database_name);
CREATE TABLE availability_groups (group_id, name);
CREATE TABLE availability_replicas (replica_id, group_id, replica_server_name);
CREATE TABLE backupset (backup_set_id INTEGER PRIMARY KEY, backup_set_uuid, media_set_id, server_name, database_name,
  type, backup_start_date, backup_finish_date, time_zone, backup_size, compressed_backup_size, is_copy_only,
  is_damaged, is_snapshot, has_backup_checksums, first_lsn, last_lsn, differential_base_guid,
  first_recovery_fork_guid, last_recovery_fork_guid, user_name);
CREATE TABLE backupmediafamily (media_set_id, family_sequence_number, media_count, mirror, device_type,
  physical_device_name);
CREATE TABLE restorehistory (restore_history_id INTEGER PRIMARY KEY, restore_date, destination_database_name, user_name,
  backup_set_id, restore_type, replace, recovery, restart, stop_at);
CREATE TABLE sysjobs (job_id, name, enabled);
CREATE TABLE sysjobservers (job_id, server_id, last_run_outcome, last_outcome_message, last_run_date, last_run_time,
  last_run_duration);
CREATE TABLE sysjobschedules (schedule_id, job_id, next_run_date, next_run_time);
CREATE TABLE sysschedules (schedule_id, name, enabled);
CREATE TABLE sysjobhistory (instance_id INTEGER PRIMARY KEY, job_id, step_id, step_name, message, run_status, run_date,
  run_time, run_duration, retries_attempted);
CREATE TABLE sysjobactivity (session_id, job_id, start_execution_date, stop_execution_date);
CREATE TABLE syssessions (session_id, agent_start_date);
INSERT INTO syssessions VALUES (1, '2026-01-01T00:00:00'), (2, '2026-09-01T00:00:00');
"""
_VIEWS = frozenset({"databases", "availability_databases_cluster", "availability_groups", "availability_replicas"})
Column = tuple[str, int]
"""Its name, and how many characters it has; 0: a bigint."""


class SqlError(Exception):
    """What SQL Server says by number."""

    def __init__(self, number: int, words: str) -> None:
        super().__init__(words)
        self.number = number


@lru_cache(maxsize=200)
def _parsed(statement: str) -> exp.Expression:
    return sqlglot.parse_one(statement, read="tsql")


@dataclass
class Msdb:
    """An instance's databases and history. Times are put in as Unix seconds, and kept in the server's own zone."""

    name: str = "SQL01"
    now: float = 1_790_000_000.0
    zone: tzinfo = LONDON
    version: str = "16.0.4165.4"
    denied: set[str] = field(default_factory=set)
    """Tables without SELECT, `msdb`, and rights at the server."""
    tables: sqlite3.Connection = field(default_factory=lambda: sqlite3.connect(":memory:"))
    _lsn: int = 40_000_000_000_000_001

    def __post_init__(self) -> None:
        self.tables.executescript(_SCHEMA)
        for name, call in (
            ("SERVERNAME", lambda: self.name),
            ("SERVERPROPERTY", lambda what: {"ServerName": self.name, "ProductVersion": self.version}.get(what)),
            ("GETDATE", lambda: self.text(self.now)),
            ("GETUTCDATE", lambda: self.text(self.now, UTC)),
        ):
            self.tables.create_function(name, -1, call)
        self.tables.create_function("HAS_PERMS_BY_NAME", 3, lambda _a, _b, right: int(right not in self.denied))
        self.tables.create_function("DATABASEPROPERTYEX", 2, self._property)
        for name in ("master", "msdb", "model"):
            self.database(name, recovery=3)

    def text(self, at: float, zone: tzinfo | None = None) -> str:
        return datetime.fromtimestamp(at, zone or self.zone).replace(tzinfo=None).isoformat(timespec="milliseconds")

    def put(self, table: str, **values: Any) -> int:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        return (
            self.tables.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values())).lastrowid
            or 0
        )

    def run(self, statement: str) -> tuple[list[Column], list[Sequence[Any]]]:
        """A SELECT. Raises SqlError as SQL Server would."""
        try:
            tree = _parsed(statement)
        except sqlglot.errors.ParseError as error:
            raise SqlError(102, f"Incorrect syntax: {error}") from error
        if not isinstance(tree, exp.Select):
            raise SqlError(262, "this server only takes SELECT")
        columns = [(one.alias_or_name, _length(one)) for one in tree.expressions]
        try:
            return columns, self.tables.execute(self._translated(tree).sql("sqlite")).fetchall()
        except sqlite3.OperationalError as error:
            raise SqlError(207, f"Invalid column name: {error}") from error

    def _translated(self, tree: exp.Expression) -> exp.Expression:
        return tree.transform(self._node)

    def _node(self, node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Table):
            return self._table(node)
        if isinstance(node, exp.Convert):
            kind, size = node.this, _length(node)
            cast = exp.cast(self._translated(node.expression), "bigint" if kind.is_type("bigint") else "text")
            return exp.func("SUBSTR", cast, exp.Literal.number(1), exp.Literal.number(size)) if size else cast
        if isinstance(node, exp.Parameter) and node.sql("tsql") == "@@SERVERNAME":
            return exp.Anonymous(this="SERVERNAME")
        if isinstance(node, exp.CurrentTimestamp):
            return exp.Anonymous(this="GETDATE")
        return exp.Literal.string(node.name) if isinstance(node, exp.National) else node

    def _table(self, node: exp.Table) -> exp.Expression:
        name, where = node.name, (node.catalog, node.db)
        if where != (("", "sys") if name in _VIEWS else ("msdb", "dbo")):
            raise SqlError(208, f"Invalid object name '{node.sql('tsql')}'.")
        if where[0] and "msdb" in self.denied:
            raise SqlError(916, 'The server principal "ridgeway" is not able to access the database "msdb".')
        if name in self.denied:
            raise SqlError(229, f"The SELECT permission was denied on the object '{name}', database 'msdb'.")
        return exp.to_table(name, alias=node.alias or None)

    def _property(self, database: str, what: str) -> str | None:
        """Versions before 2016 SP2 do not know the property, and say NULL of it as of any other."""
        if what != "LastGoodCheckDbTime" or int(self.version.partition(".")[0]) < 13:
            return None
        row = self.tables.execute("SELECT checked FROM databases WHERE name = ?", (database,)).fetchone()
        return row[0] or "1900-01-01T00:00:00.000" if row else None

    def database(
        self, name: str, recovery: int = 1, state: int = 0, read_only: int = 0, checked: float | None = None,
        created: float = 1_700_000_000.0, group: str = "",
    ) -> None:  # fmt: skip
        """One of sys.databases; recovery 1 is full, 2 bulk-logged, 3 simple."""
        inside = f"{group}-{name}" if group else None
        said = self.text(checked) if checked is not None else None
        self.put("databases", name=name, state=state, is_read_only=read_only, recovery_model=recovery, checked=said,
                 create_date=self.text(created), group_database_id=inside)  # fmt: skip
        if group:
            self.put("availability_databases_cluster", group_id=group, group_database_id=inside, database_name=name)
            if not self.tables.execute("SELECT 1 FROM availability_groups WHERE name = ?", (group,)).fetchone():
                self.put("availability_groups", group_id=group, name=group)

    def replica(self, group: str, *servers: str) -> None:
        for server in servers:
            self.put("availability_replicas", replica_id=server, group_id=group, replica_server_name=server)

    def backup(
        self, database: str, finished: float, type: str = "D", *, seconds: float = 600.0, lasts: int = 10,
        begins: int | None = None, device: int = 2, path: str = r"\\nas01\sql\x.bak", **more: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """A backup whose log sequence numbers go on from the one before, unless `begins` says from where."""
        first = self._lsn if begins is None else begins
        self._lsn = max(self._lsn, first + lasts)
        zone = int(
            (datetime.fromtimestamp(finished, self.zone).utcoffset() or datetime.resolution).total_seconds() // 900
        )
        media = self.put("backupmediafamily", family_sequence_number=1, media_count=1, mirror=0, device_type=device,
                         physical_device_name=path)  # fmt: skip
        self.tables.execute("UPDATE backupmediafamily SET media_set_id = rowid + 1000 WHERE rowid = ?", (media,))
        row = {
            "backup_set_uuid": str(uuid.UUID(int=first * 1000 + ord(type))).upper(), "media_set_id": media + 1000,
            "server_name": self.name, "database_name": database, "type": type,
            "backup_start_date": self.text(finished - seconds), "backup_finish_date": self.text(finished),
            "time_zone": zone, "backup_size": 10**9, "compressed_backup_size": 10**8, "is_copy_only": 0,
            "is_damaged": 0, "is_snapshot": 0, "has_backup_checksums": 1, "first_lsn": str(first),
            "last_lsn": str(first + lasts), "differential_base_guid": None, "first_recovery_fork_guid": "F1",
            "last_recovery_fork_guid": "F1", "user_name": r"DACORUM\svc-sql",
        }  # fmt: skip
        row |= more
        return {**row, "backup_set_id": self.put("backupset", **row)}

    def restore(self, destination: str, at: float, of: dict[str, Any], type: str = "D", recovery: int = 1,
                server: str = "SQL01") -> None:  # fmt: skip
        """A restore here, of a backup of another server, whose row RESTORE copies into this backupset."""
        copied = {name: value for name, value in of.items() if name != "backup_set_id"} | {"server_name": server}
        self.put("restorehistory", restore_date=self.text(at), destination_database_name=destination,
                 backup_set_id=self.put("backupset", **copied), restore_type=type, recovery=recovery)  # fmt: skip

    def ran(
        self, name: str, date: int, time: int, status: int, duration: int = 100, words: str = "", step: int = 0
    ) -> None:
        """A row of a job's history; step 0 is the job as a whole."""
        self.put("sysjobhistory", job_id=name, step_id=step, message=words, run_status=status, run_date=date,
                 run_time=time, run_duration=duration, retries_attempted=0)  # fmt: skip

    def job(self, name: str, enabled: int = 1, outcome: int = 5, run: tuple[int, int, int] = (0, 0, 0), words: str = "",
            due: tuple[int, int] | None = None) -> None:  # fmt: skip
        """A job of the Agent, its last run (date, time, duration), and when its schedule is due."""
        self.put("sysjobs", job_id=name, name=name, enabled=enabled)
        self.put("sysjobservers", job_id=name, server_id=0, last_run_outcome=outcome, last_outcome_message=words,
                 last_run_date=run[0], last_run_time=run[1], last_run_duration=run[2])  # fmt: skip
        if due is not None:
            self.put("sysschedules", schedule_id=name, name=name, enabled=1)
            self.put("sysjobschedules", schedule_id=name, job_id=name, next_run_date=due[0], next_run_time=due[1])


def _length(node: exp.Expression) -> int:
    """Characters of an nvarchar; 0 for a bigint."""
    convert = node.find(exp.Convert)
    assert convert is not None, f"every column is converted: {node.sql('tsql')}"
    size = convert.this.find(exp.DataTypeParam)
    return int(size.name) if size is not None else 0
