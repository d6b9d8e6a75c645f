"""Which backups can still be restored whole: a chain is as good as the Full below it and the volumes of all. Pure.

A volume that was purged, recycled or is in error has lost what lay there. A backup whose *files* were purged from the
catalogue (PurgedFiles) can still be restored whole from its volumes, so it counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from checks.backup.model import Level, RestorePoint


@dataclass(slots=True)
class _Chain:
    """What the next backup of an object builds on."""

    full: bool = False
    differential: bool = True
    """The newest since the Full; True where there is none."""
    rest: bool = True
    """All incrementals since."""
    pool: str = ""
    """Where the Full lies: what builds on it is of no use without it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that ended well, as the catalogue has it."""

    point: RestorePoint
    copied: bool
    """It is a copy of a backup, made by a copy job."""
    readable: bool


def readable(job: object, files: int | None, volumes: Mapping[object, int]) -> bool:
    """Whether all volumes of a job are still there. `volumes`: by job, how many of its volumes are lost.

    A job that wrote nothing has no volume; one that wrote something and has none was deleted from them.
    """
    if job not in volumes:
        return files == 0
    return volumes[job] == 0


def restorable(taken: Sequence[Taken]) -> Iterator[RestorePoint]:
    """The points of those whose whole chain is there, the oldest first."""
    chains: dict[tuple[str, bool], _Chain] = {}
    for one in sorted(taken, key=lambda one: one.point.at):
        chain = chains.setdefault((one.point.object, one.copied), _Chain())
        if _holds(chain, one):
            yield replace(one.point, repository=chain.pool)


def _holds(chain: _Chain, one: Taken) -> bool:
    """Put the backup on the chain; whether all below it holds."""
    level = one.point.level
    if level is Level.FULL:
        chain.full, chain.differential, chain.rest, chain.pool = one.readable, True, True, one.point.repository
        return one.readable
    if level is Level.DIFFERENTIAL:
        chain.differential, chain.rest = one.readable, True
    elif level is Level.INCREMENTAL:
        chain.rest = chain.rest and one.readable
    else:
        return False
    return chain.full and chain.differential and chain.rest
