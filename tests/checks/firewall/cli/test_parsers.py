"""What commands print, understood: the fields that matter, and nothing at all where one is missing."""

from __future__ import annotations

from typing import Any

import pytest

from checks.firewall.cli import PARSERS, parsed
from checks.network.documents import NotUnderstood
from testbeds.command_outputs import HA_STATUS, OUTPUTS


def read(name: str, text: str | None = None) -> Any:
    document = parsed(name, OUTPUTS[name] if text is None else text)
    assert not isinstance(document, NotUnderstood), document
    return document


def refusal(name: str, text: str) -> str:
    document = parsed(name, text)
    assert isinstance(document, NotUnderstood), document
    return document.why


def test_there_is_an_output_for_every_parser() -> None:
    assert set(OUTPUTS) == set(PARSERS)


@pytest.mark.parametrize("name", PARSERS)
def test_a_whole_output_is_understood_with_windows_line_ends_and_a_blank_line_more(name: str) -> None:
    assert read(name) == read(name, "\n" + OUTPUTS[name].replace("\n", "\r\n") + "\r\n\r\n")


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        "% Invalid input detected at '^' marker.",
        "Unknown action 0",
        "Command fail. Return code -61",
        "<html><title>Log in</title></html>",
        "Welcome\nlast login: yesterday",
    ],
)
def test_what_is_no_answer_is_not_understood(name: str, text: str) -> None:
    assert refusal(name, text)


SILENT = {"fortios/tunnels", "fortios/checksums", "panos/environmentals"}
"""A box without tunnels, without a cluster, without sensors prints nothing."""


@pytest.mark.parametrize("name", PARSERS)
def test_nothing_at_all_is_not_understood_but_where_it_means_that_there_is_none(name: str) -> None:
    if name in SILENT:
        assert not any(read(name, "").values())
    else:
        assert refusal(name, "")


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize("pager", ["--More-- ", "<--- More --->", "---(more 40%)---", "lines 1-23 "])
def test_a_pager_s_prompt_among_the_lines_says_that_some_may_be_missing(name: str, pager: str) -> None:
    lines = OUTPUTS[name].split("\n")
    lines.insert(len(lines) // 2, pager)

    assert "pager" in refusal(name, "\n".join(lines))


@pytest.mark.parametrize("name", PARSERS)
def test_what_is_longer_than_any_answer_is_not_looked_through(name: str) -> None:
    assert "lines" in refusal(name, OUTPUTS[name] + "\nx" * 20_000)
    assert "characters" in refusal(name, OUTPUTS[name] + "\n" + "x" * 600)


def test_a_fortigate_cluster_tells_its_members_and_its_own_failover_log() -> None:
    said = read("fortios/ha-status")

    assert said["health"] == "OK" and said["warnings"] == []
    assert [(one["host"], one["role"], one["sync"], one["memory"]) for one in said["members"]] == [
        ("fw-hemel-a", "primary", "in-sync", 41), ("fw-hemel-b", "secondary", "in-sync", 38),
    ]  # fmt: skip
    assert said["elections"] == [
        {
            "at": 1_793_686_364,
            "member": "FG100FTK00000001",
            "reason": "its override priority is larger than peer member FG100FTK00000002",
        },
        {
            "at": 1_793_224_809,
            "member": "FG100FTK00000002",
            "reason": "the value 0 of link-failure + pingsvr-failure is less than peer member FG100FTK00000001",
        },
    ]
    assert {one["link"] for one in said["heartbeat"]} == {"up"} and len(said["monitored"]) == 2


def test_older_words_for_the_members_mean_the_same() -> None:
    older = HA_STATUS.replace("Primary", "Master").replace("Secondary", "Slave").replace("the primary", "the master")

    assert read("fortios/ha-status", older) == read("fortios/ha-status")


def test_lines_that_a_newer_release_adds_change_nothing() -> None:
    lines = HA_STATUS.split("\n")
    newer = []
    for line in lines:
        newer.append(line)
        if "physical/" in line:
            newer.append("            medium: copper")
    newer.insert(3, "Something new: with a value")

    assert read("fortios/ha-status", "\n".join(newer)) == read("fortios/ha-status")


def test_every_warning_of_the_cluster_s_health_is_told_with_its_member() -> None:
    warned = HA_STATUS.replace(
        "HA Health Status: OK",
        "HA Health Status:\n    WARNING: FG100FTK00000002 has hbdev down;\n"
        "    WARNING: FG100FTK00000001 has mondev down;\n    ERROR: something else",
    )

    said = read("fortios/ha-status", warned)

    assert said["health"] == "WARNING"
    assert [(one["member"], one["problem"]) for one in said["warnings"]] == [
        ("fw-hemel-b", "hbdev down"), ("fw-hemel-a", "mondev down"), ("cluster", "something else"),
    ]  # fmt: skip


def test_a_health_in_other_words_is_a_thing_that_is_not_well() -> None:
    said = read("fortios/ha-status", HA_STATUS.replace("Health Status: OK", "Health Status: Degraded"))

    assert said["warnings"] == [{"member": "cluster", "problem": "Degraded"}]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("number of vcluster: 1", ""),
        ("\nSecondary   : fw-hemel-b     , FG100FTK00000002, HA cluster index = 1", ""),
        ("Secondary", "Standby"),
        ("HA Health Status: OK", "HA Health Status:"),
        ("HBDEV stats:", "Heartbeats:"),
        ("Mode: HA A-P", ""),
    ],
)
def test_a_cluster_whose_words_changed_does_not_look_like_one_that_lost_a_member(old: str, new: str) -> None:
    assert refusal("fortios/ha-status", HA_STATUS.replace(old, new))


