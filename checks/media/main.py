"""The life of the process: one loop that wakes when a packet is due or a call begins.

What comes back wakes nobody: it is read when the next packet goes out, since the kernel has stamped its arrival. So a
flood wakes nobody either, and twenty calls cost a thousand wake-ups a second.
"""

from __future__ import annotations

import contextlib
import gc
import heapq
import json
import os
import select
import socket
import time
from dataclasses import asdict
from itertools import count

from checks.launcher.proc import NAME, be_first_to_go, prctl
from checks.media.codec import PACKET_SECONDS, Codec, tone
from checks.media.report import MediaReport
from checks.media.session import Course, Session

LARGEST_ORDER = 4096
_GOLDEN = 0.6180339887498949
"""Multiples of it, without their whole part, lie as far from one another as can be."""


def main(number: int) -> None:
    """Take calls from the socket `number` until the agent has gone."""
    control = socket.socket(fileno=number)
    os.set_inheritable(number, False)
    control.setblocking(False)
    prctl(NAME, b"ridgeway-media")
    be_first_to_go()
    for codec in Codec:
        tone(codec)  # which takes a packet's time: not while others wait for theirs
    gc.freeze()
    Calls(control).serve()


class Call:
    """A session, and the agent's line to it: when the agent ends it, the report goes back."""

    def __init__(self, line: socket.socket, session: Session) -> None:
        self._line = line
        self._session = session

    def act(self, now: float) -> float | None:
        """The session's next moment; None when the call is over."""
        try:
            self._line.recv(1)
        except BlockingIOError:
            return self._session.act(now)
        except OSError:
            pass  # the agent has gone, which ends the call as well
        self.end()
        return None

    def end(self) -> None:
        """Say goodbye to the other side, and to the agent what was measured."""
        report = self._session.finish()
        with contextlib.suppress(OSError):  # nobody waits for it any more
            self._line.send(written(report))
        self._line.close()


class Calls:
    """All calls by their next moments."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._moments: list[tuple[float, int, Call]] = []
        self._numbers = count()

    def serve(self) -> None:
        """Until the agent has gone; then every call ends."""
        going = True
        while going:
            left = max(0.0, self._moments[0][0] - time.monotonic()) if self._moments else None
            ready, _, _ = select.select((self._control,), (), (), left)
            if ready:
                going = self._begin()
            self._act()
        for _, _, call in self._moments:
            call.end()

    def _begin(self) -> bool:
        """Take a call over; False when there is nobody any more to give one."""
        try:
            order, handed, _, _ = socket.recv_fds(self._control, LARGEST_ORDER, 3)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if len(handed) != 3:
            return False
        line, rtp, rtcp = (socket.socket(fileno=one) for one in handed)
        line.setblocking(False)
        number = next(self._numbers)
        now = time.monotonic()
        # Calls are spread over the 20 ms.
        first = now + ((number * _GOLDEN % 1.0) * PACKET_SECONDS - now) % PACKET_SECONDS
        call = Call(line, Session(rtp, rtcp, _course(order), first))
        heapq.heappush(self._moments, (first, number, call))
        return True

    def _act(self) -> None:
        moments = self._moments
        while moments:
            now = time.monotonic()
            due, number, call = moments[0]
            if due > now:
                return
            following = call.act(now)
            if following is None:
                heapq.heappop(moments)
            else:
                heapq.heapreplace(moments, (following, number, call))


def ordered(course: Course) -> bytes:
    """A course as the agent sends it."""
    return json.dumps(asdict(course)).encode()


def written(report: MediaReport) -> bytes:
    """A report as the process sends it."""
    return json.dumps(asdict(report)).encode()


def _course(order: bytes) -> Course:
    told = json.loads(order)
    far, far_rtcp = told["remote"], told["remote_rtcp"]
    return Course(
        tuple(far), None if far_rtcp is None else tuple(far_rtcp), Codec(told["codec"]), told["until"],
        told["buffer_seconds"],
    )  # fmt: skip
