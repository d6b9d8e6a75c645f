"""`SipTransport`: ways to SIP endpoints by name, with the certificates that are trusted."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

from checks.transports.http.trust import TrustStore
from checks.transports.names import Address, Names
from checks.transports.sip.wire import Carrier, Wire, opened


class SipTransport:
    """Holds no sockets between calls; TLS contexts are kept."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._trust = TrustStore()

    async def addresses(self, host: str, family: int = 0) -> tuple[Address, ...]:
        """Every address behind a name. Raises TransportFault: NAME."""
        return await self._names.addresses(host, family)

    @contextlib.asynccontextmanager
    async def way(
        self, carrier: Carrier, address: Address, port: int, deadline: float, ca: str | None = None, name: str = ""
    ) -> AsyncIterator[Wire]:
        """A way to an address, closed at the end; `name` is what its certificate must be for, `ca` who may sign it.

        Raises TransportFault: REFUSED, NO_ANSWER, UNREACHABLE, LOCAL; CertificateFault.
        """
        tls: ssl.SSLContext | None = None
        if carrier is Carrier.TLS:
            tls = await asyncio.to_thread(self._trust.context, ca, False)
        async with opened(carrier, address, port, deadline, tls, name) as wire:
            yield wire
