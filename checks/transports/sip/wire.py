"""An open way to one address over which SIP is spoken: UDP, TCP or TLS (RFC 3261, section 18).

Every request has a way of its own. Over UDP that is a connected socket, so that nothing but the asked address is heard,
a closed port is told by ICMP, and Via names the very port the request comes from: old gear that ignores `rport`
(RFC 3581) reaches us all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from checks.contract import Reason
from checks.transports.conversation import connect
from checks.transports.fault import TransportFault
from checks.transports.names import Address
from checks.transports.sip.message import Message, SipSyntaxError, Stream, parsed
from checks.transports.socket_fault import socket_fault

_PIECE = 16 * 1024
_LARGEST_DATAGRAM = 65_535
_NOBODY = "nothing listens for SIP there, or a firewall refuses"
MOST_OTHERS = 200
"""Messages that are no final answer, and as many that cannot be read, after which we listen no longer."""
_DATE = "%b %d %H:%M:%S %Y %Z"


class Carrier(StrEnum):
    """What SIP goes over."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class CertificateFault(TransportFault):
    """The other side's certificate cannot be trusted; nothing of SIP was said."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.PROTOCOL, message)


def endless(where: str) -> TransportFault:
    """The fault of a side that sends and sends, and never an answer."""
    return TransportFault(Reason.PROTOCOL, f"{where}: sends messages without end that are no answers")


class Inbox:
    """What has come and was not yet taken. One at a time waits for it."""

    __slots__ = ("_items", "_waiter")

    def __init__(self) -> None:
        self._items: deque[Message | TransportFault] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def put_nowait(self, item: Message | TransportFault) -> None:
        self._items.append(item)
        self._wake()

    def clear(self) -> None:
        """Forget what has come."""
        self._items.clear()

    async def get(self, until: float | None = None) -> Message | TransportFault:
        """The next, waited for until `until` (loop time). Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        while not self._items:
            if until is not None and loop.time() >= until:
                raise TimeoutError
            self._waiter = loop.create_future()
            timer = None if until is None else loop.call_at(until, self._wake)
            try:
                await self._waiter
            finally:
                self._waiter = None
                if timer is not None:
                    timer.cancel()
        return self._items.popleft()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


@dataclass(slots=True)
class Wire:
    """`own` is how our end is named in Via and Contact: host and port."""

    carrier: Carrier
    own: str
    send: Callable[[bytes], None]
    inbox: Inbox = field(default_factory=Inbox)
    unreadable: str = ""
    """Why something that came could not be read, for the message in the end."""
    certificate_ends: float | None = None
    """Unix seconds; None where there is no TLS."""


def opened(
    carrier: Carrier, address: Address, port: int, deadline: float, tls: ssl.SSLContext | None = None, name: str = ""
) -> AbstractAsyncContextManager[Wire]:
    """A way to that address, closed at the end. `name` is what the certificate must be for.

    Raises TransportFault: REFUSED, NO_ANSWER, UNREACHABLE, LOCAL; CertificateFault.
    """
    if carrier is Carrier.UDP:
        return Datagrams(address, port)
    return _connected(carrier, address, port, deadline, tls, name)


@contextlib.asynccontextmanager
async def _connected(
    carrier: Carrier, address: Address, port: int, deadline: float, tls: ssl.SSLContext | None, name: str
) -> AsyncIterator[Wire]:
    where = f"{address.ip} port {port}/{carrier}"
    try:
        async with asyncio.timeout_at(deadline):
            raw = await connect(address, port)
            reader, writer = await _spoken_on(raw, tls if carrier is Carrier.TLS else None, name, where)
    except TimeoutError as error:
        raise TransportFault(Reason.NO_ANSWER, f"{where}: no answer to the connection request") from error
    wire = Wire(carrier, _own(raw), writer.write, certificate_ends=_end_of(writer))
    listening = asyncio.get_running_loop().create_task(_listen(reader, wire, where))
    try:
        yield wire
    finally:
        listening.cancel()
        writer.transport.abort()
        await asyncio.gather(listening, return_exceptions=True)


