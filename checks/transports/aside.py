"""Blocking calls made aside from the event loop, in threads that nobody ever has to wait for.

The standard thread pools join their threads when the interpreter ends, so that one `statvfs` on a dead NFS server
keeps a stopped agent alive for ever. Here threads are daemons, and a call that hangs keeps its place (so that it is
not asked again and again) until it has really ended.

Libraries that wait on sockets (paramiko, requests) know no deadline that holds against a peer which drips. `Aside.ask`
gives them one: the call tells its `Tether` which sockets it waits on, and at the deadline the loop shuts them down.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_IDLE = 10.0
"""Seconds for which a thread without work is kept."""
_LAST = 0.15
"""Seconds that a call has to end after its sockets were shut down, before it counts as hanging."""


class StillHanging(Exception):
    """The previous call of this name has not come back; asking again later can help."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"the previous {name} is still hanging after {seconds:.0f} s")
        self.seconds = seconds


class Crowded(Exception):
    """As many calls as allowed are under way; asking again later can help."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} blocking calls are under way already, no more are started")


class Overdue(Exception):
    """The call did not end by its deadline, although what it waits on was shut down; asking again later can help."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} did not end by its deadline")


class Tether:
    """What a blocking call holds on to, so that the event loop can cut it at the deadline. Made by `Aside.ask`."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        """In the loop's own time, which is `time.monotonic()`."""
        self.cut = False
        """The deadline came, or nobody waits any more: whatever the call brings now is too late."""
        self._lock = threading.Lock()
        self._held: list[Callable[[], object]] = []

    @property
    def left(self) -> float:
        """Seconds until the deadline, never below a millisecond, fit for a library's own time-out."""
        return max(0.001, self.deadline - time.monotonic())

    def hold(self, opened: socket.socket) -> None:
        """Shut this socket down when the deadline comes; at once if it has come already."""
        self.on_cut(lambda: _shut(opened))

    def on_cut(self, act: Callable[[], object]) -> None:
        """Call this when the deadline comes, in the event loop: it must not wait. At once if it has come already."""
        with self._lock:
            if not self.cut:
                self._held.append(act)
                return
        act()

    def sever(self) -> None:
        """Shut down everything held. Called by the loop."""
        with self._lock:
            if self.cut:
                return
            self.cut = True
            held, self._held = self._held, []
        for act in held:
            act()


class Aside:
    """Runs blocking calls, at most `limit` at once; threads are made when needed and used again."""

    def __init__(self, limit: int = 16) -> None:
        self._limit = limit
        self._since: dict[str, float] = {}
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._hanging: dict[str, list[float]] = {}
        self.busy = 0
        """Calls under way, hanging ones included."""

    @property
    def hanging(self) -> int:
        """Calls that have outlived their deadline and not ended."""
        return sum(len(since) for since in self._hanging.values())

    async def run(self, name: str, call: Callable[[], T]) -> T:
        """The result of `call()`, or what it raised; cancelling the wait leaves the call to end by itself.

        At most one of each name is under way. Raises StillHanging or Crowded without starting anything.
        """
        loop = asyncio.get_running_loop()
        since = self._since.get(name)
        if since is not None:
            raise StillHanging(name, loop.time() - since)
        self._since[name] = loop.time()
        try:
            future = self._start(call, lambda: self._since.pop(name, None))
        except Crowded:
            del self._since[name]
            raise
        return await future

    async def ask(self, place: str, call: Callable[[Tether], T], deadline: float) -> T:
        """The result of `call(tether)`, or what it raised, not later than a moment after `deadline` (loop time).

        At the deadline, and when the wait is cancelled, everything that the call tethered is shut down. A call that
        does not end even then raises Overdue here, and until it has ended this place is refused with StillHanging:
        a place is the device that is asked. Raises Crowded when all threads are taken.
        """
        loop = asyncio.get_running_loop()
        stuck = self._hanging.get(place)
        if stuck:
            raise StillHanging(f"call to {place}", loop.time() - stuck[0])
        tether = Tether(deadline)
        begun = loop.time()
        overdue = False

        def ended() -> None:
            if overdue:
                self._hanging[place].remove(begun)
                if not self._hanging[place]:
                    del self._hanging[place]

        future = self._start(lambda: call(tether), ended)
        timer = loop.call_at(deadline, tether.sever)
        try:
            async with asyncio.timeout_at(deadline + _LAST):
                return await asyncio.shield(future)
        except (TimeoutError, asyncio.CancelledError) as error:
            if isinstance(error, TimeoutError) and future.done():
                return future.result()  # it raised a time-out of its own, or ended in the very moment
            tether.sever()
            overdue = True
            self._hanging.setdefault(place, []).append(begun)
            future.add_done_callback(_seen)
            if isinstance(error, TimeoutError):
                raise Overdue(f"call to {place}") from error
            raise
        finally:
            timer.cancel()

    def _start(self, call: Callable[[], T], ended: Callable[[], object]) -> asyncio.Future[T]:
        if self.busy >= self._limit:
            raise Crowded(self._limit)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self.busy += 1

        def work() -> None:
            result: T | None = None
            error: BaseException | None = None
            try:
                result = call()
            except BaseException as caught:  # noqa: BLE001 - handed to the one who waits, whatever it is
                error = caught
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
                loop.call_soon_threadsafe(self._end, future, ended, result, error)

        self._jobs.put(work)
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
                return future
        threading.Thread(target=self._serve, name="aside", daemon=True).start()
        return future

    def _serve(self) -> None:
        """The life of a thread: one call after another, until there is none for a while."""
        while True:
            try:
                work = self._jobs.get(timeout=_IDLE)
            except Empty:
                with self._lock:
                    if self._idle == 0:
                        continue  # somebody counts on this thread: the call is about to come
                    self._idle -= 1
                return
            work()
            del work
            with self._lock:
                self._idle += 1

    def _end(
        self, future: asyncio.Future[Any], ended: Callable[[], object], result: object, error: BaseException | None
    ) -> None:
        self.busy -= 1
        ended()
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def _shut(opened: socket.socket) -> None:
    """End what waits on this socket, in whichever thread; the one who opened it closes it."""
    with contextlib.suppress(OSError):  # not connected yet, or closed already
        opened.shutdown(socket.SHUT_RDWR)


def _seen(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
