"""Echo requests over one shared socket per address family.

The socket is an unprivileged ping socket where `net.ipv4.ping_group_range` allows it, else a raw one where the process
has CAP_NET_RAW, else every question fails with Reason.LOCAL and says how to allow it. Protocol: RFC 792, RFC 4443.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from dataclasses import dataclass

from checks.contract import Reason
from checks.transports import icmp_wire as wire
from checks.transports.fault import TransportFault
from checks.transports.names import Address, Names

_BATCH = 128
"""Messages read per wake-up, so that a flood cannot hold the loop."""
_MOST_PENDING = 16_384
_ROTATE_AFTER = 30.0
"""Seconds between changes of a ping socket: it carries the ICMP id, and some firewalls remember a lost id for ever."""
_ATTEMPTS = 3
NOT_PERMITTED = (
    "ICMP is not permitted to this process; either allow ping sockets: "
    "sysctl -w net.ipv4.ping_group_range='0 2147483647' (and keep it in /etc/sysctl.d/), "
    "or give the unit a drop-in with AmbientCapabilities=CAP_NET_RAW, "
    "CapabilityBoundingSet=CAP_NET_RAW and PrivateUsers=no"
)


@dataclass(frozen=True, slots=True)
class Echoes:
    """What came back for `sent` echo requests; at least one reply."""

    address: str
    sent: int
    round_trips: tuple[float, ...]
    """Seconds, one per reply, by the kernel's receive time stamp where it gives one."""
    hop_limit: int | None
    """Time to live (IPv4) or hop limit (IPv6) of the last reply."""


class _Run:
    """One `ping`: its destination, what was sent and what came back."""

    __slots__ = (
        "address", "count", "dispatched", "error", "failed", "future", "hop_limit", "ident", "octets", "round_trips",
        "sent", "spacing", "timer", "token",
    )  # fmt: skip

    def __init__(self, address: Address, count: int, spacing: float, octets: int, future: asyncio.Future[None]) -> None:
        self.address = address
        self.count = count
        self.spacing = spacing
        self.octets = octets
        self.future = future
        self.token = secrets.token_bytes(wire.TOKEN)
        self.ident = int.from_bytes(self.token[:2]) or 1
        self.sent: dict[int, tuple[float, int]] = {}
        self.round_trips: list[float] = []
        self.hop_limit: int | None = None
        self.dispatched = 0
        self.failed = 0
        self.error: TransportFault | None = None
        self.timer: asyncio.TimerHandle | None = None

    def ended(self) -> None:
        if len(self.round_trips) + self.failed >= self.count and not self.future.done():
            self.future.set_result(None)


class _Lane:
    """A socket and the runs that wait for replies on it, by sequence number."""

    def __init__(self, family: socket.AddressFamily, loop: asyncio.AbstractEventLoop) -> None:
        self.family = family
        self.v6 = family == socket.AF_INET6
        self.socket, self.raw = wire.open_socket(family)
        self.loop = loop
        self.born = loop.time()
        self.tired = False
        self.retired = False
        self.users = 0
        self.pending: dict[int, _Run] = {}
        self._sequence = 0
        loop.add_reader(self.socket.fileno(), self._readable)

    def send(self, run: _Run) -> None:
        """Send the run's next request; local refusals end the run as its error."""
        pending = self.pending
        if len(pending) >= _MOST_PENDING:
            run.error = TransportFault(Reason.LOCAL, f"{_MOST_PENDING} echo requests are under way already")
            run.failed += 1
            run.ended()
            return
        sequence = (self._sequence + 1) & 0xFFFF
        while sequence in pending:
            sequence = (sequence + 1) & 0xFFFF
        self._sequence = sequence
        packet = wire.request(self.v6, run.ident, sequence, run.token, run.octets, checksum=self.raw and not self.v6)
        place = run.address.at(0)
        pending[sequence] = run
        run.sent[sequence] = (time.perf_counter(), time.time_ns())
        for attempt in range(_ATTEMPTS):
            try:
                self.socket.sendto(packet, place)
                return
            except OSError as error:
                # A socket's pending error may be an ICMP error about another destination: reading it clears it.
                self._drain_errors()
                if attempt == _ATTEMPTS - 1 and sequence in pending:
                    self._forget(run, sequence)
                    run.error = wire.send_fault(error, run.address.ip)
                    run.failed += 1
                    run.ended()

    def next(self, run: _Run) -> None:
        """Send one request and see to the ones that follow it."""
        run.dispatched += 1
        self.send(run)
        if run.dispatched < run.count:
            run.timer = self.loop.call_later(run.spacing, self.next, run)

    def finish(self, run: _Run) -> None:
        """Forget what is still awaited; a retired lane closes with its last run."""
        if run.timer is not None:
            run.timer.cancel()
        for sequence in run.sent:
            self.pending.pop(sequence, None)
            self.tired = True
        self.users -= 1
        if self.retired and not self.users:
            self.close()

    def retire(self) -> None:
        """Take no new runs; close now, or with the last one."""
        self.retired = True
        if not self.users:
            self.close()

    def close(self) -> None:
        if self.socket.fileno() >= 0:
            self.loop.remove_reader(self.socket.fileno())
            self.socket.close()

    def _forget(self, run: _Run, sequence: int) -> None:
        del run.sent[sequence]
        del self.pending[sequence]

    def _readable(self) -> None:
        quiet = True
        for _ in range(_BATCH):
            try:
                data, extras, _, place = self.socket.recvmsg(2048, 256)
            except BlockingIOError:
                break
            except OSError:
                self._drain_errors()
                continue
            quiet = False
            self._received(data, extras, place[0])
        if quiet:
            self._drain_errors()  # woken by EPOLLERR alone: unread errors would wake the loop again at once

    def _received(self, data: bytes, extras: list[tuple[int, int, bytes]], ip: str) -> None:
        reply = wire.reply(data, v6=self.v6, header=self.raw and not self.v6)
        if reply is None:
            return
        ident, sequence, token = reply
        run = self.pending.get(sequence)
        if run is None or token != run.token or ip != run.address.ip or (self.raw and ident != run.ident):
            return
        started, started_ns = run.sent[sequence]
        elapsed = time.perf_counter() - started
        hop_limit, received_ns = wire.extras(extras)
        # The kernel's stamp leaves out how long this loop was busy; a stepped wall clock shows as out of bounds.
        stamped = (received_ns - started_ns) / 1e9 if received_ns else -1.0
        self._forget(run, sequence)
        run.round_trips.append(stamped if 0.0 <= stamped <= elapsed else elapsed)
        run.hop_limit = hop_limit if hop_limit is not None else data[8] if self.raw and not self.v6 else None
        run.ended()

    def _drain_errors(self) -> None:
        for _ in range(_BATCH):
            try:
                data, extras, _, place = self.socket.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            self._refused(data, extras, str(place[0]) if place else "")

    def _refused(self, data: bytes, extras: list[tuple[int, int, bytes]], ip: str) -> None:
        echo = wire.quoted(data)
        if echo is None:
            return
        ident, sequence = echo
        run = self.pending.get(sequence)
        if run is None or ip != run.address.ip or (self.raw and ident != run.ident):
            return
        fault = wire.error_fault(extras, ip, v6=self.v6)
        if fault is None:
            return
        self._forget(run, sequence)
        run.error = fault
        run.failed += 1
        run.ended()


