"""What the products' readers share: values of hostile documents, taken or left out. Pure."""

from __future__ import annotations

from checks.printable import printable


def count(value: object) -> int | None:
    """A count or a size; None for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def one_line(value: object) -> str:
    """A name or a message, on one line and bounded; empty for what is no text."""
    return printable(" ".join(value.split()))[:200] if isinstance(value, str) else ""
