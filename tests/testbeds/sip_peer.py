"""A SIP endpoint that answers as a test tells it: whatever octets it returns are sent, over UDP, TCP or TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from checks.transports.sip.message import Headers, Request, Response, Stream, parsed, written

Answering = Callable[[Request, int], list[bytes]]
"""The request, and how often it has come; gives what is sent back, each on its own."""


def reply(request: Request, status: int, reason: str = "", *more: tuple[str, str], body: bytes = b"") -> bytes:
    """A well-formed response to a request."""
    kept = [(name, value) for name, value in request.headers.fields if name in ("via", "from", "call-id", "cseq")]
    to = f"{request.headers.first('to')};tag=peer"
    return written(Response(status, reason, Headers((*kept, ("to", to), *more)), body))


def always(status: int, reason: str = "", *more: tuple[str, str]) -> Answering:
    return lambda request, _count: [reply(request, status, reason, *more)]


@dataclass(slots=True)
class Peer:
    """Where it listens, and what it was asked."""

    port: int
    asked: list[Request] = field(default_factory=list)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, peer: Peer, answering: Answering, other: asyncio.DatagramTransport | None) -> None:
        self._peer = peer
        self._answering = answering
        self._transport: Any = other

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = self._transport or transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = parsed(data)
        assert isinstance(request, Request)
        self._peer.asked.append(request)
        for octets in self._answering(request, len(self._peer.asked)):
            self._transport.sendto(octets, addr)


@contextlib.asynccontextmanager
async def over_udp(answering: Answering, host: str = "127.0.0.1", *, elsewhere: bool = False) -> AsyncIterator[Peer]:
    """An endpoint over UDP; `elsewhere`: it answers from another port than it is asked at."""
    peer = Peer(0)
    loop = asyncio.get_running_loop()
    other: asyncio.DatagramTransport | None = None
    if elsewhere:
        other, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(host, 0))
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(peer, answering, other), local_addr=(host, 0))
    peer.port = transport.get_extra_info("sockname")[1]
    try:
        yield peer
    finally:
        transport.close()
        if other is not None:
            other.close()


@contextlib.asynccontextmanager
async def over_tcp(answering: Answering, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """An endpoint over TCP, or TLS."""
    peer = Peer(0)
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = Stream()
        writers.append(writer)
        with contextlib.suppress(OSError, ssl.SSLError):
            while piece := await reader.read(4096):
                for request in stream.fed(piece):
                    assert isinstance(request, Request)
                    peer.asked.append(request)
                    for octets in answering(request, len(peer.asked)):
                        writer.write(octets)
                        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
