"""Whether an object's jobs would run at all, and run to their end as wholes: one cause for all that they take. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from checks.backup.evidence import Evidence, place
from checks.backup.history import NEWS, JobRun
from checks.backup.model import Job, Outcome
from checks.backup.options import ObjectOptions
from checks.backup.rules import Trouble
from checks.backup.rules.freshness import moment
from checks.backup.rules.runs import EARLY, overrun
from checks.contract import State
from checks.printable import printable

_GRACE = 1800.0
"""Seconds that a job may start late, where the estate says nothing of it."""
_WILD = frozenset("*?[")


def job_troubles(options: ObjectOptions, evidence: Evidence, now: float) -> Iterator[Trouble]:
    """Everything that is wrong with the jobs that take it; each trouble is one of a whole job."""
    every = [job for _, job in evidence.jobs]
    off = bool(every) and all(job.enabled is False for job in every)
    manual = bool(every) and options.schedule is not None and all(job.manual for job in every)
    for product, job in evidence.jobs:
        at = place(product, job.name)
        name = f"its job {printable(job.name)[:60]}"
        if job.enabled is False and (off or _asked_for(options, product, job)):
            yield Trouble(State.WARNING, f"{name} is switched off", "switch it on again", at, whole=True)
            continue
        if job.why:
            words = f"its next run would not start: {printable(job.why)[:150]}"
            yield Trouble(State.WARNING, words, "mend that first", at, whole=True)
        if manual:
            yield Trouble(State.WARNING, f"nothing starts {name} by itself", "give it a schedule", at, whole=True)
        yield from _of_runs(options, evidence, product, job, now)


def _asked_for(options: ObjectOptions, product: str, job: Job) -> bool:
    """Whether the estate names just this job: then another that goes well is no excuse for it."""
    return any(
        claim.product == product and claim.job is not None and not _WILD & set(claim.job) and claim.takes_job(job.name)
        for claim in options.by
    )


def _of_runs(options: ObjectOptions, evidence: Evidence, product: str, job: Job, now: float) -> Iterator[Trouble]:
    at, name = place(product, job.name), f"its job {printable(job.name)[:60]}"
    runs = evidence.job_runs.get(at, ())
    going = [run for of, run in evidence.running if of == product and run.job == job.name]
    for run in going:
        words = (
            ""
            if run.object or not runs
            else overrun(options, run, [one.seconds for one in runs if one.outcome.kept], now)
        )
        if words:
            yield Trouble(State.WARNING, f"{name}: {words}", "see whether it hangs", at, whole=True)
    own = [past.started for past in evidence.history.runs if (past.product, past.job) == (product, job.name)]
    begun = max([*own, *(run.started for run in runs), *(run.started or now for run in going)], default=None)
    if runs and runs[-1].outcome in (Outcome.FAILED, Outcome.CANCELLED) and not going:
        yield from _came_to_nothing(options, runs[-1], max(own, default=0.0), at, name, now)
    elif options.schedule is None and job.enabled is not False:
        due = _due(evidence, product, job, now)
        if due is not None and due[0] - EARLY > (begun if begun is not None else evidence.history.first_seen):
            yield Trouble(
                State.WARNING, f"{name} {due[1]} and has not started", "see why it did not start", at, whole=True
            )


def _came_to_nothing(
    options: ObjectOptions, last: JobRun, own: float, at: str, name: str, now: float
) -> Iterator[Trouble]:
    """A job that ended badly before it came to the object, which then has no run of its own to tell."""
    if own >= last.started - EARLY or now - last.started > NEWS * options.rpo:
        return
    said = printable(last.message)[:120]
    how = "failed" if last.outcome is Outcome.FAILED else "was cancelled"
    words = f"{name}: the run of {moment(last.started)} {how} before it came to this" + (f": {said}" if said else "")
    yield Trouble(State.WARNING, words, "look at the job's own log", at, whole=True)


def _due(evidence: Evidence, product: str, job: Job, now: float) -> tuple[float, str] | None:
    """When the product itself says that the job should have started, and in what words; None: it need not have.

    A chained job is due at the end of the one before it, where that left something.
    """
    if job.after:
        ends = [
            run.ended
            for run in evidence.job_runs.get(place(product, job.after), ())
            if run.outcome.kept and run.ended is not None and run.ended < now - _GRACE
        ]
        if ends:
            return max(ends), f"follows {printable(job.after)[:60]}, which ended at {moment(max(ends))},"
    elif job.next_run is not None and job.next_run < now - _GRACE:
        return job.next_run, f"was due at {moment(job.next_run)} by its own schedule"
    return None
