"""When a device will be full if it goes on as it did: findings, readings and what is kept of daily peaks. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from checks.contract import Finding, Reading
from checks.firewall.outlook import LONDON, Outlook
from checks.firewall.series import TUNNELS, Series
from checks.trends.history import History, Said, noted

PREFIX = "firewall/forecast"
_BOOT = "ridgeway_firewall_boot_timestamp_seconds"
_UPTIME_SLACK = 60.0
_UNSEEN = 60
"""Days after which a value that was not seen any more is forgotten."""
_FRESH = 2
"""Days that a peak may be old for its trend to be told."""
_MOST = 16


@dataclass(frozen=True, slots=True)
class Trends:
    """What is remembered of all values of one firewall."""

    serial: str = ""
    uptime: float = 0.0
    """For how long the device had run when this was noted, in seconds; whatever the clocks say, it only grows."""
    series: Mapping[str, History] = field(default_factory=dict)


@dataclass(slots=True)
class Foreseen:
    """What came of it; `trends` is the very object that was given where nothing is worth a new note."""

    trends: Trends
    findings: list[Finding] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    open_ends: set[str] = field(default_factory=set)
    """Keys that were bad and cannot be judged now: they must not be covered."""
    prefix: str = PREFIX
    """With what the keys begin."""

    @property
    def covers(self) -> frozenset[str]:
        """The keys that are judged: all of them, or those that are told where others have to wait."""
        if not self.open_ends:
            return frozenset({f"{self.prefix}/*"})
        return frozenset(finding.key for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Poll:
    """One poll, as far as forecasts need it."""

    readings: Sequence[Reading]
    no_limit: frozenset[str]
    """Families of limits by which the device says that it has none."""
    serves: bool
    serial: str
    at: float


def foreseen(series: Sequence[Series], before: Trends, poll: Poll, prefix: str = PREFIX) -> Foreseen:
    """Note the values of a poll and judge what is known of them by now. Keys begin with `prefix`."""
    values = _by_family(series, poll.readings)
    uptime = next((poll.at - reading.value for reading in values.get(_BOOT, ())), before.uptime)
    kept = _begun(series, before, poll.serial, uptime)
    today = datetime.fromtimestamp(poll.at, LONDON).toordinal()
    out = Foreseen(before, prefix=prefix)
    new: dict[str, History] = {}
    room = _MOST - len(kept)
    for one in series:
        limit = _limit(one, values)
        found = _named(one, values, kept)
        listed = any(value is not None for value in found.values())
        for name, value in found.items():
            history = kept.get(name)
            begins = history is None and limit is not None and room > 0
            if value is not None and (begins or history is not None) and _counts(one, poll, value):
                room -= begins
                history = noted(history, today, value, limit)
            if history is not None and today - history.day <= _UNSEEN:
                new[name] = _judged(out, one, name, history, _Facts(limit, value is not None, listed, today, poll))
    serial = poll.serial or before.serial
    if new != before.series or serial != before.serial:
        out.trends = Trends(serial, uptime, new)
    return out


def _begun(series: Sequence[Series], before: Trends, serial: str, uptime: float) -> Mapping[str, History]:
    """The histories that still are of this device, since its start."""
    if serial and before.serial and serial != before.serial:
        return {}
    if uptime >= before.uptime - _UPTIME_SLACK:
        return before.series
    anew = {one.name for one in series if one.since_start}
    return {name: history for name, history in before.series.items() if name.partition("/")[0] not in anew}


def _by_family(series: Sequence[Series], readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    wanted = {_BOOT, *(one.family for one in series), *(one.limit_family for one in series)}
    found: dict[str, list[Reading]] = {}
    for reading in readings:
        if reading.family.name in wanted:
            found.setdefault(reading.family.name, []).append(reading)
    return found


def _limit(one: Series, values: Mapping[str, list[Reading]]) -> float | None:
    if one.limit_family is None:
        return one.limit
    return next((reading.value for reading in values.get(one.limit_family, ()) if reading.value > 0), None)


def _named(one: Series, values: Mapping[str, list[Reading]], kept: Mapping[str, History]) -> dict[str, float | None]:
    """The values of a series by name; those that are remembered and were not read now have None."""
    readings = values.get(one.family, ())
    found: dict[str, float | None] = {}
    for reading in readings:
        if one.name == TUNNELS:
            found[one.name] = (found.get(one.name) or 0.0) + reading.value
        elif one.fixed is None:
            found[f"{one.name}/{reading.labels[0]}"] = reading.value
        elif reading.labels == one.fixed:
            found[one.name] = reading.value
    known = (name for name in kept if name == one.name or (one.fixed is None and name.startswith(f"{one.name}/")))
    return dict.fromkeys(known) | found


def _counts(one: Series, poll: Poll, value: float) -> bool:
    """Whether a value is one for the history."""
    return math.isfinite(value) and (poll.serves or not one.serving) and one.limit_family not in poll.no_limit


@dataclass(frozen=True, slots=True)
class _Facts:
    limit: float | None
    seen: bool
    """Whether the value was read in this poll."""
    listed: bool
    """Whether any of the series was: then a row that was not read is not there."""
    today: int
    poll: Poll


def _judged(out: Foreseen, one: Series, name: str, history: History, facts: _Facts) -> History:
    """Say what is known of one history; gives it back with what was said."""
    key = f"{out.prefix}/{name}"
    if one.limit_family in facts.poll.no_limit:
        return replace(history, said=Said.NOTHING) if history.said is not Said.NOTHING else history
    fresh = 0 <= facts.today - history.day <= _FRESH
    if history.trend is None or facts.limit is None or not fresh:
        if history.said is Said.WARNED and not _not_applicable(one, facts, fresh=fresh):
            out.open_ends.add(key)
        return history
    outlook = Outlook(one, name, history.trend, facts.limit)
    said = outlook.said(history.said, facts.poll.at)
    out.findings.append(outlook.finding(key, said, facts.poll.at))
    out.readings += outlook.readings(said)
    return history if said is history.said else replace(history, said=said)


def _not_applicable(one: Series, facts: _Facts, *, fresh: bool) -> bool:
    """Whether it is silent because it means nothing any more: a standby's sessions, a disk that was taken out."""
    return not fresh and ((facts.seen and one.serving and not facts.poll.serves) or (facts.listed and not facts.seen))
