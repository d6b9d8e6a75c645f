"""A line for calls that loses, delays, shuffles and doubles packets as it is told, and keeps account of what it did."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from testbeds.datagrams import OnLoopback, Place


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to RTP in one direction; RTCP is delayed alike, and lost only where nothing passes. Seconds."""

    loss: float = 0.0
    """The share that is lost."""
    burst: float = 1.0
    """Lost packets in a row, on average."""
    delay: float = 0.0
    jitter: float = 0.0
    """Up to so much more, at random."""
    spikes: float = 0.0
    """The share that takes `spike` longer."""
    spike: float = 0.0
    duplicates: float = 0.0
    """The share that comes twice."""
    blocked: bool = False


@dataclass(slots=True)
class Carried:
    """One RTP packet as it came to the line, and when it left it: never, once or twice."""

    sequence: int
    timestamp: int
    came: float
    left: list[float] = field(default_factory=list)


class _End(OnLoopback):
    """One port of one side."""

    def __init__(self) -> None:
        super().__init__()
        self.other: _End
        self.weather = Weather()
        self.to: Place | None = None
        self.rtcp = False
        self.log: list[Carried] = []
        """What came in here, and what was made of it at the other end; of RTCP the numbers mean nothing."""
        self._chance = random.Random(20)
        self._losing = False

    def datagram_received(self, data: bytes, addr: Place) -> None:
        came = Carried(int.from_bytes(data[2:4]), int.from_bytes(data[4:8]), time.monotonic())
        self.log.append(came)
        for delay in self._delays():
            asyncio.get_running_loop().call_later(delay, self._pass_on, data, came)

    def _pass_on(self, data: bytes, came: Carried) -> None:
        if self.other.to is not None:
            came.left.append(time.monotonic())
            self.other.send(data, self.other.to)

    def _delays(self) -> Sequence[float]:
        weather, chance = self.weather, self._chance
        if weather.blocked:
            return ()
        if self.rtcp:
            return (weather.delay,)
        if self._lost():
            return ()
        delay = weather.delay + chance.uniform(0, weather.jitter)
        delay += weather.spike if chance.random() < weather.spikes else 0.0
        return (delay, delay) if chance.random() < weather.duplicates else (delay,)

    def _lost(self) -> bool:
        """Gilbert's chain of two states: as often into it that the share is right, out of it after `burst` packets."""
        weather = self.weather
        stay = 1 - 1 / weather.burst
        into = weather.loss * (1 - stay) / (1 - weather.loss)
        self._losing = self._chance.random() < (stay if self._losing else into)
        if weather.burst == 1.0:
            self._losing = self._chance.random() < weather.loss
        return self._losing


class Line:
    """Two sides, each with a port for RTP and one for RTCP."""

    def __init__(self, near: tuple[_End, _End], far: tuple[_End, _End]) -> None:
        self._near = near
        self._far = far

    @property
    def near(self) -> tuple[Place, Place]:
        """Where the caller sends to."""
        return ("127.0.0.1", self._near[0].port), ("127.0.0.1", self._near[1].port)

    @property
    def far(self) -> tuple[Place, Place]:
        """Where the one that is called sends to."""
        return ("127.0.0.1", self._far[0].port), ("127.0.0.1", self._far[1].port)

    def join(self, near: int, far: int) -> None:
        """Both ends' ports for RTP; RTCP is at the next."""
        for number in (0, 1):
            self._near[number].to = ("127.0.0.1", near + number)
            self._far[number].to = ("127.0.0.1", far + number)

    @property
    def there(self) -> list[Carried]:
        """What the caller sent."""
        return self._near[0].log

    @property
    def back(self) -> list[Carried]:
        """What was sent to the caller."""
        return self._far[0].log

    @property
    def round_trip(self) -> float | None:
        """Seconds that RTCP was on the line, there and back; None where it passed one way at most."""
        ways = [[one.left[0] - one.came for one in ends[1].log if one.left] for ends in (self._near, self._far)]
        return sum(statistics.median(way) for way in ways) if all(ways) else None


@asynccontextmanager
async def line(there: Weather, back: Weather) -> AsyncIterator[Line]:
    """A line with this weather from the caller, and that weather to the caller."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        ends: list[_End] = []
        for _ in range(4):
            transport, end = await loop.create_datagram_endpoint(_End, local_addr=("127.0.0.1", 0))
            stack.callback(transport.abort)
            ends.append(end)
        near_rtp, near_rtcp, far_rtp, far_rtcp = ends
        for one, other in ((near_rtp, far_rtp), (near_rtcp, far_rtcp)):
            one.other, other.other = other, one
            one.weather, other.weather = there, back
        near_rtcp.rtcp = far_rtcp.rtcp = True
        yield Line((near_rtp, near_rtcp), (far_rtp, far_rtcp))
        await asyncio.sleep(0)
