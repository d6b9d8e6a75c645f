"""Whether a run took about as much, and about as long, as it always does. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checks.backup.anomaly import WORTH_A_LINE, Deviation, deviation
from checks.backup.history import Past
from checks.backup.model import Level
from checks.backup.rules import Trouble
from checks.contract import State

_WORSE_SHRINKING = 3.0
"""Deviations by which the share that is left after compression and deduplication grows where data was encrypted."""
_WORSE_FACTOR = 1.2
FROZEN = 7
"""Runs of exactly the same size and count of files that are odd where they were never the same before."""
_BEFORE_FROZEN = 14


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


def series_of(runs: Iterable[Past]) -> list[list[Past]]:
    """The runs that left something, oldest first: those of each product, job and level by themselves."""
    found: dict[tuple[str, str, Level], list[Past]] = {}
    for past in runs:
        if past.outcome.kept:
            found.setdefault((past.product, past.job, past.level), []).append(past)
    return list(found.values())


def unusual(series: Sequence[Past]) -> list[Unusual]:
    """Of the newest run of a series: its size and duration, where enough is known to compare."""
    found: list[Unusual] = []
    for what, values in (
        ("size", [(past, past.bytes) for past in series]),
        ("duration", [(past, past.seconds) for past in series]),
    ):
        known = [(past, float(value)) for past, value in values if value]
        if not known or known[-1][0] is not series[-1]:
            continue  # the newest has none: what it was before says nothing of it
        far = deviation([value for _, value in known])
        if far is not None:
            found.append(Unusual(what, series[-1].level, known[-1][1], far))
    return found


def encrypting(series: Sequence[Past], far: Iterable[Unusual]) -> Trouble | None:
    """Signs of ransomware in the newest run of a series: far more was read than ever, and it shrinks worse.

    What is encrypted has changed as a whole, and cannot be compressed or found elsewhere. `far`: what is unusual.
    """
    size = next((one for one in far if one.what == "size" and one.deviation.z > WORTH_A_LINE), None)
    shares = [past.written / past.bytes for past in series if past.bytes and past.written]
    if size is None or not series[-1].written:
        return None
    left = deviation(shares)
    if left is None or left.z <= _WORSE_SHRINKING or shares[-1] <= _WORSE_FACTOR * left.usual:
        return None
    words = (
        f"security: its last {size.level} run read {_times(size.value / size.deviation.usual)} the usual, and "
        f"{shares[-1]:.0%} of that was left after compression instead of {left.usual:.0%}: "
        "this is how encryption by ransomware looks"
    )
    return Trouble(State.CRITICAL, words, "look at the machine before older points expire")


def frozen(series: Sequence[Past]) -> Trouble | None:
    """The same size and the same count of files, run after run, of something that was never twice the same before."""
    last = {(past.bytes, past.files) for past in series[-FROZEN:]}
    if len(last) > 1 or not all(next(iter(last))):
        return None
    before = [(past.bytes, past.files) for past in series[-FROZEN - _BEFORE_FROZEN : -FROZEN]]
    if len(before) < _BEFORE_FROZEN or len(set(before)) < len(before):
        return None
    words = f"its last {FROZEN} {series[-1].level} runs took exactly the same {series[-1].bytes} bytes and files"
    return Trouble(State.WARNING, f"{words}, which never were twice the same before", "see whether its source changes")


def _times(factor: float) -> str:
    return f"{factor:.1f} times" if factor >= 0.1 else f"{factor:.0%} of"
