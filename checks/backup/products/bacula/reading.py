"""The account that the rows of a catalogue make. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from checks.backup.model import Account, Job, Level, Outcome, Part, Proof, Repository, RestorePoint, Run, Verification
from checks.backup.products.bacula.catalogue import MOST, Catalogue, Row
from checks.backup.products.bacula.chains import Taken, readable, restorable
from checks.backup.products.bacula.words import READ_AGAIN, level_of, outcome_of, waits_for
from checks.backup.products.rows import count, one_line

_HAS = (
    Part.JOBS, Part.RUNS, Part.OBJECTS, Part.POINTS, Part.REPOSITORIES, Part.VERIFICATIONS, Part.DRILLS,
)  # fmt: skip
_AGREE = 120.0
"""Seconds by which the text of a job's end and its JobTDate may differ."""
_BETWEEN = re.compile(r"Restoring files from JobId\(s\) ([0-9,]{1,2000})|Verifying against JobId=([0-9]{1,18})")
_ERROR = re.compile(r"JobId \d+: ((?:Fatal e|E)rror: (?!Bacula |Bareos ).{1,200})")
_DAMAGE = re.compile(r"data error|checksum mismatch|not correct\. Original", re.IGNORECASE)
_TAKEN = ("T", "W")
"""What Bacula itself restores from."""
_NAMED = 3
_LATEST = 4_102_444_800
"""2100: a JobTDate beyond that is no time."""


@dataclass(frozen=True, slots=True)
class _Times:
    started: float | None
    ended: float | None
    fits: bool
    """The text and JobTDate agree."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What the log of a job says, as far as it is kept in the catalogue."""

    about: tuple[int, ...] = ()
    """The jobs that were restored or verified."""
    error: str = ""
    damage: bool = False


def account(told: Catalogue, zone: ZoneInfo, now: float, since: float) -> Account:
    """The account; `since`: runs that ended before are left out, points are told for as long as they are kept."""
    times = {row["jobid"]: _times(row, zone) for row in told.jobs}
    said = _logs(told)
    objects = _objects(told)
    begun = {job: one.started for job, one in times.items()}
    backups = [row for row in told.jobs if row["type"] == "B"]
    recent = [row for row in backups if (times[row["jobid"]].ended or now) >= since]
    others = [row for row in told.jobs if row["type"] in ("V", "R") and times[row["jobid"]].ended is not None]
    unread: dict[Part, str] = {}
    wrong = _wrong_zone(told, times, zone)
    if wrong:
        unread[Part.RUNS] = wrong
    cut = len(told.jobs) >= MOST
    return Account(
        product="bacula",
        at=now,
        version=f"catalogue {told.version}" if told.version else "",
        since=min((one.started for one in times.values() if one.started is not None), default=None) if cut else None,
        jobs=tuple(_jobs(recent)),
        runs=tuple(
            _run(row, objects[row["jobid"]], times[row["jobid"]], said.get(row["jobid"], _Said())) for row in recent
        ),
        objects=tuple(dict.fromkeys(name for row in recent if (name := objects[row["jobid"]]))),
        points=tuple(restorable(list(_taken(told, times)))),
        repositories=tuple(_pools(told)),
        verifications=tuple(_verifications(others, times, said, objects)),
        proofs=tuple(_proofs(others, times, said, objects, begun)),
        unread=unread,
        has=_HAS,
    )


def _objects(told: Catalogue) -> dict[int, str]:
    """The object of each backup. A job that was only just made has no client yet: it will take what it took before."""
    found: dict[int, str] = {}
    of_job: dict[str, str] = {}
    for row in reversed(told.jobs):
        if row["type"] == "B":
            name = str(row["name"])
            found[row["jobid"]] = _object(row) or of_job.get(name, "")
            of_job[name] = found[row["jobid"]]
    return found


def _object(row: Row) -> str:
    return one_line(f"{row['client']}:{row['fileset']}") if row["client"] and row["fileset"] else ""


def _jobs(recent: list[Row]) -> Iterator[Job]:
    """By name, each once; the newest run tells where it writes. Whether it is on, and when it is due, nothing tells."""
    seen: set[str] = set()
    for row in recent:
        name = one_line(row["name"])
        if name and name not in seen:
            seen.add(name)
            yield Job(name, repository=one_line(row["pool"]))


def _run(row: Row, object: str, times: _Times, said: _Said) -> Run:
    """A run that found nothing new since the one before protects what that one does; a Full of nothing is nothing."""
    files, errors, level = count(row["jobfiles"]), count(row["joberrors"]), level_of(row["level"])
    outcome = outcome_of(row["jobstatus"], errors)
    return Run(
        id=str(row["jobid"]),
        job=one_line(row["name"]),
        outcome=outcome,
        object=object,
        started=times.started,
        ended=times.ended if outcome.over else None,
        level=level,
        bytes=count(row["jobbytes"]),
        files=files,
        errors=errors,
        nothing=outcome.kept and level is Level.FULL and files == 0,
        message=said.error or waits_for(row["jobstatus"]),
    )


def _taken(told: Catalogue, times: Mapping[int, _Times]) -> Iterator[Taken]:
    """Backups that Bacula would restore from, and copies of such."""
    lost = {row["jobid"]: int(row["lost"]) for row in told.volumes}
    for row in told.jobs:
        at, files = times[row["jobid"]].started, count(row["jobfiles"])
        if row["type"] not in ("B", "C") or row["jobstatus"] not in _TAKEN or at is None or not _object(row):
            continue
        level = level_of(row["level"])
        point = RestorePoint(_object(row), at, one_line(row["pool"]), level, count(row["jobbytes"]), str(row["jobid"]))
        yield Taken(point, row["type"] == "C", readable(row["jobid"], files, lost))


