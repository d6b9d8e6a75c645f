"""Faults and answers to one assessment: how a run that brought nothing is judged, and what a good run ends.

The rules, for every kind alike:

* Without answers there is one finding and nothing else is covered, so that all other keys keep their state and age.
  When the target itself did not answer it is `target/unreachable` (critical), whatever the check; else it is the
  fault's own condition.
* With answers, `assess` decides; a fault beside the answers becomes a finding of its own. The conditions a fault of
  this kind can have, `<kind>/<reason>` for every `Reason` and `credential/<name>`, are covered and may go: a run that
  worked ends them, after a restart too, for nothing has to be remembered. One that asked nothing does not.
* `accept_unreadable` turns an *unknown* that the target causes into *unsupported*. It does not cover our own faults
  (name, local, hanging, internal), nor a network that says the target is away.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from checks.contract import REACH, Assessment, Fault, Finding, Observation, Reason, State
from checks.transports.lockout import CONDITION
from config.estate import Acceptance

ACCEPTANCE = "acceptance/overdue"
_ACCEPTABLE = frozenset(
    {Reason.NO_ANSWER, Reason.REFUSED, Reason.AUTHENTICATION, Reason.FORBIDDEN, Reason.PROTOCOL, Reason.LIMIT}
)
_LONGEST = 300


def without_answers(kind: str, fault: Fault, acceptance: Acceptance | None, now: float) -> Assessment:
    """The assessment of a run that brought no answers."""
    accepted = _accepted(fault, acceptance)
    if fault.reached is False and not accepted:
        finding = Finding(REACH, State.CRITICAL, _short(fault.message), _evidence(fault))
    else:
        finding = _finding(kind, fault, acceptance)
    findings = (finding, *_overdue(acceptance, now))
    return Assessment(findings, covers=frozenset({finding.key, ACCEPTANCE}), may_go=frozenset({ACCEPTANCE}))


def with_answers(
    kind: str, assessment: Assessment, fault: Fault | None, acceptance: Acceptance | None, now: float
) -> Assessment:
    """The kind's own assessment, a partial run's fault beside it, and the fault conditions that are over."""
    findings = assessment.findings
    covers, may_go = assessment.covers, assessment.may_go
    if assessment.asked:
        covers, may_go = _widened(kind, covers, may_go)
    if fault is not None:
        finding = _finding(kind, fault, acceptance)
        if not any(other.key == finding.key for other in findings):
            findings = (*findings, finding)
            covers |= {finding.key}
    if acceptance is not None:
        findings = (*findings, *_overdue(acceptance, now))
    return replace(assessment, findings=findings, covers=covers, may_go=may_go)


def reached(observation: Observation, acceptance: Acceptance | None) -> bool | None:
    """Whether the target answered in any way; None when this run cannot tell.

    Answers mean yes, unless they say otherwise themselves by an attribute `reached` (a port that must stay silent).
    """
    if observation.answers is not None:
        told: bool | None = getattr(observation.answers, "reached", True)
        return told
    fault = observation.fault
    if fault is None or (fault.reached is False and _accepted(fault, acceptance)):
        return None
    return fault.reached


def fault_keys(kind: str) -> frozenset[str]:
    """Every condition that a fault of a kind may be filed under: `<kind>/<reason>`."""
    return frozenset(f"{kind}/{reason.value}" for reason in Reason)


@lru_cache(maxsize=1024)
def _widened(kind: str, covers: frozenset[str], may_go: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Cached, since all checks of a kind share few such sets: thousands of last assessments then share them too."""
    # A key that the kind covers by name is its own (a profile's value may be called `limit`): it may not just go.
    over = (fault_keys(kind) | {ACCEPTANCE, f"{CONDITION}*"}) - covers
    return covers | over, may_go | over


def _accepted(fault: Fault, acceptance: Acceptance | None) -> bool:
    return acceptance is not None and fault.state is State.UNKNOWN and fault.reason in _ACCEPTABLE


def _finding(kind: str, fault: Fault, acceptance: Acceptance | None) -> Finding:
    key = fault.condition or f"{kind}/{fault.reason.value}"
    if acceptance is not None and _accepted(fault, acceptance):
        summary = f"not readable, accepted by {acceptance.owner}: {acceptance.reason} ({fault.message})"
        return Finding(key, State.UNSUPPORTED, _short(summary), _evidence(fault))
    state = fault.state if fault.state.bad else State.UNKNOWN  # a fault is never ok
    return Finding(key, state, _short(fault.message), _evidence(fault))


def _overdue(acceptance: Acceptance | None, now: float) -> tuple[Finding, ...]:
    if acceptance is None or now < acceptance.review.timestamp():
        return ()
    summary = (
        f"{acceptance.owner} was to review by {acceptance.review:%d %B %Y} that this need not be readable: "
        f"{acceptance.reason}; review it, then set a new `review` date or take `accept_unreadable` out"
    )
    return (Finding(ACCEPTANCE, State.WARNING, _short(summary)),)


def _evidence(fault: Fault) -> dict[str, str]:
    evidence = {"reason": fault.reason.value}
    if len(fault.message) > _LONGEST:
        evidence["message"] = fault.message
    return evidence


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
