"""Whether a size or a duration is out of the ordinary, by median and median absolute deviation of its logarithms. Pure.

The logarithm makes half and double equally far; the median is not moved by the anomalies themselves, which stay in the
history. The bounds are not the textbook's 3.5, which cries once or twice in a healthy night of 80 jobs.
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
    """The value before it was as far off, in the same direction."""

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
    z, usual = _z(logs[:-1], logs[-1])
    before, _ = _z(logs[:-2], logs[-2]) if len(logs) - 2 >= FEW else (0.0, 0.0)
    twice = abs(before) > WORTH_AN_INCIDENT and (before > 0) == (z > 0)
    return Deviation(z, math.exp(usual), len(values) - 1, twice)


def _z(before: Sequence[float], value: float) -> tuple[float, float]:
    middle = median(before)
    spread = _TO_SIGMA * median([abs(one - middle) for one in before])
    return (value - middle) / max(spread, _NARROWEST), middle
