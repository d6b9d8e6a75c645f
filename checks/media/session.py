"""One call's sound: 20 ms packets of a tone go out at their moments, what comes back is measured and forgotten.

Nothing of what is heard is kept; nothing is ever sent but to the address of the SDP answer.
"""

from __future__ import annotations

import errno
import math
import os
import socket
import struct
import time
from array import array
from collections import Counter
from dataclasses import dataclass

from checks.media import packet as wire
from checks.media import rtcp
from checks.media.codec import CLOCK_RATE, PACKET_SECONDS, SAMPLES, Codec, tone
from checks.media.control import Control
from checks.media.listening import Listening
from checks.media.packet import RtpSyntaxError
from checks.media.reception import BUFFER_SECONDS, Reception
from checks.media.report import Heard, MediaReport
from checks.media.sockets import Datagram, errors_told, received

_MOST_AT_ONCE = 64
"""Datagrams read in 20 ms: more are a flood, and stay with the kernel."""
_MOST_STALE = 4096
_TOO_LATE = 5 * PACKET_SECONDS
"""A packet of ours that is so late is left out, rather than sent in a burst with those behind it."""
_CHANCE = 0.2
"""Seconds of silence at the end that may be chance."""
_OLDEST = 1.0
"""Seconds for which a datagram may have waited in the kernel; anything else is a clock that was set."""


Place = tuple[str, int] | tuple[str, int, int, int]
"""A socket address with a numeric host."""


@dataclass(frozen=True, slots=True)
class Course:
    """Where a session's sound goes, and how it is judged."""

    remote: Place
    remote_rtcp: Place | None
    codec: Codec
    until: float
    """Monotonic seconds, after which nothing is sent any more."""
    buffer_seconds: float = BUFFER_SECONDS


