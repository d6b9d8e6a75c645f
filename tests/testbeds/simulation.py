"""A simulated estate beside the test: SNMP devices and a ticket desk, served by a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from agent.demo.desk import demo_desk
from agent.demo.devices import SimpleValue, SimulatedDevice, SimulatedDevices, SimulatedUser
from agent.demo.tickets import DeskTicket, TicketBook
from exporters.web.server import WebServer, listen

TOKEN = "token-of-the-simulated-desk"
MEMORY = "1.3.6.1.4.1.12356.101.4.1.4.0"
"""Percent of a FortiGate's memory in use (FORTINET-FORTIGATE-MIB, fgSysMemUsage)."""
_INFO = "1.3.6.1.4.1.12356.101.4.1"
HEALTHY: Mapping[str, SimpleValue] = {
    "1.3.6.1.2.1.1.1.0": "A simulated firewall",
    "1.3.6.1.2.1.1.2.0": ("oid", "1.3.6.1.4.1.12356"),
    "1.3.6.1.2.1.1.3.0": ("uptime", 864_000),
    "1.3.6.1.2.1.1.5.0": "simulated",
    f"{_INFO}.1.0": "v7.4.8",
    f"{_INFO}.3.0": ("gauge", 11),
    MEMORY: ("gauge", 54),
    f"{_INFO}.8.0": ("gauge", 1834),
}
"""What the profile `firewall/fortigate` asks for."""
FULL = 95


class Simulation:
    """Add devices, then `start`; afterwards devices may fall silent and change values from the test's own thread."""

    def __init__(self, users: tuple[SimulatedUser, ...] = ()) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulation", daemon=True)
        self._thread.start()
        self.devices = SimulatedDevices(users)
        self._desks: list[WebServer] = []

    def add(self, *names: str, community: str = "public") -> None:
        """Healthy firewalls of these names."""
        for name in names:
            self.devices.add(name, HEALTHY, community=community)

    def start(self) -> None:
        self._call(self.devices.start())

    def __getitem__(self, name: str) -> SimulatedDevice:
        return self.devices[name]

    def silence(self, *names: str) -> None:
        """From now on these devices answer nothing."""
        for name in names:
            self.devices[name].silent = True

    def wake(self, *names: str) -> None:
        for name in names:
            self.devices[name].silent = False

    def desk(self, token: str = TOKEN, queues: tuple[str, ...] = ("dacorum",)) -> Desk:
        """A desk of its own, empty, listening."""
        book = TicketBook(queues, time.time)

        async def serve() -> WebServer:
            server = WebServer(demo_desk(book, token), listen(["127.0.0.1:0"]))
            await server.start()
            return server

        server = self._call(serve())
        self._desks.append(server)
        return Desk(f"http://127.0.0.1:{server.addresses[0][1]}", book)

    def close(self) -> None:
        for desk in self._desks:
            self._call(desk.stop())
        self._call(self.devices.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _call(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(20)


class Desk:
    """A demo desk with its book, which the test may read past every interface."""

    def __init__(self, url: str, book: TicketBook) -> None:
        self.url = url
        self.book = book

    def tickets(self) -> list[DeskTicket]:
        """In the order in which they were made."""
        return sorted(self.book.all(), key=lambda ticket: ticket.number)

    def statuses(self) -> Counter[str]:
        return Counter(ticket.status for ticket in self.book.all())

    def has(self, **statuses: int) -> Callable[[], bool]:
        """For a wait: exactly these tickets, counted by status."""
        return lambda: self.statuses() == Counter(statuses)
