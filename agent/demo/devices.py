"""Simulated devices that speak real SNMP on loopback: one pysnmp engine plays them all, each at an address of its own.

A device is a set of values which may be changed while it runs, may fall silent, and may reboot. It answers v1 and v2c
by its community and v3 by its users, and only reads: a SET is not answered.
"""

from __future__ import annotations

import asyncio
import socket
import time
from bisect import bisect_right, insort
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413.cmdrsp import CommandResponderBase
from pysnmp.entity.rfc3413.context import SnmpContext
from pysnmp.proto import rfc1902, rfc1905
from pysnmp.proto.api import v2c

Type = Literal["integer", "counter", "counter64", "gauge", "ticks", "octets", "oid", "address", "opaque", "uptime"]
Typed = tuple[Type, Any]
"""A value with its SNMP type. `uptime` counts hundredths of a second since the device's last start by itself."""
SimpleValue = int | str | bytes | Typed
Oid = tuple[int, ...]

_MAKERS: Mapping[str, Callable[[Any], Any]] = {
    "integer": rfc1902.Integer32,
    "counter": rfc1902.Counter32,
    "counter64": rfc1902.Counter64,
    "gauge": rfc1902.Gauge32,
    "ticks": rfc1902.TimeTicks,
    "octets": rfc1902.OctetString,
    "oid": rfc1902.ObjectIdentifier,
    "address": rfc1902.IpAddress,
    "opaque": rfc1902.Opaque,
}
_TICKS = 2**32
_MOST_ROWS = 100
_AUTH = {
    "sha1": config.USM_AUTH_HMAC96_SHA,
    "sha224": config.USM_AUTH_HMAC128_SHA224,
    "sha256": config.USM_AUTH_HMAC192_SHA256,
    "sha384": config.USM_AUTH_HMAC256_SHA384,
    "sha512": config.USM_AUTH_HMAC384_SHA512,
}
_PRIVACY = {
    "aes128": config.USM_PRIV_CFB128_AES,
    "aes192": config.USM_PRIV_CFB192_AES_BLUMENTHAL,
    "aes256": config.USM_PRIV_CFB256_AES_BLUMENTHAL,
}


@dataclass(frozen=True, slots=True)
class SimulatedUser:
    """An SNMPv3 user that every device knows. These passwords are made up for the simulation; they protect nothing."""

    name: str
    auth_protocol: str = ""
    auth_password: str = ""
    privacy_protocol: str = ""
    privacy_password: str = ""


@dataclass(slots=True)
class SimulatedDevice:
    """One device: where it listens, what it answers, and whether it does."""

    name: str
    host: str = "127.0.0.1"
    port: int = 0
    """0 is replaced by a free one when the devices start."""
    community: str = "public"
    silent: bool = False
    """A silent device takes questions and answers none, as one that hangs or is cut off."""
    questions: int = 0
    """How many datagrams have reached it."""
    clock: Callable[[], float] = time.monotonic
    started: float = 0.0
    _values: dict[Oid, Typed] = field(default_factory=dict)
    _order: list[Oid] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def set(self, oid: str, value: SimpleValue) -> None:
        """Give an OID a value: typed, or plain, which keeps the type it had (a new one is an integer or octets)."""
        number = _oid(oid)
        if number not in self._values:
            insort(self._order, number)
        self._values[number] = self._typed(number, value)

    def remove(self, oid: str) -> None:
        """Take an OID, and everything below it, away."""
        root = _oid(oid)
        self._order = [number for number in self._order if number[: len(root)] != root]
        self._values = {number: self._values[number] for number in self._order}

    def reboot(self) -> None:
        """Begin uptimes anew. Counters keep their values: set them to what the story wants."""
        self.started = self.clock()

    def value(self, number: Oid) -> Any | None:
        """The pysnmp object at an OID, None if there is none."""
        typed = self._values.get(number)
        if typed is None:
            return None
        kind, value = typed
        if kind == "uptime":
            return rfc1902.TimeTicks(int((self.clock() - self.started + value) * 100) % _TICKS)
        return _MAKERS[kind](value)

    def after(self, number: Oid) -> Oid | None:
        """The first OID beyond `number`, None at the end."""
        at = bisect_right(self._order, number)
        return self._order[at] if at < len(self._order) else None

    def knows(self, number: Oid) -> bool:
        """Whether the object is there in any instance: noSuchInstance and noSuchObject differ by it."""
        parent = number[:-1]
        following = self.after(parent)
        return following is not None and following[: len(parent)] == parent

    def _typed(self, number: Oid, value: SimpleValue) -> Typed:
        if isinstance(value, tuple):
            return value
        if number in self._values:
            return self._values[number][0], value
        return ("octets" if isinstance(value, str | bytes) else "integer"), value


