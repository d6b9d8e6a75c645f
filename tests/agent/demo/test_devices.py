"""Simulated devices, asked by both engines: pysnmp plays them, gufo-snmp asks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from agent.demo.devices import SimulatedDevices, SimulatedUser
from checks.contract import Reason
from checks.transports.snmp import Device, Missing, SnmpTransport
from config.estate import Credential
from testbeds.snmpd import community, soon

NAME = "1.3.6.1.2.1.1.5.0"
UPTIME = "1.3.6.1.2.1.1.3.0"
COLUMN = "1.3.6.1.2.1.2.2.1.2"
SECURED = Credential(
    "v3", "snmp-v3",
    {"user": "ridgeway", "auth_protocol": "sha256", "auth_password": "authpass123",
     "privacy_protocol": "aes256", "privacy_password": "privpass123"},
)  # fmt: skip


@pytest.fixture
async def devices() -> AsyncIterator[SimulatedDevices]:
    simulated = SimulatedDevices((SimulatedUser("ridgeway", "sha256", "authpass123", "aes256", "privpass123"),))
    ports = {f"{COLUMN}.{index}": f"port{index}" for index in range(1, 31)}
    simulated.add("first", {NAME: "first", UPTIME: ("uptime", 100)} | ports)
    simulated.add("second", {NAME: "second", "1.3.6.1.4.1.99.1.0": ("counter64", 2**63)}, community="other")
    simulated.add("six", {NAME: "six"}, host="::1")
    await simulated.start()
    yield simulated
    await simulated.stop()


@pytest.fixture
async def snmp() -> AsyncIterator[SnmpTransport]:
    transport = SnmpTransport()
    yield transport
    await transport.close()


@pytest.mark.parametrize("credential", [community(), community(version="1"), SECURED], ids=lambda one: one.kind)
async def test_a_device_answers_in_every_version(
    devices: SimulatedDevices, snmp: SnmpTransport, credential: Credential
) -> None:
    device = Device("127.0.0.1", credential, devices["first"].port)

    got = await snmp.get(device, [NAME, "1.3.6.1.2.1.1.5.9"], soon())
    table = await snmp.columns(device, [COLUMN], soon())

    assert got.error is None and got.values[NAME] == b"first"
    assert isinstance(got.values["1.3.6.1.2.1.1.5.9"], Missing)
    assert table.error is None and len(table.rows[COLUMN]) == 30


async def test_each_device_has_its_own_address_community_and_values(
    devices: SimulatedDevices, snmp: SnmpTransport
) -> None:
    second = Device("127.0.0.1", community("other"), devices["second"].port)
    six = Device("::1", community(), devices["six"].port)
    stranger = Device("127.0.0.1", community(), devices["second"].port, retries=0)

    assert (await snmp.get(second, [NAME], soon())).values == {NAME: b"second"}
    assert (await snmp.get(six, [NAME], soon())).values == {NAME: b"six"}
    refused = await snmp.get(stranger, [NAME], soon(0.2))
    assert refused.error is not None and refused.error.reason is Reason.NO_ANSWER


async def test_a_changed_value_keeps_its_type(devices: SimulatedDevices, snmp: SnmpTransport) -> None:
    device = Device("127.0.0.1", community("other"), devices["second"].port)

    devices["second"].set("1.3.6.1.4.1.99.1.0", 2**64 - 1)

    assert (await snmp.get(device, ["1.3.6.1.4.1.99.1.0"], soon())).values == {"1.3.6.1.4.1.99.1.0": 2**64 - 1}


async def test_a_reboot_begins_the_uptime_anew(devices: SimulatedDevices, snmp: SnmpTransport) -> None:
    device = Device("127.0.0.1", community(), devices["first"].port)
    now = devices["first"].clock()
    devices["first"].clock = lambda: now + 1000

    before = (await snmp.get(device, [UPTIME], soon())).values[UPTIME]
    devices["first"].reboot()
    after = (await snmp.get(device, [UPTIME], soon())).values[UPTIME]

    assert isinstance(before, int) and before >= 110_000
    assert after == 10_000


async def test_a_silent_device_hears_and_does_not_answer(devices: SimulatedDevices, snmp: SnmpTransport) -> None:
    device = Device("127.0.0.1", community(), devices["first"].port, retries=1)
    devices["first"].silent = True

    silent = await snmp.get(device, [NAME], soon(0.2))
    heard = devices["first"].questions
    devices["first"].silent = False
    speaking = await snmp.get(device, [NAME], soon())

    assert silent.error is not None and heard == 2
    assert speaking.values == {NAME: b"first"}


async def test_stopping_frees_the_ports_and_may_be_done_twice() -> None:
    first, second = SimulatedDevices(), SimulatedDevices()
    first.add("one", {NAME: "one"})
    await first.start()
    second.add("two", {NAME: "two"}, port=first["one"].port)

    await first.stop()
    await first.stop()
    await second.start()
    await second.stop()

    assert second["two"].port == first["one"].port
