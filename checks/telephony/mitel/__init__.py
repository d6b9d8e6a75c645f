"""The kind `mitel`: one telephone system by SNMP, its alarms, its resilience, licences and bandwidth. Only read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from checks.contract import (
    Assessment,
    CheckKind,
    Context,
    Family,
    KindDefaults,
    Memory,
    Observation,
    Subject,
    Target,
)
from checks.network import snmp
from checks.network.answers import SnmpAnswers, keep
from checks.network.limits import give_up_at
from checks.network.plan import families
from checks.telephony.mitel.judgement import FAMILIES, MitelAnswers, judged
from checks.telephony.mitel.options import AUTO, KIND, MitelOptions, profiles_of
from checks.telephony.mitel.product import IDENTITY, profile_for
from checks.telephony.mitel.traps import NOTICES
from checks.telephony.mitel.unannounced import Ears
from checks.transports.snmp import Device
from config.estate import Every, MofN, WakeClass
from config.profiles import load, search_path
from config.profiles.recognition import SYS_OBJECT_ID

_ROLE = "snmp"
_AGAIN = 3600.0
"""Seconds after which a system is asked again what it is: a call server may start later than its server's SNMP."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The product, as it was found while the agent runs."""

    options: MitelOptions
    profile: str
    object_id: object
    at: float
    """When it was found (Unix seconds)."""


async def collect(target: Target, options: MitelOptions, ctx: Context) -> Observation:
    """Ask one system: what it is where that is not known, then everything of its profile."""
    known = ctx.kept if isinstance(ctx.kept, _Known) and ctx.kept.options == options else None
    if known is not None and not 0 <= ctx.now() - known.at < _AGAIN:
        known = None
    profile = options.profile
    if profile == AUTO:
        if known is None:
            asked = await _identity(target, options, ctx)
            answers = asked.answers
            if not isinstance(answers, MitelAnswers) or not answers.profile:
                return asked
            known = _Known(options, answers.profile, answers.snmp.values.get(SYS_OBJECT_ID), asked.started)
        profile, ctx.kept = known.profile, known
    found = await snmp.collect(target, options.asking(profile), ctx)
    read = found.answers
    told = MitelAnswers(profile, read) if isinstance(read, SnmpAnswers) else None
    if known is not None and told is not None and told.snmp.values.get(SYS_OBJECT_ID) != known.object_id:
        ctx.kept = None  # another product answers at this address now: the next run finds out which
    return Observation(found.target, found.vantage, found.started, found.duration, told, found.fault)


async def _identity(target: Target, options: MitelOptions, ctx: Context) -> Observation:
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    device = Device(
        target.address, target.credentials[_ROLE], options.port, options.retries, options.max_oids_per_pdu,
        options.max_repetitions,
    )  # fmt: skip
    got = await ctx.transports.snmp.get(device, IDENTITY, give_up_at(ctx.deadline, begun))
    said = SnmpAnswers()
    keep(got.values, said.values, said.errors)
    answers = None if got.error is not None else MitelAnswers(profile_for(said.values), said)
    fault = None if got.error is None else got.error.fault()
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:  # noqa: ARG001 - the contract's; the answers carry their own time
    """What the answers mean. Without any, nothing is judged: the fault speaks for itself."""
    options = subject.check.options
    assert isinstance(options, MitelOptions)  # the catalogue pairs options with kinds
    for observation in observations:
        if isinstance(observation.answers, MitelAnswers):
            at = observation.started + observation.duration
            return judged(options, observation.answers, observation.fault is None, memory, at, _ears(subject))
    return Assessment(findings=())


def _ears(subject: Subject) -> Ears | None:
    schedule = subject.check.schedule
    if subject.hearing is None or not isinstance(schedule, Every):
        return None
    return Ears(subject.name, subject.hearing, schedule.seconds, subject.check.timeout)


def shipped_families() -> tuple[Family, ...]:
    """Every family that a telephony profile on the search path can make, and those of the kind itself."""
    directories = search_path()
    made = families(load(name, directories) for name in profiles_of())
    return (*FAMILIES, *(family for family in made if family not in FAMILIES))


CHECK = CheckKind(
    kind=KIND,
    title="A Mitel telephone system",
    options=MitelOptions,
    answers=MitelAnswers,
    defaults=KindDefaults(
        every=60.0, timeout=15.0, open_after=MofN(2, 3), clear_after=MofN(3, 3), wake=WakeClass.MORNING
    ),
    finding_keys={
        "mitel/system": "What the system is, and what is not judged of it: always ok.",
        "mitel/level": "The overall level is not clear, and no category or application says why: look at the system.",
        "mitel/category/<name>": "A category of alarms is not clear, or more is out of service than may be.",
        "mitel/resilience/<primary>": "Phones of the primary run on this backup, or that is not known since a restart.",
        "mitel/application/<name>": "An application of the server is not well, and no active alarm says why.",
        "mitel/alarm/<application>": "An active alarm of an application; its class and type follow in the key.",
        "mitel/alarms": "The alarms of this product cannot be read (unsupported): watch it by other checks.",
        "mitel/call_load": "Calls take nearly all of the processor, or the number makes no sense.",
        "mitel/rejections/<zone>": "Calls were refused because the zone was full: callers heard a failure.",
        "mitel/zone_use/<zone>": "The bandwidth of the zone is nearly full.",
        "mitel/<value>": "A value is beyond its limit (licences), cannot be read, or is not what the profile knows.",
        "mitel/<column>/<row>": "The same for one row of a table.",
        "mitel/<table>": "A table that should have rows has none.",
        "mitel/traps": "Changes are seen that no trap announced: look at the system's trap settings, and the way here.",
        "mitel/emergency_notices": "The agent gets emergency notices that belong to the emergency adviser alone.",
        "mitel/profile": "No profile is known for what the system says it is, or it answers nothing of its profile.",
        "snmp/no-answer": "It answers other checks, but not SNMP: switch SNMP on, allow the agent's address.",
        "snmp/refused": "Nothing listens on the SNMP port: switch SNMP on, which is off on a new system.",
        "snmp/authentication": "It rejects the SNMPv3 user or a password, or its reply was not its own.",
        "snmp/protocol": "What came back is not SNMP, or not an answer to the question.",
        "snmp/limit": "A table is longer than it may be, or the system walks in a circle.",
        "snmp/local": "The agent itself could not ask: open files, secret, settings.",
        "snmp/name": "The target's name does not resolve.",
    },
    families=shipped_families,
    collect=collect,
    assess=assess,
    requires=(_ROLE,),
    notices=NOTICES,
)
__all__ = ["CHECK", "MitelAnswers", "MitelOptions"]
