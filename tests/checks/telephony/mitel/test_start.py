"""Why a system started: told for a day, a warning where it was a fault of its own."""

from __future__ import annotations

import pytest

from checks.contract import State, covered
from testbeds.mitel import assessed, bad, business, said

KEY = "mitel/start"


@pytest.mark.parametrize(("cause", "bits", "state", "words"), [
    (1, 0x200, State.OK, "cause: push button (push button)"), (2, 0x103, State.OK, "cause: software (software)"),
    (3, 0x3, State.OK, "cause: power on (external hard reset)"), (4, None, State.WARNING, "cause: system fault"),
    (4, 0x43, State.WARNING, "cause: system fault (watchdog (CPLD))"), (5, None, State.OK, "cause: unknown"),
    (5, 0x10, State.WARNING, "cause: unknown (check stop)"), (5, 0x77, State.OK, "(reset bits 0x0077)"),
    (9, None, State.UNKNOWN, "cause: 9, which is not among the known causes"),
])  # fmt: skip
def test_a_fault_of_its_own_is_a_warning_and_what_people_and_power_do_is_told(
    cause: int, bits: int | None, state: State, words: str
) -> None:
    assessment = assessed(business(uptime=5_400, _2_7=cause, _2_8=bits))

    assert bad(assessment).get(KEY, State.OK) is state
    assert said(assessment, KEY).startswith("started 1.5 h ago") and words in said(assessment, KEY)


def test_it_is_told_for_a_day_and_then_it_is_over() -> None:
    assessment = assessed(business(uptime=86_401, _2_7=4))

    assert KEY not in {finding.key for finding in assessment.findings}
    assert covered(assessment.covers, KEY) and covered(assessment.may_go, KEY)


def test_a_host_that_runs_for_long_has_not_started_because_what_answers_snmp_did() -> None:
    answers = business(uptime=60, _2_7=4)
    answers.snmp.values["1.3.6.1.2.1.25.1.1.0"] = 8_640_100

    assert KEY not in {finding.key for finding in assessed(answers).findings}


def test_a_system_that_does_not_tell_has_no_such_finding() -> None:
    assert KEY not in {finding.key for finding in assessed(business(uptime=60)).findings}
