"""One conversation with one device: a gufo-snmp socket, what is checked before it may decode, and what is made of it.

This is the one place that knows gufo-snmp's ways, and the one place that catches its `PanicException`. A session is
used by one caller at a time; after any error it is discarded.
"""

from __future__ import annotations

import asyncio
import errno
import random
import re
import socket
from collections.abc import Callable, Mapping
from typing import TypeVar

from gufo.snmp._fast import (
    GetIter,
    SnmpAuthError,
    SnmpV1ClientSocket,
    SnmpV2cClientSocket,
    SnmpV3ClientSocket,
)
from gufo.snmp._fast import SnmpError as GufoError

from checks.transports.snmp import encoding, wire
from checks.transports.snmp.errors import (
    Malformed,
    NoAnswer,
    OutOfResources,
    Oversized,
    Refused,
    SnmpError,
    Unreachable,
)
from checks.transports.snmp.reading import Page
from checks.transports.snmp.values import Missing, Value

_LARGEST = 4080
"""Octets gufo-snmp 0.13 receives at most; it would cut the rest off and decode what is left."""
_TOO_BIG = 1
_NO_SUCH_NAME = 2
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_NO_WAY = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EACCES, errno.EPERM)
_NOT_IN_A_WALK = (0x80, 0x81)
"""noSuchObject and noSuchInstance, which only a GET is answered with (RFC 3416, section 4.2)."""
_V2C = 1
_NONE = wire.Response(0, [])
_T = TypeVar("_T")
ClientSocket = SnmpV1ClientSocket | SnmpV2cClientSocket | SnmpV3ClientSocket


class _Borrowed(socket.socket):
    """A view of gufo-snmp's descriptor for peeking; it never closes what it does not own."""

    def __del__(self) -> None:
        self.detach()


