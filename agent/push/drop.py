"""Pings that jobs leave as files, by SFTP: `TARGET/JOB/RUN.WORD` in the drop directory. Blocking; it may hang.

Whose a file is says its directory, and the rights on that are sshd's to keep. What lies there is anybody's: links,
pipes and devices are left alone, and of a file only the end is read.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from agent.push.keys import keys_in
from agent.push.tail import KEPT, tail
from checks.transports.inbox import OLDEST, Ping, Sign

SETTLED = 5.0
"""Seconds for which a file must not have changed: SFTP writes in place."""
_MOST_FILES = 60
"""Of a job, at one look."""
_MOST_ENTRIES = 2000
_UNFINISHED = (".part", ".filepart", ".tmp")
_NAME = re.compile(r"([A-Za-z0-9_:-][A-Za-z0-9._:-]{0,63})\.(start|success|fail|log|\d{1,3})")
_SIGNS = {"start": Sign.START, "success": Sign.SUCCESS, "fail": Sign.FAIL, "log": Sign.LOG}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file that is a ping."""

    ping: Ping
    path: Path
    found: os.stat_result

    def is_there(self) -> bool:
        """Whether this file is still the one that was read: the next run may have one of the same name."""
        try:
            now = self.path.lstat()
        except FileNotFoundError:
            return False
        return _version(now) == _version(self.found)


@dataclass(frozen=True, slots=True)
class Look:
    """What lay in the directories of jobs."""

    dropped: tuple[Dropped, ...] = ()
    troubles: dict[str, str] = field(default_factory=dict)
    """By path: why it is not taken, and how to mend that."""


def look(root: Path, jobs: Iterable[str], job_of: Callable[[str], str | None], now: float) -> Look:
    """The pings of these jobs (`target/name`) that are whole, oldest first. A job without a directory has none."""
    dropped: list[Dropped] = []
    troubles: dict[str, str] = {}
    for job in jobs:
        folder = root / job
        try:
            descriptor = os.open(folder, _FOLDER)
            try:
                dropped += _in_folder(descriptor, folder, job, job_of, now, troubles)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            continue
        except OSError as error:
            troubles[str(folder)] = f"cannot be read: {error.strerror}"
    return Look(tuple(sorted(dropped, key=lambda one: one.ping.at)), troubles)


def _in_folder(
    descriptor: int,
    folder: Path,
    job: str,
    job_of: Callable[[str], str | None],
    now: float,
    troubles: dict[str, str],
) -> Iterator[Dropped]:
    if not os.access(folder, os.W_OK | os.X_OK):
        troubles[str(folder)] = "the agent may not remove files there: give its group the right to write"
        return
    with os.scandir(descriptor) as entries:
        names = sorted(entry.name for entry in islice(entries, _MOST_ENTRIES))
    whole = (name for name in names if not name.startswith(".") and not name.endswith(_UNFINISHED))
    for name in islice(whole, _MOST_FILES):
        try:
            read = _ping(descriptor, name, job, job_of, now)
        except OSError as error:
            troubles[str(folder / name)] = f"cannot be read: {error.strerror}"
        except ValueError as error:
            troubles[str(folder / name)] = str(error)
        else:
            if read is not None:
                yield Dropped(read[0], folder / name, read[1])


def _ping(
    folder: int, name: str, job: str, job_of: Callable[[str], str | None], now: float
) -> tuple[Ping, os.stat_result] | None:
    """What a file says; None where it may still be written to. Raises OSError, and ValueError with the reason."""
    match = _NAME.fullmatch(name)
    if match is None or (match[2].isdigit() and int(match[2]) > 255):
        raise ValueError("is not called RUN.start, RUN.success, RUN.fail, RUN.log or RUN.0 to RUN.255: remove it")
    descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise ValueError("is no plain file of its own: remove it")
        if found.st_ctime > now - SETTLED:
            return None
        at = min(found.st_mtime, found.st_ctime, now)
        if at < now - OLDEST:
            raise ValueError("is older than 30 days, and proves nothing: remove it")
        os.lseek(descriptor, max(0, found.st_size - 4 * KEPT), os.SEEK_SET)
        octets = os.read(descriptor, 4 * KEPT)
    finally:
        os.close(descriptor)
    code = int(match[2]) if match[2].isdigit() else None
    ping = Ping(
        job,
        at,
        _SIGNS.get(match[2], Sign.EXIT),
        now,
        code,
        rid="" if keys_in(match[1], job_of) else match[1],
        log=tail(octets, keys_in(octets.decode("ascii", "replace"), job_of)),
        id=_id(job, name, found),
    )
    return ping, found


def _version(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_mtime_ns, found.st_size


def _id(job: str, name: str, found: os.stat_result) -> str:
    """The same file, should it be met again before it could be removed."""
    said = "\0".join((job, name, *map(str, _version(found))))
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:32]
