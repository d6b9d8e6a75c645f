"""Which profile is the one for a device, by what the device says it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from config.patterns import LinePattern
from config.profiles.model import Match, ProfileModel

SYS_DESCR = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says it is (RFC 3418); empty what it does not say."""

    object_id: str = ""
    description: str = ""


def recognised(identity: Identity, profiles: Iterable[ProfileModel]) -> ProfileModel | None:
    """The profile whose match is the most exact: the longest sysObjectID, and of two as long the one that also
    found its pattern in sysDescr. None where no profile fits, or two fit equally well: nobody is to guess."""
    best: tuple[tuple[int, bool], ProfileModel] | None = None
    tied = False
    for profile in profiles:
        exactness = max((found for match in profile.match if (found := _exactness(match, identity))), default=None)
        if exactness is None:
            continue
        if best is None or exactness > best[0]:
            best, tied = (exactness, profile), False
        elif exactness == best[0]:
            tied = True
    return None if best is None or tied else best[1]


def _exactness(match: Match, identity: Identity) -> tuple[int, bool] | None:
    length = 0
    if match.object_ids:
        fitting = [oid for oid in match.object_ids if f"{identity.object_id}.".startswith(f"{oid}.")]
        if not fitting:
            return None
        length = max(oid.count(".") for oid in fitting)
    if match.description is not None and not _pattern(match.description).found(identity.description):
        return None
    return length, match.description is not None


@lru_cache(maxsize=256)
def _pattern(text: str) -> LinePattern:
    return LinePattern(text)
