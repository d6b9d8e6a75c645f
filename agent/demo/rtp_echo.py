"""The far end of a call in the demo: what it hears it sends back, as badly as it is told."""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
from dataclasses import dataclass
from typing import Any

_HEADER = 12
"""Octets of an RTP header without contributing sources (RFC 3550, section 5.1)."""
_EXPEDITED = 46 << 2
"""The octet of IP for DSCP EF, with which voice is marked (RFC 3246)."""
_SILENCE = {0: b"\xff", 8: b"\xd5"}
"""A sample of silence by payload type: PCMU and PCMA (RFC 3551, ITU-T G.711)."""
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


class RtpEcho(asyncio.DatagramProtocol):
    """One call's media. The echo keeps sequence and time of what came and has a source identifier of its own."""

    def __init__(self, line: Line) -> None:
        self.heard = 0
        """Packets that came."""
        self.port = 0
        self._line = line
        self._ssrc = secrets.token_bytes(4)
        self._transport: Any = None
        self._control: Any = None
        self._owed = 0.0
        self._last = 0.0
        self._random = random.Random(1)  # noqa: S311 - the same jitter in each call
        self._is_marked: bool | None = None

    async def open(self, host: str) -> None:
        """Listen at an even port, and for RTCP at the next one (RFC 3550, section 11). Raises OSError."""
        loop = asyncio.get_running_loop()
        for _ in range(_TRIES):
            transport, _protocol = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
            port = int(transport.get_extra_info("sockname")[1])
            try:
                if port % 2:
                    raise OSError("an odd port")
                self._control, _ = await loop.create_datagram_endpoint(
                    asyncio.DatagramProtocol, local_addr=(host, port + 1)
                )
            except OSError:
                transport.abort()
                continue
            self._transport, self.port = transport, port
            return
        raise OSError(f"{host} has no two free ports for voice")

    def close(self) -> None:
        """Say no more; safe to call twice."""
        for transport in (self._transport, self._control):
            if transport is not None:
                transport.abort()
        self._transport = self._control = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < _HEADER or data[0] >> 6 != 2:
            return
        self.heard += 1
        line, loop = self._line, asyncio.get_running_loop()
        self._owed += line.loss
        if self._owed >= 1:
            self._owed -= 1
            return
        if line.one_way:
            return
        wait = line.delay + line.jitter * self._random.random()
        if wait <= 0:
            self._send(data, addr)
            return
        self._last = max(self._last + _APART, loop.time() + wait)
        loop.call_at(self._last, self._send, data, addr)

    def _send(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._transport is None:
            return
        if self._is_marked is not self._line.marked:
            self._is_marked = self._line.marked
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED if self._is_marked else 0)
        voice = data[_HEADER:]
        if self._line.mute:
            voice = _SILENCE.get(data[1] & 0x7F, b"\x00") * len(voice)
        self._transport.sendto(data[: _HEADER - 4] + self._ssrc + voice, addr)
