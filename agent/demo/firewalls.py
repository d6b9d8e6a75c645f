"""The demo's firewalls: what a simulated FortiGate and PAN-OS answer, and two FortiGates that are a pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from agent.demo.devices import SimpleValue, SimulatedDevices

LONG = 1000
"""Days that a contract lasts which nobody needs to think of yet."""
_SYSTEM = "1.3.6.1.2.1.1"
_MODEL = "1.3.6.1.2.1.47.1.1.1.1.13.1"
"""entPhysicalModelName of the chassis (ENTITY-MIB)."""
_FORTI = "1.3.6.1.4.1.12356.101"
_MODE = f"{_FORTI}.13.1.1.0"
_STANDALONE, _ACTIVE_PASSIVE = 1, 3
_MEMBERS = f"{_FORTI}.13.2.1.1"
_CONTRACTS = f"{_FORTI}.4.6.3.1.2.1"
_PALO = "1.3.6.1.4.1.25461.2"
_PROCESSORS = "1.3.6.1.2.1.25.3.3.1.2"


def fortigate(name: str) -> dict[str, SimpleValue]:
    """FORTINET-FORTIGATE-MIB of a unit without a cluster: fgSystemInfo, and a contract."""
    info = f"{_FORTI}.4.1"
    return {
        f"{_SYSTEM}.2.0": ("oid", f"{_FORTI}.1.644"),
        _MODEL: "FGT_60F",
        "1.3.6.1.4.1.12356.100.1.1.1.0": _serial(name),
        _MODE: _STANDALONE,
        f"{_CONTRACTS}.1.1": "FortiCare",
        f"{_CONTRACTS}.2.1": _in_days(LONG),
        f"{info}.1.0": "v7.4.8,build2795,250523 (GA.M)",
        f"{info}.3.0": ("gauge", 11),
        f"{info}.4.0": ("gauge", 54),
        f"{info}.5.0": ("gauge", 2_061_108),
        f"{info}.8.0": ("gauge", 1834),
        f"{info}.11.0": ("gauge", 12),
    }


def panos() -> dict[str, SimpleValue]:
    """PAN-COMMON-MIB of a unit without a cluster, and hrProcessorLoad of its two processors."""
    system, session = f"{_PALO}.1.2.1", f"{_PALO}.1.2.3"
    return {
        f"{_SYSTEM}.1.0": "Palo Alto Networks PA-220 series firewall",
        f"{_SYSTEM}.2.0": ("oid", f"{_PALO}.3.50"),
        f"{system}.1.0": "10.2.9",
        f"{system}.3.0": "016400000001",
        f"{system}.11.0": "disabled",
        f"{system}.12.0": "unknown",
        f"{system}.13.0": "disabled",
        f"{session}.2.0": 200_000,
        f"{session}.3.0": 4_321,
        f"{_PROCESSORS}.1": 12,
        f"{_PROCESSORS}.2": 7,
    }


def set_contract(devices: SimulatedDevices, name: str, days: int) -> None:
    """Let the contract of a FortiGate end in so many days."""
    devices[name].set(f"{_CONTRACTS}.2.1", _in_days(days))


class FortiGatePair:
    """Two FortiGates that are one cluster, active-passive. The unit that comes back does not take over by itself."""

    def __init__(self, devices: SimulatedDevices, names: Sequence[str]) -> None:
        self._devices = devices
        self._names = tuple(names)
        self._active = self._names[0]
        self._away: set[str] = set()
        self._synchronised = True
        for name in self._names:
            devices[name].set(_MODE, _ACTIVE_PASSIVE)
        self._tell()

    def lose(self, name: str) -> None:
        """Take a unit's power away; the other one does the work from now on."""
        self._devices[name].silent = True
        self._away.add(name)
        self.run_on(next(one for one in self._names if one != name))

    def run_on(self, name: str) -> None:
        """Make a unit the active one."""
        self._active = name
        self._tell()

    def bring_back(self, name: str) -> None:
        """Let a unit start again, as the standby and with the configuration that it had."""
        self._devices[name].reboot()
        self._devices[name].silent = False
        self._away.discard(name)
        self._synchronised = False
        self._tell()

    def synchronise(self) -> None:
        """Give the standby the configuration of the active unit."""
        self._synchronised = True
        self._tell()

    def _tell(self) -> None:
        """Write fgHaStatsTable anew on both: each unit lists all that are there."""
        for name in self._names:
            device = self._devices[name]
            device.remove(_MEMBERS)
            there = [one for one in self._names if one not in self._away]
            for row, one in enumerate(there, start=1):
                for column, value in self._row(row, one).items():
                    device.set(f"{_MEMBERS}.{column}.{row}", value)

    def _row(self, row: int, name: str) -> Mapping[int, SimpleValue]:
        alike = self._synchronised or name == self._active
        return {
            1: row,
            2: _serial(name),
            11: name,
            12: int(alike),
            15: "5c1f07aa" if alike else "e09b4d12",
            16: _serial(self._active),
        }


def _serial(name: str) -> str:
    return f"FGT60F-{name}"


def _in_days(days: int) -> str:
    """As a FortiGate writes it, in the form of asctime."""
    return (datetime.now(UTC) + timedelta(days=days, hours=1)).ctime()
