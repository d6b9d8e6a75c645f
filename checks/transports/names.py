"""Host names to addresses, without ever holding the event loop.

`getaddrinfo` blocks for as long as the resolver likes (10 s and more when no server answers), so it runs aside, and
answers are kept for a short while: `getaddrinfo` does not tell how long a record may be kept.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from checks.contract import Reason
from checks.transports.aside import Aside
from checks.transports.fault import TransportFault

KEPT = 60.0
"""Seconds for which an answer is used again."""
KEPT_NEGATIVE = 10.0
_LIMIT = 4096
_LOOKUPS = 16


@dataclass(frozen=True, slots=True)
class Address:
    """A numeric address as the socket calls take it. `scope` is the interface of a link-local IPv6 address, else 0."""

    family: socket.AddressFamily
    ip: str
    scope: int = 0

    def at(self, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
        """The socket address of a port there."""
        return (self.ip, port) if self.family == socket.AF_INET else (self.ip, port, 0, self.scope)


def numeric(host: str) -> Address | None:
    """The address a text spells out, in canonical form; None when it is a name."""
    try:
        return Address(socket.AF_INET, socket.inet_ntop(socket.AF_INET, socket.inet_pton(socket.AF_INET, host)))
    except (OSError, ValueError):
        pass
    ip, _, interface = host.partition("%")
    try:
        scope = socket.if_nametoindex(interface) if interface else 0
        return Address(socket.AF_INET6, socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, ip)), scope)
    except (OSError, ValueError):
        return None


class Names:
    """A bounded cache of addresses in front of the system's resolver."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        look_up: Callable[..., Any] = socket.getaddrinfo,
    ) -> None:
        self._monotonic = monotonic
        self._look_up = look_up
        self._known: dict[str, tuple[float, tuple[Address, ...] | TransportFault]] = {}
        self._lookups: dict[str, asyncio.Task[tuple[Address, ...]]] = {}
        self._aside = Aside(_LOOKUPS)
        self._places = asyncio.Semaphore(_LOOKUPS)

    def at_hand(self, host: str, family: int = 0) -> Address | None:
        """The address if it needs no waiting: numeric, or looked up a short while ago."""
        entry = self._known.get(host)
        if entry is None:
            address = numeric(host)
            if address is None:
                return None
            entry = (float("inf"), (address,))
            self._keep(host, entry)
        until, found = entry
        if until < self._monotonic() or isinstance(found, TransportFault):
            return None
        return _first(host, found, family)

    def all_at_hand(self, host: str, family: int = 0) -> tuple[Address, ...] | None:
        """Every address if that needs no waiting; None where it does, or where there is none."""
        if self.at_hand(host, family) is None:
            return None
        _, found = self._known[host]
        assert not isinstance(found, TransportFault)  # `at_hand` would have given none
        return found if family == 0 else tuple(one for one in found if one.family == family)

    async def address(self, host: str, family: int = 0) -> Address:
        """The first address of `host`, of the family if one is asked for; raises TransportFault with Reason.NAME."""
        address = self.at_hand(host, family)
        if address is not None:
            return address
        entry = self._known.get(host)
        if entry is not None and isinstance(entry[1], TransportFault) and entry[0] >= self._monotonic():
            raise TransportFault(entry[1].reason, entry[1].message)
        task = self._lookups.get(host)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._fetch(host))
            self._lookups[host] = task
            task.add_done_callback(partial(self._fetched, host))
        return _first(host, await asyncio.shield(task), family)

    async def addresses(self, host: str, family: int = 0) -> tuple[Address, ...]:
        """Every address of `host`, of the family if one is asked for; raises as `address`."""
        first = await self.address(host, family)  # which brings those of a name into the cache
        entry = self._known.get(host)
        if entry is None or isinstance(entry[1], TransportFault):
            return (first,)
        return tuple(one for one in entry[1] if family in (0, one.family))

    async def close(self) -> None:
        """Stop waiting for lookups; safe to call twice."""
        for task in list(self._lookups.values()):
            task.cancel()

    async def _fetch(self, host: str) -> tuple[Address, ...]:
        try:
            async with self._places:
                rows = await self._aside.run(
                    f"lookup of {host}", lambda: self._look_up(host, None, type=socket.SOCK_STREAM)
                )
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else "not a valid host name"
            fault = TransportFault(Reason.NAME, f"{host}: the name has no address here ({why}); check DNS and spelling")
            self._keep(host, (self._monotonic() + KEPT_NEGATIVE, fault))
            raise fault from error
        found = tuple(_address(row) for row in rows if row[0] in (socket.AF_INET, socket.AF_INET6))
        self._keep(host, (self._monotonic() + KEPT, found))
        return found

    def _fetched(self, host: str, task: asyncio.Task[tuple[Address, ...]]) -> None:
        self._lookups.pop(host, None)
        if not task.cancelled():
            task.exception()  # seen, even when everybody who waited has gone

    def _keep(self, host: str, entry: tuple[float, tuple[Address, ...] | TransportFault]) -> None:
        self._known.pop(host, None)
        while len(self._known) >= _LIMIT:
            del self._known[next(iter(self._known))]
        self._known[host] = entry


def _address(row: tuple[Any, ...]) -> Address:
    """A row of getaddrinfo(3): family, type, protocol, canonical name, socket address."""
    place = row[4]
    scope = place[3] if len(place) == 4 else 0
    return Address(socket.AddressFamily(row[0]), str(place[0]).partition("%")[0], scope)


def _first(host: str, found: tuple[Address, ...], family: int) -> Address:
    for address in found:
        if family in (0, address.family):
            return address
    kind = "IPv4 " if family == socket.AF_INET else "IPv6 " if family == socket.AF_INET6 else ""
    raise TransportFault(
        Reason.NAME, f"{host}: there is no {kind}address for it; check DNS or the check's `ip_version`"
    )
