"""When a server asks to be asked again (RFC 9110, section 10.2.3)."""

from __future__ import annotations

from email.utils import parsedate_to_datetime


def retry_after(value: str, date: str) -> float | None:
    """Seconds to wait, from the headers `Retry-After` and `Date`; a moment counts from the server's own clock.

    None when nothing is said that can be understood.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, wait.total_seconds())
