"""A TCP connection to a stranger, read in small bounded pieces: what STARTTLS is spoken over, before there is TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from checks.contract import Reason
from checks.printable import printable
from checks.transports.fault import TransportFault
from checks.transports.names import Address
from checks.transports.socket_fault import socket_fault

LONGEST_LINE = 4096
MOST = 32_768
"""Octets that anybody may say before TLS begins."""
_PIECE = 4096
_PARTING = 0.3
"""Seconds that the peer gets to close its side, so that nothing it still sends is answered with a reset."""
_DRAINED = 65_536


class Ended(Exception):
    """The peer closed or broke the connection."""


class Conversation:
    """An open connection. Whoever made it closes it; all waiting is bounded by the caller's time-out."""

    def __init__(self, opened: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self._socket = opened
        self._loop = loop
        self._said = 0
        self.allowance = MOST
        """Octets that the peer may say in all, as far as they are read in order."""
        self.buffered = b""
        """What came and was not asked for yet."""

    @property
    def local_address(self) -> str:
        return str(self._socket.getsockname()[0]).partition("%")[0]

    async def send(self, octets: bytes) -> None:
        """Send all of it; raises Ended."""
        try:
            await self._loop.sock_sendall(self._socket, octets)
        except OSError as error:
            raise Ended from error

    async def receive(self, most: int = _PIECE) -> bytes:
        """Whatever comes next, at least one octet; raises Ended. Not counted, not buffered."""
        try:
            piece = await self._loop.sock_recv(self._socket, most)
        except OSError as error:
            raise Ended from error
        if not piece:
            raise Ended
        return piece

    async def exactly(self, count: int) -> bytes:
        """The next `count` octets; raises Ended, or TransportFault (LIMIT) for more than anybody may say."""
        while len(self.buffered) < count:
            await self._more(count)
        taken, self.buffered = self.buffered[:count], self.buffered[count:]
        return taken

    async def line(self) -> str:
        """The next line without its end, control characters made visible as dots; raises as `exactly`."""
        line = await self.until(b"\n", LONGEST_LINE)
        return printable(line.decode("utf-8", "replace").rstrip("\r\n"))

    async def until(self, end: bytes, most: int = MOST) -> bytes:
        """Everything up to and with `end`; raises as `exactly`."""
        searched = 0
        while (at := self.buffered.find(end, searched)) < 0:
            searched = max(0, len(self.buffered) - len(end) + 1)
            await self._more(most)
        taken, self.buffered = self.buffered[: at + len(end)], self.buffered[at + len(end) :]
        return taken

    async def part(self, deadline: float) -> None:
        """Say that nothing more will come, and give the peer a moment to do the same."""
        with contextlib.suppress(OSError, TimeoutError):  # gone already, or not in a hurry: closed either way
            self._socket.shutdown(socket.SHUT_WR)
            async with asyncio.timeout_at(min(deadline, self._loop.time() + _PARTING)):
                drained = 0
                while drained < _DRAINED and (piece := await self._loop.sock_recv(self._socket, _PIECE)):
                    drained += len(piece)

    async def _more(self, most: int) -> None:
        if len(self.buffered) >= most or self._said >= self.allowance:
            raise TransportFault(Reason.LIMIT, "says far more than its protocol allows")
        piece = await self.receive()
        self._said += len(piece)
        self.buffered += piece


async def connect(address: Address, port: int) -> socket.socket:
    """An open connection that does not block. Raises TransportFault: REFUSED, NO_ANSWER, UNREACHABLE or LOCAL."""
    where = f"{address.ip} port {port}"
    opened: socket.socket | None = None
    try:
        opened = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        await asyncio.get_running_loop().sock_connect(opened, address.at(port))
    except OSError as error:
        if opened is not None:
            opened.close()
        raise socket_fault(error, where) from error
    except BaseException:  # cancelled while it connected: the socket is nobody's then
        if opened is not None:
            opened.close()
        raise
    return opened
