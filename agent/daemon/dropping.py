"""Pings that jobs leave as files in the drop directory: looked for, kept, and only then removed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path

import structlog

from agent.push.drop import Dropped, Look, look
from agent.push.keeping import NotKept
from checks.transports.aside import Aside, Crowded, StillHanging
from checks.transports.inbox import Ping

EVERY = 10.0
"""Seconds between two looks."""


class Dropping:
    """Belongs to the event loop's thread; `run` goes on until it is cancelled."""

    def __init__(
        self,
        root: Path,
        jobs: Callable[[], Collection[str]],
        job_of: Callable[[str], str | None],
        keep: Callable[[Ping], Awaitable[None]],
        count: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        """`keep` is done once a ping is on the disk, and raises NotKept. `count` gets taken, unfit and not_kept."""
        self._root = root
        self._jobs = jobs
        self._job_of = job_of
        self._keep = keep
        self._count = count
        self._clock = clock
        self._aside = Aside(1)
        self._kept: frozenset[str] = frozenset()
        self._told: frozenset[str] = frozenset()
        self._log = structlog.get_logger("agent.push")

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Take what is there now. A file system that hangs is asked again later."""
        jobs, now = tuple(self._jobs()), self._clock()
        try:
            found = await self._aside.run("drop of pings", lambda: look(self._root, jobs, self._job_of, now))
            done = await self._take(found)
            failed = await self._aside.run("drop of pings", lambda: _removed(done))
        except (StillHanging, Crowded):
            return
        self._tell({**found.troubles, **failed})

    async def _take(self, found: Look) -> list[Dropped]:
        """The files that are kept, and may go; one that could not be removed before is not kept again."""
        done: list[Dropped] = []
        kept: set[str] = set()
        for one in found.dropped:
            if one.ping.id not in self._kept:
                try:
                    await self._keep(one.ping)
                except NotKept:
                    self._count("not_kept")
                    break
                self._count("taken")
            kept.add(one.ping.id)
            done.append(one)
        self._kept = frozenset(kept)
        return done

    def _tell(self, troubles: dict[str, str]) -> None:
        """Each once, for as long as it lasts."""
        for path in troubles.keys() - self._told:
            self._count("unfit")
            self._log.error("a file in the drop directory is not taken", path=path, reason=troubles[path])
        self._told = frozenset(troubles)


def _removed(files: Sequence[Dropped]) -> dict[str, str]:
    """Remove them; of those that cannot be, why."""
    troubles: dict[str, str] = {}
    for one in files:
        try:
            if one.is_there():
                one.path.unlink(missing_ok=True)
        except OSError as error:
            troubles[str(one.path)] = f"it is taken, and cannot be removed: {error.strerror}"
    return troubles
