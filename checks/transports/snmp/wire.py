"""The little of a datagram that must be read before gufo-snmp may have it. No I/O; every fault is a `Malformed`.

gufo-snmp 0.13 gives values only: not the error status beside them (RFC 3416, section 4.1), not which of the three
exceptions stands for a missing value, not which report an SNMPv3 engine sent, and it does not check the signature of
a reply (RFC 3414, section 6.3.2). Those few octets are read here.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from checks.transports.snmp.errors import Malformed
from checks.transports.snmp.values import Missing

_SEQUENCE = 0x30
_INTEGER = 0x02
_OCTETS = 0x04
_OID = 0x06
_NULL = 0x05
_REPORT = 0xA8
_RESPONSE = 0xA2
_MISSING = {0x80: Missing.OBJECT, 0x81: Missing.INSTANCE, 0x82: Missing.END, 0x05: Missing.NULL}
_LENGTHS = {
    0x02: range(1, 9), 0x04: range(65_536), 0x06: range(1, 640), 0x40: range(4, 5), 0x41: range(1, 6),
    0x42: range(1, 6), 0x43: range(1, 6), 0x44: range(65_536), 0x46: range(1, 10), 0x47: range(1, 6),
    0x05: range(1), 0x80: range(1), 0x81: range(1), 0x82: range(1),
}  # fmt: skip
"""How many octets a value of each type may have (RFC 2578, section 7.1; integers of BER have at least one)."""
_FIRST_MISREAD = 120
"""First octet of an OID from 2.40 on, which gufo-snmp takes for 3.0 and so on; no SNMP object begins so."""
_USM_STATS = bytes((0x2B, 6, 1, 6, 3, 15, 1, 1))
"""1.3.6.1.6.3.15.1.1, the counters a report carries (RFC 3414, section 5)."""


def element(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, first and last-plus-one octet of the contents of the element at `at`, wholly before `end`."""
    if at + 2 > end:
        raise Malformed("the reply ends in the middle of an element")
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        if not 1 <= octets <= 3 or start + octets > end:
            raise Malformed("the reply has a length that cannot be")
        length = int.from_bytes(data[start : start + octets])
        start += octets
    stop = start + length
    if stop > end:
        raise Malformed("the reply is cut short")
    return tag, start, stop


def _expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    found, start, stop = element(data, at, end)
    if found != tag:
        raise Malformed(f"the reply has an element of type 0x{found:02x} where 0x{tag:02x} belongs")
    return start, stop


Span = tuple[bytes, int, int]
"""The contents of a response PDU: the octets it stands in, where it begins, where it ends."""


@dataclass(frozen=True, slots=True)
class Response:
    """The skeleton of a response PDU (RFC 3416, section 3): its error status, and the type of each binding's value."""

    status: int
    """0 is noError, 1 tooBig, 2 noSuchName, 5 genErr, 16 authorizationError."""
    types: list[int]
    nulls: tuple[str, ...] = ()
    """The OIDs of the bindings that are NULL, which gufo-snmp leaves out of a walk without a word."""

    def missing(self) -> list[Missing | None]:
        """For each variable binding, in order, why there is no value; None where there is one."""
        return [_MISSING.get(type_) for type_ in self.types]


def response(pdu: Span) -> Response:
    """Check a whole response PDU, every length and type in it, and give its skeleton. Raises Malformed.

    gufo-snmp takes a value that is shorter than its binding for whole, and panics on lengths beyond the datagram.
    """
    data, at, end = pdu
    try:
        number, at = _expect(data, at, end, _INTEGER)
        if not 1 <= at - number <= 5:
            raise Malformed("the reply has a request number that cannot be")
        start, at = _expect(data, at, end, _INTEGER)
        status = data[start] if at - start == 1 else -1
        _, at = _expect(data, at, end, _INTEGER)
        at, stop = _expect(data, at, end, _SEQUENCE)
        if stop != end or status < 0:
            raise Malformed("the reply goes on where it should end, or has no error status")
        types = _bindings(data, at, end)
        return Response(status, types, _nulls(data, at, end) if _NULL in types else ())
    except IndexError:
        raise Malformed("the reply is cut short") from None


def _bindings(data: bytes, at: int, end: int) -> list[int]:
    """The value types of a list of variable bindings; the loop that costs most, so short lengths are read in place."""
    types: list[int] = []
    while at < end:
        if data[at] != _SEQUENCE:
            raise Malformed("the reply has something else in the place of a variable binding")
        length = data[at + 1]
        if length < 0x80:
            start, stop = at + 2, at + 2 + length
        else:
            _, start, stop = element(data, at, end)
        value = start + 2 + data[start + 1]
        if stop > end or data[start] != _OID or data[start + 1] & 0x80 or value >= stop or data[value - 1] & 0x80:
            # 127 octets hold any OID of practice: the long form of its length is none.
            raise Malformed("the reply has a variable binding without a name")
        tag, length = data[value], data[value + 1]
        if length < 0x80:
            body, last = value + 2, value + 2 + length
        else:
            _, body, last = element(data, value, stop)
        lengths = _LENGTHS.get(tag)
        if last != stop or lengths is None or last - body not in lengths:
            raise Malformed(f"the reply has a value of type 0x{tag:02x} and {last - body} octets, which cannot be")
        if tag == _OID and (data[last - 1] & 0x80 or data[body] >= _FIRST_MISREAD):
            raise Malformed("the reply has an OID that cannot be read")
        types.append(tag)
        at = stop
    return types


