"""Where things are restored to: an empty place of the drill's own, in memory, that is seen to be empty afterwards.

What is promised: nothing is restored outside of it; its names and its memory are gone when the drill ends, and the next
drill removes what one left that was killed. Files are unlinked, not overwritten: on a disk, an SSD most of all, that
destroys nothing, so a place that is not in memory must be encrypted, and the file of the drills must say so.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.restore_drills.verdict import Unproven

_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_LOCK = ".lock"
_PREFIX = "drill-"
_ROOM = f"{_PREFIX}room"
"""Always the same, since some products are told by name where the drill may restore to."""


@dataclass(frozen=True, slots=True)
class Room:
    """The place of one drill."""

    path: Path

    @property
    def restored(self) -> Path:
        """Where the tool restores to."""
        return self.path / "restored"

    @property
    def aside(self) -> Path:
        """Where it may keep what it needs meanwhile."""
        return self.path / "aside"

    def octets(self) -> int:
        """How much lies here now."""
        whole = 0
        for directory, _, names in os.walk(self.path):
            for name in names:
                with contextlib.suppress(OSError):  # it may go while it is counted
                    whole += os.lstat(os.path.join(directory, name)).st_blocks * 512  # noqa: PTH118 - ten times faster
        return whole


@dataclass(slots=True)
class Scratch:
    """The directory in which drills have their rooms, one after the other."""

    base: Path
    away_from: Sequence[Path]
    """What it must not hold, nor lie in: sources, repositories."""
    encrypted_disk: bool = False
    """Whether the file of the drills promises that it lies on an encrypted disk."""
    left: tuple[str, ...] = ()
    """What a drill that was killed had left, and is gone now."""
    cleaned: bool | None = None
    """Whether the last room was seen to be gone."""

    @contextlib.contextmanager
    def room(self, largest: int) -> Iterator[Room]:
        """An empty room for at most `largest` octets, removed at the end whatever happens. Raises Unproven."""
        self.cleaned = None
        self._check()
        with self._held():
            self.left = self._leftovers()
            free = shutil.disk_usage(self.base).free
            if free < largest:
                raise Unproven(f"no room: {self.base} has {_size(free)} free, and `max_size` is {_size(largest)}")
            room = Room(self.base / _ROOM)
            try:
                for path in (room.path, room.restored, room.aside):
                    path.mkdir(mode=0o700)
                yield room
            except OSError as error:
                raise Unproven(f"{self.base}: {error.strerror}") from error
            finally:
                self.cleaned = not wiped(room.path) and self._names() == {_LOCK}

    def _check(self) -> None:
        base = self.base
        try:
            seen = base.lstat()
        except OSError as error:
            raise Unproven(f"the scratch place {base} is not there: {error.strerror}") from error
        if not stat.S_ISDIR(seen.st_mode) or base.resolve() != base:
            raise Unproven(f"the scratch place {base} is no directory, or a symbolic link leads to it")
        if base == Path("/"):
            raise Unproven("the scratch place is /; give it a directory of its own")
        if seen.st_uid != os.geteuid() or stat.S_IMODE(seen.st_mode) & 0o077:
            raise Unproven(f"the scratch place {base} must belong to the drill's user alone (chmod 0700)")
        for path in map(Path, map(os.path.realpath, self.away_from)):
            if path.is_relative_to(base) or base.is_relative_to(path):
                raise Unproven(f"the scratch place {base} and {path} lie in one another")
        if not self.encrypted_disk and not in_memory(base):
            raise Unproven(
                f"the scratch place {base} is not in memory; use a tmpfs, or say `scratch_on_encrypted_disk: true`"
            )

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        try:
            handle = os.open(self.base / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unproven(f"{self.base}: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise Unproven(f"another drill is under way in {self.base}") from error
        try:
            yield
        finally:
            os.close(handle)

    def _names(self) -> set[str]:
        return {one.name for one in self.base.iterdir()}

    def _leftovers(self) -> tuple[str, ...]:
        there = sorted(self._names() - {_LOCK})
        strange = [name for name in there if not name.startswith(_PREFIX)]
        if strange:
            raise Unproven(f"the scratch place {self.base} is not empty: {strange[0][:50]!r} is not of a drill")
        for name in there:
            why = wiped(self.base / name)
            if why:
                raise Unproven(f"what an earlier drill left in {self.base / name} cannot be removed: {why}")
        return tuple(there)


def wiped(path: Path) -> str:
    """Remove everything below and with it; why it is still there, or nothing."""
    with contextlib.suppress(OSError):
        for directory, names, _ in os.walk(path):
            for name in names:
                inner = Path(directory, name)
                if not inner.is_symlink():
                    inner.chmod(0o700)
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return error.strerror or str(error)
    return "it is still there" if os.path.lexists(path) else ""


def opened(root: Path, stored: str) -> int:
    """A descriptor of a restored regular file, by its path as stored. Raises OSError.

    No symbolic link is followed on the way: what was restored decides nothing about what is read.
    """
    parts = [part for part in stored.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise FileNotFoundError(2, "no such path")
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = inner
        handle = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(2, "it is no file")
    return handle


def in_memory(path: Path) -> bool:
    """Whether the file system that holds it is one of memory, by the longest mount point above it."""
    found, kind = "", ""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4].encode().decode("unicode_escape")
        if (point == "/" or path.is_relative_to(point)) and len(point) >= len(found):
            found, kind = point, after.split()[0]
    return kind in _IN_MEMORY


def _size(octets: int) -> str:
    return f"{octets / 1024**2:.0f} MiB"
