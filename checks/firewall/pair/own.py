"""The members' own values in the pair's findings: under the member's name, or under none where they are the service's.

A value that is judged only on the member that does the work (its tunnels, its link monitors) belongs to the service: it
stays one finding when the other member takes over. What is bad on several members at once is one cause: it is told
once, under the member on which it was bad first. What the pair's rules say is not said again.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from checks.contract import Finding, Memory, State, worst
from checks.firewall.options import Intent
from checks.firewall.pair.membership import GOING
from checks.firewall.pair.options import PairOptions
from checks.firewall.pair.views import View
from checks.network.plan import ValuePlan
from config.profiles.roles import Role, When

_FIREWALL = "firewall/"
_TUNNEL = "tunnel"
_CLUSTER = frozenset({"ha", "missing"})
"""What one member says of the cluster, which the pair's rules judge."""


@dataclass(slots=True)
class Own:
    """Findings with the keys that were judged, and what the check remembers of them."""

    findings: list[Finding] = field(default_factory=list)
    covers: set[str] = field(default_factory=set)
    may_go: set[str] = field(default_factory=set)
    values: dict[str, Memory] = field(default_factory=dict)
    told_under: dict[str, str] = field(default_factory=dict)


def own_values(
    views: Sequence[View], options: PairOptions, values: Mapping[str, Memory], told_under: Mapping[str, str]
) -> Own:
    """Everything that the members say of themselves, once. `values` and `told_under` are from the last round."""
    made = Own(values=dict(values))
    of_service: dict[str, list[Finding]] = {}
    of_members: dict[str, dict[str, Finding]] = {}
    for view in views:
        if view.own is None:
            continue
        if view.own.memory is not None:
            made.values[view.name] = view.own.memory
        sorted_out = _Sorting(view, options)
        for finding in view.own.findings:
            if sorted_out.is_the_service_s(finding.key):
                of_service.setdefault(finding.key, []).append(finding)
            elif sorted_out.counts(finding.key):
                of_members.setdefault(finding.key, {})[view.name] = _named(view, finding)
        made.covers |= sorted_out.keys(view.own.covers)
        made.may_go |= sorted_out.keys(view.own.may_go)
    made.findings += [max(some, key=lambda one: one.state.rank) for some in of_service.values()]
    partial = {view.name for view in views if not view.whole}
    for key, by_member in of_members.items():
        made.findings += _once(key, by_member, told_under.get(key), partial, made)
    made.told_under |= {key: name for key, name in told_under.items() if key not in of_members and partial}
    return made


def key_of(member: str, key: str) -> str:
    """The key of a member's own finding in the pair's: `firewall/<member>/<value>`."""
    return f"{_FIREWALL}{member}/{key.removeprefix(_FIREWALL)}"


def _once(
    key: str, by_member: Mapping[str, Finding], owner: str | None, partial: Container[str], made: Own
) -> Iterator[Finding]:
    """What is bad on several is told under one of them; that stays the same one while it lasts.

    On one of the `partial` members, that were not read whole, it lasts until it is judged there again.
    """
    bad = {name: finding for name, finding in by_member.items() if finding.state.bad}
    not_judged = owner is not None and owner not in by_member and owner in partial
    if owner is not None and not_judged:
        made.told_under[key] = owner
    if not bad:
        yield from (replace(finding, key=key_of(name, key)) for name, finding in by_member.items())
        return
    if owner is None or (owner not in bad and not not_judged):
        owner = next(iter(bad))
    made.told_under[key] = owner
    state = worst([finding.state for finding in bad.values()])
    first = next(finding for finding in bad.values() if finding.state is state)
    names = " and ".join(bad)
    said = f"on {names} alike: {first.summary}" if len(bad) > 1 else first.summary
    evidence = {**first.evidence, "members": names}
    told = key_of(owner, key)
    yield Finding(told, state, said[:300], evidence)
    made.covers.add(told)
    for name, finding in by_member.items():
        if name == owner:
            continue
        if name in bad:
            yield Finding(key_of(name, key), State.OK, f"as on {owner}, under whose name it is told")
        else:
            yield replace(finding, key=key_of(name, key))


