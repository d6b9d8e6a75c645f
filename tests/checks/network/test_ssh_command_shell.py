"""The kind `ssh_command` on the command lines of network devices: the shipped dialects against a scripted one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from checks.contract import Assessment
from checks.network.ssh_command import CHECK, SshCommandOptions
from testbeds import network_shell
from testbeds.by_ssh import Asker, asking, readings, said
from testbeds.network_shell import Cli, Device

pytestmark = pytest.mark.acceptance

IOS = """Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(7)E4, RELEASE SOFTWARE (fc2)
Technical Support: http://www.cisco.com/techsupport
ROM: Bootstrap program is C2960X boot loader

sw-core uptime is 3 days, 4 hours, 5 minutes
System returned to ROM by power-on"""
FORTIOS = "\n".join(
    ["Version: FortiGate-100F v7.2.5,build1517,230606 (GA.F)", *(f"Line {n}: x" for n in range(40)),
     "Current HA mode: a-p, primary", "Branch point: 1517"]
)  # fmt: skip
OWN = """command: vlt-status
title: A device that nobody has described yet
source: the test
changes: nothing
harmless: a show command
shell: generic
run: show vlt {domain}
parameters: {domain: {title: domain, pattern: "[0-9]{1,3}", default: "1"}}
values: {role: {title: role, find: "^Role: (?P<value>.+)$", transform: text, words: {primary: ok, secondary: ok}}}
"""


@pytest.fixture
async def asker() -> AsyncIterator[Asker]:
    async with asking(CHECK) as made:
        yield made


@pytest.fixture
def own_templates(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "vlt-status.yaml").write_text(OWN)
    os.environ["RIDGEWAY_COMMANDS"] = str(tmp_path)
    yield
    del os.environ["RIDGEWAY_COMMANDS"]


async def ask(
    asker: Asker, device: Device, command: str, *, timeout: float = 15.0, password: str = network_shell.PASSWORD,
    **more: object,
) -> Assessment:  # fmt: skip
    options = SshCommandOptions.model_validate({"command": command, "port": device.port} | more)
    return await asker.ask(
        options, timeout, credential=network_shell.credential(password), host_keys=device.device().host_keys
    )


@pytest.mark.parametrize("prompt", ["sw-core#", "sw-core>", "SW_1.forum(config)# "])
async def test_cisco_s_paging_is_switched_off_for_the_session(asker: Asker, prompt: str) -> None:
    answers = {"terminal length 0": "", "terminal width 511": "", "show version": IOS}
    with network_shell.running(Cli(prompt=prompt, answers=answers, banner="Authorised users only\r\n")) as device:
        assessment = await ask(asker, device, "cisco-version")

    assert said(assessment) == {"run": "ok", "version": "ok", "uptime": "ok", "reason": "ok"}
    assert [value for key, value in readings(assessment).items() if key[-1] == "uptime"] == [273_900.0]
    assert not any(key[0].endswith("exit_status") for key in readings(assessment))


@pytest.mark.parametrize("prompt", ["fw01 # ", "FW-A (global) # ", "fw01 $ "])
async def test_fortios_is_paged_through_because_its_settings_are_not_touched(asker: Asker, prompt: str) -> None:
    with network_shell.running(Cli(prompt=prompt, answers={"get system status": FORTIOS}, page=10)) as device:
        assessment = await ask(asker, device, "fortios-status")

    assert said(assessment) == {"run": "ok", "version": "ok", "ha_mode": "ok"}
    assert any(finding.summary == "HA mode: a-p, primary" for finding in assessment.findings)


async def test_a_shell_that_refuses_the_command_is_unknown(asker: Asker) -> None:
    refusal = "          ^\n% Invalid input detected at '^' marker."
    answers = {"terminal length 0": "", "terminal width 511": "", "show version": refusal}
    with network_shell.running(Cli(prompt="sw-core#", answers=answers)) as device:
        assessment = await ask(asker, device, "cisco-version")

    assert said(assessment) == {"run": "unknown"}
    assert "the device refused it: % Invalid input" in assessment.findings[0].summary


async def test_a_device_of_one_s_own_template(asker: Asker, own_templates: None) -> None:
    with network_shell.running(Cli(prompt="leaf1# ", answers={"show vlt 7": "Role: split"})) as device:
        bad = await ask(asker, device, "vlt-status", **{"with": {"domain": 7}})
        good_device = Cli(prompt="leaf1# ", answers={"show vlt 1": "Role: primary"})
        device.cli = good_device
        good = await ask(asker, device, "vlt-status")

    assert said(bad) == {"run": "ok", "role": "unknown"}
    assert said(good) == {"run": "ok", "role": "ok"}
    assert {finding.key.split("/")[1] for finding in bad.findings} == {f"vlt-status:7#{device.port}"}


async def test_a_shell_that_never_prompts_is_unknown_and_not_away(asker: Asker) -> None:
    with network_shell.running(Cli(prompt="???", answers={})) as device:
        assessment = await ask(asker, device, "fortios-status", timeout=2.5)

    assert {finding.key: finding.state.value for finding in assessment.findings} == {"ssh_command/protocol": "unknown"}


async def test_a_shell_that_talks_without_end_is_the_command_s_fault(asker: Asker) -> None:
    with network_shell.running(Cli(prompt="fw01 # ", answers={"get system status": "x" * 20_000})) as device:
        assessment = await ask(asker, device, "fortios-status", max_output=1_000)

    assert said(assessment) == {"run": "unknown"}
    assert assessment.findings[0].key == f"ssh_command/fortios-status#{device.port}/run"


async def test_a_wrong_password_is_the_credential_s_fault_and_tried_twice_at_most(asker: Asker) -> None:
    with network_shell.running(Cli(prompt="fw01 # ")) as device:
        found = [await ask(asker, device, "fortios-status", password="Tr0mbone!") for _ in range(4)]

    assert {finding.key for one in found for finding in one.findings} == {"credential/directory"}
    assert 1 <= len(device.attempts) <= 2
    assert not any("Tr0mbone" in finding.summary for one in found for finding in one.findings)
