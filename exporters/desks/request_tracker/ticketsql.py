"""Values in TicketSQL, RT's query language (RT::SQL): in single quotes, a backslash before a quote or a backslash."""

from __future__ import annotations


def quoted(value: str) -> str:
    """The value as a TicketSQL string; ValueError for control characters, which no name of a queue or status holds."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("a name with control characters is not searched for")
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
