"""How a pair of firewalls stands, as its own check tells it: of roles a drill knows nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.drills.party import SKEW, Results, Standing, Words, changes_in
from agent.drills.records import Look, Swap
from agent.records import CheckResult
from checks.contract import INPUT, State, worst
from checks.firewall.cluster import HA_ROLE
from checks.firewall.failovers import Failover
from checks.firewall.pair import service as service_rule
from checks.firewall.pair.options import KIND
from checks.firewall.pair.views import SERVING
from config.estate import CheckSpec, Estate

_ACTIVE = tuple((role.value,) for role in SERVING)
_OF_PAIR = "pair/"
"""Begins the keys of what the check says of the pair; the others are of one member's inside, such as its memory."""
_WORDS = Words(
    untold="Nothing tells of roles here",
    unsupported="This product tells no roles",
    failing="The pair does not do its work",
    unknown="How the pair stands is not known",
    moved="Failed over",
    not_whole="The pair is not whole",
    whole="The pair is whole.",
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair of firewalls with the checks that tell of its roles; or a target without one, drilled by itself."""

    target: str
    covers: tuple[str, ...]
    telling: tuple[CheckSpec, ...]
    standby: str = ""
    counting: tuple[CheckSpec, ...] = ()
    words: Words = _WORDS

    @property
    def probed(self) -> tuple[str, ...]:
        return (self.target,)

    def standing(self, results: Results, now: float) -> Standing | None:
        return standing([one for spec in self.telling for one in results[spec.id]], now)

    def swaps(
        self, before: Sequence[Failover], now: Sequence[Failover], looks: Sequence[Look], start: float
    ) -> tuple[Swap, ...]:
        return swaps_during(before, now, looks, start)

    def counts(self, results: Results, now: float) -> Iterator[tuple[str, float, Mapping[str, int]]]:
        """Nothing of a pair is counted."""
        del results, now
        yield from ()

    def left(self, standing: Standing | None) -> str:
        """Nobody: every member has to be there again at the end, and the pair's own check says whether it is."""
        del standing
        return ""


def party_of(estate: Estate, name: str) -> Pair:
    """The pair of which the target has the check, or is a member: what is drilled is then the pair.

    A target without a pair is drilled by itself.
    """
    pairs = tuple(
        spec
        for target in estate.targets.values()
        for spec in target.checks
        if spec.kind == KIND and (target.name == name or name in spec.inputs)
    )
    drilled = next((spec.target for spec in pairs), name)
    covers = dict.fromkeys([drilled, name, *(one for spec in pairs for one in (spec.target, *spec.inputs))])
    return Pair(drilled, tuple(covers), pairs)


def standing(results: Sequence[CheckResult | None], now: float) -> Standing | None:
    """How the pair stands; None without a check. What is missing or too old is unknown, whatever the others say."""
    if not results:
        return None
    known = [one for one in results if one is not None and now <= one.started + one.valid_for]
    if len(known) < len(results):
        missing = "the pair's check has brought no result that is recent enough"
        at = min((one.started for one in known), default=0.0)
        return Standing(at, State.UNKNOWN, State.UNKNOWN, (), missing)
    findings = [finding for one in known for finding in one.assessment.findings if finding.key.startswith(_OF_PAIR)]
    state = worst([finding.state for finding in findings])
    service = worst([finding.state for finding in findings if finding.key == service_rule.KEY])
    first = next((finding for finding in findings if finding.state is state), None)
    text, about = (first.summary, first.key) if first is not None else ("nothing was found", "")
    if not state.bad:
        text, about = "all is well", ""
    active = sorted(
        {
            reading.labels[0]
            for one in known
            for reading in one.assessment.readings
            if reading.family == HA_ROLE and reading.value == 1 and reading.labels[1:] in _ACTIVE
        }
    )
    members = [finding.state.bad for finding in findings if finding.key.startswith(INPUT)]
    at = min(one.started for one in known)
    return Standing(at, state, service, tuple(active), text, about, service.bad or any(members))


def swaps_during(
    before: Sequence[Failover], now: Sequence[Failover], looks: Sequence[Look], start: float
) -> tuple[Swap, ...]:
    """The failovers since a drill began, oldest first.

    Those of the check's note that were not in it before; where the note says nothing of a change of the one active
    member that the looks show, that change itself.
    """
    noted = [one for one in now if one not in before and one.seen >= start and one.at >= start - SKEW]
    found = [Swap(one.at, one.seen, one.away_from or "", one.to, one.reason) for one in noted]
    unseen = list(found)
    for change in changes_in(looks):
        known = next((swap for swap in unseen if swap.to == change.to and abs(swap.seen - change.seen) <= SKEW), None)
        if known is not None:
            unseen.remove(known)
        else:
            found.append(change)
    return tuple(sorted(found, key=lambda swap: swap.seen))
