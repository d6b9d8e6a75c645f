"""RTCP of one session: when a report is due, what it says, what the other side's say. Pure but for chance.

RFC 3550, section 6.2, lets a session of G.711 report every 360 / 87 = 4.1 s, the first time after half of it. A test
call of 5 to 10 s would then get one round trip or none, so a report goes after 0.5 s and every 2 s: 0.6 kbit/s, 0.7 %
of the call's own 87 kbit/s, where the standard grants 5 %.
"""

from __future__ import annotations

import os
from base64 import b64encode

from checks.media import rtcp
from checks.media.codec import CLOCK_RATE
from checks.media.reception import Reception
from checks.media.xr import VoipMetrics

FIRST, EVERY = 0.5, 2.0
"""Seconds."""
_CHANCE = 0.25
"""The share by which an interval varies, so that calls do not fall into step (section 6.3.5)."""
_MOST_ROUND_TRIPS = 64
_LONGEST_ROUND_TRIP = 10.0
_GRACE = 1.5
"""Seconds after which a report that says nothing of our packets means that they do not arrive."""
_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970. Ours is the monotonic clock: a wall clock that is set would spoil round trips."""


class Control:
    """`ssrc` and `first` are our own source and its first number; `began` is the clock that all times are of."""

    def __init__(self, ssrc: int, first: int, began: float) -> None:
        self._ssrc = ssrc
        self._first = first
        self._began = began
        self._next = began + FIRST
        self._name = b64encode(os.urandom(12)).decode()  # a name for this call alone (RFC 7022)
        self._last_report = 0
        self._last_report_at = 0.0
        self._far: rtcp.Block | None = None
        self._silent = False
        self.received = 0
        self.goodbye = False
        self.round_trips: list[float] = []
        self.far_metrics: VoipMetrics | None = None

    def due(self, now: float) -> bool:
        """Whether a report is to be sent now."""
        if now < self._next:
            return False
        self._next = now + EVERY * (1 - _CHANCE + 2 * _CHANCE * os.urandom(1)[0] / 255)
        return True

    def written(
        self, now: float, timestamp: int, packets: int, octets: int, reception: Reception, goodbye: bool
    ) -> bytes:
        """A compound packet that says how far we are, and what we receive."""
        delay = min(int((now - self._last_report_at) * 65536), 0xFFFFFFFF) if self._last_report else 0
        sent = None
        if packets:
            sent = rtcp.Sent(_ntp(now), timestamp & 0xFFFFFFFF, packets, octets)
        return rtcp.report(self._ssrc, self._name, sent, reception.block(self._last_report, delay), goodbye)

    def take(self, came: rtcp.Compound, at: float) -> None:
        """What the other side says."""
        if came.ssrc == self._ssrc:
            return  # our own report, sent back as it is: it says nothing of anybody else
        self.received += 1
        self._silent = self._silent or at - self._began >= _GRACE
        self.goodbye = self.goodbye or bool(came.goodbyes)
        if came.sent is not None:
            self._last_report, self._last_report_at = rtcp.middle(came.sent.ntp), at
        for block in came.blocks:
            if block.ssrc == self._ssrc:
                self._far = block
                took = rtcp.round_trip(rtcp.middle(_ntp(at)), block)
                if took is not None and took <= _LONGEST_ROUND_TRIP and len(self.round_trips) < _MOST_ROUND_TRIPS:
                    self.round_trips.append(took)
        for metrics in came.metrics:
            if metrics.ssrc == self._ssrc:
                self.far_metrics = metrics

    @property
    def far_hears(self) -> bool | None:
        """Whether its reports speak of our packets: False when one that should does not."""
        if self._far is not None:
            return True
        return False if self._silent else None

    @property
    def far_loss_ratio(self) -> float | None:
        """The share of our packets that the other side misses, up to its last report."""
        if self._far is None:
            return None
        expected = (self._far.highest & 0xFFFF) - self._first + 1
        return min(1.0, max(0, self._far.lost) / expected) if expected > 0 else None

    @property
    def far_jitter_seconds(self) -> float | None:
        return None if self._far is None else self._far.jitter / CLOCK_RATE


def _ntp(seconds: float) -> int:
    return rtcp.ntp(seconds + _EPOCH)
