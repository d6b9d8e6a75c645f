"""What a drill probes, and the row of probes itself: one every tenth of a second, each bounded, whatever is lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Self

from agent.drills.counting import Answer, Counted
from checks.contract import Reason
from checks.transports import Transports
from checks.transports.fault import TransportFault
from checks.transports.tcp import Outcome

INTERVAL = 0.1
PATIENCE = 0.9
"""Shorter than the second after which the kernel asks again by itself (RFC 6298): so a probe is one packet."""
MOST_UNDER_WAY = 12
"""Probes of one row that may be unanswered at once; nine are, where all is silent."""
TRIES = 3
"""Probes before the drill, of which one must be answered: what is never answered cannot be lost."""
_TCP = re.compile(r"tcp:(\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>[0-9]{1,5})\Z")
_ICMP = re.compile(r"icmp:(\[(?P<v6>[^\]]+)\]|(?P<host>[^\[\]]+))\Z")
_HOST = re.compile(r"[A-Za-z0-9.:%_-]{1,253}\Z")
_OUTCOMES = {
    Outcome.OPEN: Answer.ANSWERED,
    Outcome.REFUSED: Answer.REFUSED,
    Outcome.SILENT: Answer.SILENT,
    Outcome.UNREACHABLE: Answer.UNREACHABLE,
}
_REASONS = {Reason.NO_ANSWER: Answer.SILENT, Reason.UNREACHABLE: Answer.UNREACHABLE}


@dataclass(frozen=True, slots=True)
class Probe:
    """One way to ask one place."""

    way: Literal["tcp", "icmp"]
    host: str
    port: int = 0

    @classmethod
    def of(cls, text: str) -> Self:
        """`tcp:HOST:PORT` or `icmp:HOST`, IPv6 in brackets. ValueError for anything else."""
        found = _TCP.match(text) or _ICMP.match(text)
        host = (found["v6"] or found["host"]) if found is not None else ""
        port = int(found["port"]) if found is not None and text.startswith("tcp:") else 0
        if found is None or not _HOST.match(host) or (text.startswith("tcp:") and not 1 <= port <= 65_535):
            raise ValueError(f"{text[:80]!r} is no probe; write tcp:HOST:PORT or icmp:HOST, IPv6 in brackets")
        return cls("tcp" if port else "icmp", host, port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp:{host}:{self.port}" if self.way == "tcp" else f"icmp:{host}"


Ask = Callable[[float], Awaitable[Answer]]
"""Asks once until a deadline in loop time; never raises."""


async def asking(probe: Probe, transports: Transports) -> Ask:
    """How a probe is asked. A name is looked up now and never again: its server may stand behind what fails.

    Raises TransportFault when the name has no address.
    """
    address = await transports.tcp.names.address(probe.host)
    host = address.ip if not address.scope else probe.host

    async def by_tcp(deadline: float) -> Answer:
        try:
            return _OUTCOMES[(await transports.tcp.connect(host, probe.port, deadline=deadline)).outcome]
        except TransportFault:
            return Answer.UNSENT

    async def by_icmp(deadline: float) -> Answer:
        try:
            await transports.icmp.ping(host, deadline=deadline)
        except TransportFault as fault:
            return _REASONS.get(fault.reason, Answer.UNSENT)
        return Answer.ANSWERED

    return by_tcp if probe.way == "tcp" else by_icmp


async def tried(ask: Ask) -> Answer:
    """Whether a probe is answered at all: the first answer of some tries, or what became of the last one."""
    answer = Answer.UNSENT
    for _ in range(TRIES):
        answer = await ask(asyncio.get_running_loop().time() + PATIENCE)
        if answer is Answer.ANSWERED:
            break
    return answer


class Row:
    """One probe after the other, in a task of the event loop. `clock` dates them (Unix seconds, never stepped)."""

    def __init__(self, probe: str, ask: Ask, clock: Callable[[], float]) -> None:
        self.counted = Counted(probe, INTERVAL, PATIENCE)
        self._ask = ask
        self._clock = clock
        self._asking: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._send(), name=f"drill {self.counted.probe}")

    async def stop(self) -> None:
        """Send nothing more; done when what is under way is settled, at most `PATIENCE` later."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._asking:
            await asyncio.wait(self._asking, timeout=PATIENCE + INTERVAL)

    def cut(self) -> None:
        """Send nothing more and wait for nothing: what is under way says nothing."""
        for task in (self._task, *self._asking):
            if task is not None:
                task.cancel()

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if len(self._asking) < MOST_UNDER_WAY:
                task = loop.create_task(self._one(loop))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
            due = max(due + INTERVAL, loop.time())  # after a held loop one probe, not a burst
            await asyncio.sleep(due - loop.time())

    async def _one(self, loop: asyncio.AbstractEventLoop) -> None:
        number = self.counted.leave(self._clock())
        answer = await self._ask(loop.time() + PATIENCE)
        self.counted.settle(number, answer, self._clock())
