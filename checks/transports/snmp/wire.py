"""A datagram as it must be read before gufo-snmp may have it. No I/O; every fault is a `Malformed`.

gufo-snmp 0.13 gives values only: not the error status beside them (RFC 3416, section 4.1), not which of the three
exceptions stands for a missing value, not which report an SNMPv3 engine sent, and it does not check the signature of
a reply (RFC 3414, section 6.3.2). Those few octets are read here; and the values too (`rows`) of replies to questions
that gufo-snmp cannot put.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import lru_cache

from checks.transports.snmp.errors import Malformed
from checks.transports.snmp.values import Missing, Value

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
_LARGEST_PART = 2**32 - 1
"""The largest number in an OID (RFC 2578, section 3.5)."""
_LARGEST = {0x41: 2**32 - 1, 0x42: 2**32 - 1, 0x43: 2**32 - 1, 0x46: 2**64 - 1, 0x47: 2**32 - 1}
"""The largest number of each unsigned type."""
_TEXTS = (0x04, 0x44)
_ADDRESS = 0x40
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


Place = tuple[int, int, int, int]
"""Where in a datagram a binding's name begins and ends, and its value."""
Row = tuple[str, tuple[int, ...], Value]
"""A binding: its OID as text, the same as numbers, and its value."""


@dataclass(frozen=True, slots=True)
class Response:
    """The skeleton of a response PDU (RFC 3416, section 3): its error status, and the type of each binding's value."""

    status: int
    """0 is noError, 1 tooBig, 2 noSuchName, 5 genErr, 16 authorizationError."""
    types: list[int]
    places: list[Place] = field(default_factory=list, compare=False)
    number: int = field(default=0, compare=False)
    """The request's."""
    data: bytes = field(default=b"", compare=False)
    """The octets that the places refer to."""

    @property
    def nulls(self) -> tuple[str, ...]:
        """The OIDs of the bindings that are NULL, which gufo-snmp leaves out of a walk without a word."""
        if _NULL not in self.types:
            return ()
        places = zip(self.types, self.places, strict=True)
        return tuple(_dotted(self.data[first:stop]) for tag, (first, stop, _, _) in places if tag == _NULL)

    def missing(self) -> list[Missing | None]:
        """For each variable binding, in order, why there is no value; None where there is one."""
        return [_MISSING.get(type_) for type_ in self.types]


def response(pdu: Span) -> Response:
    """Check a whole response PDU, every length and type in it, and give its skeleton. Raises Malformed.

    gufo-snmp takes a value that is shorter than its binding for whole, and panics on lengths beyond the datagram.
    """
    data, at, end = pdu
    try:
        start, at = _expect(data, at, end, _INTEGER)
        if not 1 <= at - start <= 5:
            raise Malformed("the reply has a request number that cannot be")
        number = int.from_bytes(data[start:at], signed=True)
        start, at = _expect(data, at, end, _INTEGER)
        status = data[start] if at - start == 1 else -1
        _, at = _expect(data, at, end, _INTEGER)
        at, stop = _expect(data, at, end, _SEQUENCE)
        if stop != end or status < 0:
            raise Malformed("the reply goes on where it should end, or has no error status")
        types, places = _bindings(data, at, end)
        return Response(status, types, places, number, data)
    except IndexError:
        raise Malformed("the reply is cut short") from None


def _bindings(data: bytes, at: int, end: int) -> tuple[list[int], list[Place]]:
    """The value types of a list of variable bindings, and where they are; the loop that costs most, so short lengths
    are read in place."""
    types: list[int] = []
    places: list[Place] = []
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
        places.append((start + 2, value, body, last))
        at = stop
    return types, places


def rows(response: Response) -> list[Row]:
    """Every binding of a response, in order. Raises Malformed."""
    data = response.data
    found = []
    for tag, (first, stop, body, last) in zip(response.types, response.places, strict=True):
        oid, numbers = _named(data[first:stop])
        found.append((oid, numbers, _value(tag, data[body:last])))
    return found


def _value(tag: int, body: bytes) -> Value:
    """A value whose type and length `_bindings` has found to be possible.

    Agents leave out the leading zero octet of counters and gauges; every manager reads them as unsigned.
    """
    if tag == _INTEGER:
        return int.from_bytes(body, signed=True)
    if tag in _LARGEST:
        number = int.from_bytes(body)
        if number > _LARGEST[tag]:
            raise Malformed(f"the reply has a value of type 0x{tag:02x} that is larger than its type")
        return number
    if tag in _TEXTS:
        return body
    if tag == _OID:
        return _dotted(body)
    if tag == _ADDRESS:
        return ".".join(map(str, body))
    return _MISSING[tag]


@lru_cache(maxsize=8192)
def _named(body: bytes) -> tuple[str, tuple[int, ...]]:
    """An OID as text and as numbers; the same few come at every poll. Raises Malformed."""
    numbers = _parts(body)
    return ".".join(map(str, numbers)), numbers


def _dotted(body: bytes) -> str:
    return ".".join(map(str, _parts(body)))


def _parts(body: bytes) -> tuple[int, ...]:
    """The numbers of an OID (X.690, section 8.19). Raises Malformed."""
    parts, part = [], 0
    for octet in body:
        part = part << 7 | octet & 0x7F
        if not octet & 0x80:
            parts.append(part)
            part = 0
    if not parts:
        raise Malformed("the reply has an OID without numbers")
    head = min(parts[0] // 40, 2)
    numbers = (head, parts[0] - 40 * head, *parts[1:])
    if max(numbers) > _LARGEST_PART:
        raise Malformed("the reply has an OID with a number of more than 32 bits")
    return numbers


def community_of(data: bytes) -> tuple[int, bytes]:
    """Version number (0 is v1, 1 is v2c) and community of such a message."""
    at, end = _expect(data, 0, len(data), _SEQUENCE)
    start, at = _expect(data, at, end, _INTEGER)
    version = int.from_bytes(data[start:at])
    start, at = _expect(data, at, end, _OCTETS)
    return version, data[start:at]


def community_pdu(data: bytes) -> Span:
    """The response PDU of a v1 or v2c message (RFC 1157, section 4; RFC 1901, section 3)."""
    at, end = whole(data)
    _, at = _expect(data, at, end, _INTEGER)
    _, at = _expect(data, at, end, _OCTETS)
    return _response(data, at, end)


def whole(data: bytes) -> tuple[int, int]:
    """Where the contents of the one message in a datagram begin and end (RFC 3417, section 3.1)."""
    at, end = _expect(data, 0, len(data), _SEQUENCE)
    if end != len(data):
        raise Malformed("the reply goes on after its end")
    return at, end


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
