"""Failovers that a pair has had, as the note of its check keeps them. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from checks.contract import Memory

KEY = "failovers"
"""Where they stand in the note, a JSON object."""
MOST = 50
"""The latest that are kept."""
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Failover:
    """The service went from one member to the other."""

    at: float
    """Unix seconds: the device's own time where it has a history, else that of the poll which saw it first."""
    seen: float
    """Unix seconds of the poll which saw it first."""
    away_from: str | None
    """Name of the target that was active; None where none was, or it is not known."""
    to: str
    """Name of the target that became active."""
    reason: str = ""
    """Why, in the device's own words; empty where it says nothing."""


def failovers(memory: Memory | None) -> tuple[Failover, ...]:
    """The failovers in a pair's note, oldest first; whatever is damaged in it is left out."""
    if memory is None:
        return ()
    try:
        said = json.loads(memory.text)
    except ValueError:
        return ()
    kept = said.get(KEY) if isinstance(said, dict) else None
    found = (_one(entry) for entry in (kept if isinstance(kept, list) else [])[-MOST:])
    return tuple(failover for failover in found if failover is not None)


def as_json(some: Sequence[Failover]) -> list[dict[str, object]]:
    """The latest of them, as the note keeps them under `KEY`."""
    return [asdict(failover) for failover in some[-MOST:]]


def _one(entry: object) -> Failover | None:
    if not isinstance(entry, dict):
        return None
    at, seen, to, away = entry.get("at"), entry.get("seen"), entry.get("to"), entry.get("away_from")
    if not isinstance(at, int | float) or not isinstance(seen, int | float) or not isinstance(to, str):
        return None
    reason = entry.get("reason")
    return Failover(
        float(at),
        float(seen),
        away[:_LONGEST] if isinstance(away, str) else None,
        to[:_LONGEST],
        reason[:_LONGEST] if isinstance(reason, str) else "",
    )
