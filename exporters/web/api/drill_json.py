"""Drills and failovers as JSON, the same over HTTP and on the command line. Times are RFC 3339 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.drills.failover_log import Logged
from agent.drills.records import Drill, Gap, Look, Measured, Out, Swap
from exporters.web.api.render import Json


def drill_json(drill: Drill) -> dict[str, Json]:
    """A drill with its evidence; what has not happened is null."""
    return {
        **drill_line_json(drill),
        "covers": list(drill.covers),
        "probes": [_measured(one) for one in drill.evidence.probes],
        "failovers": [_swap(one) for one in drill.evidence.swaps],
        "looks": [_look(one) for one in drill.evidence.looks],
        "looks_left_out": drill.evidence.looks_left_out,
        "out_of_service": [_out(one) for one in drill.evidence.outs],
    }


def drill_line_json(drill: Drill) -> dict[str, Json]:
    """A drill in a list."""
    return {
        "id": drill.id,
        "kind": drill.kind.value,
        "council": drill.council,
        "target": drill.target,
        "standby": drill.standby or None,
        "by": drill.author,
        "reason": drill.reason,
        "change": drill.change or None,
        "window": drill.window,
        "start": exact(drill.start),
        "until": exact(drill.until),
        "ended_at": _exact(drill.ended_at),
        "ended_by": drill.ended_by or None,
        "outcome": drill.outcome.value if drill.outcome is not None else None,
        "summary": drill.summary or None,
        "proven_at": _exact(drill.proven_at),
    }


def failover_json(one: Logged) -> dict[str, Json]:
    """A failover: which way, why, announced by what, and how long the service was away."""
    announced = one.announced
    return {
        "target": one.target.name,
        "council": one.target.council,
        "at": exact(one.failover.at),
        "seen": exact(one.failover.seen),
        "away_from": one.failover.away_from,
        "to": one.failover.to,
        "reason": one.failover.reason or None,
        "announced": None
        if announced is None
        else {"window": announced.window, "reason": announced.reason, "drill": announced.drill},
        "loss": {"told_by": one.loss.told_by.value, "seconds": _rounded(one.loss.seconds), "text": one.loss.text},
    }


def exact(at: float) -> str:
    """RFC 3339 in UTC, to the millisecond: a gap is often shorter than a second."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _exact(at: float | None) -> str | None:
    return None if at is None else exact(at)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _measured(one: Measured) -> dict[str, Json]:
    return {
        "probe": one.probe,
        "interval_seconds": one.interval,
        "patience_seconds": one.patience,
        "coarsest_seconds": _rounded(one.coarsest),
        "sent": one.sent,
        "answered": one.answered,
        "lost": one.lost,
        "unsent": one.unsent,
        "lost_by_way": dict(one.ways),
        "longest": _gap(one.longest) if one.longest is not None else None,
        "gaps": [_gap(gap) for gap in one.gaps],
        "gaps_left_out": one.gaps_left_out,
    }


def _gap(gap: Gap) -> dict[str, Json]:
    return {
        "start": exact(gap.start),
        "seconds": _rounded(gap.seconds),
        "at_least": _rounded(gap.at_least),
        "at_most": None if gap.open else _rounded(gap.at_most),
        "lost": gap.lost,
        "open": gap.open,
    }


def _swap(swap: Swap) -> dict[str, Json]:
    return {
        "at": exact(swap.at),
        "seen": exact(swap.seen),
        "away_from": swap.away_from or None,
        "to": swap.to,
        "reason": swap.reason or None,
    }


def _look(look: Look) -> dict[str, Json]:
    return {
        "at": exact(look.at),
        "state": look.state,
        "active": list(look.active),
        "text": look.text,
        "dated": _exact(look.dated),
    }


def _out(out: Out) -> dict[str, Json]:
    return {
        "target": out.target,
        "category": out.category,
        "before": out.before,
        "worst": out.worst,
        "worst_at": exact(out.worst_at),
        "last": out.last,
        "last_at": exact(out.last_at),
        "back_at": _exact(out.back_at),
    }
