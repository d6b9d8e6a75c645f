"""One synchronisation source as it is received: what is missing, late, double, out of order, and its jitter. Pure.

RFC 3550, appendix A.1 (numbers), A.3 (loss), A.8 (jitter); reordering as RFC 4737 has it. The jitter buffer that is
thought of is a fixed one: a packet that took longer than the fastest so far by more than the buffer is late.
"""

from __future__ import annotations

import re

from checks.media.codec import CLOCK_RATE

MAX_DROPOUT = 3000
"""Numbers that may be missing in a row; a larger leap is a new beginning."""
MAX_MISORDER = 100
LONGEST = 65_536
"""Numbers that are kept account of: 20 minutes, and no call is nearly so long."""
_MISSING, _HEARD, _LATE = 0, 1, 2
_GAPS = re.compile(b"\0+")
_AS_HEARD = bytes((0, 1, 0)) + bytes(range(3, 256))
"""A late packet is as good as none to an ear."""
_ANEW = 50
"""So many late packets in a row with the same delay, and a buffer has got used to it: the path is another one."""


class Source:
    """One SSRC from its first packet on, or from the one where its numbers began anew."""

    __slots__ = (
        "_buffer",
        "_delay_run",
        "_fastest",
        "_marks",
        "_transit",
        "base",
        "duplicates",
        "expected_prior",
        "highest",
        "jitter",
        "last_at",
        "last_timestamp",
        "late_run",
        "received",
        "received_prior",
        "reordered",
        "ssrc",
        "suspect",
        "worst_jitter",
    )  # fmt: skip

    def __init__(self, ssrc: int, sequence: int, timestamp: int, at: float, buffer_seconds: float) -> None:
        self.ssrc = ssrc
        self.base = sequence
        """The extended number of the first."""
        self.highest = sequence
        self.received = 1
        self.duplicates = 0
        self.reordered = 0
        self.jitter = 0.0
        """In units of the timestamp, as all times here."""
        self.worst_jitter = 0.0
        self.last_at = at
        self.last_timestamp = timestamp
        self.suspect: int | None = None
        """The number after one that leapt: if it comes, the source began anew."""
        self.late_run = 0
        self.expected_prior = 0
        self.received_prior = 0
        self._delay_run = (0.0, 0.0)
        self._transit = 0.0
        self._fastest = 0.0
        self._buffer = buffer_seconds * CLOCK_RATE
        self._marks = bytearray((_HEARD,))

    def place(self, sequence: int) -> int | None:
        """The extended number of a packet; None when it has leapt too far to belong here."""
        ahead = (sequence - self.highest) & 0xFFFF
        extended = self.highest + (ahead if ahead < 0x8000 else ahead - 0x10000)
        if not -MAX_MISORDER <= extended - self.highest < MAX_DROPOUT or extended - self.base >= LONGEST:
            return None
        return extended

    def take(self, extended: int, timestamp: int, at: float) -> bool:
        """A packet by its extended number and its time of arrival; False for one that had come already."""
        late = self._timed(timestamp, at)
        index = extended - self.base
        if index < 0:  # the first that came was not the first that was sent
            self._marks[0:0] = bytes(-index)
            self.base, index = extended, 0
        elif index >= len(self._marks):
            self._marks.extend(bytes(index + 1 - len(self._marks)))
        elif self._marks[index] != _MISSING:
            self.duplicates += 1
            return False
        self._marks[index] = _LATE if late else _HEARD
        self.received += 1
        if extended > self.highest:
            self.highest = extended
        else:
            self.reordered += 1
        return True

    @property
    def expected(self) -> int:
        """Packets from the first to the highest."""
        return self.highest - self.base + 1

    @property
    def lost(self) -> int:
        return self.expected - self.received

    @property
    def late(self) -> int:
        return self._marks.count(_LATE)

    def gaps(self) -> list[int]:
        """The lengths of the gaps that an ear hears."""
        return [len(gap) for gap in _GAPS.findall(bytes(self._marks).translate(_AS_HEARD))]

    def fraction_lost(self) -> int:
        """Of 256, since this was asked before (appendix A.3)."""
        expected, received = self.expected - self.expected_prior, self.received - self.received_prior
        self.expected_prior, self.received_prior = self.expected, self.received
        lost = expected - received
        return min(255, (lost << 8) // expected) if expected > 0 and lost > 0 else 0

    def _timed(self, timestamp: int, at: float) -> bool:
        """Bring jitter and delay up to date; whether the packet is too late."""
        units = (timestamp - self.last_timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        difference = (at - self.last_at) * CLOCK_RATE - units
        self.last_at, self.last_timestamp = at, timestamp
        self.jitter += (abs(difference) - self.jitter) / 16
        self.worst_jitter = max(self.worst_jitter, self.jitter)
        self._transit += difference
        self._fastest = min(self._fastest, self._transit)
        if self._transit - self._fastest <= self._buffer:
            self.late_run = 0
            return False
        least, most = self._delay_run if self.late_run else (self._transit, self._transit)
        self._delay_run = min(least, self._transit), max(most, self._transit)
        self.late_run += 1
        if self.late_run >= _ANEW:
            least, most = self._delay_run
            if most - least <= self._buffer:
                self._fastest = least
            self.late_run = 0
        return True