def _nulls(data: bytes, at: int, end: int) -> tuple[str, ...]:
    """The names of the bindings whose value is NULL, of a list that `_bindings` has found whole."""
    names = []
    while at < end:
        _, start, at = element(data, at, end)
        _, first, stop = element(data, start, at)
        if data[stop] == _NULL:
            names.append(_dotted(data[first:stop]))
    return tuple(names)


def _dotted(body: bytes) -> str:
    """An OID of SNMP, which begins with 0, 1 or 2.0 to 2.39 (X.690, section 8.19)."""
    parts, part = [], 0
    for octet in body:
        part = part << 7 | octet & 0x7F
        if not octet & 0x80:
            parts.append(part)
            part = 0
    head = divmod(parts[0], 40)
    return ".".join(map(str, (*head, *parts[1:])))


def community_pdu(data: bytes) -> Span:
    """The response PDU of a v1 or v2c message (RFC 1157, section 4; RFC 1901, section 3)."""
    at, end = _expect(data, 0, len(data), _SEQUENCE)
    _, at = _expect(data, at, end, _INTEGER)
    _, at = _expect(data, at, end, _OCTETS)
    return _response(data, at, end)


def scoped_pdu(data: bytes, where: tuple[int, int] | None) -> Span:
    """The response PDU of a plain scoped PDU, which fills `where`, or begins `data` (RFC 3412, section 6.8)."""
    at, end = where or (0, len(data))
    at, end = _expect(data, at, end, _SEQUENCE)
    _, at = _expect(data, at, end, _OCTETS)
    _, at = _expect(data, at, end, _OCTETS)
    return _response(data, at, end)


def octets(data: bytes, where: tuple[int, int]) -> tuple[int, int]:
    """Where the contents of the octet string at `where` begin and end."""
    return _expect(data, *where, _OCTETS)


def _response(data: bytes, at: int, end: int) -> Span:
    tag, start, stop = element(data, at, end)
    if tag != _RESPONSE or stop != end:
        raise Malformed(f"the reply is a PDU of type 0x{tag:02x}, or goes on after it")
    return data, start, stop


@dataclass(frozen=True, slots=True)
class Secured:
    """The head of an SNMPv3 message (RFC 3412, section 6; RFC 3414, section 2.4)."""

    authenticated: bool
    encrypted: bool
    engine_id: bytes
    boots: int
    time: int
    user: bytes
    signature: tuple[int, int]
    """Where msgAuthenticationParameters begins and ends."""
    salt: bytes
    """msgPrivacyParameters."""
    data: tuple[int, int]
    """Where msgData begins and ends."""
    report: int | None
    """Which usmStats counter a readable report carries, else None."""


def secured(data: bytes) -> Secured:
    """Read the head of an SNMPv3 message."""
    at, end = _expect(data, 0, len(data), _SEQUENCE)
    _, at = _expect(data, at, end, _INTEGER)
    head, at = _expect(data, at, end, _SEQUENCE)
    _, flags_at = _expect(data, head, at, _INTEGER)
    _, flags_at = _expect(data, flags_at, at, _INTEGER)
    start, stop = _expect(data, flags_at, at, _OCTETS)
    if stop - start != 1:
        raise Malformed("the reply has message flags that are not one octet")
    flags = data[start]
    start, at = _expect(data, at, end, _OCTETS)
    inner, inner_end = _expect(data, start, at, _SEQUENCE)
    engine = _expect(data, inner, inner_end, _OCTETS)
    boots = _expect(data, engine[1], inner_end, _INTEGER)
    time = _expect(data, boots[1], inner_end, _INTEGER)
    user = _expect(data, time[1], inner_end, _OCTETS)
    signature = _expect(data, user[1], inner_end, _OCTETS)
    salt = _expect(data, signature[1], inner_end, _OCTETS)
    encrypted = bool(flags & 2)
    return Secured(
        authenticated=bool(flags & 1),
        encrypted=encrypted,
        engine_id=data[slice(*engine)],
        boots=int.from_bytes(data[slice(*boots)], signed=True),
        time=int.from_bytes(data[slice(*time)], signed=True),
        user=data[slice(*user)],
        signature=signature,
        salt=data[slice(*salt)],
        data=(at, end),
        report=None if encrypted else _report(data, at, end),
    )


def _report(data: bytes, at: int, end: int) -> int | None:
    at, end = _expect(data, at, end, _SEQUENCE)
    _, at = _expect(data, at, end, _OCTETS)
    _, at = _expect(data, at, end, _OCTETS)
    tag, at, end = element(data, at, end)
    if tag != _REPORT:
        return None
    for _ in range(3):
        _, at = _expect(data, at, end, _INTEGER)
    at, end = _expect(data, at, end, _SEQUENCE)
    at, end = _expect(data, at, end, _SEQUENCE)
    start, stop = _expect(data, at, end, _OID)
    name = data[start:stop]
    return name[8] if len(name) > 8 and name.startswith(_USM_STATS) else 0


def signed_by(data: bytes, head: Secured, key: bytes, digest: str, length: int) -> bool:
    """Whether the message carries the HMAC of `key` in its first `length` octets (RFC 3414, 6.3.2; RFC 7860, 4.2.2)."""
    start, stop = head.signature
    if stop - start != length:
        return False
    blank = data[:start] + bytes(length) + data[stop:]
    return hmac.compare_digest(hmac.digest(key, blank, digest)[:length], data[start:stop])
