"""Priority = impact × urgency (ITIL 4 practice, the common 3 × 3 matrix). Urgency follows from how bad it is."""

from __future__ import annotations

from agent.records import Priority
from checks.contract import State

_URGENCY = {State.CRITICAL: 0, State.UNKNOWN: 1, State.WARNING: 2}
_IMPACT = {"high": 0, "medium": 1, "low": 2}
_ORDER = tuple(Priority)


def priority(impact: str, state: State) -> Priority:
    """P1 for a critical fault of high impact, one step down for each step of either."""
    return _ORDER[_IMPACT.get(impact, 1) + _URGENCY.get(state, 2)]


def is_higher(one: Priority, other: Priority) -> bool:
    """Whether `one` is more pressing than `other`."""
    return _ORDER.index(one) < _ORDER.index(other)


def number_of(one: Priority) -> int:
    """A number that only grows as the priority is raised, so that each raise is one wish."""
    return len(_ORDER) - _ORDER.index(one)
