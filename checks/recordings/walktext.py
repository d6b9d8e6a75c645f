"""What Net-SNMP's `snmpwalk -On` (better: `-One`) prints: `.OID = TYPE: value`, the way most people have a walk.

Values may go on over several lines (texts, Hex-STRING). A line that says that the walk broke off is believed: what
would have come after it is then not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address

from checks.recordings.recording import Recorded, Recording, RecordingError, ordered
from checks.transports.snmp.tags import (
    TAG_ADDRESS,
    TAG_COUNTER,
    TAG_COUNTER64,
    TAG_GAUGE,
    TAG_INTEGER,
    TAG_NULL,
    TAG_OCTETS,
    TAG_OID,
    TAG_OPAQUE,
    TAG_TICKS,
)

_BEGIN = re.compile(r"(?:\.?iso|\.?1)((?:\.[0-9]{1,10}){1,127}) = (.*)", re.DOTALL)
_SYMBOLIC = re.compile(r"[A-Za-z][\w-]*::\S+ = ")
_TYPED = re.compile(r"([A-Za-z][\w -]*?): ?(.*)", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,20}")
_ENUMERATED = re.compile(r"\w[\w-]*\((-?[0-9]{1,10})\)")
_TICKS = re.compile(r"\(([0-9]{1,10})\)|([0-9]{1,10})")
_HEX = re.compile(r"[0-9A-Fa-f]{2}(?:[\s:]+[0-9A-Fa-f]{2})*")
_OID = re.compile(r"(?:\.?iso|\.?[0-9]{1,10})(?:\.[0-9]{1,10}){0,127}")
_WRONG = "Wrong Type (should be"
_BROKEN = ("Timeout: No Response", "Error in packet", "Error: OID not increasing", "snmpwalk: ", "snmpbulkwalk: ")
_NOTHING = ("No Such Object", "No Such Instance", "No more variables left")
_COUNTING = {
    "INTEGER": TAG_INTEGER, "Counter32": TAG_COUNTER, "Gauge32": TAG_GAUGE, "Unsigned32": TAG_GAUGE,
    "Counter64": TAG_COUNTER64, "UInteger32": TAG_GAUGE,
}  # fmt: skip
_LARGEST_PART = 2**32 - 1
_LARGEST_NUMBER = 2**64 - 1
_LONGEST = 65_535 * 4
_MOST_ODDITIES = 20


def looks_like_it(line: str) -> bool:
    """Whether a line is of this form, or of the one with names in the place of numbers."""
    return _BEGIN.fullmatch(line) is not None or _SYMBOLIC.match(line) is not None


def read(lines: Iterable[str], roots: tuple[str, ...] = ()) -> Recording:
    """The recording in these lines; with `roots` only OIDs that begin with one of them are held. Raises RecordingError.

    What is passed over is read all the same: the walk may break off there.
    """
    values: dict[str, Recorded] = {}
    oddities: list[str] = []
    last, broken = "", False
    for number, text in _joined(lines):
        if any(text.startswith(words) for words in _BROKEN):
            broken = True
            continue
        if _SYMBOLIC.match(text):
            raise RecordingError(
                f"line {number}: it has names instead of numbers; walk again with snmpwalk -One, which prints numbers"
            )
        try:
            found = _parsed(text)
        except ValueError as error:
            if len(oddities) < _MOST_ODDITIES:
                oddities.append(f"line {number}: {error}")
            continue
        if found is not None:
            last = found[0]
            if not roots or last.startswith(roots):
                values[last] = found[1]
    if not last:
        raise RecordingError("there is no value in it")
    return Recording(ordered(values), cut_after=last if broken else None, oddities=tuple(oddities))


def _joined(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Whole entries with the number of their first line."""
    began, text = 0, ""
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r\n")
        starts = _BEGIN.fullmatch(line) or _SYMBOLIC.match(line) or any(line.startswith(words) for words in _BROKEN)
        if starts or not text:
            if text:
                yield began, text
            began, text = number, line
        elif len(text) < _LONGEST:
            text += "\n" + line
    if text:
        yield began, text


def _parsed(text: str) -> tuple[str, Recorded] | None:
    """OID and value; None for an entry that says there is none. Raises ValueError."""
    found = _BEGIN.fullmatch(text)
    if found is None:
        raise ValueError("not of the form .OID = TYPE: value")
    oid = "1" + found[1]
    if any(int(part) > _LARGEST_PART for part in oid.split(".")):
        raise ValueError("an OID part is larger than 32 bits")
    said = found[2].strip()
    if any(said.startswith(words) for words in _NOTHING):
        return None
    if said.startswith(_WRONG):
        said = said.partition("): ")[2]
    if said.startswith('"'):
        return oid, Recorded(TAG_OCTETS, _text(said))
    if said == "NULL":
        return oid, Recorded(TAG_NULL, None)
    typed = _TYPED.fullmatch(said)
    if typed is None:
        raise ValueError("a value without its type; walk again without -Oq and -OQ")
    return oid, _value(typed[1], typed[2].strip())


def _value(kind: str, said: str) -> Recorded:
    if kind in _COUNTING:
        return Recorded(_COUNTING[kind], _number(said))
    if kind == "Timeticks":
        ticks = _TICKS.match(said)
        if ticks is None:
            raise ValueError("Timeticks without a number; walk again without -OS and -Ov formats")
        return Recorded(TAG_TICKS, int(ticks[1] or ticks[2]))
    if kind == "STRING":
        return Recorded(TAG_OCTETS, _text(said))
    if kind in ("Hex-STRING", "BITS", "Network Address"):
        # BITS are followed by the names of the bits, if the MIB is at hand.
        octets = _HEX.match(said)
        if said and octets is None:
            raise ValueError(f"{kind} without octets")
        return Recorded(TAG_OCTETS, bytes.fromhex(octets[0].replace(":", " ")) if octets else b"")
    if kind == "OID":
        if not _OID.fullmatch(said):
            raise ValueError("an OID with names as value; walk again with snmpwalk -One")
        return Recorded(TAG_OID, said.lstrip(".").replace("iso", "1"))
    if kind == "IpAddress":
        try:
            return Recorded(TAG_ADDRESS, str(IPv4Address(said)))
        except ValueError:
            raise ValueError("no IPv4 address where one belongs") from None
    if kind == "Opaque":
        return Recorded(TAG_OPAQUE, said.encode())
    raise ValueError(f"{kind[:30]} is no type this can be read of")


def _number(said: str) -> int:
    named = _ENUMERATED.match(said)
    found = _NUMBER.match(said)
    if named is None and found is None:
        raise ValueError("no number where one belongs; walk again with snmpwalk -One")
    number = int(named[1] if named else found[0] if found else 0)
    if abs(number) > _LARGEST_NUMBER:
        raise ValueError("a number of more than 64 bits")
    return number


def _text(said: str) -> bytes:
    """Quoted text with its escapes undone; without quotes (a display hint) as it stands."""
    if len(said) >= 2 and said.startswith('"') and said.endswith('"'):
        said = re.sub(r'\\(["\\])', r"\1", said[1:-1])
    return said.encode("utf-8", "surrogateescape")
