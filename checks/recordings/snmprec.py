"""The form `OID|type|value`, as snmpsim and others write it, with what Ridgeway adds in comments.

Types are the numbers of BER, with `x` after them where the value is hexadecimal. A line that begins with `#` is a
comment to everybody else; `#ridgeway KEY VALUE` says when and for which checks the recording was taken, what was asked,
what was answered with an error, and what was not read to its end, without which a cut walk would look like a whole one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address

from checks.contract import Reason
from checks.recordings.recording import (
    DOTTED,
    NUMBERS,
    OCTETS,
    TAGS,
    Recorded,
    RecordedCheck,
    Recording,
    RecordingError,
    ordered,
)
from checks.transports.snmp.tags import TAG_ADDRESS, TAG_NULL, TAG_OID

VERSION = 1
_MARK = "#ridgeway "
_LINE = re.compile(r"\.?([0-9]{1,10}(?:\.[0-9]{1,10}){1,127})\|([0-9]{1,3})(x?)\|(.*)", re.DOTALL)
_DOTTED = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10}){0,127}")
_OID = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10}){0,127}")
_LARGEST_PART = 2**32 - 1
_LARGEST_NUMBER = 2**64 - 1
_DIGITS = frozenset("012.")
_LONGEST_OCTETS = 65_535
_MOST_ODDITIES = 20
_MOST_ROOTS = 10_000


def looks_like_it(line: str) -> bool:
    """Whether a line is of this form."""
    return line.startswith(_MARK) or _LINE.fullmatch(line) is not None


def written(recording: Recording) -> Iterator[str]:
    """The lines of a recording, without line ends."""
    yield f"{_MARK}recording {VERSION}"
    if recording.at is not None:
        yield f"{_MARK}at {datetime.fromtimestamp(recording.at, UTC).isoformat()}"
    for check in recording.checks:
        said = {"name": check.name, "options": check.options, "expect_empty": list(check.expect_empty)}
        if check.kind != "snmp":
            said["kind"] = check.kind
        yield f"{_MARK}check {json.dumps(said, ensure_ascii=True, separators=(',', ':'))}"
    yield from (f"{_MARK}asked {oid}" for oid in recording.asked)
    yield from (f"{_MARK}error {oid}" for oid in recording.errors)
    yield from (f"{_MARK}cut {oid} {reason.value}" for oid, reason in recording.cut.items())
    for oid, recorded in recording.values.items():
        yield f"{oid}|{_spelt(recorded)}"


def _spelt(recorded: Recorded) -> str:
    value = recorded.value
    if isinstance(value, bytes):
        text = value.decode("ascii", "replace")
        plain = value.isascii() and text.isprintable() and text == text.strip() and recorded.tag in OCTETS
        return f"{recorded.tag}|{text}" if plain else f"{recorded.tag}x|{value.hex()}"
    return f"{recorded.tag}|{'' if value is None else value}"


def read(lines: Iterable[str], roots: tuple[str, ...] = ()) -> Recording:
    """The recording in these lines. What cannot be read is passed over and named; nothing readable is an error.

    With `roots` only OIDs that begin with one of them are held. Of an OID that occurs twice the later value counts, as
    everywhere. Raises RecordingError.
    """
    notes = _Notes()
    values: dict[str, Recorded] = {}
    passed = False
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r\n")
        if line.startswith(_MARK):
            notes.take(number, line.removeprefix(_MARK))
        elif line.strip() and not line.startswith("#"):
            if roots and line[:1] in _DIGITS and not line.lstrip(".").startswith(roots):
                passed = True
                continue
            try:
                oid, recorded = _parsed(line)
            except ValueError as error:
                notes.odd(f"line {number}: {error}")
            else:
                values[oid] = recorded
    if not values and not notes.asked and not passed:
        raise RecordingError("there is no value in it")
    return notes.recording(ordered(values))


class _Notes:
    """What the comments say."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._at: float | None = None
        self._checks: list[RecordedCheck] = []
        self._errors: list[str] = []
        self._cut: dict[str, Reason] = {}
        self._oddities: list[str] = []

    def odd(self, text: str) -> None:
        if len(self._oddities) < _MOST_ODDITIES:
            self._oddities.append(text)

    def take(self, number: int, text: str) -> None:
        """One comment. One that cannot be read is refused: without it the recording might look better than it is."""
        key, _, value = text.partition(" ")
        try:
            self._take(key, value.strip())
        except (ValueError, KeyError, TypeError, RecursionError):
            raise RecordingError(
                f"line {number}: '#ridgeway {key[:20]}' cannot be read; mend the line, or take all #ridgeway lines out"
            ) from None

    def _take(self, key: str, value: str) -> None:
        if len(self.asked) + len(self._errors) + len(self._cut) + len(self._checks) > _MOST_ROOTS:
            raise ValueError
        if key == "recording" and value != str(VERSION):
            raise RecordingError(f"it is a recording of version {value[:10]}; this Ridgeway reads version {VERSION}")
        if key == "at":
            self._at = datetime.fromisoformat(value).timestamp()
        elif key == "check":
            said = json.loads(value)
            options, empty = said["options"], said["expect_empty"]
            kind = said.get("kind", "snmp")
            names = (said["name"], kind, *empty)
            if not isinstance(options, dict) or not all(isinstance(n, str) and n.isprintable() for n in names):
                raise ValueError
            self._checks.append(RecordedCheck(said["name"][:63], options, tuple(empty), kind[:63]))
        elif key == "asked":
            self.asked.append(_oid(value))
        elif key == "error":
            self._errors.append(_oid(value))
        elif key == "cut":
            oid, _, reason = value.partition(" ")
            self._cut[_oid(oid)] = Reason(reason)
        elif key != "recording":
            raise ValueError

    def recording(self, values: dict[str, Recorded]) -> Recording:
        return Recording(
            values, self._at, tuple(self._checks), tuple(self.asked), tuple(self._errors), self._cut,
            oddities=tuple(self._oddities),
        )  # fmt: skip


