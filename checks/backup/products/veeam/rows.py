"""Rows of Veeam's answers as parts of the model. Pure; a row that cannot be read is left out, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from checks.backup.model import Job, Level, Outcome, Proof, Repository, RestorePoint, Run, Stock, Verification
from checks.backup.products.rest import Row
from checks.backup.products.rows import count, one_line
from checks.backup.products.veeam.words import GIB, enabled, identity, level, outcome, time_of

_DAY = 86_400.0
_AFTER = re.compile(r"After \[(.{1,200})\]")
_ORPHAN = "outdated_"
_HEALTH = "filebackuphealthcheck"
_UNSUSPICIOUS = frozenset({"", "clean", "infected", "informative", "notscanned"})
"""Words of a scan that suspect nothing; one that nobody knows does. Without a scan nothing is called clean either."""
_SUREBACKUP = frozenset({"surebackup", "surebackupcontentscan"})


@dataclass(frozen=True, slots=True)
class Backup:
    """A chain of restore points: its job and where it lies."""

    job: str
    repository: str


def jobs(found: Sequence[Row], zone: tzinfo | None) -> tuple[Job, ...]:
    """Jobs, with what starts them. Older revisions do not tell of chains: then nothing is said of it."""
    return tuple(_job(row, zone) for row in found if one_line(row.get("name")))


def _job(row: Row, zone: tzinfo | None) -> Job:
    policy, chained = row.get("nextRunPolicy"), row.get("runAfterJob")
    match = _AFTER.search(policy) if isinstance(policy, str) else None
    after = one_line(chained.get("jobName")) if isinstance(chained, dict) else one_line(match[1]) if match else ""
    next_run = time_of(row.get("nextRun"), zone)
    may_run = enabled(row.get("status"))
    tells = isinstance(policy, str) or chained is not None
    manual = tells and next_run is None and not after and may_run is True
    return Job(one_line(row.get("name")), may_run, next_run, after, one_line(row.get("repositoryName")), manual)


def sessions_of_jobs(states: Sequence[Row], sessions: Sequence[Row]) -> dict[str, str]:
    """Names of jobs by their sessions' identifiers."""
    by_id = {identity(row.get("id")): one_line(row.get("name")) for row in states}
    found = {identity(row.get("sessionId")): one_line(row.get("name")) for row in states}
    for row in sessions:
        found[identity(row.get("id"))] = by_id.get(identity(row.get("jobId"))) or one_line(row.get("name"))
    found.pop("", None)
    return found


def runs_of_jobs(sessions: Iterable[Row], names: Mapping[str, str], zone: tzinfo | None) -> Iterator[Run]:
    """Sessions of jobs that back up, as far as they are over."""
    for row in sessions:
        kind = row.get("sessionType")
        if not isinstance(kind, str) or "backup" not in kind.casefold() or kind.casefold() in {_HEALTH, *_SUREBACKUP}:
            continue
        if kind.casefold() in ("configurationbackup", "deletebackup", "publishbackupcontentviamount"):
            continue
        job = names.get(identity(row.get("id")), one_line(row.get("name")))
        if job:
            yield _run(row, job, "", zone)


def runs_of_objects(tasks: Iterable[Row], names: Mapping[str, str], zone: tzinfo | None) -> Iterator[Run]:
    """What each backup did for each of its machines."""
    for row in tasks:
        name = one_line(row.get("name"))
        kind = row.get("sessionType")
        if row.get("type") != "Backup" or not name or (isinstance(kind, str) and kind.casefold() in _SUREBACKUP):
            continue
        yield _run(row, names.get(identity(row.get("sessionId")), ""), name, zone)


def running(states: Iterable[Row], zone: tzinfo | None) -> Iterator[Run]:
    """Runs under way, as the jobs tell them: their sessions have no end yet, and are not asked for."""
    for row in states:
        status = row.get("status")
        if isinstance(status, str) and status.casefold() in ("running", "starting", "stopping"):
            name = one_line(row.get("name"))
            yield Run(identity(row.get("sessionId")), name, Outcome.RUNNING, "", time_of(row.get("lastRun"), zone))


def _run(row: Row, job: str, name: str, zone: tzinfo | None) -> Run:
    said = row.get("result")
    progress = row.get("progress")
    sizes = progress if isinstance(progress, dict) else {}
    retry = row.get("retryInfo")
    ended = time_of(row.get("endTime"), zone)
    how = outcome(row)
    if how is Outcome.RUNNING and ended is not None:
        how = Outcome.UNKNOWN
    made = level(row.get("algorithm"))
    return Run(
        id=identity(row.get("id")),
        job=job,
        outcome=how,
        object=name,
        started=time_of(row.get("creationTime"), zone),
        ended=ended,
        level=made,
        bytes=_read(sizes, made),
        written=count(sizes.get("transferredSize", sizes.get("transferedSize"))) if sizes else None,
        retries=isinstance(retry, dict) and retry.get("willBeRetried") is True,
        message=one_line(said.get("message")) if isinstance(said, dict) else "",
    )


def _read(sizes: Row, made: Level) -> int | None:
    """What was read: `processedSize` is the whole machine every night, `readSize` of an increment what had changed."""
    processed, read = count(sizes.get("processedSize")), count(sizes.get("readSize"))
    return processed if made is Level.FULL or read is None else read


