"""Rows of an instance as parts of the model. Pure; a row that cannot be read is left out, never guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from checks.backup.model import Job, Level, Outcome, Run
from checks.backup.products.mssql.chains import Backup
from checks.backup.products.mssql.words import (
    JOBS,
    LEVELS,
    RETRIED,
    agent_seconds,
    agent_time,
    nowhere,
    outcome_of,
    place_of,
    time_of,
)
from checks.backup.products.rows import count, one_line

Row = Mapping[str, Any]
SYSTEM = frozenset({"master", "msdb"})
"""What an instance is rebuilt from: logins, jobs, and this history."""
NOT_DATA = SYSTEM | {"model", "tempdb"}
_QUARTER = 900
_ONLINE, _WITH_LOG = 0, (1, 2)


@dataclass(frozen=True, slots=True)
class Database:
    """One of sys.databases."""

    name: str
    online: bool
    writable: bool
    keeps_log: bool
    """In full or bulk-logged recovery: its log grows until it is backed up."""
    group: str
    """Its availability group; empty where it is in none."""
    grouped: bool
    checked: float | None
    """When CHECKDB last found it sound."""
    created: float | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup as msdb tells it: for the chain, for the list of runs, and who made it."""

    database: str
    backup: Backup | None
    """None where nothing can be restored from it: thrown away, of a part only, or an image of another product."""
    run: Run
    who: str
    image: bool


def zone_of(server: Row, zone: ZoneInfo) -> tzinfo:
    """The zone in which the server writes: the estate's, or the server's own offset where that is another now."""
    local, utc = _naive(server.get("local_now")), _naive(server.get("utc_now"))
    if local is None or utc is None:
        return zone
    offset = timedelta(seconds=round((local - utc).total_seconds() / _QUARTER) * _QUARTER)
    if utc.replace(tzinfo=UTC).astimezone(zone).utcoffset() == offset or abs(offset) >= timedelta(hours=24):
        return zone
    return timezone(offset)


def clock_of(server: Row) -> float | None:
    """What the server's clock says."""
    return time_of(server.get("utc_now"), UTC)


def databases(rows: Sequence[Row], zone: tzinfo) -> tuple[Database, ...]:
    return tuple(
        Database(
            name,
            row.get("state") == _ONLINE,
            row.get("read_only") == 0,
            row.get("recovery") in _WITH_LOG,
            one_line(row.get("group_name")),
            bool(row.get("in_group")),
            time_of(row.get("checked"), zone),
            time_of(row.get("created"), zone),
        )
        for row in rows
        if (name := one_line(row.get("name")))
    )


def taken(row: Row, server: str, zone: tzinfo) -> Taken | None:
    """A row of backupset; there is none of a backup that failed."""
    name, letter = one_line(row.get("database")), str(row.get("type") or "?")[:1]
    quarters = row.get("quarters")
    started, finished = (time_of(row.get(key), zone, quarters) for key in ("started", "finished"))
    if not name or started is None or finished is None:
        return None
    image, who = row.get("snapshot") == 1, one_line(row.get("who")) or "somebody"
    lost, damaged = nowhere(row.get("device_name")), row.get("damaged") == 1
    level = LEVELS.get(letter, Level.OTHER)
    place = f"image by {who}" if image else place_of(row.get("device"), row.get("device_name"), server)
    outcome = Outcome.UNKNOWN if letter not in LEVELS else Outcome.PARTIAL if damaged else Outcome.SUCCESS
    message = f"by {who} to {place}"
    run = Run(
        id=_id(row, server),
        job=f"image by {who}" if image else JOBS.get(letter, f"backup of type {one_line(letter)}"),
        outcome=outcome,
        started=started,
        ended=finished,
        level=level,
        bytes=count(row.get("size")),
        written=count(row.get("written")),
        nothing=lost,
        message=f"the database was damaged when it was taken, {message}" if damaged else message,
    )
    backup = None
    if not lost and level is not Level.OTHER and outcome is not Outcome.UNKNOWN:
        backup = Backup(
            run.id, level, started, finished, _lsn(row.get("first_lsn")), _lsn(row.get("last_lsn")),
            str(row.get("fork") or ""), str(row.get("base") or "").lower(), row.get("copy_only") == 1, run.bytes,
            place, damaged,
        )  # fmt: skip
    return Taken(name, backup, run, who, image)


def jobs(rows: Sequence[Row], server: str, zone: tzinfo) -> Iterator[Job]:
    """SQL Server Agent's jobs; one without a schedule that is on is started by hand, or by something else."""
    for row in rows:
        name = one_line(row.get("name"))
        if name:
            packed = count(row.get("next_run")) or 0
            next_run = agent_time(packed // 1_000_000, packed % 1_000_000, zone)
            may_run = row.get("enabled") == 1
            manual = may_run and not count(row.get("schedules"))
            yield Job(f"{server}/{name}", may_run, next_run, manual=manual)


def job_runs(rows: Sequence[Row], server: str, zone: tzinfo) -> Iterator[Run]:
    """Runs of jobs, of the history or the last of each; a job that has never run has none."""
    for row in rows:
        name = one_line(row.get("name"))
        started = agent_time(row.get("run_date"), row.get("run_time"), zone)
        outcome = outcome_of(row.get("outcome"))
        if name and started is not None and outcome is not Outcome.RUNNING:
            lasted = agent_seconds(row.get("duration"))
            yield Run(
                id=f"{server}/{name} {int(started)}",
                job=f"{server}/{name}",
                outcome=outcome,
                started=started,
                ended=started + lasted if lasted is not None else None,
                retries=row.get("outcome") == RETRIED,
                message=one_line(row.get("message")),
            )


def running(rows: Sequence[Row], server: str, zone: tzinfo) -> Iterator[Run]:
    """Jobs under way."""
    for row in rows:
        name = one_line(row.get("name"))
        if name:
            started = time_of(row.get("started"), zone)
            yield Run(f"{server}/{name} now", f"{server}/{name}", Outcome.RUNNING, started=started)


def _id(row: Row, server: str) -> str:
    return str(row.get("uuid") or f"{server} {row.get('id')}").lower()[:64]


def _lsn(value: object) -> int:
    """A log sequence number; -1, which nothing goes on from, for what is none."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else -1


def _naive(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text[:23]) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo is None else None
