"""Notes of one job in a directory of its own, each on the disk before it is told, and told in their order."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.wrapper.note import LONGEST, Note, unpacked

MOST = 1000
"""Notes of a job that are kept; beyond that the oldest goes."""
OLDEST = 30 * 86_400.0
"""Seconds after which nobody needs a note: the agent takes none that is older."""
_JOB = "job.json"
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Place:
    """Whom a job tells, and with which key."""

    url: str
    key_file: str
    ca: str = ""


def home() -> Path:
    """Where notes lie unless somebody says so."""
    state = os.environ.get("XDG_STATE_HOME", "")
    return Path(state or Path.home() / ".local/state") / "ridgeway" / "pings"


class Spool:
    """Every method raises OSError where the disk does."""

    def __init__(self, directory: Path, place: Place) -> None:
        """Of this job, below a directory that many may share."""
        digest = hashlib.sha256(f"{place.url}\n{place.key_file}".encode()).hexdigest()
        self._at = directory / digest[:16]
        self._place = place

    def put(self, note: Note) -> int:
        """Keep it; returns how many older ones had to go for it."""
        self._at.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (self._at / _JOB).exists():
            self._write(_JOB, json.dumps(asdict(self._place)).encode())
        waiting = self.waiting()
        for name in waiting[: max(0, len(waiting) - MOST + 1)]:
            self.drop(name)
        after = int(waiting[-1].partition("-")[0]) if waiting else 0  # the clock may have been set back
        self._write(f"{max(time.time_ns(), after + 1):020d}-{note.rid}-{note.sign}.note", note.packed())
        return max(0, len(waiting) - MOST + 1)

    def waiting(self) -> list[str]:
        """Names of the notes, the oldest first."""
        try:
            names = [path.name for path in self._at.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(name for name in names if name.endswith(".note") and name[:20].isdigit())

    def read(self, name: str) -> Note | None:
        """The note; None for what is none, or is too old to be told."""
        with os.fdopen(os.open(self._at / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            note = unpacked(file.read(LONGEST))
        return note if note is not None and time.time() - note.at <= OLDEST else None

    def drop(self, name: str) -> None:
        (self._at / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else tells these notes now; keeps it so inside."""
        self._at.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._at / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def _write(self, name: str, octets: bytes) -> None:
        """Whole or not at all, and on the disk."""
        unfinished = self._at / f".{name}.{os.getpid()}"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(octets)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._at / name)
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
        directory = os.open(self._at, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def places(directory: Path, say: Callable[[str], None]) -> Iterator[Place]:
    """Every job that has a spool below this directory."""
    for file in sorted(directory.glob(f"*/{_JOB}")):
        try:
            told = json.loads(file.read_bytes()[:LONGEST])
            yield Place(str(told["url"]), str(told["key_file"]), str(told["ca"]))
        except (OSError, ValueError, KeyError, TypeError):
            say(f"{file} cannot be read; its notes are left where they are")
