"""A Veeam server on loopback, over real TLS: the one of the demo, which counts what it is asked and may misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from agent.demo import veeam
from agent.demo.veeam import Row, SimulatedVeeam, add_surebackup, stamp, uuid
from testbeds.https_api import Answer, Asked, https_api

__all__ = ["PASSWORD", "USER", "Row", "VeeamApi", "add_night", "add_surebackup", "healthy", "serving", "stamp", "uuid"]
USER, PASSWORD = "ridgeway", "pass word+1"


@dataclass(slots=True)
class VeeamApi(SimulatedVeeam):
    """One server."""

    user: str = USER
    password: str = PASSWORD
    special: dict[str, Callable[[Asked], Answer | None]] = field(default_factory=dict)
    """By the last part of the path: another answer than the usual one."""
    asked: list[Asked] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    most_at_once: int = 0
    port: int = 0
    pin: str = ""

    def answered(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return SimulatedVeeam.answered(self, asked)

    def listed(self, asked: Asked, name: str) -> Answer:
        found = self.special[name](asked) if name in self.special else None
        if found is None:
            found = SimulatedVeeam.listed(self, asked, name)
            if found.status == 404:
                self.beyond.append(f"{asked.method} {asked.path}")
        return found


def healthy(now: float, machines: int = 3, nights: int = 30) -> VeeamApi:
    """A server with one nightly job of so many machines, each with a point of every night."""
    api = VeeamApi()
    veeam.fill(api, now, _names(machines), nights)
    return api


def add_night(api: VeeamApi, begun: float, number: int, machines: int = 3, **task: Any) -> None:
    """A session of the nightly job that began then; `task` changes what it did for the first machine."""
    veeam.add_night(api, begun, number, _names(machines), **task)


@asynccontextmanager
async def serving(api: VeeamApi) -> AsyncIterator[VeeamApi]:
    """The server, listening."""
    async with https_api(api.answer, api) as (api.port, api.pin):
        yield api


def _names(machines: int) -> list[str]:
    return [f"srv{n}" for n in range(machines)]
