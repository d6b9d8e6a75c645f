"""The repositories in which copies lie: whether each is there, has room, and keeps its locks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from checks.backup import families
from checks.backup.evidence import place
from checks.backup.model import Part, Repository
from checks.backup.note import Space
from checks.backup.options import RepositoryOptions
from checks.backup.round import LOCK, REPOSITORY, Round, about
from checks.backup.rules import Trouble
from checks.backup.rules.repositories import standing, unlocked, weakened, with_space
from config.cron import LONDON

_T = TypeVar("_T")
MOST_REMEMBERED = 1000
"""Repositories that are remembered."""


class Places(NamedTuple):
    """What is remembered of repositories; see `Note`."""

    spaces: Mapping[str, Space]
    immutable: Mapping[str, float]
    lowered: Mapping[str, float]


def judge_places(this: Round) -> Places:
    """Everything about repositories, and what is to be remembered of them."""
    spaces, immutable, lowered = dict(this.note.spaces), dict(this.note.immutable), dict(this.note.lowered)
    day = datetime.fromtimestamp(this.now, ZoneInfo(LONDON)).toordinal()
    for product, account in this.accounts.items():
        for one in account.repositories:
            at = place(product, one.name)
            said = this.options.place_of(product, one.name)
            if one.capacity is not None and one.free is not None:
                # What is told again goes to the end, so that what is told no more is forgotten first.
                spaces[at] = with_space(spaces.pop(at, Space()), day, one.capacity - one.free)
            troubles = list(standing(one, said, spaces.get(at, Space())))
            about(this, f"{REPOSITORY}/{at}", f"repository {one.name}", troubles, _there(one), product)
            if one.online is False:
                this.gone.add(at)
            troubles = _locks(this, product, one, said, lowered, immutable)
            if troubles or one.immutable_days is not None:
                about(this, f"{LOCK}/{at}", f"repository {one.name}", troubles, "is locked as it should be", product)
            this.readings += families.of_repository(at, one)
        if Part.REPOSITORIES in account.unread:
            this.open |= {f"{REPOSITORY}/{product}", f"{LOCK}/{product}"}
    return Places(_newest(spaces), _newest(immutable), _newest(lowered))


def _newest(told: Mapping[str, _T]) -> Mapping[str, _T]:
    return dict(list(told.items())[-MOST_REMEMBERED:])


def _there(one: Repository) -> str:
    if one.online is None and one.capacity is None:
        return "nothing bad is told of it"
    return "is there"


def _locks(
    this: Round,
    product: str,
    one: Repository,
    said: RepositoryOptions | None,
    lowered: dict[str, float],
    immutable: dict[str, float],
) -> list[Trouble]:
    at, now, most = place(product, one.name), this.now, immutable.get(place(product, one.name))
    weak = weakened(one, said, most, lowered.get(at), now)
    free = None
    if said is not None and said.immutable_days:
        there = (point for point in this.accounts[product].points if point.repository == one.name)
        free = unlocked(there, said.immutable_days, now)
    if one.immutable_days is not None:
        if most is not None and one.immutable_days < most and weak is not None:
            lowered.setdefault(at, now)
            immutable[at] = immutable.pop(at)
        else:  # as it was or better, or for so long that what the estate asks for is what counts
            lowered.pop(at, None)
            immutable.pop(at, None)
            immutable[at] = one.immutable_days
    return [trouble for trouble in (weak, free) if trouble is not None]
