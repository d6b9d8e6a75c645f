"""What all products told, sorted by the objects of the estate. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import translate

from checks.backup.history import Lying, ObjectHistory, with_lying, with_proofs, with_runs, with_verification
from checks.backup.model import Account, Job, Level, Part, Proof, RestorePoint, Run, Verification
from checks.backup.options import BackupOptions, ObjectOptions

_WILD = frozenset("*?[")
_AROUND = 60.0
"""Seconds around a run within which a point is its own."""


@dataclass(slots=True)
class Evidence:
    """What this round says of one object, beside what is remembered."""

    history: ObjectHistory
    matched: bool = False
    """Whether any product knows it."""
    jobs: list[tuple[str, Job]] = field(default_factory=list)
    runs: list[tuple[str, Run]] = field(default_factory=list)
    running: list[tuple[str, Run]] = field(default_factory=list)
    points: dict[str, list[RestorePoint]] = field(default_factory=dict)
    """By `product/repository`; those that cannot be restored from are among them."""
    stocks: dict[str, Lying] = field(default_factory=dict)
    verifications: list[tuple[str, Verification]] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The round by object, and what belongs to none."""

    objects: Mapping[str, Evidence]
    undeclared: Mapping[str, tuple[str, ...]]
    """By product: names of objects, or of jobs where it has no objects, that nobody declared."""


class _Names:
    """Which of the estate's objects a product means by a name."""

    def __init__(self, options: BackupOptions, product: str) -> None:
        self._exact: dict[tuple[bool, str], list[str]] = {}
        self._wild: list[tuple[bool, re.Pattern[str], str]] = []
        self._found: dict[tuple[bool, str], tuple[str, ...]] = {}
        for key, one in options.objects.items():
            for claim in one.by:
                if claim.product == product:
                    self._add(False, claim.object, key)
                    self._add(True, claim.job, key)

    def of(self, object: str, job: str) -> tuple[str, ...]:
        """The objects meant by the product's name of one; without one, those of the job."""
        if object:
            found = self._of(False, object)
            if found or not job:
                return found
        return self._of(True, job) if job else ()

    def _add(self, job: bool, pattern: str | None, key: str) -> None:
        if pattern is None:
            return
        if _WILD & set(pattern):
            self._wild.append((job, re.compile(translate(pattern.casefold())), key))
        else:
            self._exact.setdefault((job, pattern.casefold()), []).append(key)

    def _of(self, job: bool, name: str) -> tuple[str, ...]:
        known = self._found.get((job, name))
        if known is None:
            folded = name.casefold()
            found = [*self._exact.get((job, folded), ())]
            found += [key for of_job, pattern, key in self._wild if of_job is job and pattern.match(folded)]
            known = self._found[(job, name)] = tuple(dict.fromkeys(found))
        return known


def gathered(
    options: BackupOptions, accounts: Mapping[str, Account], before: Mapping[str, ObjectHistory], now: float
) -> Gathered:
    """Sort, and merge with what is remembered."""
    objects = {name: Evidence(before.get(name, ObjectHistory(first_seen=now))) for name in options.objects}
    undeclared: dict[str, tuple[str, ...]] = {}
    for product, account in accounts.items():
        names = _Names(options, product)
        _sort(product, account, names, objects)
        undeclared[product] = tuple(_undeclared(account, names))
    for name, evidence in objects.items():
        evidence.history = _merged(options.objects[name], evidence, accounts)
    return Gathered(objects, undeclared)


def place(product: str, repository: str) -> str:
    """How a repository is named everywhere here."""
    return f"{product}/{repository}"


def _sort(product: str, account: Account, names: _Names, objects: Mapping[str, Evidence]) -> None:
    for name in account.objects:
        for key in names.of(name, ""):
            objects[key].matched = True
    for job in account.jobs:
        for key in names.of("", job.name):
            objects[key].matched = True
            objects[key].jobs.append((product, job))
    jobs = {job.name: job for job in account.jobs}
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
            if run.object and run.job in jobs and (product, jobs[run.job]) not in one.jobs:
                one.jobs.append((product, jobs[run.job]))
    for point in account.points:
        for key in names.of(point.object, ""):
            objects[key].matched = True
            objects[key].points.setdefault(place(product, point.repository), []).append(point)
    for stock in account.stocks:
        for key in names.of(stock.object, ""):
            objects[key].matched = True
            lying = Lying(stock.newest, stock.oldest, stock.count, stock.bytes, seen=account.at)
            objects[key].stocks[place(product, stock.repository)] = lying
    for verification in account.verifications:
        of_job = told.get(verification.job, set()) if verification.job and not verification.object else set()
        keys = {*names.of(verification.object, verification.job), *of_job}
        for key in keys if verification.object or verification.job else ():
            objects[key].verifications.append((place(product, verification.repository), verification))
    for proof in account.proofs:
        for key in names.of(proof.object, proof.job):
            objects[key].proofs.append(proof)


