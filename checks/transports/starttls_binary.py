"""From octets to TLS: LDAP (RFC 4511, section 4.14), PostgreSQL, MySQL, SQL Server (MS-TDS) and RDP (MS-RDPBCGR).

Every function talks until the peer has agreed. Raises TransportFault (messages lack where) and Ended.
"""

from __future__ import annotations

import struct

from checks.contract import Reason
from checks.printable import printable
from checks.transports.conversation import Conversation
from checks.transports.fault import TransportFault

_LARGEST = 8192
_SHOWN = 100
_OID = b"1.3.6.1.4.1.1466.20037"
LDAP_STARTTLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + _OID
LDAP_UNBIND = b"\x30\x05\x02\x01\x02\x42\x00"
_MYSQL_SSL = 0x0800
_MYSQL_ASKS = 0x0200 | _MYSQL_SSL | 0x8000  # the 4.1 protocol, TLS, and its way to log in, which never comes
_TDS_HEADER = struct.Struct(">BBHHBB")
_PRELOGIN, _TABULAR, _LAST = 0x12, 0x04, 0x01
_TDS_PAYLOAD = 4096 - _TDS_HEADER.size
_ENCRYPT_NOT_SUPPORTED = 2
_RDP_REASONS = {
    1: "it requires TLS to be asked for otherwise",
    2: "it permits its own old encryption only",
    3: "it has no certificate",
    5: "it requires CredSSP",
    6: "it requires TLS with a client certificate",
}


async def ldap(wire: Conversation, name: str) -> None:
    """The extended operation StartTLS; the answer is `LDAPMessage { 1, [APPLICATION 24] { resultCode, … } }`."""
    del name
    await wire.send(LDAP_STARTTLS)
    tag, body = await _element(wire)
    try:
        _, _, operation = _split(body)
        kind, answer, _ = _split(operation)
        code_tag, code, _ = _split(answer)
    except (IndexError, ValueError) as error:
        raise _garbled("LDAP") from error
    if tag != 0x30 or kind != 0x78 or code_tag != 0x0A or len(code) != 1:
        raise _garbled("LDAP")
    if code[0] != 0:
        raise _not_offered(f"it answers StartTLS with LDAP result {code[0]}")


async def postgres(wire: Conversation, name: str) -> None:
    """SSLRequest; the answer is one octet, S or N (PostgreSQL documentation, 55.2.10)."""
    del name
    await wire.send(struct.pack(">II", 8, 80_877_103))
    answer = await wire.exactly(1)
    if answer == b"N":
        raise _not_offered("it answers N to the request for SSL (`ssl = on` is missing)")
    if answer != b"S":
        raise _garbled("PostgreSQL")


async def mysql(wire: Conversation, name: str) -> None:
    """SSLRequest in answer to the server's greeting (MySQL internals, Protocol::SSLRequest); there is no agreement."""
    del name
    head = await wire.exactly(4)
    length = int.from_bytes(head[:3], "little")
    if not 1 <= length <= _LARGEST:
        raise _garbled("MySQL")
    greeting = await wire.exactly(length)
    if greeting[0] == 0xFF:
        said = printable(greeting[3 : 3 + _SHOWN].decode("utf-8", "replace"))
        raise TransportFault(
            Reason.REFUSED, f"refuses the connection: {said}; a blocked host: see the page of this check"
        )
    version_end = greeting.find(b"\0", 1)
    flags = greeting[version_end + 14 : version_end + 16]  # after thread id (4), first scramble (8), filler (1)
    if greeting[0] != 10 or version_end < 0 or len(flags) != 2:
        raise _garbled("MySQL")
    if not int.from_bytes(flags, "little") & _MYSQL_SSL:
        raise _not_offered("its greeting does not have the flag SSL")
    body = struct.pack("<IIB23x", _MYSQL_ASKS, 1 << 24, 45)
    await wire.send(len(body).to_bytes(3, "little") + b"\x01" + body)


