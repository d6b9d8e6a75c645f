"""The one public recording of a Mitel system has its identity and nothing else: known, and never taken for well."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from agent.cli import answer
from checks.contract import State
from checks.network.answers import SnmpAnswers
from checks.network.transform import Answer
from checks.telephony.mitel import MitelAnswers, MitelOptions
from checks.telephony.mitel.product import pairs, profile_for
from config.profiles.recognition import SYS_DESCR
from testbeds.mitel import MSL, assessed, bad

pytestmark = pytest.mark.truth


def recorded() -> dict[str, Answer]:
    """The values of the recording (`OID|type|value`)."""
    file = Path(os.environ.get("RIDGEWAY_RECORDINGS", "absent")) / "telephony" / "snmprec" / "msl.snmprec"
    if not file.is_file():
        pytest.skip("no recording: set RIDGEWAY_RECORDINGS to the directory that holds them")
    lines = (line.split("|", 2) for line in file.read_text().splitlines() if line)
    return {oid: value for oid, _, value in lines}


def test_the_server_is_recognised_and_its_pairs_are_read() -> None:
    values = recorded()

    assert profile_for(values) == MSL
    assert set(pairs(str(values[SYS_DESCR]))) == {"VerAg", "VerHw", "VerSw"}


def test_a_replay_recognises_the_server_and_calls_nothing_well(capsys: pytest.CaptureFixture[str]) -> None:
    recorded()
    file = Path(os.environ["RIDGEWAY_RECORDINGS"]) / "telephony" / "snmprec" / "msl.snmprec"

    status = answer(["replay", str(file), "--json"])
    out = capsys.readouterr()

    (check,) = json.loads(out.out)["checks"]
    assert status == 3 and f"recognised as {MSL}" in out.err
    assert {finding["key"] for finding in check["findings"] if finding["state"] == "unknown"} >= {"mitel/level"}


def test_a_server_that_answers_nothing_but_its_identity_is_unknown() -> None:
    plan = MitelOptions().plan_of(MSL)
    answers = SnmpAnswers(dict.fromkeys(plan.oids) | recorded(), {oid: {} for t in plan.tables for oid in t.oids})

    assessment = assessed(MitelAnswers(MSL, answers))

    assert bad(assessment) == dict.fromkeys(("mitel/boot", "mitel/level", "mitel/applications"), State.UNKNOWN)
