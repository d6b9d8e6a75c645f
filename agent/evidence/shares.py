"""For how much of a time a promise was kept, was not, or nobody can tell: three shares that make up the whole. Pure.

Times are whole milliseconds inside, so that the three add up exactly. Where two things are said of one moment the worse
counts, and a moment of which nothing is said is unproven: what was not watched was never kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from checks.contract import State


class Verdict(IntEnum):
    """What is said of a moment; the greatest counts."""

    KEPT = 0
    UNPROVEN = 1
    BROKEN = 2


_OF_STATE = {State.OK: Verdict.KEPT, State.WARNING: Verdict.KEPT, State.CRITICAL: Verdict.BROKEN}


def verdict_of(state: State, flags: str) -> Verdict:
    """What a span of `backup/protection/<object>` says of the RPO.

    The rule makes it critical from the moment the RPO is exceeded, so a warning was within it (near, or a run failed).
    """
    if "stale" in flags.split(","):
        return Verdict.UNPROVEN
    return _OF_STATE.get(state, Verdict.UNPROVEN)


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict on the time from `start` to `end` (Unix seconds)."""

    start: float
    end: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Shares:
    """Milliseconds of each; together the whole time."""

    kept: int
    broken: int
    unproven: int

    @property
    def percentages(self) -> tuple[float, float, float]:
        """Kept, broken, unproven, in per cent with two decimals that add up to 100.

        Kept is rounded down and broken up: 100 says that nothing was broken, and 0 that nothing was. Of no time at all
        everything is unproven.
        """
        whole = self.kept + self.broken + self.unproven
        if whole == 0:
            return 0.0, 0.0, 100.0
        kept, broken = self.kept * 10_000 // whole, -(-self.broken * 10_000 // whole)
        return kept / 100, broken / 100, (10_000 - kept - broken) / 100


def pieces(said: Iterable[Said], start: float, end: float) -> list[Said]:
    """The whole of [start, end) in order, each stretch of one verdict once; empty where it has no length."""
    first, last = _ms(start), _ms(end)
    turns: list[tuple[int, int, int]] = []
    for one in said:
        begins, ends = max(first, _ms(one.start)), min(last, _ms(one.end))
        if begins < ends:
            turns += [(begins, 1, one.verdict), (ends, -1, one.verdict)]
    return list(_joined(_swept(sorted(turns), first, last)))


def shares(said: Sequence[Said]) -> Shares:
    """How much of each there is in what `pieces` returned."""
    total = dict.fromkeys(Verdict, 0)
    for one in said:
        total[one.verdict] += _ms(one.end) - _ms(one.start)
    return Shares(total[Verdict.KEPT], total[Verdict.BROKEN], total[Verdict.UNPROVEN])


def between(spans: Iterable[tuple[float, float]], start: float, end: float) -> list[tuple[float, float]]:
    """What lies in [start, end) and in none of `spans`, in order."""
    gaps, at = [], start
    for begins, ends in sorted(spans):
        if begins > at:
            gaps.append((at, min(begins, end)))
        at = max(at, ends)
        if at >= end:
            return gaps
    return [*gaps, (at, end)] if at < end else gaps


def _swept(turns: Sequence[tuple[int, int, int]], first: int, last: int) -> Iterator[tuple[int, int, Verdict]]:
    told, at = [0, 0, 0], first
    for moment, step, verdict in turns:
        if moment > at:
            yield at, moment, _worst(told)
            at = moment
        told[verdict] += step
    if at < last:
        yield at, last, _worst(told)


def _worst(told: Sequence[int]) -> Verdict:
    return max((verdict for verdict in Verdict if told[verdict]), default=Verdict.UNPROVEN)


def _joined(swept: Iterable[tuple[int, int, Verdict]]) -> Iterator[Said]:
    begun: tuple[int, int, Verdict] | None = None
    for start, end, verdict in swept:
        if begun is not None and begun[2] is verdict:
            begun = (begun[0], end, verdict)
            continue
        if begun is not None:
            yield _said(begun)
        begun = (start, end, verdict)
    if begun is not None:
        yield _said(begun)


def _said(stretch: tuple[int, int, Verdict]) -> Said:
    return Said(stretch[0] / 1000, stretch[1] / 1000, stretch[2])


def _ms(at: float) -> int:
    return round(at * 1000)
