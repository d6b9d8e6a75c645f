"""TLS handshakes, made in the loop to see what is shown, and hung up politely; nothing is asked over them.

OpenSSL (through pyOpenSSL) works on memory here and never touches the socket, so a peer that hangs or drips holds
nobody, and there are no threads. A failed verification ends nothing: whatever is wrong with a chain is noted and the
handshake goes on, so that a certificate with three faults shows three. Messages that are too long (100 KiB of
certificates) are refused by OpenSSL itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from checks.contract import Reason
from checks.printable import printable
from checks.transports.conversation import Conversation, Ended, connect
from checks.transports.fault import TransportFault
from checks.transports.names import Address, Names
from checks.transports.starttls import DIALECTS, StartTls, upgrade
from checks.transports.starttls_binary import tds_packets, tds_payload
from checks.transports.trust import Trust

if TYPE_CHECKING:
    from OpenSSL import SSL, crypto

MOST_CERTIFICATES = 16
_MOST_OCTETS = 262_144
_PIECE = 16_384
_OF_TIME = frozenset({9, 10, 13, 14})
"""X509_V_ERR_CERT_NOT_YET_VALID, …_HAS_EXPIRED, …_ERROR_IN_…_FIELD: every date is judged for itself, not here."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that OpenSSL does not like about the chain; `code` is its X509_V_ERR number, `der` whom it is about."""

    code: int
    depth: int
    der: bytes


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a server showed."""

    address: str
    version: str
    """`TLSv1.3`"""
    cipher: str
    """OpenSSL's name; empty when the handshake broke off before it was settled."""
    seconds: float
    """From the first octet of TLS to the end of the handshake."""
    sent: tuple[bytes, ...]
    """Certificates in DER as they were sent, the server's own first; at most `MOST_CERTIFICATES`."""
    count: int
    """How many were sent."""
    path: tuple[bytes, ...]
    """The certificates from the server's own to the one that is trusted, as far as that way could be found."""
    complaints: tuple[Complaint, ...]
    """What is wrong with the chain, dates and names apart; empty when it is trusted."""
    trust_fault: str
    """Why there was nobody to trust; empty when there was."""
    wants_certificate: bool
    """The server asked for a client's certificate."""
    broken: str
    """Why the handshake did not end well after the certificates were shown; empty when it did."""


@dataclass(slots=True)
class _Talk:
    """One handshake under way."""

    connection: SSL.Connection
    wire: Conversation
    framed: bool
    complaints: list[Complaint] = field(default_factory=list)
    asked: list[bool] = field(default_factory=list)
    """Not empty once the server has asked for a client's certificate."""
    received: int = 0
    failure: str = ""


class TlsTransport:
    """Makes handshakes. Holds no sockets between calls."""

    def __init__(self, names: Names | None = None) -> None:
        self.names = names or Names()
        self.trust = Trust()

    async def handshake(
        self,
        host: str,
        port: int,
        *,
        deadline: float,
        server_name: str,
        starttls: StartTls | None = None,
        ca: str | None = None,
        family: int = 0,
        sni: bool = True,
    ) -> Handshake:
        """Connect, speak STARTTLS if told to, and shake hands until `deadline` (loop time).

        Raises TransportFault when no certificate was seen: NO_ANSWER, UNREACHABLE, REFUSED (the port), PROTOCOL
        (no TLS, none offered, none in time), LIMIT, NAME, LOCAL. An authority file that cannot be read is no fault
        here: everything else is still seen.
        """
        address = self.names.at_hand(host, family) or await self.names.address(host, family)
        now = asyncio.get_running_loop().time()
        try:
            context, trust_fault = await self.trust.context(ca, now + (deadline - now) / 3), ""
        except TransportFault as error:
            context, trust_fault = self.trust.nobody(), error.message
        where = f"{address.ip} port {port}"
        stage = "has not accepted the connection"
        opened = None
        try:
            async with asyncio.timeout_at(deadline):
                opened = await connect(address, port)
                wire = Conversation(opened, asyncio.get_running_loop())
                if starttls is not None:
                    stage = f"accepts connections but does not get through to TLS as {starttls.value} does"
                    await upgrade(starttls, wire, server_name)
                stage = "accepts connections but does not end the TLS handshake"
                talk = _talk(context, wire, server_name if sni else "", starttls)
                return await _shake(talk, address, trust_fault, starttls, deadline)
        except TimeoutError as error:
            if opened is None:
                raise TransportFault(Reason.NO_ANSWER, f"{where}: no answer to the connection request") from error
            raise TransportFault(Reason.PROTOCOL, f"{where}: {stage} in time; is the service overloaded?") from error
        except Ended as error:
            raise TransportFault(Reason.PROTOCOL, f"{where}: {stage}: it hangs up before") from error
        except TransportFault as error:
            message = error.message if error.message.startswith(where) else f"{where}: {error.message}"
            raise TransportFault(error.reason, message) from error
        finally:
            if opened is not None:
                opened.close()

    async def close(self) -> None:
        """Stop waiting for names and files; safe to call twice."""
        await self.trust.close()
        await self.names.close()