class Session:
    """A conversation over SNMPv1 or v2c; `V3Session` adds security. Made inside the running loop."""

    def __init__(
        self, address: str, sock: ClientSocket, loop: asyncio.AbstractEventLoop, community: bytes = b""
    ) -> None:
        self.address = address
        self._sock = sock
        self._community = community
        self._loop = loop
        self._fd = sock.get_fd()
        family = socket.AF_INET6 if address.startswith("[") else socket.AF_INET
        # Family, type and protocol are given so that Python need not ask the kernel for each.
        self._view = _Borrowed(family, socket.SOCK_DGRAM, socket.IPPROTO_UDP, fileno=self._fd)
        self._used = False
        self._response = _NONE

    def close(self) -> None:
        """Give the descriptor back. Nobody but `_sock` refers to the socket, not even a traceback, so it ends here."""
        self._view.detach()
        del self._sock

    async def get(self, oids: list[str], until: float) -> dict[str, Value]:
        """Ask for `oids`; the answer has exactly these keys. Raises SnmpError.

        One request, unless the device answers with an error status. As the status may concern a single OID, or the
        size of the whole, the question is then put again in halves until each OID has its own answer.
        """
        try:
            found = await self._exchange(
                lambda: self._sock.send_get_many(oids), lambda: self._sock.recv_get_many(), until
            )
            status = self._response.status
        except Oversized:
            status = _TOO_BIG
        if status == 0:
            if len(found) == len(oids) and all(oid in found for oid in oids):
                return found  # type: ignore[return-value]  # get_many leaves out what would be None
            return self._with_missing(oids, found)
        if len(oids) == 1:
            # A v1 agent has no other way to say that it does not have an object (RFC 1157, section 4.1.2).
            return {oids[0]: Missing.ABSENT if status == _NO_SUCH_NAME else Missing.ERROR}
        half = len(oids) // 2
        return await self.get(oids[:half], until) | await self.get(oids[half:], until)

    def _with_missing(self, oids: list[str], found: Mapping[str, Value | None]) -> dict[str, Value]:
        reasons = self._response.missing()
        if len(reasons) != len(oids) or sum(reason is None for reason in reasons) != len(found):
            raise Malformed(f"{self.address}: the reply has {len(reasons)} variables for a question of {len(oids)}")
        answer: dict[str, Value] = {}
        for oid, reason in zip(oids, reasons, strict=True):
            value = found.get(oid) if reason is None else reason
            if value is None:
                raise Malformed(f"{self.address}: the reply answers something else in place of {oid}")
            answer[oid] = value
        return answer

    async def bulk(self, iterator: GetIter, until: float) -> tuple[list[tuple[str, Value]], bool]:
        """The next rows of a GETBULK walk, and whether that was the end of it. Raises SnmpError.

        `iterator` moves on as rows come in. An error status is an error, never an end.
        """
        try:
            found = await self._exchange(
                lambda: self._sock.send_get_bulk(iterator), lambda: self._sock.recv_get_bulk(iterator), until
            )
        except StopAsyncIteration:
            found = [None]
        status = self._response.status
        if status == _TOO_BIG:
            raise Oversized(f"{self.address}: the device says that its reply would be too big")
        if status:
            raise Malformed(f"{self.address}: the device ends a walk with error status {status}")
        rows: list[tuple[str, Value]] = [row for row in found if row is not None]  # type: ignore[misc]  # values are not None
        nulls = self._response.nulls
        if any(tag in _NOT_IN_A_WALK for tag in self._response.types):
            raise Malformed(f"{self.address}: the device says in the middle of a walk that there is no such object")
        # Fewer rows than variables: something else than a row of this walk came after them.
        over = len(rows) + len(nulls) < len(self._response.types)
        return (rows, over) if not nulls else (_with_nulls(rows, nulls), over)

    async def following(self, iterator: GetIter, until: float) -> tuple[list[tuple[str, Value]], bool]:
        """The next row of a GETNEXT walk, which is all SNMPv1 has. Raises SnmpError."""
        try:
            row = await self._exchange(
                lambda: self._sock.send_get_next(iterator), lambda: self._sock.recv_get_next(iterator), until
            )
        except StopAsyncIteration:
            row = None
        status = self._response.status
        if status not in (0, _NO_SUCH_NAME):
            raise Malformed(f"{self.address}: the device ends a walk with error status {status}")
        if status != _NO_SUCH_NAME and self._response.nulls:
            return _with_nulls([], self._response.nulls), False
        if row is None or status == _NO_SUCH_NAME:
            return [], True
        return [row], False  # type: ignore[list-item]  # as above

    async def page(self, page: Page, until: float) -> tuple[int, list[wire.Row]]:
        """The error status of a question for several columns at once, and its rows. Raises SnmpError.

        gufo-snmp's iterator has one column only, so this question is put, and its reply read, without it.
        """
        request = random.getrandbits(31)
        message = self._message(encoding.bulk(request, page.repetitions, page.oids))
        if self._used:
            self._drain()
        self._used = True
        try:
            self._view.send(message)
            while True:
                await self._readable(until)
                try:
                    raw = self._view.recv(_LARGEST + 1)
                except BlockingIOError:
                    continue
                if len(raw) > _LARGEST:
                    raise Oversized(f"{self.address}: a reply of more than {_LARGEST} octets")
                response = self._vet(raw)
                self._believe(raw)
                if response.number == request:
                    return response.status, wire.rows(response) if response.status == 0 else []
        except OSError as error:
            raise told(self.address, error) from None

    def _message(self, pdu: bytes) -> bytes:
        """A question of our own making, ready to be sent."""
        return encoding.by_community(self._community, pdu)

    def _believe(self, raw: bytes) -> None:
        """Refuse a reply to a question of our own for what gufo-snmp would refuse it. Raises SnmpError."""
        if wire.community_of(raw) != (_V2C, self._community):
            raise self._reported()

    def _vet(self, raw: bytes) -> wire.Response:
        """Refuse a datagram before gufo-snmp sees it, or give its skeleton. Raises SnmpError."""
        return wire.response(wire.community_pdu(raw))

    async def _exchange(self, send: Callable[[], None], receive: Callable[[], _T], until: float) -> _T:
        """Send, wait for the reply until `until` (loop time), have it decoded. Raises SnmpError, StopAsyncIteration."""
        if self._used:
            self._drain()
        self._used = True
        self._guarded(send)
        while True:
            await self._readable(until)
            try:
                raw = self._view.recv(_LARGEST + 1, socket.MSG_PEEK)
            except BlockingIOError:
                continue
            except OSError as error:
                raise told(self.address, error) from None
            if len(raw) > _LARGEST:
                raise Oversized(f"{self.address}: a reply of more than {_LARGEST} octets")
            self._response = self._vet(raw)
            try:
                return self._guarded(receive)
            except BlockingIOError:
                continue  # a datagram with another request's number: wait for ours

    def _drain(self) -> None:
        """Throw away what came after the last reply: duplicates, and answers to questions given up."""
        for _ in range(64):
            try:
                self._view.recv(1)
            except BlockingIOError:
                return
            except OSError as error:
                raise told(self.address, error) from None
        raise Malformed(f"{self.address}: the device sends replies nobody asked for, without end")

    async def _readable(self, until: float) -> None:
        waiting: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._fd, _wake, waiting)
        timer = self._loop.call_at(until, _late, waiting, self.address)
        try:
            await waiting
        finally:
            timer.cancel()
            self._loop.remove_reader(self._fd)

    def _guarded(self, act: Callable[[], _T]) -> _T:
        try:
            return guarded(self.address, act)
        except SnmpAuthError:
            raise self._reported() from None

    def _reported(self) -> SnmpError:
        """What gufo-snmp's "authentication failed" means; here, that the reply does not carry our community."""
        return Malformed(f"{self.address}: the reply carries another community than the question")


