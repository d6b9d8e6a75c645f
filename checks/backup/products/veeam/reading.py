"""A Veeam server's account: which questions are asked when, and what their answers mean.

What is large is asked since the last poll only, by its end, so that a run is told when it is over however long it took.
Settings that seldom change are asked once an hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from checks.backup.model import Account, Part
from checks.backup.products.rest import Row, Unfit
from checks.backup.products.veeam import rows
from checks.backup.products.veeam.api import Session
from checks.backup.products.veeam.words import time_of
from checks.contract import Reason
from checks.transports.fault import TransportFault

HISTORY = 45 * 86_400.0
"""Seconds of history that the first poll asks for: enough for the stricter statistics of nightly jobs."""
_OVERLAP = 900.0
"""Seconds that a poll looks back beyond the one before it."""
SELDOM = 3600.0
LIST_EVERY = 86_400.0
"""Seconds between two lists of all restore points. They are many, and nothing else tells what was deleted."""
_LOG_OUT_WITHIN = 5.0


@dataclass(slots=True)
class Known:
    """What is kept between the polls of one server, while the agent runs."""

    at: float = 0.0
    """When it was last read whole."""
    seldom_at: float = 0.0
    zone: tzinfo | None = None
    version: str = ""
    repositories: Sequence[Row] = ()
    backups: Mapping[str, rows.Backup] = field(default_factory=dict)
    server_backup: float | None = None
    server_encrypted: bool | None = None
    listed_at: float = 0.0
    """When all restore points were last asked for, whether all came or not."""
    jobs: dict[str, str] = field(default_factory=dict)
    """Names of jobs by the sessions that were seen to be theirs."""
    not_permitted: frozenset[Part] = frozenset()


async def account(session: Session, known: Known, now: float) -> Account:
    """Read the server. Raises TransportFault where it cannot be reached or logged in to at all."""
    await session.open()
    unread: dict[Part, str] = {}
    try:
        made = await _read(session, known, now, unread)
    finally:
        until = asyncio.get_running_loop().time() + _LOG_OUT_WITHIN
        try:
            await session.close(until)
        except TransportFault as fault:
            unread.setdefault(Part.SERVER, f"the log-out failed: {fault.message}")
    if not unread:
        known.at = now
    return made


async def _read(session: Session, known: Known, now: float, unread: dict[Part, str]) -> Account:
    since = (known.at or now - HISTORY) - _OVERLAP
    if now - known.seldom_at >= SELDOM:
        await _seldom(session, known, unread)
        if not unread:
            known.seldom_at = now
    after = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    jobs = await _rows(session, unread, Part.JOBS, "/api/v1/jobs/states")
    sessions = await _rows(session, unread, Part.RUNS, "/api/v1/sessions", endedAfterFilter=after)
    tasks = await _rows(session, unread, Part.RUNS, "/api/v1/taskSessions", endedAfterFilter=after)
    objects = await _rows(session, unread, Part.OBJECTS, "/api/v1/backupObjects")
    points = await _rows(session, unread, Part.POINTS, "/api/v1/restorePoints", createdAfterFilter=after)
    states = await _rows(session, unread, Part.REPOSITORIES, "/api/v1/backupInfrastructure/repositories/states")
    zone = known.zone
    made_jobs = rows.jobs(jobs, zone)
    known.jobs |= rows.sessions_of_jobs(jobs, sessions)
    known.jobs = dict(list(known.jobs.items())[-20_000:])
    all_points = False
    if now - known.listed_at >= LIST_EVERY and not unread:
        known.listed_at = now
        points, all_points = await _all_points(session, points)
    restorable = rows.points(points, known.backups, known.repositories, zone)
    return Account(
        product="veeam",
        at=now,
        version=known.version,
        clock=session.clock,
        since=since,
        jobs=made_jobs,
        runs=(*rows.runs_of_jobs(sessions, known.jobs, zone), *rows.runs_of_objects(tasks, known.jobs, zone),
              *rows.running(jobs, zone)),
        objects=rows.names(objects),
        points=restorable,
        stocks=rows.stocks(objects, known.backups, restorable),
        repositories=rows.repositories(states, known.repositories),
        verifications=rows.verifications(sessions, known.jobs, zone),
        proofs=rows.proofs(tasks, zone),
        server_backup=known.server_backup,
        server_encrypted=known.server_encrypted,
        not_permitted=dict.fromkeys(known.not_permitted, "that needs the role Veeam Backup Administrator"),
        all_points=all_points,
        unread=unread,
        has=tuple(part for part in Part if part not in known.not_permitted),
    )  # fmt: skip


async def _seldom(session: Session, known: Known, unread: dict[Part, str]) -> None:
    info = await _one(session, unread, Part.SERVER, "/api/v1/serverInfo")
    known.version = str(info.get("buildVersion", ""))[:40] or known.version
    clock = await _one(session, unread, Part.SERVER, "/api/v1/serverTime")
    known.zone = _zone(clock) or known.zone
    known.repositories = await _rows(session, unread, Part.REPOSITORIES, "/api/v1/backupInfrastructure/repositories")
    known.backups = rows.backups(await _rows(session, unread, Part.POINTS, "/api/v1/backups"))
    refused: set[Part] = set()
    saved = await _one(session, unread, Part.SERVER, "/api/v1/configBackup", refused)
    known.not_permitted = frozenset(refused)
    last = saved.get("lastSuccessfulBackup")
    known.server_backup = time_of(last.get("lastSuccessfulTime"), known.zone) if isinstance(last, dict) else None
    encryption = saved.get("encryption")
    known.server_encrypted = None
    if isinstance(encryption, dict) and isinstance(encryption.get("isEnabled"), bool):
        known.server_encrypted = encryption["isEnabled"]


async def _all_points(session: Session, since: list[Row]) -> tuple[list[Row], bool]:
    """All restore points there are; those of the window, and False, where they are too many or do not come in time.

    Nothing is said to be unread for that: what they would have told is then not told, and so not known.
    """
    begun = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout_at(begun + (session.line.deadline - begun) / 2):
            return await session.rows("/api/v1/restorePoints"), True
    except (TimeoutError, TransportFault, Unfit):
        return since, False


async def _rows(session: Session, unread: dict[Part, str], part: Part, path: str, **filters: str) -> list[Row]:
    try:
        return await session.rows(path, **filters)
    except (TransportFault, Unfit) as error:
        unread.setdefault(part, str(error)[:200])
        return []


async def _one(
    session: Session, unread: dict[Part, str], part: Part, path: str, refused: set[Part] | None = None
) -> Row:
    try:
        return await session.one(path)
    except TransportFault as fault:
        if refused is not None and fault.reason is Reason.FORBIDDEN:
            refused.add(part)  # the role Veeam Backup Viewer may not read it: no fault of anybody
        else:
            unread.setdefault(part, fault.message[:200])
    except Unfit as error:
        unread.setdefault(part, str(error)[:200])
    return {}


def _zone(said: Row) -> tzinfo | None:
    """The server's zone by its IANA name, or the offset of its own time, which is right until its clocks change."""
    name = said.get("ianaTimeZoneId")
    if isinstance(name, str) and 0 < len(name) < 64 and name[:1].isalpha():
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    text = said.get("serverTime")
    try:
        return datetime.fromisoformat(text[:19] + text[-6:]).tzinfo if isinstance(text, str) else None
    except ValueError:
        return None
