"""Performance data: `'label'=value[UOM];[warn];[crit];[min];[max]`, parted by spaces.

Lenient where plug-ins in the field are (numbers with a comma, units that the guidelines do not know), and strict where
leniency would invent a number. What is not understood is counted, never guessed.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

MOST_VALUES = 64
LONGEST_LABEL = 100
LONGEST_UNIT = 16
_MOST_LOST = 256
"""Parts not understood after which no more is read: what has so many is no performance data."""

_NUMBER = r"[-+]?(?:\d{1,40}(?:\.\d{0,40}|,\d{1,40})?|[.,]\d{1,40})(?:[eE][-+]?\d{1,3})?"
_VALUE = re.compile(rf"({_NUMBER}|U)([^\s;\d.,=][^\s;=]{{0,40}})?", re.ASCII)
_RANGE = re.compile(rf"(@)?(?:(~|{_NUMBER})?:)?({_NUMBER})?", re.ASCII)
_BYTES = ("B", "KB", "MB", "GB", "TB", "PB", "EB")
_SCALES: dict[str, tuple[str, float]] = {
    "": ("", 1.0),
    "s": ("seconds", 1.0),
    "ms": ("seconds", 1e-3),
    "us": ("seconds", 1e-6),
    "µs": ("seconds", 1e-6),
    "μs": ("seconds", 1e-6),
    "ns": ("seconds", 1e-9),
    "%": ("ratio", 0.01),
    **{unit: ("bytes", 1024.0**power) for power, unit in enumerate(_BYTES)},
    **{f"{unit[0]}iB": ("bytes", 1024.0**power) for power, unit in enumerate(_BYTES) if power},
}
"""Units of the guidelines to base units. KB is 1024 octets: that is how the plug-ins that print it count."""


@dataclass(frozen=True, slots=True)
class Range:
    """A threshold: an alert is due outside `low` to `high`, or inside if so said. Infinite where it has no end."""

    low: float
    high: float
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """One value in base units (`unit`: seconds, bytes, ratio, empty, or what the plug-in said and we do not know)."""

    label: str
    number: float | None
    """None: the plug-in says that it does not know (`U`)."""
    unit: str = ""
    counter: bool = False
    """A count that only grows (the unit `c`)."""
    warning: Range | None = None
    critical: Range | None = None


@dataclass(frozen=True, slots=True)
class Performance:
    """What was read; `lost` counts the parts that were not understood, came twice, or were too many."""

    values: tuple[Value, ...]
    lost: int = 0


def parsed(text: str) -> Performance:
    """The values of a line of performance data, at most `MOST_VALUES` of them.

    >>> parsed("time=12ms;100;200").values
    (Value(label='time', number=0.012, unit='seconds', counter=False, \
warning=Range(low=0.0, high=0.1, inside=False), critical=Range(low=0.0, high=0.2, inside=False)),)
    """
    found: dict[str, Value] = {}
    lost = 0
    at = 0
    while (at := _past_spaces(text, at)) < len(text) and lost < _MOST_LOST:
        label, at = _label(text, at)
        end = _word_end(text, at)
        value = _value(label, text[at:end]) if label else None
        at = end
        if value is None or value.label in found or len(found) >= MOST_VALUES:
            lost += 1
        else:
            found[value.label] = value
    return Performance(tuple(found.values()), lost)


def _past_spaces(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _word_end(text: str, at: int) -> int:
    while at < len(text) and not text[at].isspace():
        at += 1
    return at


def _label(text: str, at: int) -> tuple[str, int]:
    """The label that begins here, and where its value begins; an empty label when there is none."""
    if text[at] != "'":
        end = _word_end(text, at)
        equals = text.find("=", at, end)
        # An unquoted label with a space in it is a mistake often made; its first words are lost, the value is not.
        return (text[at:equals], equals + 1) if equals > at else ("", at)
    parts = []
    start = at + 1
    while (quote := text.find("'", start)) >= 0:
        if text[quote + 1 : quote + 2] != "'":
            parts.append(text[start:quote])
            label = "".join(parts)
            return (label, quote + 2) if text[quote + 1 : quote + 2] == "=" else ("", quote + 1)
        parts.append(text[start : quote + 1])
        start = quote + 2
    return "", at


def _value(label: str, text: str) -> Value | None:
    fields = text.split(";")
    match = _VALUE.fullmatch(fields[0])
    name = label.strip()[:LONGEST_LABEL]
    if match is None or not name or len(fields) > 6:
        return None
    said, uom = match[1], match[2] or ""
    counter = uom == "c"
    unit, scale = ("", 1.0) if counter else _SCALES.get(uom, (uom[:LONGEST_UNIT], 1.0))
    number = None if said == "U" else _scaled(said, scale)
    if number is not None and not math.isfinite(number):
        return None
    warning, critical = (_range(field, scale) for field in (*fields[1:3], "", "")[:2])
    return Value(name, number, unit, counter, warning, critical)


def _range(text: str, scale: float) -> Range | None:
    """A range as the guidelines write it; None where there is none or it cannot be read.

    `10` is 0 to 10, `10:` from 10 upwards, `~:10` up to 10, `@10:20` alerts inside.
    """
    match = _RANGE.fullmatch(text)
    if not text or match is None or (match[2] is None and match[3] is None):
        return None
    low = -math.inf if match[2] == "~" else _scaled(match[2], scale) if match[2] else 0.0
    high = _scaled(match[3], scale) if match[3] else math.inf
    return Range(low, high, match[1] is not None) if low <= high else None


def _scaled(text: str, scale: float) -> float:
    return float(text.replace(",", ".")) * scale
