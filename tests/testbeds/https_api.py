"""A server of one API on loopback, over real TLS: each request is given to a function, and what comes back is sent."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlsplit

from testbeds.certificates import Authority
from testbeds.tls_peers import server_context

HANGS_UP = 0
"""As a status: the connection ends without an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back."""

    body: bytes
    status: int = 200
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    """With its query, decoded."""
    headers: Mapping[str, str]
    body: str


class Counted(Protocol):
    """Whose connections are counted."""

    connections: int
    open_connections: int
    most_at_once: int


@asynccontextmanager
async def https_api(answer: Callable[[Asked], Answer], counted: Counted) -> AsyncIterator[tuple[int, str]]:
    """Serve at a free port; gives the port, and the pin of the certificate's key."""
    issued = Authority().issue(["127.0.0.1"])
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        counted.connections += 1
        counted.open_connections += 1
        counted.most_at_once = max(counted.most_at_once, counted.open_connections)
        try:
            # The end of the test may cancel an answer that is still being waited with.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
                await _exchange(answer, reader, writer)
        finally:
            counted.open_connections -= 1
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context(issued))
    try:
        yield server.sockets[0].getsockname()[1], issued.pin
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def _exchange(
    answer: Callable[[Asked], Answer], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
    parts = urlsplit(target)
    path = unquote(parts.path + (f"?{parts.query}" if parts.query else ""))
    found = answer(Asked(method, path, headers, body))
    if found.status == HANGS_UP:
        return
    if found.delay:
        await asyncio.sleep(found.delay)
    lines = [f"HTTP/1.1 {found.status} Whatever", f"Content-Type: {found.kind}", f"Content-Length: {len(found.body)}"]
    lines += [f"{name}: {value}" for name, value in found.headers]
    writer.write("\r\n".join([*lines, "", ""]).encode() + found.body)
    await writer.drain()
