"""What the answers of one firewall mean: its values by its profile, its role, its cluster, what is expected. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from checks.contract import Assessment, Family, Finding, Memory, Reading, Reason, State
from checks.firewall import cluster, forecast, note
from checks.firewall.answers import FirewallAnswers
from checks.firewall.expected import SERVES, Judged, expected
from checks.firewall.members import Membership
from checks.firewall.options import FirewallOptions
from checks.firewall.outlook import FAMILIES as FORECASTS
from checks.firewall.posture import KEYS as POSTURE_KEYS
from checks.firewall.posture import Posture, connections_of, posture
from checks.firewall.voices import (
    WAYS,
    Voice,
    contested_by,
    covers_of,
    findings_of,
    membership_of,
    readings_of,
    said_by,
    voices,
)
from checks.network import raw
from checks.network.conditions import Conditions
from checks.network.judgement import assessed
from checks.network.plan import PROFILE, Plan
from checks.network.rows import rows_of
from checks.transports.lockout import CONDITION
from checks.transports.ssh import HOST_KEY
from config.profiles.asks import Way
from config.profiles.recognition import SYS_DESCR, SYS_OBJECT_ID
from config.profiles.roles import Role

MEMBER = "firewall/member"
INFO = Family(
    "ridgeway_firewall_info", "What the firewall says it is; always 1.",
    labels=("vendor", "model", "serial", "firmware"),
)  # fmt: skip
VPN_USERS = Family("ridgeway_firewall_vpn_users", "Users connected by remote-access VPN.")
FAMILIES = (INFO, cluster.HA_ROLE, VPN_USERS, *FORECASTS)
_MOST_FACTS = 12
_FURTHER = (Way.HTTP, Way.SSH)
_TROUBLES = frozenset(f"{way.value}/{reason.value}" for way in _FURTHER for reason in Reason)
"""What may keep a further way from telling: it fails in one of these ways, or in none."""
_MAY_END = _TROUBLES | {*(f"firewall/{way.value}/*" for way in _FURTHER), f"{CONDITION}*", HOST_KEY}
_HEALTH = tuple(f"ridgeway_firewall_{word}" for word in ("cpu", "memory", "sessions", "disk", "sensor", "link"))
"""Readings of which a firewall has at least one."""


def judged(
    options: FirewallOptions, answers: FirewallAnswers, whole: bool, memory: Memory | None, at: float
) -> Assessment:
    """Judge one poll made at `at` (Unix seconds); `whole` says that it was not cut short over SNMP."""
    if not answers.profile:
        return _unrecognised(answers)
    some = voices(options, answers, whole)
    before = note.unpacked(memory)
    found, differing, compared = membership_of(some)
    wanted = options.expect.members
    bases = [(voice, _base(voice, found.told.role, before, at)) for voice in some]
    # Where the product tells no roles, what must be up must be up on the one that is asked.
    role = found.told.role if found.told_at_all else Role.NOT_CLUSTERED
    more = [expected(voice.reader, voice.part, voice.answers, options.expect, role) for voice in some]
    # A poll that was cut short says nothing of a role: what was known of it stays.
    told = found.told.role is not Role.UNKNOWN or all(voice.whole for voice in some)
    readings = readings_of([*(base.readings for _, base in bases), _readings(some, found)])
    ahead = _ahead(bases, readings, found, before.trends, at)
    guard = posture(connections_of(answers), options.posture.accept, at, _failed(some, answers))
    findings = [*cluster.missing(found, before.members, wanted), *differing, *_troubles(answers)]
    findings += cluster.judged(found, wanted) if told else ()
    findings += [*ahead.findings, *guard.findings, *_silence(bases), _facts(some, found, more, guard)]
    elsewhere = frozenset(finding.key for one in more for finding in one.findings if finding.state is State.OK)
    elsewhere |= frozenset(key for one in more for key in one.lacking)
    by_way = [said_by(voice, base, one, elsewhere) for (voice, base), one in zip(bases, more, strict=True)]
    contested, silent = contested_by(by_way, before.contested)
    merged = findings_of([*(one.findings for one in by_way), findings])
    merged = tuple(finding for finding in merged if finding.state.bad or finding.key not in silent)
    covers = covers_of(by_way) | {MEMBER, *_ended(answers)} | ({WAYS} if compared else set())
    covers |= {finding.key for finding in merged} | ahead.covers | guard.covers
    if told:
        covers |= {cluster.HA}
    if found.complete and found.members:
        covers |= {f"{cluster.MEMBERS}/*"}
    may_go = frozenset[str]().union(*(base.may_go for _, base in bases), *(one.may_go for one in more))
    values = next((base.memory for _, base in bases if base.memory is not None), None)
    return Assessment(
        findings=merged,
        readings=(*readings, *ahead.readings),
        covers=covers,
        may_go=may_go | {cluster.HA, f"{cluster.MEMBERS}/*", f"{forecast.PREFIX}/*", WAYS, *POSTURE_KEYS, *_MAY_END},
        memory=note.packed(before, values, found, wanted, ahead.trends, contested),
    )


def _ahead(
    bases: Sequence[tuple[Voice, Assessment]],
    readings: tuple[Reading, ...],
    found: Membership,
    before: forecast.Trends,
    at: float,
) -> forecast.Foreseen:
    """What daily peaks foretell. A role that cannot be told counts as serving, as everything that cannot does."""
    series = {one.name: one for voice, _ in reversed(bases) for one in voice.reader.forecasts}
    limits = {one.limit_family for one in series.values()}
    no_limit = frozenset(
        value.family.name
        for voice, base in bases
        if base.may_go is not voice.reader.plan.may_go
        for value in voice.reader.plan.scalars
        if value.family is not None and value.family.name in limits and value.key in base.may_go
    )
    no_limit -= {reading.family.name for reading in readings} if no_limit else frozenset()
    serves = not found.told_at_all or found.told.role in SERVES
    serves = serves or (found.told.role is Role.UNKNOWN and all(voice.whole for voice, _ in bases))
    serial = next((reading.labels[2] for reading in readings if reading.family is INFO), "")
    return forecast.foreseen(tuple(series.values()), before, forecast.Poll(readings, no_limit, serves, serial, at))


def _failed(some: Sequence[Voice], answers: FirewallAnswers) -> frozenset[Way]:
    cut = {voice.way for voice in some if voice.way is Way.SNMP and not voice.whole}
    return frozenset(cut | {way for way, part in answers.others.items() if part.fault is not None})


def _base(voice: Voice, role: Role, before: note.Note, at: float) -> Assessment:
    """The values by one way. What is remembered of them is the affair of counters and starts, which SNMP has."""
    plan = voice.reader.plan
    conditions = Conditions(plan, voice.answers, role)
    memory = before.values if voice.way is Way.SNMP else None
    base = assessed(plan, voice.answers, voice.whole, memory, at, frozenset(), conditions.relevant)
    return base if voice.way is Way.SNMP else replace(base, memory=None)


def _troubles(answers: FirewallAnswers) -> Iterator[Finding]:
    """What kept a further way from telling, and answers that are none."""
    for way, part in answers.others.items():
        if part.fault is not None:
            yield Finding(part.fault.condition, part.fault.state, part.fault.message[:300])
        for question, raw_text in part.not_understood.items():
            words = f"the answer to {question} ({way.told}) is none that profile {part.profile} understands: {raw_text}"
            yield Finding(f"firewall/{way.value}/{question}", State.UNKNOWN, words[:300])


def _ended(answers: FirewallAnswers) -> frozenset[str]:
    """What the further ways, or that there are none, have shown to be over where there is no finding of it."""
    over = set(_TROUBLES)
    well = [way for way in _FURTHER if way not in answers.others or answers.others[way].fault is None]
    over |= {f"firewall/{way.value}/*" for way in well}
    if len(well) == len(_FURTHER):
        over.add(f"{CONDITION}*")
    if Way.SSH in well and (Way.SSH not in answers.others or answers.others[Way.SSH].cost.questions):
        over.add(HOST_KEY)
    return frozenset(over)


def _silence(bases: Sequence[tuple[Voice, Assessment]]) -> Iterator[Finding]:
    """Where a device says who it is and nothing of how it is, that is not well: it is unknown."""
    if any(reading.family.name.startswith(_HEALTH) for _, base in bases for reading in base.readings):
        return
    if any(finding.key == f"firewall/{PROFILE}" for _, base in bases for finding in base.findings):
        return
    if all(voice.whole for voice, _ in bases) and any(_tells_health(voice.reader.plan) for voice, _ in bases):
        names = " and ".join(voice.reader.profile.profile for voice, _ in bases)
        words = f"the device answers nothing of profile {names} that tells how it is"
        yield Finding(f"firewall/{PROFILE}", State.UNKNOWN, words[:300])


def _tells_health(plan: Plan) -> bool:
    """Whether a profile has such values at all; where not, what it requires says whether the device answers."""
    values = (*plan.scalars, *(column for table in plan.tables for column in table.columns))
    return any(value.family is not None and value.family.name.startswith(_HEALTH) for value in values)


def _unrecognised(answers: FirewallAnswers) -> Assessment:
    said = answers.snmp.values
    text = f"sysObjectID {said.get(SYS_OBJECT_ID)}, sysDescr {str(said.get(SYS_DESCR))[:120]!r}"
    words = f"no firewall profile is known for this device ({text}); name one with `profile`, or write one"
    key = f"firewall/{PROFILE}"
    return Assessment((Finding(key, State.UNKNOWN, words[:300]),), covers=frozenset({key}))


def _readings(some: Sequence[Voice], found: Membership) -> Iterator[Reading]:
    yield Reading(INFO, 1.0, _identity(some))
    if found.told_at_all:
        yield from cluster.readings(found)
    users = next((users for voice in some if (users := _users(voice)) is not None), None)
    if users is not None:
        yield Reading(VPN_USERS, users)


def _identity(some: Sequence[Voice]) -> tuple[str, str, str, str]:
    """Vendor, model, serial number and firmware, each by the first way that tells it."""
    told = [
        [_text(voice, name) for name in (voice.part.model, voice.part.serial, voice.part.firmware)] for voice in some
    ]
    model, serial, firmware = (next(filter(None, texts), "") for texts in zip(*told, strict=True))
    return some[0].part.vendor, model, serial, firmware


def _text(voice: Voice, name: str | None) -> str:
    if name is None:
        return ""
    said = raw.told(voice.reader.plan.by_name[name], voice.answers.values, voice.answers.errors)
    return "" if said is None else str(said).strip()[:100]


def _users(voice: Voice) -> float | None:
    """The sum of what the profile names; None where nothing of it is answered."""
    numbers: list[float] = []
    plan, answers = voice.reader.plan, voice.answers
    for name in voice.part.vpn_users:
        scalar = plan.by_name.get(name)
        if scalar is not None:
            numbers += _number(raw.told(scalar, answers.values, answers.errors))
            continue
        table = next(table for table in plan.tables if name in table.by_name)
        for row in rows_of(table, answers).rows:
            numbers += _number(row.said(name))
    return sum(numbers) if numbers else None


def _number(said: object) -> list[float]:
    return [float(said)] if isinstance(said, int | float) else []


def _facts(some: Sequence[Voice], found: Membership, more: Sequence[Judged], guard: Posture) -> Finding:
    """What is so, without being good or bad: an ok finding, so that people see what was looked at and what was not."""
    role = found.told.role
    vendor, model, _, firmware = _identity(some)
    facts = [*dict.fromkeys(fact for one in more for fact in one.facts), *guard.facts]
    ways = " and ".join(voice.way.told for voice in some)
    if role is Role.NOT_CLUSTERED:
        facts.insert(0, "nothing of a cluster is judged")
    if not found.told_at_all:
        facts.append(f"this product tells nothing of a cluster {ways}")
    profiles = [voice.reader.profile for voice in some]
    for profile in profiles:
        if not profile.proven:
            facts.append(f"profile {profile.profile} is unproven: no recording of a real device backs it")
    evidence = {
        "profile": ", ".join(profile.profile for profile in profiles),
        "role": role.value,
        "source": ", ".join(voice.way.value for voice in some),
    }
    if found.told.raw:
        evidence["role said"] = found.told.raw[:100]
    evidence |= {f"fact {number}": fact[:200] for number, fact in enumerate(facts[:_MOST_FACTS], start=1)}
    words = [_ROLES[role], *facts] if found.told_at_all else facts
    summary = " ".join(text for text in (vendor, model, firmware) if text) + ": " + "; ".join(words)
    return Finding(MEMBER, State.OK, summary[:300], evidence)


_ROLES = {role: role.value.replace("_", " ") for role in Role} | {
    Role.NOT_CLUSTERED: "not in a cluster",
    Role.UNKNOWN: "role unknown",
}
