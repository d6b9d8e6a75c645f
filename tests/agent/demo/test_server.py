"""The simulated machine of the demo, asked over SSH by the transport that the checks use."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from agent.demo.server import HostKey, SimulatedServer
from checks.contract import Reason
from checks.transports import Transports
from checks.transports.fault import TransportFault
from checks.transports.ssh import Ran, SshDevice
from config.estate import Credential


@pytest.fixture
def server() -> Iterator[SimulatedServer]:
    machine = SimulatedServer(("127.0.0.1", 0), "ridgeway", "a-password", HostKey())
    machine.answers["uptime"] = "up 3 days\n"
    machine.start()
    yield machine
    machine.stop()


def device(server: SimulatedServer, password: str = "a-password", pin: str = "") -> SshDevice:
    credential = Credential("login", "password", {"user": "ridgeway", "password": password})
    return SshDevice("backup", server.address[0], credential, (pin or server.host_key.pin,), server.address[1])


async def run(transports: Transports, device: SshDevice, command: str) -> Ran:
    deadline = asyncio.get_running_loop().time() + 10
    return await transports.ssh.run(device, command, deadline=deadline, limit=1000)


async def test_it_prints_what_it_has_on_its_list_however_often_it_is_asked(
    server: SimulatedServer, transports: Transports
) -> None:
    answers = [await run(transports, device(server), "uptime") for _ in range(20)]

    assert {(ran.stdout, ran.exit_status) for ran in answers} == {("up 3 days\n", 0)}


async def test_it_runs_nothing_that_is_not_on_its_list(server: SimulatedServer, transports: Transports) -> None:
    ran = await run(transports, device(server), "uptime; id")

    assert (ran.stdout, ran.exit_status) == ("", 127)


async def test_it_takes_one_password_only(server: SimulatedServer, transports: Transports) -> None:
    with pytest.raises(TransportFault) as refused:
        await run(transports, device(server, password="another"), "uptime")

    assert refused.value.reason is Reason.AUTHENTICATION


async def test_two_machines_have_two_host_keys(server: SimulatedServer, transports: Transports) -> None:
    with pytest.raises(TransportFault, match="host key"):
        await run(transports, device(server, pin=HostKey().pin), "uptime")
