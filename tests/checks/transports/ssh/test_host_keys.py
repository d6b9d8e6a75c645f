"""No trust on first use: what an approved key lets through, and that nothing is sent without one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.contract import Reason, State
from checks.transports.fault import TransportFault
from checks.transports.ssh import HOST_KEY, HostKeyChanged, SshTransport, ssh_fault
from testbeds import sshd
from testbeds.sshd import USER, Sshd, soon


@pytest.mark.acceptance
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_a_device_is_asked_for_the_approved_kind_of_key_only(ssh: SshTransport, server: Sshd, kind: str) -> None:
    ran = await ssh.run(server.device(host_keys=(server.host_key(kind),)), "true", deadline=soon())

    assert ran.exit_status == 0


@pytest.mark.acceptance
async def test_any_of_several_approved_keys_will_do(ssh: SshTransport, server: Sshd) -> None:
    other = "ssh-ed25519 SHA256:" + "A" * 43

    ran = await ssh.run(server.device(host_keys=(other, server.host_key())), "true", deadline=soon())

    assert ran.exit_status == 0


async def test_without_an_approved_key_nothing_is_asked_and_the_message_says_how_to_get_one(ssh: SshTransport) -> None:
    device = sshd.SshDevice("fw01", "127.0.0.1", sshd.Credential("ops", "ssh-key", {}), ())

    with pytest.raises(TransportFault, match="ridgeway hostkeys scan fw01") as caught:
        await ssh.run(device, "true", deadline=soon())

    assert caught.value.reason is Reason.LOCAL


async def test_a_pin_that_is_none_is_refused(ssh: SshTransport) -> None:
    device = sshd.SshDevice("fw01", "127.0.0.1", sshd.Credential("ops", "ssh-key", {}), ("ssh-dss SHA256:abc",))

    with pytest.raises(TransportFault, match="is not a host key"):
        await ssh.run(device, "true", deadline=soon())


@pytest.mark.acceptance
async def test_a_changed_host_key_is_critical_and_nothing_is_sent() -> None:
    from checks.transports.aside import Aside
    from checks.transports.lockout import Lockout
    from checks.transports.names import Names

    with sshd.running() as server:
        ssh = SshTransport(Names(), Aside(8), Lockout())
        device = server.device()
        approved = server.host_key()
        await ssh.run(device, "true", deadline=soon())
        server.change_host_key()
        before = server.log
        with pytest.raises(HostKeyChanged) as caught:
            await ssh.run(device, "true", deadline=soon())
        fault = ssh_fault(caught.value, "ssh_command", device.credential)
        await ssh.close()
        seen = server.log.removeprefix(before)

    assert (fault.condition, fault.state, fault.reached) == (HOST_KEY, State.CRITICAL, True)
    assert approved.split()[1] in fault.message
    assert "either the device was replaced or somebody stands between" in fault.message
    assert USER not in seen


@pytest.mark.acceptance
async def test_a_changed_host_key_is_shown_neither_user_nor_key(ssh: SshTransport, server: Sshd) -> None:
    before = server.log
    wrong = ("ssh-ed25519 SHA256:" + "A" * 43,)

    with pytest.raises(HostKeyChanged, match=r"SHA256:.* is shown"):
        await ssh.run(server.device(host_keys=wrong), "true", deadline=soon())

    assert USER not in server.log.removeprefix(before)


@pytest.mark.acceptance
async def test_a_device_that_lost_its_approved_kind_of_key_has_changed(ssh: SshTransport, server: Sshd) -> None:
    gone = ("ecdsa-sha2-nistp521 SHA256:" + "A" * 43,)

    with pytest.raises(HostKeyChanged, match="offers only"):
        await ssh.run(server.device(host_keys=gone), "true", deadline=soon())


@pytest.mark.acceptance
async def test_another_pin_does_not_use_the_connection_of_the_old_one(ssh: SshTransport, server: Sshd) -> None:
    device = server.device()
    await ssh.run(device, "true", deadline=soon())

    with pytest.raises(HostKeyChanged):
        await ssh.run(replace(device, host_keys=("ssh-ed25519 SHA256:" + "A" * 43,)), "true", deadline=soon())