class Session:
    """`act` is called at its moments, `finish` at the end."""

    def __init__(self, rtp: socket.socket, rtcp_socket: socket.socket, course: Course, first: float) -> None:
        """Sends from `first` on (monotonic seconds). What came before now is early media, and dropped."""
        self._rtp = rtp
        self._rtcp = rtcp_socket
        self._course = course
        self._report: MediaReport | None = None
        self._due = first
        self._began = time.monotonic()
        self._ssrc, self._timestamp, first_number = struct.unpack("IIH", os.urandom(10))
        self._first = self._sequence = first_number >> 1  # numbers do not start anew within a call
        self._marker = True
        self._payload_type = course.codec.payload_type
        self._tone = tone(course.codec)
        self._sent_at: array[float] = array("d")
        self._lateness: array[float] = array("d")
        self._control = Control(self._ssrc, self._first, self._began)
        self._reception = Reception(course.buffer_seconds)
        self._listening = Listening(course.codec)
        self._reflected: list[float] = []
        self._marks: Counter[int] = Counter()
        self._skipped = self._nobody_there = self._foreign = self._unreadable = self._other = 0
        self._foreign_address: str | None = None
        self._send_error: str | None = None
        self._first_at: float | None = None
        self._last_at, self._longest_gap = self._began, 0.0
        for opened in (self._rtp, self._rtcp):
            for _ in range(_MOST_STALE):
                if self._read(opened) is None:
                    break

    def act(self, now: float) -> float:
        """What is due: a packet, reading, a report. Gives the next moment."""
        if now >= self._course.until:
            self._hear()
            return now + PACKET_SECONDS
        behind = now - self._due
        if behind > _TOO_LATE:
            missed = int(behind / PACKET_SECONDS)
            self._skipped += missed
            self._due += missed * PACKET_SECONDS
            self._timestamp += missed * SAMPLES
            self._marker = True
        self._send()
        self._timestamp += SAMPLES
        self._due += PACKET_SECONDS
        self._hear()
        if self._control.due(now):
            self._tell()
        return self._due

    def finish(self) -> MediaReport:
        """Read what is there, say goodbye, close, and give the report; the same one when asked again."""
        if self._report is None:
            self._hear()
            self._report = self._measured(time.monotonic())
            self._tell(goodbye=True)
            self._rtp.close()
            self._rtcp.close()
        return self._report

    def _send(self) -> None:
        head = wire.header(self._payload_type, self._marker, self._sequence, self._timestamp, self._ssrc)
        now = time.monotonic()
        self._sent_at.append(now)
        self._lateness.append(now - self._due)
        self._sequence += 1
        self._marker = False
        self._to(self._rtp, head + self._tone, self._course.remote)

    def _to(self, opened: socket.socket, octets: bytes, place: Place) -> None:
        """Send; an error that ICMP told of an earlier packet is counted, and does not cost this one."""
        for _ in range(2):
            try:
                opened.sendto(octets, place)
            except OSError as error:
                if error.errno == errno.ECONNREFUSED:
                    self._nobody_there += errors_told(opened) or 1
                    continue
                self._send_error = self._send_error or errno.errorcode.get(error.errno or 0, str(error.errno))
                errors_told(opened)
            return

    def _read(self, opened: socket.socket) -> Datagram | None:
        try:
            return received(opened)
        except OSError:
            self._nobody_there += errors_told(opened) or 1
            return None

    def _hear(self) -> None:
        """Take what came since the last time, by the kernel's clock brought to ours."""
        wall, now = time.time(), time.monotonic()
        for _ in range(_MOST_AT_ONCE):
            came = self._read(self._rtp)
            if came is None:
                break
            self._take(came, _arrival(came, wall, now))
        for _ in range(4):
            came = self._read(self._rtcp)
            if came is None:
                break
            self._take_rtcp(came, _arrival(came, wall, now))

    def _take(self, came: Datagram, at: float) -> None:
        if at < self._began:
            return
        if came.address != self._course.remote[0]:
            self._foreign += 1
            self._foreign_address = self._foreign_address or came.address
            return
        if wire.is_rtcp(came.octets):
            self._take_rtcp(came, at)
            return
        try:
            packet = wire.parsed(came.octets)
        except RtpSyntaxError:
            self._unreadable += 1
            return
        if came.dscp is not None:
            self._marks[came.dscp] += 1
        if self._first_at is None:
            self._first_at = at
        self._longest_gap = max(self._longest_gap, at - self._last_at)
        self._last_at = max(at, self._last_at)
        self._reception.take(packet, at)
        if packet.ssrc == self._ssrc:
            number = packet.sequence - self._first
            if 0 <= number < len(self._sent_at):
                self._reflected.append(at - self._sent_at[number])
        if packet.payload_type == self._payload_type:
            self._listening.take(packet.payload)
        else:
            self._other += 1

    def _take_rtcp(self, came: Datagram, at: float) -> None:
        if at < self._began:
            return
        far_rtcp = self._course.remote_rtcp or self._course.remote
        if came.address not in (self._course.remote[0], far_rtcp[0]):
            self._foreign += 1
            self._foreign_address = self._foreign_address or came.address
            return
        try:
            self._control.take(rtcp.parsed(came.octets), at)
        except RtpSyntaxError:
            self._unreadable += 1

    def _tell(self, goodbye: bool = False) -> None:
        now = time.monotonic()
        sent = len(self._sent_at)
        timestamp = self._timestamp + round((now - self._due) * CLOCK_RATE)
        octets = self._control.written(now, timestamp, sent, sent * SAMPLES, self._reception, goodbye)
        if self._course.remote_rtcp is not None:
            self._to(self._rtcp, octets, self._course.remote_rtcp)

    def _measured(self, now: float) -> MediaReport:
        """The report at `now`."""
        reception, control = self._reception, self._control
        silent = max(0.0, min(now, self._course.until) - self._last_at)  # after its end an echo has nothing to send
        cut_off = silent if reception.received and silent > _CHANCE else 0.0
        missing = round(cut_off / PACKET_SECONDS)
        sources = reception.sources
        late = sorted(self._lateness)
        return MediaReport(
            sent=len(self._sent_at),
            seconds=now - self._began,
            received=reception.received,
            lost=sum(source.lost for source in sources) + missing,
            duplicates=sum(source.duplicates for source in sources),
            reordered=sum(source.reordered for source in sources),
            late=sum(source.late for source in sources),
            burst_ratio=reception.burst_ratio(missing),
            foreign=self._foreign,
            foreign_address=self._foreign_address,
            unreadable=self._unreadable + reception.unproven,
            other_payload=self._other,
            ssrc_changes=reception.ssrc_changes,
            restarts=reception.restarts,
            jitter_seconds=reception.jitter_seconds,
            worst_jitter_seconds=reception.worst_jitter_seconds,
            round_trip_seconds=_middle(self._reflected or control.round_trips),
            reflected=bool(self._reflected),
            far_hears=True if self._reflected else control.far_hears,
            far_loss_ratio=control.far_loss_ratio,
            far_jitter_seconds=control.far_jitter_seconds,
            far_metrics=control.far_metrics,
            rtcp_received=control.received,
            goodbye=control.goodbye,
            dscp=tuple(self._marks.most_common(8)),
            heard=self._listening.heard if reception.received else Heard.NOTHING,
            sound_ratio=self._listening.loud / self._listening.listened if self._listening.listened else None,
            first_packet_after_seconds=None if self._first_at is None else self._first_at - self._began,
            longest_gap_seconds=max(self._longest_gap, silent),
            cut_off_seconds=cut_off,
            nobody_there=self._nobody_there,
            send_error=self._send_error,
            skipped=self._skipped,
            lateness_p50_seconds=_quantile(late, 0.5),
            lateness_p99_seconds=_quantile(late, 0.99),
        )


def _arrival(came: Datagram, wall: float, now: float) -> float:
    """When it came, by our clock, from the time that it waited by the kernel's; `now` where that cannot be."""
    waited = wall - came.arrived
    return now - waited if abs(waited) <= _OLDEST else now


def _middle(values: list[float]) -> float | None:
    return _quantile(sorted(values), 0.5)


def _quantile(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, math.floor(share * len(ordered)))] if ordered else None
