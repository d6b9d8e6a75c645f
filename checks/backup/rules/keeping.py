"""How much is kept, in how many places, and out of whose reach: retention, 3-2-1-1-0, locks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from checks.backup.history import Lying, ObjectHistory
from checks.backup.options import (
    BackupOptions,
    CopyOptions,
    GfsOptions,
    ObjectOptions,
    RepositoryOptions,
    RetentionOptions,
)
from checks.backup.rules import Trouble
from checks.backup.rules.freshness import moment, newest, span
from checks.contract import State
from config.cron import LONDON
from config.schema.words import duration_text

_DAY = 86_400.0
_NEWS = 2 * _DAY
"""Seconds for which what was counted or listed is news."""
_FIRST_YEAR = 1970
_UNTOLD = "ask for what the product tells, or compare with its own console"


@dataclass(frozen=True, slots=True)
class Copy:
    """What lies of an object in one repository, with what the estate says of that."""

    at: str
    """`product/repository`."""
    lying: Lying
    where: RepositoryOptions | None


def copies(options: BackupOptions, history: ObjectHistory) -> list[Copy]:
    """The repositories where something lies that can be restored."""
    found = []
    for at, lying in history.lying.items():
        product, _, repository = at.partition("/")
        if lying.newest is not None and lying.count != 0:
            found.append(Copy(at, lying, options.place_of(product, repository)))
    return found


def retention(options: ObjectOptions, history: ObjectHistory, now: float) -> Iterator[Trouble]:
    """Too few points, none that is old enough, or many gone at once. What is not told is unknown, and never enough."""
    wish = options.retention
    if wish is None:
        return
    if history.lying:
        yield from _counted(wish, history, now)
    for at, lying in history.lying.items():
        before = history.counts.get(at)
        if before is not None and lying.count is not None and before[1] - lying.count > wish.may_shrink_by:
            gone = before[1] - lying.count
            words = f"{gone} restore points have gone from {at} since {moment(before[0])}; {lying.count} are left"
            yield Trouble(State.CRITICAL, words, "find out who deleted them, before anything else is lost")


def _counted(wish: RetentionOptions, history: ObjectHistory, now: float) -> Iterator[Trouble]:
    lying = history.lying.values()
    counts = [one.count for one in lying if one.count is not None and now - one.counted < _NEWS]
    if wish.points is not None and not counts:
        yield Trouble(State.UNKNOWN, "how many restore points are kept is not told", _UNTOLD)
    elif wish.points is not None and max(counts) < wish.points:
        words = f"{max(counts)} restore points are kept, {wish.points} must be"
        yield Trouble(State.WARNING, words, "see its retention")
    if wish.oldest is None or now - history.first_seen < wish.oldest:
        return
    olds = [one.oldest for one in lying if one.oldest is not None and now - one.listed < _NEWS]
    if not olds:
        yield Trouble(State.UNKNOWN, "how old its oldest restore point is is not told", _UNTOLD)
    elif now - min(olds) < wish.oldest - _DAY:
        words = f"the oldest restore point is {span(now - min(olds))} old, {duration_text(wish.oldest)} must be kept"
        yield Trouble(State.WARNING, words, "see its retention")


def slots(wish: GfsOptions, history: ObjectHistory, times: Sequence[float] | None, now: float) -> Iterator[Trouble]:
    """Weeks, months and years that should have a point and have none; from when the object has been watched.

    `times`: of all points that there are; None: no product told them all.
    """
    if times is None:
        yield Trouble(State.UNKNOWN, "of which weeks and months points are kept is not told", _UNTOLD)
        return
    there = ZoneInfo(LONDON)
    days = [datetime.fromtimestamp(at, there).date() for at in times]
    today, first = (datetime.fromtimestamp(at, there).date() for at in (now, history.first_seen))
    first = min([first, *days])
    for count, word, slot in (
        (wish.weekly, "weeks", _week),
        (wish.monthly, "months", _month),
        (wish.yearly, "years", _year),
    ):
        filled = {slot(one) for one in days}
        wanted = list(islice(_back(today, slot), count))
        # The slot under way, and the one in which the first point was made, need not have one yet.
        empty = [one for one in wanted[1:] if one not in filled and one > slot(first)]
        if empty:
            words = f"{len(empty)} of the last {count} {word} have no restore point"
            yield Trouble(State.WARNING, words, "see its retention of weekly, monthly and yearly points")


def _back(day: date, slot: Callable[[date], tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The slot of a day, and those before it, one after the other."""
    while day.year > _FIRST_YEAR:
        yield slot(day)
        this = slot(day)
        while slot(day) == this:
            day -= timedelta(days=1)


