"""UDP peers for bad weather: a relay that may change every reply, and a peer made of one function."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import cast

Change = Callable[[bytes], Iterable[bytes]]
"""From one datagram to those sent in its place: none, itself altered, several."""
Place = tuple[str, int]


class OnLoopback(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    @property
    def port(self) -> int:
        assert self._transport is not None
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    def send(self, data: bytes, to: Place) -> None:
        assert self._transport is not None
        self._transport.sendto(data, to)

    def error_received(self, exc: Exception) -> None:
        """The other side is away: nobody hears of it, as over a real network."""


class DatagramRelay(OnLoopback):
    """Stands between one client at a time and a real device; replies go to whoever asked last."""

    def __init__(self, upstream: Place, change: Change) -> None:
        super().__init__()
        self._upstream = upstream
        self._change = change
        self._client: Place | None = None
        self.replies = 0

    def redirect(self, port: int) -> None:
        """From now on another device answers."""
        self._upstream = ("127.0.0.1", port)

    def datagram_received(self, data: bytes, addr: Place) -> None:
        if addr != self._upstream:
            self._client = addr
            self.send(data, self._upstream)
        elif self._client is not None:
            self.replies += 1
            for changed in self._change(data):
                self.send(changed, self._client)


class Peer(OnLoopback):
    """Answers each datagram with whatever `answer` gives, at once; `later` sends more from outside."""

    def __init__(self, answer: Change) -> None:
        super().__init__()
        self.answer = answer
        self.questions: list[bytes] = []
        self._client: Place | None = None

    def datagram_received(self, data: bytes, addr: Place) -> None:
        self.questions.append(data)
        self._client = addr
        for reply in self.answer(data):
            self.send(reply, addr)

    def later(self, data: bytes) -> None:
        assert self._client is not None
        self.send(data, self._client)


@asynccontextmanager
async def relay(upstream_port: int, change: Change) -> AsyncIterator[DatagramRelay]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: DatagramRelay(("127.0.0.1", upstream_port), change), local_addr=("127.0.0.1", 0)
    )
    try:
        yield protocol
    finally:
        await _closed(transport)


@asynccontextmanager
async def peer(answer: Change) -> AsyncIterator[Peer]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: Peer(answer), local_addr=("127.0.0.1", 0))
    try:
        yield protocol
    finally:
        await _closed(transport)


async def _closed(transport: asyncio.DatagramTransport) -> None:
    transport.abort()
    await asyncio.sleep(0)
