"""Commands on a real sshd: what comes back, how much of it, and what becomes of the connection."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.ssh import SshTransport
from testbeds import sshd
from testbeds.peers import need
from testbeds.sshd import ORDINARY, USER, Sshd, soon

pytestmark = pytest.mark.acceptance


async def test_a_command_brings_both_streams_and_its_exit_status(ssh: SshTransport, server: Sshd) -> None:
    ran = await ssh.run(server.device(), "echo out; echo err >&2; exit 3", deadline=soon())

    assert (ran.stdout, ran.stderr, ran.exit_status, ran.truncated) == ("out\n", "err\n", 3, False)
    assert ran.seconds > 0


async def test_text_that_would_do_harm_is_made_plain(ssh: SshTransport, server: Sshd) -> None:
    ran = await ssh.run(server.device(), r"printf '\033[31mred\033[0m\a\tx\r\n\377'", deadline=soon())

    assert ran.stdout == "red\tx\n\ufffd"


async def test_a_second_command_uses_the_same_connection(ssh: SshTransport, server: Sshd) -> None:
    device = server.device()

    first = await ssh.run(device, "echo $SSH_CONNECTION", deadline=soon())
    second = await ssh.run(device, "echo $SSH_CONNECTION", deadline=soon())

    assert first.stdout == second.stdout
    assert ssh.kept == 1


async def test_commands_at_the_same_time_share_one_connection(ssh: SshTransport, server: Sshd) -> None:
    device = server.device()

    ran = await asyncio.gather(*(ssh.run(device, "echo $SSH_CONNECTION", deadline=soon()) for _ in range(7)))

    assert len({each.stdout for each in ran}) == 1
    assert ssh.kept == 1


async def test_a_device_with_few_sessions_keeps_none(ssh: SshTransport, server: Sshd) -> None:
    device = server.device(keep=False)

    await ssh.run(device, "true", deadline=soon())

    assert ssh.kept == 0


async def test_a_flood_is_cut_off_at_the_limit_and_the_connection_stays(ssh: SshTransport, server: Sshd) -> None:
    device = server.device()
    before = await ssh.run(device, "echo $SSH_CONNECTION", deadline=soon())

    flood = await ssh.run(device, "yes", deadline=soon(), limit=10_000)
    errors = await ssh.run(device, "yes >&2", deadline=soon(), limit=10_000)
    after = await ssh.run(device, "echo $SSH_CONNECTION", deadline=soon())

    assert (len(flood.stdout), flood.truncated, flood.exit_status) == (10_000, True, None)
    assert (len(errors.stderr), errors.truncated) == (10_000, True)
    assert before.stdout == after.stdout


async def test_output_of_exactly_the_limit_is_not_cut_off(ssh: SshTransport, server: Sshd) -> None:
    ran = await ssh.run(server.device(), "head -c 10000 /dev/zero | tr '\\0' x", deadline=soon(), limit=10_000)

    assert (len(ran.stdout), ran.truncated, ran.exit_status) == (10_000, False, 0)


async def test_a_command_that_never_ends_is_broken_off_and_the_connection_stays(
    ssh: SshTransport, server: Sshd
) -> None:
    device = server.device()
    before = await ssh.run(device, "echo $SSH_CONNECTION", deadline=soon())

    with pytest.raises(TransportFault, match="did not end by its deadline") as caught:
        await ssh.run(device, "sleep 20.25", deadline=soon(0.7))
    after = await ssh.run(device, "echo $SSH_CONNECTION", deadline=soon())

    assert caught.value.reason is Reason.LIMIT
    assert before.stdout == after.stdout


async def test_a_command_that_was_broken_off_does_not_stay_on_the_device(ssh: SshTransport) -> None:
    need("initdb")  # its package brings the ordinary user
    pam = ("UsePAM yes",) if ORDINARY != USER else ()  # without it a user who has no password counts as locked
    with sshd.running(("ed25519",), *pam) as server:
        server.make_key("ordinary")
        login = server.credential("ordinary", server.certify("ordinary", ORDINARY))
        device = server.device(replace(login, settings={**login.settings, "user": ORDINARY}))

        for command, limit in (("sleep 600.5", 1000), ("yes 600.5", 1000)):
            with contextlib.suppress(TransportFault):
                await ssh.run(device, command, deadline=soon(1.0), limit=limit)

        for _ in range(100):
            left = await ssh.run(device, "pgrep -fx '(sleep|yes) 600.5'", deadline=soon())
            if left.exit_status == 1:
                break
            await asyncio.sleep(0.05)
        assert (left.exit_status, left.stdout) == (1, "")


async def test_a_command_killed_by_a_signal_has_no_exit_status(ssh: SshTransport, server: Sshd) -> None:
    ran = await ssh.run(server.device(), "kill -9 $$", deadline=soon())

    assert ran.exit_status is None


async def test_a_connection_cut_in_the_middle_is_no_short_output(ssh: SshTransport, server: Sshd) -> None:
    device = server.device(target="cut")

    with pytest.raises(TransportFault, match="cut during a command") as caught:
        await ssh.run(device, "echo half; kill -9 $PPID; sleep 5", deadline=soon())

    assert caught.value.reason is Reason.PROTOCOL
    assert ssh.kept == 0


async def test_a_kept_connection_that_died_while_idle_is_replaced_in_silence(ssh: SshTransport, server: Sshd) -> None:
    device = server.device()
    before = await ssh.run(device, "echo $SSH_CONNECTION", deadline=soon())

    server.end_sessions()
    after = await ssh.run(device, "echo $SSH_CONNECTION", deadline=soon())

    assert after.exit_status == 0
    assert before.stdout != after.stdout
    assert ssh.kept == 1


async def test_a_kept_connection_that_fell_silent_is_replaced_within_the_deadline(
    ssh: SshTransport, server: Sshd
) -> None:
    device = server.device()
    before = await ssh.run(device, "echo $SSH_CONNECTION", deadline=soon())

    with server.frozen_sessions():
        after = await ssh.run(device, "echo $SSH_CONNECTION", deadline=soon(7))

    assert before.stdout != after.stdout


async def test_a_command_that_was_begun_is_never_sent_twice(ssh: SshTransport, server: Sshd) -> None:
    device = server.device()
    marks = server.directory / "marks"
    await ssh.run(device, "true", deadline=soon())

    with pytest.raises(TransportFault):
        await ssh.run(device, f"echo mark >> {marks}; kill -9 $PPID; sleep 5", deadline=soon())

    assert marks.read_text() == "mark\n"


async def test_a_cancelled_command_lets_go_of_its_connection(ssh: SshTransport, server: Sshd) -> None:
    device = server.device()
    await ssh.run(device, "true", deadline=soon())

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await ssh.run(device, "sleep 20", deadline=soon(60))

    assert ssh.kept == 0
    while ssh._aside.hanging:  # a moment, until its thread has seen that the socket was shut down
        await asyncio.sleep(0.01)
    assert (await ssh.run(device, "whoami", deadline=soon())).stdout == f"{USER}\n"


async def test_a_defect_of_our_own_is_not_taken_for_a_device_that_hung_up(
    ssh: SshTransport, server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_octets: bytes) -> str:
        raise TypeError("ours")

    monkeypatch.setattr("checks.transports.ssh.command.plain", broken)

    with pytest.raises(TypeError, match="ours"):
        await ssh.run(server.device(), "true", deadline=soon())