def _oid(text: str) -> str:
    if not _OID.fullmatch(text) or any(int(part) > _LARGEST_PART for part in text.split(".")):
        raise ValueError
    return text


def _parsed(line: str) -> tuple[str, Recorded]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("not of the form OID|type|value")
    try:
        oid = ".".join(str(int(part)) for part in _oid(found[1]).split("."))
    except ValueError:
        raise ValueError("an OID part is larger than 32 bits") from None
    tag, in_hex, text = int(found[2]), bool(found[3]), found[4]
    if tag not in TAGS:
        raise ValueError(f"{tag} is no SNMP type")
    return oid, Recorded(tag, _value(tag, in_hex, text))


def _value(tag: int, in_hex: bool, text: str) -> int | str | bytes | None:
    if tag == TAG_NULL:
        return None
    if tag in NUMBERS:
        try:
            number = int(text, 16 if in_hex else 10)
        except ValueError:
            raise ValueError("no number where one belongs") from None
        if abs(number) > _LARGEST_NUMBER:
            raise ValueError("a number of more than 64 bits")
        return number
    raw = _octets(text) if in_hex else text.encode("utf-8", "surrogateescape")
    if len(raw) > _LONGEST_OCTETS:
        raise ValueError("more than 65,535 octets")
    if tag == TAG_ADDRESS:
        # snmpsim writes four printable octets as they are: `hSh1` is 104.83.104.49.
        try:
            return str(IPv4Address(raw if in_hex or len(raw) == 4 else text.strip()))
        except ValueError:
            raise ValueError("no IPv4 address where one belongs") from None
    if tag == TAG_OID:
        dotted = text.strip().lstrip(".")
        if in_hex or not _DOTTED.fullmatch(dotted):
            raise ValueError("an OID as value that cannot be read")
        return dotted
    assert tag in OCTETS or tag in DOTTED
    return raw


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError("not hexadecimal") from None