def _talk(context: SSL.Context, wire: Conversation, name: str, starttls: StartTls | None) -> _Talk:
    from OpenSSL import SSL, crypto

    connection = SSL.Connection(context, None)
    framed = starttls is not None and DIALECTS[starttls].framed
    talk = _Talk(connection, wire, framed)
    complaints, asked = (
        talk.complaints,
        talk.asked,
    )  # no way back to the connection from its own callbacks: it would never be freed

    def note(_: SSL.Connection, certificate: crypto.X509, code: int, depth: int, good: int) -> bool:
        if not good and code not in _OF_TIME and len(complaints) < MOST_CERTIFICATES:
            complaints.append(Complaint(code, depth, crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)))
        return True

    def step(here: SSL.Connection, _where: int, _value: int) -> None:
        if b"certificate request" in here.get_state_string():
            asked.append(True)

    connection.set_verify(SSL.VERIFY_PEER, note)
    connection.set_info_callback(step)
    if name:
        connection.set_tlsext_host_name(name.encode("ascii"))
    if framed:
        connection.set_options(SSL.OP_NO_TLSv1_3)  # TDS 7 wraps a handshake of the old kind only
    connection.set_connect_state()
    wire.allowance += _MOST_OCTETS
    return talk


async def _shake(
    talk: _Talk, address: Address, trust_fault: str, starttls: StartTls | None, deadline: float
) -> Handshake:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await _drive(talk)
    seconds = loop.time() - begun
    sent = _sent(talk.connection)
    if not sent and not talk.failure:
        talk.failure = "no certificate"
    if not sent:
        raise TransportFault(
            Reason.LIMIT if "excessive" in talk.failure else Reason.PROTOCOL,
            f"the TLS handshake fails: {_in_words(talk.failure)}",
        )
    if not talk.failure:
        await _hang_up(talk, starttls, deadline)
    # Before TLS 1.3 a server that insists on a client's certificate breaks off here, and all is as it should be.
    insists = bool(talk.asked) and any(alert in talk.failure for alert in _INSISTING)
    return Handshake(
        address=address.ip,
        version=talk.connection.get_protocol_version_name(),
        cipher=talk.connection.get_cipher_name() or "",
        seconds=seconds,
        sent=tuple(sent[:MOST_CERTIFICATES]),
        count=len(sent),
        path=_path(talk.connection),
        complaints=tuple(talk.complaints),
        trust_fault=trust_fault,
        wants_certificate=bool(talk.asked),
        broken=_in_words(talk.failure) if talk.failure and not insists else "",
    )


_INSISTING = ("alert handshake failure", "alert bad certificate", "alert certificate required", "hangs up")


async def _drive(talk: _Talk) -> None:
    """Carry octets between OpenSSL and the peer until the handshake has ended, one way or the other."""
    from OpenSSL import SSL

    connection = talk.connection
    while True:
        ended = False
        try:
            connection.do_handshake()
            ended = True
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            talk.failure, ended = _reason(error), True
        await _flush(talk)
        if ended:
            return
        try:
            piece = await (tds_payload(talk.wire) if talk.framed else talk.wire.receive(_PIECE))
        except Ended:
            talk.failure = "hangs up"
            return
        talk.received += len(piece)
        if talk.received > _MOST_OCTETS:
            talk.failure = "excessive message size"
            return
        connection.bio_write(piece)


async def _flush(talk: _Talk) -> None:
    from OpenSSL import SSL

    octets = b""
    try:
        while True:
            octets += talk.connection.bio_read(_PIECE)
    except SSL.WantReadError:
        pass
    if octets:
        for packet in tds_packets(octets) if talk.framed else (octets,):
            await talk.wire.send(packet)


async def _hang_up(talk: _Talk, starttls: StartTls | None, deadline: float) -> None:
    """Say goodbye in the protocol and in TLS; whatever goes wrong now has no meaning any more."""
    from OpenSSL import SSL

    talk.framed = False
    try:
        if starttls is not None and DIALECTS[starttls].farewell:
            talk.connection.send(DIALECTS[starttls].farewell)
        talk.connection.shutdown()
        await _flush(talk)
    except (SSL.Error, Ended):
        return
    await talk.wire.part(deadline)


def _sent(connection: SSL.Connection) -> Sequence[bytes]:
    return [_der(certificate) for certificate in connection.get_peer_cert_chain() or ()]


def _path(connection: SSL.Connection) -> tuple[bytes, ...]:
    return tuple(_der(certificate) for certificate in connection.get_verified_chain() or ())[: MOST_CERTIFICATES + 1]


def _der(certificate: crypto.X509) -> bytes:
    from OpenSSL import crypto

    return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)


def _reason(error: SSL.Error) -> str:
    """OpenSSL's own words: its error queue is a list of (library, function, reason)."""
    queue = error.args[0] if error.args else ()
    if isinstance(queue, list) and queue and len(queue[0]) == 3:
        library, _, reason = queue[0]
        return f"malformed: {reason}" if "asn1" in library else str(reason) or "an unknown error"
    return type(error).__name__


def _in_words(reason: str) -> str:
    for part, words in _WORDS.items():
        if part in reason:
            return words
    return printable(reason, 100)


_WORDS = {
    "no certificate": "it ends without any certificate",
    "malformed": "the server sends a certificate that is not well-formed",
    "hangs up": "the server hangs up in the middle of it",
    "wrong version number": "what comes is not TLS; is this the right port, or does it want STARTTLS?",
    "http request": "what comes is plain HTTP, not TLS",
    "packet length too long": "what comes is not TLS; is this the right port, or does it want STARTTLS?",
    "record layer failure": "what comes is not TLS; is this the right port, or does it want STARTTLS?",
    "excessive message size": "the server sends far more than a handshake needs (over 100 KiB of certificates)",
    "alert handshake failure": "the server refuses (alert handshake failure): no common cipher, or it requires a "
    "client's certificate",
    "alert protocol version": "the server speaks none of TLS 1.0 to 1.3 (alert protocol version)",
    "unsupported protocol": "the server speaks SSL of last century only",
    "unrecognized name": "the server knows no such name (alert unrecognized name); check the option `server_name`",
}
