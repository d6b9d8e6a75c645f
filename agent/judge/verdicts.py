"""What one result says about which cause: findings, faults of asking, the fold into "unreachable", keys that are gone.

The fold. A result that did not reach the target counts against the one cause `target/unreachable`, whatever the check,
unless another check shows that the target answers: then it is that protocol's own fault (`snmp/no-answer`). Another
check shows it when the newest thing it said is "reached", not longer ago than its own cadence and time-out, and either

* it said so after this check's present run of failures began (an answer from before says nothing about now), or
* this check already has such a fault of its own standing (so that a slow neighbour need not prove it each time).

Whenever a check reaches the target, the other checks' contributions to `target/unreachable` are void at once; those
that go on failing become faults of their protocol with their next result.

All that is told by checks of one vantage. Where no check of a vantage reaches the target, but one from another vantage
does by the same rule, the way between that vantage and the target's site is at fault: `path/unreachable`, one cause for
all targets there. What is bad differs by vantage: the worst stands, and its sentence says from where.
"""

from __future__ import annotations

from agent.isolation import AWAY, PATH, isolated_text, unreachable_text
from agent.judge.book import Verdict
from agent.judge.scene import Scene
from agent.judge.vantages import path_text
from agent.judge.watch import Watched
from agent.records import OPEN_LEVELS, Cause, CheckResult
from checks.contract import REACH, Fault, Finding, State, covered
from config.estate import CheckSpec, Target

Verdicts = dict[Cause, Verdict]
_LONGEST = 300


def verdicts_of(scene: Scene, watched: Watched, target: Target, result: CheckResult, started: float) -> Verdicts:
    """Every cause this result says something about. `watched` already knows what this result said about reach."""
    assessment, fault = result.assessment, result.fault
    council, subject = result.subject.council, result.subject.name
    own_keys = asked_for(result)
    said: Verdicts = {}
    seen_from = _seen_from(scene, watched)
    for finding in assessment.findings:
        if finding.key in own_keys:
            summary = _told(finding, seen_from) if seen_from and finding.state.bad else finding.summary
            said[Cause(council, subject, finding.key)] = Verdict(finding.state, summary, finding.evidence)
    if result.reached:
        reach = scene.reach_cause(target, watched.vantage)
        said[reach] = Verdict(State.OK, f"{target.name} answers again ({watched.spec.name}).")
        said |= _way_is_good(scene, watched, target)
    if fault is not None:
        said |= _of_fault(scene, watched, target, result, fault, started)
    if result.reached or (fault is None and assessment.asked):
        said |= _answered_again(scene, watched, fault, said)
    return said | _gone(scene, watched, result, said)


def asked_for(result: CheckResult) -> frozenset[str]:
    """Keys of the findings that come from answers: not the fault of asking, nor "unreachable"."""
    keys = frozenset(finding.key for finding in result.assessment.findings) - {REACH}
    return keys if result.fault is None else keys - {condition_of(result.subject.check, result.fault)}


def condition_of(spec: CheckSpec, fault: Fault) -> str:
    """The key of a fault that is its protocol's own."""
    return fault.condition or f"{spec.kind}/{fault.reason.value}"


def _of_fault(
    scene: Scene, watched: Watched, target: Target, result: CheckResult, fault: Fault, started: float
) -> Verdicts:
    condition = condition_of(watched.spec, fault)
    own = scene.accounts.cause(target.council, target.name, condition)
    protocol = Verdict(fault.state, fault.message[:_LONGEST], fault=bool(result.reached))
    for finding in result.assessment.findings:
        if finding.key == condition:  # the runner's word for it, which knows what was accepted as unreadable
            protocol = Verdict(finding.state, finding.summary, finding.evidence, fault=bool(result.reached))
    if result.reached is not False:
        return {own: protocol}
    standing = scene.book.get(own)
    stands = standing is not None and watched.contributor in standing.faults
    checks = scene.of_target[target.name]
    if reached_by_another(checks, watched, started, stands) is not None:
        return {own: protocol, **_way_is_good(scene, watched, target)}
    folded = way_at_fault(scene, watched, target, started)
    if not folded:
        if target.name == scene.gateways.get(watched.vantage):
            text = isolated_text(target, watched.vantage, fault.message)
        else:
            text = unreachable_text(target, fault.message)
        reach = scene.reach_cause(target, watched.vantage)
        folded = {reach: Verdict(State.CRITICAL, text, {"reason": fault.reason.value}, fault=False)}
    if stands and standing is not None and standing.level in OPEN_LEVELS:
        # It is open already and its question is still not answered: it stays as bad as it was, beside the fold.
        folded[own] = protocol
    return folded


