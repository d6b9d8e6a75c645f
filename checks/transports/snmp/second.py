"""The second engine: pysnmp behind the same questions, to be compared with the first, and where types are wanted.

It shares nothing with gufo-snmp but the credentials and the errors, costs some sixty times as much, and gives the
same answers (`tests/truth`). It is for an engineer in doubt (`ridgeway check --snmp-engine=pysnmp`) and for recordings,
which keep the SNMP type of every value. Numeric OIDs only; no MIB is looked up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from checks.transports.fault import TransportFault
from checks.transports.names import Address, Names
from checks.transports.snmp.credentials import Access, AccessCache, Manner
from checks.transports.snmp.errors import (
    Capped,
    Malformed,
    NoAnswer,
    OutOfResources,
    Oversized,
    SnmpError,
    UnknownName,
)
from checks.transports.snmp.second_engine import Engine, Row
from checks.transports.snmp.transport import Device
from checks.transports.snmp.values import Answer, Columns, Missing, Value

Heard = Callable[[str, int, Value], None]
"""Told of every value as it is taken in: its OID, its SNMP type as BER numbers it, and itself."""
Question = Callable[[Engine, str], Awaitable[tuple[int, list[Row]]]]
_TOO_BIG = 1
_NO_SUCH_NAME = 2
_AT_ONCE = 64


class SecondTransport:
    """Polls devices with pysnmp; the same promises as `SnmpTransport`. Made inside the running loop, closed with it."""

    def __init__(self, names: Names | None = None, heard: Heard | None = None) -> None:
        """`heard` is told of every value that is part of an answer, in the order of arrival."""
        self._loop = asyncio.get_running_loop()
        self._names = names or Names()
        self._access = AccessCache(self._loop.time)
        self._engines: dict[bytes, Engine] = {}
        self._permits = asyncio.Semaphore(_AT_ONCE)
        self._heard = heard
        self._closed = False

    async def get(self, device: Device, oids: Sequence[str], deadline: float) -> Answer:
        """The values of `oids`, asked `device.max_oids` at a time; `deadline` in loop time. Errors are in it."""
        values: dict[str, Value] = {}
        try:
            for start in range(0, len(oids), device.max_oids):
                values |= await self._get(device, list(oids[start : start + device.max_oids]), deadline)
        except SnmpError as error:
            return Answer(values, error)
        return Answer(values)

    async def walk(self, device: Device, root: str, deadline: float, most: int = 10_000) -> Answer:
        """Everything below `root`, at most `most` values, each OID greater than the one before."""
        values: dict[str, Value] = {}
        try:
            await self._walk(device, root, deadline, most, device.max_repetitions, values)
        except SnmpError as error:
            return Answer(values, error)
        return Answer(values)

    async def columns(
        self, device: Device, columns: Sequence[str], deadline: float, most_rows: int | Mapping[str, int] = 1_000
    ) -> Columns:
        """Several columns, one after the other; one that fails ends the reading and is not complete."""
        rows: dict[str, dict[str, Value]] = {}
        complete: list[str] = []
        for column in columns:
            found: dict[str, Value] = {}
            error: SnmpError | None = None
            try:
                most = most_rows if isinstance(most_rows, int) else most_rows[column]
                await self._walk(device, column, deadline, most, device.max_repetitions, found)
            except SnmpError as raised:
                error = raised
            rows[column] = {oid[len(column) + 1 :]: value for oid, value in found.items()}
            if error is not None:
                return Columns(rows, frozenset(complete), error)
            complete.append(column)
        return Columns(rows, frozenset(complete))

    def manner(self, device: Device) -> Manner | None:
        """As `Asking`."""
        return self._access.manner(device.credential)

    async def close(self) -> None:
        """Release every descriptor and forget every secret; safe to call twice."""
        self._closed = True
        self._access.forget()
        for engine in self._engines.values():
            engine.close()
        if self._engines:
            await asyncio.sleep(0)  # asyncio closes datagram sockets in its next round
        self._engines.clear()
        await self._names.close()

    async def _get(self, device: Device, oids: list[str], deadline: float) -> dict[str, Value]:
        status, rows = await self._ask(device, deadline, lambda engine, name: engine.get(name, oids))
        if status == 0:
            if [oid for oid, _, _ in rows] != oids:
                raise Malformed(f"{device.host}: the reply answers something else than what was asked")
            self._tell(rows)
            return {oid: value for oid, _, value in rows}
        if len(oids) == 1:
            return {oids[0]: Missing.ABSENT if status == _NO_SUCH_NAME else Missing.ERROR}
        half = len(oids) // 2
        return await self._get(device, oids[:half], deadline) | await self._get(device, oids[half:], deadline)

    async def _walk(
        self, device: Device, root: str, deadline: float, most: int, repetitions: int, values: dict[str, Value]
    ) -> None:
        """Add everything below `root` to `values`. Raises SnmpError; what was read until then is in `values`."""
        prefix, at, last = root + ".", root, _numbers(root)
        while True:
            status, rows = await self._page(device, at, deadline, repetitions)
            if status == _TOO_BIG and repetitions > 1:
                repetitions //= 2
                continue
            if status == _TOO_BIG:
                raise Oversized(f"{device.host}: the device says that its reply would be too big")
            if status:
                raise Malformed(f"{device.host}: the device ends a walk with error status {status}")
            if not rows:
                return
            for row in rows:
                oid, _, value = row
                if not oid.startswith(prefix) or value is Missing.END:
                    return
                if value in (Missing.OBJECT, Missing.INSTANCE):
                    raise Malformed(f"{device.host}: the device says in the middle of a walk: no such object")
                number = _numbers(oid)
                if number <= last:
                    raise Capped(f"{device.host}: the walk of {root} goes in a circle at {oid}")
                if len(values) >= most:
                    raise Capped(f"{device.host}: the walk of {root} has more than {most} values")
                last, at = number, oid
                values[oid] = value
                self._tell([row])

    async def _page(self, device: Device, at: str, deadline: float, repetitions: int) -> tuple[int, list[Row]]:
        if device.credential.kind != "snmp-v1":
            return await self._ask(device, deadline, lambda engine, name: engine.bulk(name, at, repetitions))
        status, rows = await self._ask(device, deadline, lambda engine, name: engine.following(name, at))
        return (0, []) if status == _NO_SUCH_NAME else (status, rows)

    def _tell(self, rows: list[Row]) -> None:
        if self._heard is not None:
            for oid, tag, value in rows:
                if not isinstance(value, Missing):
                    self._heard(oid, tag, value)

    async def _ask(self, device: Device, deadline: float, question: Question) -> tuple[int, list[Row]]:
        """Put a question, again if that may help, until the deadline. Raises SnmpError."""
        if self._closed:
            raise OutOfResources("the SNMP transport is closed")
        access = self._access.access(device.credential)
        attempts = device.retries + 1
        try:
            async with asyncio.timeout_at(deadline):
                address = await self._names.address(device.host)
                async with self._permits:
                    return await self._attempts(device, address, access, attempts, deadline, question)
        except TransportFault as fault:
            raise UnknownName(fault.message) from None
        except TimeoutError:
            raise NoAnswer(f"{device.host}: no time left to ask over SNMP") from None

    async def _attempts(
        self, device: Device, address: Address, access: Access, attempts: int, deadline: float, question: Question
    ) -> tuple[int, list[Row]]:
        engine = self._engine(access)
        name = engine.target(address, device.port, access)
        while True:
            until = self._loop.time() + (deadline - self._loop.time()) / attempts
            try:
                async with asyncio.timeout_at(until):
                    return await question(engine, name)
            except TimeoutError:
                attempts -= 1
                if not attempts or self._loop.time() >= deadline:
                    raise NoAnswer(f"{device.host}:{device.port}: no answer to an SNMP question") from None

    def _engine(self, access: Access) -> Engine:
        """Two credentials may name one user with different passwords, so each user has an engine of its own."""
        key = b"" if access.user is None else access.identity
        engine = self._engines.get(key)
        if engine is None:
            engine = self._engines[key] = Engine(access.user)
        return engine


def _numbers(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))