def _named(view: View, finding: Finding) -> Finding:
    """With the member's name; a fault of the standby ends no service, whatever it is."""
    state, words = finding.state, f"{view.name}: {finding.summary}"
    if state.bad and view.role is Role.STANDBY:
        state = State.WARNING if state is State.CRITICAL else state
        words = f"{GOING}: {words[:200]}; {view.name} is the standby"
    return Finding(finding.key, state, words[:300], finding.evidence)


class _Sorting:
    """What of one member's findings is the service's, what its own, and what neither."""

    def __init__(self, view: View, options: PairOptions) -> None:
        self._view = view
        self._expected = options.expect.tunnels
        self._service = frozenset(_of_service(view))
        self._left_out = _CLUSTER | frozenset(_of_pair(view))
        fault = view.part.fault
        self._told_already = fault.condition if fault is not None and view.role is Role.UNKNOWN else ""
        self._licences = frozenset(_of_licences(view)) if view.pair.licences == "one" else frozenset()

    def is_the_service_s(self, key: str) -> bool:
        """Whether the finding is the service's, told by a member that tells of it."""
        name = _name(key)
        return self._bound(name) and self._tells(key)

    def counts(self, key: str) -> bool:
        """Whether the finding is the member's own."""
        name = _name(key)
        if self._bound(name) or name in self._left_out or key == self._told_already:
            return False
        return not (name in self._licences and self._view.role is Role.STANDBY)

    def keys(self, keys: Iterable[str]) -> set[str]:
        """What is covered, or may go, as the pair's keys."""
        found = set()
        for key in keys:
            if self._bound(_name(key)):
                if self._tells(key):
                    found.add(key)
            elif _name(key) not in self._left_out:
                found.add(key_of(self._view.name, key))
        return found

    def _bound(self, name: str) -> bool:
        return name == _TUNNEL or name in self._service

    def _tells(self, key: str) -> bool:
        """The service's values are told by who does the work; a standby's own way to the management by the standby."""
        wanted = self._expected.get(key.removeprefix(f"{_FIREWALL}{_TUNNEL}/"))
        if _name(key) == _TUNNEL and wanted is Intent.STANDBY_ONLY:
            return self._view.role is Role.STANDBY
        return self._view.role is not Role.STANDBY


def _name(key: str) -> str:
    return key.split("/")[1]


def _of_service(view: View) -> Iterator[str]:
    for plan in (voice.reader.plan for voice in view.voices):
        yield from (value.name for value in plan.scalars if _not_on_standby(value.relevant_if))
        for table in plan.tables:
            whole = _not_on_standby(table.relevant_if)
            if whole:
                yield table.name
            yield from (column.name for column in table.columns if whole or _not_on_standby(column.relevant_if))


def _not_on_standby(conditions: Sequence[When]) -> bool:
    return any(condition.role and Role.STANDBY not in condition.role for condition in conditions)


def _of_pair(view: View) -> Iterator[str]:
    """Values that the pair's own rules judge: those that tell roles, and those that the profile names for them."""
    pair = view.pair
    for firewall in (voice.part for voice in view.voices):
        for rule in (*firewall.roles, *firewall.peers):
            names = [rule.of, *(when.value for when in rule.when), *(when.every for when in rule.when)]
            yield from (name for name in names if name is not None)
        if firewall.members is not None and firewall.members.role is not None:
            yield firewall.members.role
    yield from (*pair.synchronised, *pair.away, *pair.heartbeat)
    if not view.serves:
        yield from pair.monitors


def _of_licences(view: View) -> Iterator[str]:
    for plan in (voice.reader.plan for voice in view.voices):
        values: list[ValuePlan] = [*plan.scalars, *(column for table in plan.tables for column in table.columns)]
        yield from (value.name for value in values if value.until is not None)
    yield "licence"
