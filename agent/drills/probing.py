"""What a drill probes, and the row of probes itself: one in a fixed time, each bounded, whatever is lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

from agent.drills.counting import Answer, Counted
from checks.contract import Reason, State
from checks.telephony.sip_options import SipOptions, question
from checks.telephony.statuses import sign, state
from checks.transports import Transports
from checks.transports.fault import TransportFault
from checks.transports.names import Address
from checks.transports.sip import Carrier, transact
from checks.transports.sip.fields import retry_after
from checks.transports.tcp import Outcome

INTERVAL = 0.1
SIP_INTERVAL = 1.0
"""Seconds between two OPTIONS to one endpoint: an answer to one costs a controller more than a packet, and a border
gateway asks its own devices every 20 s."""
PATIENCE = 0.9
"""Shorter than the second after which the kernel asks again by itself (RFC 6298): so a probe is one packet. Of SIP over
UDP it is two where the first is not answered within T1, half a second (RFC 3261, section 17.1.2.1)."""
_SIP_PORT = 5060
MOST_UNDER_WAY = 12
"""Probes of one row that may be unanswered at once; nine are, where all is silent."""
TRIES = 3
"""Probes before the drill, of which one must be answered: what is never answered cannot be lost."""
_TCP = re.compile(r"tcp:(\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>[0-9]{1,5})\Z")
_ICMP = re.compile(r"icmp:(\[(?P<v6>[^\]]+)\]|(?P<host>[^\[\]]+))\Z")
_SIP = re.compile(r"sip:(\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]/]+))(:(?P<port>[0-9]{1,5}))?(/(?P<carrier>udp|tcp))?\Z")
_HOST = re.compile(r"[A-Za-z0-9.:%_-]{1,253}\Z")
_OUTCOMES = {
    Outcome.OPEN: Answer.ANSWERED,
    Outcome.REFUSED: Answer.REFUSED,
    Outcome.SILENT: Answer.SILENT,
    Outcome.UNREACHABLE: Answer.UNREACHABLE,
}
_REASONS = {Reason.NO_ANSWER: Answer.SILENT, Reason.UNREACHABLE: Answer.UNREACHABLE}
_SIP_REASONS = _REASONS | {Reason.REFUSED: Answer.REFUSED, Reason.PROTOCOL: Answer.UNWELL}


@dataclass(frozen=True, slots=True)
class Probe:
    """One way to ask one place."""

    way: Literal["tcp", "icmp", "sip"]
    host: str
    port: int = 0
    carrier: Carrier = Carrier.UDP
    """What SIP goes over."""

    @classmethod
    def of(cls, text: str) -> Self:
        """`tcp:HOST:PORT`, `icmp:HOST` or `sip:HOST[:PORT][/udp|tcp]`, IPv6 in brackets. ValueError else."""
        for way, pattern in _WRITTEN.items():
            found = pattern.match(text)
            if found is None:
                continue
            said = found.groupdict()
            host, port = said["v6"] or said["host"], int(said.get("port") or _PORTS[way])
            if _HOST.match(host) and (way == "icmp" or 1 <= port <= 65_535):
                return cls(way, host, port, Carrier(said.get("carrier") or Carrier.UDP))
        raise ValueError(
            f"{text[:80]!r} is no probe; write tcp:HOST:PORT, icmp:HOST or sip:HOST[:PORT][/tcp], IPv6 in brackets"
        )

    @property
    def interval(self) -> float:
        """Seconds from one to the next."""
        return SIP_INTERVAL if self.way == "sip" else INTERVAL

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.way == "icmp":
            return f"icmp:{host}"
        return f"{self.way}:{host}:{self.port}" + (f"/{self.carrier}" if self.way == "sip" else "")


_WRITTEN: Mapping[Literal["tcp", "icmp", "sip"], re.Pattern[str]] = {"tcp": _TCP, "icmp": _ICMP, "sip": _SIP}
_PORTS = {"tcp": 0, "icmp": 0, "sip": _SIP_PORT}

Ask = Callable[[float], Awaitable[Answer]]
"""Asks once until a deadline in loop time; never raises."""


async def asking(probe: Probe, transports: Transports) -> Ask:
    """How a probe is asked. A name is looked up now and never again: its server may stand behind what fails.

    Raises TransportFault when the name has no address.
    """
    address = await transports.tcp.names.address(probe.host)
    if probe.way == "sip":
        return _by_sip(probe, address, transports)
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


def _by_sip(probe: Probe, address: Address, transports: Transports) -> Ask:
    """OPTIONS, whose answer counts as `sip_options` counts it: a refusal is a sign of life, 503 is none."""
    options = SipOptions(transport=probe.carrier, port=probe.port)

    async def by_sip(deadline: float) -> Answer:
        try:
            async with transports.sip.way(probe.carrier, address, probe.port, deadline) as wire:
                answer = await transact(wire, question(options, address.ip, wire.own), deadline, str(probe))
        except TransportFault as fault:
            return _SIP_REASONS.get(fault.reason, Answer.UNSENT)
        said = answer.response
        well = state(sign(said.status, retry_after(said.headers))) is State.OK
        return Answer.ANSWERED if well else Answer.UNWELL

    return by_sip


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

    def __init__(
        self, probe: str, ask: Ask, clock: Callable[[], float], interval: float = INTERVAL, target: str = ""
    ) -> None:
        """`target`: the one of the estate at whose address it asks, where it is one that is drilled."""
        self.counted = Counted(probe, interval, PATIENCE)
        self.target = target
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

    def answered_for(self, seconds: float, at_least: int = 1) -> bool:
        """Whether as many probes in a row were answered as leave in so many seconds, and no fewer than that."""
        enough = max(at_least, round(seconds / self.counted.interval))
        return self.counted.answered_in_a_row >= enough

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if len(self._asking) < MOST_UNDER_WAY:
                task = loop.create_task(self._one(loop))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
            due = max(due + self.counted.interval, loop.time())  # after a held loop one probe, not a burst
            await asyncio.sleep(due - loop.time())

    async def _one(self, loop: asyncio.AbstractEventLoop) -> None:
        number = self.counted.leave(self._clock())
        answer = await self._ask(loop.time() + PATIENCE)
        self.counted.settle(number, answer, self._clock())
