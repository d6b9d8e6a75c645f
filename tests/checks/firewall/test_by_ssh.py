"""The kind `firewall` read by commands: real SSH servers with the command lines of devices that never were."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from checks.contract import Assessment, Observation, covered
from checks.firewall import CHECK, FirewallAnswers, FirewallOptions, by_ssh
from checks.firewall.cli import PARSERS
from config.commands import EXEC, dialect
from config.commands import search_path as commands_path
from config.profiles import load, search_path
from config.profiles.asks import SshAsks, Way
from testbeds import network_shell
from testbeds.by_ssh import Asker, asking, readings
from testbeds.command_outputs import HA_STATUS, OUTPUTS
from testbeds.network_shell import Cli, Device

pytestmark = pytest.mark.acceptance

AT = 1_795_990_000.0
"""29 November 2026, as the devices say: later their signatures would be old."""
LINES: Mapping[str, Mapping[str, str]] = {
    "firewall/fortigate-ssh": {"prompt": "fw-hemel-a # "},
    "firewall/panos-ssh": {"prompt": "ops@fw-watford(passive)> "},
    "firewall/asa-ssh": {"prompt": "fw-depot/pri/act# "},
    "firewall/gaia-ssh": {"prompt": "gw-forum-a> "},
    "firewall/srx-ssh": {"prompt": "ops@srx-depot-a> "},
    "firewall/vyos-ssh": {"prompt": "ops@vyos:~$ "},
}


def asks(profile: str) -> SshAsks:
    found = load(profile, search_path()).asks
    assert found is not None and found.ssh is not None
    return found.ssh


def settings(profile: str) -> tuple[str, ...]:
    """What the dialect sends first, for this session's screen alone."""
    spoken = asks(profile).dialect
    return () if spoken == EXEC else dialect(spoken, commands_path()).paging_off


def answers(profile: str, **changed: str) -> dict[str, str]:
    """What the device says to each command of a profile; `changed` by question."""
    return dict.fromkeys(settings(profile), "") | {
        command.run: changed.get(name, OUTPUTS[command.parser]) for name, command in asks(profile).commands.items()
    }


def shell(profile: str, said: dict[str, str] | None = None, **habits: Any) -> Cli:
    return Cli(**LINES[profile], answers=answers(profile) if said is None else said, **habits)


@pytest.fixture
async def asker() -> AsyncIterator[Asker]:
    async with asking(CHECK) as made:
        yield made


async def read(
    asker: Asker, device: Device, profile: str, timeout: float = 20.0, **options: object
) -> tuple[Observation, Assessment]:
    checked = FirewallOptions.model_validate({"profile": profile, "ssh_port": device.port} | options)
    subject = asker.subject(checked, network_shell.credential(), device.device().host_keys)
    observation = await asker.collect(subject, timeout, ahead=AT - time.time())
    return observation, asker.judge(subject, observation)


def bad(assessment: Assessment) -> dict[str, str]:
    return {finding.key: finding.state.value for finding in assessment.findings if finding.state.value != "ok"}


def answers_of(observation: Observation) -> FirewallAnswers:
    assert isinstance(observation.answers, FirewallAnswers)
    return observation.answers


@pytest.mark.parametrize("profile", LINES)
async def test_every_command_of_a_product_is_asked_over_one_connection_and_understood(
    asker: Asker, profile: str
) -> None:
    with network_shell.running(shell(profile, banner="Authorised users only\r\n")) as device:
        observation, _ = await read(asker, device, profile)

        assert device.connections == 1 and asker.ssh.kept == 0
    part = answers_of(observation).others[Way.SSH]
    assert part.fault is None and not part.not_understood
    assert set(part.read_at) == set(asks(profile).commands)
    assert part.cost.questions == len(asks(profile).commands) and part.cost.octets > 100


