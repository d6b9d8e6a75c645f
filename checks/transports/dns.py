"""DNS questions over UDP and TCP (RFC 1035, RFC 7766), asked of one server, and replies read with dnspython.

A reply over UDP counts only when it comes from the address and port that was asked (the socket is connected, so the
kernel sees to it), bears the random number of our question, and repeats that question (RFC 5452). Others are counted
and passed over. dnspython is imported when the first question is asked.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.names import Address, Names
from checks.transports.socket_fault import socket_fault

if TYPE_CHECKING:
    from dns.message import Message

PAYLOAD = 1232
"""Octets of the largest UDP reply asked for: it fits into every path's packets (DNS flag day 2020)."""
MOST_RECORDS = 256
"""Records in a reply that are read; more would hold everything else up."""
_LARGEST = 65_535
_RESEND = 3
"""Times that a question is sent over UDP, spread over the time there is."""
_MOST_IGNORED = 1_000
_HEADER = struct.Struct("!HHHHHH")
_RESPONSE, _TRUNCATED, _OPCODE = 0x8000, 0x0200, 0x7800


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `record` is a type's name, as in AAAA."""

    name: str
    record: str
    recursion: bool = True
    signatures: bool = False
    """Ask for DNSSEC's records too (the DO bit, RFC 3225)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply to the very question. `seconds` run from the first sending of it to the reply."""

    message: Message
    seconds: float
    octets: int
    tcp: bool
    truncated: bool = False
    """It was too long for the way it came, and only its header was read."""
    sent: int = 1
    ignored: int = 0
    """Replies that came before it with another number or question."""


class DnsTransport:
    """Asks DNS servers. Holds no sockets between questions."""

    def __init__(self, names: Names | None = None) -> None:
        self.names = names or Names()

    async def ask(
        self, host: str, port: int, question: Question, *, deadline: float, tcp: bool = False, family: int = 0
    ) -> Reply:
        """The server's reply, until `deadline` (loop time). Raises TransportFault.

        A server that does not know EDNS (RFC 6891) is asked again without it. A truncated reply is returned as it is.
        """
        address = self.names.at_hand(host, family) or await self.names.address(host, family)
        reply = await self._once(address, port, question, deadline, tcp=tcp, extended=True)
        from dns.rcode import FORMERR, NOTIMP

        if reply.message.rcode() in (FORMERR, NOTIMP) and reply.message.edns < 0:
            reply = await self._once(address, port, question, deadline, tcp=tcp, extended=False)
        return reply

    async def _once(
        self, address: Address, port: int, question: Question, deadline: float, *, tcp: bool, extended: bool
    ) -> Reply:
        number = secrets.randbits(16)
        query = _query(question, number, extended=extended)
        where = f"{address.ip} port {port}"
        clock = asyncio.timeout_at(deadline)
        try:
            if not tcp:
                return await _over_udp(address, port, query, deadline)
            async with clock:
                return await _over_tcp(address, port, query)
        except OSError as error:  # TimeoutError is one: ours, or the kernel's for a connection
            if clock.expired():
                raise TransportFault(Reason.NO_ANSWER, f"{where}: no answer over TCP to a DNS question") from error
            raise _fault(error, where, tcp) from error


@dataclass(frozen=True, slots=True)
class _Query:
    number: int
    wire: bytes
    asked: bytes
    """The question section, with its letters in lower case."""


def _query(question: Question, number: int, *, extended: bool) -> _Query:
    import dns.flags
    import dns.message
    import dns.name

    message = dns.message.make_query(
        dns.name.from_text(question.name),
        question.record,
        flags=dns.flags.RD if question.recursion else 0,
        use_edns=extended,
        want_dnssec=extended and question.signatures,
        payload=PAYLOAD if extended else None,
        id=number,
    )
    wire = message.to_wire()
    name = message.question[0].name.to_wire()
    return _Query(number, wire, wire[12 : 12 + len(name or b"") + 4].lower())


