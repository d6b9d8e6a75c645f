"""A server of one API on loopback, over real TLS: each request is given to a function, and what comes back is sent."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from agent.demo.https import HANGS_UP, Answer, Asked, exchange
from testbeds.certificates import Authority
from testbeds.tls_peers import server_context

__all__ = ["HANGS_UP", "Answer", "Asked", "https_api"]


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
                await exchange(answer, reader, writer)
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
