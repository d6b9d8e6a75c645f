"""`SipTransport`: ways to SIP endpoints by name, with the certificates that are trusted; and lines for calls."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import AbstractAsyncContextManager

from checks.contract import Reason
from checks.transports.dns import DnsTransport
from checks.transports.fault import TransportFault
from checks.transports.http.trust import TrustStore
from checks.transports.names import Address, Names
from checks.transports.sip.line import Line
from checks.transports.sip.places import Place, Places, Servers, servers_of_this_machine, services
from checks.transports.sip.wire import Carrier, Datagrams, Wire, opened
from checks.transports.turns import Turns

_MOST_KEPT = 1_024
"""Sockets that are kept for the next question; beyond it those that were used longest ago are closed."""
_MOST_ANSWERED = 10_000
"""Endpoints that are remembered to have answered; beyond it the first ones are forgotten."""
_FAREWELL = 1.0
"""Seconds that far ends have to be told that their calls are over, when the agent stops."""


class SipTransport:
    """Ways to endpoints, and lines for calls. Sockets of datagrams may be kept between questions, TLS contexts are."""

    def __init__(
        self, names: Names, dns: DnsTransport | None = None, servers: Servers = servers_of_this_machine
    ) -> None:
        """`servers` gives address and port of the DNS servers that are asked for SRV records."""
        self._names = names
        self._dns = dns or DnsTransport(names)
        self._servers = servers
        self._trust = TrustStore()
        self.turns = Turns()
        """Of those who register the same extension, and of those who call the same target."""
        self._kept: dict[tuple[Address, int], Datagrams] = {}
        self._lines: set[Line] = set()
        self._answered: dict[str, None] = {}

    async def places(self, host: str, port: int, deadline: float, family: int = 0) -> Places:
        """Every address of a name, at that port, found until `deadline` (loop time). Raises TransportFault: NAME."""
        found = self._names.all_at_hand(host, family)
        if found is None:
            try:
                async with asyncio.timeout_at(deadline):
                    found = await self._names.addresses(host, family)
            except TimeoutError:
                raise TransportFault(
                    Reason.NAME, f"{host}: no answer from DNS in time; check this machine's resolvers"
                ) from None
        return Places(tuple(Place(one, port) for one in found))

    async def services(self, domain: str, carrier: Carrier, deadline: float, family: int = 0) -> Places:
        """Every address of every host that the SRV records of the domain name, found until `deadline` (loop time).

        Raises TransportFault: NAME when there is no record or none of the hosts has an address, LOCAL.
        """
        found: list[Place] = []
        nameless: dict[str, str] = {}
        for one in await services(self._dns, self._servers, carrier, domain, deadline):
            try:
                found += (await self.places(one.host, one.port, deadline, family)).found
            except TransportFault as error:
                nameless[one.host] = error.message
        if not found:
            raise TransportFault(
                Reason.NAME, f"{domain}: no host of its SRV records has an address: {next(iter(nameless.values()))}"
            )
        return Places(tuple(dict.fromkeys(found)), tuple(nameless.items()))

    def way(
        self, carrier: Carrier, address: Address, port: int, deadline: float, ca: str | None = None, name: str = ""
    ) -> AbstractAsyncContextManager[Wire]:
        """A way to an address, closed at the end; `name` is what its certificate must be for, `ca` who may sign it.

        Raises TransportFault: REFUSED, NO_ANSWER, UNREACHABLE, LOCAL; CertificateFault.
        """
        if carrier is Carrier.TLS:
            return self._trusted(address, port, deadline, ca, name)
        return opened(carrier, address, port, deadline)

    def asking(self, address: Address, port: int) -> AbstractAsyncContextManager[Wire]:
        """A way over UDP for one question; where it was answered, its socket is kept for the next one to that place.

        Raises TransportFault: REFUSED, UNREACHABLE, LOCAL.
        """
        kept = self._kept.pop((address, port), None)
        return kept if kept is not None and kept.usable else Datagrams(address, port, self._keep)

    def answered_at(self, names: Iterable[str]) -> None:
        """Note endpoints that have answered, whatever they were asked: whoever else asks them is let in, too."""
        self._answered |= dict.fromkeys(names)
        while len(self._answered) > _MOST_ANSWERED:
            del self._answered[next(iter(self._answered))]

    @property
    def answered(self) -> Collection[str]:
        """Endpoints that have answered while this agent runs."""
        return self._answered.keys()

    @property
    def kept(self) -> int:
        """Sockets that are open for the next question."""
        return sum(one.usable for one in self._kept.values())

    def _keep(self, one: Datagrams) -> None:
        before = self._kept.pop((one.address, one.port), None)
        if before is not None:
            before.close()
        while len(self._kept) >= _MOST_KEPT:
            self._kept.pop(next(iter(self._kept))).close()
        self._kept[one.address, one.port] = one

    @contextlib.asynccontextmanager
    async def _trusted(
        self, address: Address, port: int, deadline: float, ca: str | None, name: str
    ) -> AsyncIterator[Wire]:
        tls = await asyncio.to_thread(self._trust.context, ca, False)
        async with opened(Carrier.TLS, address, port, deadline, tls, name) as wire:
            yield wire

    @contextlib.asynccontextmanager
    async def line(
        self, carrier: Carrier, address: Address, port: int, deadline: float, ca: str | None = None, name: str = ""
    ) -> AsyncIterator[Line]:
        """A line to that address for one call, which is hung up at the end whatever happens.

        That takes no time here: the far end is told in the background, again and again until it has answered. Raises as
        `way`.
        """
        line = Line(lambda until: self.way(carrier, address, port, until, ca, name), carrier, self._lines.discard)
        await line.open(deadline)
        self._lines.add(line)
        try:
            yield line
        finally:
            line.hang_up()

    @property
    def lines(self) -> int:
        """Lines that have not been given back."""
        return len(self._lines)

    async def close(self) -> None:
        """Hang up every call, give the far ends a moment to be told, and release every socket; safe to call twice."""
        for one in self._kept.values():
            one.close()
        self._kept.clear()
        lines = tuple(self._lines)
        for line in lines:
            line.hang_up()
        until = asyncio.get_running_loop().time() + _FAREWELL
        await asyncio.gather(*(line.settled(until) for line in lines))
        await asyncio.gather(*(line.closed() for line in lines))