async def test_a_fortigate_pair_is_judged_by_what_it_prints(asker: Asker) -> None:
    warned = HA_STATUS.replace(
        "HA Health Status: OK", "HA Health Status:\n    WARNING: FG100FTK00000002 has hbdev down;"
    )
    warned = warned.replace("FG100FTK00000002(updated 1 seconds ago): in-sync", "FG100FTK00000002(updated 1 seconds ago): out-of-sync")  # fmt: skip # noqa: E501
    said = answers("firewall/fortigate-ssh", ha_status=warned)

    with network_shell.running(shell("firewall/fortigate-ssh", said, page=12)) as device:
        observation, assessment = await read(asker, device, "firewall/fortigate-ssh")

    elections = answers_of(observation).others[Way.SSH].answers.rows
    assert list(elections["ha_status#/elections/*/at"].values()) == [1_793_686_364, 1_793_224_809]
    assert bad(assessment) == {
        "firewall/ha_warning/fw-hemel-b": "warning", "firewall/member_sync/fw-hemel-b": "warning",
    }  # fmt: skip
    values = readings(assessment)
    assert values["ridgeway_firewall_memory_used_ratio",] == pytest.approx(0.41)
    assert values["ridgeway_firewall_ha_member_in_sync", "fw-hemel-b"] == 0
    assert values["ridgeway_firewall_vpn_tunnel_up", "to-watford", "192.0.2.20"] == 1
    assert values["ridgeway_firewall_ha_role", "fw-hemel-a", "active"] == 1


@pytest.mark.parametrize(
    ("profile", "not_well"),
    [
        ("firewall/panos-ssh", {
            "firewall/ha_sync", "firewall/ha_link_state/HA2 Data Link", "firewall/compatibility_match/Anti-Virus",
            "firewall/temperature_state/S1 Temperature near Switch",
            "firewall/supply_ok/S1 Power Supply #2 (right)", "firewall/failed_job_result/Commit",
        }),
        ("firewall/asa-ssh", {"firewall/authorization", "firewall/resource_ratio/System Conns"}),
        ("firewall/gaia-ssh", {
            "firewall/ha", "firewall/device_state/Interface Active Check",
            "firewall/supply_ok/Power supply 2",
        }),
        ("firewall/srx-ssh", {
            "firewall/versions", "firewall/group_priority/node1 group 1",
            "firewall/fabric_interface_monitored/fab1 ge-5/0/2", "firewall/watched_state/ge-5/0/4",
            "firewall/alarm_class/Rescue configuration is not set", "firewall/alarm_class/PEM 1 Not Powered",
            "firewall/licence_expiry/anti_spam_key_sbl", "firewall/licence_needed/anti_spam_key_sbl",
        }),
        ("firewall/vyos-ssh", {"firewall/ha", "firewall/vrrp_state/ext"}),
    ],
)  # fmt: skip
async def test_what_is_not_well_is_found_and_nothing_else(asker: Asker, profile: str, not_well: set[str]) -> None:
    options = {"licence_warning_days": 0, "licence_critical_days": 0}
    with network_shell.running(shell(profile)) as device:
        _, assessment = await read(asker, device, profile, **options)

    assert set(bad(assessment)) == not_well


async def test_a_device_without_a_command_line_is_asked_command_by_command(asker: Asker) -> None:
    with network_shell.running(Cli(answers=answers("firewall/pfsense-ssh"))) as device:
        observation, assessment = await read(asker, device, "firewall/pfsense-ssh")

        assert device.connections == 1
    assert not answers_of(observation).others[Way.SSH].not_understood
    assert bad(assessment) == {
        "firewall/demotion": "warning", "firewall/carp_state/igb1 vhid 2": "warning", "firewall/ha": "unknown",
    }  # fmt: skip


async def test_a_slow_echo_a_pager_in_pieces_and_escape_sequences_change_nothing(asker: Asker) -> None:
    plain, slow = shell("firewall/fortigate-ssh"), shell(
        "firewall/fortigate-ssh", page=5, echo_delay=0.002, before_prompt="\r\n\x1b[0m", greets_twice=True
    )  # fmt: skip

    with network_shell.running(plain) as first, network_shell.running(slow) as second:
        one, _ = await read(asker, first, "firewall/fortigate-ssh")
        other, _ = await read(asker, second, "firewall/fortigate-ssh")

    assert answers_of(one).others[Way.SSH].answers == answers_of(other).others[Way.SSH].answers


async def test_a_command_the_account_may_not_run_is_unknown_unless_it_may_be_absent(asker: Asker) -> None:
    profile = "firewall/fortigate-ssh"
    said = answers(profile, performance="Unknown action 0", conserve="Unknown action 0\n\nCommand fail. Return code 1")

    with network_shell.running(shell(profile, said)) as device:
        _, assessment = await read(asker, device, profile)

    assert bad(assessment) == {"firewall/ssh/performance": "unknown"}
    assert not covered(assessment.covers, "firewall/cpu_used")
    words = next(one.summary for one in assessment.findings if one.key == "firewall/ssh/performance")
    assert "refused the command: Unknown action 0" in words


