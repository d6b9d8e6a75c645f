"""Every recorded firewall: recognised, judged in bounded time, and judged as a person would who read the recording.

The key is `firewall_verdicts.yaml`. A false alarm is what it calls ok and we do not; a missed fault is the other way
round, and a state that is not the key's is counted as both.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbeds.firewalls import KEY, Replayed, files, moment, name_of, replayed

pytestmark = pytest.mark.truth


@dataclass(frozen=True, slots=True)
class Score:
    """How a check did on one recording, or on all of them."""

    false_alarms: int
    missed: int

    def __add__(self, other: Score) -> Score:
        return Score(self.false_alarms + other.false_alarms, self.missed + other.missed)


def score(right: Mapping[str, str], said: Mapping[str, str]) -> Score:
    """By findings that are not well, as key and state."""
    wrongly = {key for key, state in said.items() if right.get(key) != state}
    missed = {key for key, state in right.items() if said.get(key) != state}
    return Score(len(wrongly), len(missed))


def judged(file: Path) -> Replayed:
    return replayed(file, moment(name_of(file)))


def said(of: Replayed) -> dict[str, str]:
    return {key: state.value for key, state in of.bad.items()}


def test_the_key_has_a_line_and_a_reason_for_every_recording() -> None:
    if not files():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")

    assert {name_of(file) for file in files()} == set(KEY)
    assert all(len(line["why"]) > 8 for line in KEY.values())


@pytest.mark.parametrize("file", files(), ids=name_of)
def test_a_recorded_firewall_is_judged_as_it_deserves(file: Path) -> None:
    of = judged(file)

    assert of.check.name == KEY[name_of(file)]["profile"]
    assert said(of) == KEY[name_of(file)]["bad"]


@pytest.mark.parametrize("file", [file for file in files() if file.suffix == ".snmprec"], ids=name_of)
def test_nothing_is_invented_where_the_recording_is_silent(file: Path) -> None:
    of = judged(file)

    for reading in of.assessment.readings:
        assert reading.value == reading.value and abs(reading.value) < 1e20
    if of.check.kind == "firewall":
        series = [(reading.family.name, reading.labels) for reading in of.assessment.readings]
        assert len(series) == len(set(series))
    if of.check.kind == "firewall" and not of.answers.snmp.rows.get("1.3.6.1.2.1.2.2.1.8"):
        assert not any(r.family.name.startswith("ridgeway_interface_up") for r in of.assessment.readings)
    families = {reading.family.name for reading in of.assessment.readings}
    if "firewall/sessions" in of.bad:
        assert "ridgeway_firewall_sessions" not in families
    if "firewall/memory_used" in of.bad:
        assert "ridgeway_firewall_memory_used_ratio" not in families


def test_a_check_that_always_says_ok_misses_every_fault_and_one_that_always_warns_does_no_better() -> None:
    if not files():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")

    ours = always_ok = always_bad = Score(0, 0)
    for file in files():
        of, right = judged(file), KEY[name_of(file)]["bad"]
        ours += score(right, said(of))
        always_ok += score(right, {})
        always_bad += score(right, {finding.key: "warning" for finding in of.assessment.findings})

    assert ours == Score(0, 0)
    assert always_ok.false_alarms == 0 and always_ok.missed > 80
    assert always_bad.false_alarms > 1_000 and always_bad.missed > 80


def test_all_recordings_are_replayed_within_a_minute_of_processor_time_and_in_bounded_memory() -> None:
    if not files():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    for file in files():
        judged(file)

    assert time.process_time() - began < 60
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 150, f"{grown:.0f} MiB more than before, of a walk of 454,490 objects"
