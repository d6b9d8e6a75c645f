"""Takes SNMP traps and informs (v1, v2c, v3) on UDP ports, whatever comes, without ever holding the event loop.

1. At most `_PER_WAKE` datagrams are taken at a time; so many of one source, and of all, are looked at in a second. The
   rest is dropped unread.
2. Who sent it is checked on the bare octets (`envelope`): microseconds. What proves nothing is counted and dropped.
3. What is believed has to keep to a rate per source, and waits in a bounded queue.
4. From there one at a time is decoded (`notification`), with a pause four times as long after each.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from enum import StrEnum

from checks.transports.snmp import notification
from checks.transports.snmp.allowance import Allowance, Allowances
from checks.transports.snmp.engine import Engine
from checks.transports.snmp.envelope import Clocks, Keyring, Opened, Report, opened
from checks.transports.snmp.errors import Malformed, NotAuthenticated
from checks.transports.snmp.notification import Notification

PORT = 162
LARGEST = 8192
"""Octets of a datagram that are taken in; real ones keep below 1,472."""
_PER_WAKE = 64
_HOLD = 0.005
"""Seconds after which the event loop is let go, although there is more."""
_EXAMINED = (5000.0, 5000.0)
_EXAMINED_PER_SOURCE = (500.0, 500.0)
_DECODED_PER_SOURCE = (10.0, 20.0)
_REPORTS = (20.0, 100.0)
"""Each of these: a second in the long run, and at once."""
_WAITING = 2048
_PAUSE = 4.0
_BUFFER = 1 << 20
_TOO_MANY = "more come than are taken"


class Refusal(StrEnum):
    """Why a datagram came to nothing."""

    UNAUTHENTIC = "unauthentic"
    MALFORMED = "malformed"
    DROPPED = "dropped"
    """More of them than are taken."""


class TrapListenError(Exception):
    """An address cannot be listened on; the message says why and how to mend it."""


class TrapReceiver:
    """Listens from `start` to `stop`, in the event loop.

    `heard` gets what is believed, `refused` the source of everything else, why, and why in words. Neither may wait or
    raise.
    """

    def __init__(
        self,
        engine: Engine,
        heard: Callable[[Notification], None],
        refused: Callable[[str, Refusal, str], None],
        monotonic: Callable[[], float] = time.monotonic,
        *,
        acknowledged: Callable[[Notification], bool] = lambda _said: True,
    ) -> None:
        """`heard` gets what is believed, `refused` the rest; `acknowledged` says whether an inform is answered."""
        self.keyring = Keyring({}, {})
        """Who is believed; replaced whenever the estate or a secret changes."""
        self.addresses: list[tuple[str, int]] = []
        """Where it listens, once started."""
        self._engine = engine
        self._heard = heard
        self._refused = refused
        self._acknowledged = acknowledged
        self._monotonic = monotonic
        self._clocks = Clocks()
        self._examined = Allowance(*_EXAMINED)
        self._examined_of = Allowances(*_EXAMINED_PER_SOURCE)
        self._decoded_of = Allowances(*_DECODED_PER_SOURCE)
        self._reports = Allowance(*_REPORTS)
        self._waiting: deque[tuple[socket.socket, tuple[object, ...], Opened]] = deque()
        self._more = asyncio.Event()
        self._sockets: list[socket.socket] = []
        self._task: asyncio.Task[None] | None = None

    def start(self, addresses: Iterable[tuple[str, int]]) -> None:
        """Listen on these addresses, all or none. Raises TrapListenError."""
        try:
            for host, port in addresses:
                self._sockets.append(_bound(host, port))
        except TrapListenError:
            self._close()
            raise
        loop = asyncio.get_running_loop()
        self.addresses = [sock.getsockname()[:2] for sock in self._sockets]
        self._task = loop.create_task(self._work(), name="traps")
        for sock in self._sockets:
            loop.add_reader(sock, self._readable, sock)

    async def stop(self) -> None:
        """Listen no more; what waits is forgotten. Safe to call twice."""
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            loop.remove_reader(sock)
        self._close()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _close(self) -> None:
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()
        self._waiting.clear()

    def _readable(self, sock: socket.socket) -> None:
        until = self._monotonic() + _HOLD
        for _ in range(_PER_WAKE):
            try:
                data, place = sock.recvfrom(LARGEST + 1)
            except OSError:  # there is no more
                return
            now = self._monotonic()
            self._take(sock, data, place, now)
            if now >= until:
                return

    def _take(self, sock: socket.socket, data: bytes, place: tuple[object, ...], now: float) -> None:
        source = _source(place)
        if not self._examined_of.take(source, now) or not self._examined.take(now):
            self._refused(source, Refusal.DROPPED, _TOO_MANY)
            return
        try:
            if len(data) > LARGEST:
                raise Malformed(f"more than {LARGEST} octets")
            found = opened(data, self.keyring, self._engine, self._clocks, now)
        except Malformed as error:
            self._refused(source, Refusal.MALFORMED, str(error))
            return
        except NotAuthenticated as error:
            self._refused(source, Refusal.UNAUTHENTIC, str(error))
            return
        if isinstance(found, Report):
            if self._reports.take(now):
                _send(sock, found.answer, place)
            else:
                self._refused(source, Refusal.DROPPED, _TOO_MANY)
        elif len(self._waiting) >= _WAITING or not self._decoded_of.take(source, now):
            self._refused(source, Refusal.DROPPED, _TOO_MANY)
        else:
            self._waiting.append((sock, place, found))
            self._more.set()

    async def _work(self) -> None:
        while True:
            await self._more.wait()
            while self._waiting:
                began = self._monotonic()
                self._decode(*self._waiting.popleft())
                await asyncio.sleep(_PAUSE * (self._monotonic() - began))
            self._more.clear()

    def _decode(self, sock: socket.socket, place: tuple[object, ...], found: Opened) -> None:
        source = _source(place)
        try:
            said = notification.read(
                found.pdu,
                source=source,
                version=found.version,
                credentials=found.credentials,
                inform=found.inform,
            )
        except Malformed as error:
            self._refused(source, Refusal.MALFORMED, str(error))
            return
        if found.answer and self._acknowledged(said):
            _send(sock, found.answer, place)
        self._heard(said)


def _source(place: tuple[object, ...]) -> str:
    return str(place[0]).partition("%")[0]


def _send(sock: socket.socket, answer: bytes, place: tuple[object, ...]) -> None:
    with contextlib.suppress(OSError):  # no way back, or no buffer: the sender asks again
        sock.sendto(answer, place)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        why = os.strerror(error.errno) if error.errno else str(error)
        hint = _HINTS.get(error.errno or 0, "is it an address of this machine?")
        raise TrapListenError(f"--snmp.trap-address {shown}: {why}; {hint}") from error
    return sock


_HINTS = {
    errno.EADDRINUSE: "something else takes traps there, snmptrapd or another agent; stop it or name another port",
    errno.EACCES: (
        "ports below 1024 need CAP_NET_BIND_SERVICE: install the drop-in systemd/ridgeway.service.d/traps.conf "
        "(AmbientCapabilities=CAP_NET_BIND_SERVICE), or listen on 10162 and redirect port 162 there with nftables "
        "(docs/traps.md)"
    ),
}
