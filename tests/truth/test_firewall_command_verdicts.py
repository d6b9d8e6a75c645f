"""Every recorded command judged as a person would who read it, and declared changes of recordings that must show.

The key is `firewall_command_verdicts.yaml`. Recordings are never changed in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.captures import answers
from agent.replay import replay_answers
from checks.catalogue import load_catalogue
from testbeds.command_recordings import Recorded, ours
from testbeds.firewalls import AT

pytestmark = pytest.mark.truth

KINDS = load_catalogue()
KEY: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "firewall_command_verdicts.yaml").read_text(encoding="utf-8")
)["recordings"]
PROFILES = {
    "fortios": "firewall/fortigate-ssh", "panos": "firewall/panos-ssh", "asa": "firewall/asa-ssh",
    "gaia": "firewall/gaia-ssh", "srx": "firewall/srx-ssh",
}  # fmt: skip
HA, SYSTEM, MONDEV = (
    "fortinet_get_system_ha_status_7.0_hbdev", "fortinet_get_system_status_7.0_40f",
    "fortinet_get_system_ha_status_7.0_mondev",
)  # fmt: skip
PALO, ASA, SRX = (
    "paloalto_panos_show_high-availability_all", "cisco_asa_show_failover1",
    "juniper_junos_show_chassis_cluster_status",
)  # fmt: skip
LICENCES = "pr-comment-provided"
UNKNOWN = "unknown"


def judged(one: Recorded, text: str | None = None, days: float = 0.0) -> dict[str, str]:
    """Every finding, by key."""
    at = KEY[one.name].get("at")
    moment = (AT if at is None else at.timestamp() if isinstance(at, datetime) else AT) + days * 86_400
    # The detailed form holds the line of the short one, which is what a profile asks.
    command = one.command.removesuffix(" detailed")
    said = {command: one.text if text is None else text}
    (result,) = replay_answers(
        one.name, *answers(one.name, said, PROFILES[one.parser.partition("/")[0]]), KINDS, moment
    ).results
    return {finding.key: finding.state.value for finding in result.assessment.findings}


def bad(found: Mapping[str, str]) -> dict[str, str]:
    return {key: state for key, state in found.items() if state != "ok"}


def recorded(name: str) -> Recorded:
    found = next((one for one in ours() if one.name == name), None)
    if found is None:
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")
    return found


def test_the_key_has_a_line_and_a_reason_for_every_recorded_command() -> None:
    if not ours():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")

    assert {one.name for one in ours()} == set(KEY)
    assert all(len(line["why"]) > 8 for line in KEY.values())


@pytest.mark.parametrize("one", ours(), ids=lambda one: one.name)
def test_a_recorded_command_is_judged_as_it_deserves(one: Recorded) -> None:
    assert bad(judged(one)) == KEY[one.name]["bad"]


@dataclass(frozen=True, slots=True)
class Case:
    """One declared change."""

    name: str
    recording: str
    changes: tuple[tuple[str, str], ...]
    """Text to text, wherever it stands; an empty second cuts the output off there."""
    bad: Mapping[str, str]
    """Everything that is not well then."""
    days: float = 0.0


WARNED = KEY[HA]["bad"]
NOT_HA = {"firewall/ssh/ha_status": UNKNOWN}
NOT_PALO = {"firewall/ssh/ha": UNKNOWN}
"""An answer that is not understood leaves the role as it was known."""
OWN = ("Monitor Failure codes:", "{primary:node0}\nMonitor Failure codes:")
LOST = "node1  0        lost           n/a     n/a      n/a"
SYNCHRONISED = (
    "node0  0        primary        no      no       CS", "node0  100      primary        no      no       None",
)  # fmt: skip
WHOLE = (OWN, (LOST, "node1  50       secondary      no      no       None"), SYNCHRONISED)
CASES = (
    Case(
        "a FortiGate member out of sync",
        HA,
        (("Y(updated 4 seconds ago): in-sync", "Y(updated 4 seconds ago): out-of-sync"),),
        WARNED | {"firewall/member_sync/FGT-fw-b": "warning"},
    ),
    Case(
        "a sync state nobody knows",
        HA,
        (("Y(updated 4 seconds ago): in-sync", "Y(updated 4 seconds ago): maybe"),),
        WARNED | {"firewall/member_sync/FGT-fw-b": UNKNOWN},
    ),
    Case(
        "a member without a sync state",
        HA,
        (("FGT40YYYYYYYYYYY(updated 4 seconds ago): in-sync\n", "\n"),),
        WARNED | {"firewall/member_sync/FGT-fw-b": UNKNOWN},
    ),
    Case(
        "lines that 7.4.12 adds", HA, (("tx=2334914934/6414604/0/0", "tx=1/1/0/0\n            medium: copper"),), WARNED
    ),
    Case("master and slave for primary and secondary", HA, (("Primary", "Master"), ("Secondary", "Slave")), WARNED),
    Case("words for the members that nobody knows", HA, (("Secondary", "Follower"),), NOT_HA),
    Case("the answer cut off before the members", HA, (("Primary     :", ""),), NOT_HA),
    Case("the answer cut off after the first member", HA, (("Secondary   :", ""),), NOT_HA),
    Case("a pager's prompt left in it", HA, (("HBDEV stats:", "--More-- \nHBDEV stats:"),), NOT_HA),
    Case("another product's output", HA, (("HA Health Status:", "Failover On\n"),), NOT_HA),
    Case(
        "three warnings in one line",
        HA,
        (
            (
                "has hbdev down;\n    WARNING: FGT40Y",
                "has hbdev down; FGT40XXXXXXXXXXX has mondev down;\n    WARNING: FGT40Y",
            ),
        ),
        WARNED | {"firewall/ha_warning/FGT-fw-a#2": "warning"},
    ),
    Case(
        "a warning nobody knows",
        MONDEV,
        (("has mondev down", "has a worn battery"),),
        {"firewall/ha_warning/FGT-fw-b": UNKNOWN},
    ),
    Case("health well again", MONDEV, (("Status:\n    WARNING: FGT40FYYYYYYYYYY has mondev down;", "Status: OK"),), {}),
    Case(
        "a health that is neither",
        MONDEV,
        (("Status:\n    WARNING: FGT40FYYYYYYYYYY has mondev down;", "Status: ERROR"),),
        {"firewall/ha_warning/cluster": UNKNOWN},
    ),
    Case(
        "a FortiGate's mode in a new spelling",
        SYSTEM,
        (("a-p, primary", "active-passive, primary"),),
        {"firewall/ha_mode": UNKNOWN},
    ),
    Case("a FortiGate's role in a new spelling", SYSTEM, (("a-p, primary", "a-p, leader"),), {"firewall/ha": UNKNOWN}),
    Case(
        "a FortiGate's role missing",
        SYSTEM,
        (("Current HA mode: a-p, primary\n", "\n"),),
        {"firewall/ssh/system_status": UNKNOWN},
    ),
    Case(
        "signatures that grew old",
        SYSTEM,
        (("Virus-DB: 1.00000(2018-04-09 18:07)", "Virus-DB: 92.1(2024-10-01 00:00)"),),
        {"firewall/antivirus_updated": "warning"},
    ),
    Case(
        "a PAN-OS pair not synchronized",
        PALO,
        (("Running Configuration: synchronized", "Running Configuration: not synchronized"),),
        {"firewall/ha_sync": "warning"},
    ),
    Case(
        "a synchronisation in words nobody knows",
        PALO,
        (("Running Configuration: synchronized", "Running Configuration: perhaps"),),
        {"firewall/ha_sync": UNKNOWN},
    ),
    Case("the peer suspended", PALO, (("State: passive", "State: suspended"),), {"firewall/ha": "warning"}),
    Case("the peer non-functional", PALO, (("State: passive", "State: non-functional"),), {"firewall/ha": "warning"}),
    Case("two actives", PALO, (("State: passive", "State: active"),), {"firewall/ha": "critical"}),
    Case(
        "this member non-functional", PALO, (("State: active", "State: non-functional"),), {"firewall/ha": "critical"}
    ),
    Case(
        "a state nobody knows",
        PALO,
        (("State: passive", "State: dreaming"),),
        {"firewall/ha": UNKNOWN},
    ),
    Case(
        "the peer lost",
        PALO,
        (("Connection status: up", "Connection status: down"), ("State: passive (last 45 days)", "State: unknown")),
        {"firewall/ha": "warning"},
    ),
    Case(
        "content that differs",
        PALO,
        (("Anti-Virus Compatibility: Match", "Anti-Virus Compatibility: Mismatch"),),
        {"firewall/compatibility_match/Anti-Virus": "warning"},
    ),
    Case(
        "HA2 down",
        PALO,
        (("dedicated-ha2\n      Link State: Up", "dedicated-ha2\n      Link State: Down"),),
        {"firewall/ha_link_state/HA2 Data Link": "warning"},
    ),
    Case("a PAN-OS answer cut off in the peer", PALO, (("  Peer Information:", ""),), NOT_PALO),
    Case(
        "a PAN-OS answer cut off before the synchronisation",
        PALO,
        (("  Configuration Synchronization:", ""),),
        NOT_PALO,
    ),
    Case("a PAN-OS box without a cluster", PALO, (("Group 1:", "HA not enabled"),), {}),
    Case(
        "licences near their end",
        LICENCES,
        (),
        {
            "firewall/licence_expiry/WildFire License": "warning",
            "firewall/licence_expiry/PAN-DB URL Filtering": "warning",
            "firewall/licence_expiry/Threat Prevention": "critical",
            "firewall/licence_expiry/Premium": "critical",
            "firewall/licence_expiry/GlobalProtect Gateway": "warning",
        },
        days=602,
    ),
    Case(
        "a licence that has ended",
        LICENCES,
        (("Expires: January 09, 2023", "Expires: January 09, 2021"),),
        {"firewall/licence_expiry/Premium": "critical"},
    ),
    Case(
        "a licence's date in a form nobody knows",
        LICENCES,
        (("Expires: January 09, 2023", "Expires: soon"),),
        {"firewall/licence_expiry/Premium": UNKNOWN},
    ),
    Case(
        "a licence whose end is missing",
        LICENCES,
        (("Expires: January 09, 2023\n", "\n"),),
        {"firewall/ssh/licences": UNKNOWN},
    ),
    Case(
        "an ASA whose mate failed",
        ASA,
        (("Other host: Secondary - Standby Ready", "Other host: Secondary - Failed"),),
        {"firewall/ha": "warning"},
    ),
    Case(
        "an ASA that failed",
        ASA,
        (("This host: Primary - Active", "This host: Primary - Failed"),),
        {"firewall/ha": "critical"},
    ),
    Case("two active units", ASA, (("Secondary - Standby Ready", "Secondary - Active"),), {"firewall/ha": "critical"}),
    Case("a mate that is being synchronised", ASA, (("Secondary - Standby Ready", "Secondary - Bulk Sync"),), {}),
    Case(
        "a state of a unit nobody knows",
        ASA,
        (("Secondary - Standby Ready", "Secondary - Asleep"),),
        {"firewall/ha": UNKNOWN},
    ),
    Case(
        "failover disabled by a person",
        ASA,
        (("This host: Primary - Active", "This host: Primary - Disabled"),),
        {"firewall/ha": "warning"},
    ),
    Case("failover off", ASA, (("Failover On", "Failover Off"),), {}),
    Case(
        "the failover link down",
        ASA,
        (("GigabitEthernet0/7 (up)", "GigabitEthernet0/7 (down)"),),
        {"firewall/failover_link": "warning"},
    ),
    Case(
        "sessions not copied",
        ASA,
        (("TenGigabitEthernet0/9 (up)", "TenGigabitEthernet0/9 (Failed - No Switchover)"),),
        {"firewall/state_link": "warning"},
    ),
    Case(
        "an interface that failed",
        ASA,
        (("Normal (Monitored)", "Failed (Monitored)"),),
        {
            f"firewall/failover_interface_state/{unit} Security-Management": "warning"
            for unit in ("primary", "secondary")
        },
    ),
    Case("an interface nobody watches", ASA, (("Normal (Not-Monitored)", "Failed (Not-Monitored)"),), {}),
    Case(
        "an ASA answer cut off before the mate",
        ASA,
        (("Other host:", ""),),
        {"firewall/ssh/failover": UNKNOWN},
    ),
    Case(
        "a chassis cluster that is whole",
        SRX,
        WHOLE,
        {},
    ),
    Case(
        "the standby with priority 0",
        SRX,
        (OWN, (LOST, "node1  0        secondary      no      no       IF"), SYNCHRONISED),
        {f"firewall/group_priority/node1 group {number}": "warning" for number in (0, 1, 3)},
    ),
    Case(
        "the answering node told, its mate lost",
        SRX,
        (("Monitor Failure codes:", "{primary:node0}\nMonitor Failure codes:"),),
        {
            "firewall/ha": "warning",
            "firewall/group_priority/node0 group 1": "warning",
            "firewall/group_priority/node0 group 3": "warning",
        },
    ),
    Case(
        "a node's state nobody knows",
        SRX,
        (OWN, ("lost   ", "gone   "), SYNCHRONISED),
        {"firewall/ha": UNKNOWN, **{f"firewall/group_state/node1 group {number}": UNKNOWN for number in (0, 1, 3)}},
    ),
    Case(
        "a chassis cluster cut off in a group",
        SRX,
        ((LOST, ""),),
        {"firewall/ssh/cluster": UNKNOWN},
    ),
    Case(
        "a control link down",
        "juniper_junos_show_chassis_cluster_interfaces3",
        (("Control link status: Up", "Control link status: Down"),),
        {"firewall/control_link": "warning"},
    ),
    Case(
        "a redundant interface of a group down",
        "juniper_junos_show_chassis_cluster_interfaces3",
        (("reth0        Up ", "reth0        Down "),),
        {"firewall/reth_state/reth0": "warning"},
    ),
    Case(
        "no policy installed",
        "checkpoint_gaia_fw_stat",
        (("Example-Policy 19Oct2017 16:34:20", "- -"),),
        {"firewall/policy_missing/0": "critical"},
    ),
    Case(
        "the policy of the first start",
        "checkpoint_gaia_fw_stat",
        (("Example-Policy", "InitialPolicy"),),
        {"firewall/policy_missing/0": "critical"},
    ),
    Case(
        "a power supply down",
        "checkpoint_gaia_show_asset_all",
        (("Power supply 2 status: Up", "Power supply 2 status: Down"),),
        {"firewall/supply_ok/Power supply 2": "warning"},
    ),
    Case(
        "a resource near its limit",
        "cisco_asa_show_resource_usage",
        (
            (
                "Conns                       5802       32491  unlimited",
                "Conns                       5802       32491  6000",
            ),
        ),
        {"firewall/resource_ratio/TEST Conns": "critical"},
    ),
    Case(
        "processors busy",
        "cisco_asa_show_cpu_usage_detailed",
        (("5 minutes: 36.4%", "5 minutes: 96.4%"),),
        {"firewall/cpu_used": "warning"},
    ),
    Case(
        "seats of remote access used up",
        "cisco_asa_show_vpn-sessiondb",
        (("Inactive    :     38", "Inactive    :   4900"),),
        {"firewall/users_ratio": "critical"},
    ),
    Case(
        "a registration that ends", "cisco_asa_show_license_all", (), {"firewall/licence_expiry": "warning"}, days=320
    ),
    Case(
        "a path that is not answered",
        "paloalto_panos_show_high-availability_path-monitoring",
        (("8.8.8.8         10/10", "8.8.8.8         0/10"),),
        {"firewall/ha_path_state/VR_HANDOFF 8.8.8.8": "warning"},
    ),
    Case(
        "a job that failed",
        "paloalto_panos_show_jobs_all",
        (("Install       FIN     OK", "Install       FIN   FAIL"),),
        {"firewall/failed_job_result/Install": "warning"},
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_declared_change_of_a_recorded_command_changes_the_verdict_as_written(case: Case) -> None:
    one = recorded(case.recording)
    text = one.text
    for old, new in case.changes:
        assert old in text
        text = text.replace(old, new) if new else text.partition(old)[0]

    assert bad(judged(one, text, case.days)) == case.bad


def test_a_check_that_always_says_ok_misses_every_fault_and_one_that_always_warns_does_no_better() -> None:
    if not ours():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")
    right = [(KEY[one.name]["bad"], judged(one)) for one in ours()]
    right += [(dict(case.bad), judged(recorded(case.recording))) for case in CASES]

    faults = sum(len(wanted) for wanted, _ in right)
    alarms = sum(key not in wanted for wanted, said in right for key in said)

    assert faults > 90  # what a check that always says ok misses
    assert alarms > 400  # what one that always warns says for nothing
