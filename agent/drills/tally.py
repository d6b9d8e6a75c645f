"""How much was out of service at each controller, from before a drill to its end. Bounded by what checks count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent.drills.records import Out


class Tally:
    """The counts of one drill."""

    def __init__(self) -> None:
        self._outs: dict[tuple[str, str], Out] = {}
        self._taken: dict[str, float] = {}

    def take(self, target: str, at: float, counts: Mapping[str, int]) -> None:
        """All that is out at a target as of `at`; the first time is how it was before. What is not listed is not out.

        The same answer may come again: it is taken once.
        """
        before = self._taken.get(target)
        if before is not None and at <= before:
            return
        self._taken[target] = at
        known = {category for name, category in self._outs if name == target}
        for category in sorted(known | counts.keys()):
            count = counts.get(category, 0)
            out = self._outs.get((target, category))
            if out is None:
                had = count if before is None else 0
                out = Out(target, category, had, count, at, count, at)
            self._outs[target, category] = _with(out, count, at)

    def outs(self) -> tuple[Out, ...]:
        return tuple(self._outs.values())


def _with(out: Out, count: int, at: float) -> Out:
    if count > out.worst:
        out = replace(out, worst=count, worst_at=at)
    if count > out.before:
        return replace(out, last=count, last_at=at, back_at=None)
    was_out = out.worst > out.before
    back_at = at if was_out and out.back_at is None else out.back_at
    return replace(out, last=count, last_at=at, back_at=back_at)
