"""The far end of a call in the demo: what it hears it sends back, as badly as it is told."""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
import time
from dataclasses import dataclass, field
from typing import Any

from checks.media import packet as wire
from checks.media import rtcp
from checks.media.codec import Codec, silence
from checks.media.control import Control
from checks.media.packet import Packet, RtpSyntaxError
from checks.media.reception import Reception
from checks.media.sockets import EXPEDITED

_TRIES = 100
_APART = 0.000_1
"""Seconds between two packets that leave late: the event loop keeps no order among those of the same moment."""


@dataclass(slots=True)
class Line:
    """How well the echo comes back; may be changed during a call."""

    loss: float = 0.0
    """Share of packets that do not come back. They are spread evenly, so that a second of it is like any other."""
    delay: float = 0.0
    """Seconds that each waits."""
    jitter: float = 0.0
    """Seconds that some wait longer, at most. None overtakes another."""
    one_way: bool = False
    """Nothing comes back."""
    mute: bool = False
    """Silence comes back."""
    marked: bool = True
    """The echo is marked EF; without, a router has cleared the mark."""


@dataclass(slots=True)
class Manner:
    """How an endpoint behaves; may be changed at any time, from any thread."""

    silent: bool = False
    """It takes questions and answers none, and nothing of its calls is heard: it is dead, or its cable is out."""
    status: int | None = None
    """The answer to every OPTIONS, REGISTER and INVITE; 503 has a Retry-After."""
    rings: float = 0.1
    """Seconds from 180 to 200."""
    line: Line = field(default_factory=Line)


class RtpEcho(asyncio.DatagramProtocol):
    """One call's media. The echo keeps number and time of what came and has a source of its own; RTCP is answered."""

    def __init__(self, manner: Manner, codec: Codec) -> None:
        self.port = 0
        self._manner = manner
        self._line = manner.line
        self._codec = codec
        self._ssrc = secrets.randbits(32)
        self._reception = Reception()
        self._control: Control | None = None
        self._rtp: Any = None
        self._rtcp: Any = None
        self._sent = self._octets = self._timestamp = 0
        self._owed = self._last = 0.0
        self._random = random.Random(1)  # noqa: S311 - the same jitter in each call
        self._is_marked: bool | None = None

    async def open(self, host: str) -> None:
        """Listen at an even port, and for RTCP at the next one (RFC 3550, section 11). Raises OSError."""
        loop = asyncio.get_running_loop()
        for _ in range(_TRIES):
            rtp, _protocol = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
            port = int(rtp.get_extra_info("sockname")[1])
            try:
                if port % 2:
                    raise OSError("an odd port")
                self._rtcp, _ = await loop.create_datagram_endpoint(lambda: _Reports(self), local_addr=(host, port + 1))
            except OSError:
                rtp.abort()
                continue
            self._rtp, self.port = rtp, port
            return
        raise OSError(f"{host} has no two free ports for voice")

    def close(self) -> None:
        """Say no more; safe to call twice."""
        for transport in (self._rtp, self._rtcp):
            if transport is not None:
                transport.abort()
        self._rtp = self._rtcp = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A packet of voice."""
        if self._manner.silent:
            return
        try:
            packet = wire.parsed(data)
        except RtpSyntaxError:
            return
        self._reception.take(packet, time.monotonic())
        self._owed += self._line.loss
        if self._owed >= 1:
            self._owed -= 1
            return
        if self._line.one_way:
            return
        wait = self._line.delay + self._line.jitter * self._random.random()
        if wait <= 0:
            self._send(packet, addr)
            return
        loop = asyncio.get_running_loop()
        self._last = max(self._last + _APART, loop.time() + wait)
        loop.call_at(self._last, self._send, packet, addr)

    def report_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A report of the caller's, which is answered at once: a short call then knows its round trip."""
        try:
            told = rtcp.parsed(data)
        except RtpSyntaxError:
            return
        if self._manner.silent:
            return
        now = time.monotonic()
        if self._control is None:
            self._control = Control(self._ssrc, 0, now)
        self._control.take(told, now)
        answer = self._control.written(now, self._timestamp, self._sent, self._octets, self._reception, goodbye=False)
        self._rtcp.sendto(answer, addr)

    def _send(self, packet: Packet, addr: tuple[str, int]) -> None:
        if self._rtp is None:
            return
        if self._is_marked is not self._line.marked:
            self._is_marked = self._line.marked
            raw = self._rtp.get_extra_info("socket")
            raw.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, EXPEDITED if self._is_marked else 0)
        voice = silence(self._codec)[: len(packet.payload)] if self._line.mute else packet.payload
        head = wire.header(packet.payload_type, packet.marker, packet.sequence, packet.timestamp, self._ssrc)
        self._rtp.sendto(head + voice, addr)
        self._sent, self._octets, self._timestamp = self._sent + 1, self._octets + len(voice), packet.timestamp


class _Reports(asyncio.DatagramProtocol):
    def __init__(self, echo: RtpEcho) -> None:
        self._echo = echo

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._echo.report_received(data, addr)
