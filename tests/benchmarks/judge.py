"""What judging a result costs: the steady path, a bad result, and a dying link. `python tests/benchmarks/judge.py`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from agent import fold
from agent.incidents import Incidents
from agent.judge import Judge
from agent.records import NOTHING_CHANGED, CheckResult
from checks.contract import Assessment, State, Subject
from config.estate import Estate, Target
from testbeds.judging import NO_ANSWER, START, Stage, all_of, check, estate, finding, target, two_desks

TARGETS = 1_000
ROUNDS = 20
FINDINGS = 10


def result_of(what: Target, at: float, state: State | None) -> CheckResult:
    """A result of the target's first check: ten findings, the last of them in `state`; None: nobody answered."""
    spec = what.checks[0]
    findings = tuple(finding(f"snmp/value-{number}") for number in range(FINDINGS - 1))
    if state is None:
        assessment, fault = fold.without_answers(spec.kind, NO_ANSWER, None, at), NO_ANSWER
    else:
        answered = (*findings, finding("snmp/memory", state))
        covers = frozenset(one.key for one in answered)
        assessment, fault = fold.with_answers(spec.kind, Assessment(answered, covers=covers), None, None, at), None
    subject = Subject(what.name, what.council, what.site, spec, (what,))
    return CheckResult(subject, "here", at, at, 0.01, (), assessment, fault is None, fault, 155.0)


def spent(what: Estate, make: Callable[[Target, float], CheckResult]) -> float:
    """Seconds of CPU per result, for judge and incident machine together."""
    judge = Judge(what)
    machine = Incidents(two_desks, lambda now: f"RWY-{now}-{time.perf_counter_ns()}")
    total = 0.0
    for turn in range(ROUNDS):
        results = [make(one, START + 60 * turn) for one in what.targets.values()]
        begun = time.process_time()
        for number, one in enumerate(results):
            now = one.started + number * 0.01
            judgement = judge.result(one, now)
            if judgement is not NOTHING_CHANGED:
                machine.apply(judgement, now)
        ended = time.process_time()
        if turn > 1:
            total += ended - begun
    return total / (ROUNDS - 2) / len(what.targets)


def storm(children: int) -> float:
    """Seconds of CPU for the one result that brings the link down, with so many held openings behind it."""
    behind = [target(f"desk-{number:04d}", needs=all_of("link")) for number in range(children)]
    stage = Stage(estate(target("link"), *behind))
    for _ in range(2):
        for child in behind:
            stage.lost(f"{child.name}/icmp", after=0.001)
    stage.lost("link/icmp", after=1)
    begun = time.process_time()
    stage.lost("link/icmp", after=3)
    return time.process_time() - begun


def main() -> None:
    many = estate(*(target(f"fw-{number}", check(f"fw-{number}", "snmp")) for number in range(TARGETS)))
    for what, state in (("good again", State.OK), ("still bad", State.WARNING), ("no answer", None)):
        cost = spent(many, lambda one, at, state=state: result_of(one, at, state))  # type: ignore[misc]
        print(f"{what:<12} {cost * 1e6:8.2f} µs per result of {FINDINGS} findings")
    print(f"{'link dies':<12} {storm(5_000) * 1e3:8.2f} ms for the result that hides 5,000 children")


if __name__ == "__main__":
    main()
