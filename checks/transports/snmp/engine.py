"""Our own SNMP engine (RFC 3411, section 3.1.1.1), which takes informs: its id, its clock, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from checks.transports.snmp.credentials import User
from checks.transports.snmp.encoding import Moment, by_user, number, scoped_pdu, tlv
from checks.transports.snmp.v3 import privacy_key

_ENTERPRISE = 20408
"""pysnmp's enterprise number: Ridgeway has none of its own, and takes notifications by pysnmp."""
_OCTETS = 5
"""The format of an engine id whose rest is octets chosen by an administrator (SNMP-FRAMEWORK-MIB)."""
_EPOCH = 1_767_225_600
"""2026-01-01. Boots are the seconds since then: they rise with every start, without being kept anywhere."""
_STATISTICS = bytes.fromhex("2b060106030f0101")
"""1.3.6.1.6.3.15.1.1, the counters that a report carries (RFC 3414, section 5)."""
NOT_IN_TIME = 2
UNKNOWN_ENGINE = 4


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
        binding = tlv(0x30, name, number(self._reported[statistic], 0x41))
        pdu = tlv(0xA8, number(0), number(0), number(0), tlv(0x30, binding))
        signer = User(user.name, user.auth, user.auth_key) if user is not None else User("")
        return self._message(message, signer, scoped_pdu(self.id, pdu))

    def acknowledgement(self, message: int, user: User, scoped: bytes, pdu_at: int) -> bytes:
        """The response to an inform, as secure as that was: the same scoped PDU with another tag (RFC 3416, 4.2.7)."""
        return self._message(message, user, as_response(scoped, pdu_at))

    def _message(self, message: int, user: User, scoped: bytes) -> bytes:
        moment = Moment(self.id, self.boots, self.time)
        return by_user(message, user, moment, user.signing_key(self.id), privacy_key(user, self.id), scoped)


def as_response(message: bytes, pdu_at: int) -> bytes:
    """An inform turned into its acknowledgement: request number and bindings stay, the PDU's tag changes."""
    return message[:pdu_at] + b"\xa2" + message[pdu_at + 1 :]
