"""What each member is worth to the pair: whether it is there, and in a role in which it could take over. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.contract import INPUT, Finding, State
from checks.firewall.pair.note import Since
from checks.firewall.pair.options import PairOptions
from checks.firewall.pair.service import WITNESS, why_not_read, witnessed_of
from checks.firewall.pair.views import WORDS, View
from config.profiles.roles import Role

GONE = "resilience gone: the next fault is an outage"
GOING = "resilience going"
_ABLE = (Role.ACTIVE, Role.STANDBY, Role.ALONE)
_FINE = "there, and able to be active as far as it says"


def standing(views: Sequence[View], since: Since, options: PairOptions) -> Iterator[tuple[View, Finding]]:
    """A finding for each member, `pair/member/<name>`."""
    for view in views:
        state, words = _of(view, views, since, options)
        evidence = {"role": view.role.value} if view.read else {}
        if view.found is not None and view.found.told.raw:
            evidence["said"] = view.found.told.raw[:100]
        yield view, Finding(f"{INPUT}{view.name}", state, words[:300], evidence)


def _of(view: View, views: Sequence[View], since: Since, options: PairOptions) -> tuple[State, str]:
    name = view.name
    if not view.read:
        return _silent(view, views)
    if view.part.fault is not None and (view.part.cut_short or view.role is Role.UNKNOWN):
        why = view.part.fault.message
        return State.UNKNOWN, f"{name} answers only in part, so what it is worth cannot be told: {why}"
    assert view.found is not None  # it was read
    if not view.found.told_at_all or view.role in _ABLE:
        return State.OK, f"{view.story()}: {_FINE}"
    if view.role is Role.UNKNOWN:
        return State.UNKNOWN, f"{view.story()}: whether it could take over is not known"
    if view.role is Role.TRANSITIONAL and not since.longer(f"role/{name}", options.role_grace_seconds):
        return State.OK, f"{view.story()}, for less than {options.role_grace_seconds:.0f} s"
    return State.WARNING, f"{GONE}; {view.story()}"


def _silent(view: View, views: Sequence[View]) -> tuple[State, str]:
    """A member without answers: gone by all that is known, or there and not to be read."""
    name, why = view.name, why_not_read(view)
    if view.part.reached is not False:
        return State.UNKNOWN, f"{name} cannot be read, so what it is worth is not known: {why}"
    told = witnessed_of(view, views)
    if told is None:
        return State.WARNING, f"{GONE}; {name} does not answer: {why}"
    said = f"the other member says that it is {WORDS[told.role]} ({WITNESS})"
    if told.role in _ABLE:
        return State.UNKNOWN, f"{name} does not answer, so whether it could take over is not known; {said}: {why}"
    return State.WARNING, f"{GONE}; {name} does not answer, and {said}: {why}"
