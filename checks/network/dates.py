"""How near the date of a licence is, how old the date of a signature: lead times in days. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from checks.contract import State
from checks.network.plan import ValuePlan
from config.profiles.model import Lead

_DAY = 86_400.0
_LAST = 253_402_300_799.0
"""The end of the year 9999, beyond which no calendar of ours goes."""


def told_of(plan: ValuePlan, moment: float, at: float) -> tuple[State, str]:
    """The state of a date (Unix time) at `at`, and a sentence; what should lie ahead and is past is critical."""
    days = (moment - at) / _DAY
    if plan.until is not None:
        if days <= 0:
            return State.CRITICAL, f"ended on {day(moment)}, {-days:.0f} days ago"
        state = next((state for state, edge in _edges(plan.until) if days < edge), State.OK)
        return state, f"ends on {day(moment)}, in {days:.0f} days"
    assert plan.since is not None  # a value with dates to judge has one of the two
    state = next((state for state, edge in _edges(plan.since) if -days > edge), State.OK)
    return state, f"of {day(moment)}, {-days:.0f} days old"


def day(moment: float) -> str:
    """The day of a moment, as people write it."""
    return datetime.fromtimestamp(min(max(moment, 0.0), _LAST), UTC).strftime("%d %B %Y").lstrip("0")


def _edges(lead: Lead) -> Iterator[tuple[State, float]]:
    if lead.critical_days is not None:
        yield State.CRITICAL, lead.critical_days
    if lead.warning_days is not None:
        yield State.WARNING, lead.warning_days
