"""Our own SNMP engine (RFC 3411, section 3.1.1.1), which takes informs: its id, its clock, and what it answers."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from checks.transports.snmp import wire
from checks.transports.snmp.credentials import User
from checks.transports.snmp.v3 import privacy_key

_ENTERPRISE = 20408
"""pysnmp's enterprise number: Ridgeway has none of its own, and takes notifications by pysnmp."""
_OCTETS = 5
"""The format of an engine id whose rest is octets chosen by an administrator (SNMP-FRAMEWORK-MIB)."""
_EPOCH = 1_767_225_600
"""2026-01-01. Boots are the seconds since then: they rise with every start, without being kept anywhere."""
_LARGEST_MESSAGE = 65_507
_STATISTICS = bytes.fromhex("2b060106030f0101")
"""1.3.6.1.6.3.15.1.1, the counters that a report carries (RFC 3414, section 5)."""
NOT_IN_TIME = 2
UNKNOWN_ENGINE = 4
_BLOCK = 16


def engine_id(seed: str) -> bytes:
    """An engine id that is the same for the same seed."""
    return (0x8000_0000 | _ENTERPRISE).to_bytes(4) + bytes((_OCTETS,)) + sha256(seed.encode()).digest()[:12]


class Engine:
    """What devices that send SNMPv3 informs call the authoritative engine."""

    def __init__(self, identity: bytes, started: float, monotonic: Callable[[], float]) -> None:
        """`started` is the wall clock's reading now, in Unix seconds."""
        self.id = identity
        self.boots = max(1, min(int(started) - _EPOCH, 2**31 - 2))
        self._monotonic = monotonic
        self._began = monotonic()
        self._reported = {NOT_IN_TIME: 0, UNKNOWN_ENGINE: 0}

    @property
    def time(self) -> int:
        """Seconds since the start."""
        return int(self._monotonic() - self._began)

    def report(self, message: int, statistic: int, user: User | None = None) -> bytes:
        """The report (RFC 3414, section 3.2) that answers message number `message`; signed when a user is given."""
        self._reported[statistic] += 1
        name = tlv(0x06, _STATISTICS, bytes((statistic, 0)))
        binding = tlv(0x30, name, _number(self._reported[statistic], 0x41))
        pdu = tlv(0xA8, _number(0), _number(0), _number(0), tlv(0x30, binding))
        signer = User(user.name, user.auth, user.auth_key) if user is not None else User("")
        return self._message(message, signer, tlv(0x30, tlv(0x04, self.id), tlv(0x04), pdu))

    def acknowledgement(self, message: int, user: User, scoped: bytes, pdu_at: int) -> bytes:
        """The response to an inform, as secure as that was: the same scoped PDU with another tag (RFC 3416, 4.2.7)."""
        return self._message(message, user, as_response(scoped, pdu_at))

    def _message(self, number: int, user: User, scoped: bytes) -> bytes:
        boots, time = self.boots, self.time
        flags, salt = 0, b""
        if user.privacy is not None:
            salt = os.urandom(8)
            vector = boots.to_bytes(4) + time.to_bytes(4) + salt
            scoped = tlv(0x04, _encrypted(scoped, privacy_key(user, self.id), vector))
            flags = 2
        length = 0
        if user.auth is not None:
            length = user.auth.signature_length
            flags |= 1
        header = tlv(0x30, _number(number), _number(_LARGEST_MESSAGE), tlv(0x04, bytes((flags,))), _number(3))
        security = tlv(
            0x30, tlv(0x04, self.id), _number(boots), _number(time), tlv(0x04, user.name.encode()),
            tlv(0x04, bytes(length)), tlv(0x04, salt),
        )  # fmt: skip
        message = tlv(0x30, _number(3), header, tlv(0x04, security), scoped)
        if user.auth is None:
            return message
        start, stop = wire.secured(message).signature
        return message[:start] + _signature(message, user, self.id) + message[stop:]


def as_response(message: bytes, pdu_at: int) -> bytes:
    """An inform turned into its acknowledgement: request number and bindings stay, the PDU's tag changes."""
    return message[:pdu_at] + b"\xa2" + message[pdu_at + 1 :]


def tlv(tag: int, *parts: bytes) -> bytes:
    """An element of BER."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    octets = (size.bit_length() + 7) // 8
    return bytes((tag, 0x80 | octets)) + size.to_bytes(octets) + body


def _signature(message: bytes, user: User, identity: bytes) -> bytes:
    """The HMAC of a message whose signature is still blank (RFC 3414, section 6.3.1; RFC 7860, section 4.2.1)."""
    assert user.auth is not None  # for mypy
    return hmac.digest(user.signing_key(identity), message, user.auth.digest)[: user.auth.signature_length]


def _number(value: int, tag: int = 0x02) -> bytes:
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, signed=True))


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
