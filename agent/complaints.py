"""Log lines about defects: once an hour for each, and never so many that they hide everything else."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

from structlog.typing import FilteringBoundLogger

_AGAIN = 3600.0
_BURST = 20
"""Lines an hour, whatever they are about."""


class Complaints:
    """Says each thing once an hour at most."""

    def __init__(self, log: FilteringBoundLogger, monotonic: Callable[[], float]) -> None:
        self._log = log
        self._monotonic = monotonic
        self._said: set[tuple[str, ...]] = set()
        self._since = monotonic()

    def say(self, event: str, check: str, kind: str, what: str) -> None:
        """Log an error about a check, unless it was said within the hour or too much was."""
        now = self._monotonic()
        if now - self._since >= _AGAIN:
            self._said.clear()
            self._since = now
        key = (event, check, what)
        if key in self._said or len(self._said) > _BURST:
            return
        self._said.add(key)
        if len(self._said) > _BURST:
            self._log.error("more defects than are logged in an hour; the checks concerned are unknown")
        else:
            self._log.error(event, check=check, kind=kind, what=what)


def place(error: BaseException) -> str:
    """Where an exception was raised: file, line and function. Its text is left out, as it may hold a secret."""
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    if not frames:
        return "at an unknown place"
    frame = frames[-1]
    return f"at {Path(frame.filename).name}:{frame.lineno} in {frame.name}"
