"""Whether a run took about as much, and about as long, as it always does. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.backup.anomaly import Deviation, deviation
from checks.backup.history import Past
from checks.backup.model import Level


@dataclass(frozen=True, slots=True)
class Unusual:
    """How far the newest run of a level is from what is usual."""

    what: str
    """`size` or `duration`."""
    level: Level
    value: float
    deviation: Deviation

    @property
    def words(self) -> str:
        """For a sentence that goes on after the object's title."""
        return f"{self.what} of the last {self.level} run is {_times(self.value / self.deviation.usual)} the usual"


def unusual(runs: Sequence[Past]) -> list[Unusual]:
    """Of the newest run of each level and job: its size and duration, where enough is known to compare."""
    found: list[Unusual] = []
    kept = [past for past in runs if past.outcome.kept]
    for key in dict.fromkeys((past.product, past.job, past.level) for past in kept):
        series = [past for past in kept if (past.product, past.job, past.level) == key]
        for what, values in (
            ("size", [(past, past.bytes) for past in series]),
            ("duration", [(past, past.seconds) for past in series]),
        ):
            known = [(past, float(value)) for past, value in values if value]
            if not known or known[-1][0] is not series[-1]:
                continue  # the newest has none: what it was before says nothing of it
            far = deviation([value for _, value in known])
            if far is not None:
                found.append(Unusual(what, key[2], known[-1][1], far))
    return found


def _times(factor: float) -> str:
    return f"{factor:.1f} times" if factor >= 0.1 else f"{factor:.0%} of"
