"""Sizes, counts and durations as people's programs write them in mails. Pure; None where it is none of them."""

from __future__ import annotations

import re

LARGEST = 2**53
_NUMBER = r"(\d{1,3}(?:[,' \u00a0]\d{3})+|\d{1,16})(\.\d{1,6})?"
_SIZE = re.compile(rf"{_NUMBER}\s?(?:([KMGTP])i?)?(?:B|bytes?|octets?)?", re.IGNORECASE)
_COUNT = re.compile(_NUMBER)
_CLOCK = re.compile(r"(?:(\d{1,3})[.:d ]\s?)?(\d{1,3}):(\d\d):(\d\d)(?:\.\d{1,9})?")
_PIECE = re.compile(r"(\d{1,7}(?:\.\d{1,6})?)\s?(d|h|m|s)[a-z]*[\s,]*(?:and\s+)?", re.IGNORECASE)
_SECONDS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_LONGEST = 40
_MOST_SECONDS = 30 * 86_400.0


def size_of(text: str) -> int | None:
    """Bytes of `12,345`, `1.5 GB`, `700 MiB`; a thousand is 1,024, as most programs mean it."""
    match = _SIZE.fullmatch(text.strip()[:_LONGEST])
    if match is None:
        return None
    value = _number(match) * 1024 ** _POWERS[(match[3] or "").lower()]
    return int(value) if value <= LARGEST else None


def count_of(text: str) -> int | None:
    """A count, as `12,345`."""
    match = _COUNT.fullmatch(text.strip()[:_LONGEST])
    if match is None or match[2]:
        return None
    value = _number(match)
    return int(value) if value <= LARGEST else None


def seconds_of(text: str) -> float | None:
    """Seconds of `1:02:03`, `1.02:03:04` (days first), `95`, `1 h 5 min`, `2 hours, 3 minutes and 4 seconds`."""
    text = text.strip()[:_LONGEST]
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return _bounded(days * 86_400.0 + hours * 3600 + minutes * 60 + seconds)
    if re.fullmatch(r"\d{1,7}(?:\.\d{1,6})?", text):
        return _bounded(float(text))
    pieces = _PIECE.findall(text)
    if not pieces or _PIECE.sub("", text):
        return None
    return _bounded(sum(float(number) * _SECONDS[unit.lower()] for number, unit in pieces))


def _bounded(seconds: float) -> float | None:
    return seconds if seconds <= _MOST_SECONDS else None


def _number(match: re.Match[str]) -> float:
    return float(re.sub(r"[,' \u00a0]", "", match[1]) + (match[2] or ""))
