"""Which tasks are asked for, and what is told of them again: the newest run of every object, in every round. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from checks.backup.model import Run

HISTORY = 45 * 86_400.0
"""Seconds of history that the first poll asks for: enough for the stricter statistics of nightly jobs."""
_OVERLAP = 900.0
"""Seconds that a poll looks back beyond the one before it."""
_MOST = 20_000


@dataclass(slots=True)
class Window:
    """The tasks that the next poll asks for. The server filters by a task's begin, so one that still runs holds it."""

    at: float = 0.0
    """When tasks were last read whole."""
    oldest: float | None = None
    """When the oldest task under way began."""
    latest: dict[str, Run] = field(default_factory=dict)
    """The newest run of each object that is over."""

    def since(self, now: float) -> float:
        """The begin of the window."""
        if not self.at:
            return now - HISTORY
        return max(now - HISTORY, min(self.at - _OVERLAP, self.oldest if self.oldest is not None else self.at))

    def read(self, runs: Iterable[Run], now: float, whole: bool) -> tuple[Run, ...]:
        """Take what came, and tell it with the newest run of all other objects, so that its words do not go lost."""
        told = {run.id: run for run in runs}
        for run in told.values():
            before = self.latest.get(run.object)
            if run.object and run.outcome.over and (before is None or _begin(before) <= _begin(run)):
                self.latest[run.object] = run
        self.latest = dict(list(self.latest.items())[-_MOST:])
        if whole:
            self.at = now
            self.oldest = min((_begin(run) for run in told.values() if not run.outcome.over), default=None)
        return tuple(({run.id: run for run in self.latest.values()} | told).values())


def _begin(run: Run) -> float:
    return run.started if run.started is not None else 0.0
