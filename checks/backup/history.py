"""What is remembered of each object and job: enough runs for statistics, and what still lies where. Pure.

A product is asked for what is new since the last poll, so whatever is older must be remembered here: an object whose
newest point has left the window has not lost it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from checks.backup.model import Level, Outcome, Proof, Run, Verification

MOST_RUNS = 60
"""Runs of an object that are remembered: two of what the stricter statistics need."""
MOST_LOGS = 30
"""Of those, backups of a database's log: one every quarter of an hour would push out every night there was."""
_MOST_OF_A_JOB = 20
_MOST_PROOFS = 12
_MOST_KEPT = 30
_DAY = 86_400.0
DELETION_TOLD = 7 * _DAY
"""Seconds for which a sudden deletion is told."""
NEWS = 2.0
"""RPOs for which the last run of one of several jobs is news."""
MOST_PLACES = 50
"""Repositories of an object that are remembered: a product that invents names makes no note grow for ever."""


class Past(NamedTuple):
    """A run that is over, as it is remembered. A tuple, since 50,000 are made anew in every round."""

    product: str
    """The name of the product that told it."""
    started: float
    seconds: float | None
    outcome: Outcome
    level: Level
    bytes: int | None = None
    files: int | None = None
    errors: int | None = None
    nothing: bool = False
    job: str = ""
    written: int | None = None
    retries: bool = False
    """It failed, and the product said that it would try again."""
    message: str = ""
    """The product's words, where it did not go well."""

    @property
    def key(self) -> tuple[str, str, int, Level]:
        """The same for the same run told again."""
        return self.product, self.job, int(self.started), self.level

    @property
    def ended(self) -> float:
        return self.started + (self.seconds or 0.0)


@dataclass(frozen=True, slots=True)
class Lying:
    """What lies of an object in one repository."""

    newest: float | None = None
    oldest: float | None = None
    count: int | None = None
    bytes: int | None = None
    """Of the newest point."""
    locked_until: float | None = None
    """Until when the newest point cannot be deleted."""
    damaged: bool = False
    """Its newest point was found damaged or infected."""
    suspect: str = ""
    """What a scan that is not sure says of its newest point."""
    seen: float = 0.0
    """When the product last told it."""
    counted: float = 0.0
    """When `count` was last told; what is kept from before is no news."""
    listed: float = 0.0
    """When all points were last listed, which `oldest` comes from."""
    last: float | None = None
    """The newest point that was told, whatever it is worth: `damaged` and `suspect` are said of it."""


@dataclass(frozen=True, slots=True)
class ObjectHistory:
    """Everything remembered of one object of the estate."""

    runs: tuple[Past, ...] = ()
    """Oldest first. Of one job no two begin at the same moment."""
    lying: Mapping[str, Lying] = field(default_factory=dict)
    """By `product/repository`."""
    counts: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    """By `product/repository`: when it was counted, and the count that a later one is compared with."""
    verified: Mapping[str, tuple[float, bool]] = field(default_factory=dict)
    """By `product/repository`: when its data was last read again, and whether it was sound."""
    proofs: tuple[Proof, ...] = ()
    """Restores, oldest first."""
    first_seen: float = 0.0
    """When the estate's object was first judged."""


@dataclass(frozen=True, slots=True)
class JobRun:
    """A run of a whole job, whatever it did for each of its objects."""

    started: float
    seconds: float | None
    outcome: Outcome
    message: str = ""

    @property
    def ended(self) -> float | None:
        return None if self.seconds is None else self.started + self.seconds


def with_job_runs(before: Sequence[JobRun], runs: Iterable[Run]) -> tuple[JobRun, ...]:
    """With the runs of one job that are over, the oldest first; one that will be tried again is none yet."""
    known = {run.started: run for run in before}
    for run in runs:
        past = _past("", run)
        if past is not None and not past.retries:
            known[past.started] = JobRun(past.started, past.seconds, past.outcome, run.message[:100])
    return tuple(known[at] for at in sorted(known)[-_MOST_OF_A_JOB:])


def with_runs(before: ObjectHistory, runs: Iterable[tuple[str, Run]]) -> ObjectHistory:
    """With the runs that are over, by product; the same run told again replaces what was known of it."""
    known = {past.key: past for past in before.runs}
    for product, run in runs:
        past = _past(product, run)
        if past is not None:
            known[past.key] = past
    kept = sorted(known.values(), key=lambda past: (past.started, past.product, past.job, past.level))
    logs = [past.started for past in kept if past.level is Level.LOG]
    if len(logs) > MOST_LOGS:
        kept = [past for past in kept if past.level is not Level.LOG or past.started >= logs[-MOST_LOGS]]
    kept = kept[-MOST_RUNS:]
    return before if tuple(kept) == before.runs else replace(before, runs=tuple(kept))


