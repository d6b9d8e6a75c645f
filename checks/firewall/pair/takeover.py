"""Could the standby take over: its priority, its own monitors, the interfaces it would need, the sessions. Pure.

That it is there, in step and licensed, and has room, other findings say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.contract import Finding, State, worst
from checks.firewall.pair.membership import GOING, GONE
from checks.firewall.pair.options import PairOptions
from checks.firewall.pair.views import View
from checks.network import raw
from checks.printable import some_of
from config.profiles.roles import Role

KEY = "pair/takeover"
_INTERFACES, _UP = "interface", "interface_up"
_MANY = 500.0
"""Sessions of the active member below which a difference says nothing."""
_SHARE = 0.5
_Said = tuple[State, str]


def findings(views: Sequence[View], options: PairOptions) -> Iterator[Finding]:
    """One finding for every standby together; none where no member is one, or nothing of it can be told."""
    active = [view for view in views if view.serves]
    standby = [view for view in views if view.role is Role.STANDBY]
    if not standby:
        return
    said: list[_Said] = []
    untold: list[str] = []
    for view in standby:
        for what, rule in (("priority", _priority), ("monitors", _monitors)):
            found = list(rule(view))
            said += found
            untold += [] if found else [what]
        found = [one for other in active for one in _interfaces(view, other)]
        said += found
        untold += [] if found else ["interfaces"]
        said += [one for other in active for one in _sessions(view, other, options)]
    evidence = {"not told by this product": ", ".join(dict.fromkeys(untold))} if untold else {}
    bad = [words for state, words in said if state is not State.OK]
    if bad:
        state = worst([state for state, _ in said])
        word = f"{GONE}; " if state is State.WARNING else f"{GOING}, perhaps: "
        yield Finding(KEY, state, f"{word}{'; '.join(bad)}"[:300], evidence)
    elif said:
        names = " and ".join(view.name for view in standby)
        yield Finding(KEY, State.OK, f"nothing that can be told keeps {names} from taking over", evidence)


def _priority(view: View) -> Iterator[_Said]:
    numbers = list(_priorities(view))
    if any(number == 0 for number in numbers):
        yield State.WARNING, f"{view.name} has priority 0, so it would not take over"
    elif numbers:
        yield State.OK, ""


def _priorities(view: View) -> Iterator[float]:
    """Its own: a value, the column of its own row among the members, or every row of a table that is its own."""
    name = view.pair.priority
    scalar = view.number(name)
    if scalar is not None:
        yield scalar
    for voice, listed in zip(view.voices, view.listed, strict=True):
        table = next((table.name for table in voice.reader.plan.tables if name in table.by_name), None)
        if name is None or table is None:
            continue
        of_members = voice.part.members is not None and voice.part.members.table == table
        rows = [row for member, row in listed if member.own] if of_members else view.rows(table)[0]
        yield from (float(said) for row in rows if isinstance(said := row.said(name), int | float))


def _monitors(view: View) -> Iterator[_Said]:
    for state, words in view.findings(view.pair.monitors):
        if state is State.OK:
            yield State.OK, ""
        else:
            capped = State.WARNING if state is State.CRITICAL else state
            yield capped, f"{view.name} itself says: {words}"


def _interfaces(view: View, active: View) -> Iterator[_Said]:
    """What is up on the active member and not on the standby."""
    patterns = view.pair.interfaces
    here, complete = view.rows(_INTERFACES)
    there, other = active.rows(_INTERFACES)
    if not patterns or not complete or not other:
        return
    down = {row.label: row.said(_UP) for row in here if raw.like(patterns, row.label)}
    needed = [row.label for row in there if row.label in down and row.said(_UP) == "up"]
    lacking = [label for label in needed if down[label] not in ("up", None, "unknown")]
    if lacking:
        yield State.WARNING, f"{some_of(lacking)} is up on {active.name} and down on {view.name}"
    elif needed:
        yield State.OK, ""


def _sessions(view: View, active: View, options: PairOptions) -> Iterator[_Said]:
    if not options.sessions_synchronised:
        return
    mine, theirs = view.number(view.pair.sessions), active.number(active.pair.sessions)
    if mine is None or theirs is None:
        yield State.UNKNOWN, f"whether {view.name} knows the sessions cannot be told"
    elif theirs >= _MANY and mine < _SHARE * theirs:
        yield State.WARNING, f"{view.name} knows {mine:.0f} of {theirs:.0f} sessions, so a take-over breaks the rest"
    else:
        yield State.OK, ""
