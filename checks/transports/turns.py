"""Turns: of those who want something of one device, one at a time has it. Lives in the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from checks.contract import Reason
from checks.transports.fault import TransportFault


class Turns:
    """Waiting lines by place. A place that nobody wants costs nothing."""

    def __init__(self) -> None:
        self._lines: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def at(self, place: str, deadline: float) -> AsyncIterator[None]:
        """The turn at a place, waited for until `deadline` (loop time). Raises TransportFault with LOCAL: none came."""
        lock, wanted = self._lines.get(place, (asyncio.Lock(), 0))
        self._lines[place] = lock, wanted + 1
        try:
            try:
                async with asyncio.timeout_at(deadline):
                    await lock.acquire()
            except TimeoutError:
                raise TransportFault(
                    Reason.LOCAL,
                    f"{place} was not asked: another check was reading it all the time, and one at a time reads a "
                    "device; ask it less often, or by fewer checks",
                ) from None
            try:
                yield
            finally:
                lock.release()
        finally:
            lock, wanted = self._lines[place]
            if wanted == 1:
                del self._lines[place]
            else:
                self._lines[place] = lock, wanted - 1