def _week(day: date) -> tuple[int, int]:
    year, week, _ = day.isocalendar()
    return year, week


def _month(day: date) -> tuple[int, int]:
    return day.year, day.month


def _year(day: date) -> tuple[int, int]:
    return day.year, 0


def three_two_one(
    options: ObjectOptions, wish: CopyOptions, kept: list[Copy], history: ObjectHistory, now: float
) -> Iterator[Trouble]:
    """3-2-1-1-0: enough copies that are recent, on different media, elsewhere, out of reach."""
    latest = newest(history, now) or 0.0
    lag = wish.lag if wish.lag is not None else 2 * options.rpo
    recent = [copy for copy in kept if copy.lying.newest is not None and latest - copy.lying.newest <= lag]
    damaged = [copy.at for copy in recent if not history.verified.get(copy.at, (0.0, True))[1]]
    recent = [copy for copy in recent if copy.at not in damaged]
    late = [copy for copy in kept if copy.lying.newest is not None and latest - copy.lying.newest > lag]
    missing: list[str] = []
    if 1 + len(recent) < wish.total:
        missing.append(f"{1 + len(recent)} copies with the original, {wish.total} must be")
    media = {copy.where.medium if copy.where else "disk" for copy in recent}
    if recent and 1 + len(media) < wish.media:
        missing.append(f"{1 + len(media)} kinds of storage with the original's, {wish.media} must be")
    away = [
        copy for copy in recent if copy.where is not None and options.at is not None and copy.where.place != options.at
    ]
    if len(away) < wish.elsewhere:
        unknown = [copy.at for copy in recent if copy.where is None]
        missing.append(
            f"{len(away)} copies elsewhere, {wish.elsewhere} must be"
            + (" (where the original is, the estate does not say)" if options.at is None else "")
            + (f" (where {unknown[0]} is, the estate does not say)" if unknown else "")
        )
    safe = [copy for copy in recent if out_of_reach(copy, wish, now)]
    if len(safe) < wish.out_of_reach:
        missing.append(f"{len(safe)} copies out of an attacker's reach, {wish.out_of_reach} must be")
    if missing:
        words = "; ".join(missing)
        if late:
            behind = latest - (late[0].lying.newest or 0.0)
            words += f"; {late[0].at} is {span(behind)} behind the newest point, {duration_text(lag)} are allowed"
        words += f"; {damaged[0]} was found damaged" if damaged else ""
        yield Trouble(State.WARNING, words, "see its copy jobs and locks")


def out_of_reach(copy: Copy, wish: CopyOptions, now: float) -> bool:
    """Whether nobody who has the backup server's rights could delete it now."""
    if copy.where is not None and copy.where.offline:
        return True
    until = copy.lying.locked_until
    return until is not None and until >= now + (wish.locked_for or 0.0)


def by_place(kept: list[Copy]) -> Mapping[str, int]:
    """Copies by the place that the estate names; `unknown` for those that it does not."""
    found: dict[str, int] = {}
    for copy in kept:
        name = copy.where.place if copy.where is not None else "unknown"
        found[name] = found.get(name, 0) + 1
    return found