class IcmpTransport:
    """Pings, on at most one live socket per address family."""

    def __init__(self, names: Names | None = None) -> None:
        self.names = names or Names()
        self._lanes: dict[socket.AddressFamily, _Lane] = {}
        self._retired: list[_Lane] = []

    async def ping(
        self, host: str, *, deadline: float, count: int = 1, spacing: float = 0.2, payload: int = 56, family: int = 0
    ) -> Echoes:
        """Send `count` echo requests, `spacing` seconds apart, and wait for their replies until `deadline` (loop time).

        `payload` is in octets, at least 16. Raises TransportFault when nothing came back: NO_ANSWER, UNREACHABLE
        (the network said so), NAME, or LOCAL (not permitted, no IPv6 here, a local firewall).
        """
        loop = asyncio.get_running_loop()
        address = self.names.at_hand(host, family) or await self.names.address(host, family)
        lane = self._lane(address.family, loop)
        run = _Run(address, count, spacing, payload, loop.create_future())
        timer = loop.call_at(deadline, _give_up, run)
        lane.users += 1
        try:
            lane.next(run)
            await run.future
        finally:
            timer.cancel()
            lane.finish(run)
        if run.round_trips:
            return Echoes(address.ip, run.dispatched, tuple(run.round_trips), run.hop_limit)
        if run.error is not None:
            raise run.error
        where = host if host == address.ip else f"{host} ({address.ip})"
        what = "echo request" if count == 1 else f"{count} echo requests"
        raise TransportFault(Reason.NO_ANSWER, f"{where}: no answer to {what}")

    async def close(self) -> None:
        """Release every socket; safe to call twice."""
        lanes = [*self._lanes.values(), *self._retired]
        self._lanes.clear()
        self._retired.clear()
        for lane in lanes:
            for run in list(lane.pending.values()):
                run.error = TransportFault(Reason.LOCAL, "the agent is stopping")
                if not run.future.done():
                    run.future.set_result(None)
            lane.close()
        await self.names.close()

    def _lane(self, family: socket.AddressFamily, loop: asyncio.AbstractEventLoop) -> _Lane:
        lane = self._lanes.get(family)
        if lane is not None and (lane.raw or not lane.tired or loop.time() - lane.born < _ROTATE_AFTER):
            return lane
        try:
            fresh = _Lane(family, loop)
        except PermissionError as error:
            raise TransportFault(Reason.LOCAL, NOT_PERMITTED) from error
        except OSError as error:
            name = "IPv6" if family == socket.AF_INET6 else "IPv4"
            raise TransportFault(Reason.LOCAL, f"no {name} ICMP socket on this machine: {error.strerror}") from error
        self._lanes[family] = fresh
        if lane is not None:
            self._retired = [old for old in self._retired if old.users]
            self._retired.append(lane)
            lane.retire()
        return fresh


def _give_up(run: _Run) -> None:
    if not run.future.done():
        run.future.set_result(None)
