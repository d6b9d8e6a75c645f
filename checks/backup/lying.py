"""What lies of an object where: the restore points that a restore would bring it back from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from checks.backup.evidence import Evidence, place
from checks.backup.history import Lying, ObjectHistory, Past
from checks.backup.model import Account, Level, Outcome, Part, RestorePoint, Run
from checks.backup.options import ObjectOptions

_AROUND = 60.0
"""Seconds around a run within which a point is its own."""


def all_told(account: Account) -> bool:
    """Whether every point that lies there was told, so that one that is absent is gone."""
    return (account.since is None or account.all_points) and account.whole(Part.POINTS)


class Told(NamedTuple):
    """What a product tells of one repository."""

    at: str
    """`product/repository`."""
    lying: Lying | None
    worthless: frozenset[float] = frozenset()
    """Times of points that are there, and from which nothing can be restored."""


def what_lies(
    product: str, account: Account, options: ObjectOptions, evidence: Evidence, history: ObjectHistory
) -> Iterator[Told]:
    """Of every repository of the product. `history`: of the object, with the runs of this round."""
    prefix = f"{product}/"
    told = {at for at in (*evidence.points, *evidence.stocks) if at.startswith(prefix)}
    known = {at for at in evidence.history.lying if at.startswith(prefix)}
    if Part.POINTS not in account.has:
        yield from _made_by_runs(product, account, options, evidence)
        return
    empty = hollow_runs(options, evidence, product, history)
    for at in sorted(told | known):
        hollow = [one for one in empty if one.repository in ("", at.removeprefix(prefix))]
        there = evidence.points.get(at, ())
        points = [point for point in there if restorable(point, options, hollow)]
        worthless = frozenset(point.at for point in there) - {point.at for point in points}
        yield Told(at, _of_points(there, points, evidence.stocks.get(at), account), worthless)


def restorable(point: RestorePoint, options: ObjectOptions, hollow: Sequence[Hollow] = ()) -> bool:
    """Whether a restore from it would bring the object back, as far as anything tells.

    `hollow`: the runs that left nothing of worth.
    """
    if point.infected or point.sound is False:
        return False
    if point.level is Level.FULL and point.bytes is not None and point.bytes < (options.at_least or 1):
        return False
    return not any(
        one.begin <= point.at <= one.end and (Level.OTHER in (one.level, point.level) or one.level is point.level)
        for one in hollow
    )


class Hollow(NamedTuple):
    """A run that left nothing of worth."""

    repository: str
    """Which its job writes to; empty where that is not known."""
    begin: float
    end: float
    level: Level


def hollow_runs(options: ObjectOptions, evidence: Evidence, product: str, history: ObjectHistory) -> list[Hollow]:
    """Of this round and of before: a product that lists every point each time tells a run once.

    Of before only those that left something: one that failed may be the whole job's, which this object's did not share.
    """
    where = {job.name: job.repository for of, job in evidence.jobs if of == product}
    runs: list[Run | Past] = [run for of, run in evidence.runs if of == product and run.outcome is not Outcome.MISSED]
    runs += [past for past in history.runs if past.product == product and past.outcome.kept]
    return [
        Hollow(where.get(run.job, ""), run.started - _AROUND, (run.ended or run.started) + _AROUND, run.level)
        for run in runs
        if run.started is not None and not made_something(run, options)
    ]


def _of_points(
    told: Iterable[RestorePoint], good: list[RestorePoint], stock: Lying | None, account: Account
) -> Lying | None:
    told = list(told)
    if not told:
        return stock
    first = max(good, key=lambda point: point.at, default=None)
    last = max(told, key=lambda point: point.at)
    whole = all_told(account)
    lying = Lying(
        newest=first.at if first else None,
        oldest=min((point.at for point in good), default=None) if whole else None,
        count=len(good) if whole else None,
        bytes=first.bytes if first else None,
        locked_until=first.locked_until if first else None,
        damaged=last.infected or last.sound is False,
        suspect=last.suspect,
        seen=account.at,
        counted=account.at if whole else 0.0,
        listed=account.at if whole else 0.0,
        last=last.at,
    )
    if stock is None:
        return lying
    return replace(
        lying,
        count=stock.count,
        counted=stock.counted,
        oldest=stock.oldest or lying.oldest,
        listed=max(stock.listed, lying.listed),
        bytes=lying.bytes or stock.bytes,
    )


def _made_by_runs(product: str, account: Account, options: ObjectOptions, evidence: Evidence) -> Iterator[Told]:
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
        yield Told(at, Lying(newest.started, oldest, None, newest.bytes, seen=account.at))


def made_something(run: Run | Past, options: ObjectOptions) -> bool:
    """Whether a run left a state that can be restored, as far as it tells."""
    if run.nothing or not (run.outcome.kept if options.partial_counts else run.outcome.value == "success"):
        return False
    too_small = run.files == 0 or (run.bytes is not None and run.bytes < (options.at_least or 1))
    return not (run.level is Level.FULL and too_small)
