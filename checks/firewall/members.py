"""Which role a firewall says it has, and what it says of the other members of its cluster. Pure.

Everything here is as *one* member tells it; what two of them tell is compared elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.network import raw
from checks.network.answers import SnmpAnswers
from checks.network.conditions import Conditions
from checks.network.plan import Plan, TablePlan, ValuePlan
from checks.network.rows import Row, rows_of
from checks.network.transform import Answer, Unreadable
from config.profiles.asks import Way
from config.profiles.roles import FirewallPart, MemberTable, Role, RoleRule


@dataclass(frozen=True, slots=True)
class Told:
    """A role with what the device said in its own words, and the way by which it was read."""

    role: Role
    raw: str = ""
    source: Way = Way.SNMP


@dataclass(frozen=True, slots=True)
class Member:
    """One row of the table of members, or the peer that a scalar speaks of, as the asked member sees it."""

    label: str
    key: str
    """What tells it from others over time: its serial number, or else its label."""
    told: Told
    own: bool = False
    """Whether it is the member that was asked."""


@dataclass(frozen=True, slots=True)
class Membership:
    """What one member tells of its cluster."""

    told: Told
    members: tuple[Member, ...] = ()
    complete: bool = True
    """Whether the table of members was read to its end."""
    told_at_all: bool = True
    """Whether the product says anything of a cluster by the way it was read."""

    @property
    def clustered(self) -> bool:
        """Whether the member says, or may mean, that it is one of several."""
        return self.told_at_all and self.told.role is not Role.NOT_CLUSTERED


def membership(part: FirewallPart, plan: Plan, answers: SnmpAnswers) -> Membership:
    """The role of the member that was asked, and the members it lists."""
    if not part.roles:
        return Membership(Told(Role.UNKNOWN), told_at_all=False)
    rows, complete = _members(part.members, plan, answers) if part.members else ((), True)
    conditions = Conditions(plan, answers)
    own = next((row.told for row in rows if row.own), None)
    told = _first(part.roles, conditions, own) or Told(Role.UNKNOWN, _shown(part, plan, answers))
    if part.peers and told.role is not Role.NOT_CLUSTERED:
        peer = _first(part.peers, conditions, None)
        if peer is not None:
            rows = (Member("self", "self", told, own=True), Member("peer", "peer", peer))
    return Membership(told, rows, complete)


def _first(rules: Sequence[RoleRule], conditions: Conditions, own: Told | None) -> Told | None:
    """What the first rule says whose conditions hold and that has an answer; None if none has."""
    for rule in rules:
        if not conditions.all_hold(rule.when):
            continue
        if rule.role is not None:
            return Told(rule.role, _because(rule, conditions))
        found = own if rule.own_row else _of(rule.of or "", conditions)
        if found is not None:
            return found
    return None


def _because(rule: RoleRule, conditions: Conditions) -> str:
    """The device's own words behind a rule's conditions."""
    words = []
    for when in rule.when:
        if when.value is not None:
            words.append(_words(conditions.plan.by_name[when.value], conditions.answers))
    return ", ".join(word for word in words if word)


def _of(name: str, conditions: Conditions) -> Told | None:
    plan = conditions.plan.by_name[name]
    try:
        said = raw.first(plan, conditions.answers.values, conditions.answers.errors)
    except (raw.Absent, raw.Quiet, raw.NotRead):
        return None
    except Unreadable:
        return Told(Role.UNKNOWN)
    return _worded(plan, said)


def _worded(plan: ValuePlan, said: Answer) -> Told:
    """The role of an enumeration's word; one that is not listed, or has no role, is unknown with its raw text."""
    found = None if said is None else raw.meaning(plan, said)
    if found is None or found.role is None:
        return Told(Role.UNKNOWN, str(said)[:60])
    return Told(found.role, found.name)


def _words(plan: ValuePlan, answers: SnmpAnswers) -> str:
    said = raw.told(plan, answers.values, answers.errors)
    return "" if said is None else str(said)[:60]


def _shown(part: FirewallPart, plan: Plan, answers: SnmpAnswers) -> str:
    """The raw texts that a person wants to see when the role cannot be told."""
    texts = []
    for name in part.shown:
        value = plan.by_name[name]
        said = next((answers.values[oid] for oid in value.oids if answers.values.get(oid) is not None), None)
        texts.append(f"{value.title}: {'no answer' if said is None else str(said)[:60]}")
    return "; ".join(texts)


def _members(part: MemberTable, plan: Plan, answers: SnmpAnswers) -> tuple[tuple[Member, ...], bool]:
    table = plan.table(part.table)
    listing = table.rows_of.oids if table.rows_of is not None else table.oids
    complete = all(oid in answers.rows and oid not in answers.cut for oid in listing)
    rows = rows_of(table, answers).rows
    own = _own(part, plan, answers, rows)
    members = tuple(
        Member(row.label, row.text(part.key) or row.label, _role_of(part, table, row), row.index == own) for row in rows
    )
    return members, complete


def _role_of(part: MemberTable, table: TablePlan, row: Row) -> Told:
    if part.role is not None:
        try:
            return _worded(table.by_name[part.role], row.first(part.role))
        except (raw.Absent, raw.Quiet, raw.NotRead, Unreadable):
            return Told(Role.UNKNOWN)
    if part.primary is None or row.lacks(part.primary):
        return Told(Role.UNKNOWN)
    primary = row.text(part.primary)
    if not primary:
        return Told(Role.ACTIVE, "the primary, which leaves this blank in its own row")
    key = row.text(part.key)
    if not key:
        return Told(Role.UNKNOWN, f"primary {primary[:60]}")
    return Told(Role.ACTIVE if primary == key else Role.STANDBY, f"primary {primary[:60]}")


def _own(part: MemberTable, plan: Plan, answers: SnmpAnswers, rows: Sequence[Row]) -> str | None:
    """The index of our own row; None where nothing tells it, or more than one row fits."""
    for column, scalar in part.own.items():
        ours = _words(plan.by_name[scalar], answers).strip()
        fitting = [row.index for row in rows if ours and row.text(column) == ours]
        if len(fitting) == 1:
            return fitting[0]
    for column, pattern in part.own_like.items():
        fitting = [row.index for row in rows if raw.like((pattern,), row.text(column))]
        if len(fitting) == 1:
            return fitting[0]
    return None
