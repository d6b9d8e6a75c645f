"""What is to be shown of one object: its RPO over the time, and how it stood when it was last read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.evidence.model import Copies, CopyKept, ObjectShown, Restored, Rpo, Span, Verified
from agent.evidence.period import Period, utc
from agent.evidence.shares import Said, Verdict, between, pieces, shares, verdict_of
from agent.ledger import batch
from checks.backup.history import ObjectHistory
from checks.backup.judgement import PROTECTION, REPOSITORY
from checks.backup.options import BackupOptions, ObjectOptions, ScheduleOptions
from checks.backup.rules.freshness import newest
from checks.backup.rules.keeping import copies, out_of_reach, three_two_one
from checks.backup.rules.proving import restore_seconds
from checks.contract import Finding, State
from checks.printable import printable
from config.schema.words import duration_text

NOT_JUDGED = "not judged"
_MOST = 50
"""Stretches of one kind that are listed of an object."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The time, and when nobody watched."""

    period: Period
    gaps: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What the newest result of a check tells of its objects."""

    check: str
    council: str
    options: BackupOptions
    at: float | None
    """When there was last a usable answer; None: never."""
    histories: Mapping[str, ObjectHistory]
    findings: Mapping[str, Finding]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the ledger has of one target in that time."""

    protection: Mapping[str, Sequence[batch.Span]]
    """By the object's name."""
    down: Mapping[str, Sequence[batch.Span]]
    """By `product/repository`: when it was critical."""


def seen(spans: Iterable[batch.Span]) -> Mapping[str, Seen]:
    """Sorted once, by target: there are as many spans as objects and starts of the agent."""
    found: dict[str, tuple[dict[str, list[batch.Span]], dict[str, list[batch.Span]]]] = {}
    for span in spans:
        protection, down = found.setdefault(span.cause.subject, ({}, {}))
        condition = span.cause.condition
        if condition.startswith(f"{PROTECTION}/"):
            protection.setdefault(condition.removeprefix(f"{PROTECTION}/"), []).append(span)
        elif condition.startswith(f"{REPOSITORY}/") and span.state is State.CRITICAL:
            down.setdefault(condition.removeprefix(f"{REPOSITORY}/"), []).append(span)
    return {target: Seen(*both) for target, both in found.items()}


NOTHING_SEEN = Seen({}, {})


def rpo_of(name: str, places: Iterable[str] | None, told: Seen, watch: Watch) -> Rpo:
    """For how much of the time the RPO was kept. `places`: the repositories where the object lies.

    While one of them is critical, its own finding may be ok only because the fault is told there, so that time is
    unproven. Where it lies is not known (None): any repository.
    """
    start, end = watch.period.start, watch.period.end
    said = [Said(begins, ends, Verdict.UNPROVEN) for begins, ends in watch.gaps]
    said += [Said(one.start, one.end, verdict_of(one.state, one.flags)) for one in told.protection.get(name, ())]
    for place in told.down if places is None else places:
        said += [Said(one.start, one.end, Verdict.UNPROVEN) for one in told.down.get(place, ())]
    whole = pieces(said, start, end)
    total = shares(whole)
    broken = [one for one in whole if one.verdict is Verdict.BROKEN]
    unproven = [one for one in whole if one.verdict is Verdict.UNPROVEN]
    return Rpo(
        *total.percentages,
        total.kept / 1000,
        total.broken / 1000,
        total.unproven / 1000,
        _newest(broken),
        _newest(unproven),
        max(0, len(broken) - _MOST) + max(0, len(unproven) - _MOST),
    )


def stretch(start: float, end: float) -> Span:
    """A stretch of time as it is written."""
    return Span(utc(start), utc(end), round(end - start, 3))


def unwatched(lives: Iterable[batch.AgentSpan], period: Period) -> tuple[tuple[float, float], ...]:
    """When no agent was alive."""
    return tuple(between([(life.start, life.end) for life in lives], period.start, period.end))


