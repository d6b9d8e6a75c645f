"""The kind `mitel`: one telephone system by SNMP, its alarms, its resilience, licences and bandwidth. Only read."""

from __future__ import annotations

from collections.abc import Sequence

from checks.contract import (
    Assessment,
    CheckKind,
    Family,
    KindDefaults,
    Memory,
    Observation,
    Subject,
)
from checks.network.plan import families
from checks.telephony.mitel.answers import MitelAnswers
from checks.telephony.mitel.asking import ROLE, collect
from checks.telephony.mitel.judgement import FAMILIES, judged
from checks.telephony.mitel.options import KIND, MitelOptions, profiles_of
from checks.telephony.mitel.traps import NOTICES
from checks.telephony.mitel.unannounced import Ears
from config.estate import Every, MofN, WakeClass
from config.profiles import load, search_path


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:  # noqa: ARG001 - the contract's; the answers carry their own time
    """What the answers mean. Without any, nothing is judged: the fault speaks for itself."""
    options = subject.check.options
    assert isinstance(options, MitelOptions)  # the catalogue pairs options with kinds
    for observation in observations:
        if isinstance(observation.answers, MitelAnswers):
            at = observation.started + observation.duration
            whole = observation.fault is None
            return judged(options, observation.answers, whole, memory, at, _ears(subject), subject)
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
        "mitel/disagreement": "It calls its alarms clear, but does not answer SIP: see whether calls work.",
        "mitel/fleet/<category>": "Many sets went out of service at once: look at their site's power, switch and line.",
        "mitel/forecast/<licence>": "The licences will all be in use before long: buy some, or free some.",
        "mitel/start": "The system started anew within the last day, by a fault of its own: look at its log.",
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
    requires=(ROLE,),
    inputs=lambda options: tuple(options.primaries.values()),
    asks_itself=True,
    notices=NOTICES,
)
__all__ = ["CHECK", "MitelAnswers", "MitelOptions"]
