"""What the answers of one firewall mean: its values by its profile, its role, its cluster, what is expected. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checks.contract import Assessment, Family, Finding, Memory, Reading, State
from checks.firewall import cluster, note
from checks.firewall.answers import FirewallAnswers
from checks.firewall.expected import Judged, expected
from checks.firewall.members import Membership, membership
from checks.firewall.options import FirewallOptions, Reader
from checks.firewall.rows import rows_of
from checks.network import raw
from checks.network.conditions import Conditions
from checks.network.judgement import assessed
from checks.network.plan import PROFILE
from config.profiles.recognition import SYS_DESCR, SYS_OBJECT_ID
from config.profiles.roles import FirewallPart, Role

MEMBER = "firewall/member"
INFO = Family(
    "ridgeway_firewall_info", "What the firewall says it is; always 1.",
    labels=("vendor", "model", "serial", "firmware"),
)  # fmt: skip
VPN_USERS = Family("ridgeway_firewall_vpn_users", "Users connected by remote-access VPN.")
FAMILIES = (INFO, cluster.HA_ROLE, VPN_USERS)
_MOST_FACTS = 12
_HEALTH = tuple(f"ridgeway_firewall_{word}" for word in ("cpu", "memory", "sessions", "disk", "sensor", "link"))
"""Readings of which a firewall has at least one."""


def judged(
    options: FirewallOptions, answers: FirewallAnswers, whole: bool, memory: Memory | None, at: float
) -> Assessment:
    """Judge one poll made at `at` (Unix seconds); `whole` says that it was not cut short."""
    if not answers.profile:
        return _unrecognised(answers)
    reader = options.reader_of(answers.profile)
    part, plan, said = reader.profile.firewall, reader.plan, answers.snmp
    assert part is not None  # readers are of firewalls
    before = note.unpacked(memory)
    found = membership(part, plan, said)
    conditions = Conditions(plan, said, found.told.role)
    base = assessed(plan, said, whole, before.values, at, frozenset(), conditions.relevant)
    wanted = options.expect.members
    # Where the product tells no roles, what must be up must be up on the one that is asked.
    more = expected(reader, part, said, options.expect, found.told.role if found.told_at_all else Role.NOT_CLUSTERED)
    # A poll that was cut short says nothing of a role: what was known of it stays.
    told = whole or found.told.role is not Role.UNKNOWN
    findings = [*base.findings, *cluster.missing(found, before.members, wanted)]
    findings += cluster.judged(found, wanted) if told else ()
    findings += [*more.findings, *_silence(reader, base, whole), _facts(reader, part, answers, found, more)]
    # The rows of a table that must be there are the expectations', which say themselves what they cover.
    covers = (base.covers - {f"{table.key}/*" for table in plan.tables}) | more.covers | {MEMBER}
    if told:
        covers |= {cluster.HA}
    if found.complete and found.members:
        covers |= {f"{cluster.MEMBERS}/*"}
    return Assessment(
        findings=tuple(findings),
        readings=_distinct((*base.readings, *_readings(reader, part, answers, found))),
        covers=frozenset(covers),
        may_go=frozenset(base.may_go | more.may_go | {cluster.HA, f"{cluster.MEMBERS}/*"}),
        memory=note.packed(before, base.memory, found, wanted),
    )


def _distinct(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Each series once: two tables of a product (link monitors, SD-WAN) may name the same thing; the first counts."""
    found: dict[tuple[str, tuple[str, ...]], Reading] = {}
    for reading in readings:
        found.setdefault((reading.family.name, reading.labels), reading)
    return tuple(found.values())


def _silence(reader: Reader, base: Assessment, whole: bool) -> Iterator[Finding]:
    """Where a device says who it is and nothing of how it is, that is not well: it is unknown."""
    if whole and not any(reading.family.name.startswith(_HEALTH) for reading in base.readings):
        if any(finding.key == f"firewall/{PROFILE}" for finding in base.findings):
            return
        words = f"the device answers nothing of profile {reader.profile.profile} that tells how it is"
        yield Finding(f"firewall/{PROFILE}", State.UNKNOWN, words)


def _unrecognised(answers: FirewallAnswers) -> Assessment:
    said = answers.snmp.values
    text = f"sysObjectID {said.get(SYS_OBJECT_ID)}, sysDescr {str(said.get(SYS_DESCR))[:120]!r}"
    words = f"no firewall profile is known for this device ({text}); name one with `profile`, or write one"
    key = f"firewall/{PROFILE}"
    return Assessment((Finding(key, State.UNKNOWN, words[:300]),), covers=frozenset({key}))


def _readings(reader: Reader, part: FirewallPart, answers: FirewallAnswers, found: Membership) -> Iterator[Reading]:
    texts = [_text(reader, name, answers) for name in (part.model, part.serial, part.firmware)]
    yield Reading(INFO, 1.0, (part.vendor, *texts))
    if found.told_at_all:
        yield from cluster.readings(found)
    users = _users(reader, part, answers)
    if users is not None:
        yield Reading(VPN_USERS, users)


def _text(reader: Reader, name: str | None, answers: FirewallAnswers) -> str:
    if name is None:
        return ""
    said = raw.told(reader.plan.by_name[name], answers.snmp.values, answers.snmp.errors)
    return "" if said is None else str(said).strip()[:100]


def _users(reader: Reader, part: FirewallPart, answers: FirewallAnswers) -> float | None:
    """The sum of what the profile names; None where nothing of it is answered."""
    numbers: list[float] = []
    for name in part.vpn_users:
        scalar = reader.plan.by_name.get(name)
        if scalar is not None:
            numbers += _number(raw.told(scalar, answers.snmp.values, answers.snmp.errors))
            continue
        table = next(table for table in reader.plan.tables if name in table.by_name)
        for row in rows_of(table, answers.snmp).rows:
            numbers += _number(row.said(name))
    return sum(numbers) if numbers else None


def _number(said: object) -> list[float]:
    return [float(said)] if isinstance(said, int | float) else []


def _facts(reader: Reader, part: FirewallPart, answers: FirewallAnswers, found: Membership, more: Judged) -> Finding:
    """What is so, without being good or bad: an ok finding, so that people see what was looked at and what was not."""
    role = found.told.role
    model, firmware = _text(reader, part.model, answers), _text(reader, part.firmware, answers)
    what = " ".join(text for text in (part.vendor, model, firmware) if text)
    facts = list(more.facts)
    if role is Role.NOT_CLUSTERED:
        facts.insert(0, "nothing of a cluster is judged")
    if not found.told_at_all:
        facts.append("this product tells nothing of a cluster over SNMP")
    if not reader.profile.proven:
        facts.append(f"profile {reader.profile.profile} is unproven: no recording of a real device backs it")
    evidence = {"profile": reader.profile.profile, "role": role.value, "source": "snmp"}
    if found.told.raw:
        evidence["role said"] = found.told.raw[:100]
    evidence |= {f"fact {number}": fact[:200] for number, fact in enumerate(facts[:_MOST_FACTS], start=1)}
    words = [_ROLES[role], *facts] if found.told_at_all else facts
    summary = f"{what}: " + "; ".join(words)
    return Finding(MEMBER, State.OK, summary[:300], evidence)


_ROLES = {role: role.value.replace("_", " ") for role in Role} | {
    Role.NOT_CLUSTERED: "not in a cluster",
    Role.UNKNOWN: "role unknown",
}
