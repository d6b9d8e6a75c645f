"""How a pair of firewalls stands, as its own check tells it: of roles a drill knows nothing else. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
_SKEW = 120.0
"""Seconds by which a device's clock may differ for a failover of its history still to belong to the drill."""


@dataclass(frozen=True, slots=True)
class Party:
    """What a drill of a target is about: the target, what its window covers, and the checks that tell of roles."""

    target: str
    covers: tuple[str, ...]
    pairs: tuple[CheckSpec, ...]


def party_of(estate: Estate, name: str) -> Party | None:
    """The pair of which the target has the check, or is a member: what is drilled is then the pair.

    A target without a pair is drilled by itself. None when the estate has no such target.
    """
    if name not in estate.targets:
        return None
    pairs = tuple(
        spec
        for target in estate.targets.values()
        for spec in target.checks
        if spec.kind == KIND and (target.name == name or name in spec.inputs)
    )
    drilled = next((spec.target for spec in pairs), name)
    covers = dict.fromkeys([drilled, name, *(one for spec in pairs for one in (spec.target, *spec.inputs))])
    return Party(drilled, tuple(covers), pairs)


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest results of the pair's checks, as one."""

    at: float
    """When the oldest of them began."""
    state: State
    """The worst of what is said of the pair."""
    service: State
    """Whether the pair does its work; critical: it does not, unsupported: this product tells nobody."""
    active: tuple[str, ...]
    """Members that carry the service."""
    text: str
    """The worst finding's sentence."""
    about: str = ""
    """The worst finding's key."""
    seconds: float = 0.0
    """How long it took to ask."""
    changing: bool = True
    """Whether the service or a member is not as it should be, so that the next answer may be another."""

    def look(self) -> Look:
        return Look(self.at, self.state.value, self.active, self.text)

    def as_before(self, other: Standing) -> bool:
        """Whether this says the same as an earlier one; numbers in its sentence may be others."""
        return (self.state, self.active, self.about) == (other.state, other.active, other.about)


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
    at, seconds = min(one.started for one in known), max(one.duration for one in known)
    return Standing(at, state, service, tuple(active), text, about, seconds, service.bad or any(members))


def swaps_during(
    before: Sequence[Failover], now: Sequence[Failover], looks: Sequence[Look], start: float
) -> tuple[Swap, ...]:
    """The failovers since a drill began, oldest first.

    Those of the check's note that were not in it before; where the note says nothing of a change of the one active
    member that the looks show, that change itself.
    """
    noted = [one for one in now if one not in before and one.seen >= start and one.at >= start - _SKEW]
    found = [Swap(one.at, one.seen, one.away_from or "", one.to, one.reason) for one in noted]
    unseen = list(found)
    active = ""
    for look in looks:
        if len(look.active) != 1:
            continue
        (member,) = look.active
        if active and member != active:
            known = next((swap for swap in unseen if swap.to == member and abs(swap.seen - look.at) <= _SKEW), None)
            if known is not None:
                unseen.remove(known)
            else:
                found.append(Swap(look.at, look.at, active, member, ""))
        active = member
    return tuple(sorted(found, key=lambda swap: swap.seen))