def test_every_cut_of_a_cluster_s_answer_is_noticed() -> None:
    lines = HA_STATUS.split("\n")

    for end in range(len(lines)):
        assert refusal("fortios/ha-status", "\n".join(lines[:end]))


def test_a_member_without_a_configuration_status_has_none() -> None:
    said = read("fortios/ha-status", HA_STATUS.replace("    FG100FTK00000002(updated 1 seconds ago): in-sync\n", ""))

    assert [one["sync"] for one in said["members"]] == ["in-sync", None]


def test_checksums_tell_which_part_of_the_configuration_differs() -> None:
    said = read("fortios/checksums")

    assert said["parts"] == [
        {"part": "global", "agrees": True}, {"part": "root", "agrees": False}, {"part": "all", "agrees": False},
    ]  # fmt: skip


def test_a_tunnel_of_which_a_part_is_up_is_partly_up() -> None:
    said = read("fortios/tunnels")

    assert [(one["name"], one["peer"], one["state"]) for one in said["tunnels"]] == [
        ("to-watford", "192.0.2.20", "up"), ("to-data-centre", "2001:db8::20", "partly"),
        ("to-depot", "192.0.2.30", "down"),
    ]  # fmt: skip
    assert read("fortios/tunnels", "") == {"tunnels": []}


def test_a_palo_alto_member_tells_what_it_sees_of_its_peer() -> None:
    said = read("panos/ha")

    assert (said["local"]["state"], said["peer"]["state"], said["config_sync"]) == (
        "passive", "active", "not synchronized",
    )  # fmt: skip
    assert said["local"]["reason"] == "Last non-functional state reason: Link down"
    assert said["local"]["links"] == [
        {"name": "HA1 Control Link", "state": "up"}, {"name": "HA2 Data Link", "state": "down"},
    ]  # fmt: skip
    assert {"part": "Anti-Virus", "match": "mismatch"} in said["compatibility"]


def test_a_peer_that_cannot_be_reached_has_an_unknown_state() -> None:
    whole = OUTPUTS["panos/ha"]
    start, end = whole.index("    Connection status: up"), whole.index("  Link Monitoring Information")

    said = read("panos/ha", whole[:start] + "    Connection status: down\n" + whole[end:])

    assert (said["peer"]["state"], said["peer"]["connection"]) == ("unknown", "down")


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("panos/ha", "HA not enabled", "mode", "disabled"),
        ("asa/failover", "Failover Off\nFailover unit Secondary", "failover", "off"),
        ("gaia/cluster-state", "HA module not started.", "clustered", False),
        ("srx/cluster-status", "error: Chassis cluster is not enabled.", "clustered", False),
        ("vyos/vrrp", "VRRP is not running", "groups", []),
        ("panos/paths", "HA not enabled", "paths", []),
        ("panos/licences", "No licenses installed", "licences", []),
        ("fortios/ha-status", "HA Health Status: OK\nMode: Standalone", "members", []),
        ("asa/vpn-sessions", "INFO: There are presently no active sessions", "users", 0),
    ],
)
def test_a_box_without_a_cluster_says_so_and_is_believed(name: str, text: str, field: str, value: object) -> None:
    assert read(name, text)[field] == value


def test_the_last_job_of_a_kind_counts() -> None:
    said = read("panos/jobs")

    assert [one["type"] for one in said["failed"]] == ["Commit"]


def test_sensors_are_told_by_kind_with_their_alarms() -> None:
    said = read("panos/environmentals")

    assert [(one["name"], one["alarm"], one["value"]) for one in said["thermal"]] == [
        ("S1 Temperature near CPU", False, 46.5), ("S1 Temperature near Switch", True, 81.5),
    ]  # fmt: skip
    assert [one["alarm"] for one in said["supplies"]] == [False, True]


def test_an_asa_that_is_active_for_one_of_two_groups_is_active_active() -> None:
    text = OUTPUTS["asa/failover"].replace("This host: Primary - Active", "This host: Primary\nGroup 1 State: Active")
    text = text.replace("Active time: 29083269", "Group 2 State: Standby Ready\nActive time: 29083269")

    assert read("asa/failover", text)["this"]["state"] == "active/active"


