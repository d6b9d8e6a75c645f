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
from collections.abc import AsyncIterator, Callable
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
_NOBODY = "nothing listens for SIP there, or a firewall refuses"
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


@dataclass(slots=True)
class Wire:
    """`own` is how our end is named in Via and Contact: host and port."""

    carrier: Carrier
    own: str
    send: Callable[[bytes], None]
    inbox: asyncio.Queue[Message | TransportFault] = field(default_factory=asyncio.Queue)
    unreadable: str = ""
    """Why something that came could not be read, for the message in the end."""
    certificate_ends: float | None = None
    """Unix seconds; None where there is no TLS."""


@contextlib.asynccontextmanager
async def opened(
    carrier: Carrier, address: Address, port: int, deadline: float, tls: ssl.SSLContext | None = None, name: str = ""
) -> AsyncIterator[Wire]:
    """A way to that address, closed at the end. `name` is what the certificate must be for.

    Raises TransportFault: REFUSED, NO_ANSWER, UNREACHABLE, LOCAL; CertificateFault.
    """
    if carrier is Carrier.UDP:
        wire, transport = await _by_udp(address, port)
        try:
            yield wire
        finally:
            transport.close()
        return
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


async def _by_udp(address: Address, port: int) -> tuple[Wire, asyncio.DatagramTransport]:
    where = f"{address.ip} port {port}/udp"
    try:
        raw = socket.socket(address.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    except OSError as error:
        raise socket_fault(error, where) from error
    protocol = _Datagrams(where)
    with contextlib.ExitStack() as ours:  # until the transport has the socket, whatever comes between
        ours.callback(raw.close)
        try:
            raw.connect(address.at(port))
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(lambda: protocol, sock=raw)
        except OSError as error:
            raise socket_fault(error, where, refused=_NOBODY) from error
        ours.pop_all()
    wire = protocol.wire = Wire(Carrier.UDP, _own(raw), transport.sendto)
    return wire, transport


class _Datagrams(asyncio.DatagramProtocol):
    """What comes on the socket, as messages in the wire's inbox."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.wire: Wire | None = None

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - asyncio's
        if self.wire is None or not data.strip(b"\r\n\x00"):
            return  # a keep-alive
        try:
            self.wire.inbox.put_nowait(parsed(data))
        except SipSyntaxError as error:
            self.wire.unreadable = str(error)

    def error_received(self, exc: Exception) -> None:
        if self.wire is not None and isinstance(exc, OSError):
            self.wire.inbox.put_nowait(socket_fault(exc, self._where, refused=_NOBODY))


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
