"""Rows of Proxmox VE's answers as parts of the model. Pure; guests are called as the Backup Server calls them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from checks.backup.model import Job, Level, Outcome, Repository, Run
from checks.backup.products.proxmox.vzdump import Guest, Log
from checks.backup.products.proxmox.words import outcome, time_of
from checks.backup.products.rest import Row
from checks.backup.products.rows import count, one_line

_KINDS = {"qemu": "vm", "lxc": "ct"}
_EXCLUDE = re.compile(r"--exclude (\d[\d,; ]*)")
_STORAGE = re.compile(r"--storage '?([A-Za-z0-9._-]{1,64})")
_NUMBER = re.compile(r"\d{1,9}")
_CLOCKS = 60.0
"""Seconds that a guest's begin, which is told to the second, may be before its task's."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A guest as the cluster lists it."""

    name: str
    node: str
    pool: str
    template: bool


@dataclass(frozen=True, slots=True)
class Estate:
    """The cluster: nodes and whether they are online, guests by number, and which job takes which of them."""

    nodes: Mapping[str, bool]
    guests: Mapping[int, _Seen]
    taken: Mapping[str, frozenset[int]]
    """By job."""
    storages: Mapping[str, str]
    """By job: where it writes to."""
    on: frozenset[str]
    """Jobs that are switched on."""

    @classmethod
    def of(cls, resources: Iterable[Row], jobs: Iterable[Row]) -> Estate:
        """From the lists of both."""
        nodes, guests = {}, {}
        for row in resources:
            kind, node, number = row.get("type"), one_line(row.get("node")), count(row.get("vmid"))
            if kind == "node" and node:
                nodes[node] = row.get("status") == "online"
            elif isinstance(kind, str) and kind in _KINDS and number is not None:
                guests[number] = _Seen(
                    f"{_KINDS[kind]}/{number}", node, one_line(row.get("pool")), row.get("template") in (1, True, "1")
                )
        named = [(one_line(row.get("id")), row) for row in jobs if one_line(row.get("id"))]
        return cls(
            nodes,
            guests,
            {name: _taken(row, guests) for name, row in named},
            {name: one_line(row.get("storage")) for name, row in named},
            frozenset(name for name, row in named if _on(row)),
        )

    @property
    def unprotected(self) -> tuple[str, ...]:
        """Guests that no job takes that is switched on; templates are no guests."""
        taken = set().union(*(self.taken[job] for job in self.on))
        return tuple(
            self.guests[one].name for one in sorted(self.guests.keys() - taken) if not self.guests[one].template
        )

    @property
    def protected(self) -> tuple[str, ...]:
        """Guests that a job takes, switched on or not."""
        numbers = sorted(set().union(*self.taken.values()))
        return tuple(self.guests[one].name for one in numbers if one in self.guests)

    def job_of(self, number: int, storage: str) -> str:
        """The job that takes a guest, and writes there where that is known; empty where several may be meant."""
        meant = [job for job, taken in self.taken.items() if number in taken]
        meant = [job for job in meant if self.storages[job] == storage] or meant if storage else meant
        meant = [job for job in meant if job in self.on] or meant
        return meant[0] if len(meant) == 1 else ""


@dataclass(frozen=True, slots=True)
class Task:
    """A task of vzdump, with the zone of its node's log."""

    row: Row
    node: str
    zone: tzinfo | None

    @property
    def upid(self) -> str:
        return one_line(self.row.get("upid"))

    @property
    def started(self) -> float | None:
        return time_of(self.row.get("starttime"))

    @property
    def ended(self) -> float | None:
        return time_of(self.row.get("endtime"))

    def moment(self, local: str) -> float | None:
        """A time of its log in Unix seconds; its own begin where that cannot be told.

        Of an hour that exists twice the one within the task is meant.
        """
        if self.zone is None or not local:
            return self.started
        try:
            when = datetime.fromisoformat(local)
        except ValueError:
            return self.started
        both = [when.replace(tzinfo=self.zone, fold=fold).timestamp() for fold in (0, 1)]
        within = [at for at in both if self.started is None or at >= self.started - _CLOCKS]
        return min(within, default=self.started)


def jobs(found: Iterable[Row]) -> Iterator[Job]:
    """Backup jobs of the cluster."""
    for row in found:
        name = one_line(row.get("id"))
        if name:
            yield Job(
                name,
                enabled=_on(row),
                next_run=time_of(row.get("next-run")),
                repository=one_line(row.get("storage")),
                manual=not row.get("schedule") and not row.get("starttime"),
            )


