"""Trying flows from where this agent stands, bounded in number, pace and time, so that it never becomes a scan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from checks.contract import Reason
from checks.network.limits import FAMILIES
from checks.path.answers import Attempt, Outcome, Role
from checks.path.options import Flow, Protocol, is_address
from checks.transports import Transports
from checks.transports import tcp as connecting
from checks.transports.dns import Question
from checks.transports.fault import TransportFault
from checks.transports.ntp import KissOfDeath

AT_ONCE = 64
"""Tries under way at a vantage."""
APART = 0.02
"""Seconds from the beginning of one try to that of the next: 50 a second."""
_ROOT = Question(".", "NS", recursion=False)
"""A question that every name server can answer or refuse, and that costs it nothing."""
_NAME = 1.0
"""Seconds more for finding an address."""
_LONGEST = 300
_OUTCOMES = {
    Reason.NO_ANSWER: Outcome.SILENT,
    Reason.REFUSED: Outcome.REFUSED,
    Reason.UNREACHABLE: Outcome.UNREACHABLE,
    Reason.PROTOCOL: Outcome.BROKEN,
    Reason.LIMIT: Outcome.BROKEN,
}
_CONNECTED = {
    connecting.Outcome.OPEN: Outcome.OPEN,
    connecting.Outcome.REFUSED: Outcome.REFUSED,
    connecting.Outcome.SILENT: Outcome.SILENT,
    connecting.Outcome.UNREACHABLE: Outcome.UNREACHABLE,
}
_ANSWERED_OVER_UDP = frozenset({Reason.PROTOCOL, Reason.FORBIDDEN, Reason.LIMIT})
"""Something came back, which is all that a flow over UDP has to show."""


@dataclass(frozen=True, slots=True)
class Try:
    """What is tried, and why."""

    name: str
    flow: Flow
    address: str
    role: Role


@dataclass(frozen=True, slots=True)
class Tries:
    """How all of them are tried."""

    transports: Transports
    vantage: str
    wait: float
    most: int
    deadline: float
    """Loop time."""
    now: Callable[[], float]

    async def all(self, wanted: Iterable[Try], turn: int = 0) -> list[tuple[str, Attempt]]:
        """Every one of them, by name of its flow; in any order. What there was no time for is left out."""
        gate, loop, under_way = asyncio.Semaphore(AT_ONCE), asyncio.get_running_loop(), []

        async def one(each: Try) -> tuple[str, Attempt]:
            try:
                return each.name, await self._attempt(each, turn)
            finally:
                gate.release()

        async with asyncio.TaskGroup() as group:
            for each in wanted:
                await gate.acquire()
                if loop.time() + self.wait > self.deadline:
                    gate.release()
                    break
                under_way.append(group.create_task(one(each)))
                await asyncio.sleep(APART)
        return [task.result() for task in under_way]

    async def _attempt(self, each: Try, turn: int) -> Attempt:
        """Until something answers; a lost packet is tried again, a refusal is an answer."""
        at, loop, tried = self.now(), asyncio.get_running_loop(), 0
        outcome, seconds, detail = Outcome.FAILED, 0.0, "no time was left to try it; raise the check's `timeout`"
        while tried < self.most and loop.time() + self.wait <= self.deadline:
            tried += 1
            begun = loop.time()
            try:
                # The transports end in time by themselves; a name's look-up does not, and goes on for the next run.
                async with asyncio.timeout_at(min(begun + self.wait + _NAME, self.deadline)):
                    outcome, detail = await self._once(each, begun + self.wait)
            except TimeoutError:
                outcome, detail = Outcome.FAILED, "its name had no address in time; check this machine's resolvers"
            seconds = loop.time() - begun
            if outcome is not Outcome.SILENT:
                break
        return Attempt(turn, each.role, self.vantage, outcome, tried, seconds, at, each.address, detail[:_LONGEST])

    async def _once(self, each: Try, until: float) -> tuple[Outcome, str]:
        protocol = each.flow.protocol
        try:
            if protocol is Protocol.TCP:
                made = await self.transports.tcp.connect(
                    each.address, each.flow.at, deadline=until, family=FAMILIES[each.flow.ip_version]
                )
                return _CONNECTED[made.outcome], ""
            return await self._spoken(each, until)
        except KissOfDeath as error:
            if error.reason is Reason.WITHHELD:
                return Outcome.FAILED, error.message
            return Outcome.OPEN, error.message
        except TransportFault as error:
            if protocol.carrier == "udp" and error.reason in _ANSWERED_OVER_UDP:
                return Outcome.OPEN, error.message
            return _OUTCOMES.get(error.reason, Outcome.FAILED), error.message

    async def _spoken(self, each: Try, until: float) -> tuple[Outcome, str]:
        address, port, family = each.address, each.flow.at, FAMILIES[each.flow.ip_version]
        if each.flow.protocol is Protocol.TLS:
            await self.transports.tls.handshake(
                address, port, deadline=until, server_name=address, family=family, sni=not is_address(address)
            )
        elif each.flow.protocol is Protocol.DNS:
            await self.transports.dns.ask(address, port, _ROOT, deadline=until, family=family)
        else:
            await self.transports.ntp.ask(address, port, deadline=until, family=family)
        return Outcome.OPEN, ""
