"""The media thread: one for all calls of an agent, with a clock of its own.

Nothing wakes it but the moments of its sessions: what came is read when the next packet goes out, since the kernel has
stamped its arrival. So a flood wakes nobody, and twenty calls cost a thousand wake-ups a second.
"""

from __future__ import annotations

import contextlib
import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import count

from checks.transports.rtp.codec import PACKET_SECONDS
from checks.transports.rtp.session import Course, Session

_IDLE = 3600.0
_GOLDEN = 0.6180339887498949
"""Multiples of it, without their whole part, lie as far from one another as can be."""


class MediaThread:
    """Started when made; ends when it is told to, after all that was posted before."""

    def __init__(self) -> None:
        self._posted: deque[Callable[[], object]] = deque()
        self._moments: list[tuple[float, int, Session]] = []
        self._sessions: set[Session] = set()
        self._numbers = count()
        self._stopping = False
        self._ended = False
        self._posting = threading.Lock()
        self._wake = threading.Lock()
        self._wake.acquire()  # held but for the moment in which something is posted
        self._thread = threading.Thread(target=self._run, name="media", daemon=True)
        self._thread.start()

    def post(self, act: Callable[[], object]) -> None:
        """Have this done in the thread, soon; at once where it has ended. From any thread; waits for nobody."""
        with self._posting:
            if not self._ended:
                self._posted.append(act)
        if self._ended:
            act()
        with contextlib.suppress(RuntimeError):  # it is awake already
            self._wake.release()

    def begin(self, session: Session, course: Course) -> None:
        """Let a session send from its phase on: calls are spread over the 20 ms. In the thread."""
        number = next(self._numbers)
        now = time.monotonic()
        phase = (number * _GOLDEN % 1.0) * PACKET_SECONDS
        first = now + (phase - now) % PACKET_SECONDS
        self._sessions.add(session)
        session.begin(course, first)
        heapq.heappush(self._moments, (first, number, session))

    def stop(self) -> None:
        """End the thread after what was posted, and every session with it; does not wait."""

        def stop() -> None:
            self._stopping = True

        self.post(stop)

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            while True:
                while self._posted:
                    self._posted.popleft()()
                if self._stopping:
                    break
                self._act()
                left = self._moments[0][0] - time.monotonic() if self._moments else _IDLE
                if left > 0:
                    self._wake.acquire(timeout=left)
        finally:
            with self._posting:
                self._ended = True
            for session in self._sessions:
                session.finish()
            while self._posted:
                self._posted.popleft()()

    def _act(self) -> None:
        moments = self._moments
        while moments and not self._posted:
            now = time.monotonic()
            due, number, session = moments[0]
            if due > now:
                return
            following = session.act(now)
            if following is None:
                heapq.heappop(moments)
                self._sessions.discard(session)
            else:
                heapq.heapreplace(moments, (following, number, session))
