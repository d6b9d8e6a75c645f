"""What is remembered beside a ledger: who holds it, and the last run that used it.

A ledger that does not know that run, or is older than its last event, is another than the one last used: somebody
put a copy in its place.
"""

from __future__ import annotations

import fcntl
import os
import re
from dataclasses import dataclass
from pathlib import Path

from agent.ledger.errors import LedgerInUse

_LARGEST = 1_000
_RUN = re.compile(r"^last run (\S{1,40}), event (\d{1,18})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mark:
    """The last run that used the ledger, and the number of the last event it is known to have written."""

    run: str
    sequence: int


class FileLock:
    """An flock on a file that is never deleted (deleting it would let two agents lock two files of one name)."""

    def __init__(self, path: Path, vantage: str) -> None:
        """Raises LedgerInUse, naming who holds it; OSError when the file cannot be made."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = holder_of(os.pread(self._fd, _LARGEST, 0)) or "another process"
            os.close(self._fd)
            raise LedgerInUse(
                f"the ledger is in use by {holder} (lock file {path}); "
                "stop that agent first, or give this one a ledger of its own"
            ) from None
        _give_to_owner(self._fd, path.parent)
        self._holder = f"process {os.getpid()}, vantage {vantage}"
        self.mark = _mark_in(os.pread(self._fd, _LARGEST, 0))
        """Of the run before this one; None when nothing is remembered."""
        self._write(self.mark)

    def remember(self, mark: Mark) -> None:
        """Keep this for whoever opens the ledger next."""
        if self._fd >= 0:
            self._write(mark)

    def release(self) -> None:
        """Let go; a second time does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _write(self, mark: Mark | None) -> None:
        text = f"{self._holder}\n"
        if mark is not None:
            text += f"last run {mark.run}, event {mark.sequence}\n"
        old = os.fstat(self._fd).st_size
        # On a full disk the lock itself must still work. Overwritten in place, so that a kill leaves no empty file.
        try:
            os.pwrite(self._fd, text.encode().ljust(old, b"\n"), 0)
        except OSError:
            return


def _give_to_owner(handle: int, directory: Path) -> None:
    """What root makes for a command, the agent's own user must be able to open afterwards."""
    owner = directory.stat()
    if os.geteuid() == 0 and os.fstat(handle).st_uid != owner.st_uid:
        os.fchown(handle, owner.st_uid, owner.st_gid)


class NoHold:
    """Where nothing is remembered."""

    mark: Mark | None = None

    def remember(self, mark: Mark) -> None:
        """There is no place for it."""

    def release(self) -> None:
        """Nothing is held."""


def holder_of(raw: bytes) -> str:
    """Who wrote the lock file last, as it names itself; empty when nobody did."""
    return raw.decode("utf-8", "replace").partition("\n")[0].strip()[:200]


def _mark_in(raw: bytes) -> Mark | None:
    found = _RUN.search(raw.decode("utf-8", "replace"))
    return None if found is None else Mark(found[1], int(found[2]))
