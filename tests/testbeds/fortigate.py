"""A simulated FortiGate of a pair, and a check of it that remembers."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

from agent.demo.devices import SimpleValue, SimulatedDevice
from checks.contract import Assessment, Context, Memory, Observation, State, Subject
from checks.firewall import CHECK, FirewallOptions
from checks.transports import Transports
from checks.transports.snmp import SnmpTransport
from config.estate import CheckSpec, Every, MofN, Target, WakeClass
from testbeds.snmpd import community

FORTI = "1.3.6.1.4.1.12356.101"
MEMBER = f"{FORTI}.13.2.1.1"
ACCEPTED = {"accept": {"snmp-v2c": "a simulated device", "default-community": "a simulated device"}}
"""How the simulated devices are asked, which is no finding."""
SERIALS = ("FGT60F0000000001", "FGT60F0000000002")


def fortigate(own: int = 0, tunnels: int = 0) -> dict[str, SimpleValue]:
    """One of a pair: `own` 0 is the primary, 1 the secondary."""
    values: dict[str, SimpleValue] = {
        "1.3.6.1.2.1.1.1.0": "a firewall", "1.3.6.1.2.1.1.2.0": ("oid", "1.3.6.1.4.1.12356.101.1.644"),
        "1.3.6.1.2.1.1.3.0": ("uptime", 86_400), "1.3.6.1.2.1.1.5.0": f"fw-{own + 1}",
        "1.3.6.1.4.1.12356.100.1.1.1.0": SERIALS[own], f"{FORTI}.4.1.1.0": "v7.2.10,build1706,240918 (GA.M)",
        f"{FORTI}.4.1.3.0": ("gauge", 12), f"{FORTI}.4.1.4.0": ("gauge", 50), f"{FORTI}.4.1.8.0": ("gauge", 4321),
        f"{FORTI}.4.1.11.0": ("gauge", 17), f"{FORTI}.13.1.1.0": 3,
        f"{FORTI}.4.6.3.1.2.1.1.1": "FortiCare", f"{FORTI}.4.6.3.1.2.1.2.1": "Wed Sep 16 01:00:00 2037",
        f"{FORTI}.4.3.2.1.2.1": "CPU Temperature", f"{FORTI}.4.3.2.1.3.1": "41.5", f"{FORTI}.4.3.2.1.4.1": 0,
    }  # fmt: skip
    for row, serial in enumerate(SERIALS, start=1):
        values |= {
            f"{MEMBER}.1.{row}": row, f"{MEMBER}.2.{row}": serial, f"{MEMBER}.11.{row}": f"fw-{row}",
            f"{MEMBER}.12.{row}": 1, f"{MEMBER}.15.{row}": "EE98", f"{MEMBER}.16.{row}": SERIALS[0],
        }  # fmt: skip
    for row in range(1, tunnels + 1):
        values |= {
            f"{FORTI}.12.2.2.1.2.{row}": f"branch{row}", f"{FORTI}.12.2.2.1.3.{row}": f"branch{row}-p2",
            f"{FORTI}.12.2.2.1.4.{row}": ("address", f"192.0.2.{row}"), f"{FORTI}.12.2.2.1.20.{row}": 1,
        }  # fmt: skip
    return values


class Clock:
    """The agent's time, which a test moves."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class Watched:
    """A simulated device and a check of it, with the memory that the ledger would keep."""

    def __init__(self, device: SimulatedDevice, snmp: SnmpTransport, **options: Any) -> None:
        self.device = device
        self.clock = Clock()
        self.memory: Memory | None = None
        settings = FirewallOptions.model_validate({"port": device.port, "retries": 0, "posture": ACCEPTED} | options)
        one = MofN(1, 1)
        self._spec = CheckSpec(
            "f/f", "f", "f", "firewall", settings, Every(60), 5, one, one, 0, 0, WakeClass.NOW, False, ("here",)
        )
        self.target = Target("f", "127.0.0.1", "c", "s", ("here",), (self._spec,), credentials={"snmp": community()})
        transports = cast("Transports", type("OnlySnmp", (), {"snmp": snmp})())
        self.context = Context("here", transports, self.clock)

    async def observed(self, seconds: float = 5.0) -> Observation:
        self.context.deadline = asyncio.get_running_loop().time() + seconds
        return await CHECK.collect(self.target, self._spec.options, self.context)

    def judged(self, observation: Observation) -> Assessment:
        subject = Subject("f", "c", "s", self._spec, (self.target,))
        assessment = CHECK.assess(subject, [observation], self.memory, self.clock.now)
        self.memory = assessment.memory or self.memory
        return assessment

    async def said(self) -> Assessment:
        return self.judged(await self.observed())

    async def bad(self) -> dict[str, State]:
        """Every finding that is not well."""
        return {f.key: f.state for f in (await self.said()).findings if f.state is not State.OK}

    async def readings(self) -> dict[tuple[str, ...], float]:
        return {(r.family.name.removeprefix("ridgeway_"), *r.labels): r.value for r in (await self.said()).readings}
