"""`RtpTransport`: media sessions for calls, at most so many at once, in one thread that lives while there are any."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.names import Address, numeric
from checks.transports.rtp.codec import Codec
from checks.transports.rtp.reception import BUFFER_SECONDS
from checks.transports.rtp.report import MediaReport
from checks.transports.rtp.sdp import not_for_sound
from checks.transports.rtp.session import Course, Session
from checks.transports.rtp.sockets import pair
from checks.transports.rtp.thread import MediaThread

PORTS = range(16_384, 16_584, 2)
"""Even ports at which sound is received; a firewall must let UDP 16384 to 16583 in from the other side."""
MOST = 50
"""Calls at once."""
_LONGEST = 300.0
"""Seconds of sending, whatever the deadline."""


class Media:
    """One call's sound. `port` and `port + 1` are ours until the block of `opened` ends."""

    def __init__(self, thread: MediaThread, session: Session, address: Address, port: int, deadline: float) -> None:
        self._thread = thread
        self._session = session
        self._address = address
        self._deadline = deadline
        self._started = False
        self.port = port

    def start(
        self,
        remote: tuple[str, int],
        remote_rtcp: tuple[str, int] | None,
        codec: Codec,
        buffer_seconds: float = BUFFER_SECONDS,
    ) -> None:
        """Send a tone to the address of the SDP answer, until `stop` or the deadline, and measure what comes back.

        Raises TransportFault: PROTOCOL when no sound may go there.
        """
        assert not self._started, "a session starts once"
        for place in (remote, remote_rtcp):
            if place is not None:
                self._look_at(place[0])
        self._started = True
        until = min(self._deadline, asyncio.get_running_loop().time() + _LONGEST)
        course = Course(remote, remote_rtcp, codec, until, buffer_seconds)
        self._thread.post(lambda: self._thread.begin(self._session, course))

    async def stop(self) -> MediaReport:
        """Say goodbye and give what was measured; the same when asked again."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[MediaReport] = loop.create_future()

        def finish() -> None:
            report = self._session.finish()
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
                loop.call_soon_threadsafe(_give, future, report)

        self._thread.post(finish)
        return await future

    def _look_at(self, host: str) -> None:
        """Refuse an address that is none for sound, or that our own cannot reach by any network."""
        far = numeric(host)
        if far is None:
            raise TransportFault(Reason.PROTOCOL, "the answer wants sound at something that is no numeric address")
        why = not_for_sound(far.ip)
        if not why and far.family != self._address.family:
            why = "of another family than ours"
        if (
            not why
            and ipaddress.ip_address(far.ip).is_loopback
            and not ipaddress.ip_address(self._address.ip).is_loopback
        ):
            why = "this machine's own loopback"
        if why:
            raise TransportFault(Reason.PROTOCOL, f"the answer wants sound at {far.ip}, which is {why}")


class RtpTransport:
    """Holds no thread and no socket while there is no call."""

    def __init__(self, most: int = MOST, ports: range = PORTS) -> None:
        self._most = most
        self._ports = ports
        self._next = 0
        self._open = 0
        self._thread: MediaThread | None = None

    @contextlib.asynccontextmanager
    async def opened(self, local_ip: str, deadline: float) -> AsyncIterator[Media]:
        """Two ports at that address of this machine, for one call, given back at the end whatever happens.

        Nothing is sent after `deadline` (loop time). Raises TransportFault: LIMIT when too many calls are under way,
        LOCAL when there is no port or no such address.
        """
        address = numeric(local_ip)
        if address is None or not_for_sound(address.ip):
            raise TransportFault(Reason.LOCAL, f"{local_ip[:60]} is no address at which sound could be received")
        if self._open >= self._most:
            raise TransportFault(Reason.LIMIT, f"{self._most} test calls are under way already; no more are made")
        rtp, rtcp = pair(address, self._in_turn())
        port: int = rtp.getsockname()[1]
        self._next = (self._ports.index(port) + 1) % len(self._ports)
        session = Session(rtp, rtcp)
        thread = self._thread = self._thread or MediaThread()
        self._open += 1
        try:
            yield Media(thread, session, address, port, deadline)
        finally:
            self._open -= 1
            thread.post(session.finish)
            if not self._open and self._thread is not None:
                thread.stop()
                self._thread = None

    async def close(self) -> None:
        """End every session and the thread; safe to call twice."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None

    def _in_turn(self) -> list[int]:
        """The ports, that which was used last at the end: late packets of one call do not come into the next."""
        return [*self._ports[self._next :], *self._ports[: self._next]]


def _give(future: asyncio.Future[MediaReport], report: MediaReport) -> None:
    if not future.done():
        future.set_result(report)