class SimulatedDevices:
    """All devices of a simulation. `start` and `stop` belong to one running event loop.

    A question of ten OIDs costs about 2 ms of CPU here, a hundred times what asking it costs: a few devices in the
    agent's own loop do no harm, many belong into a process of their own.
    """

    def __init__(self, users: tuple[SimulatedUser, ...] = ()) -> None:
        self._users = users
        self._devices: dict[str, SimulatedDevice] = {}
        self._engine: SnmpEngine | None = None
        self._responder: _Responder | None = None

    def add(
        self,
        name: str,
        values: Mapping[str, SimpleValue],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        community: str = "public",
    ) -> SimulatedDevice:
        """Put a device into the simulation, before `start`."""
        device = SimulatedDevice(name, host, port, community)
        for oid, value in values.items():
            device.set(oid, value)
        self._devices[name] = device
        return device

    def __getitem__(self, name: str) -> SimulatedDevice:
        return self._devices[name]

    def __iter__(self) -> Iterator[SimulatedDevice]:
        return iter(self._devices.values())

    async def start(self) -> None:
        """Begin to listen; then every device answers and knows its port. Raises OSError if a port is taken."""
        engine = SnmpEngine()
        self._engine = engine
        by_domain: dict[tuple[int, ...], SimulatedDevice] = {}
        for number, device in enumerate(self._devices.values(), start=1):
            six = ":" in device.host
            domain = (*(udp6.DOMAIN_NAME if six else udp.DOMAIN_NAME), number)
            transport = (_Six if six else _Four)(loop=asyncio.get_running_loop())
            transport.device = device
            with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM) as wanted:
                wanted.bind((device.host, device.port))
                device.port = wanted.getsockname()[1]
                listening = wanted.dup()
            listening.setblocking(False)
            config.add_transport(engine, domain, transport.open_server_mode(sock=listening))
            by_domain[domain] = device
            assert transport._lport is not None  # pysnmp's only way to know that it listens
            await transport._lport
        for community in {device.community for device in self._devices.values()}:
            config.add_v1_system(engine, f"community-{community}", community)
        for user in self._users:
            config.add_v3_user(
                engine, user.name,
                _AUTH[user.auth_protocol] if user.auth_protocol else config.USM_AUTH_NONE, user.auth_password or None,
                _PRIVACY[user.privacy_protocol] if user.privacy_protocol else config.USM_PRIV_NONE,
                user.privacy_password or None,
            )  # fmt: skip
        self._responder = _Responder(engine, SnmpContext(engine), by_domain)

    async def stop(self) -> None:
        """Close every socket; safe to call twice."""
        engine, self._engine = self._engine, None
        if engine is None:
            return
        if self._responder is not None:
            self._responder.close(engine)
        engine.close_dispatcher()
        await asyncio.sleep(0)  # asyncio closes datagram sockets in its next round


class _Hearing:
    """A listening socket that belongs to one device."""

    device: SimulatedDevice

    def datagram_received(self, datagram: bytes, address: Any) -> None:
        self.device.questions += 1
        if not self.device.silent:
            super().datagram_received(datagram, address)  # type: ignore[misc]


class _Four(_Hearing, udp.UdpTransport):  # type: ignore[misc]
    pass


class _Six(_Hearing, udp6.Udp6Transport):  # type: ignore[misc]
    pass


class _Responder(CommandResponderBase):  # type: ignore[misc]
    """Answers GET, GETNEXT and GETBULK from the device that was asked, by its address (RFC 3416, section 4.2)."""

    SUPPORTED_PDU_TYPES = (
        rfc1905.GetRequestPDU.tagSet,
        rfc1905.GetNextRequestPDU.tagSet,
        rfc1905.GetBulkRequestPDU.tagSet,
    )

    def __init__(
        self, engine: SnmpEngine, context: SnmpContext, devices: Mapping[tuple[int, ...], SimulatedDevice]
    ) -> None:
        super().__init__(engine, context)
        self._devices = devices

    def handle_management_operation(self, engine: Any, reference: Any, context: Any, pdu: Any, acm: Any = None) -> None:
        del context, acm
        told = engine.observer.get_execution_context("rfc3412.receiveMessage:request")
        device = self._devices[tuple(told["transportDomain"])]
        by_community = told["securityModel"] in (1, 2)
        if by_community and str(told["securityName"]) != f"community-{device.community}":
            return  # a wrong community gets no answer (RFC 3584, section 5.2.1)
        asked = [tuple(name) for name, _ in v2c.apiPDU.get_varbinds(pdu)]
        if pdu.tagSet == rfc1905.GetRequestPDU.tagSet:
            answer = [_got(device, oid) for oid in asked]
        elif pdu.tagSet == rfc1905.GetNextRequestPDU.tagSet:
            answer = [_next(device, oid) for oid in asked]
        else:
            repeated = max(0, min(int(v2c.apiBulkPDU.get_max_repetitions(pdu)), _MOST_ROWS))
            alone = max(0, min(int(v2c.apiBulkPDU.get_non_repeaters(pdu)), len(asked)))
            answer = _bulk(device, asked, alone, repeated)
        self.send_varbinds(engine, reference, 0, 0, answer)


def _got(device: SimulatedDevice, oid: Oid) -> tuple[Oid, Any]:
    value = device.value(oid)
    if value is None:
        value = rfc1905.noSuchInstance if device.knows(oid) else rfc1905.noSuchObject
    return oid, value


def _next(device: SimulatedDevice, oid: Oid) -> tuple[Oid, Any]:
    following = device.after(oid)
    if following is None:
        return oid, rfc1905.endOfMibView
    return following, device.value(following)


def _bulk(device: SimulatedDevice, asked: list[Oid], alone: int, repeated: int) -> list[tuple[Oid, Any]]:
    answer = [_next(device, oid) for oid in asked[:alone]]
    at = asked[alone:]
    for _ in range(repeated):
        row = [_next(device, oid) for oid in at]
        answer += row
        at = [oid for oid, _ in row]
        if all(value is rfc1905.endOfMibView for _, value in row):
            break
    return answer


def _oid(text: str) -> Oid:
    return tuple(int(part) for part in text.split("."))
