"""The agent's way to ask over SNMP: four calls, every one bounded by the caller's deadline. There is no SET."""

from __future__ import annotations

import asyncio
import itertools
import resource
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gufo.snmp._fast import GetIter, SnmpV1ClientSocket, SnmpV2cClientSocket

from checks.transports.fault import TransportFault
from checks.transports.names import Names
from checks.transports.snmp.credentials import Access, AccessCache, Manner, User
from checks.transports.snmp.errors import (
    Capped,
    Malformed,
    NoAnswer,
    OutOfResources,
    OutOfStep,
    Oversized,
    SnmpError,
    UnknownName,
)
from checks.transports.snmp.reading import Page, Reading
from checks.transports.snmp.session import Session, guarded
from checks.transports.snmp.v3 import V3Session, open_v3
from checks.transports.snmp.values import Answer, Columns, Missing, Value
from config.estate import Credential

_T = TypeVar("_T")
_MOST_AT_ONCE = 8_192
_MOST_KEPT = 4_096
_MOST_ENGINES = 10_000
_GREET_AFTER = 120.0
"""Seconds after which a kept session asks for the engine's clock before its next question (150 s is too late)."""
_HOUSEHOLD = 256
"""Descriptors for the rest of the agent: web, database, logs."""


def wanted_descriptors(targets: int) -> int:
    """The RLIMIT_NOFILE to which the daemon should raise itself, as far as it may, for an estate of so many targets.

    A poll has a descriptor for as long as it lasts; an SNMPv3 session keeps one between polls, because opening one
    costs a round trip. When a link dies every poll behind it waits at once, hence two for each target.
    """
    return _HOUSEHOLD + 2 * min(max(targets, 128), _MOST_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Device:
    """Whom to ask and how: address without port, credential, and how patient to be.

    `retries` more attempts share the time until the deadline evenly with the first; `max_oids` is the most OIDs asked
    in one request, `max_repetitions` the most rows.
    """

    host: str
    credential: Credential
    port: int = 161
    retries: int = 2
    max_oids: int = 20
    max_repetitions: int = 20


class SnmpTransport:
    """Polls devices over SNMPv1, v2c and v3. Made inside the running loop, closed with it."""

    def __init__(self, names: Names | None = None, *, at_once: int | None = None, kept: int | None = None) -> None:
        """`at_once` questions may wait for answers, `kept` SNMPv3 sessions stay open.

        Unless given, half and a quarter of the descriptors this process may have now.
        """
        self._loop = asyncio.get_running_loop()
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._permits = asyncio.Semaphore(max(1, min(_MOST_AT_ONCE, files // 2) if at_once is None else at_once))
        self._names = names or Names()
        self._access = AccessCache(self._loop.time)
        self._most_kept = min(_MOST_KEPT, files // 4) if kept is None else kept
        self._kept: OrderedDict[int, tuple[tuple[str, bytes], V3Session]] = OrderedDict()
        self._idle: dict[tuple[str, bytes], list[int]] = {}
        self._numbers = itertools.count()
        self._engines: OrderedDict[str, bytes] = OrderedDict()
        self._closed = False

    @property
    def kept_sessions(self) -> int:
        """How many SNMPv3 sessions, one descriptor each, wait for their next poll."""
        return len(self._kept)

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
        """Several columns, of one table or of several; an error ends the reading, what was not read is not complete.

        `most_rows` is for each, or by column. They are asked `device.max_oids` at a time, over SNMPv1 one by one.
        """
        most = dict.fromkeys(columns, most_rows) if isinstance(most_rows, int) else {c: most_rows[c] for c in columns}
        if device.credential.kind == "snmp-v1":
            return await self._one_by_one(device, most, deadline)
        reading = Reading(device.host, most, device.max_oids, device.max_repetitions)
        error: SnmpError | None = None
        try:
            while (page := reading.page()) is not None:
                await self._page(device, reading, page, deadline)
        except SnmpError as raised:
            error = raised
        return Columns(reading.rows(), reading.complete(), error)

    async def _page(self, device: Device, reading: Reading, page: Page, deadline: float) -> None:
        """One question of a reading, and what comes of it. Raises SnmpError."""
        asked = 0

        async def put(session: Session, until: float) -> None:
            nonlocal asked, page
            if asked >= max(1, device.retries):
                # Some devices are silent when they are asked for much; a lost datagram is no sign of that.
                reading.narrow()
                page = reading.page() or page
            asked += 1
            try:
                status, rows = await session.page(page, until)
            except Oversized as error:
                reading.too_big(error)
                return
            if status:
                reading.refused(status)
            else:
                reading.take(rows)

        await self._ask(device, deadline, put)

    async def _one_by_one(self, device: Device, most_rows: Mapping[str, int], deadline: float) -> Columns:
        """The columns one after the other; one that fails ends the reading."""
        rows: dict[str, dict[str, Value]] = {}
        complete: list[str] = []
        for column, most in most_rows.items():
            found: dict[str, Value] = {}
            error: SnmpError | None = None
            try:
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
        for _, session in self._kept.values():
            session.close()
        self._kept.clear()
        self._idle.clear()
        self._access.forget()
        await self._names.close()

    async def _get(self, device: Device, oids: list[str], deadline: float) -> dict[str, Value]:
        return await self._ask(device, deadline, lambda session, until: session.get(oids, until))

    async def _walk(
        self, device: Device, root: str, deadline: float, most: int, repetitions: int, values: dict[str, Value]
    ) -> None:
        """Add everything below `root` to `values`. Raises SnmpError; what was read until then is in `values`."""
        page = Session.following if device.credential.kind == "snmp-v1" else Session.bulk
        while True:
            values.clear()
            try:
                await self._pages(device, root, deadline, most, GetIter(root, repetitions), page, values)
            except Oversized:
                if repetitions == 1:
                    raise
                # gufo-snmp's iterator cannot take up a walk in the middle, so a smaller one begins anew.
                repetitions //= 2
            else:
                return

    async def _pages(
        self,
        device: Device,
        root: str,
        deadline: float,
        most: int,
        iterator: GetIter,
        page: Callable[[Session, GetIter, float], Awaitable[tuple[list[tuple[str, Value]], bool]]],
        values: dict[str, Value],
    ) -> None:
        last: tuple[int, ...] = ()
        over = False
        while not over:
            rows, over = await self._ask(device, deadline, lambda session, until: page(session, iterator, until))
            for oid, value in rows:
                if value is Missing.NULL and not oid.startswith(root + "."):
                    over = True
                    break
                number = tuple(map(int, oid.split(".")))
                if number <= last:
                    raise Capped(f"{device.host}: the walk of {root} goes in a circle at {oid}")
                if len(values) >= most:
                    raise Capped(f"{device.host}: the walk of {root} has more than {most} values")
                last = number
                values[oid] = value
            if rows and not over and all(value is Missing.NULL for _, value in rows):
                # gufo-snmp's iterator moves on with values only: it would ask for the same row for ever.
                raise Malformed(f"{device.host}: the walk of {root} cannot go on at {rows[0][0]}, which is NULL")

    async def _ask(self, device: Device, deadline: float, question: Callable[[Session, float], Awaitable[_T]]) -> _T:
        """Put a question, again if that may help, until the deadline. Raises SnmpError."""
        if self._closed:
            raise OutOfResources("the SNMP transport is closed")
        access = self._access.access(device.credential)
        address = await self._address(device, deadline)
        await self._permit(address, deadline)
        try:
            return await self._attempts(device, address, access, deadline, question)
        finally:
            self._permits.release()

    async def _address(self, device: Device, deadline: float) -> str:
        """The socket address as gufo-snmp takes it: `192.0.2.1:161`, `[2001:db8::1]:161` or `[fe80::1%2]:161`."""
        found = self._names.at_hand(device.host)
        if found is None:
            try:
                async with asyncio.timeout_at(deadline):
                    found = await self._names.address(device.host)
            except TransportFault as fault:
                raise UnknownName(fault.message) from None
            except TimeoutError:
                raise UnknownName(f"{device.host}: no answer from DNS in time; check the name servers") from None
        if found.family == socket.AF_INET:
            return f"{found.ip}:{device.port}"
        return f"[{found.ip}%{found.scope}]:{device.port}" if found.scope else f"[{found.ip}]:{device.port}"

    async def _permit(self, address: str, deadline: float) -> None:
        if not self._permits.locked():
            await self._permits.acquire()
            return
        try:
            async with asyncio.timeout_at(deadline):
                await self._permits.acquire()
        except TimeoutError:
            raise OutOfResources(
                f"{address}: not asked: too many SNMP questions wait for answers; raise the limit of open files"
            ) from None

    async def _attempts(
        self,
        device: Device,
        address: str,
        access: Access,
        deadline: float,
        question: Callable[[Session, float], Awaitable[_T]],
    ) -> _T:
        attempts = device.retries + 1
        resynchronised = False
        while True:
            now = self._loop.time()
            if now >= deadline:
                raise NoAnswer(f"{address}: no time left to ask over SNMP")
            until = now + (deadline - now) / attempts
            try:
                if access.user is None:
                    return await self._once(address, access, until, question)
                return await self._once_secured(address, access, access.user, until, question)
            except OutOfStep:
                # The device restarted or was replaced: asking once more costs no attempt, the new session knows better.
                if resynchronised:
                    raise
                resynchronised = True
            except SnmpError as error:
                attempts -= 1
                if not attempts or not error.again:
                    raise

    async def _once(
        self, address: str, access: Access, until: float, question: Callable[[Session, float], Awaitable[_T]]
    ) -> _T:
        # A descriptor per poll costs 6 us and leaves no room for stale replies; keeping one saves nothing worth it.
        make = SnmpV1ClientSocket if access.version == "1" else SnmpV2cClientSocket
        sock = guarded(address, lambda: make(address, access.community, 0, 0, 0, 0))
        session = Session(address, sock, self._loop, access.community.encode())
        del sock  # the session's alone, so that its end is the descriptor's
        try:
            return await question(session, until)
        finally:
            session.close()

    async def _once_secured(
        self,
        address: str,
        access: Access,
        user: User,
        until: float,
        question: Callable[[Session, float], Awaitable[_T]],
    ) -> _T:
        session = self._take(address, access)
        if session is None:
            try:
                session = await open_v3(address, user, self._engines.get(address, b""), self._loop, until)
            except (OutOfStep, NoAnswer):
                # Whatever we believed of its engine is of no use: the next attempt begins with discovery.
                self._engines.pop(address, None)
                raise
        try:
            if session.idle_since and self._loop.time() - session.idle_since > _GREET_AFTER:
                await session.greet(until)
            answer = await question(session, until)
        except NoAnswer:
            session.close()
            raise session.silence() from None
        except OutOfStep:
            self._engines.pop(address, None)
            session.close()
            raise
        except BaseException:
            session.close()
            raise
        self._keep(address, access, session)
        return answer

    def _take(self, address: str, access: Access) -> V3Session | None:
        """A kept session of this device and user, exclusively; the one used last, so that spare ones age."""
        numbers = self._idle.get((address, access.identity))
        if not numbers:
            return None
        return self._kept.pop(numbers.pop())[1]

    def _keep(self, address: str, access: Access, session: V3Session) -> None:
        if self._closed:
            session.close()
            return
        self._engines[address] = session.engine_id
        self._engines.move_to_end(address)
        if len(self._engines) > _MOST_ENGINES:
            self._engines.popitem(last=False)
        session.idle_since = self._loop.time()
        number = next(self._numbers)
        key = (address, access.identity)
        self._kept[number] = (key, session)
        self._idle.setdefault(key, []).append(number)
        while len(self._kept) > self._most_kept:
            oldest, (old_key, old) = next(iter(self._kept.items()))
            del self._kept[oldest]
            self._idle[old_key].remove(oldest)
            if not self._idle[old_key]:
                del self._idle[old_key]
            old.close()
