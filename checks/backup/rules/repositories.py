"""Where copies lie: whether it is there, how much room is left, and whether locks were weakened. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checks.backup.model import Repository, RestorePoint
from checks.backup.note import Space
from checks.backup.options import RepositoryOptions
from checks.backup.rules import Trouble
from checks.backup.rules.freshness import span
from checks.contract import State
from checks.printable import printable
from checks.trends.trend import trend_of

_DAY = 86_400.0
MOST_DAYS = 60
LOWERED_TOLD = 7 * _DAY
"""Seconds for which it is told that points are locked for fewer days than they were."""
_DEFAULTS = RepositoryOptions(repository="*", place="unknown")


def standing(one: Repository, said: RepositoryOptions | None, space: Space) -> Iterator[Trouble]:
    """Not there, full, or full soon."""
    limits = said or _DEFAULTS
    if one.online is False:
        why = f": {printable(one.why)[:150]}" if one.why else ""
        yield Trouble(
            State.CRITICAL, f"cannot be reached by its product{why}", "bring it back: nothing is written there"
        )
        return
    if one.ails:
        yield Trouble(State.WARNING, printable(one.ails)[:150], "see what its product says of them")
    if one.online is None and one.why:
        yield Trouble(State.UNKNOWN, printable(one.why)[:150], "see why it cannot be read")
    if one.capacity and one.free is not None:
        share = one.free / one.capacity
        if share < limits.free_warning:
            state = State.CRITICAL if share < limits.free_critical else State.WARNING
            yield Trouble(state, f"{share:.0%} of its room is free", "make room, or shorten what is kept")
            return
        left = seconds_to_full(space, one.capacity)
        if left is not None and left < limits.full_within:
            yield Trouble(State.WARNING, f"it will be full in {span(left)} if it goes on so", "make room in time")


def weakened(
    one: Repository, said: RepositoryOptions | None, most: float | None, since: float | None, now: float
) -> Trouble | None:
    """Whether new points are locked for less time than the estate asks, or than they once were.

    `since`: when they were first seen to be locked for less than `most`. A reduction is told for a week; then what
    the estate asks for, if it asks, is enough.
    """
    if one.immutable_days is None:
        if said is not None and said.immutable_days:
            words = f"whether points are locked for {said.immutable_days:g} days is not told"
            return Trouble(State.UNKNOWN, words, "give the account the right to read it, or say that it cannot be told")
        return None
    wanted = (said.immutable_days if said is not None else None) or 0.0
    settled = wanted > 0 and since is not None and now - since >= LOWERED_TOLD
    if not settled:
        wanted = max(wanted, most or 0.0)
    if one.immutable_days >= wanted:
        return None
    words = f"security: new points are locked for {one.immutable_days:g} days, and were or must be for {wanted:g}"
    return Trouble(State.CRITICAL, words, "find out who changed it and change it back, or agree `immutable_days`")


def unlocked(points: Iterable[RestorePoint], days: float, now: float) -> Trouble | None:
    """Points of the newest days that anybody could delete all the same, as far as the product tells of each."""
    told = [point for point in points if point.at > now - days * _DAY]
    if not any(point.locked_until is not None for point in told):
        return None  # it tells of none
    free = [point for point in told if (point.locked_until or 0.0) < now]
    if not free:
        return None
    first = printable(free[0].object)[:60]
    words = f"security: {len(free)} points of the last {days:g} days are not locked, the first of {first}"
    return Trouble(State.CRITICAL, words, "find out since when, and what wrote them")


def with_space(before: Space, day: int, used: int) -> Space:
    """The use of a day; the last of a day counts."""
    days = [*before.days[:-1], day] if before.days[-1:] == (day,) else [*before.days, day]
    values = [*before.used[:-1], used] if before.days[-1:] == (day,) else [*before.used, used]
    return Space(tuple(days[-MOST_DAYS:]), tuple(values[-MOST_DAYS:]))


def seconds_to_full(space: Space, capacity: int) -> float | None:
    """How long until it is full; None where it does not surely grow, or is not known for long enough."""
    if not space.days:
        return None
    trend = trend_of(
        [(day, float(used)) for day, used in zip(space.days[:-1], space.used[:-1], strict=True)], space.days[-1]
    )
    if trend is None or not trend.rising:
        return None
    return max(0.0, capacity - space.used[-1]) / trend.slope * _DAY
