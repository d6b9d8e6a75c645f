"""All that one session receives: which sources prove themselves, and their sums. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.media.codec import CLOCK_RATE
from checks.media.packet import Packet
from checks.media.rtcp import Block
from checks.media.source import MAX_DROPOUT, Source

BUFFER_SECONDS = 0.06
"""The jitter buffer that is thought of: three packets, as phones have."""
_MOST_SOURCES = 16
_MOST_WAITING = 64
"""Packets of sources that have not proved themselves yet."""


@dataclass(slots=True)
class _Candidate:
    """A source on probation (appendix A.1): two packets in a row make it one; what came before counts then."""

    next: int
    waiting: list[tuple[int, int, float]] = field(default_factory=list)


class Reception:
    """Takes packets in the order of their arrival, with their times in seconds of any clock."""

    def __init__(self, buffer_seconds: float = BUFFER_SECONDS) -> None:
        self._buffer = buffer_seconds
        self._candidates: dict[int, _Candidate] = {}
        self._current: dict[int, Source] = {}
        self.sources: list[Source] = []
        """Every source that proved itself, in the order in which they did."""
        self.restarts = 0
        self.unproven = 0
        """Packets of sources that never did."""

    def take(self, packet: Packet, at: float) -> None:
        """One packet."""
        source = self._current.get(packet.ssrc)
        if source is None:
            self._on_probation(packet, at)
            return
        extended = source.place(packet.sequence)
        if extended is not None:
            source.suspect = None
            source.take(extended, packet.timestamp, at)
        elif source.suspect == packet.sequence:
            self.restarts += 1
            self._begin(packet.ssrc, packet.sequence, packet.timestamp, at)
        else:
            source.suspect = packet.sequence + 1 & 0xFFFF
            self.unproven += 1

    def block(self, last_report: int = 0, delay: int = 0) -> Block | None:
        """What a receiver report says of the source that came last."""
        if not self.sources:
            return None
        source = max(self._current.values(), key=lambda one: one.last_at)
        lost = max(-(1 << 23), min((1 << 23) - 1, source.lost))
        return Block(
            source.ssrc, source.fraction_lost(), lost, source.highest & 0xFFFFFFFF,
            min(int(source.jitter), 0xFFFFFFFF), last_report, delay,
        )  # fmt: skip

    @property
    def received(self) -> int:
        return sum(source.received for source in self.sources)

    @property
    def jitter_seconds(self) -> float | None:
        """The worst source's, at the end."""
        return max((source.jitter for source in self.sources), default=0.0) / CLOCK_RATE if self.sources else None

    @property
    def worst_jitter_seconds(self) -> float | None:
        return max(source.worst_jitter for source in self.sources) / CLOCK_RATE if self.sources else None

    @property
    def ssrc_changes(self) -> int:
        return max(0, len({source.ssrc for source in self.sources}) - 1)

    def burst_ratio(self, missing_at_end: int = 0) -> float:
        """Average length of the gaps over that of random loss: 1 / (1 - p); 1 where nothing is missing."""
        gaps = [gap for source in self.sources for gap in source.gaps()]
        if missing_at_end:
            gaps.append(missing_at_end)
        expected = sum(source.expected for source in self.sources) + missing_at_end
        if not gaps or not expected:
            return 1.0
        unheard = sum(gaps)
        return max(1.0, unheard / len(gaps) * (1 - unheard / expected))

    def _on_probation(self, packet: Packet, at: float) -> None:
        candidate = self._candidates.get(packet.ssrc)
        came = (packet.sequence, packet.timestamp, at)
        if candidate is None:
            while len(self._candidates) >= _MOST_SOURCES:
                del self._candidates[next(iter(self._candidates))]
            candidate = self._candidates[packet.ssrc] = _Candidate(-1)
        self.unproven += 1
        proved = candidate.next == packet.sequence and len(self.sources) < _MOST_SOURCES
        candidate.next = packet.sequence + 1 & 0xFFFF
        candidate.waiting.append(came)
        if not proved:
            del candidate.waiting[:-_MOST_WAITING]
            return
        del self._candidates[packet.ssrc]
        near = [one for one in candidate.waiting if _near(one[0], packet.sequence)]
        self.unproven -= len(near)
        source = self._begin(packet.ssrc, *near[0])
        for sequence, timestamp, when in near[1:]:
            extended = source.place(sequence)
            if extended is not None:
                source.take(extended, timestamp, when)

    def _begin(self, ssrc: int, sequence: int, timestamp: int, at: float) -> Source:
        source = self._current[ssrc] = Source(ssrc, sequence, timestamp, at, self._buffer)
        if len(self.sources) < _MOST_SOURCES:
            self.sources.append(source)
        return source


def _near(one: int, other: int) -> bool:
    distance = (one - other) & 0xFFFF
    return min(distance, 0x10000 - distance) < MAX_DROPOUT
