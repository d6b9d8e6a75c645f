"""The whole page of `/metrics`: what the checks read, then the agent's own families."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

from agent.records import Councils
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics

_GZIP = 16 + zlib.MAX_WBITS


async def pages(
    exposition: Exposition, own: OwnMetrics, *, openmetrics: bool, now: float, councils: Councils = None
) -> AsyncIterator[bytes]:
    """The page in pieces; between two of them the event loop serves whoever else is waiting."""
    for piece in exposition.page(openmetrics=openmetrics, now=now, councils=councils):
        yield piece
        await asyncio.sleep(0)
    yield own.page(openmetrics=openmetrics, councils=councils)


async def gzipped(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same, compressed in a thread; level 1, since more costs four times the CPU for 6 % less."""
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    async for piece in pieces:
        packed = await asyncio.to_thread(packer.compress, piece)
        if packed:
            yield packed
    yield packer.flush()
