"""Where the phones of a primary controller are, as its backup's check tells it. Pure.

The backup has a row for every primary whose phones came to it. A drill asks nothing by itself: what the kind `mitel`
found is all there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.drills.party import Results, Standing, Words, changes_in
from agent.drills.records import Look, Swap
from agent.records import CheckResult
from checks.contract import State
from checks.firewall.failovers import Failover
from checks.telephony.mitel.options import KIND
from checks.telephony.mitel.phones import HEALTHY, Carried, carried, primaries_of, sets_out, tells_of_phones
from config.estate import CheckSpec, Estate

_WORDS = Words(
    untold="No backup tells here where the phones are",
    unsupported="The backup's product does not tell whose phones it has",
    failing="The phones have no controller",
    unknown="Where the phones are is not known",
    moved="The phones moved",
    not_whole="They are not at home",
    whole="They are at home.",
)


class Ambiguous(ValueError):
    """The estate does not say which controllers are meant; the message says how to."""


@dataclass(frozen=True, slots=True)
class Phones:
    """A primary controller, and the backup to which its phones go."""

    target: str
    standby: str = ""
    telling: tuple[CheckSpec, ...] = ()
    counting: tuple[CheckSpec, ...] = ()
    names: frozenset[str] = frozenset()
    """What the backup calls the primary, where the estate says it."""
    others: frozenset[str] = frozenset()
    """What it calls other primaries."""
    words: Words = _WORDS

    @property
    def covers(self) -> tuple[str, ...]:
        return (self.target, self.standby) if self.standby else (self.target,)

    @property
    def probed(self) -> tuple[str, ...]:
        """Both: a drill without a backup that answers would be an outage."""
        return self.covers

    def standing(self, results: Results, now: float) -> Standing | None:
        if not self.telling:
            return None
        known = [one for spec in self.telling for one in _fresh(results[spec.id], now)]
        at = min((one.started for one in known), default=0.0)
        if not known:
            missing = f"the check of {self.standby} has brought no result that is recent enough"
            return Standing(at, State.UNKNOWN, State.UNKNOWN, (), missing)
        rows = next((rows for one in known if (rows := carried(one.assessment)) is not None), None)
        if rows is not None:
            return self._told(rows, at)
        if not any(tells_of_phones(one.subject.check.options, one.assessment) for one in known):
            words = f"{self.standby} does not tell whose phones it has"
            return Standing(at, State.UNSUPPORTED, State.UNSUPPORTED, (), words, changing=False)
        words = f"{self.standby} did not say whose phones it has"
        return Standing(at, State.UNKNOWN, State.UNKNOWN, (), words)

    def swaps(
        self, before: Sequence[Failover], now: Sequence[Failover], looks: Sequence[Look], start: float
    ) -> tuple[Swap, ...]:
        """Moves of the phones. Phones that only come home, from where they were before, prove no failover."""
        del before, now, start
        moves = tuple(changes_in(looks))
        first = next((number for number, move in enumerate(moves) if move.to == self.standby), len(moves))
        return moves[first:]

    def counts(self, results: Results, now: float) -> Iterator[tuple[str, float, Mapping[str, int]]]:
        for spec in (*self.counting, *self.telling):
            for one in _fresh(results[spec.id], now):
                out = sets_out(spec.options, one.assessment)
                if out is not None:
                    yield spec.target, one.started, out

    def left(self, standing: Standing | None) -> str:
        return self.target if standing is not None and standing.active == (self.standby,) else ""

    def _told(self, rows: Mapping[str, Carried], at: float) -> Standing:
        own = {name.casefold() for name in (*self.names, self.target)}
        mine = [row for name, row in rows.items() if name.casefold() in own]
        if not mine and not self.names:
            others = {name.casefold() for name in self.others}
            mine = [row for name, row in rows.items() if name.casefold() not in others]
        if len(mine) > 1:
            listed = ", ".join(row.primary for row in mine[:4])
            words = f"{self.standby} has rows of {listed}: say in `primaries` of its check which is {self.target}"
            return Standing(at, State.UNKNOWN, State.UNKNOWN, (), words[:300])
        if not mine:
            return self._at_home(at, f"no phones of {self.target} are on {self.standby}")
        return self._row(mine[0], at)

    def _row(self, row: Carried, at: float) -> Standing:
        about = f"{row.primary}/{row.status}"
        called = "" if row.primary.casefold() == self.target.casefold() else f" ({row.primary})"
        whose = f"{self.target}{called}"
        if not row.known:
            return Standing(at, State.UNKNOWN, State.UNKNOWN, (), row.text, about)
        if not row.here:
            return self._at_home(at, f"the phones of {whose} are at home again", about, row.since)
        words = f"the first phones of {whose} came to {self.standby}"
        if row.status == HEALTHY:
            words = f"phones of {whose} are on {self.standby}, and {self.target} is well again"
        return Standing(at, State.WARNING, State.OK, (self.standby,), words, about, dated=row.since)

    def _at_home(self, at: float, words: str, about: str = "", since: float | None = None) -> Standing:
        return Standing(at, State.OK, State.OK, (self.target,), words, about, changing=False, dated=since)


def _fresh(results: Sequence[CheckResult | None], now: float) -> list[CheckResult]:
    return [one for one in results if one is not None and now <= one.started + one.valid_for]


def party_of(estate: Estate, name: str, standby: str = "") -> Phones:
    """The primary and its backup, of which the target is one; alone where the estate knows no backup of it.

    Both must be in the estate. Raises Ambiguous.
    """
    if standby == name:
        raise Ambiguous(f"{name} cannot be its own backup")
    if standby:
        return _between(estate, name, standby)
    found = parties_with(estate, name)
    mine = [one for one in found if one.target == name]
    if len(mine) > 1:
        backups = ", ".join(sorted(one.standby for one in mine)[:8])
        raise Ambiguous(f"{name} has the backups {backups}: say which with --backup")
    if mine:
        return mine[0]
    if len(found) > 1:
        primaries = ", ".join(sorted(one.target for one in found)[:8])
        raise Ambiguous(f"{name} is the backup of {primaries}: say which of them is drilled")
    return found[0] if found else Phones(name, counting=_checks(estate, name))


def parties_with(estate: Estate, name: str) -> tuple[Phones, ...]:
    """Every primary and backup that the estate knows and of which the target is one."""
    pairs = dict.fromkeys(
        (primary, spec.target)
        for spec in _checks(estate)
        for primary in primaries_of(spec.options).values()
        if name in (primary, spec.target) and primary != spec.target and primary in estate.targets
    )
    return tuple(_between(estate, primary, standby) for primary, standby in pairs)


def _between(estate: Estate, primary: str, standby: str) -> Phones:
    telling = _checks(estate, standby)
    named = [pair for spec in telling for pair in primaries_of(spec.options).items()]
    return Phones(
        primary, standby, telling, _checks(estate, primary),
        frozenset(name for name, target in named if target == primary),
        frozenset(name for name, target in named if target != primary),
    )  # fmt: skip


def _checks(estate: Estate, name: str = "") -> tuple[CheckSpec, ...]:
    """The checks of telephone systems: of one target, or of all."""
    targets = [estate.targets[name]] if name else estate.targets.values()
    return tuple(spec for target in targets for spec in target.checks if spec.kind == KIND)
