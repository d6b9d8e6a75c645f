"""Every failover that is remembered: announced or not, and how long the service was away, as far as anything tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from agent.drills.records import Drill, Gap
from agent.ledger.batch import Span
from agent.ledger.drills import drills_at, windows_at
from agent.ledger.read import spans_of
from agent.records import Councils, sees
from agent.windows import as_maintenance
from checks.contract import Memory, State
from checks.firewall.failovers import KEY, Failover, failovers
from config.estate import CheckSpec, Estate, Every, Maintenance, Target
from config.routing import is_active, matches

MOST = 100
"""Failovers that are listed at a time."""
_NEAR = 300.0
"""Seconds around a failover within which an outage belongs to it, and by which the device's clock may be wrong."""


class ToldBy(StrEnum):
    """Who tells how long the service was away."""

    DRILL = "drill"
    CHECKS = "checks"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Loss:
    """How long the service was away. `seconds` is None where nothing tells."""

    told_by: ToldBy
    seconds: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """What said beforehand that something would happen: a maintenance window, and the drill whose window it is."""

    window: str
    reason: str
    drill: str | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """One failover of the pair at a target."""

    target: Target
    failover: Failover
    announced: Announcement | None
    loss: Loss


Remembered = tuple[tuple[Target, Failover], ...]


def remembered(
    estate: Estate, memory: Callable[[CheckSpec], Memory | None], target: str | None, councils: Councils
) -> Remembered:
    """The newest failovers in the notes of checks, newest first; of one pair or member where it is named."""
    found = [
        (pair, failover)
        for pair in estate.targets.values()
        for spec in pair.checks
        if target is None or target == pair.name or target in spec.inputs
        if all(sees(councils, estate.targets[name].council) for name in (pair.name, *spec.inputs))
        for failover in _noted(memory(spec))
    ]
    return tuple(sorted(found, key=lambda one: one[1].at, reverse=True)[:MOST])


def _noted(memory: Memory | None) -> tuple[Failover, ...]:
    """The failovers of a note. Most notes have none, and are not read for that."""
    return failovers(memory) if memory is not None and KEY in memory.text else ()


def failover_log(connection: Connection, estate: Estate, known: Remembered) -> tuple[Logged, ...]:
    """Each with what the ledger tells of it."""
    return tuple(_logged(connection, estate, target, failover) for target, failover in known)


def _logged(connection: Connection, estate: Estate, target: Target, failover: Failover) -> Logged:
    moments = _moments(failover)
    under_way = (one for moment in moments for one in drills_at(connection, moment))
    drill = next((one for one in under_way if target.name in one.covers), None)
    loss = loss_in(drill, failover) if drill is not None else None
    if loss is None:
        spans = spans_of(connection, min(moments) - _NEAR, max(moments) + _NEAR, subject=target.name)
        loss = loss_by_checks(target, failover, spans)
    if drill is not None:
        return Logged(target, failover, Announcement(drill.window, drill.reason, drill.id), loss)
    for moment in moments:
        planned = [window for window in estate.maintenance if is_active(window, moment)]
        for window in (*planned, *map(as_maintenance, windows_at(connection, moment))):
            if _covers(window, estate, target):
                return Logged(target, failover, Announcement(window.id, window.reason), loss)
    return Logged(target, failover, None, loss)


def _covers(window: Maintenance, estate: Estate, target: Target) -> bool:
    """Whether a window reaches the target in any way."""
    chosen = window.selector
    return matches(
        chosen, estate, council=target.council, site=target.site, target=target.name,
        kind=next(iter(chosen.kinds), None), condition=next(iter(chosen.conditions), None),
    )  # fmt: skip


def loss_in(drill: Drill, failover: Failover) -> Loss | None:
    """The longest loss that lies nearest to this failover of all that the drill saw; None where it cannot be told."""
    others = [swap.seen for swap in drill.evidence.swaps]
    losses = []
    for probe in drill.evidence.probes:
        near = [gap for gap in probe.gaps if _belongs(gap, failover, others)]
        if near:
            losses.append(max(near, key=lambda gap: gap.seconds))
        elif probe.sent and not probe.gaps_left_out:
            losses.append(Gap(failover.at, 0.0, 0.0, probe.coarsest, 0))
    if not losses:
        return None
    gap = max(losses, key=lambda gap: gap.seconds)
    if not gap.lost:
        return Loss(ToldBy.DRILL, 0.0, f"nothing lost, asked at least every {gap.at_most:.2f} s")
    going_on = " and going on at its end" if gap.open else ""
    return Loss(ToldBy.DRILL, gap.seconds, f"{gap.seconds:.1f} s ({gap.at_least:.2f} to {gap.at_most:.2f}){going_on}")


def loss_by_checks(target: Target, failover: Failover, spans: Sequence[Span]) -> Loss:
    """What the target's own checks saw: as exact as they ask often."""
    asked = min((spec.schedule.seconds for spec in target.checks if isinstance(spec.schedule, Every)), default=None)
    every = f" (asked every {asked:g} s)" if asked is not None else ""
    first, last = min(_moments(failover)), max(_moments(failover))
    begun = [span for span in spans if first - _NEAR <= span.start <= last + _NEAR and span.state is State.CRITICAL]
    if begun:
        length = max(span.end for span in begun) - min(span.start for span in begun)
        conditions = ", ".join(sorted({span.cause.condition for span in begun}))
        going_on = " and going on" if any(span.run is not None for span in begun) else ""
        text = f"its checks were critical for {length:.0f} s{going_on}: {conditions}{every}"
        return Loss(ToldBy.CHECKS, length, text)
    then = [span for span in spans if span.start <= first and last <= span.end]
    known = all(span.state is not State.UNKNOWN and "stale" not in span.flags.split(",") for span in then)
    if known and any(span.state is State.OK for span in then):
        return Loss(ToldBy.CHECKS, None, f"its checks saw no outage{every}")
    return Loss(ToldBy.NOBODY, None, "not measured")


def _moments(failover: Failover) -> tuple[float, ...]:
    """When it was: by the device's clock, and where that is near, by ours."""
    near = abs(failover.seen - failover.at) <= _NEAR
    return (failover.at, failover.seen) if near else (failover.at,)


def _belongs(gap: Gap, failover: Failover, others: Sequence[float]) -> bool:
    distance = abs(gap.start - failover.seen)
    return distance <= _NEAR and all(distance <= abs(gap.start - other) for other in others)
