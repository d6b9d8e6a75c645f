"""An inbox that a test fills, and a check of pushed jobs that reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from checks.backup.model import Run
from checks.backup.products.push.runs import Reckoning, runs_of
from checks.transports import Transports
from checks.transports.inbox import Heard, Ping, Sign
from testbeds.by_backup import BackupWatch

JOB = "backups/ben"


@dataclass
class Told:
    """An inbox: pings as they come, in the order of their times."""

    pings: list[Ping] = field(default_factory=list)
    trouble: str = ""

    async def read(self, jobs: Sequence[str], since: float, most: int) -> Mapping[str, Heard]:
        def of(job: str) -> tuple[Ping, ...]:
            return tuple(one for one in self.pings if one.job == job and one.at >= since)[-most:]

        return {job: Heard(of(job), self.trouble) for job in jobs}

    def add(self, *pings: Ping) -> None:
        self.pings = sorted([*self.pings, *pings], key=lambda one: one.at)


def ping(at: float, sign: Sign = Sign.SUCCESS, rid: str = "", **more: Any) -> Ping:
    return Ping(JOB, at, sign, at, rid=rid, **more)


def exited(at: float, code: int, rid: str = "", **more: Any) -> Ping:
    return ping(at, Sign.EXIT, rid, code=code, **more)


def runs(*pings: Ping, now: float, **said: Any) -> list[Run]:
    """The runs that these pings of one job make."""
    return list(runs_of("ben", Reckoning(**said), Heard(tuple(sorted(pings, key=lambda one: one.at))), now))


def watch(inbox: Told, now: float, job: Mapping[str, Any] | None = None, **of_object: Any) -> BackupWatch:
    """A check of one object whose one job pings."""
    jobs = {"ben": {"key": "env:KEY_BEN", **(job or {})}}
    by = [{"product": "push", "job": "ben"}]
    said = {
        "products": {"push": {"product": "push", "jobs": jobs}},
        "objects": {"ben": {"owner": "Revenues", "rpo": "26h", "by": by, **of_object}},
    }
    return BackupWatch(replace(Transports.open(), inbox=inbox), said, now)
