"""What can be restored of a database: fulls, differentials with their full, and logs without a gap. Pure.

Everything is joined by log sequence numbers and by the identifiers of backup sets, never by time: the rows come from
several replicas, in any order, and again. Source: "Log Sequence Numbers and Restore Planning", Transact-SQL reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from checks.backup.model import Level, RestorePoint

_MOST = 60
"""Fulls, and as many differentials and unbroken stretches of log, that are remembered of a database."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A row of backupset, as far as chains need it."""

    id: str
    """backup_set_uuid."""
    level: Level
    started: float
    finished: float
    first: int
    last: int
    """Log sequence numbers; of a full or differential, a log that holds `last` goes on from it."""
    fork: str
    base: str
    """The full that a differential needs."""
    copy_only: bool
    bytes: int | None
    place: str
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """Log backups without a gap: from the first number to the last, as of the begin of the last backup."""

    fork: str
    first: int
    last: int
    at: float


@dataclass(slots=True)
class Chain:
    """All that is known of one database, from whichever replica."""

    fulls: dict[str, Backup] = field(default_factory=dict)
    differentials: dict[str, Backup] = field(default_factory=dict)
    logs: list[Stretch] = field(default_factory=list)
    newest_log: float | None = None
    """Begin of the newest log backup, whether it belongs to anything or not."""

    def add(self, one: Backup) -> None:
        """Put a backup where it belongs; the same one again changes nothing."""
        if one.level is Level.FULL:
            self.fulls = _with(self.fulls, one)
        elif one.level is Level.DIFFERENTIAL:
            self.differentials = _with(self.differentials, one)
        elif one.level is Level.LOG:
            self.newest_log = max(self.newest_log or 0.0, one.started)
            if not one.damaged and one.first < one.last:
                self._join(Stretch(one.fork, one.first, one.last, one.started))

    def points(self, object: str) -> Iterator[RestorePoint]:
        """Everything that can be restored, and what was found damaged as it was taken."""
        whole = [*self.fulls.values(), *self._differentials()]
        for one in whole:
            yield RestorePoint(
                object, one.finished, one.place, one.level, one.bytes, one.id, False if one.damaged else None
            )
        for stretch in self.logs:
            under = [one for one in whole if not one.damaged and _goes_on(one, stretch)]
            below = max(under, key=lambda one: one.finished, default=None)
            if below is not None and stretch.at > below.finished:
                yield RestorePoint(object, stretch.at, below.place, Level.LOG, below.bytes, f"log {stretch.last}")

    def _differentials(self) -> Iterator[Backup]:
        """Those whose full is there, lies where it says and carries differentials: they are restored on top of it."""
        for one in self.differentials.values():
            full = self.fulls.get(one.base)
            if full is not None and not full.copy_only and not full.damaged:
                size = one.bytes + full.bytes if one.bytes is not None and full.bytes is not None else None
                yield replace(one, bytes=size, place=full.place)

    def _join(self, new: Stretch) -> None:
        kept: list[Stretch] = []
        for old in self.logs:
            if old.fork == new.fork and old.first <= new.last and new.first <= old.last:
                at = new.at if new.last > old.last else old.at if old.last > new.last else min(old.at, new.at)
                new = Stretch(new.fork, min(old.first, new.first), max(old.last, new.last), at)
            else:
                kept.append(old)
        self.logs = sorted([*kept, new], key=lambda one: one.last)[-_MOST:]


def _goes_on(one: Backup, stretch: Stretch) -> bool:
    return one.fork == stretch.fork and stretch.first <= one.last <= stretch.last


def _with(known: dict[str, Backup], one: Backup) -> dict[str, Backup]:
    known = {**known, one.id: one}
    if len(known) > _MOST:
        del known[min(known, key=lambda key: known[key].finished)]
    return known