async def mssql(wire: Conversation, name: str) -> None:
    """PRELOGIN with ENCRYPT_ON (MS-TDS 2.2.6.5); the TLS handshake that follows travels in TDS packets as well."""
    del name
    version, encryption = b"\x0f\0\0\0\0\0", b"\x01"
    table = struct.pack(">BHHBHHB", 0, 11, len(version), 1, 11 + len(version), len(encryption), 0xFF)
    await wire.send(b"".join(tds_packets(table + version + encryption)))
    answer = b""
    while True:
        kind, status, length, *_ = _TDS_HEADER.unpack(await wire.exactly(_TDS_HEADER.size))
        if kind not in (_TABULAR, _PRELOGIN) or not _TDS_HEADER.size < length <= _LARGEST:
            raise _garbled("SQL Server")
        answer += await wire.exactly(length - _TDS_HEADER.size)
        if status & _LAST:
            break
    if _tds_encryption(answer) == _ENCRYPT_NOT_SUPPORTED:
        raise _not_offered("it answers ENCRYPT_NOT_SUP")


async def rdp(wire: Conversation, name: str) -> None:
    """X.224 Connection Request that asks for TLS, with or without CredSSP above it (MS-RDPBCGR 2.2.1.1)."""
    del name
    negotiation = struct.pack("<BBHI", 1, 0, 8, 1 | 2)
    request = bytes((6 + len(negotiation), 0xE0, 0, 0, 0, 0, 0)) + negotiation
    await wire.send(struct.pack(">BBH", 3, 0, 4 + len(request)) + request)
    version, _, length = struct.unpack(">BBH", await wire.exactly(4))
    if version != 3 or not 11 <= length <= _LARGEST:
        raise _garbled("RDP")
    answer = await wire.exactly(length - 4)
    if answer[1] & 0xF0 != 0xD0:
        raise _garbled("RDP")
    if len(answer) < 15:
        raise _not_offered("it knows its own old encryption only")
    kind, _, _, value = struct.unpack("<BBHI", answer[7:15])
    if kind == 3:
        raise _not_offered(_RDP_REASONS.get(value, f"it answers failure {value}"))
    if kind != 2 or not value & 3:
        raise _not_offered("it chose its own old encryption")


def tds_packets(octets: bytes) -> list[bytes]:
    """The octets in PRELOGIN packets."""
    pieces = [octets[at : at + _TDS_PAYLOAD] for at in range(0, len(octets), _TDS_PAYLOAD)]
    return [
        _TDS_HEADER.pack(_PRELOGIN, int(number == len(pieces)), _TDS_HEADER.size + len(piece), 0, number & 0xFF, 0)
        + piece
        for number, piece in enumerate(pieces, 1)
    ]


async def tds_payload(wire: Conversation) -> bytes:
    """What the next TDS packet carries."""
    kind, _, length, *_ = _TDS_HEADER.unpack(await wire.exactly(_TDS_HEADER.size))
    if kind not in (_PRELOGIN, _TABULAR) or not _TDS_HEADER.size < length <= 32_767:
        raise _garbled("SQL Server")
    return await wire.exactly(length - _TDS_HEADER.size)


def _tds_encryption(answer: bytes) -> int | None:
    """The option ENCRYPTION of a PRELOGIN answer: entries of (token, offset, length), ended by 0xFF."""
    for at in range(0, len(answer), 5):
        if answer[at] == 0xFF:
            break
        if answer[at] == 1 and at + 5 <= len(answer):
            offset, length = struct.unpack(">HH", answer[at + 1 : at + 5])
            if length == 1 and offset < len(answer):
                encryption: int = answer[offset]
                return encryption
    raise _garbled("SQL Server")


async def _element(wire: Conversation) -> tuple[int, bytes]:
    """The next BER element: its tag and its content."""
    tag, first = await wire.exactly(2)
    length = first
    if first & 0x80:
        if not 1 <= first & 0x7F <= 4:
            raise _garbled("LDAP")
        length = int.from_bytes(await wire.exactly(first & 0x7F))
    if length > _LARGEST:
        raise _garbled("LDAP")
    return tag, await wire.exactly(length)


def _split(octets: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and rest of the first BER element; raises IndexError or ValueError."""
    tag, length, at = octets[0], octets[1], 2
    if length & 0x80:
        at = 2 + (length & 0x7F)
        length = int.from_bytes(octets[2:at])
    if at + length > len(octets):
        raise ValueError("cut short")
    return tag, octets[at : at + length], octets[at + length :]


def _not_offered(why: str) -> TransportFault:
    return TransportFault(Reason.PROTOCOL, f"TLS is not offered: {why}; switch it on in the service")


def _garbled(what: str) -> TransportFault:
    return TransportFault(Reason.PROTOCOL, f"does not answer as {what} does; is this the right port and `starttls`?")
