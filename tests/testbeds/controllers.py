"""Telephone controllers on loopback, made from Mitel's MIBs: SNMP by simulated devices, and SIP that answers OPTIONS.

A controller can lose its power and come back; its backup says in its table whose phones came to it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agent.demo.devices import SimpleValue, SimulatedDevice, SimulatedDevices
from checks.transports.sip.message import Request, parsed
from testbeds.mitel import IPERA, index_of
from testbeds.peers import free_port
from testbeds.sip_peer import reply

_SETS, _ROW = 3, f"{IPERA}.4.1.1"


def business(name: str) -> Mapping[str, SimpleValue]:
    """A MiVoice Business in which all is well, with one category: IP sets."""
    return {
        "1.3.6.1.2.1.1.1.0": "VerAg:07.00.00.01.00;VerSw:12.0.1.24;VerHw:CX;VerPl:3300 ICP;VerMCD:6.0 SP1",
        "1.3.6.1.2.1.1.2.0": ("oid", "1.3.6.1.4.1.1027.1.2.3"),
        "1.3.6.1.2.1.1.3.0": ("uptime", 864_000),
        "1.3.6.1.2.1.1.5.0": name,
        f"{IPERA}.2.1.0": 1,
        f"{IPERA}.2.4.1.2.{_SETS}": 40,
        f"{IPERA}.2.4.1.3.{_SETS}": 0,
        f"{IPERA}.2.4.1.4.{_SETS}": 1,
        f"{IPERA}.2.4.1.8.{_SETS}": "IP Sets",
    }


def date_and_time(at: float, *, zone: bool = True) -> bytes:
    """A DateAndTime in UTC (SNMPv2-TC): 11 octets, or 8 without its zone."""
    told = datetime.fromtimestamp(at, UTC)
    octets = told.year.to_bytes(2) + bytes((told.month, told.day, told.hour, told.minute, told.second, 0))
    return octets + (b"+\x00\x00" if zone else b"")


class _Sip(asyncio.DatagramProtocol):
    """Answers whatever it is asked with one status."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        request = parsed(data)
        assert isinstance(request, Request)
        self._controller.questions += 1
        self._transport.sendto(reply(request, self._controller.status), addr)


class Controller:
    """One controller. What waits for the loop is done when a method returns."""

    def __init__(self, device: SimulatedDevice, loop: asyncio.AbstractEventLoop) -> None:
        self.device = device
        self.port = free_port(host=device.host)
        self.status = 200
        self.questions = 0
        self._loop = loop
        self._sip: asyncio.DatagramTransport | None = None
        self.start()

    @property
    def probe(self) -> str:
        return f"sip:{self.device.host}:{self.port}/udp"

    def start(self) -> None:
        """Power: SNMP and SIP answer."""
        self.device.silent = False
        if self._sip is None:
            opening = self._loop.create_datagram_endpoint(lambda: _Sip(self), local_addr=(self.device.host, self.port))
            self._sip, _ = asyncio.run_coroutine_threadsafe(opening, self._loop).result(20)

    def stop(self) -> None:
        """Somebody pulls the plug."""
        self.device.silent = True
        sip, self._sip = self._sip, None
        if sip is not None:
            self._loop.call_soon_threadsafe(sip.close)

    def sets_out(self, count: int) -> None:
        """So many of its IP sets are out of service."""
        self.device.set(f"{IPERA}.2.4.1.3.{_SETS}", count)

    def carries(self, primary: str, status: int, since: bytes) -> None:
        """Its table has a row for this primary from now on."""
        index = index_of(primary)
        for column, value in ((1, primary), (4, since), (5, status)):
            self.device.set(f"{_ROW}.{column}.{index}", value)

    def forgets(self) -> None:
        """Its table is empty."""
        self.device.remove(_ROW)


class Controllers:
    """A primary and its backup, in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._devices, self.snmp = SimulatedDevices(()), free_port()
        for number, name in enumerate(("FORUM", "CIVIC"), 1):
            self._devices.add(name, business(name), host=f"127.0.8.{number}", port=self.snmp)
        asyncio.run_coroutine_threadsafe(self._devices.start(), self._loop).result(20)
        self.primary, self.backup = (Controller(device, self._loop) for device in self._devices)

    def close(self) -> None:
        self.primary.stop()
        self.backup.stop()
        asyncio.run_coroutine_threadsafe(self._devices.stop(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