def reached_by_another(
    checks: list[Watched], watched: Watched, started: float, stands: bool, *, elsewhere: bool = False
) -> Watched | None:
    """Another check of the target that shows that it answers (the rule at the top of this file).

    One of the same vantage, or, with `elsewhere`, one of another vantage.
    """
    since = watched.failing_since if watched.failing_since is not None else started
    for other in checks:
        if other is watched or not other.reached or elsewhere is (other.vantage == watched.vantage):
            continue
        if started - other.told <= other.lasts and (stands or other.told >= since):
            return other
    return None


def way_at_fault(scene: Scene, watched: Watched, target: Target, started: float) -> Verdicts:
    """That another vantage reaches what this check does not; empty where none is known to."""
    cause = scene.path_cause(target, watched.vantage)
    if cause is None:
        return {}
    stands = scene.paths.says(cause, watched)
    other = reached_by_another(scene.of_target[target.name], watched, started, stands, elsewhere=True)
    if other is None:
        return {}
    bad = scene.paths.bad(cause)
    others = len(bad) - (target.name in bad)
    text = path_text(target, other.vantage, watched.vantage, others)
    evidence = {"vantage": watched.vantage, "answers": other.vantage, "site": target.site, "targets": str(others + 1)}
    return {cause: Verdict(State.WARNING, text, evidence, fault=False)}


def _way_is_good(scene: Scene, watched: Watched, target: Target) -> Verdicts:
    """What ends of ways at fault when this check's vantage reaches the target."""
    if not scene.several:
        return {}
    causes = {cause for cause in watched.causes if cause.condition == PATH}
    own = scene.path_cause(target, watched.vantage)
    if own is not None and scene.paths.says(own, watched):
        causes.add(own)
    return {cause: Verdict(State.OK, f"{watched.vantage} reaches {target.name} again.") for cause in causes}


def _seen_from(scene: Scene, watched: Watched) -> str:
    """The vantage, where a check is made from several; else nothing."""
    return watched.vantage if scene.several and len(watched.spec.vantages) > 1 else ""


def _told(finding: Finding, vantage: str) -> str:
    """A finding's sentence with the vantage that sees it so, for another one may see it otherwise."""
    said = f" (seen from {vantage})"
    return finding.summary[: _LONGEST - len(said)] + said


def _gone(scene: Scene, watched: Watched, result: CheckResult, said: Verdicts) -> Verdicts:
    """Keys judged completely that are no longer there: they end if they may go, else that is a finding.

    Not the fault of this very run: where it was folded, it is told as "unreachable", and is not gone.
    """
    assessment, council, subject = result.assessment, result.subject.council, result.subject.name
    told = {REACH} if result.fault is None else {REACH, condition_of(watched.spec, result.fault)}
    known = {
        cause.condition for cause in watched.causes if cause.subject == subject and not scene.is_reach(cause)
    } | watched.states.keys()
    gone: Verdicts = {}
    if watched.respecified:
        return gone  # the options changed, so what they left out went on purpose: `withdraw_unasked` sees to it
    for key in sorted(known):
        cause = scene.accounts.cause(council, subject, key)
        if cause in said or key in told or not covered(assessment.covers, key):
            continue
        if covered(assessment.may_go, key):
            gone[cause] = Verdict(State.OK, f"{key} is no longer reported by {watched.spec.name}, as it may be.")
        else:
            gone[cause] = Verdict(
                State.WARNING,
                f"{key} is no longer reported by {watched.spec.name}; if it was removed on purpose, change the check's "
                "options in the estate and reload it, else find out what took it away.",
            )
    return gone


def _answered_again(scene: Scene, watched: Watched, fault: Fault | None, said: Verdicts) -> Verdicts:
    """Faults of asking that this check has standing, and that this answer did not meet again."""
    over: Verdicts = {}
    for cause in watched.causes:
        alert = scene.book.get(cause)
        if alert is None or cause in said or scene.is_reach(cause) or cause.condition in (PATH, AWAY):
            continue
        ended = (
            not alert.contributions.get(watched.contributor, State.UNKNOWN).bad
            and cause.condition not in watched.states
            and watched.contributor not in alert.questions  # a finding is over when an answer says so
        )
        if watched.contributor in alert.faults or ended:
            over[cause] = Verdict(State.OK, f"{watched.spec.name} gets answers again." if fault is None else "")
    return over