async def _over_udp(address: Address, port: int, query: _Query, deadline: float) -> Reply:
    """Ask until an answer comes or there is no time left."""
    loop = asyncio.get_running_loop()
    ignored = 0
    with socket.socket(address.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as opened:
        opened.connect(address.at(port))
        begun = loop.time()
        pause = (deadline - begun) / _RESEND
        for sent in range(1, _RESEND + 1):
            await loop.sock_sendall(opened, query.wire)
            until = deadline if sent == _RESEND else begun + sent * pause
            while True:
                try:
                    async with asyncio.timeout_at(min(until, deadline)):
                        data = await loop.sock_recv(opened, _LARGEST)
                except TimeoutError:
                    break
                if _fits(data, query):
                    seconds = loop.time() - begun
                    return Reply(_read(data, address), seconds, len(data), False, _truncated(data), sent, ignored)
                ignored += 1
                if ignored > _MOST_IGNORED:
                    raise TransportFault(
                        Reason.LIMIT, f"{address.ip}: more than {_MOST_IGNORED} replies to a question never asked"
                    )
    if ignored:
        raise TransportFault(
            Reason.PROTOCOL,
            f"{address.ip} port {port}: {ignored} replies came, none of them to the question that was asked (another "
            "number or question); something on the way lies, or the server is broken",
        )
    raise TransportFault(Reason.NO_ANSWER, f"{address.ip} port {port}: no answer over UDP to a DNS question")


async def _over_tcp(address: Address, port: int, query: _Query) -> Reply:
    """Ask once; the caller ends the wait."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    with socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as opened:
        await loop.sock_connect(opened, address.at(port))
        await loop.sock_sendall(opened, struct.pack("!H", len(query.wire)) + query.wire)
        (size,) = struct.unpack("!H", await _exactly(loop, opened, 2, address))
        data = await _exactly(loop, opened, size, address)
    if not _fits(data, query):
        raise TransportFault(
            Reason.PROTOCOL, f"{address.ip} port {port}: the reply over TCP is to another question than the one asked"
        )
    return Reply(_read(data, address), loop.time() - begun, len(data), True, _truncated(data))


async def _exactly(loop: asyncio.AbstractEventLoop, opened: socket.socket, size: int, address: Address) -> bytes:
    parts = []
    while size:
        more = await loop.sock_recv(opened, size)
        if not more:
            raise TransportFault(Reason.PROTOCOL, f"{address.ip}: the server closed the connection before its reply")
        parts.append(more)
        size -= len(more)
    return b"".join(parts)


def _fits(data: bytes, query: _Query) -> bool:
    """Whether these octets are a reply to this very question. An error may come without it (RFC 1035, 4.1.1)."""
    if len(data) < _HEADER.size:
        return False
    number, flags, questions, *_ = _HEADER.unpack_from(data)
    if number != query.number or not flags & _RESPONSE or flags & _OPCODE:
        return False
    if questions == 0:
        return flags & 0x000F != 0 and len(data) == _HEADER.size
    return questions == 1 and data[12 : 12 + len(query.asked)].lower() == query.asked


def _truncated(data: bytes) -> bool:
    return bool(_HEADER.unpack_from(data)[1] & _TRUNCATED)


def _read(data: bytes, address: Address) -> Message:
    """The reply as dnspython reads it, which refuses loops of compression, wrong counts and trailing octets.

    Of a truncated reply only the header counts, for it may end in the middle of a record: it is asked for over TCP.
    """
    import dns.exception
    import dns.flags
    import dns.message

    number, flags, _, *counts = _HEADER.unpack_from(data)
    if flags & _TRUNCATED:
        empty = dns.message.Message(id=number)
        empty.flags = dns.flags.Flag(flags)
        return empty
    if sum(counts) > MOST_RECORDS:
        raise TransportFault(Reason.PROTOCOL, f"{address.ip}: a reply of {sum(counts)} records is too long to be read")
    try:
        return dns.message.from_wire(data, ignore_trailing=False, raise_on_truncation=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise TransportFault(
            Reason.PROTOCOL,
            f"{address.ip}: a malformed reply ({type(error).__name__}); the server or the way is broken",
        ) from error


def _fault(error: OSError, where: str, tcp: bool) -> TransportFault:
    over = "TCP" if tcp else "UDP"
    return socket_fault(error, where, refused=f"DNS over {over} is refused; no server listens there")
