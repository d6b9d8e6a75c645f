"""What a trend means against a limit: when it is reached, with bounds, and what is to be said of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from checks.contract import Family, Finding, Reading, State
from checks.firewall.series import Series
from checks.trends.history import Said
from checks.trends.trend import Trend

CROSSING = Family(
    "ridgeway_firewall_forecast_crossing_timestamp_seconds",
    "When a value will reach its limit if it goes on as it did (Unix time); absent where that is not in sight.",
    unit="seconds", labels=("value",),
)  # fmt: skip
EARLIEST = Family(
    "ridgeway_firewall_forecast_crossing_earliest_timestamp_seconds",
    "The early bound of when a value will reach its limit (Unix time).", unit="seconds", labels=("value",),
)  # fmt: skip
LATEST = Family(
    "ridgeway_firewall_forecast_crossing_latest_timestamp_seconds",
    "The late bound of when a value will reach its limit (Unix time); absent where that is not in sight.",
    unit="seconds", labels=("value",),
)  # fmt: skip
FAMILIES = (CROSSING, EARLIEST, LATEST)
LONDON = ZoneInfo("Europe/London")
_DAY = 86_400.0
_IN_SIGHT = 730.0
"""Days ahead beyond which nothing is foretold."""
_KEEP_LEAD = 1.5
"""What was warned of stays so until its early bound is this many lead times away."""
_KEEP_SHARE = 0.95
"""What was called reached, or told elsewhere, stays so until a busy day is below this share of it."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """A trend against a limit."""

    series: Series
    name: str
    trend: Trend
    limit: float

    def said(self, before: Said, at: float) -> Said:
        """What is to be said now, slow to take back what was said before."""
        level, edge = self.trend.level, self._told_from()
        if edge is None:
            if level >= self.limit * (_KEEP_SHARE if before is Said.WARNED else 1):
                return Said.WARNED
        elif level >= edge * (_KEEP_SHARE if before is Said.REACHED else 1):
            return Said.REACHED
        if not self._rises(before):
            return Said.NOTHING
        lead = self.series.lead_days * _DAY * (1 if before is Said.NOTHING else _KEEP_LEAD)
        early = self._crossing(self.trend.high)
        return Said.WARNED if early is not None and early <= at + lead else Said.NOTHING

    def _told_from(self) -> float | None:
        """From where on a finding of its own tells it, if that is before the limit."""
        edge = self.series.told_from
        if edge is not None and self.series.shared:
            edge *= self.limit
        return edge if edge is not None and edge <= self.limit else None

    def _rises(self, before: Said) -> bool:
        return self.trend.rising or (before is not Said.NOTHING and self.trend.goes_on)

    def _crossing(self, slope: float) -> float | None:
        """When the limit is reached at that slope; None where that is not in sight."""
        if slope <= 0:
            return None
        days = max((self.limit - self.trend.level) / slope, 0.0)
        noon = datetime.combine(date.fromordinal(self.trend.day), time(12), LONDON).timestamp()
        return noon + days * _DAY if days <= _IN_SIGHT else None

    def readings(self, said: Said) -> Iterator[Reading]:
        """The dates, where the value rises and they are in sight."""
        if not self._rises(said):
            return
        for family, slope in ((CROSSING, self.trend.slope), (EARLIEST, self.trend.high), (LATEST, self.trend.low)):
            moment = self._crossing(slope)
            if moment is not None:
                yield Reading(family, round(moment), (self.name,))

    def finding(self, key: str, said: Said, at: float) -> Finding:
        """In words."""
        title = self.series.title + self.name.removeprefix(self.series.name).replace("/", " of ", 1)
        busy, limit = self._shown(self.trend.level), self._shown(self.limit)
        evidence = {
            "limit": limit, "a busy day": busy, "days": str(self.trend.span),
            "change in a week": f"{'+' if self.trend.slope >= 0 else '-'}{self._shown(abs(self.trend.slope * 7))}",
        }  # fmt: skip
        if said is Said.WARNED:
            if self.trend.level >= self.limit or not self._rises(said):
                words = f"{title}: {busy} on busy days, and the limit is {limit}"
            else:
                words = self._dated(title, limit, at)
            return Finding(key, State.WARNING, words[:300], evidence)
        if said is Said.REACHED:
            words = f"{title}: {busy} on busy days, which its own limits judge"
        elif self._rises(said) and self._crossing(self.trend.slope) is not None:
            words = self._dated(title, limit, at)
        else:
            words = f"{title}: {limit} is not in sight, by the last {self.trend.span} days"
        return Finding(key, State.OK, words[:300], evidence)

    def _dated(self, title: str, limit: str, at: float) -> str:
        early, central, late = map(self._crossing, (self.trend.high, self.trend.slope, self.trend.low))
        about = f"about {_day(max(central, at))}" if central is not None else "in more than two years"
        from_when = _day(max(early, at)) if early is not None else "later"
        between = f"between {from_when} and {_day(max(late, at))}" if late is not None else f"not before {from_when}"
        return f"{title} will reach {limit} {about} ({between}) if it goes on as in the last {self.trend.span} days"

    def _shown(self, value: float) -> str:
        if self.series.percent:
            return f"{value * 100:.3g} %"
        return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2g}"


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, LONDON).date().isoformat()
