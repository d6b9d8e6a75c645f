"""Pairs made of recordings of real firewalls: one is the recording, its mate a declared mutation of it.

No public recording has both sides of a pair. What one of a pair of PA-5400 said is known of both (one active, its peer
non-functional; the other non-functional, its peer active); every other mate is what the recorded member says of it.
A false alarm is what the key calls ok and we do not, a missed fault the other way round; a wrong state is both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from checks.contract import State
from testbeds.firewalls import KEY, Changes, Of, files, moment, name_of, of_pair, paired

pytestmark = pytest.mark.truth

FORTI = "1.3.6.1.4.1.12356.101"
SERIAL = "1.3.6.1.4.1.12356.100.1.1.1.0"
ROW = f"{FORTI}.13.2.1.1"
PALO = "1.3.6.1.4.1.25461.2.1.2.1"
PALO_SESSIONS = "1.3.6.1.4.1.25461.2.1.2.3.3.0"
CISCO = "1.3.6.1.4.1.9.9.147.1.2.1.1.1"
POINT = "1.3.6.1.4.1.2620.1.5"
SOPHOS = "1.3.6.1.4.1.2604.5.1"
CARP = "1.3.6.1.4.1.30155.6.2.2.1.7"
SERVICE, FIRST, SECOND = "pair/service", "pair/member/first", "pair/member/second"
GONE_ROW = {f"{ROW}.{column}.2": None for column in (1, 2, 11, 12, 13, 14, 15, 16)}

MATES: Mapping[str, tuple[Changes, Changes]] = {
    "fortinet-xcu": ({}, {SERIAL: Of(f"{ROW}.2.2"), f"{FORTI}.3.2.1.1.4.1": 2}),
    "panos_sensors_1": ({}, {f"{PALO}.11.0": "non-functional", f"{PALO}.12.0": "active", PALO_SESSIONS: 0}),
    "panos": ({}, {f"{PALO}.11.0": "passive", f"{PALO}.12.0": "active"}),
    "asa": ({}, {f"{CISCO}.2.6": "Primary unit", f"{CISCO}.2.7": "Secondary unit (this device)"}),
    "gaia_1": ({}, {f"{POINT}.6.0": "standby"}),
    "sophos-xg": (
        {f"{SOPHOS}.4.1.0": 1, f"{SOPHOS}.4.4.0": 3, f"{SOPHOS}.4.5.0": 1},
        {f"{SOPHOS}.4.1.0": 1, f"{SOPHOS}.4.4.0": 1, f"{SOPHOS}.4.5.0": 3},
    ),
    "openbsd": ({}, {f"{CARP}.16": 1, f"{CARP}.17": 1}),
}
"""What is changed of the recording for the one member, and for its mate, before anything is broken."""


@dataclass(frozen=True, slots=True)
class Case:
    """A pair, and what is not well of it among the pair's own findings."""

    name: str
    recording: str
    bad: Mapping[str, str] = field(default_factory=dict)
    first: Changes = field(default_factory=dict)
    second: Changes = field(default_factory=dict)
    cut: tuple[str, ...] = ()
    """Subtrees that the second did not tell to their end."""
    words: str = ""