async def test_what_was_read_before_the_line_broke_counts_and_nothing_is_covered_that_was_not(asker: Asker) -> None:
    profile = "firewall/fortigate-ssh"
    with network_shell.running(shell(profile, silent_after=2)) as device:
        observation, assessment = await read(asker, device, profile, timeout=4.0)

    assert set(answers_of(observation).others[Way.SSH].read_at) == {"system_status"}
    assert bad(assessment)["ssh/protocol"] == "unknown"
    assert not covered(assessment.covers, "firewall/memory_used")
    assert not covered(assessment.covers, "firewall/member_sync/fw-hemel-b")


async def test_a_flood_ends_the_reading_within_its_size(asker: Asker) -> None:
    with network_shell.running(shell("firewall/fortigate-ssh", flood=True)) as device:
        observation, assessment = await read(asker, device, "firewall/fortigate-ssh")

    assert observation.answers is None and bad(assessment) == {"ssh/limit": "unknown"}


async def test_a_refused_password_is_a_fault_of_the_credential_that_ends_when_it_is_taken(asker: Asker) -> None:
    profile = "firewall/fortigate-ssh"
    with network_shell.running(shell(profile), password="another") as device:
        _, refused = await read(asker, device, profile)
    async with asking(CHECK) as later:
        with network_shell.running(shell(profile)) as device:
            _, taken = await read(later, device, profile)

    (key,) = bad(refused)
    assert key.startswith("credential/") and covered(taken.covers, key)
    assert covered(taken.covers, "ssh/host-key")


async def test_two_checks_of_one_device_are_not_on_it_at_once(asker: Asker) -> None:
    profile = "firewall/fortigate-ssh"
    with network_shell.running(shell(profile)) as device:
        device.sessions_at_once = 1
        both = await asyncio.gather(read(asker, device, profile), read(asker, device, profile))

        assert device.connections == 2
    assert all(answers_of(one).others[Way.SSH].fault is None for one, _ in both)


async def test_nothing_is_typed_but_the_commands_of_the_profile(asker: Asker) -> None:
    for profile in LINES:
        with network_shell.running(shell(profile)) as device:
            await read(asker, device, profile)

            runs = [command.run for command in asks(profile).commands.values()]
            # Whether the goodbye is heard before the connection closes does not matter.
            assert [line for line in device.cli.typed if line != "exit"] == [*settings(profile), *runs]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("fortios/ha-status", "execute reboot"), ("fortios/ha-status", "get system ha status "),
        ("fortios/ha-status", "get system ha status; execute reboot"), ("nobody/knows", "get system ha status"),
        ("fortios/ha-status", "get system status"),
    ],
)  # fmt: skip
async def test_a_profile_of_one_s_own_can_send_nothing_that_no_parser_is_for(
    asker: Asker, name: str, command: str
) -> None:
    profile = load("firewall/fortigate-ssh", search_path())
    assert profile.asks is not None and profile.asks.ssh is not None
    evil = profile.asks.ssh.commands["ha_status"].model_copy(update={"run": command, "parser": name})
    asking_evil = profile.asks.model_copy(
        update={"ssh": profile.asks.ssh.model_copy(update={"commands": {"ha_status": evil}})}
    )

    with network_shell.running(shell("firewall/fortigate-ssh")) as device:
        options = FirewallOptions(profile="firewall/fortigate-ssh", ssh_port=device.port)
        subject = asker.subject(options, network_shell.credential(), device.device().host_keys)
        context = asker.context(20.0)
        reading = await by_ssh.read(
            subject.targets[0], options, asking_evil, ["ha_status"], context, context.deadline
        )  # fmt: skip

        assert reading.fault is not None and "ever sent" in reading.fault.message
        assert device.connections == 0 and not device.cli.typed


def test_no_command_that_may_be_sent_changes_anything() -> None:
    shows = (
        "show ", "get ", "diagnose hardware sysinfo conserve", "diagnose sys ha checksum cluster",
        "request license info", "cphaprob state", "cphaprob list", "cphaprob -a if", "fw stat", "fw ctl pstat",
        "cplic print", "ifconfig", "sysctl net.inet.carp.demotion", "pfctl -si", "pfctl -sm",
    )  # fmt: skip

    for parser in PARSERS.values():
        for line in parser.commands:
            assert line.startswith(shows[:2]) or line in shows
            assert line.isascii() and line.isprintable() and not set(line) & set(";|&<>`$(){}=?!\"'")