def _undeclared(account: Account, names: _Names) -> Iterator[str]:
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
        for at, lying in _lying(claim.product, account, options, evidence):
            history = with_lying(history, at, lying, _all_told(account))
        for one in account.verifications:
            at = place(claim.product, one.repository)
            if not (one.object or one.job) and at in history.lying:
                history = with_verification(history, at, one)
    for at, verification in evidence.verifications:
        history = with_verification(history, at, verification)
    return history


def _all_told(account: Account) -> bool:
    """Whether every point that lies there was told, so that one that is absent is gone."""
    return account.since is None and account.whole(Part.POINTS)


def _lying(
    product: str, account: Account, options: ObjectOptions, evidence: Evidence
) -> Iterator[tuple[str, Lying | None]]:
    prefix = f"{product}/"
    told = {at for at in (*evidence.points, *evidence.stocks) if at.startswith(prefix)}
    known = {at for at in evidence.history.lying if at.startswith(prefix)}
    if Part.POINTS not in account.has:
        yield from _made_by_runs(product, account, options, evidence)
        return
    hollow = _hollow(options, evidence, product)
    for at in sorted(told | known):
        points = [point for point in evidence.points.get(at, ()) if restorable(point, options, hollow)]
        yield at, _of_points(evidence.points.get(at, ()), points, evidence.stocks.get(at), account)


def restorable(point: RestorePoint, options: ObjectOptions, hollow: Sequence[tuple[float, float]] = ()) -> bool:
    """Whether a restore from it would bring the object back, as far as anything tells.

    `hollow`: the times of runs that left nothing of worth.
    """
    if point.infected or point.sound is False:
        return False
    if point.level is Level.FULL and point.bytes is not None and point.bytes < (options.at_least or 1):
        return False
    return not any(begin <= point.at <= end for begin, end in hollow)


def _hollow(options: ObjectOptions, evidence: Evidence, product: str) -> list[tuple[float, float]]:
    return [
        (run.started - _AROUND, (run.ended or run.started) + _AROUND)
        for of, run in evidence.runs
        if of == product and run.started is not None and not made_something(run, options)
    ]


def _of_points(
    told: Iterable[RestorePoint], good: list[RestorePoint], stock: Lying | None, account: Account
) -> Lying | None:
    told = list(told)
    if not told:
        return stock
    first = max(good, key=lambda point: point.at, default=None)
    last = max(told, key=lambda point: point.at)
    lying = Lying(
        newest=first.at if first else None,
        oldest=min((point.at for point in good), default=None),
        count=len(good) if account.since is None else None,
        bytes=first.bytes if first else None,
        locked_until=first.locked_until if first else None,
        damaged=last.infected or last.sound is False,
        suspect=last.suspect,
        seen=account.at,
    )
    if stock is None:
        return lying
    return replace(lying, count=stock.count, oldest=stock.oldest or lying.oldest, bytes=lying.bytes or stock.bytes)


def _made_by_runs(
    product: str, account: Account, options: ObjectOptions, evidence: Evidence
) -> Iterator[tuple[str, Lying | None]]:
    """For products that tell of runs only: each that left something is a point, where its job writes to."""
    where = {job.name: job.repository for of, job in evidence.jobs if of == product}
    kept = [
        run for of, run in evidence.runs if of == product and run.started is not None and made_something(run, options)
    ]
    by_place: dict[str, list[Run]] = {}
    for run in kept:
        by_place.setdefault(place(product, where.get(run.job, "")), []).append(run)
    for at, runs in by_place.items():
        newest = max(runs, key=lambda run: run.started or 0.0)
        oldest = min(run.started or 0.0 for run in runs)
        yield at, Lying(newest.started, oldest, None, newest.bytes, seen=account.at)


def made_something(run: Run, options: ObjectOptions) -> bool:
    """Whether a run left a state that can be restored, as far as it tells."""
    if run.nothing or not (run.outcome.kept if options.partial_counts else run.outcome.value == "success"):
        return False
    too_small = run.files == 0 or (run.bytes is not None and run.bytes < (options.at_least or 1))
    return not (run.level is Level.FULL and too_small)
