"""When all licences will be in use if it goes on: the forecasts of firewalls (docs/decisions/0066). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from checks.contract import Family, Finding, Reading
from checks.firewall import forecast
from checks.firewall.outlook import CROSSING
from checks.firewall.series import Series
from checks.network.answers import SnmpAnswers
from checks.network.plan import Plan
from checks.trends.history import History, plain, unplain

PREFIX = "mitel/forecast"
FULL = Family(
    "ridgeway_telephony_licences_full_timestamp_seconds",
    "When all licences bought will be in use if it goes on as it did (Unix time); absent where that is not in sight.",
    unit="seconds", labels=("licence",),
)  # fmt: skip
USED, LIMIT = "ridgeway_telephony_licences_used", "ridgeway_telephony_licences_limit"
_LICENCES = {"users": "user_licences", "devices": "device_licences"}


@dataclass(slots=True)
class Ahead:
    """What came of it; `trends` is the very object that was given where nothing is worth a new note."""

    trends: Mapping[str, History]
    findings: list[Finding] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    covers: set[str] = field(default_factory=set)


def judged(
    plan: Plan, answers: SnmpAnswers, readings: Sequence[Reading], before: Mapping[str, History], days: float, at: float
) -> Ahead:
    """Note the day's use and judge the trend; `days` before the end it is a warning. None bought: none of it."""
    ahead = Ahead(before)
    kept: dict[str, History] = {}
    for licence, name in _LICENCES.items():
        if name not in plan.by_name:
            continue
        own = tuple(_of(licence, readings))
        none = answers.values.get(plan.by_name[f"{name}_limit"].oids[0]) == 0
        poll = forecast.Poll(own, frozenset({LIMIT}) if none else frozenset(), True, "", at)
        trends = forecast.Trends(series={licence: before[licence]} if licence in before else {})
        found = forecast.foreseen((_series(plan, licence, name, days),), trends, poll, PREFIX)
        kept |= found.trends.series
        ahead.findings += found.findings
        ahead.readings += (Reading(FULL, one.value, (licence,)) for one in found.readings if one.family is CROSSING)
        if not found.open_ends:
            ahead.covers.add(f"{PREFIX}/{licence}")
    if kept != before:
        ahead.trends = kept
    return ahead


def _of(licence: str, readings: Sequence[Reading]) -> Iterator[Reading]:
    return (one for one in readings if one.family.name in (USED, LIMIT) and one.labels == (licence,))


def _series(plan: Plan, licence: str, name: str, days: float) -> Series:
    bad = plan.by_name[name].warning
    return Series(
        licence, f"{licence.removesuffix('s')} licences in use", USED, (licence,), False, None, LIMIT,
        None if bad is None else bad.above, True, days, False, False,
    )  # fmt: skip


def packed(trends: Mapping[str, History]) -> dict[str, list[object]]:
    """As JSON has it."""
    return {name: plain(history) for name, history in trends.items()}


def unpacked(said: Mapping[str, object]) -> dict[str, History]:
    """From JSON. Raises ValueError, TypeError, AttributeError or OverflowError where it is not of `packed`."""
    return {name: unplain(said[name]) for name in _LICENCES if name in said}
