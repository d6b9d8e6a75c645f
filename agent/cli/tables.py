"""Tables, times and durations for people on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_LONDON = ZoneInfo("Europe/London")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns two spaces apart, left-aligned, headings in capitals; the last column may be long."""
    everything = [[heading.upper() for heading in headings], *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in everything) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in everything
    )


def moment(when: float | str | None) -> str:
    """A Unix or RFC 3339 time as people in England read it, with the zone: `2026-11-23 09:14:05 GMT`."""
    if when is None:
        return "–"
    if isinstance(when, str):
        when = datetime.fromisoformat(when).timestamp()
    return datetime.fromtimestamp(when, UTC).astimezone(_LONDON).strftime("%Y-%m-%d %H:%M:%S %Z")


def span(seconds: float) -> str:
    """A duration in its two greatest units: `2 h 5 min`."""
    left = round(abs(seconds))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
