"""How times, lengths of time and links read to a person."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def moment(at: float) -> str:
    """`Mon 23 Nov 2026, 11:49:07 GMT`."""
    local = datetime.fromtimestamp(at, UTC).astimezone(LONDON)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}"


def iso(at: float) -> str:
    """RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def lasting(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`: two units at most, whole."""
    left = max(0, int(seconds))
    if left < 60:
        return f"{left} s"
    minutes, hours, days = left // 60, left // 3600, left // 86_400
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def value(number: float) -> str:
    """A reading: whole numbers whole, others to six significant digits."""
    number = float(number)
    return f"{number:,.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.6g}"


def safe_url(url: str) -> str:
    """The address if it is an http or https one, else nothing: a desk's answer must not become a script."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 problem`, `2 problems`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