def runs(task: Task, log: Log, estate: Estate) -> Iterator[Run]:
    """What a task did for each of its guests, and for those that it was told to leave out and no job takes."""
    how = outcome(task.row)
    storage = match[1] if (match := _STORAGE.search(log.command)) else ""
    for guest in log.guests:
        yield _run(task, log, guest, estate.job_of(guest.vmid, storage), how.over)
    if not how.over:
        yield Run(task.upid, "", Outcome.RUNNING, "", task.started)
        return
    if not log.guests and (how is not Outcome.SUCCESS or not log.last):
        yield from _of_none(task, log, how, storage, estate)
    left = match[1] if (match := _EXCLUDE.search(log.command)) else ""
    for number in {int(one) for one in _NUMBER.findall(left)} & estate.guests.keys():
        if not any(number in estate.taken[job] for job in estate.on) and estate.taken:
            name = estate.guests[number].name
            yield Run(
                f"{task.upid} {name}", "", Outcome.SUCCESS, name, task.started, task.ended, Level.FULL, nothing=True,
                message="its job leaves it out, and no other takes it",
            )  # fmt: skip


def _run(task: Task, log: Log, guest: Guest, job: str, over: bool) -> Run:
    started = task.moment(guest.begun)
    ended = started + guest.seconds if started is not None and guest.seconds is not None else task.ended
    how = log.outcome(guest, over)
    unended = how in (Outcome.FAILED, Outcome.UNKNOWN) and not guest.failed
    return Run(
        id=f"{task.upid} {guest.name}",
        job=job,
        outcome=how,
        object=guest.name,
        started=started,
        ended=ended if how.over else None,
        level=Level.FULL,
        bytes=guest.read,
        written=guest.written,
        nothing=how.over and guest.nothing,
        message=log.last or "its log has no end" if unended else guest.words,
        left_out=tuple(guest.left),
    )


def _of_none(task: Task, log: Log, how: Outcome, storage: str, estate: Estate) -> Iterator[Run]:
    """A task that came to no guest, or whose log cannot be read: all that it may have been about.

    Without a log even `OK` says nothing of what was taken.
    """
    said = one_line(task.row.get("status"))
    number = task.row.get("id")
    one = int(number) if isinstance(number, str) and _NUMBER.fullmatch(number) else None
    meant = [job for job in estate.on if not storage or estate.storages[job] == storage]
    numbers = {one} if one is not None else set().union(*(estate.taken[job] for job in meant))
    for each in sorted(numbers & estate.guests.keys()):
        guest = estate.guests[each]
        if one is not None or guest.node == task.node:
            yield Run(
                f"{task.upid} {guest.name}",
                estate.job_of(each, storage),
                Outcome.UNKNOWN if how.kept else how,
                guest.name,
                task.started,
                task.ended,
                Level.FULL,
                message="its log cannot be read" if how.kept else log.last or said,
            )


def repositories(resources: Iterable[Row]) -> tuple[Repository, ...]:
    """Storages that take backups; of one that every node has for itself, the fullest."""
    found: dict[str, Repository] = {}
    for row in resources:
        name, content = one_line(row.get("storage")), row.get("content")
        if row.get("type") != "storage" or not name or not isinstance(content, str):
            continue
        if "backup" not in content.split(","):
            continue
        there = row.get("status") == "available"
        capacity, used = count(row.get("maxdisk")), count(row.get("disk"))
        free = max(capacity - used, 0) if capacity and used is not None else None
        why = "" if there else f"{one_line(row.get('node'))} calls it {one_line(row.get('status')) or 'nothing'}"
        one = Repository(name, True if there else None, capacity or None, free, why=why)
        if name not in found or _worse(one, found[name]):
            found[name] = one
    return tuple(found.values())


def _worse(one: Repository, other: Repository) -> bool:
    return (one.online is True, _share(one)) < (other.online is True, _share(other))


def _share(one: Repository) -> float:
    return one.free / one.capacity if one.capacity and one.free is not None else 1.0


def _on(row: Row) -> bool:
    return row.get("enabled", 1) not in (0, False, "0")


def _taken(row: Row, guests: Mapping[int, _Seen]) -> frozenset[int]:
    node, pool = one_line(row.get("node")), one_line(row.get("pool"))
    left = _numbers(row.get("exclude"))
    if row.get("vmid"):
        found = _numbers(row.get("vmid"))
    elif pool:
        found = {number for number, guest in guests.items() if guest.pool == pool}
    elif row.get("all") in (1, True, "1"):
        found = set(guests)
    else:
        found = set()
    here = {number for number in found - left if not node or number not in guests or guests[number].node == node}
    return frozenset(here)


def _numbers(value: object) -> set[int]:
    said = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return {int(one) for one in _NUMBER.findall(said[:20_000])}
