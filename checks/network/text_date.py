"""Dates as devices write them for people, to Unix time. Months by their English names, whatever the locale."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONGEST = 120
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
_ZONE = r"(?P<zone>[A-Z]{1,5}|[+-]\d{2}:?\d{2})?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        # Wed Sep 16 01:00:00 2026 (asctime; FortiGate's contracts)
        rf"(?:[A-Za-z]{{3}},? )?(?P<month>[A-Za-z]{{3,9}}) +(?P<day>\d{{1,2}}) {_CLOCK} (?P<year>\d{{4}})",
        # Feb 27 2029; August 05, 2025 (SFOS, PAN-OS)
        r"(?P<month>[A-Za-z]{3,9}) +(?P<day>\d{1,2}),? (?P<year>\d{4})",
        # 27 Feb 2029; 27-Feb-2029
        r"(?P<day>\d{1,2})[ -](?P<month>[A-Za-z]{3,9})[ -](?P<year>\d{4})",
        # 2018-04-09; 2018-04-09 18:07; 2018/04/09 18:07:31; 2018-04-09T18:07:31+0100
        rf"(?P<year>\d{{4}})[-/](?P<number>\d{{1,2}})[-/](?P<day>\d{{1,2}})(?:[ T]+{_CLOCK} ?{_ZONE})?",
    )
)
_MONTH_FIRST = re.compile(r"(?P<number>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4}|\d{2})")
_BRACKETS = re.compile(r"\(([^()]{6,40})\)\s*$")


def text_date(text: str) -> float | None:
    """The moment that the text names, alone or in brackets at its end; without a zone, or with one that has only a
    name, it is taken as UTC.

    None for what is no date, the 30th of February included.
    """
    text = " ".join(text[:_LONGEST].split())
    inside = _BRACKETS.search(text)
    for candidate in (text, inside[1].strip() if inside else ""):
        for form in _FORMS:
            found = form.fullmatch(candidate)
            if found is not None:
                return _moment({name: value for name, value in found.groupdict().items() if value is not None})
    return None


def us_date(text: str) -> float | None:
    """The day that the text names with its month first, as UTC; whatever has another form is read as `text_date`.

    Years of two digits are those from 1969 to 2068 (POSIX, strptime).
    """
    found = _MONTH_FIRST.fullmatch(text[:_LONGEST].strip())
    if found is None:
        return text_date(text)
    year = int(found["year"])
    if len(found["year"]) == 2:
        year += 2000 if year < 69 else 1900
    return _moment({"number": found["number"], "day": found["day"], "year": str(year)})


def _moment(parts: dict[str, str]) -> float | None:
    month = int(parts["number"]) if "number" in parts else _month(parts["month"])
    clock = [int(parts.get(name, 0)) for name in ("hour", "minute", "second")]
    try:
        # A leap second (60) is counted as the one before it, as POSIX time does.
        moment = datetime(
            int(parts["year"]), month, int(parts["day"]), clock[0], clock[1], min(clock[2], 59), tzinfo=UTC
        )
        return (moment - _offset(parts.get("zone", "Z"))).timestamp()
    except (ValueError, OverflowError):
        return None


def _month(name: str) -> int:
    """1 to 12, or 0, which no date has."""
    short = name[:3].lower()
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0


def _offset(zone: str) -> timedelta:
    if zone[0] not in "+-":
        return timedelta()
    digits = zone[1:].replace(":", "")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return ahead if zone[0] == "+" else -ahead
