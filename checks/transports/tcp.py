"""TCP connections that are made, timed and closed again; nothing is ever sent on them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from checks.contract import Reason
from checks.transports.conversation import connect as open_socket
from checks.transports.fault import TransportFault
from checks.transports.names import Address, Names
from checks.transports.socket_fault import socket_fault

BANNER_OCTETS = 1024
MOST_HEARD = 16 * 1024 * 1024
"""Octets that are listened to in one connection."""
_PIECE = 16 * 1024


class Outcome(StrEnum):
    """How an attempt to connect ended."""

    OPEN = "open"
    REFUSED = "refused"
    """The target, or a firewall in its name, answered with a reset."""
    SILENT = "silent"
    """No answer until the deadline."""
    UNREACHABLE = "unreachable"
    """The network said that there is no way to it: a router's ICMP error, or this machine's own routing."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One attempt: how it ended, after how many seconds, and the first octets the peer said if they were asked for."""

    address: str
    outcome: Outcome
    seconds: float
    banner: bytes = b""


_OUTCOMES = {
    Reason.REFUSED: Outcome.REFUSED,
    Reason.NO_ANSWER: Outcome.SILENT,
    Reason.UNREACHABLE: Outcome.UNREACHABLE,
}


class TcpTransport:
    """Connects to ports. Holds no sockets between calls."""

    def __init__(self, names: Names | None = None) -> None:
        self.names = names or Names()

    async def connect(
        self, host: str, port: int, *, deadline: float, family: int = 0, banner: bytes | None = None
    ) -> Connection:
        """Connect until `deadline` (loop time) and close in order.

        With `banner`, an open connection is then read, at most `BANNER_OCTETS`, until that text has come, the peer
        closes, or the deadline. Raises TransportFault: NAME, or LOCAL (no descriptors, no source address, a local
        firewall). Refusal, silence and an unreachable network are outcomes, not faults.
        """
        loop = asyncio.get_running_loop()
        address = self.names.at_hand(host, family) or await self.names.address(host, family)
        try:
            opened = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            raise _fault(error.errno or 0, address, port) from error
        with opened:
            started = time.perf_counter()
            number = opened.connect_ex(address.at(port))
            if number == errno.EINPROGRESS:
                if not await _writable(loop, opened, deadline):
                    return Connection(address.ip, Outcome.SILENT, time.perf_counter() - started)
                number = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            seconds = time.perf_counter() - started
            if number:
                return Connection(address.ip, _failure(number, address, port), seconds)
            if banner is not None:
                return Connection(address.ip, Outcome.OPEN, seconds, await _read(loop, opened, deadline, banner))
            _take_what_came(opened)
            return Connection(address.ip, Outcome.OPEN, seconds)

    async def listen(
        self, host: str, port: int, take: Callable[[bytes], None], *, seconds: float, deadline: float
    ) -> bool:
        """Connect until `deadline` (loop time), hand on whatever is said for so many seconds, and hang up.

        Returns whether the peer hung up first. Raises TransportFault: NAME, REFUSED, NO_ANSWER, UNREACHABLE or LOCAL.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(deadline):
                address = self.names.at_hand(host, 0) or await self.names.address(host, 0)
                opened = await open_socket(address, port)
        except TimeoutError as error:
            raise socket_fault(errno.ETIMEDOUT, f"{host} port {port}") from error
        with opened:
            heard = 0
            try:
                async with asyncio.timeout_at(min(deadline, loop.time() + seconds)):
                    while heard < MOST_HEARD:
                        piece = await loop.sock_recv(opened, _PIECE)
                        if not piece:
                            return True
                        heard += len(piece)
                        take(piece)
                        await asyncio.sleep(0)  # reading what is there already waits for nobody: a flood would hold all
            except TimeoutError:
                return False
            except OSError:
                return True
        return False

    async def close(self) -> None:
        """Stop waiting for names; safe to call twice."""
        await self.names.close()


async def _writable(loop: asyncio.AbstractEventLoop, opened: socket.socket, deadline: float) -> bool:
    """Wait until the attempt has ended one way or the other; False when the deadline came first."""
    future: asyncio.Future[bool] = loop.create_future()
    number = opened.fileno()
    loop.add_writer(number, _settle, future, True)
    timer = loop.call_at(deadline, _settle, future, False)
    try:
        return await future
    finally:
        timer.cancel()
        loop.remove_writer(number)


def _settle(future: asyncio.Future[bool], value: bool) -> None:
    if not future.done():
        future.set_result(value)


async def _read(loop: asyncio.AbstractEventLoop, opened: socket.socket, deadline: float, until: bytes) -> bytes:
    """What the peer says: until it holds `until`, is long enough, ends, breaks off, or the deadline comes."""
    said = b""
    try:
        async with asyncio.timeout_at(deadline):
            while len(said) < BANNER_OCTETS and until not in said:
                more = await loop.sock_recv(opened, BANNER_OCTETS - len(said))
                if not more:
                    break
                said += more
    except (TimeoutError, ConnectionError):
        pass  # what was said until then is judged
    return said


def _take_what_came(opened: socket.socket) -> None:
    """Read what has come already: closing with unread octets sends a reset, which many daemons log as an error."""
    with contextlib.suppress(OSError):  # nothing came, or the peer is gone already: closed in order either way
        opened.recv(BANNER_OCTETS)


def _failure(error: int, address: Address, port: int) -> Outcome:
    fault = _fault(error, address, port)
    outcome = _OUTCOMES.get(fault.reason)
    if outcome is None:
        raise fault
    return outcome


def _fault(error: int, address: Address, port: int) -> TransportFault:
    return socket_fault(error, f"{address.ip} port {port}")
