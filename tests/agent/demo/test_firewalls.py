"""The demo's firewalls as their checks see them, over real SNMP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import cast

import pytest

from agent.demo.devices import SimulatedDevices
from agent.demo.firewalls import LONG, FortiGatePair, fortigate, panos, set_contract
from checks.contract import Assessment, Context, Memory, State, Subject
from checks.firewall.pair import CHECK, PairOptions
from checks.transports import Transports
from checks.transports.snmp import SnmpTransport
from config.estate import Target
from testbeds.fortigate import ACCEPTED, Clock, Watched
from testbeds.peers import free_port
from testbeds.single import check
from testbeds.snmpd import community

UNITS = {"fw-a": "127.0.0.1", "fw-b": "127.0.0.2"}
"""They are asked at one port, so they differ by address."""


@pytest.fixture
async def snmp() -> AsyncIterator[SnmpTransport]:
    transport = SnmpTransport()
    yield transport
    await transport.close()


@pytest.fixture
async def devices() -> AsyncIterator[SimulatedDevices]:
    devices, port = SimulatedDevices(), free_port(socket.SOCK_DGRAM)
    for name, host in UNITS.items():
        devices.add(name, fortigate(name), host=host, port=port)
    devices.add("palo-alto", panos())
    devices.add("branch", fortigate("branch"))
    await devices.start()
    yield devices
    await devices.stop()


class WatchedPair:
    """A check of the two units that remembers; each round is ten seconds after the one before."""

    def __init__(self, port: int, snmp: SnmpTransport) -> None:
        said = {"members": list(UNITS), "port": port, "retries": 0, "posture": ACCEPTED}
        shortly = {"slow_seconds": 5, "daily_seconds": 5, "sync_grace_seconds": 5}
        self._options = PairOptions.model_validate(said | shortly)
        self._spec = check(CHECK.kind, self._options, target="fw")
        units = tuple(_target(name, host) for name, host in UNITS.items())
        self._clock = Clock()
        self._memory: Memory | None = None
        transports = cast("Transports", type("OnlySnmp", (), {"snmp": snmp})())
        self._context = Context("here", transports, self._clock, inputs=units)

    async def said(self) -> Assessment:
        self._clock.now += 10
        self._context.deadline = asyncio.get_running_loop().time() + 1.0
        target = _target("fw", "192.0.2.1")
        observation = await CHECK.collect(target, self._options, self._context)
        subject = Subject("fw", "c", "s", self._spec, (target,))
        said = CHECK.assess(subject, (observation,), self._memory, self._clock.now)
        self._memory = said.memory or self._memory
        return said

    async def bad(self) -> dict[str, State]:
        """Every finding of the next but one round that is not well: by then what has a grace has used it up."""
        await self.said()
        return {finding.key: finding.state for finding in (await self.said()).findings if finding.state.bad}

    async def facts(self) -> str:
        return next(finding.summary for finding in (await self.said()).findings if finding.key == "pair/facts")


def _target(name: str, host: str) -> Target:
    return Target(name, host, "c", "s", ("here",), (), credentials={"snmp": community()})


async def test_the_pair_is_well_gone_going_and_well_again_as_the_story_tells(
    devices: SimulatedDevices, snmp: SnmpTransport
) -> None:
    pair = FortiGatePair(devices, tuple(UNITS))
    watched = WatchedPair(devices["fw-a"].port, snmp)
    well = await watched.bad()

    pair.lose("fw-a")
    gone = await watched.bad()
    pair.bring_back("fw-a")
    going = await watched.bad()
    pair.synchronise()
    again = await watched.bad()

    assert (well, again) == ({}, {})
    assert gone == {"pair/member/fw-a": State.WARNING}
    assert going == {"pair/sync": State.WARNING}


async def test_a_planned_swap_is_a_fact_and_no_fault(devices: SimulatedDevices, snmp: SnmpTransport) -> None:
    pair = FortiGatePair(devices, tuple(UNITS))
    watched = WatchedPair(devices["fw-a"].port, snmp)
    before = await watched.facts()

    pair.run_on("fw-b")

    assert await watched.bad() == {}
    assert before.startswith("running on fw-a") and (await watched.facts()).startswith("running on fw-b since ")


async def test_a_contract_near_its_end_is_told_until_it_is_renewed(
    devices: SimulatedDevices, snmp: SnmpTransport
) -> None:
    watched = Watched(devices["branch"], snmp, daily_seconds=5)
    told = []

    for days in (LONG, 20, LONG):
        set_contract(devices, "branch", days)
        told.append(await watched.bad())
        watched.clock.now += 5

    assert told == [{}, {"firewall/licence_expiry/FortiCare": State.WARNING}, {}]


async def test_the_other_product_is_recognised_and_well(devices: SimulatedDevices, snmp: SnmpTransport) -> None:
    watched = Watched(devices["palo-alto"], snmp)

    said = await watched.said()

    assert {finding.state for finding in said.findings} == {State.OK}
    info = next(reading.labels for reading in said.readings if reading.family.name == "ridgeway_firewall_info")
    assert info == ("Palo Alto Networks", "Palo Alto Networks PA-220 series firewall", "016400000001", "10.2.9")
