"""A line for one outgoing call: `Calling` with a way to the far end and a clock.

It ends by itself whatever becomes of whoever took it: who goes, is cancelled or fails hangs up by leaving, and the line
lives on in the background until the far end has been told, at most for `LONGEST`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from math import inf

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.sip.calling import Calling
from checks.transports.sip.invitation import Invitation
from checks.transports.sip.wire import Carrier, Wire

LONGEST = 150.0
"""Seconds for which a line outlives its owner at most: whatever the timers say, it is given back then."""
_MOST_CONNECTIONS = 3
_RECONNECT = 5.0
"""Seconds that a further connection may take."""
_PAUSE = 0.5
"""Seconds before it is tried."""

Way = Callable[[float], contextlib.AbstractAsyncContextManager[Wire]]
"""Opens a way to the far end until a deadline (loop time)."""


class Line:
    """Made by `SipTransport.line`."""

    def __init__(self, way: Way, carrier: Carrier, done: Callable[[Line], None]) -> None:
        self._way = way
        self._carrier = carrier
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._stack = contextlib.AsyncExitStack()
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._call: Calling | None = None
        self._broken = False
        self._ended = False
        self._connections = 1
        self._wire: Wire | None = None
        self.fault: TransportFault | None = None
        """What went wrong with the way, last."""

    async def open(self, deadline: float) -> None:
        """Raises TransportFault: REFUSED, NO_ANSWER, UNREACHABLE, LOCAL; CertificateFault."""
        opened: asyncio.Future[None] = self._loop.create_future()
        self._task = self._loop.create_task(self._serve(deadline, opened))
        try:
            await opened
        finally:
            if self._wire is None:
                self._task.cancel()

    @property
    def own(self) -> str:
        """Our end as the far end shall name it: host and port."""
        assert self._wire is not None, "opened before it is used"
        return self._wire.own

    @property
    def unreadable(self) -> str:
        """Why something that came could not be read."""
        return self._wire.unreadable if self._wire is not None else ""

    def invite(self, what: Invitation) -> Calling:
        """Call. What becomes of it stands in the answer; `until` waits for it. Raises NumberRefused."""
        assert self._call is None, "a line is for one call"
        self._call = Calling(what, self.own, self._carrier, self._loop.time())
        self._act()
        return self._call

    def hang_up(self) -> None:
        """The call is no longer wanted; returns at once. Without one the line is given back."""
        if self._call is not None:
            self._call.hang_up(self._loop.time())
            self._act()
            self._loop.call_later(LONGEST, self._give_back)
        else:
            self._give_back()

    async def until(self, condition: Callable[[], bool], deadline: float) -> bool:
        """Whether the condition, on the call or on `fault`, came to hold before the deadline (loop time)."""
        try:
            async with asyncio.timeout_at(deadline):
                while not condition() and not self._ended:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass
        return condition()

    async def settled(self, deadline: float) -> bool:
        """Whether the far end has been told everything before the deadline."""
        call = self._call
        if call is None:
            return True
        return await self.until(lambda: call.settled(self._loop.time()), deadline)

    async def closed(self) -> None:
        """Give the line back, now."""
        self._give_back()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _serve(self, deadline: float, opened: asyncio.Future[None]) -> None:
        """The line's own task: opens the way, and hears what comes in until the call is over."""
        try:
            async with self._stack:
                try:
                    self._wire = await self._stack.enter_async_context(self._way(deadline))
                except TransportFault as error:
                    if not opened.done():
                        opened.set_exception(error)
                    return
                if opened.done():
                    return  # whoever wanted it is gone
                opened.set_result(None)
                await self._listen()
        finally:
            self._stop_timer()
            self._ended = True
            self._changed.set()
            self._done(self)

    async def _listen(self) -> None:
        while not self._broken:
            assert self._wire is not None  # set before this began
            came = await self._wire.inbox.get()
            if isinstance(came, TransportFault):
                await self._failed(came)
            elif self._call is not None:
                self._call.receive(came, self._loop.time())
            self._act()

    async def _failed(self, fault: TransportFault) -> None:
        """The way is at fault. A datagram may get through later; a connection that broke has to be made anew."""
        self.fault = fault
        if self._call is not None:
            self._call.lost(self._loop.time())
        if self._carrier is Carrier.UDP:
            return
        self._broken = True
        while self._owes() and self._connections < _MOST_CONNECTIONS:
            self._connections += 1
            await asyncio.sleep(_PAUSE)
            with contextlib.suppress(TransportFault):
                self._wire = await self._stack.enter_async_context(self._way(self._loop.time() + _RECONNECT))
                self._broken = False
                assert self._call is not None  # it owes something
                self._call.anew(self._wire.own, self._loop.time())
                return

    def _owes(self) -> bool:
        """Whether a far end has still to be told that the call is over."""
        return self._call is not None and not self._call.settled(self._loop.time())

    def _act(self) -> None:
        """Send what is to be sent, and come again when it is time."""
        call, wire = self._call, self._wire
        if call is None or wire is None:
            return
        for octets in call.sends():
            if not self._broken:
                wire.send(octets)
        self._changed.set()
        self._stop_timer()
        now = self._loop.time()
        if call.over(now) and not call.wanted:
            self._give_back()
            return
        wake = call.wake(now)
        if wake < inf:
            self._timer = self._loop.call_at(wake, self._due)

    def _due(self) -> None:
        if self._call is not None:
            self._call.tick(self._loop.time())
            self._act()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_back(self) -> None:
        if self._task is not None:
            self._task.cancel()


def away(line: Line, where: str) -> TransportFault:
    """The fault of a call to which nothing at all came back."""
    if line.fault is not None:
        return line.fault
    if line.unreadable:
        return TransportFault(Reason.NO_ANSWER, f"{where}: what comes back is no SIP message: {line.unreadable}")
    return TransportFault(Reason.NO_ANSWER, f"{where}: no answer to the call")
