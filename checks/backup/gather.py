"""What all products told, sorted by the objects of the estate. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from checks.backup.claims import Names, without_products
from checks.backup.evidence import Evidence, place
from checks.backup.history import (
    NEWS,
    JobRun,
    Lying,
    ObjectHistory,
    with_job_runs,
    with_lying,
    with_proofs,
    with_runs,
    with_verification,
)
from checks.backup.lying import all_told, what_lies
from checks.backup.model import Account, Outcome, Part, Run
from checks.backup.note import Note
from checks.backup.options import BackupOptions, ObjectOptions
from config.cron import LONDON


@dataclass(frozen=True, slots=True)
class Gathered:
    """The round by object, and what belongs to none."""

    objects: Mapping[str, Evidence]
    undeclared: Mapping[str, tuple[str, ...]]
    """By product: names of objects, or of jobs where it has no objects, that nobody declared."""
    unprotected: Mapping[str, tuple[str, ...]]
    """By product: what no job of it takes, and nobody declared."""
    job_runs: Mapping[str, tuple[JobRun, ...]]


def gathered(options: BackupOptions, accounts: Mapping[str, Account], before: Note, now: float) -> Gathered:
    """Sort, and merge with what is remembered."""
    job_runs = {at: runs for at, runs in before.jobs.items() if at.partition("/")[0] in options.products}
    objects = {
        name: Evidence(_known(before, name, one, now), job_runs=job_runs) for name, one in options.objects.items()
    }
    undeclared: dict[str, tuple[str, ...]] = {}
    unprotected: dict[str, tuple[str, ...]] = {}
    for product, account in accounts.items():
        names = Names(options, product)
        _job_runs(product, account, job_runs)
        _sort(product, account, names, objects)
        _of_remembered_jobs(options, product, account, objects)
        undeclared[product] = tuple(_undeclared(account, names))
        unprotected[product] = tuple(one for one in account.unprotected if not names.of(one, ""))
    for name, evidence in objects.items():
        _accept(options.objects[name], evidence, now)
        evidence.history = _merged(options.objects[name], evidence, accounts)
    return Gathered(objects, undeclared, unprotected, job_runs)


def _known(before: Note, name: str, options: ObjectOptions, now: float) -> ObjectHistory:
    """What is remembered of an object, but for products that do not tell of it any more: nobody could take it back.

    What drills of ours told stays, whatever they call their product: nobody reads that one here.
    """
    if name not in before.objects:
        return ObjectHistory(first_seen=now)
    return without_products(before.objects[name], before.read.keys() - {claim.product for claim in options.by})


def _job_runs(product: str, account: Account, known: dict[str, tuple[JobRun, ...]]) -> None:
    """What whole jobs did: of the jobs that there are, whatever the product invents."""
    there = {job.name for job in account.jobs}
    by_job: dict[str, list[Run]] = {}
    for run in account.runs:
        if run.job in there and not run.object:
            by_job.setdefault(run.job, []).append(run)
    for job, runs in by_job.items():
        at = place(product, job)
        known[at] = with_job_runs(known.get(at, ()), runs)
    if account.whole(Part.JOBS):
        for at in [at for at in known if at.startswith(f"{product}/") and at[len(product) + 1 :] not in there]:
            del known[at]


def _of_remembered_jobs(
    options: BackupOptions, product: str, account: Account, objects: Mapping[str, Evidence]
) -> None:
    """The jobs of an object that is known by its own name: which they are its runs tell, and those are told once only.

    So what is said of a job is said at every poll, and what it does now is known to be done for its objects. A job that
    took it once, and has not for two RPOs while others did, is not its job any more.
    """
    jobs = {job.name: job for job in account.jobs}
    under_way: dict[str, list[Run]] = {}
    for run in account.runs:
        if not run.object and not run.outcome.over:
            under_way.setdefault(run.job, []).append(run)
    if not jobs:
        return
    for key, one in objects.items():
        runs = one.history.runs
        since = runs[-1].started - NEWS * options.objects[key].rpo if runs else 0.0
        names = {past.job for past in runs if past.product == product and past.started >= since}
        names |= {run.job for of, run in one.runs if of == product and (run.started or 0.0) >= since}
        for name in sorted(names & jobs.keys()):
            if (product, jobs[name]) not in one.jobs:
                one.jobs.append((product, jobs[name]))
                one.running += [(product, run) for run in under_way.get(name, ())]


def _accept(options: ObjectOptions, evidence: Evidence, now: float) -> None:
    """A run that left something out is incomplete, unless the estate accepts each part of that for now."""
    today = datetime.fromtimestamp(now, ZoneInfo(LONDON)).date()
    for at, (product, run) in enumerate(evidence.runs):
        if not run.left_out:
            continue
        why = {part: options.acceptance_of(part, today) for part in run.left_out}
        evidence.accepted |= {part: one for part, one in why.items() if one is not None}
        if run.outcome is Outcome.SUCCESS and None in why.values():
            evidence.runs[at] = (product, replace(run, outcome=Outcome.PARTIAL))


def _sort(product: str, account: Account, names: Names, objects: Mapping[str, Evidence]) -> None:
    for name in account.objects:
        for key in names.of(name, ""):
            objects[key].matched = True
    for job in account.jobs:
        for key in names.of("", job.name):
            objects[key].matched = True
            objects[key].jobs.append((product, job))
    told: dict[str, set[str]] = {}
    for run in account.runs:
        if run.object:
            told.setdefault(run.job, set()).update(names.of(run.object, ""))
    for run in account.runs:
        for key in names.of(run.object, run.job):
            one = objects[key]
            one.matched = True
            if not run.object and key in told.get(run.job, ()):
                continue  # the run of the whole job says less than what it did for this object
            (one.runs if run.outcome.over else one.running).append((product, run))
    for point in account.points:
        for key in names.of(point.object, ""):
            objects[key].matched = True
            objects[key].points.setdefault(place(product, point.repository), []).append(point)
    for stock in account.stocks:
        for key in names.of(stock.object, ""):
            objects[key].matched = True
            lying = Lying(
                stock.newest, stock.oldest, stock.count, stock.bytes, seen=account.at, counted=account.at,
                listed=account.at if stock.oldest is not None else 0.0,
            )  # fmt: skip
            objects[key].stocks[place(product, stock.repository)] = lying
    for verification in account.verifications:
        of_job = told.get(verification.job, set()) if verification.job and not verification.object else set()
        keys = {*names.of(verification.object, verification.job), *of_job}
        for key in keys if verification.object or verification.job else ():
            objects[key].verifications.append((place(product, verification.repository), verification))
    for proof in account.proofs:
        for key in names.of(proof.object, proof.job):
            objects[key].proofs.append(proof)


def _undeclared(account: Account, names: Names) -> Iterator[str]:
    listed = account.objects or tuple(dict.fromkeys(point.object for point in account.points))
    if Part.OBJECTS in account.has or Part.POINTS in account.has:
        jobs = {run.object: run.job for run in account.runs if run.object}
        yield from (name for name in listed if not names.of(name, jobs.get(name, "")))
    else:
        yield from (job.name for job in account.jobs if not names.of("", job.name))


def _merged(options: ObjectOptions, evidence: Evidence, accounts: Mapping[str, Account]) -> ObjectHistory:
    history = with_runs(evidence.history, evidence.runs)
    history = with_proofs(history, evidence.proofs)
    for claim in options.by:
        account = accounts.get(claim.product)
        if account is None:
            continue
        for told in what_lies(claim.product, account, options, evidence, history):
            history = with_lying(history, told.at, told.lying, all_told(account), told.worthless)
        for one in account.verifications:
            at = place(claim.product, one.repository)
            if not (one.object or one.job) and at in history.lying:
                history = with_verification(history, at, one)
    for at, verification in evidence.verifications:
        history = with_verification(history, at, verification)
    return history
