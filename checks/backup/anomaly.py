"""Whether a size or a duration is out of the ordinary, by median and median absolute deviation of its logarithms. Pure.

The logarithm makes half and double equally far; the median is not moved by the anomalies themselves, which stay in the
history. The bounds are not the textbook's 3.5, which cries once or twice in a healthy night of 80 jobs. What stays on a
new level for `SETTLED` values has been asked about often enough: from then on that level is what is usual.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

WORTH_A_LINE = 5.0
"""Deviations from which a value is worth a line in a digest, with at least `FEW` values before it."""
WORTH_AN_INCIDENT = 8.0
"""Deviations from which two values in a row are worth an incident, with at least `MANY` values before them."""
FEW, MANY = 14, 28
SETTLED = 7
"""Values that agree with each other on a new level, after which it is the usual one."""
_STEP = 5.0
"""Median steps between two values that a change of level is at least: it is 8 deviations less what both are off."""
_TO_SIGMA = 1.4826
"""The median absolute deviation of a normal distribution is 1/1.4826 of its standard deviation."""
_NARROWEST = 0.02
"""Deviations are never smaller than this share: sizes that were always the same may change a little."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far the newest value is from what is usual."""

    z: float
    """In robust standard deviations of the logarithm; below 0: smaller than usual."""
    usual: float
    """The median of the values before it."""
    count: int
    """How many there were."""
    twice: bool = False
    """It and the value before it are both far enough off for an incident, in the same direction."""

    @property
    def line(self) -> bool:
        """Whether it belongs into a digest."""
        return self.count >= FEW and abs(self.z) > WORTH_A_LINE

    @property
    def incident(self) -> bool:
        """Whether somebody should look at it now."""
        return self.count >= MANY and abs(self.z) > WORTH_AN_INCIDENT and self.twice


def deviation(values: Sequence[float]) -> Deviation | None:
    """Of the last value from those before it, oldest first, all above 0; None with fewer than `FEW` before it."""
    if len(values) <= FEW:
        return None
    logs = [math.log(value) for value in values]
    levelled = _levelled(logs[:-1])
    z, usual = _z(levelled, logs[-1])
    twice = False
    if abs(z) > WORTH_AN_INCIDENT and len(logs) - 2 >= FEW:
        before, _ = _z(levelled[:-1], levelled[-1])
        twice = abs(before) > WORTH_AN_INCIDENT and (before > 0) == (z > 0)
    return Deviation(z, math.exp(usual), len(values) - 1, twice)


def _levelled(logs: list[float]) -> list[float]:
    """What was on an older level, moved to the newest that has settled: how much it spread stays known."""
    steps = [abs(one - before) for one, before in zip(logs[1:], logs, strict=False)]
    least = _STEP * max(median(steps), _NARROWEST)
    for at in range(len(logs) - SETTLED, SETTLED - 1, -1):
        if steps[at - 1] < least:
            continue  # no step here; this is asked first, for it costs nothing
        middle, spread = _middle(logs[:at])
        new = logs[at:]
        level = median(new)
        if abs(level - middle) > WORTH_AN_INCIDENT * spread and all(
            abs(one - level) <= WORTH_A_LINE * spread for one in new[:SETTLED]
        ):
            return [one - middle + level for one in logs[:at]] + new
    return logs


def _middle(logs: Sequence[float]) -> tuple[float, float]:
    """Median and robust standard deviation."""
    middle = median(logs)
    return middle, max(_TO_SIGMA * median([abs(one - middle) for one in logs]), _NARROWEST)


def _z(before: Sequence[float], value: float) -> tuple[float, float]:
    middle, spread = _middle(before)
    return (value - middle) / spread, middle
