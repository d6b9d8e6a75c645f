"""Command lines of network devices, with the habits of real ones."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.ssh import ShellProfile, SshTransport
from testbeds import network_shell
from testbeds.network_shell import PROFILE, Cli, soon
from testbeds.sshd import Sshd

LONG = "\n".join(f"interface {number} up" for number in range(1, 61))


async def asked(
    ssh: SshTransport, cli: Cli, *commands: str, profile: ShellProfile = PROFILE, seconds: float = 10.0
) -> list[str]:
    with network_shell.running(cli) as device:
        return await ssh.shell(device.device(), commands, profile, deadline=soon(seconds))


async def test_each_command_brings_its_own_output_without_echo_and_prompt(ssh: SshTransport) -> None:
    cli = Cli(answers={"show version": "AcmeOS 7.4\nbuild 2", "show uptime": "41 days"})

    assert await asked(ssh, cli, "show version", "show uptime", "nonsense") == [
        "AcmeOS 7.4\nbuild 2",
        "41 days",
        "unknown: nonsense",
    ]


@pytest.mark.parametrize(
    ("pager", "wiped_by"),
    [
        ("--More-- ", "\r         \r"),
        ("--More-- ", "\b" * 9 + " " * 9 + "\b" * 9),
        ("<--- More --->", "\r\x1b[K"),
        ("---(more 12%)---", "\x1b[2K\r"),
        ("\x1b[7m--More--\x1b[m", "\r\x1b[K"),
        ("-- MORE --, next page: Space, next line: Enter, quit: Control-C", "\r\x1b[2K"),
        ("---- More ----", "\x1b[42D" + " " * 42 + "\x1b[42D"),
    ],
)
async def test_pages_are_turned_and_leave_no_trace(ssh: SshTransport, pager: str, wiped_by: str) -> None:
    cli = Cli(answers={"show interfaces": LONG}, page=24, pager=pager, wiped_by=wiped_by)

    assert await asked(ssh, cli, "show interfaces") == [LONG]


async def test_a_pager_is_switched_off_first_where_the_device_can(ssh: SshTransport) -> None:
    cli = Cli(answers={"terminal length 0": "", "show interfaces": LONG})
    profile = replace(PROFILE, prepare=("terminal length 0",), pager=None)

    assert await asked(ssh, cli, "show interfaces", profile=profile) == [LONG]


async def test_a_slow_echo_is_waited_for(ssh: SshTransport) -> None:
    cli = Cli(answers={"show version": "AcmeOS"}, echo_delay=0.05)

    assert await asked(ssh, cli, "show version") == ["AcmeOS"]


async def test_a_late_second_prompt_is_not_taken_for_an_empty_answer(ssh: SshTransport) -> None:
    cli = Cli(answers={"show version": "AcmeOS"}, greets_twice=True, echo_delay=0.05)

    assert await asked(ssh, cli, "show version", "show version") == ["AcmeOS", "AcmeOS"]


async def test_a_device_that_repeats_nothing_is_read_when_its_profile_says_so(ssh: SshTransport) -> None:
    cli = Cli(answers={"show version": "AcmeOS"}, echo=False)

    assert await asked(ssh, cli, "show version", profile=replace(PROFILE, echo=False)) == ["AcmeOS"]


async def test_escape_sequences_and_login_banners_do_not_show(ssh: SshTransport) -> None:
    cli = Cli(
        answers={"show ha": "\x1b[1;32mha\x1b[0m: \x1b]0;title\x07in-sync\a"},
        banner="*** Authorised use only # ***\r\n" * 50,
        before_prompt="\x1b[?2004h\x1b[6n\r\x1b[K",
    )

    assert await asked(ssh, cli, "show ha") == ["ha: in-sync"]


async def test_a_line_of_output_that_looks_like_the_prompt_does_not_end_it(ssh: SshTransport) -> None:
    cli = Cli(answers={"show log": "before\nfw01 #\nfw01 # old\nafter"})

    assert await asked(ssh, cli, "show log") == ["before\nfw01 #\nfw01 # old\nafter"]


async def test_a_prompt_that_changes_is_followed(ssh: SshTransport) -> None:
    class Entering(Cli):
        def _answer(self, channel: object, text: str) -> None:
            self.prompt = "fw01 (global) # "

    cli = Entering(answers={})
    profile = replace(PROFILE, prompt=r"fw01( \(\w+\))? #")

    assert await asked(ssh, cli, "config global", "config global", profile=profile) == ["", ""]


@pytest.mark.parametrize("after", [0, 1])
async def test_a_shell_that_never_prompts_is_unknown_and_told_with_its_last_line(ssh: SshTransport, after: int) -> None:
    cli = Cli(
        banner="Press Q to go on" + "\r\n" * after, silent_after=after, answers={"show version": "Press Q to go on"}
    )

    with pytest.raises(TransportFault, match=r"no prompt after .* 'Press Q to go on'") as caught:
        await asked(ssh, cli, "show version", seconds=1.5)

    assert caught.value.reason is Reason.PROTOCOL


async def test_a_flood_is_cut_off(ssh: SshTransport) -> None:
    with pytest.raises(TransportFault, match="more than may be read") as caught:
        await asked(ssh, Cli(flood=True), "show version")

    assert caught.value.reason is Reason.LIMIT


async def test_a_connection_cut_in_the_middle_gives_no_half_answer(ssh: SshTransport) -> None:
    cli = Cli(answers={"show version": "half an answer"}, silent_after=1)
    with network_shell.running(cli) as device:
        cutter = threading.Timer(0.5, device.cut)
        cutter.start()
        with pytest.raises(TransportFault, match="cut during its command line"):
            await ssh.shell(device.device(), ["show version"], PROFILE, deadline=soon())
        cutter.join()


async def test_a_command_with_control_characters_is_not_sent(ssh: SshTransport) -> None:
    with pytest.raises(TransportFault, match="control characters") as caught:
        await asked(ssh, Cli(), "show version\nreboot")

    assert caught.value.reason is Reason.LOCAL


async def test_a_wide_terminal_is_asked_for(ssh: SshTransport) -> None:
    with network_shell.running(Cli(answers={"show": "x"})) as device:
        await ssh.shell(device.device(), ["show"], PROFILE, deadline=soon())

    assert device.terminals == [(b"vt100", 511, 1000)]


@pytest.mark.parametrize(("refused", "connections"), [(1, 1), (2, 2)])
async def test_a_device_that_refuses_a_session_is_asked_again_and_then_on_a_new_connection(
    ssh: SshTransport, refused: int, connections: int
) -> None:
    with network_shell.running(Cli(answers={"show": "x"})) as device:
        await ssh.shell(device.device(), ["show"], PROFILE, deadline=soon())
        device.refused_sessions = refused
        answers = await ssh.shell(device.device(), ["show"], PROFILE, deadline=soon())

    assert answers == ["x"]
    assert device.connections == connections


async def test_a_device_with_fewer_sessions_than_we_ask_for_is_asked_one_after_the_other(ssh: SshTransport) -> None:
    with network_shell.running(Cli(answers={"show": "x"}, echo_delay=0.02)) as device:
        device.sessions_at_once = 1
        answers = await asyncio.gather(
            *(ssh.shell(device.device(), ["show"], PROFILE, deadline=soon()) for _ in range(6))
        )

    assert answers == [["x"]] * 6
    assert device.connections <= 6


@pytest.mark.acceptance
async def test_a_real_shell_is_spoken_to(ssh: SshTransport, server: Sshd) -> None:
    answers = await ssh.shell(
        server.device(), ["echo one; echo two", "whoami >/dev/null"], ShellProfile(r".*[$#]"), deadline=soon()
    )

    assert answers == ["one\ntwo", ""]