TWO_ACTIVE = {f"{PALO}.11.0": "active", f"{PALO}.12.0": "passive"}
CASES = (
    Case("FortiGate: well", "fortinet-xcu"),
    Case("FortiGate: swapped as planned", "fortinet-xcu", {},
         {f"{ROW}.16.1": Of(f"{ROW}.2.2"), f"{ROW}.16.2": ""}, {f"{ROW}.16.1": Of(f"{ROW}.2.2"), f"{ROW}.16.2": ""}),
    Case("FortiGate: out of sync, as the active one says", "fortinet-xcu", {"pair/sync": "warning"},
         {f"{ROW}.12.2": 0}),
    Case("FortiGate: out of sync, as the standby says", "fortinet-xcu", {"pair/sync": "warning"}, {},
         {f"{ROW}.12.2": 0}),
    Case("FortiGate: a sync state nobody knows", "fortinet-xcu", {"pair/sync": "unknown"}, {f"{ROW}.12.2": 7},
         {f"{ROW}.12.2": 7}),
    Case("FortiGate: another checksum", "fortinet-xcu", {"pair/sync": "warning"}, {f"{ROW}.15.2": "0" * 32}),
    Case("FortiGate: the active one lists itself only", "fortinet-xcu", {"pair/views": "warning"}, GONE_ROW, {},
         words="alone"),
    Case("FortiGate: split brain, each lists itself only", "fortinet-xcu", {SERVICE: "critical"}, GONE_ROW,
         {**{f"{ROW}.{column}.1": None for column in (1, 2, 11, 12, 13, 14, 15, 16)}, f"{ROW}.16.2": ""}),
    Case("FortiGate: the standby's table is cut short", "fortinet-xcu", {SECOND: "unknown"}, {}, {}, (f"{ROW}.12",)),
    Case("FortiGate: other firmware", "fortinet-xcu", {"pair/firmware": "warning"}, {}, {f"{FORTI}.4.1.1.0": "v5.4.4"}),
    Case("PAN-OS: the one true fault that both sides tell", "panos_sensors_1", {SECOND: "warning"},
         words="resilience gone: the next fault is an outage; second is failed (non-functional)"),
    Case("PAN-OS: the same, seen from the other side", "panos_sensors_1", {FIRST: "warning"},
         {f"{PALO}.11.0": "non-functional", f"{PALO}.12.0": "active"},
         {f"{PALO}.11.0": "active", f"{PALO}.12.0": "non-functional"}),
    Case("PAN-OS: the mate is well again, and the first has not noticed", "panos_sensors_1", {"pair/views": "warning"},
         {}, {f"{PALO}.11.0": "passive"}),
    Case("PAN-OS: both non-functional", "panos_sensors_1", {SERVICE: "critical"}, {f"{PALO}.11.0": "non-functional"}),
    Case("PAN-OS: well", "panos"),
    Case("PAN-OS: two actives, each with a passive peer", "panos", {SERVICE: "critical"}, {}, TWO_ACTIVE),
    Case("PAN-OS: roles swapped", "panos", {}, {f"{PALO}.11.0": "passive", f"{PALO}.12.0": "active"}, TWO_ACTIVE),
    Case("PAN-OS: a state nobody knows", "panos", {SECOND: "unknown"}, {}, {f"{PALO}.11.0": "resting"},
         words="resting"),
    Case("PAN-OS: suspended by a person", "panos", {SECOND: "warning"}, {f"{PALO}.12.0": "suspended"},
         {f"{PALO}.11.0": "suspended"}),
    Case("PAN-OS: another release", "panos", {"pair/firmware": "warning"}, {}, {f"{PALO}.1.0": "1.2.3"}),
    Case("ASA: well", "asa"),
    Case("ASA: the mate failed", "asa", {SECOND: "warning"}, {f"{CISCO}.3.7": 4}, {f"{CISCO}.3.7": 4}),
    Case("ASA: the failover link is down at both ends", "asa", {"pair/heartbeat": "warning"}, {f"{CISCO}.3.4": 3},
         {f"{CISCO}.3.4": 3}, words="resilience going"),
    Case("ASA: both active, the link down", "asa", {SERVICE: "critical"}, {f"{CISCO}.3.7": 3, f"{CISCO}.3.4": 3},
         {f"{CISCO}.3.7": 9, f"{CISCO}.3.6": 3, f"{CISCO}.3.4": 3}),
    Case("ASA: failover switched off on one", "asa", {SECOND: "warning"}, {},
         {f"{CISCO}.4.4": "Failover Off", f"{CISCO}.4.6": "Failover Off"}),
    Case("Check Point: well", "gaia_1"),
    Case("Check Point: two actives", "gaia_1", {SERVICE: "critical"}, {}, {f"{POINT}.6.0": "active"}),
    Case("Check Point: the standby is down", "gaia_1", {SECOND: "warning"}, {},
         {f"{POINT}.6.0": "down", f"{POINT}.101.0": 2}),
    Case("Check Point: the standby has a problem of its own", "gaia_1", {"pair/takeover": "warning"}, {},
         {f"{POINT}.101.0": 1}),
    Case("Check Point: attention on the active one", "gaia_1", {SERVICE: "critical"},
         {f"{POINT}.6.0": "active attention"}),
    Case("Sophos: well", "sophos-xg"),
    Case("Sophos: the mate is faulty", "sophos-xg", {SECOND: "warning"}, {f"{SOPHOS}.4.5.0": 4},
         {f"{SOPHOS}.4.4.0": 4}),
    Case("Sophos: in no cluster, both", "sophos-xg", {SERVICE: "critical"}, {f"{SOPHOS}.4.1.0": 0},
         {f"{SOPHOS}.4.1.0": 0}),
    Case("CARP: well", "openbsd"),
    Case("CARP: master on both", "openbsd", {SERVICE: "critical"}, {}, {f"{CARP}.16": 2, f"{CARP}.17": 2}),
    Case("CARP: one address here, one there", "openbsd", {SECOND: "unknown"}, {}, {f"{CARP}.16": 2}),
)  # fmt: skip


def file_of(name: str) -> Path:
    found = [file for file in files() if name_of(file) == name]
    if not found:
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")
    return found[0]


def said(case: Case) -> dict[str, tuple[str, str]]:
    """State and sentence of the pair's own findings that are not well."""
    file, (first, second) = file_of(case.recording), MATES[case.recording]
    made = paired(
        of_pair(file, {**first, **case.first}), of_pair(file, {**second, **case.second}, case.cut),
        KEY[case.recording]["profile"], moment(case.recording),
    )  # fmt: skip
    findings = [one for one in made.assessment.findings if one.key.startswith("pair/")]
    return {one.key: (one.state.value, one.summary) for one in findings if one.state not in (State.OK,)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_pair_of_recordings_is_judged_as_its_change_deserves(case: Case) -> None:
    found = said(case)

    assert {key: state for key, (state, _) in found.items()} == case.bad
    assert case.words in " ".join(words for _, words in found.values())


def test_false_alarms_and_missed_faults_are_none_and_a_check_that_always_says_ok_misses_all() -> None:
    alarms = missed = faults = 0
    for case in CASES:
        states = {key: state for key, (state, _) in said(case).items()}
        alarms += sum(case.bad.get(key) != state for key, state in states.items())
        missed += sum(states.get(key) != state for key, state in case.bad.items())
        faults += len(case.bad)

    print(f"{len(CASES)} pairs, {faults} faults: {alarms} false alarms, {missed} missed")
    assert (alarms, missed) == (0, 0)
    assert faults > 20


@pytest.mark.parametrize("name", ["fortinet-xcu", "panos"])
def test_the_members_own_values_are_those_that_each_has_alone_and_the_same_fault_is_told_once(name: str) -> None:
    file, (first, second) = file_of(name), MATES[name]

    made = paired(of_pair(file, first), of_pair(file, second), KEY[name]["profile"], moment(name))

    bad = {one.key: one.state.value for one in made.assessment.findings if one.state.bad}
    own = {key.removeprefix("firewall/"): state for key, state in KEY[name]["bad"].items()}
    told = {key.removeprefix("firewall/first/").removeprefix("firewall/"): state for key, state in bad.items()}
    assert told == own
