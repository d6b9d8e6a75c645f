"""What a drill of each kind is about, found through the estate."""

from __future__ import annotations

from collections.abc import Sequence

from agent.commands import CommandError
from agent.drills import pair, phones
from agent.drills.party import Party
from agent.drills.records import DrillKind
from config.estate import Estate


def party_for(estate: Estate, kind: DrillKind, target: str, backup: str = "") -> Party:
    """What a drill of that kind of a target is about. Raises CommandError."""
    for name in (target, backup):
        if name and name not in estate.targets:
            raise CommandError(f"the estate has no target {name}; the page /targets lists what it has")
    if kind is DrillKind.TELEPHONY:
        try:
            return phones.party_of(estate, target, backup)
        except phones.Ambiguous as error:
            raise CommandError(str(error)) from error
    if backup:
        raise CommandError("a backup is named in drills of telephony only; of a pair, its check names the members")
    return pair.party_of(estate, target)


def parties_of(estate: Estate, target: str) -> Sequence[Party]:
    """What a target belongs to that can be drilled; nothing where the estate has no such target."""
    if target not in estate.targets:
        return ()
    return pair.party_of(estate, target), *phones.parties_with(estate, target)