def test_an_interface_whose_state_cannot_be_read_spoils_the_answer() -> None:
    text = OUTPUTS["asa/failover"].replace("outside (192.0.2.3): Normal", "outside (192.0.2.3) is Normal")

    assert "interface" in refusal("asa/failover", text)


def test_the_reason_for_the_last_failure_is_the_device_s_own() -> None:
    said = read("asa/failover-state")

    assert said["this"]["reason"] is None and said["other"]["reason"] == "Comm Failure"
    assert said["other"]["failed_at"] == "15:18:11 UTC Feb 20 2026"


def test_a_resource_without_a_limit_has_none() -> None:
    said = read("asa/resources")

    assert [(one["resource"], one["limit"]) for one in said["resources"]] == [
        ("SSH", 5), ("Conns", 10_000), ("Hosts", None),
    ]  # fmt: skip


def test_a_check_point_member_is_active_with_a_problem_and_says_why() -> None:
    said = read("gaia/cluster-state")

    assert (said["own"], said["state"], said["failovers"], said["changed_at"]) == (
        "10.231.149.1", "active(!)", 3, 1_795_953_753,
    )  # fmt: skip
    assert said["reason"] == "Interface eth3 is down (disconnected / link down)"


def test_a_member_that_is_cut_off_the_list_is_noticed() -> None:
    lines = OUTPUTS["gaia/cluster-state"].split("\n")

    assert "cut off" in refusal("gaia/cluster-state", "\n".join(lines[:5]))


@pytest.mark.parametrize(("line", "name"), [("- - :", "-"), ("InitialPolicy 1Jan2026 00:00:01 :", "InitialPolicy")])
def test_a_firewall_without_a_policy_of_its_own_says_so(line: str, name: str) -> None:
    said = read("gaia/policy", f"HOST      POLICY     DATE\nlocalhost {line}")

    assert said["policies"] == {"0": {"name": name}}


def test_a_licence_without_an_end_ends_never() -> None:
    assert [one["expires"] for one in read("gaia/licences")["licences"]] == [0, 1_799_539_200]


def test_a_chassis_cluster_tells_each_node_of_each_group() -> None:
    said = read("srx/cluster-status")

    assert (said["own"], said["lost"]) == ("node0", None)
    assert [(one["name"], one["priority"], one["failures"]) for one in said["groups"]][-1] == ("node1 group 1", 0, "IF")
    assert said["nodes"] == [{"node": "node0", "state": "primary"}, {"node": "node1", "state": "secondary"}]


def test_nodes_that_each_lead_a_group_share_the_load_and_two_that_lead_one_do_not() -> None:
    group = (
        "\n\nRedundancy group: 2 , Failover count: 1\nnode0  100  {}  no  no  None\nnode1  200  primary  no  no  None"
    )
    whole = OUTPUTS["srx/cluster-status"].removesuffix("\n\n{primary:node0}")

    shared = read("srx/cluster-status", whole + group.format("secondary"))
    split = read("srx/cluster-status", whole + group.format("primary"))

    assert [one["state"] for one in shared["nodes"]] == ["active/active", "active/active"]
    assert [one["state"] for one in split["nodes"]] == ["primary", "primary"]


def test_members_that_share_the_load_are_all_active() -> None:
    text = OUTPUTS["gaia/cluster-state"].replace("High Availability (Active Up)", "Load Sharing (Multicast)")
    text = text.replace("ACTIVE(!)  ", "ACTIVE     ").replace("STANDBY", "ACTIVE ")

    assert {one["state"] for one in read("gaia/cluster-state", text)["members"]} == {"active/active"}


def test_a_redundancy_group_with_one_node_is_not_a_whole_answer() -> None:
    text = OUTPUTS["srx/cluster-status"].replace("node1  0        secondary            yes     no       IF", "")

    assert "both nodes" in refusal("srx/cluster-status", text)


def test_alarms_that_cannot_all_be_read_are_not_an_answer() -> None:
    assert "3 alarms" in refusal("srx/alarms", OUTPUTS["srx/alarms"].replace("2 alarms", "3 alarms"))
    assert read("srx/alarms", "No alarms currently active") == {"alarms": []}


def test_two_releases_in_a_cluster_are_counted() -> None:
    assert read("srx/version")["versions"] == 2


def test_an_address_group_whose_state_is_none_is_not_passed_over() -> None:
    assert "CARP" in refusal("pfsense/interfaces", OUTPUTS["pfsense/interfaces"].replace("carp: INIT", "carp: 3"))


def test_interfaces_that_were_cut_off_are_noticed() -> None:
    assert "loopback" in refusal("pfsense/interfaces", OUTPUTS["pfsense/interfaces"].partition("lo0")[0])