def shown(name: str, known: Known, told: Seen, watch: Watch) -> ObjectShown:
    """An object of the estate, or one that it no longer has."""
    options, history = known.options.objects.get(name), known.histories.get(name)
    finding = known.findings.get(f"{PROTECTION}/{name}")
    at = known.at if history is not None else None
    return ObjectShown(
        check=known.check,
        council=known.council,
        name=name,
        title=(options.title if options else None) or name,
        owner=options.owner if options else None,
        declared=options is not None,
        policy=options.policy if options else None,
        schedule=_schedule(options.schedule) if options else None,
        rpo_seconds=options.rpo if options else None,
        rto_seconds=options.rto if options else None,
        asked_of=tuple(dict.fromkeys(claim.product for claim in options.by)) if options else (),
        known_by=_known_by(history),
        state=finding.state.value if finding else NOT_JUDGED,
        words=finding.summary if finding else "",
        watched_since=_moment(history.first_seen if history else None),
        newest_restorable=_moment(newest(history, at) if history and at is not None else None),
        rpo=rpo_of(name, history.lying if history and history.lying else None, told, watch),
        verified=_verified(history),
        verified_within_seconds=options.verified_within if options else None,
        restored=_restored(history),
        drilled_within_seconds=options.drilled_within if options else None,
        restore_estimate_seconds=restore_seconds(history) if history else None,
        copies=_copies(known.options, options, history, at),
    )


def _newest(said: Sequence[Said]) -> tuple[Span, ...]:
    return tuple(stretch(one.start, one.end) for one in said[-_MOST:])


def _moment(at: float | None) -> str | None:
    return utc(at) if at else None


def _schedule(options: ScheduleOptions | None) -> str | None:
    if options is None:
        return None
    if options.every is not None:
        return f"every {duration_text(options.every)}"
    return f"{'cron' if options.cron else 'calendar'} {options.cron or options.calendar} ({options.zone})"


def _known_by(history: ObjectHistory | None) -> tuple[str, ...]:
    """Products of which something was read: a run, or what lies there."""
    if history is None:
        return ()
    lying = [at.partition("/")[0] for at, one in history.lying.items() if one.newest is not None and one.count != 0]
    return tuple(sorted({*lying, *(past.product for past in history.runs)}))


def _verified(history: ObjectHistory | None) -> tuple[Verified, ...]:
    if history is None:
        return ()
    return tuple(Verified(place, utc(at), sound) for place, (at, sound) in sorted(history.verified.items()))


def _restored(history: ObjectHistory | None) -> tuple[Restored, ...]:
    """The newest first."""
    if history is None:
        return ()
    return tuple(
        Restored(
            utc(one.at), printable(one.by), one.passed, one.seconds, one.bytes, _moment(one.point),
            printable(one.message),
        )
        for one in reversed(history.proofs)
    )  # fmt: skip


def _copies(
    all: BackupOptions, options: ObjectOptions | None, history: ObjectHistory | None, at: float | None
) -> Copies:
    if options is None or history is None or at is None:
        return Copies(options is not None and options.copies is not None, (), None, 0, ())
    kept, wish = copies(all, history), options.copies
    away = sum(one.where is not None and one.where.place != options.at for one in kept)
    safe = [one for one in kept if wish is not None and out_of_reach(one, wish, at)]
    missing = three_two_one(options, wish, kept, history, at) if wish is not None else ()
    rows = tuple(
        CopyKept(
            repository=one.at,
            place=one.where.place if one.where else None,
            medium=one.where.medium if one.where else None,
            offline=one.where is not None and one.where.offline,
            newest=_moment(one.lying.newest),
            oldest=_moment(one.lying.oldest),
            points=one.lying.count,
            locked_until=_moment(one.lying.locked_until),
            damaged=one.lying.damaged,
        )
        for one in kept
    )
    return Copies(
        wish is not None, rows, away if options.at is not None else None, len(safe), tuple(one.words for one in missing)
    )
