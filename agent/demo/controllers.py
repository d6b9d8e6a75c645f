"""The demo's telephone controllers: two MiVoice Business that back one another up, by SNMP and SIP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from agent.demo.devices import SimpleValue, SimulatedDevices
from agent.demo.sip_echo import SipEcho

_SYSTEM = "1.3.6.1.2.1.1"
_UPTIMES = (f"{_SYSTEM}.3.0", "1.3.6.1.2.1.25.1.1.0")
"""sysUpTime and hrSystemUptime."""
_IPERA = "1.3.6.1.4.1.1027.4.1.1.2"
"""MITEL-IperaVoiceLAN-MIB."""
_IDENTITY = f"{_IPERA}.1"
_ALARMS = f"{_IPERA}.2"
_RESILIENCY = f"{_IPERA}.4.1.1"
_ZONES = f"{_IPERA}.5.1.1"
"""MITEL-BWM-MIB."""
_CLEAR = 1
_POWER_ON, _HARD = 3, 0x0003
"""Cause of the last start, and its bits."""
_CATEGORIES = ("SIP Link", 8), ("IP Sets", 400), ("Lines", 16), ("DSP", 128), ("Voice Mail", 30)
"""Categories of alarms, and how much each has."""
_CAME, _WELL, _WENT_BACK = 1, 2, 3
"""mitelIpera3000ResTblStatus."""


def mivoice(cluster: str) -> dict[str, SimpleValue]:
    """A MiVoice Business that is well: every object that the profile reads."""
    values: dict[str, SimpleValue] = {
        f"{_SYSTEM}.1.0": "VerAg:07.00.00.01.00;VerSw:20.0.1.24;VerHw:MXe;VerPl:3300 ICP;VerMCD:10.0 SP1",
        f"{_SYSTEM}.2.0": ("oid", "1.3.6.1.4.1.1027.1.2.3"),
        f"{_IDENTITY}.2.1.0": 500,
        f"{_IDENTITY}.2.2.0": 412,
        f"{_IDENTITY}.2.3.0": 0,  # as in the field: devices are not licensed separately
        f"{_IDENTITY}.2.4.0": 398,
        f"{_IDENTITY}.5.0": cluster,
        f"{_IDENTITY}.3.0": "1",
        f"{_IDENTITY}.4.0": "1",
        f"{_IDENTITY}.6.1.1.6.0": 123,
        f"{_IDENTITY}.6.1.4.1.1.1": ("gauge", 48_210),
        f"{_IDENTITY}.6.1.4.1.2.1": ("gauge", 91_877),
        f"{_ALARMS}.1.0": _CLEAR,
        f"{_ALARMS}.3.0": len(_CATEGORIES),
        f"{_ALARMS}.7.0": _POWER_ON,
        f"{_ALARMS}.8.0": _HARD,
    }
    for row, (name, there) in enumerate(_CATEGORIES, start=1):
        cells: tuple[SimpleValue, ...] = (row, there, 0, _CLEAR, 10, 50, 100, name)
        values |= {f"{_ALARMS}.4.1.{column}.{row}": cell for column, cell in enumerate(cells, start=1)}
    values |= {
        f"{_ZONES}.1.1.4.1.0.0": "Town to town",
        f"{_ZONES}.1.1.5.1.0.0": ("gauge", 1_860),
        f"{_ZONES}.1.1.6.1.0.0": ("gauge", 10_000),
        f"{_ZONES}.2.1.4.1.0.0": "Town to town",
        f"{_ZONES}.2.1.5.1.0.0": ("counter", 20_417),
        f"{_ZONES}.2.1.6.1.0.0": ("counter", 0),
    }
    return values


class Controllers:
    """Two controllers: the phones of the first run on the second while the first is away.

    `endpoints` are their SIP sides, by name.
    """

    def __init__(self, devices: SimulatedDevices, names: Sequence[str], endpoints: Mapping[str, SipEcho]) -> None:
        self.endpoints = endpoints
        self._devices = devices
        self._primary, self._secondary = names

    def lose_primary(self) -> None:
        """Take the first one's power: it says nothing any more, and its phones come to the second one."""
        self._devices[self._primary].silent = True
        self.endpoints[self._primary].manner.silent = True
        self._tell(_CAME)

    def bring_back_primary(self) -> None:
        """Let the first one start again. Its phones stay where they are until they are sure of it."""
        device = self._devices[self._primary]
        for uptime in _UPTIMES:
            device.set(uptime, ("uptime", 0))
        device.reboot()
        device.silent = False
        self.endpoints[self._primary].manner.silent = False
        self._tell(_WELL)

    def hand_back(self) -> None:
        """Let the phones go home."""
        self._tell(_WENT_BACK)

    def spoil_calls(self, share: float) -> None:
        """Let this share of the sound that the second one sends be lost on the way."""
        self.endpoints[self._secondary].manner.line.loss = share

    def _tell(self, status: int) -> None:
        """The row of the first in the second's resiliency table; its index is the name, with its length before it."""
        index = ".".join(map(str, (len(self._primary), *self._primary.encode())))
        for column, cell in enumerate(self._row(status), start=1):
            self._devices[self._secondary].set(f"{_RESILIENCY}.{column}.{index}", cell)

    def _row(self, status: int) -> Iterator[SimpleValue]:
        yield self._primary
        yield "1"
        yield "councils"
        now = datetime.now(UTC)
        yield bytes((*now.year.to_bytes(2), now.month, now.day, now.hour, now.minute, now.second, 0))
        yield status
