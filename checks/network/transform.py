"""From what a device answered to what is judged: the fixed list of transforms. Pure; a value or a reason why not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from checks.network.text_date import text_date, us_date
from config.profiles import Transform

Answer = int | float | str | None
"""One value of an Observation: numbers, dotted OIDs and addresses, text, octets as `0x…`; None is "there is none"."""
Scalar = int | float | str
HEX = "0x"
_LONGEST_TEXT = 255
_LONGEST_HEX = 64
_NUMBER = re.compile(r"\s*([-+]?\d{1,18}(?:\.\d{1,9})?)")
_DOTTED = re.compile(r"\d+(\.\d+)+")
_DIGITS = re.compile(r"[0-9]{1,15}")
_WORD = 2**32
_UNITS = 9
"""EntitySensorDataScale: units(9)."""


class Unreadable(Exception):
    """The answer is there but is not what the profile says it is; the message says what it is, briefly."""


@lru_cache(maxsize=8192)
def spelt(octets: bytes) -> str:
    """Octets as text if they are printable UTF-8 (control characters removed, 255 at most), else as `0x…`."""
    cut = octets[: 4 * _LONGEST_TEXT].rstrip(b"\x00")
    try:
        text = cut.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(cut) < len(octets) and error.start >= len(cut) - 3:
            text = cut[: error.start].decode("utf-8")
        else:
            return as_hex(octets)
    if not text.isprintable():
        shown = "".join(character if character.isprintable() else " " for character in text)
        if len(shown.split()) == 0 or _mostly_control(text):
            return as_hex(octets)
        text = " ".join(shown.split())
    return text[:_LONGEST_TEXT]


def _mostly_control(text: str) -> bool:
    """Lines and tabs are text; a DateAndTime or a hardware address that happens to be UTF-8 is not."""
    return any(not character.isprintable() and character not in "\r\n\t" for character in text)


def as_hex(octets: bytes) -> str:
    """The first 64 octets, as hexadecimal text with 0x before it."""
    return HEX + octets[:_LONGEST_HEX].hex()


def transformed(transform: Transform, raw: Scalar, scale: float, at: float) -> float | str:
    """What `raw`, answered at `at` (Unix seconds), means. Raises Unreadable."""
    if transform is Transform.NUMBER:
        return _number(raw) * scale
    if transform is Transform.TEXT:
        return str(raw)
    if transform is Transform.BOOT_TIME:
        ticks = _number(raw)
        if ticks < 0:
            raise Unreadable(f"a time of {ticks}")
        return float(round(at - ticks / 100))
    if transform is Transform.UNSIGNED:
        number = _number(raw)
        return (number + _WORD if -_WORD < number < 0 else number) * scale
    if transform is Transform.NUMBER_TEXT:
        return _number_text(raw) * scale
    if transform is Transform.EPOCH:
        # APIs write it as text, too.
        return float(raw) if isinstance(raw, str) and _DIGITS.fullmatch(raw) else float(_number(raw))
    if transform is Transform.EPOCH_MILLISECONDS:
        return _number(raw) / 1000
    if transform is Transform.DATE_AND_TIME:
        return _date_and_time(raw)
    if transform in (Transform.TEXT_DATE, Transform.US_DATE):
        read = us_date if transform is Transform.US_DATE else text_date
        moment = read(raw) if isinstance(raw, str) else None
        if moment is None:
            raise Unreadable(f"{_shown(raw)} where a date belongs")
        return moment
    if transform is Transform.OID:
        if isinstance(raw, str) and _DOTTED.fullmatch(raw):
            return raw
        raise Unreadable(f"{_shown(raw)} where an OID belongs")
    if isinstance(raw, str) and raw.startswith(HEX):
        return raw
    if isinstance(raw, str):
        return as_hex(raw.encode())
    raise Unreadable(f"{_shown(raw)} where octets belong")


def decimal(value: float, scale: float, precision: float) -> float:
    """A sensor's value in its unit (RFC 3433, EntitySensorDataScale and EntitySensorPrecision). Raises Unreadable."""
    if not (1 <= scale <= 17 and -8 <= precision <= 9 and scale == int(scale) and precision == int(precision)):
        raise Unreadable(f"a value of scale {scale:g} and precision {precision:g}, which cannot be")
    power = 3 * (int(scale) - _UNITS) - int(precision)
    # Dividing by a power of ten is exact to the last digit, multiplying by a negative one is not.
    return value * 10.0**power if power >= 0 else value / 10.0**-power


def _number(raw: Scalar) -> int | float:
    if isinstance(raw, str):
        raise Unreadable(f"{_shown(raw)} where a number belongs")
    if raw != raw or raw in (float("inf"), float("-inf")):
        raise Unreadable(f"{raw} where a number belongs")
    return raw


def _number_text(raw: Scalar) -> float:
    if not isinstance(raw, str):
        return _number(raw)
    found = _NUMBER.match(raw)
    if found is None:
        raise Unreadable(f"{_shown(raw)} where a number belongs")
    return float(found[1])


def _date_and_time(raw: Scalar) -> float:
    """SNMPv2-TC: year (2), month, day, hour, minutes, seconds, deci-seconds, and perhaps direction, hours, minutes."""
    octets = _octets(raw)
    if len(octets) not in (8, 11):
        raise Unreadable(f"{_shown(raw)} where a date belongs")
    year, (month, day, hour, minute, second, tenth) = int.from_bytes(octets[:2]), octets[2:8]
    try:
        # A leap second (60) is counted as the one before it, as POSIX time does.
        moment = datetime(year, month, day, hour, minute, min(second, 59), tenth * 100_000, UTC).timestamp()
    except ValueError:
        raise Unreadable(f"{_shown(raw)} is no date") from None
    if len(octets) == 8:
        return moment
    direction, hours, minutes = octets[8:]
    if direction not in (0x2B, 0x2D) or hours > 14 or minutes > 59:
        raise Unreadable(f"{_shown(raw)} has no time zone that could be")
    offset = hours * 3600 + minutes * 60
    return moment - offset if direction == 0x2B else moment + offset


def _octets(raw: Scalar) -> bytes:
    if isinstance(raw, str) and raw.startswith(HEX):
        try:
            return bytes.fromhex(raw.removeprefix(HEX))
        except ValueError:
            return b""
    return raw.encode() if isinstance(raw, str) else b""


def _shown(raw: Scalar) -> str:
    text = str(raw)
    return repr(text if len(text) <= 40 else text[:37] + "…")
