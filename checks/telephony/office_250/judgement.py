"""What the status page of a MiVoice Office 250 means. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from checks.contract import Assessment, Family, Finding, Memory, MetricType, Reading, State
from checks.network.answers import SnmpAnswers
from checks.network.documents import NotUnderstood
from checks.network.judgement import assessed
from checks.network.plan import Plan
from checks.printable import printable
from checks.telephony.mitel.judgement import INFO
from checks.telephony.office_250.options import KIND
from config.profiles.vocabulary import FAMILIES as SHARED

SYSTEM = f"{KIND}/system"
PAGE = f"{KIND}/page"
ALARM = f"{KIND}/alarm"
LEVEL = Family(
    str(SHARED["telephony_system_level"]["name"]), str(SHARED["telephony_system_level"]["help"]), MetricType.GAUGE
)
FAMILIES = (INFO, LEVEL)
_NUMBER = re.compile(r"A(1[0-9]{3})|([0-9]{1,3})")
"""An application's number, or another."""
_NONE = "0"
_BANDS = (
    (range(20), "a minor alarm of the system", State.WARNING, 2.0),
    (range(20, 40), "a minor alarm of voice processing", State.WARNING, 2.0),
    (range(100, 200), "a major alarm of the system", State.CRITICAL, 3.0),
    (range(200, 225), "a major alarm of voice processing", State.CRITICAL, 3.0),
    (range(225, 245), "an alarm of the network", State.WARNING, 2.0),
    (range(1001, 1100), "an alarm of an application", State.WARNING, 2.0),
)
"""By alarm number, after Mitel's manuals; the level is as metrics show it."""


@dataclass(frozen=True, slots=True)
class Office250Answers:
    """What the page says, or what came in its place."""

    page: SnmpAnswers = field(default_factory=SnmpAnswers)
    not_understood: NotUnderstood | None = None


def judged(plan: Plan, answers: Office250Answers, memory: Memory | None, at: float) -> Assessment:
    """Judge the page as it was read at `at` (Unix seconds)."""
    if answers.not_understood is not None:
        raw = f": {answers.not_understood.raw}" if answers.not_understood.raw else ""
        words = f"what came is not the status page, {answers.not_understood.why}{raw}"
        return Assessment((Finding(PAGE, State.UNKNOWN, printable(words)[:300]),), covers=frozenset({PAGE}))
    base = assessed(plan, answers.page, True, memory, at, frozenset())
    said = str(answers.page.values.get(plan.by_name["alarm"].oids[0]) or "").strip()
    alarm, level = _alarm(said)
    findings = [alarm if finding.key == ALARM else finding for finding in base.findings]
    facts = dict(_facts(plan, answers.page))
    readings = (*base.readings, Reading(INFO, 1.0, ("MiVoice Office 250", "", facts.get("release", "")[:64])))
    return replace(
        base,
        findings=(*findings, _system(facts)),
        readings=readings if level is None else (*readings, Reading(LEVEL, level)),
        covers=base.covers | {SYSTEM, PAGE},
        may_go=base.may_go | {SYSTEM, PAGE},
    )


def _alarm(said: str) -> tuple[Finding, float | None]:
    """The alarm's finding and its level; what is no number of the manuals is unknown, and never well."""
    if said == _NONE:
        return Finding(ALARM, State.OK, "no alarm"), 0.0
    found = _NUMBER.fullmatch(said)
    number = None if found is None else int(found[1] or found[2])
    for band, words, state, level in _BANDS:
        if number is not None and number in band:
            text = f"alarm {said}, by its number {words}: look it up in the system's Message Print"
            return Finding(ALARM, state, text, {"alarm": said}), level
    shown = printable(said, 40) or "nothing"
    return Finding(ALARM, State.UNKNOWN, f"alarm says {shown}, which is no known number of an alarm"), None


def _facts(plan: Plan, page: SnmpAnswers) -> Iterator[tuple[str, str]]:
    for name in ("release", "version", "licence", "active_calls"):
        value = plan.by_name.get(name)
        said = None if value is None else page.values.get(value.oids[0])
        if said is not None and str(said).strip():
            yield name, printable(str(said).strip(), 64)


def _system(facts: dict[str, str]) -> Finding:
    """What is so, without being good or bad; the licence's words are not known, so they are shown and not judged."""
    words = {"release": "release", "version": "call processing", "licence": "licence says", "active_calls": "calls now"}
    text = "; ".join(f"{words[name]} {said}" for name, said in facts.items())
    proof = "profile unproven: no page of a real system backs it"
    return Finding(SYSTEM, State.OK, f"MiVoice Office 250: {text}; {proof}"[:300], facts)