def with_proofs(before: ObjectHistory, proofs: Iterable[Proof]) -> ObjectHistory:
    """With further restores; of two at the same moment by the same hand the later told counts."""
    known = {(proof.at, proof.by): proof for proof in before.proofs}
    known |= {(proof.at, proof.by): replace(proof, message=proof.message[:100]) for proof in proofs}
    kept = kept_proofs(known.values())
    return before if kept == before.proofs else replace(before, proofs=kept)


def kept_proofs(proofs: Iterable[Proof]) -> tuple[Proof, ...]:
    """The newest, and of each hand the last of every outcome: tries that prove nothing push no failure out."""
    ordered = sorted(proofs, key=lambda proof: proof.at)
    last = {(proof.by, proof.passed, proof.rehearsal, proof.withdrawn): proof for proof in ordered}
    kept = {*last.values(), *ordered[-_MOST_PROOFS:]}
    return tuple(sorted(kept, key=lambda proof: (proof.at, proof.by)))[-_MOST_KEPT:]


def with_lying(
    before: ObjectHistory, place: str, now: Lying | None, whole: bool, worthless: Collection[float] = ()
) -> ObjectHistory:
    """What a product tells of one repository. `whole`: it told all that lies there, so that nothing means nothing.

    Otherwise only what is newer than its window was told: what was known stays, and is made newer; unless it is one of
    the `worthless`, the times of points from which nothing can be restored.
    """
    known = before.lying.get(place)
    if now is None:
        if not whole or known is None:
            return before
        now = Lying(count=0, seen=known.seen)
    elif not whole and known is not None:
        now = _joined(replace(known, newest=None) if known.newest in worthless else known, now)
    if known is not None and _no_news(known, now):
        return before
    lying = {**before.lying, place: now}
    if len(lying) > MOST_PLACES:
        del lying[min((at for at in lying if at != place), key=lambda at: (lying[at].seen, at))]
    return replace(before, lying=lying)


def with_verification(before: ObjectHistory, place: str, verification: Verification) -> ObjectHistory:
    """With the newest verification that said anything; one that could not be done says nothing.

    Of two at the same moment the later told counts: one under way may find damage after it was first told. Damage in a
    part of the data is damage; that a part is sound says nothing of the whole.
    """
    known = before.verified.get(place)
    if verification.sound and verification.share < 1.0:
        return before  # what was read is sound, and proves nothing of the rest
    if verification.sound is None or (known is not None and known[0] > verification.at):
        return before
    if known == (verification.at, verification.sound):
        return before
    return replace(before, verified={**before.verified, place: (verification.at, verification.sound)})


def with_count(before: ObjectHistory, place: str, count: int, may_shrink_by: float, now: float) -> ObjectHistory:
    """Remember the count once a day, and at once where it grows: what is compared is what there was.

    Where more has gone than may, what there was is remembered for a week: a night does not bring it back.
    """
    known = before.counts.get(place)
    if known is not None:
        keep = DELETION_TOLD if known[1] - count > may_shrink_by else _DAY
        if known[1] >= count and now - known[0] < keep:
            return before
    return replace(before, counts={**before.counts, place: (now, count)})


def newest_first(runs: Sequence[Past]) -> list[Past]:
    """Runs that are over, the newest first."""
    return sorted(runs, key=lambda past: past.started, reverse=True)


def _past(product: str, run: Run) -> Past | None:
    if not run.outcome.over:
        return None
    started = run.started if run.started is not None else run.ended
    if started is None:
        return None
    words = "" if run.outcome is Outcome.SUCCESS and not run.nothing else run.message[:120]
    seconds = float(round(max(0.0, run.ended - started))) if run.ended is not None else None
    return Past(
        product, float(int(started)), seconds, run.outcome, run.level, run.bytes, run.files, run.errors, run.nothing,
        run.job, run.written, run.retries, words,
    )  # fmt: skip


def _no_news(known: Lying, now: Lying) -> bool:
    """Whether only the time of asking is new, and that by less than an hour: worth no note of its own."""
    alike = replace(now, seen=known.seen, counted=known.counted, listed=known.listed) == known
    fresh = (bool(now.counted), bool(now.listed)) == (bool(known.counted), bool(known.listed))
    return alike and fresh and now.seen - known.seen < 3600


def _joined(known: Lying, now: Lying) -> Lying:
    newer = known.newest is None or (now.newest is not None and now.newest >= known.newest)
    first = now if newer else known
    told = now if now.last is not None and now.last >= (known.last or 0.0) else known
    olds = [one.oldest for one in (known, now) if one.oldest is not None]
    counted = now if now.count is not None else known
    return replace(
        first,
        damaged=told.damaged,
        suspect=told.suspect,
        last=told.last,
        oldest=min(olds, default=None),
        count=counted.count,
        counted=counted.counted,
        listed=max(known.listed, now.listed),
        seen=max(known.seen, now.seen),
    )