class Datagrams:
    """A connected socket; what comes on it are messages in the wire's inbox. One at a time uses it.

    The loop watches the socket itself: a datagram transport of asyncio takes two more turns of the loop, and the whole
    half as much again. With `keeper` a socket that served well is handed to it, open, when its use ends.
    """

    __slots__ = ("_idle", "_keeper", "_loop", "_others", "_socket", "_where", "_wire", "address", "port")

    def __init__(self, address: Address, port: int, keeper: Callable[[Datagrams], None] | None = None) -> None:
        self.address = address
        self.port = port
        self._keeper = keeper
        self._where = f"{address.ip} port {port}/udp"
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._idle = False
        self._others = 0

    @property
    def usable(self) -> bool:
        """Whether it is open."""
        return self._socket is not None

    async def __aenter__(self) -> Wire:
        if self._socket is None:
            self._open()
        else:
            self._wire.inbox.clear()
            self._wire.unreadable = ""
        self._idle = False
        self._others = 0
        return self._wire

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is not None or self._keeper is None:
            self.close()
        elif self._socket is not None:
            self._idle = True
            self._keeper(self)

    def close(self) -> None:
        """Release the socket; safe to call twice."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _open(self) -> None:
        try:
            opened = socket.socket(self.address.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            raise socket_fault(error, self._where) from error
        try:
            opened.connect(self.address.at(self.port))
        except OSError as error:
            opened.close()
            raise socket_fault(error, self._where, refused=_NOBODY) from error
        self._socket = opened
        self._wire = Wire(Carrier.UDP, _own(opened), self._send)
        self._loop.add_reader(opened.fileno(), self._readable)

    def _send(self, octets: bytes) -> None:
        if self._socket is None:
            return  # closed to a flood, of which the inbox tells
        try:
            self._socket.send(octets)
        except BlockingIOError:
            pass  # no room in this machine's queue: lost as on any way, and sent anew
        except OSError as error:
            self._failed(error)

    def _readable(self) -> None:
        assert self._socket is not None  # nobody watches it then
        try:
            data = self._socket.recv(_LARGEST_DATAGRAM)
        except BlockingIOError:
            return
        except OSError as error:
            self._failed(error)
            return
        if self._idle:
            self._one_more()  # what comes late, or unasked
        elif data.strip(b"\r\n\x00"):  # else a keep-alive
            try:
                self._wire.inbox.put_nowait(parsed(data))
            except SipSyntaxError as error:
                self._wire.unreadable = str(error)
                self._one_more()

    def _one_more(self) -> None:
        """Count what nobody can use; too much of it, and the socket is closed."""
        self._others += 1
        if self._others == MOST_OTHERS:
            self.close()
            self._wire.inbox.put_nowait(endless(self._where))

    def _failed(self, error: OSError) -> None:
        if self._idle:
            self.close()
        else:
            self._wire.inbox.put_nowait(socket_fault(error, self._where, refused=_NOBODY))


async def _spoken_on(
    raw: socket.socket, tls: ssl.SSLContext | None, name: str, where: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host = name if tls is not None else None
    with contextlib.ExitStack() as ours:  # until the streams have the socket, whatever comes between
        ours.callback(raw.close)
        try:
            spoken = await asyncio.open_connection(sock=raw, ssl=tls, server_hostname=host, limit=_PIECE)
        except ssl.SSLCertVerificationError as error:
            raise CertificateFault(f"{where}: its certificate cannot be trusted: {error.verify_message}") from error
        except ssl.SSLError as error:
            why = (error.reason or "no TLS").replace("_", " ").lower()
            raise TransportFault(Reason.PROTOCOL, f"{where}: TLS failed: {why}") from error
        except OSError as error:
            raise socket_fault(error, where, refused=_NOBODY) from error
        ours.pop_all()
    return spoken


async def _listen(reader: asyncio.StreamReader, wire: Wire, where: str) -> None:
    stream = Stream()
    try:
        while piece := await reader.read(_PIECE):
            for message in stream.fed(piece):
                wire.inbox.put_nowait(message)
        wire.inbox.put_nowait(TransportFault(Reason.NO_ANSWER, f"{where}: closes the connection without an answer"))
    except SipSyntaxError as error:
        fault = TransportFault(Reason.PROTOCOL, f"{where}: what comes back is no SIP: {error}")
        wire.inbox.put_nowait(fault)
    except OSError as error:
        wire.inbox.put_nowait(socket_fault(error, where, refused="breaks the connection off"))


def _end_of(writer: asyncio.StreamWriter) -> float | None:
    shown = writer.get_extra_info("peercert")
    if not shown or "notAfter" not in shown:
        return None
    return datetime.strptime(shown["notAfter"], _DATE).replace(tzinfo=UTC).timestamp()


def _own(raw: socket.socket) -> str:
    host, port, *_ = raw.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
