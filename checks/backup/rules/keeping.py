"""How much is kept, in how many places, and out of whose reach: retention, 3-2-1-1-0, locks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from checks.backup.history import Lying, ObjectHistory
from checks.backup.options import BackupOptions, CopyOptions, ObjectOptions, RepositoryOptions
from checks.backup.rules import Trouble
from checks.backup.rules.freshness import newest, span
from checks.contract import State
from config.schema.words import duration_text

_DAY = 86_400.0


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
    """Too few points, none that is old enough, or many gone at once."""
    wish = options.retention
    if wish is None:
        return
    counts = [one.count for one in history.lying.values() if one.count is not None]
    if wish.points is not None and counts and max(counts) < wish.points:
        yield Trouble(
            State.WARNING, f"{max(counts)} restore points are kept, {wish.points} must be", "see its retention"
        )
    oldest = min((one.oldest for one in history.lying.values() if one.oldest is not None), default=None)
    watched = now - history.first_seen
    if wish.oldest is not None and oldest is not None and watched >= wish.oldest and now - oldest < wish.oldest - _DAY:
        words = f"the oldest restore point is {span(now - oldest)} old, {duration_text(wish.oldest)} must be kept"
        yield Trouble(State.WARNING, words, "see its retention")
    for at, lying in history.lying.items():
        before = history.counts.get(at)
        if before is not None and lying.count is not None and before[1] - lying.count > wish.may_shrink_by:
            words = f"{before[1] - lying.count} restore points have gone from {at} within a day; {lying.count} are left"
            yield Trouble(State.CRITICAL, words, "find out who deleted them, before anything else is lost")


def three_two_one(
    options: ObjectOptions, wish: CopyOptions, kept: list[Copy], history: ObjectHistory, now: float
) -> Iterator[Trouble]:
    """3-2-1-1-0: enough copies that are recent, on different media, elsewhere, out of reach."""
    latest = newest(history, now) or 0.0
    lag = wish.lag if wish.lag is not None else 2 * options.rpo
    recent = [copy for copy in kept if copy.lying.newest is not None and latest - copy.lying.newest <= lag]
    late = [copy.at for copy in kept if copy not in recent]
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
        words = "; ".join(missing) + (f"; {late[0]} lags behind" if late else "")
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
