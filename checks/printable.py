"""What a peer said, fit to be shown to a person."""

from __future__ import annotations

from collections.abc import Sequence


def printable(text: str, most: int | None = None) -> str:
    """At most `most` characters of the text; each that cannot be printed, control characters first, is a dot."""
    text = text[:most]
    return text if text.isprintable() else "".join(char if char.isprintable() else "." for char in text)


def some_of(names: Sequence[str], most: int = 5) -> str:
    """The first `most` names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
