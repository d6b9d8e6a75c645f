"""Switches, routers and UPSs by their profiles, on simulated devices that speak real SNMP: stories as they happen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import pytest

from agent.demo.devices import SimpleValue, SimulatedDevice, SimulatedDevices
from checks.contract import Assessment, Context, Memory, State, Subject, covered, worst
from checks.network.snmp import CHECK, SnmpOptions
from checks.transports import Transports
from checks.transports.snmp import SnmpTransport
from config.estate import CheckSpec, Every, MofN, Target, WakeClass
from testbeds.snmpd import community

UPS = "1.3.6.1.2.1.33.1"
BATTERY, ON_BATTERY, RUNTIME, CHARGE = (f"{UPS}.2.{number}.0" for number in range(1, 5))
SOURCE = f"{UPS}.4.1.0"
ALARM = f"{UPS}.6.2.1.2"
SENSOR = "1.3.6.1.2.1.99.1.1.1"
ENTITY = "1.3.6.1.2.1.47.1.1.1.1"
SYSTEM: Mapping[str, SimpleValue] = {
    "1.3.6.1.2.1.1.1.0": "simulated",
    "1.3.6.1.2.1.1.3.0": ("uptime", 3_600),
}
HEALTHY_UPS: Mapping[str, SimpleValue] = SYSTEM | {
    BATTERY: 2, ON_BATTERY: 0, RUNTIME: 42, CHARGE: 98, f"{UPS}.2.5.0": 547, f"{UPS}.2.7.0": 24,
    f"{UPS}.3.1.0": ("counter", 3), f"{UPS}.3.3.1.2.1": 500, f"{UPS}.3.3.1.3.1": 238,
    SOURCE: 3, f"{UPS}.4.4.1.2.1": 230, f"{UPS}.4.4.1.5.1": 37, f"{UPS}.6.1.0": ("gauge", 0), f"{UPS}.7.3.0": 1,
}  # fmt: skip


class Watched:
    """A simulated device and a check of it, with the memory that the ledger would keep."""

    def __init__(self, device: SimulatedDevice, profile: str, context: Context, **options: Any) -> None:
        settings = SnmpOptions.model_validate({"profile": profile, "port": device.port, "retries": 0} | options)
        one = MofN(1, 1)
        self._spec = CheckSpec(
            "d/s", "d", "s", "snmp", settings, Every(60), 5, one, one, 0, 0, WakeClass.NOW, False, ("here",)
        )
        self._target = Target("d", "127.0.0.1", "c", "s", ("here",), (self._spec,), credentials={"snmp": community()})
        self._context = context
        self._memory: Memory | None = None
        self.device = device

    async def said(self) -> Assessment:
        self._context.deadline = asyncio.get_running_loop().time() + 5
        observation = await CHECK.collect(self._target, self._spec.options, self._context)
        assert observation.fault is None
        subject = Subject("d", "c", "s", self._spec, (self._target,))
        assessment = CHECK.assess(subject, [observation], self._memory, self._context.now())
        self._memory = assessment.memory or self._memory
        return assessment

    async def bad(self) -> dict[str, State]:
        """Every finding that is not well."""
        return {finding.key: finding.state for finding in (await self.said()).findings if finding.state is not State.OK}

    async def readings(self) -> dict[tuple[str, ...], float]:
        return {(r.family.name.removeprefix("ridgeway_"), *r.labels): r.value for r in (await self.said()).readings}


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def context() -> AsyncIterator[Context]:
    class OnlySnmp:
        snmp = SnmpTransport()

    yield Context("here", cast("Transports", OnlySnmp()), Clock())
    await OnlySnmp.snmp.close()


@pytest.fixture
async def devices() -> AsyncIterator[SimulatedDevices]:
    devices = SimulatedDevices()
    devices.add("ups", HEALTHY_UPS)
    devices.add("switch", SWITCH)
    devices.add("router", ROUTER)
    devices.add("bare", SYSTEM)
    await devices.start()
    yield devices
    await devices.stop()


async def test_a_ups_that_is_well_says_so_in_base_units(devices: SimulatedDevices, context: Context) -> None:
    ups = Watched(devices["ups"], "network/ups", context)

    assert worst([finding.state for finding in (await ups.said()).findings]) is State.OK
    readings = await ups.readings()
    assert readings["ups_battery_charge_ratio",] == pytest.approx(0.98)
    assert readings["ups_battery_runtime_seconds",] == 2_520
    assert readings["ups_battery_volts",] == pytest.approx(54.7)
    assert readings["ups_battery_celsius",] == 24
    assert readings["ups_on_battery_seconds",] == 0
    assert readings["ups_output_load_ratio", "1"] == pytest.approx(0.37)
    assert readings["ups_input_hertz", "1"] == 50
    assert readings["ups_input_failures_total",] == 3


async def test_a_power_cut_goes_from_the_battery_to_low_and_is_over_when_the_mains_are_back(
    devices: SimulatedDevices, context: Context
) -> None:
    ups = Watched(devices["ups"], "network/ups", context)
    assert await ups.bad() == {}

    ups.device.set(SOURCE, 5)
    ups.device.set(ON_BATTERY, 20)
    ups.device.set(f"{UPS}.3.3.1.3.1", 0)
    ups.device.set(f"{ALARM}.1", ("oid", f"{UPS}.6.3.2"))
    ups.device.set(f"{ALARM}.2", ("oid", f"{UPS}.6.3.6"))
    cut = await ups.bad()

    ups.device.set(BATTERY, 3)
    ups.device.set(RUNTIME, 2)
    ups.device.set(CHARGE, 15)
    ups.device.set(f"{ALARM}.3", ("oid", f"{UPS}.6.3.23"))
    low = await ups.bad()

    for oid, value in HEALTHY_UPS.items():
        ups.device.set(oid, value)
    ups.device.remove(ALARM)
    over = await ups.said()

    assert cut == {"snmp/output_source": State.WARNING}
    assert low == {
        "snmp/output_source": State.WARNING, "snmp/battery": State.CRITICAL, "snmp/runtime": State.CRITICAL,
        "snmp/charge": State.CRITICAL, "alarm/shutdown imminent": State.CRITICAL,
    }  # fmt: skip
    assert {finding.state for finding in over.findings} == {State.OK}
    assert covered(over.covers, "alarm/shutdown imminent") and covered(over.may_go, "alarm/shutdown imminent")


async def test_a_battery_at_its_end_is_known_until_it_is_replaced(devices: SimulatedDevices, context: Context) -> None:
    ups = Watched(devices["ups"], "network/ups", context)

    ups.device.set(f"{UPS}.7.3.0", 3)
    ups.device.set(f"{ALARM}.7", ("oid", f"{UPS}.6.3.1"))
    failed = await ups.bad()
    ups.device.set(f"{UPS}.7.3.0", 1)
    ups.device.remove(f"{ALARM}.7")

    assert failed == {"snmp/test": State.WARNING, "alarm/battery to be replaced": State.WARNING}
    assert await ups.bad() == {}


@pytest.mark.parametrize(
    ("oid", "value", "key", "state"),
    [
        (SOURCE, 4, "snmp/output_source", State.WARNING),
        (SOURCE, 2, "snmp/output_source", State.CRITICAL),
        (SOURCE, 9, "snmp/output_source", State.UNKNOWN),
        (BATTERY, 1, "snmp/battery", State.UNKNOWN),
        (BATTERY, 4, "snmp/battery", State.CRITICAL),
        (f"{UPS}.4.4.1.5.1", 85, "output_load/1", State.WARNING),
        (f"{UPS}.4.4.1.5.1", 110, "output_load/1", State.CRITICAL),
        (f"{UPS}.2.7.0", 45, "snmp/battery_celsius", State.WARNING),
        (RUNTIME, -1, "snmp/runtime", State.UNKNOWN),
        (f"{ALARM}.1", ("oid", "1.3.6.1.4.1.99999.1"), "alarm/1.3.6.1.4.1.99999.1", State.UNKNOWN),
    ],
)
async def test_each_trouble_of_a_ups_is_one_finding(
    devices: SimulatedDevices, context: Context, oid: str, value: SimpleValue, key: str, state: State
) -> None:
    ups = Watched(devices["ups"], "network/ups", context)

    ups.device.set(oid, value)

    assert await ups.bad() == {key: state}


async def test_what_is_no_ups_is_never_green(devices: SimulatedDevices, context: Context) -> None:
    bad = await Watched(devices["bare"], "network/ups", context).bad()

    assert bad == {"snmp/battery": State.UNKNOWN, "snmp/output_source": State.UNKNOWN}


PORTS = "1.3.6.1.2.1.2.2.1"
NAMES = "1.3.6.1.2.1.31.1.1.1.1"
ETHER = "1.3.6.1.2.1.10.7.2.1"
SWITCH: Mapping[str, SimpleValue] = (
    SYSTEM
    | {f"{NAMES}.{n}": name for n, name in ((1, "Gi1/0/1"), (2, "Gi1/0/2"), (99, "Vlan1"))}
    | {f"{PORTS}.7.{n}": 1 for n in (1, 2, 99)}
    | {f"{PORTS}.8.{n}": 1 for n in (1, 2, 99)}
    | {f"{ETHER}.3.{n}": ("counter", 1_000) for n in (1, 2)}
    | {f"{ETHER}.19.{n}": 3 for n in (1, 2)}
    | {f"{ENTITY}.7.{n}": name for n, name in ((1, "Chassis"), (10, "Inlet"), (11, "PSU A"), (12, "Fan 1"))}
    | {f"{ENTITY}.7.13": "Optic"}
    | {f"{SENSOR}.1.{n}": kind for n, kind in ((10, 8), (11, 4), (12, 10), (13, 6))}
    | {f"{SENSOR}.2.{n}": scale for n, scale in ((10, 9), (11, 8), (12, 9), (13, 8))}
    | {f"{SENSOR}.3.{n}": digits for n, digits in ((10, 1), (11, 0), (12, 0), (13, 3))}
    | {f"{SENSOR}.4.{n}": value for n, value in ((10, 235), (11, 12_050), (12, 4_200), (13, 0))}
    | {f"{SENSOR}.5.{n}": state for n, state in ((10, 1), (11, 1), (12, 1), (13, 1))}
    | {"1.3.6.1.2.1.25.3.3.1.2.1": 12}
)


async def test_the_sensors_of_a_switch_are_read_with_scale_and_digits_each_in_its_unit(
    devices: SimulatedDevices, context: Context
) -> None:
    switch = Watched(devices["switch"], "network/switch", context)

    said = await switch.said()
    sensors = {key: value for key, value in (await switch.readings()).items() if key[0].startswith("sensor_")}

    assert worst([finding.state for finding in said.findings]) is State.OK
    assert sensors == {
        ("sensor_celsius", "Inlet"): 23.5, ("sensor_volts", "PSU A"): 12.05, ("sensor_fan_rpm", "Fan 1"): 4_200,
        ("sensor_watts", "Optic"): 0,
    }  # fmt: skip


@pytest.mark.parametrize(("state", "expected"), [(2, State.UNKNOWN), (3, State.WARNING), (7, State.UNKNOWN)])
async def test_a_sensor_that_does_not_work_is_said_and_its_last_value_is_not_shown(
    devices: SimulatedDevices, context: Context, state: int, expected: State
) -> None:
    switch = Watched(devices["switch"], "network/switch", context)

    switch.device.set(f"{SENSOR}.5.10", state)

    assert await switch.bad() == {"sensor_state/Inlet": expected}
    assert ("sensor_celsius", "Inlet") not in await switch.readings()


async def test_a_scale_that_cannot_be_is_unknown_and_no_number(devices: SimulatedDevices, context: Context) -> None:
    switch = Watched(devices["switch"], "network/switch", context)

    switch.device.set(f"{SENSOR}.2.10", 99)

    assert await switch.bad() == {"celsius/Inlet": State.UNKNOWN}


async def test_limits_of_sensors_are_the_estates(devices: SimulatedDevices, context: Context) -> None:
    switch = Watched(devices["switch"], "network/switch", context, thresholds={"celsius": {"warning": {"above": 23}}})

    assert await switch.bad() == {"celsius/Inlet": State.WARNING}


async def test_a_bad_cable_shows_before_the_link_goes_down(devices: SimulatedDevices, context: Context) -> None:
    switch = Watched(devices["switch"], "network/switch", context)
    clock = cast("Clock", context.now)
    assert await switch.bad() == {}

    clock.now += 60
    switch.device.set(f"{ETHER}.3.2", 1_000 + 60 * 5)
    switch.device.set(f"{ETHER}.19.1", 2)
    worse = await switch.bad()
    clock.now += 60
    switch.device.set(f"{ETHER}.19.1", 3)

    assert worse == {"frame_errors/Gi1/0/2": State.WARNING, "duplex/Gi1/0/1": State.WARNING}
    assert await switch.bad() == {}


ROUTER: Mapping[str, SimpleValue] = {
    **SYSTEM,
    f"{NAMES}.1": "wan", f"{PORTS}.7.1": 1, f"{PORTS}.8.1": 1,
    "1.3.6.1.2.1.15.3.1.2.192.0.2.1": 6, "1.3.6.1.2.1.15.3.1.3.192.0.2.1": 2,
    "1.3.6.1.2.1.15.3.1.2.192.0.2.2": 1, "1.3.6.1.2.1.15.3.1.3.192.0.2.2": 1,
    "1.3.6.1.2.1.14.10.1.6.192.0.2.9.0": 8,
}  # fmt: skip


async def test_the_neighbours_of_a_router_are_judged_and_a_peer_that_is_stopped_on_purpose_is_not(
    devices: SimulatedDevices, context: Context
) -> None:
    router = Watched(devices["router"], "network/router", context)
    well = await router.bad()

    router.device.set("1.3.6.1.2.1.15.3.1.2.192.0.2.1", 3)
    router.device.set("1.3.6.1.2.1.14.10.1.6.192.0.2.9.0", 1)

    assert well == {}
    assert await router.bad() == {"bgp_peer/192.0.2.1": State.WARNING, "ospf_neighbour/192.0.2.9.0": State.WARNING}
