"""The kind `emergency_readiness`: whether 999 would leave, with what in reserve, and what the switch-off would end.

Nothing is dialled, ever: routes are asked with OPTIONS and SNMP, everything else is people's records and the calendar.
"""

from __future__ import annotations

from collections.abc import Sequence

from checks.contract import Assessment, CheckKind, Family, KindDefaults, Memory, Observation, Subject
from checks.network.snmp import CHECK as SNMP
from checks.telephony.readiness.answers import ReadinessAnswers
from checks.telephony.readiness.asking import collect
from checks.telephony.readiness.judgement import FAMILIES, judged
from checks.telephony.readiness.options import KIND, ReadinessOptions, inputs
from config.estate import MofN, WakeClass


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """What the round means today."""
    options, answers = subject.check.options, observations[0].answers
    assert isinstance(options, ReadinessOptions) and isinstance(answers, ReadinessAnswers)  # the catalogue pairs them
    return judged(options, answers, memory, now)


def families() -> tuple[Family, ...]:
    return FAMILIES


_FAULTS = ("no-answer", "refused", "authentication", "protocol", "limit", "local", "name")
"""Of asking the check's own target for its categories."""
CHECK = CheckKind(
    kind=KIND,
    title="Readiness for emergency calls and the switch-off",
    options=ReadinessOptions,
    answers=ReadinessAnswers,
    defaults=KindDefaults(
        every=60.0, timeout=20.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        "emergency_readiness/readiness": "All of it in one sentence, and what nobody declared: always ok.",
        "emergency_readiness/routes": "Calls to 999 have no way out, or that is not known: tell people to use mobiles.",
        "emergency_readiness/second_route": "Only one route for 999 is declared: one fault ends it.",
        "pair/member/<name>": "A route over that target is down: resilience gone; or a UPS does not answer.",
        "emergency_readiness/route/<name>": "The same for a route that is a category of the check's own target.",
        "emergency_readiness/power/<ups>": "Telephony runs on battery, without protection, or that cannot be told.",
        "emergency_readiness/runtime/<ups>": "The battery would not last as long as is wanted.",
        "emergency_readiness/battery/<ups>": "The battery is old or to be replaced, or another fault of the UPS lasts.",
        "emergency_readiness/location/<name>": "An address record has no owner, or its review is overdue.",
        "emergency_readiness/line/<name>": "A line's record has no owner, or its plan was missed or comes too late.",
        "emergency_readiness/switch_off": "So many lines are not migrated, and so many days are left.",
        "emergency_readiness/in_service/<name>": "A category is still in service, though its lines are migrated.",
        "emergency_readiness/records": "The file of records cannot be read: nothing is known of what is in it.",
        **{f"snmp/{fault}": SNMP.finding_keys[f"snmp/{fault}"] for fault in _FAULTS},
    },
    families=families,
    collect=collect,
    assess=assess,
    inputs=inputs,
)
__all__ = ["CHECK", "ReadinessAnswers", "ReadinessOptions"]
