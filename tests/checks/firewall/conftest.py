"""Simulated firewalls, and the transport that asks them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from agent.demo.devices import SimpleValue, SimulatedDevice, SimulatedDevices
from checks.transports.snmp import SnmpTransport


@pytest.fixture
async def snmp() -> AsyncIterator[SnmpTransport]:
    transport = SnmpTransport()
    yield transport
    await transport.close()


@pytest.fixture
async def play() -> AsyncIterator[Any]:
    """Gives a function that plays a device of these values."""
    playing: list[SimulatedDevices] = []

    async def started(values: Mapping[str, SimpleValue]) -> SimulatedDevice:
        devices = SimulatedDevices()
        device = devices.add("f", values)
        await devices.start()
        playing.append(devices)
        return device

    yield started
    for devices in playing:
        await devices.stop()
