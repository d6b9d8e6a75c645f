"""A simulated HTTPS service on loopback: each request is given to a function, and what that answers is sent."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

HANGS_UP = 0
"""As a status: the connection ends without an answer."""
_LONGEST_HEAD = 16 * 1024
_LONGEST_BODY = 64 * 1024
_REQUEST_WITHIN = 5.0
"""Seconds for a client to ask; who only shakes hands is gone long before."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    """With its query, decoded."""
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back."""

    body: bytes
    status: int = 200
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0


async def exchange(
    answer: Callable[[Asked], Answer], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Read one request and send its answer. Raises OSError, also for who asks too slowly; what StreamReader raises."""
    async with asyncio.timeout(_REQUEST_WITHIN):  # a TimeoutError is an OSError
        asked = await _asked(reader)
    found = answer(asked)
    if found.status == HANGS_UP:
        return
    if found.delay:
        await asyncio.sleep(found.delay)
    lines = [f"HTTP/1.1 {found.status} Whatever", f"Content-Type: {found.kind}", f"Content-Length: {len(found.body)}"]
    lines += ["Connection: close", *(f"{name}: {value}" for name, value in found.headers)]
    writer.write("\r\n".join([*lines, "", ""]).encode() + found.body)
    await writer.drain()


async def _asked(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    words = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    length = headers.get("content-length", "0")
    if len(words) != 3 or not length.isascii() or not length.isdecimal() or int(length) > _LONGEST_BODY:
        raise OSError("that is no request of a client of ours")
    body = (await reader.readexactly(int(length))).decode("utf-8", "replace")
    parts = urlsplit(words[1])
    return Asked(words[0], unquote(parts.path + (f"?{parts.query}" if parts.query else "")), headers, body)


class HttpsService:
    """One service at an address. What certificate it shows is `context`'s matter, and may change meanwhile."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext, answer: Callable[[Asked], Answer]) -> None:
        self.address = address
        self._context = context
        self._answer = answer
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen, once there is a certificate. Raises OSError if the address is taken."""
        host, port = self.address
        self._server = await asyncio.start_server(
            self._serve, host, port, ssl=self._context, limit=_LONGEST_HEAD, ssl_handshake_timeout=_REQUEST_WITHIN
        )
        self.address = self._server.sockets[0].getsockname()[:2]

    def stop(self) -> None:
        """Listen no more; safe to call twice."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await exchange(self._answer, reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
