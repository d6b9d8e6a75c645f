"""Connections that are kept between questions: found, shared, limited, and closed when nobody wants them.

Lives in the event loop. Knows nothing of SSH: a line is whatever `open` brought, with `alive` and `close()`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from checks.contract import Reason
from checks.transports.fault import TransportFault

IDLE = 90.0
"""Seconds after which a connection that nobody used is closed."""
MOST = 256
"""Connections kept at once; then the one that was idle longest goes."""
CHANNELS = 4
"""Questions at once on one connection: OpenSSH allows 10, small devices fewer."""
_MOST_USES = 2000
"""Uses after which a connection is made anew: paramiko remembers every channel it ever had."""


class _Closable(Protocol):
    @property
    def alive(self) -> bool: ...

    def close(self) -> None: ...


C = TypeVar("C", bound=_Closable)


@dataclass(slots=True, eq=False)
class Line(Generic[C]):
    """A connection in the hands of somebody."""

    connection: C
    identity: bytes
    """What it was logged in with."""
    places: asyncio.Semaphore
    keep: bool
    users: int = 0
    """Those who use it or wait for a place on it."""
    uses: int = 0
    capacity: int = CHANNELS
    owed: int = 0
    """Places that are not given back: the device has fewer."""
    retired: bool = False
    timer: asyncio.TimerHandle | None = field(default=None)


class Kept(Generic[C]):
    """Lines by key. At most one is made at a time for each key; who comes meanwhile waits for it."""

    def __init__(self, idle: float = IDLE, most: int = MOST) -> None:
        self._idle = idle
        self._most = most
        self._lines: dict[Hashable, Line[C]] = {}
        self._opening: dict[Hashable, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._lines)

    @asynccontextmanager
    async def line(
        self, key: Hashable, identity: bytes, keep: bool, deadline: float, open: Callable[[], Awaitable[C]]
    ) -> AsyncIterator[Line[C]]:
        """A living line, and a place on it, until the block ends. Raises what `open` raises, or LIMIT without a place.

        One made with another identity is not used any more. A line that is dead afterwards is dropped.
        """
        line = await self._find(key, identity, keep, deadline, open)
        line.users += 1
        if line.timer is not None:
            line.timer.cancel()
            line.timer = None
        try:
            await _place(line, deadline)
            line.uses += 1
            try:
                yield line
            finally:
                if line.owed:
                    line.owed -= 1
                else:
                    line.places.release()
        finally:
            line.users -= 1
            self._released(key, line)

    def narrow(self, line: Line[C]) -> None:
        """The device refused one more question at once: the caller's place goes with its block, but never the last."""
        if line.capacity > 1:
            line.capacity -= 1
            line.owed += 1

    def retire(self, key: Hashable, line: Line[C]) -> None:
        """Not to be used any more; closed when its last user has gone."""
        line.retired = True
        if line.timer is not None:
            line.timer.cancel()
            line.timer = None
        if self._lines.get(key) is line:
            del self._lines[key]
        if not line.users:
            line.connection.close()

    def drop(self, key: Hashable, line: Line[C]) -> None:
        """Not to be used any more; closed at once, whoever still uses it."""
        self.retire(key, line)
        line.connection.close()

    def close(self) -> None:
        """Close everything; safe to call twice."""
        for key, line in list(self._lines.items()):
            self.drop(key, line)

    async def _find(
        self, key: Hashable, identity: bytes, keep: bool, deadline: float, open: Callable[[], Awaitable[C]]
    ) -> Line[C]:
        while True:
            line = self._lines.get(key)
            if line is not None:
                if line.connection.alive and line.identity == identity and line.uses < _MOST_USES:
                    return line
                self.retire(key, line)
            pending = self._opening.get(key)
            if pending is None:
                return await self._open(key, identity, keep, open)
            left = deadline - asyncio.get_running_loop().time()
            done, _ = await asyncio.wait({pending}, timeout=max(0.0, left))
            if not done:
                raise TransportFault(
                    Reason.NO_ANSWER, "another question has been waiting for the same connection until the deadline"
                )
            if not pending.cancelled() and isinstance(error := pending.exception(), TransportFault):
                raise type(error)(error.reason, error.message)  # met a moment ago: it would be the same again

    async def _open(self, key: Hashable, identity: bytes, keep: bool, open: Callable[[], Awaitable[C]]) -> Line[C]:
        pending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._opening[key] = pending
        try:
            self._make_room()
            places = CHANNELS if keep else 1
            line = Line(await open(), identity, asyncio.Semaphore(places), keep, capacity=places)
            self._lines[key] = line
            pending.set_result(None)
            return line
        except TransportFault as fault:
            pending.set_exception(fault)
            pending.exception()  # seen, even when nobody waits
            raise
        finally:
            pending.cancel()  # nothing, once it has a result
            del self._opening[key]

    def _make_room(self) -> None:
        idle = [(key, line) for key, line in self._lines.items() if not line.users]
        for key, line in idle[: max(0, len(self._lines) + 1 - self._most)]:
            self.drop(key, line)

    def _released(self, key: Hashable, line: Line[C]) -> None:
        if line.users:
            return
        if line.retired or not line.keep or not line.connection.alive:
            self.drop(key, line)
            return
        self._lines[key] = self._lines.pop(key)  # the order is that of the last use
        line.timer = asyncio.get_running_loop().call_later(self._idle, self.drop, key, line)


async def _place(line: Line[C], deadline: float) -> None:
    try:
        async with asyncio.timeout_at(deadline):
            await line.places.acquire()
    except TimeoutError:
        raise TransportFault(
            Reason.LIMIT, "all places on the connection were taken until the deadline; spread the checks of this target"
        ) from None
