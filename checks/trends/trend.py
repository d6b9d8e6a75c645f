"""The trend of a value's daily peaks: how fast it rises, how sure that is, how high a busy day is. Pure numbers.

The slope is the median of the slopes of all pairs of days (Theil 1950; Sen, J. Am. Stat. Assoc. 63, 1968): up to 29 %
of the days may be absurd without carrying it away. Its bounds are the order statistics that belong to the variance of
Kendall's S. Peaks of neighbouring days are alike, so that variance is multiplied by (1 + r) / (1 - r), r being the
correlation of neighbours' ranks in what the line leaves (after Hamed and Rao, J. Hydrol. 204, 1998).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

WINDOW = 28
"""Days that a trend is made of at most: whole weeks, so that week-ends weigh alike at both ends, and few enough that
a rise is seen three weeks after it began."""
FEWEST = 14
"""Days that it takes: two of each day of the week."""
_COVERED = 0.75
"""The least share of the days from the first to the last that must have a peak."""
_RECENT = 14
_FEWEST_RECENT = 7
_SURE, _LIKELY = 2.576, 1.645
"""Normal quantiles of two-sided bounds of 99 % and 90 %."""
_BUSY = 0.7
"""The share of the days that are no busier than a busy day: the middle one of the working days."""
_GOES_ON = 0.25
"""A rise of which the last fortnight shows less than this share was one, and is none any more: a step, a plateau."""
_MOST_ALIKE = 0.95

Day = tuple[int, float]
"""A day (proleptic Gregorian ordinal) and its peak."""


@dataclass(frozen=True, slots=True)
class Trend:
    """What the peaks up to the day before `day` say. Slopes are a day's, in the unit of the value."""

    day: int
    span: int
    """Days from the first of them to the last."""
    slope: float
    low: float
    high: float
    """Between these the slope lies with 99 %."""
    likely: float
    """Above this it lies with 95 %."""
    recent: float
    """The slope of the last fortnight; not a number where that has too few days."""
    level: float
    """The peak of a busy day as it would be on `day`; where no rise is sure, as it was in the last fortnight."""

    @property
    def rising(self) -> bool:
        """Whether it surely rises, and still does."""
        return self.low > 0 and self.recent >= _GOES_ON * self.slope

    @property
    def goes_on(self) -> bool:
        """The same with less to prove, for a rise that was sure before."""
        return self.likely > 0 and self.recent > 0


def trend_of(peaks: Sequence[Day], day: int) -> Trend | None:
    """The trend of peaks in order of days, all before `day`; None while there is not enough to tell one.

    Enough are 14 days of the last 28, three quarters of those from the first to the last, which may be a day old.
    After a long gap only what came since counts.
    """
    known = _dense([(at, peak) for at, peak in peaks if day - WINDOW <= at < day and math.isfinite(peak)])
    if len(known) < FEWEST or known[-1][0] < day - 2:
        return None
    slopes = sorted(_slopes(known))
    slope = median(slopes)
    spread = math.sqrt(_variance(known, slope))
    low, high = _bounds(slopes, _SURE * spread)
    likely, _ = _bounds(slopes, _LIKELY * spread)
    late = [one for one in known if one[0] >= day - _RECENT]
    recent = median(_slopes(late)) if len(late) >= _FEWEST_RECENT else math.nan
    level = _level(known, slope if low > 0 else 0.0, day)
    return Trend(day, known[-1][0] - known[0][0] + 1, slope, low, high, likely, recent, level)


def _dense(known: Sequence[Day]) -> Sequence[Day]:
    """The longest end of the days that has few gaps."""
    for first in range(len(known) - FEWEST + 1):
        part = known[first:]
        if len(part) >= _COVERED * (part[-1][0] - part[0][0] + 1):
            return part
    return ()


def _slopes(known: Sequence[Day]) -> list[float]:
    return [(late - early) / (at - since) for n, (at, late) in enumerate(known) for since, early in known[:n]]


def _bounds(slopes: Sequence[float], spread: float) -> tuple[float, float]:
    """The slopes so far from the middle; infinite where there are none any more."""
    low = math.floor((len(slopes) - spread) / 2)
    return (slopes[low], slopes[-1 - low]) if low >= 0 else (-math.inf, math.inf)


def _variance(known: Sequence[Day], slope: float) -> float:
    """Of Kendall's S, were there no trend, and as alike as neighbours are."""
    n = len(known)
    ranks = _ranks([peak - slope * (at - known[0][0]) for at, peak in known])
    middle = (n - 1) / 2
    whole = sum((rank - middle) ** 2 for rank in ranks)
    alike = 0.0
    if whole > 0:
        beside = zip(known, known[1:], ranks, ranks[1:], strict=False)
        shared = sum((a - middle) * (b - middle) for (at, _), (then, _), a, b in beside if then == at + 1)
        alike = min(max(shared / whole, 0.0), _MOST_ALIKE)
    return n * (n - 1) * (2 * n + 5) / 18 * (1 + alike) / (1 - alike)


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 0; values that are alike but for rounding share theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    near = 1e-9 * max(map(abs, values), default=0.0)
    ranks = [0.0] * len(values)
    first = 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] - values[order[first]] <= near:
            last += 1
        for place in order[first : last + 1]:
            ranks[place] = (first + last) / 2
        first = last + 1
    return ranks


def _level(known: Sequence[Day], slope: float, day: int) -> float:
    late = sorted(peak + slope * (day - at) for at, peak in known if at >= day - _RECENT) or [known[-1][1]]
    return late[min(int(_BUSY * len(late)), len(late) - 1)]