def names(objects: Iterable[Row]) -> tuple[str, ...]:
    """Everything that Veeam protects; what it calls an orphan it does not protect any more."""
    found = (one_line(row.get("name")) for row in objects)
    return tuple(dict.fromkeys(name for name in found if name and not name.startswith(_ORPHAN)))


def backups(found: Iterable[Row]) -> dict[str, Backup]:
    """Chains by identifier."""
    return {
        identity(row.get("id")): Backup(one_line(row.get("name")), one_line(row.get("repositoryName")))
        for row in found
        if identity(row.get("id"))
    }


def points(
    found: Iterable[Row], chains: Mapping[str, Backup], settings: Sequence[Row], zone: tzinfo | None
) -> tuple[RestorePoint, ...]:
    """Restore points, each with its repository and how long it is locked there."""
    locks = {one_line(row.get("name")): locked_days(row) for row in settings}
    made = []
    for row in found:
        at, name = time_of(row.get("creationTime"), zone), one_line(row.get("name"))
        if at is None or not name:
            continue
        chain = chains.get(identity(row.get("backupId")))
        days = locks.get(chain.repository) if chain else None
        status = row.get("malwareStatus")
        word = status.casefold() if isinstance(status, str) else ""
        made.append(
            RestorePoint(
                object=name,
                at=at,
                repository=chain.repository if chain else "",
                level=level(row.get("type")),
                bytes=count(row.get("originalSize")),
                id=identity(row.get("id")),
                infected=word == "infected",
                suspect=one_line(status) if word not in _UNSUSPICIOUS else "",
                locked_until=at + days * _DAY if days else None,
            )
        )
    return tuple(made)


def stocks(objects: Iterable[Row], chains: Mapping[str, Backup], known: Sequence[RestorePoint]) -> tuple[Stock, ...]:
    """How many points there are of each object, where the revision tells in which chain they are."""
    newest: dict[tuple[str, str], float] = {}
    for point in known:
        key = (point.object, point.repository)
        newest[key] = max(newest.get(key, 0.0), point.at)
    counts: dict[tuple[str, str], int] = {}
    for row in objects:
        chain, held = chains.get(identity(row.get("backupId"))), count(row.get("restorePointsCount"))
        name = one_line(row.get("name"))
        if chain is not None and held is not None and name:
            key = (name, chain.repository)
            counts[key] = counts.get(key, 0) + held
    return tuple(Stock(name, at, count, newest.get((name, at))) for (name, at), count in counts.items())


def repositories(states: Iterable[Row], settings: Sequence[Row]) -> tuple[Repository, ...]:
    """Room and locks of each."""
    locks = {identity(row.get("id")): locked_days(row) for row in settings}
    made = []
    for row in states:
        name = one_line(row.get("name"))
        if not name:
            continue
        online = row.get("isOnline")
        capacity, free = _room(row.get("capacityGB")), _room(row.get("freeGB"))
        made.append(
            Repository(
                name, online if isinstance(online, bool) else None, capacity or None, free if capacity else None,
                locks.get(identity(row.get("id"))),
            )
        )  # fmt: skip
    return tuple(made)


def locked_days(row: Row) -> float | None:
    """For how many days a repository locks new points; None for kinds that do not tell.

    `makeRecentBackupsImmutableDays` of hardened Linux; `immutability` of object storage, whose bucket it belongs to.
    """
    for part in _parts(row):
        days = count(part.get("makeRecentBackupsImmutableDays"))
        if days is not None:
            return float(days)
        said = part.get("immutability")
        if isinstance(said, dict):
            return float(count(said.get("daysCount")) or 0) if said.get("isEnabled") is True else 0.0
    return 0.0 if row.get("type") in ("WinLocal", "LinuxLocal", "Smb", "Nfs") else None


def _parts(row: Row) -> Iterator[Row]:
    yield row
    for name in ("repository", "bucket", "container", "vault"):
        part = row.get(name)
        if isinstance(part, dict):
            yield part


def verifications(sessions: Iterable[Row], names: Mapping[str, str], zone: tzinfo | None) -> tuple[Verification, ...]:
    """Health checks of backup files: the whole of a job's backup was read again."""
    made = []
    for row in sessions:
        kind, at = row.get("sessionType"), time_of(row.get("endTime"), zone)
        if isinstance(kind, str) and kind.casefold() == _HEALTH and at is not None:
            how = outcome(row)
            sound = {Outcome.SUCCESS: True, Outcome.FAILED: False}.get(how)
            made.append(Verification(at, sound, job=names.get(identity(row.get("id")), one_line(row.get("name")))))
    return tuple(made)


def proofs(tasks: Iterable[Row], zone: tzinfo | None) -> tuple[Proof, ...]:
    """Machines that SureBackup started from their backup."""
    made = []
    for row in tasks:
        kind, at = row.get("sessionType"), time_of(row.get("endTime"), zone)
        begun, name = time_of(row.get("creationTime"), zone), one_line(row.get("name"))
        if isinstance(kind, str) and kind.casefold() == "surebackup" and at is not None and name:
            how = outcome(row)
            passed = {Outcome.SUCCESS: True, Outcome.FAILED: False, Outcome.PARTIAL: False}.get(how)
            made.append(Proof(at, name, passed, "SureBackup", at - begun if begun is not None else None))
    return tuple(made)


def _room(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        return None
    return round(value * GIB)
