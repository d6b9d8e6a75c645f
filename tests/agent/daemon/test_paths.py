"""The matrix of flows: each reader's own councils, and nothing said that the last run did not prove."""

from __future__ import annotations

from dataclasses import replace

from agent.daemon.paths import path_lines
from agent.records import CheckResult
from checks.contract import Assessment, Finding, Reading, State
from checks.path.judgement import PASSES
from checks.path.options import PathOptions
from testbeds.single import check, subject, target

NOW = 1_800_000_000.0
FLOW = {"from": "here", "port": 443, "must": "pass", "owner": "them", "reason": "why"}
SPEC = check("path", PathOptions.model_validate({"flows": {"web": FLOW, "mail": {**FLOW, "to": "192.0.2.5"}}}))
TARGET = target(SPEC)
WEB = Finding("path/web", State.OK, "passes", {"owner": "them"})
SIMULATOR = Finding("path/web/simulator", State.WARNING, "says otherwise")


def result(*findings: Finding, at: float = NOW - 10) -> CheckResult:
    assessment = Assessment(findings, (Reading(PASSES, 1.0, ("web", "here", "pass")),))
    return CheckResult(subject(SPEC), "here", at, at, 0.1, (), assessment, None, None, 180.0)


def lines(last: CheckResult | None = None):  # type: ignore[no-untyped-def]
    results = {} if last is None else {(SPEC.id, "here"): last}
    return {line.flow: line for line in path_lines([TARGET], results, "here", NOW, None)}


def test_every_flow_of_the_estate_is_there_before_anything_was_tried() -> None:
    found = lines()

    assert {name: (line.state, line.passes, line.summary) for name, line in found.items()} == {
        "web": (State.UNKNOWN, None, "not tried yet"), "mail": (State.UNKNOWN, None, "not tried yet")
    }  # fmt: skip
    assert (found["web"].to, found["mail"].to) == ("fw-a", "192.0.2.5")


def test_a_flow_has_its_last_run_s_word_and_one_that_was_not_judged_says_so() -> None:
    found = lines(result(WEB, SIMULATOR))

    assert (found["web"].state, found["web"].passes, found["web"].evidence) == (State.OK, True, {"owner": "them"})
    assert found["web"].simulator is not None
    assert found["web"].simulator.state is State.WARNING
    assert (found["mail"].state, found["mail"].passes) == (State.UNKNOWN, None)
    assert "not judged" in found["mail"].summary


def test_a_result_that_is_too_old_says_nothing() -> None:
    found = lines(result(WEB, at=NOW - 181))

    assert (found["web"].state, found["web"].passes) == (State.UNKNOWN, None)
    assert "too old" in found["web"].summary


def test_checks_of_other_kinds_have_no_flows() -> None:
    other = replace(TARGET, checks=(replace(SPEC, options=WEB),))  # type: ignore[arg-type]

    assert path_lines([other], {}, "here", NOW, None) == []
