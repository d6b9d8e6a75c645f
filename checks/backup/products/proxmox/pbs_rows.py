"""Rows of the Backup Server's answers as parts of the model. Pure; nothing is guessed.

An object is called `type/id`, in a namespace `namespace:type/id`. That a snapshot is *protected* keeps pruning from it
and no attacker: it is no lock, and nothing is told of locks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from checks.backup.model import Job, Level, Repository, RestorePoint, Run, Verification
from checks.backup.products.proxmox.words import began, ended_as, outcome, sound, time_of
from checks.backup.products.rest import Row
from checks.backup.products.rows import count, one_line

_KINDS = frozenset({"vm", "ct", "host"})
_BEFORE = 900.0
"""Seconds that a snapshot's time may be before its task's begin: the client chooses it when it starts."""


def repositories(found: Iterable[Row]) -> tuple[Repository, ...]:
    """Datastores with their room. One that tells an error instead is not there."""
    made = []
    for row in found:
        name, why = one_line(row.get("store")), one_line(row.get("error"))
        if not name:
            continue
        capacity, free = count(row.get("total")), count(row.get("avail"))
        made.append(Repository(name, not why, capacity or None, free if capacity else None, why=why))
    return tuple(made)


def namespaces(found: Iterable[Row]) -> tuple[str, ...] | None:
    """All of a datastore, the root (empty) among them; None where one cannot be read."""
    said = [row.get("ns") for row in found]
    if not all(isinstance(one, str) and len(one) <= 256 for one in said):
        return None
    return tuple(dict.fromkeys(("", *(one for one in said if isinstance(one, str)))))


def groups(found: Iterable[Row], space: str) -> frozenset[tuple[str, int | None, float | None]]:
    """Names of objects, each with its count of snapshots and the time of the newest."""
    return frozenset(
        (name, count(row.get("backup-count")), time_of(row.get("last-backup")))
        for row in found
        if (name := _name(row, space))
    )


def points(found: Iterable[Row], store: str, space: str) -> tuple[tuple[RestorePoint, ...], bool]:
    """Snapshots that can be restored, and whether all could be read. One without a size has no manifest: it is being
    written, or was left behind, and nobody can restore it.
    """
    made, whole = [], True
    for row in found:
        name, at, size = _name(row, space), time_of(row.get("backup-time")), row.get("size")
        if not name or at is None or (size is not None and count(size) is None):
            whole = False
        elif size is not None:
            checked = row.get("verification")
            when = began(checked.get("upid")) if isinstance(checked, dict) else None
            made.append(
                RestorePoint(name, at, store, Level.FULL, count(size), f"{store}:{name}/{at:.0f}", sound(checked), when)
            )
    return tuple(made), whole


def verifications(found: Iterable[RestorePoint]) -> tuple[Verification, ...]:
    """What reading again has found, of each object in each datastore; damage counts while the snapshot is there."""
    newest: dict[tuple[str, str], float] = {}
    good: dict[tuple[str, str], bool] = {}
    for point in found:
        if point.sound is None:
            continue
        key = (point.object, point.repository)
        newest[key] = max(newest.get(key, 0.0), point.verified_at or point.at)
        good[key] = good.get(key, True) and point.sound
    return tuple(Verification(at, good[key], key[1], key[0]) for key, at in newest.items())


def runs(found: Iterable[Row], known: Sequence[RestorePoint], names: Mapping[str, Sequence[str]]) -> Iterator[Run]:
    """Tasks that back up. `typefilter` finds parts of words, so a tape's task is among them, and is left out.

    A task names no namespace: where a group is in several, its snapshot tells which; where none does, all are meant.
    """
    at = {(point.repository, point.object): {point.at} for point in known}
    for point in known:
        at[point.repository, point.object].add(point.at)
    for row in found:
        store, _, group = one_line(row.get("worker_id")).partition(":")
        begin = time_of(row.get("starttime"))
        if row.get("worker_type") != "backup" or not group or begin is None:
            continue
        end = time_of(row.get("endtime"))
        meant = [name for name in names.get(store, ()) if name.rpartition(":")[2] == group]
        until = end if end is not None else begin + _BEFORE
        here = [name for name in meant if any(begin - _BEFORE <= when <= until for when in at.get((store, name), ()))]
        how = outcome(row)
        said = row.get("status")
        for name in here or meant or [group]:
            yield Run(
                id=f"{one_line(row.get('upid'))} {name}",
                job="",
                outcome=how,
                object=name,
                started=begin,
                ended=end,
                level=Level.FULL,
                message="" if said == "OK" else one_line(said),
            )


def jobs(found: Iterable[tuple[str, Sequence[Row]]]) -> Iterator[Job]:
    """Jobs that verify, copy or prune, called `verify v-1a2b`."""
    for kind, listed in found:
        for row in listed:
            name = one_line(row.get("id"))
            if name:
                yield Job(
                    f"{kind} {name}",
                    enabled=row.get("disable") is not True,
                    next_run=time_of(row.get("next-run")),
                    repository=one_line(row.get("store")),
                    manual=not row.get("schedule"),
                )


def runs_of_jobs(found: Iterable[tuple[str, Sequence[Row]]]) -> Iterator[Run]:
    """The last run of each, where it ever ran."""
    for kind, listed in found:
        for row in listed:
            name, upid = one_line(row.get("id")), one_line(row.get("last-run-upid"))
            if not name or not upid:
                continue
            end, said = time_of(row.get("last-run-endtime")), row.get("last-run-state")
            how = ended_as(said, over=end is not None)
            message = "" if said == "OK" else one_line(said)
            yield Run(upid, f"{kind} {name}", how, "", began(row.get("last-run-upid")), end, message=message)


def _name(row: Row, space: str) -> str:
    kind, one = row.get("backup-type"), row.get("backup-id")
    if not isinstance(kind, str) or kind not in _KINDS or not isinstance(one, str) or not one:
        return ""
    return one_line(f"{space}:{kind}/{one}" if space else f"{kind}/{one}")
