"""SNMP messages of our own making (BER, X.690): what gufo-snmp cannot ask, and what it has no part in. No I/O."""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from checks.transports.snmp import wire
from checks.transports.snmp.credentials import User

_LARGEST_MESSAGE = 65_507
_BLOCK = 16
_AUTHENTICATED, _ENCRYPTED, _REPORTABLE = 1, 2, 4
"""msgFlags (RFC 3412, section 6.4)."""
_USM = 3
_V2C = b"\x02\x01\x01"
_NULL = b"\x05\x00"


@dataclass(frozen=True, slots=True)
class Moment:
    """An engine and its clock (RFC 3414, section 2.2)."""

    engine_id: bytes
    boots: int
    time: int


def tlv(tag: int, *parts: bytes) -> bytes:
    """An element of BER."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    octets = (size.bit_length() + 7) // 8
    return bytes((tag, 0x80 | octets)) + size.to_bytes(octets) + body


def number(value: int, tag: int = 0x02) -> bytes:
    """An INTEGER, or what is encoded as one."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, signed=True))


def bulk(request: int, repetitions: int, oids: Sequence[str]) -> bytes:
    """A GETBULK PDU (RFC 3416, section 4.2.3) for the `repetitions` objects that follow each OID."""
    bindings = b"".join(map(_asked, oids))
    return tlv(0xA5, number(request), number(0), number(repetitions), tlv(0x30, bindings))


@lru_cache(maxsize=4096)
def _asked(oid: str) -> bytes:
    """A variable binding without a value."""
    first, second, *rest = map(int, oid.split("."))
    body = bytearray()
    for part in (40 * first + second, *rest):
        octets = [part & 0x7F]
        while part := part >> 7:
            octets.append(0x80 | part & 0x7F)
        body += bytes(reversed(octets))
    return tlv(0x30, tlv(0x06, bytes(body)), _NULL)


def by_community(community: bytes, pdu: bytes) -> bytes:
    """A v2c message (RFC 1901, section 3)."""
    return tlv(0x30, _V2C, tlv(0x04, community), pdu)


def scoped_pdu(engine_id: bytes, pdu: bytes) -> bytes:
    """A scoped PDU without a context name (RFC 3412, section 6.8)."""
    return tlv(0x30, tlv(0x04, engine_id), tlv(0x04), pdu)


def by_user(
    message: int,
    user: User,
    moment: Moment,
    signing_key: bytes,
    privacy_key: bytes,
    scoped: bytes,
    *,
    reportable: bool = False,
) -> bytes:
    """The v3 message (RFC 3412, section 6) number `message` with a scoped PDU, as secure as the user demands.

    `moment` is that of the authoritative engine, to which both keys are localised.
    """
    flags, salt, length = _REPORTABLE if reportable else 0, b"", 0
    if user.privacy is not None:
        salt = os.urandom(8)
        vector = moment.boots.to_bytes(4) + moment.time.to_bytes(4) + salt
        scoped = tlv(0x04, _encrypted(scoped, privacy_key, vector))
        flags |= _ENCRYPTED
    if user.auth is not None:
        length = user.auth.signature_length
        flags |= _AUTHENTICATED
    header = tlv(0x30, number(message), number(_LARGEST_MESSAGE), tlv(0x04, bytes((flags,))), number(_USM))
    security = tlv(
        0x30, tlv(0x04, moment.engine_id), number(moment.boots), number(moment.time), tlv(0x04, user.name.encode()),
        tlv(0x04, bytes(length)), tlv(0x04, salt),
    )  # fmt: skip
    blank = tlv(0x30, number(3), header, tlv(0x04, security), scoped)
    if user.auth is None:
        return blank
    start, stop = wire.secured(blank).signature
    # The HMAC of the message whose signature is still blank (RFC 3414, section 6.3.1; RFC 7860, section 4.2.1).
    return blank[:start] + hmac.digest(signing_key, blank, user.auth.digest)[:length] + blank[stop:]


def _encrypted(data: bytes, key: bytes, vector: bytes) -> bytes:
    """AES-CFB128 (RFC 3826, section 3.1.3)."""
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - CFB is made of it
    found = bytearray()
    block = vector
    for at in range(0, len(data), _BLOCK):
        part = data[at : at + _BLOCK]
        block = bytes(one ^ other for one, other in zip(part, cipher.update(block), strict=False))
        found += block
    return bytes(found)
