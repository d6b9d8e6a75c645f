"""From what a command printed to numbers and words. Pure; a value, or a reason why there is none."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence

from config.commands import Take, Transform
from config.patterns import LinePattern

LONGEST_LINE = 500
"""Characters of a line that are looked at. A longer line is not cut, which could make it match, but passed over."""
MOST_LINES = 10_000
"""Lines that are looked at: a match costs 5 µs, and they are made in the event loop."""
_LONGEST_WORD = 120
_NOT_WHOLE = "the output was not read to its end, or has lines that are too long"
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}(?:\.[0-9]{1,12})?")
_BYTES = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s?(?:([kKMGTPE])i?)?[bB]?(?:ytes)?")
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_CLOCK = re.compile(r"(?:([0-9]{1,6})\s?days?,?\s{0,3})?(?:([0-9]{1,4}):)?([0-9]{1,4}):([0-9]{2})(?:\.[0-9]{1,9})?")
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s?([a-z]{1,12}),?\s?")
_LENGTHS = {
    "ms": 0.001, "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "m": 60.0, "min": 60.0,
    "mins": 60.0, "minute": 60.0, "minutes": 60.0, "h": 3_600.0, "hr": 3_600.0, "hrs": 3_600.0, "hour": 3_600.0,
    "hours": 3_600.0, "d": 86_400.0, "day": 86_400.0, "days": 86_400.0, "w": 604_800.0, "wk": 604_800.0,
    "week": 604_800.0, "weeks": 604_800.0, "y": 31_536_000.0, "year": 31_536_000.0, "years": 31_536_000.0,
}  # fmt: skip
_SECONDS = 100 * 366 * 86_400.0


class Unreadable(Exception):
    """What was found is not what the template says it is; the message says what it is, briefly."""


class NotFound(Exception):
    """No line matches."""


class Lines:
    """The output, line by line."""

    def __init__(self, text: str, whole: bool) -> None:
        every = text.split("\n", MOST_LINES)
        looked_at = [line.rstrip("\r") for line in every[:MOST_LINES] if len(line) <= LONGEST_LINE]
        self.text = "\n".join(looked_at)
        self.all_looked_at = whole and len(looked_at) == len(every)
        """Whether what is not found is certainly not there."""


def number_of(pattern: LinePattern, take: Take, transform: Transform, lines: Lines) -> float:
    """The number that the lines say. Raises NotFound or Unreadable."""
    if take is Take.FIRST:
        found = next(pattern.lines(lines.text), None)
        if found is None:
            raise NotFound
        return as_number(transform, found["value"])
    if not lines.all_looked_at:
        raise Unreadable(_NOT_WHOLE)
    every = list(pattern.lines(lines.text))
    if take is Take.COUNT:
        return float(len(every))
    if not every:
        raise NotFound
    numbers = [as_number(transform, found["value"]) for found in every]
    return _taken(take, numbers)


def _taken(take: Take, numbers: Sequence[float]) -> float:
    if take is Take.LEAST:
        return min(numbers)
    if take is Take.GREATEST:
        return max(numbers)
    return sum(numbers) if take is Take.SUM else numbers[-1]


def word_of(pattern: LinePattern, take: Take, lines: Lines) -> str:
    """The text that the lines say. Raises NotFound or Unreadable."""
    if take is Take.LAST and not lines.all_looked_at:
        raise Unreadable(_NOT_WHOLE)
    every = pattern.lines(lines.text)
    found = next(every, None) if take is Take.FIRST else next(iter(deque(every, maxlen=1)), None)
    if found is None:
        raise NotFound
    text = (found["value"] or "").strip()
    if not 0 < len(text) <= _LONGEST_WORD:
        raise Unreadable(f"a text of more than {_LONGEST_WORD} characters" if text else "no text in its place")
    return text


def as_number(transform: Transform, text: str | None) -> float:
    """The number a text spells, in base units. Raises Unreadable."""
    spelt = (text or "").strip()
    if transform is Transform.DURATION:
        return _duration(spelt)
    if transform is Transform.BYTES:
        return _bytes(spelt)
    if not _NUMBER.fullmatch(spelt):
        raise Unreadable(f"{_short(spelt)} where a number belongs")
    return float(spelt)


def _bytes(text: str) -> float:
    found = _BYTES.fullmatch(text)
    if found is None:
        raise Unreadable(f"{_short(text)} where a size belongs")
    return float(found[1]) * 1024.0 ** _POWERS.get((found[2] or "").lower(), 0)


def _duration(text: str) -> float:
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        if clock[2] is None and clock[1] is not None:
            hours, minutes, seconds = minutes, seconds, 0  # "3 days, 4:05" is hours and minutes
        return _bounded(days * 86_400.0 + hours * 3_600.0 + minutes * 60.0 + seconds, text)
    total, at = 0.0, 0
    while at < len(text):
        part = _PART.match(text, at)
        length = _LENGTHS.get(part[2]) if part else None
        if part is None or length is None:
            raise Unreadable(f"{_short(text)} where a time span belongs")
        total += float(part[1]) * length
        at = part.end()
    if not text:
        raise Unreadable("nothing where a time span belongs")
    return _bounded(total, text)


def _bounded(seconds: float, text: str) -> float:
    if seconds > _SECONDS:
        raise Unreadable(f"{_short(text)}, which is longer than any device lives")
    return seconds


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "…")


def spoken(value: float, unit: str) -> str:
    """A number with its unit as a person reads it."""
    if unit == "ratio":
        return f"{value * 100:.1f} %"
    if unit == "seconds":
        return span(value)
    if unit == "bytes":
        for name in ("bytes", "KiB", "MiB", "GiB"):
            if abs(value) < 1024:
                return f"{value:.4g} {name}"
            value /= 1024
        return f"{value:.4g} TiB"
    return f"{value:.6g} {unit}".rstrip()


def span(seconds: float) -> str:
    """A time span as a person reads it: its two greatest units."""
    sign, left = ("-" if seconds < 0 else ""), abs(seconds)
    if left < 60:
        return f"{sign}{left:.3g} s"
    parts: list[str] = []
    for length, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, length)
        if count or parts:
            parts.append(f"{count:.0f} {name}")
        if len(parts) == 2:
            break
    return sign + " ".join(part for part in parts if not part.startswith("0 "))
