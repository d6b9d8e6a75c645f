"""What a drill needs of a product: its restore points, their files, a restore, a second reading, a verification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.restore_drills.running import Printed, Runner
from agent.restore_drills.verdict import Failed, Unproven


@dataclass(frozen=True, slots=True)
class Point:
    """A restore point, as its tool takes it."""

    id: str
    at: float


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as the list of a restore point tells it."""

    path: str
    size: int
    mtime: float
    whole_seconds: bool = False
    """The list has no fractions of a second."""


@dataclass(frozen=True, slots=True)
class Backup(Point):
    """A backup of a PostgreSQL cluster."""

    until: float
    """When it ended: what was written after that is in the log alone."""
    octets: int | None
    """Of the cluster."""


@dataclass(frozen=True, slots=True)
class Target:
    """How far the log is replayed: to its end, unless one of these says otherwise."""

    moment: float | None = None
    consistent: bool = False
    """No further than until the backup is consistent."""


@dataclass(frozen=True, slots=True)
class Files:
    """A cluster as it was restored, not started yet."""

    data: Path
    seconds: float
    programs: Path
    """Those of PostgreSQL in this cluster's own version."""
    fetch: str
    """The shell command by which PostgreSQL fetches a segment of the log."""
    newest: str
    """The newest segment of the log that there was before the restore."""


class ClusterProduct(Protocol):
    """A product whose restore points are PostgreSQL clusters. Everything may raise Unproven."""

    runner: Runner

    @property
    def parts(self) -> int | None:
        """In how many parts its data can be read; None: as one asks."""

    def points(self) -> Sequence[Backup]:
        """All backups of the drill's object, the oldest first. Raises Failed where their list is damaged."""

    def restore(self, backup: Backup, into: Path, target: Target) -> Files:
        """Restore by the ordinary route, below a directory that is empty. Raises Failed."""

    def verify(self, part: int, parts: int, most: float) -> float:
        """Read everything again; return the share that was read. Raises Failed where it is damaged."""


class Product(Protocol):
    """A product whose restore points hold files. Everything may raise Unproven."""

    def points(self) -> list[Point]:
        """All points of the drill's object, the oldest first. Raises Failed where their list is damaged."""

    def files(self, point: Point, under: str) -> Iterator[StoredFile]:
        """Regular files below a path. Raises Failed where the list is damaged."""

    def restore(self, point: Point, paths: Sequence[str], into: Path) -> float:
        """Restore by the ordinary route, and return the seconds it took. Raises Failed."""

    def read_again(self, point: Point, path: str) -> Path:
        """The file's content by another route. Raises Failed."""

    def verify(self, part: int, parts: int, most: float) -> float:
        """Read a part of all data again; return the share that was read. Raises Failed where it is damaged."""

    @property
    def parts(self) -> int | None:
        """In how many parts its data can be read; None: as one asks."""


_NO_ROOM = ("no space left on device", "disk quota exceeded", "cannot allocate memory", "file too large")
_CLOSED = ("permission denied", "operation not permitted")
_AWAY = ("connection refused", "connection reset", "no route to host", "could not resolve", "connection closed",
         "host key verification failed", "network is unreachable", "i/o timeout")  # fmt: skip


def shows_damage(printed: Printed, words: Sequence[str]) -> bool:
    """Whether a tool says in its own words that what it read is damaged."""
    said = printed.stderr.casefold()
    return any(word in said for word in words)


def could_not(printed: Printed, damage: Sequence[str]) -> str:
    """Why a tool's failure proves nothing, or an empty text where it does.

    Words of damage weigh more than all others but a full scratch place, which spoils whatever is written to it.
    """
    said = printed.stderr.casefold()
    if any(word in said for word in _NO_ROOM):
        return f"no room for what is restored: {printed.last_line}"
    if shows_damage(printed, damage):
        return ""
    if printed.overdue:
        return f"it did not end within its time; raise `max_time`, or see why it is slow ({printed.last_line})"
    if printed.status < 0:
        return f"it was ended by signal {-printed.status}: see whether memory is short ({printed.last_line})"
    for words, why in ((_AWAY, "the repository is away"), (_CLOSED, "the drill's user may not read it")):
        if any(word in said for word in words):
            return f"{why}: {printed.last_line}"
    return ""


__all__ = [
    "Backup",
    "ClusterProduct",
    "Failed",
    "Files",
    "Point",
    "Product",
    "StoredFile",
    "Target",
    "Unproven",
    "could_not",
]
