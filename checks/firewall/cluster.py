"""What the roles in a cluster mean, as one member tells them: findings and readings. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checks.contract import Family, Finding, Reading, State
from checks.firewall.members import Member, Membership
from checks.firewall.note import Seen
from config.profiles.roles import Role

HA = "firewall/ha"
MEMBERS = "firewall/missing"
HA_ROLE = Family(
    "ridgeway_firewall_ha_role", "1 for the role that a member of the cluster has.", labels=("member", "role")
)
_GONE = "the cluster has no resilience left: the next fault is an outage"
_WORDS: Mapping[Role, tuple[State, str]] = {
    Role.ACTIVE: (State.OK, "active"),
    Role.STANDBY: (State.OK, "standby"),
    Role.TRANSITIONAL: (State.WARNING, "changing its role"),
    Role.FAILED: (State.CRITICAL, "failed: this member does not work and would not take over"),
    Role.MAINTENANCE: (State.WARNING, f"taken out by a person; {_GONE}"),
    Role.ALONE: (State.WARNING, f"active and alone in its cluster; {_GONE}"),
    Role.UNKNOWN: (State.UNKNOWN, "its role in the cluster cannot be told"),
}
_OTHERS = {
    Role.FAILED: "failed",
    Role.MAINTENANCE: "taken out by a person",
    Role.UNKNOWN: "in a role that cannot be told",
}


def judged(found: Membership, wanted: int | None) -> Iterator[Finding]:
    """The finding on this member's role, and on the others as it sees them. None at all where there is no cluster."""
    if not found.told_at_all:
        if wanted is not None and wanted > 1:
            yield Finding(HA, State.UNSUPPORTED, "this product tells nothing of a cluster by any way that it is read")
        return
    if not found.clustered:
        if wanted is not None and wanted > 1:
            yield Finding(
                HA, State.WARNING, f"the firewall says that it is in no cluster; the estate expects {wanted} members",
                {"role": found.told.role.value},
            )  # fmt: skip
        return
    state, words = _WORDS[found.told.role]
    said = f" ({found.told.raw})" if found.told.raw else ""
    sentence = f"this member is {words}{said}" if found.told.role is not Role.UNKNOWN else f"{words}{said}"
    for worse, why in _of_others(found, wanted):
        if worse.rank > state.rank:
            state, sentence = worse, f"{sentence}; {why}"
    evidence = {"role": found.told.role.value, "said": found.told.raw[:100], "source": found.told.source.value}
    yield Finding(HA, state, sentence[:300], evidence)


def _of_others(found: Membership, wanted: int | None) -> Iterator[tuple[State, str]]:
    actives = [member for member in found.members if member.told.role is Role.ACTIVE]
    others = [member for member in found.members if not member.own]
    if len(actives) > 1 and len({member.key for member in actives}) > 1 and not _all_active(found):
        yield State.CRITICAL, f"it sees {len(actives)} active members: {_named(actives)}"
    for member in others:
        if member.told.role in _OTHERS and found.told.role not in (Role.UNKNOWN, Role.ALONE):
            words = _OTHERS[member.told.role]
            state = State.UNKNOWN if member.told.role is Role.UNKNOWN else State.WARNING
            said = f" ({member.told.raw})" if member.told.raw else ""
            yield state, f"the other member, {member.label}, is {words}{said}: {_GONE}"
    if wanted is not None and found.complete and found.members and len(found.members) < wanted:
        yield State.WARNING, f"it lists {len(found.members)} of {wanted} members; {_GONE}"


def _all_active(found: Membership) -> bool:
    """An active/active cluster says so in every member's own words."""
    return all("active-" in member.told.raw or "active/active" in member.told.raw for member in found.members)


def missing(found: Membership, before: Mapping[str, Seen], wanted: int | None) -> Iterator[Finding]:
    """A member that was listed before and is not any more: most products say nothing else of a dead one."""
    if not found.complete or not found.members:
        return
    there = {member.key for member in found.members}
    for key, seen in before.items():
        if key not in there and len(found.members) < (wanted or len(before)):
            yield Finding(
                f"{MEMBERS}/{key[:64]}", State.WARNING,
                f"member {seen.label} was in the cluster and is not listed any more; {_GONE}", {"key": key[:64]},
            )  # fmt: skip


def readings(found: Membership) -> Iterator[Reading]:
    """The role of every member it tells of; of itself alone where there is no table."""
    members = found.members
    if not any(member.own for member in members) and not members:
        members = (Member("self", "self", found.told, own=True),)
    for member in members:
        yield Reading(HA_ROLE, 1.0, (member.label, _shown(found, member).value))


def _shown(found: Membership, member: Member) -> Role:
    """Our own row has the role that all rules together found, which may be `alone`."""
    return found.told.role if member.own else member.told.role


def _named(members: list[Member]) -> str:
    return ", ".join(member.label for member in members)[:120]
