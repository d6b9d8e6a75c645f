"""What several vantages say together: ways that are at fault between a vantage and a site, and vantages that are away.

Many checks speak for one such cause, thousands when a line between sites is down. So its alert has one contributor, and
who says what is kept here: an alert is written whenever it changes, and must stay small.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agent.isolation import AWAY, DIFFERS, PATH
from agent.judge.watch import Watched
from agent.records import Cause
from checks.contract import Fault, Reason
from config.estate import SHARED, Estate, MofN, Target

ONCE = MofN(1, 1)
AWAY_AFTER = MofN(2, 2)
"""Tries, five seconds apart at the least, after which a vantage that cannot be asked is an incident."""
_DIFFERING_AFTER = 2
"""Runs of one check after which another revision on the other side is an incident: a roll-out takes a moment."""
_BETWEEN = " to "
_LONGEST = 300


def path(estate: Estate, vantage: str, site: str) -> Cause:
    """The cause of a way at fault: of the council that owns both ends, else shared."""
    own = estate.sites.get(estate.vantages[vantage].site)
    there = estate.sites.get(site)
    same = own is not None and there is not None and own.council == there.council
    return Cause(there.council if same and there is not None else SHARED, f"{vantage}{_BETWEEN}{site}", PATH)


def ends(cause: Cause) -> tuple[str, str]:
    """Vantage and site of a path's cause."""
    vantage, _, site = cause.subject.partition(_BETWEEN)
    return vantage, site


def path_text(target: Target, seen_from: str, vantage: str, others: int) -> str:
    """The sentence for a person. `others`: targets of the same site to which the same happens."""
    more = f"; so do {others} more at {target.site}" if others else ""
    return (
        f"{target.name} ({target.address}) answers {seen_from} but not {vantage}{more}: the way between is at fault, "
        "not the target."
    )[:_LONGEST]


@dataclass(slots=True)
class Paths:
    """Which checks say of which way that it is at fault, by their newest word."""

    _bad: dict[Cause, dict[str, set[str]]] = field(default_factory=dict)

    def bad(self, cause: Cause) -> Mapping[str, set[str]]:
        """Targets that are not reached on this way, each with the contributors that say so."""
        return self._bad.get(cause, {})

    def says(self, cause: Cause, watched: Watched) -> bool:
        """Whether this check is among them."""
        return watched.contributor in self.bad(cause).get(watched.spec.target, ())

    def add(self, cause: Cause, watched: Watched) -> None:
        self._bad.setdefault(cause, {}).setdefault(watched.spec.target, set()).add(watched.contributor)

    def drop(self, cause: Cause, target: str, contributor: str) -> None:
        targets = self._bad.get(cause, {})
        if target not in targets:
            return
        targets[target].discard(contributor)
        if not targets[target]:
            del targets[target]
        if not targets:
            del self._bad[cause]

    def forget(self, cause: Cause) -> None:
        self._bad.pop(cause, None)

    def keep(self, cause: Cause, there: Iterable[Watched]) -> None:
        """Only these still count: others were taken out of the estate, or stand elsewhere now."""
        known = {(watched.spec.target, watched.contributor) for watched in there}
        said = [(target, name) for target, names in self.bad(cause).items() for name in names]
        for target, contributor in said:
            if (target, contributor) not in known:
                self.drop(cause, target, contributor)

    def rename(self, old: str, new: str, contributors: Mapping[str, str]) -> None:
        """A target goes on under another name, and so do its checks."""
        for targets in self._bad.values():
            if old in targets:
                targets[new] = {contributors.get(name, name) for name in targets.pop(old)}

    def causes(self) -> list[Cause]:
        return list(self._bad)


@dataclass(slots=True)
class Away:
    """Which vantages cannot be asked, and which checks there are answered by another revision of the estate."""

    _out: set[str] = field(default_factory=set)
    _differing: dict[str, dict[str, int]] = field(default_factory=dict)

    def fails(self, watched: Watched, fault: Fault) -> MofN | None:
        """Take a result that says so; by which rule it counts, or None when it does not."""
        if fault.condition == DIFFERS:
            differing = self._differing.setdefault(watched.vantage, {})
            runs = differing[watched.contributor] = differing.get(watched.contributor, 0) + 1
            return ONCE if runs >= _DIFFERING_AFTER else None
        if fault.reason is Reason.WITHHELD:
            return None  # it was not even tried
        self._out.add(watched.vantage)
        return AWAY_AFTER

    def answers(self, watched: Watched) -> bool:
        """Take an answer from there; whether the vantage is well as far as anybody knows."""
        self._out.discard(watched.vantage)
        differing = self._differing.get(watched.vantage)
        if differing is not None:
            differing.pop(watched.contributor, None)
        return not any(runs >= _DIFFERING_AFTER for runs in (differing or {}).values())

    def is_out(self, vantage: str) -> bool:
        return vantage in self._out

    def restore(self, vantage: str) -> None:
        """It was away when the agent stopped."""
        self._out.add(vantage)

    def keep(self, contributors: Mapping[str, Watched]) -> None:
        """Checks that are gone are answered by nobody."""
        for differing in self._differing.values():
            for contributor in [name for name in differing if name not in contributors]:
                del differing[contributor]


def not_asked(fault: Fault | None) -> bool:
    """Whether a result says only that its vantage could not be asked."""
    return fault is not None and fault.condition in (AWAY, DIFFERS)
