"""Host keys of a server, as ssh-keyscan and ssh-keygen would show them."""

from __future__ import annotations

import pytest

from checks.transports.ssh import SshTransport
from testbeds import network_shell
from testbeds.sshd import USER, Sshd, soon


@pytest.mark.acceptance
async def test_every_kind_of_key_is_shown_as_ssh_keygen_shows_it(ssh: SshTransport, server: Sshd) -> None:
    before = server.log

    keys = await ssh.scan("127.0.0.1", server.port, soon())

    assert [key.line for key in keys] == [server.host_key(kind) for kind in ("ed25519", "ecdsa", "rsa")]
    assert [key.bits for key in keys] == [256, 256, 2048]
    assert USER not in server.log.removeprefix(before)


async def test_a_scan_sends_no_user_and_no_password(ssh: SshTransport) -> None:
    with network_shell.running() as device:
        keys = await ssh.scan("localhost", device.port, soon())

    assert [key.kind for key in keys] == ["ecdsa-sha2-nistp256"]
    assert (device.users, device.attempts) == ([], [])
