"""Faults that no public recording holds: one declared change to a real one, and the verdict it must bring about.

Each case names the recording, the change (object to value; none: taken away) and what is then not well beyond what the
recording itself has. Recordings are never changed in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from checks.contract import State
from testbeds.firewalls import KEY, again, files, moment, name_of, replayed

pytestmark = pytest.mark.truth

FORTI = "1.3.6.1.4.1.12356.101"
MEMBER = f"{FORTI}.13.2.1.1"
PALO = "1.3.6.1.4.1.25461.2.1.2"
CISCO = "1.3.6.1.4.1.9.9.147.1.2.1.1.1"
POINT = "1.3.6.1.4.1.2620"
SOPHOS = "1.3.6.1.4.1.2604.5.1"
JUNIPER = "1.3.6.1.4.1.2636.3"
TERM = f"{JUNIPER}.63.1.1.1.1.1"
CONFIGURED = f"{JUNIPER}.39.1.5.1.2.1.1"
UNCERTAIN = "unknown"


@dataclass(frozen=True, slots=True)
class Case:
    """One declared change."""

    name: str
    recording: str
    changes: Mapping[str, int | str | bytes | None]
    bad: Mapping[str, str]
    """What is not well beyond what the recording has; `ok` for what is well now."""
    options: Mapping[str, object] = field(default_factory=dict)
    days: float = 0.0
    """How much later it is to have been read."""


CASES = (
    Case(
        "a FortiGate member out of sync",
        "fortinet-xcu",
        {f"{MEMBER}.12.2": 0},
        {"firewall/member_sync/FGT3KD3Z16800461#2": "warning"},
    ),
    Case(
        "the first row blank hides no later one",
        "fortinet-xcu",
        {f"{MEMBER}.12.1": "", f"{MEMBER}.12.2": 0},
        {"firewall/member_sync/FGT3KD3Z16800461": UNCERTAIN, "firewall/member_sync/FGT3KD3Z16800461#2": "warning"},
    ),
    Case(
        "a sync state nobody knows",
        "fortinet-xcu",
        {f"{MEMBER}.12.2": 7},
        {"firewall/member_sync/FGT3KD3Z16800461#2": UNCERTAIN},
    ),
    Case(
        "a FortiGate asked on its standby: monitors and tunnels are not judged",
        "fortinet-xcu",
        {"1.3.6.1.4.1.12356.100.1.1.1.0": "FGT3KD3Z16800708"},
        {"firewall/link_state/2": "ok"},
    ),
    Case("two primaries", "fortinet-xcu", {f"{MEMBER}.16.2": "FGT3KD3Z16800708"}, {"firewall/ha": "critical"}),
    Case(
        "a cluster mode nobody knows, and no rows",
        "fortigate_60fospfv3",
        {f"{FORTI}.13.1.1.0": 9, f"{FORTI}.3.2.1.1.4.1": None},
        {"firewall/ha": UNCERTAIN, "firewall/ha_mode": "absent"},
    ),
    Case("memory in conserve mode", "fortigate_100e", {f"{FORTI}.4.1.4.0": 91}, {"firewall/memory_used": "critical"}),
    Case("low memory 0 on a 64-bit model", "fortigate_100e", {f"{FORTI}.4.1.9.0": 0, f"{FORTI}.4.1.10.0": 0}, {}),
    Case(
        "a sensor with an alarm",
        "fortigate_60fospfv3",
        {f"{FORTI}.4.3.2.1.4.2": 1},
        {"firewall/sensor_alarm/B50182 Temperature": "warning"},
    ),
    Case(
        "a contract's end is near",
        "fortigate_40f",
        {},
        {f"firewall/licence_expiry/{n}": "warning" for n in range(1, 10)},
        days=200,
    ),
    Case(
        "a contract has ended",
        "fortigate_40f",
        {f"{FORTI}.4.6.3.1.2.1.2.3": "Wed Jan 14 01:00:00 2026"},
        {"firewall/licence_expiry/3": "critical"},
    ),
    Case(
        "a contract's date is blank",
        "fortigate_40f",
        {f"{FORTI}.4.6.3.1.2.1.2.3": " "},
        {"firewall/licence_expiry/3": UNCERTAIN},
    ),
    Case(
        "a contract's date in a form nobody knows",
        "fortigate_40f",
        {f"{FORTI}.4.6.3.1.2.1.2.3": "tomorrow"},
        {"firewall/licence_expiry/3": UNCERTAIN},
    ),
    Case(
        "old signatures",
        "fortinet-xcu",
        {f"{FORTI}.4.2.1.0": "56.00409(2018-01-23 17:43)"},
        {"firewall/antivirus_updated": "warning"},
    ),
    Case("signatures that were never loaded", "fortinet-xcu", {f"{FORTI}.4.2.1.0": "1.00000(2018-04-09 18:07)"}, {}),
    Case("never synchronised is no date", "fortinet-xcu", {f"{MEMBER}.13.2": "\x00\x00\x01\x01\x00\x00\x00\x00"}, {}),
    Case(
        "the mate of a PAN-OS member, from the other side",
        "panos_sensors_1",
        {f"{PALO}.1.11.0": "non-functional", f"{PALO}.1.12.0": "active", f"{PALO}.3.3.0": 0, f"{PALO}.3.1.0": 0},
        {"firewall/ha": "critical"},
    ),
    Case(
        "two active PAN-OS members in active-passive",
        "panos",
        {f"{PALO}.1.12.0": "active"},
        {"firewall/ha": "critical"},
    ),
    Case(
        "a PAN-OS state in new spelling",
        "panos",
        {f"{PALO}.1.11.0": "Active (primary)"},
        {"firewall/ha": UNCERTAIN, "firewall/ha_state": "absent"},
    ),
    Case("a suspended peer would not take over", "panos", {f"{PALO}.1.12.0": "suspended"}, {"firewall/ha": "warning"}),
    Case("a peer that is gone", "panos", {f"{PALO}.1.12.0": "unknown"}, {"firewall/ha": "warning"}),
    Case(
        "HA switched off is silent",
        "panos_sensors_1",
        {f"{PALO}.1.11.0": "disabled", f"{PALO}.1.12.0": "unknown", f"{PALO}.1.13.0": "disabled"},
        {"firewall/ha": "ok"},
    ),
    Case(
        "a limit of 0 that becomes a real one",
        "panos_sensors_1",
        {f"{PALO}.3.9.1.5.2": 440_000},
        {"firewall/vsys_ratio/<private>": "critical"},
    ),
    Case(
        "sessions near their limit",
        "panos_sensors_1",
        {f"{PALO}.3.2.0": 600_000},
        {"firewall/sessions_ratio": "warning"},
    ),
    Case("an ASA whose mate failed", "asa", {f"{CISCO}.3.7": 4}, {"firewall/ha": "warning"}),
    Case("an ASA whose failover link is down", "asa", {f"{CISCO}.3.4": 3}, {"firewall/failover_link": "warning"}),
    Case("an ASA with failover off", "asa", {f"{CISCO}.4.4": "Failover Off", f"{CISCO}.3.4": 3, f"{CISCO}.3.7": 3}, {}),
    Case(
        "an ASA on its second unit is a fact",
        "asa",
        {
            f"{CISCO}.2.6": "Primary unit",
            f"{CISCO}.2.7": "Secondary unit (this device)",
            f"{CISCO}.3.6": 10,
            f"{CISCO}.3.7": 9,
        },
        {},
    ),
    Case(
        "an FTD without the column of names",
        "asa",
        {f"{CISCO}.2.4": None, f"{CISCO}.2.6": None, f"{CISCO}.2.7": None},
        {"firewall/ha": UNCERTAIN},
    ),
    Case(
        "an ASA tunnel that vanished",
        "asa",
        {},
        {"firewall/tunnel/198.51.100.9": "critical"},
        {"expect": {"tunnels": {"198.51.100.9": "permanent"}}},
    ),
    Case(
        "the same on the standby is silent",
        "asa",
        {f"{CISCO}.3.6": 10, f"{CISCO}.3.7": 9},
        {},
        {"expect": {"tunnels": {"198.51.100.9": "permanent"}}},
    ),
    Case(
        "a Check Point limit of 0 that becomes a real one",
        "gaia_1",
        {f"{POINT}.1.1.25.10.0": 220},
        {"firewall/sessions_ratio": "critical"},
    ),
    Case(
        "a Check Point cluster that has a problem",
        "gaia_1",
        {f"{POINT}.1.5.101.0": 2, f"{POINT}.1.5.6.0": "down"},
        {"firewall/ha": "critical", "firewall/ha_code": "critical"},
    ),
    Case(
        "a Check Point state nobody knows",
        "gaia_1",
        {f"{POINT}.1.5.6.0": "ACTIVE(!)"},
        {"firewall/ha": UNCERTAIN, "firewall/ha_state": "absent"},
    ),
    Case(
        "a permanent tunnel that is down",
        "gaia_1",
        {f"{POINT}.500.9002.1.11.192.166.122.53.0": 2},
        {"firewall/tunnel/GW_TESTE3": "critical"},
    ),
    Case(
        "a tunnel that the estate wants",
        "gaia_1",
        {},
        {"firewall/tunnel/GW_TESTE3": "critical"},
        {"expect": {"tunnels": {"GW_TESTE3": "permanent"}}},
    ),
    Case("a tunnel on demand", "gaia_1", {}, {}, {"expect": {"tunnels": {"GW_TESTE3": "on_demand"}}}),
    Case(
        "no policy but the initial one",
        "gaia_1",
        {f"{POINT}.1.1.25.1.0": "InitialPolicy"},
        {"firewall/policy_missing/0": "critical"},
    ),
    Case("no policy at all", "gaia_1", {f"{POINT}.1.1.25.1.0": ""}, {"firewall/policy_missing/0": "critical"}),
    Case("a policy", "gaia_1", {f"{POINT}.1.1.25.1.0": "Councils"}, {}),
    Case(
        "an SRX licence at its end, and one that is permanent",
        "junos_srx3600",
        {
            f"{TERM}.4.1.65": 2,
            f"{TERM}.8.1.65": b"\x07\xe4\x01\x01\x00\x00\x00\x00",
            f"{TERM}.4.1.66": 3,
            f"{TERM}.8.1.66": b"\x07\xe4\x01\x01\x00\x00\x00\x00",
        },
        {"firewall/licence_expiry/1.65": "critical"},
    ),
    Case(
        "a tunnel of an SRX that must be up",
        "junos_srx3600",
        {f"{CONFIGURED}.1.1": "to-gatehouse", f"{CONFIGURED}.4.1": 2},
        {"firewall/tunnel/to-gatehouse": "critical"},
        {"expect": {"tunnels": {"to-gatehouse": "permanent"}}},
    ),
    Case(
        "a tunnel of a Barracuda that must be up",
        "barracudangfirewall",
        {"1.3.6.1.4.1.10704.1.6.1.1.1": "to-gatehouse", "1.3.6.1.4.1.10704.1.6.1.2.1": -1},
        {"firewall/tunnel/to-gatehouse": "critical"},
        {"expect": {"tunnels": {"to-gatehouse": "permanent"}}},
    ),
    Case("the log servers are away", "gaia_1", {f"{POINT}.1.1.30.1.0": 1}, {"firewall/log_servers": "warning"}),
    Case(
        "a cluster the estate expects and the box denies",
        "gaia_1490",
        {},
        {"firewall/ha": "warning"},
        {"expect": {"members": 2}},
    ),
    Case(
        "a cluster that no object can tell of",
        "pfsense",
        {},
        {"firewall/ha": "unsupported"},
        {"expect": {"members": 2}},
    ),
    Case("a Sophos without a cluster that calls itself auxiliary", "sophos-xg", {f"{SOPHOS}.4.4.0": 1}, {}),
    Case(
        "a Sophos whose peer is faulty",
        "sophos-xg",
        {f"{SOPHOS}.4.1.0": 1, f"{SOPHOS}.4.4.0": 3, f"{SOPHOS}.4.5.0": 4},
        {"firewall/ha": "warning"},
    ),
    Case(
        "a Sophos licence that expired, and one that was never bought",
        "sophos-xg",
        {f"{SOPHOS}.5.2.1.0": 4, f"{SOPHOS}.5.2.2.0": "Jan 03 2026", f"{SOPHOS}.5.6.2.0": "Jan 03 2026"},
        {"firewall/licence_network": "critical"},
    ),
    Case(
        "a Sophos licence for ever, and one of an unknown date",
        "sophos-xg",
        {f"{SOPHOS}.5.3.2.0": "Dec 31 2999", f"{SOPHOS}.5.4.2.0": "fail"},
        {"firewall/licence_mail": UNCERTAIN},
    ),
    Case("a frozen service", "sophos-xg", {f"{SOPHOS}.3.10.0": 6}, {"firewall/service_ips": "warning"}),
    Case(
        "CARP addresses on both members", "openbsd", {"1.3.6.1.4.1.30155.6.2.2.1.7.17": 1}, {"firewall/ha": UNCERTAIN}
    ),
    Case("a red alarm", "junos", {"1.3.6.1.4.1.2636.3.4.2.3.1.0": 3}, {"firewall/red_alarm": "critical"}),
    Case(
        "a packet filter that does not run",
        "pfsense",
        {"1.3.6.1.4.1.12325.1.200.1.1.1.0": 2},
        {"firewall/running": "critical"},
    ),
    Case(
        "an interface that must be up",
        "panos",
        {},
        {"firewall/interface/nowhere1": "critical"},
        {"expect": {"interfaces": ["nowhere1"]}},
    ),
    Case(
        "a licence that must be there",
        "fortigate_40f",
        {},
        {"firewall/licence/FortiCare": "critical"},
        {"expect": {"licences": ["FortiCare"]}},
    ),
)


def file_of(name: str) -> Path:
    found = [file for file in files() if name_of(file) == name]
    if not found:
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")
    return found[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_declared_change_changes_the_verdict_as_written(case: Case) -> None:
    at = moment(case.recording) + case.days * 86_400
    before = {key: State(state) for key, state in KEY[case.recording]["bad"].items()}

    of = replayed(file_of(case.recording), at, case.changes, options=case.options)

    wanted = {**before, **{key: State(state) for key, state in case.bad.items() if state not in ("ok", "absent")}}
    for key, state in case.bad.items():
        if state == "ok":
            wanted.pop(key, None)
    if case.days:
        assert wanted.items() <= of.bad.items()
    else:
        assert of.bad == wanted


def test_a_member_that_was_there_before_is_missed() -> None:
    file, at = file_of("fortinet-xcu"), moment("fortinet-xcu")
    whole = replayed(file, at)
    gone = {f"{MEMBER}.{column}.2": None for column in (1, 2, 11, 12, 13, 14, 15, 16)}
    later = replayed(file, at, gone)

    said = again(later, whole.assessment.memory)

    bad = {finding.key: finding.state for finding in said.findings if finding.state is not State.OK}
    assert bad["firewall/missing/FGT3KD3Z16800708"] is State.WARNING
    assert bad["firewall/ha"] is State.WARNING  # alone in an active-passive cluster
    assert said.memory is None  # who was there stays known


def test_a_table_that_was_cut_short_accuses_nobody_and_clears_nothing() -> None:
    file, at = file_of("fortinet-xcu"), moment("fortinet-xcu")
    whole = replayed(file, at)

    later = replayed(file, at, {f"{MEMBER}.2.2": None, f"{MEMBER}.12.2": None}, cut=(f"{MEMBER}.12",))

    said = again(later, whole.assessment.memory)
    assert not any(finding.key.startswith("firewall/missing/") for finding in said.findings)
    assert "firewall/missing/*" not in said.covers and "firewall/member_sync/*" not in said.covers