def _pools(told: Catalogue) -> Iterator[Repository]:
    bad: dict[str, list[str]] = {}
    for row in told.pools:
        volumes = bad.setdefault(one_line(row["pool"]), [])
        if row["volume"] is not None:
            volumes.append(one_line(row["volume"]))
    for name, volumes in bad.items():
        more = f" and {len(volumes) - _NAMED} more" if len(volumes) > _NAMED else ""
        words = f"volumes in error: {', '.join(volumes[:_NAMED])}{more}" if volumes else ""
        yield Repository(name, ails=words)


def _verifications(
    others: list[Row], times: Mapping[int, _Times], said: Mapping[int, _Said], objects: Mapping[int, str]
) -> Iterator[Verification]:
    for row in others:
        at, log = times[row["jobid"]].ended, said.get(row["jobid"], _Said())
        if row["type"] == "V" and row["level"] in READ_AGAIN and at is not None:
            yield Verification(at, _sound(row, log), "", _about(log, objects), one_line(row["name"]), 1.0, log.error)


def _proofs(
    others: list[Row],
    times: Mapping[int, _Times],
    said: Mapping[int, _Said],
    objects: Mapping[int, str],
    begun: Mapping[int, float | None],
) -> Iterator[Proof]:
    """Restores; of which object, the restore's own log says."""
    for row in others:
        ended, log = times[row["jobid"]].ended, said.get(row["jobid"], _Said())
        if row["type"] != "R" or ended is None:
            continue
        started = times[row["jobid"]].started
        yield Proof(
            at=ended,
            object=_about(log, objects),
            passed=_sound(row, log),
            by="Bacula restore",
            seconds=max(1.0, ended - started) if started is not None else None,
            bytes=count(row["jobbytes"]),
            point=max((at for job in log.about if (at := begun.get(job)) is not None), default=None),
            message=log.error,
            job=one_line(row["name"]),
        )


def _sound(row: Row, log: _Said) -> bool | None:
    """Whether data that was read was right. None: it was not read, or only in part; that proves nothing."""
    outcome = outcome_of(row["jobstatus"], count(row["joberrors"]))
    if outcome is Outcome.SUCCESS:
        return True if count(row["jobfiles"]) else None
    if row["jobstatus"] == "D" or (outcome is Outcome.FAILED and (log.damage or count(row["jobfiles"]))):
        return False
    return None


def _about(log: _Said, objects: Mapping[int, str]) -> str:
    """The one object that all the jobs in question are of; empty where it is not certain."""
    found = {objects.get(job, "") for job in log.about}
    return found.pop() if len(found) == 1 else ""


def _logs(told: Catalogue) -> dict[int, _Said]:
    lines: dict[int, list[str]] = {}
    for row in told.log:
        if isinstance(row["logtext"], str):
            lines.setdefault(row["jobid"], []).append(row["logtext"][:4000])
    return {job: _said(texts) for job, texts in lines.items()}


def _said(texts: list[str]) -> _Said:
    whole = "\n".join(texts)
    between, error = _BETWEEN.search(whole), _ERROR.search(whole)
    numbers = (between[1] or between[2]) if between else ""
    about = tuple(int(number) for number in numbers.split(",") if number)
    return _Said(about, one_line(error[1]) if error else "", _DAMAGE.search(whole) is not None)


def _times(row: Row, zone: ZoneInfo) -> _Times:
    """When it began and ended. JobTDate is the end of what is over, and the begin of what is not."""
    moment = count(row["jobtdate"])
    at = float(moment) if moment and moment < _LATEST else None
    starts = _readings(row["starttime"], zone) or _readings(row["schedtime"], zone)
    if not outcome_of(row["jobstatus"], None).over:
        return _Times(at if at is not None else next(iter(starts), None), None, True)
    ends = _readings(row["endtime"], zone)
    if at is None or not ends:
        ended = at if at is not None else next(iter(ends), None)
        before = [start for start in starts if ended is None or start <= ended]
        return _Times(max(before, default=None), ended, True)
    near = min(ends, key=lambda end: abs(end - at))
    lasted = [near - start for start in starts if start <= near]
    return _Times(at - min(lasted, default=0.0), at, abs(near - at) <= _AGREE)


def _readings(value: object, zone: ZoneInfo) -> list[float]:
    """What a time without a zone can mean: twice a year an hour comes twice. Empty for the 0 of SQLite and for NULL."""
    try:
        naive = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return []
    if not isinstance(naive, datetime) or not 1990 <= naive.year < 2100:
        return []
    local = naive.replace(tzinfo=zone)
    return sorted({local.replace(fold=fold).timestamp() for fold in (0, 1)})


def _wrong_zone(told: Catalogue, times: Mapping[int, _Times], zone: ZoneInfo) -> str:
    """What is wrong where the newest backup that ended did so at another time by its text than by its JobTDate."""
    for row in told.jobs:
        one = times[row["jobid"]]
        if row["type"] == "B" and one.ended is not None:
            if one.fits:
                return ""
            return (
                f"job {row['jobid']} ended {row['endtime']} by its text and not by JobTDate: is zone {zone.key} right?"
            )
    return ""