def _with_nulls(rows: list[tuple[str, Value]], nulls: tuple[str, ...]) -> list[tuple[str, Value]]:
    """The rows with those in their places that gufo-snmp leaves out, since they have no value."""
    return sorted([*rows, *((oid, Missing.NULL) for oid in nulls)], key=lambda row: [*map(int, row[0].split("."))])


def guarded(address: str, act: Callable[[], _T]) -> _T:
    """Let gufo-snmp act, and turn each way in which it fails into our error. The one place that catches a panic.

    Raises SnmpError, BlockingIOError (nothing to read), StopAsyncIteration (end of a walk), SnmpAuthError (a report).
    """
    try:
        return act()
    except (BlockingIOError, StopAsyncIteration, SnmpAuthError):
        raise
    except (GufoError, RuntimeError, ValueError, OverflowError) as error:
        raise Malformed(f"{address}: the reply cannot be decoded: {error}") from None
    except OSError as error:
        raise told(address, error) from None
    except BaseException as error:
        # gufo-snmp 0.13 panics on lengths that point outside the datagram. PyO3's PanicException is a
        # BaseException without an importable name; anything else (cancellation, exit) is none of our business.
        if type(error).__name__ != "PanicException":
            raise
        raise Malformed(f"{address}: the reply cannot be decoded: {error}") from None


def told(address: str, error: OSError) -> SnmpError:
    """Our error for one of the operating system. gufo-snmp gives the number in the text only."""
    number, text = error.errno, str(error)
    if number is None:
        named = _OS_ERROR.search(text)
        number = int(named[1]) if named else 0
    if number == errno.ECONNREFUSED or "connection refused" in text:
        return Refused(f"{address}: the host lives, but nothing listens for SNMP there (ICMP port unreachable)")
    if number in _NO_WAY:
        return Unreachable(f"{address}: {text}")
    return OutOfResources(f"{address}: {text}")


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _late(waiting: asyncio.Future[None], address: str) -> None:
    if not waiting.done():
        waiting.set_exception(NoAnswer(f"{address}: no answer to an SNMP question"))
