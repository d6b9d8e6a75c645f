"""A transport of its own for each test, closed afterwards; one sshd for all tests of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from checks.transports.aside import Aside
from checks.transports.lockout import Lockout
from checks.transports.names import Names
from checks.transports.ssh import SshTransport
from testbeds import sshd
from testbeds.sshd import Sshd


@pytest.fixture
async def ssh() -> AsyncIterator[SshTransport]:
    transport = SshTransport(Names(), Aside(64), Lockout())
    yield transport
    await transport.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    with sshd.running(("ed25519", "ecdsa", "rsa")) as running:
        yield running
