"""Reads what is new in the log once for all who follow it, and wakes them: streams and polls that wait.

The ledger's writer, or whoever adds events, wakes the hub; besides that it looks by itself. New events go into a ring
of bounded length; who falls behind the ring reads pages from the ledger. So no reader, however slow, costs memory.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import structlog

from agent.ledger.cursor import Cursor, FeedPosition
from agent.ledger.errors import LedgerError
from agent.ledger.read import Gone, KeptEvent, Reader
from agent.records import Councils
from exporters.feed.render import frames

COALESCE = 0.25
"""Seconds for which further events are waited for, so that many small writes become one."""
POLL = 2.0
"""Seconds between two looks of its own: events come from several threads, and a wake-up may come before the commit."""
PAGE = 100
"""Events read, and rendered, at a time."""
RING = 1_000
"""Events kept for those who follow."""
MOST_SEATS = 500
"""Who may follow at the same time."""


class Full(Exception):
    """Nobody more can follow; trying again later can help."""


class Batch:
    """What was read in one go, as bytes for each kind of reader."""

    def __init__(self, log: FeedPosition, after: int, upto: int, events: Sequence[KeptEvent], estate: str) -> None:
        self._log = log
        self.after = after
        self.upto = upto
        self.events = events
        self._estate = estate
        self._frames: dict[Councils, bytes] = {}

    def frames(self, councils: Councils, position: int) -> bytes:
        """The frames after `position`, for readers of these councils; rendered once for all of them."""
        if position > self.after:
            later = [kept for kept in self.events if kept.sequence > position]
            return frames(later, self._log, self._estate, councils)
        found = self._frames.get(councils)
        if found is None:
            found = self._frames[councils] = frames(self.events, self._log, self._estate, councils)
        return found


class Seat:
    """Somebody who follows. For the event loop's thread."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.ended = False
        """Nothing more comes: they left, or are to leave."""
        self._woken = asyncio.Event()

    def end(self) -> None:
        self.ended = True
        self._woken.set()

    def wake(self) -> None:
        self._woken.set()

    def about_to_look(self) -> None:
        """From here on a wake-up is not lost."""
        self._woken.clear()

    async def woken(self) -> None:
        """Until there may be something new since `about_to_look`, or the seat has ended."""
        if not self.ended:
            await self._woken.wait()


class Hub:
    """One task of the event loop. `estate` is the name that stands in the events' source."""

    def __init__(self, reader: Reader, estate: str, *, coalesce: float = COALESCE, most: int = MOST_SEATS) -> None:
        self.estate = estate
        self.position: FeedPosition
        """As it was when last read; known once started."""
        self.dropped = 0
        """Readers that were given up, or left, while they did not take what was sent."""
        self.listeners: list[Callable[[], None]] = []
        """Parts of the agent itself, told in the loop after each look at the log. They are no readers."""
        self._reader = reader
        self._coalesce = coalesce
        self._most = most
        self._at = 0
        self._ring: deque[Batch] = deque()
        self._kept = 0
        self._seats: set[Seat] = set()
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._announced = False
        self._away = False

    @property
    def readers(self) -> int:
        """How many follow now."""
        return len(self._seats)

    async def start(self) -> None:
        """Begin at the newest event. Raises LedgerError."""
        self._loop = asyncio.get_running_loop()
        self.position = await asyncio.to_thread(self._reader.feed_position)
        self._at = self.position.newest
        self._task = asyncio.create_task(self._follow(), name="feed")

    async def stop(self) -> None:
        """End every stream at once, and let nobody follow any more."""
        self._most = 0
        self.end_all()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def end_all(self) -> None:
        """End every stream; their readers come back by their cursors, and are let in anew."""
        for seat in self._seats:
            seat.end()

    def wake(self) -> None:
        """There may be something new. From any thread, and as often as events are written: it costs next to nothing."""
        if self._loop is not None and self._task is not None and not self._announced:
            self._announced = True
            self._loop.call_soon_threadsafe(self._woken.set)

    def rename(self, estate: str) -> None:
        """Events carry this name from now on. Every stream ends."""
        self.estate = estate
        self._forget()
        self.end_all()

    @contextlib.contextmanager
    def seat(self, name: str = "") -> Iterator[Seat]:
        """A place among those who follow. Raises Full, also where one name has half of the places already."""
        theirs = sum(seat.name == name for seat in self._seats) if name else 0
        if len(self._seats) >= self._most or theirs >= (self._most + 1) // 2:
            raise Full
        seat = Seat(name)
        self._seats.add(seat)
        try:
            yield seat
        finally:
            self._seats.discard(seat)

    def since(self, position: int) -> Sequence[Batch] | None:
        """What is new after `position`, oldest first; None when that is more than the ring holds."""
        if position >= self._at:
            return ()
        if not self._ring or self._ring[0].after > position:
            return None
        found: list[Batch] = []
        for batch in reversed(self._ring):
            if batch.upto <= position:
                break
            found.append(batch)
        return found[::-1]

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), POLL)
                await asyncio.sleep(self._coalesce)
            self._woken.clear()
            self._announced = False  # before reading: what is announced from here on may come too late for it
            try:
                while await self._read():
                    self._wake_all()
            except LedgerError as error:
                if not self._away:
                    structlog.get_logger("feed").warning("the feed cannot be read", error=str(error))
                self._away = True
            else:
                self._away = False
            self._wake_all()

    def _wake_all(self) -> None:
        for seat in self._seats:
            seat.wake()
        for told in self.listeners:
            told()

    def _forget(self) -> None:
        self._ring.clear()
        self._kept = 0

    async def _read(self) -> bool:
        """Take in one page; whether there is more."""
        page = await asyncio.to_thread(self._reader.feed, Cursor(self._at), PAGE)
        self.position = page.position
        if isinstance(page, Gone):  # another ledger has been put in place below us
            self._forget()
            self._at = page.position.newest
            self.end_all()
            return False
        if page.upto > self._at:
            self._ring.append(Batch(page.position, self._at, page.upto, page.events, self.estate))
            self._kept += len(page.events)
            self._at = page.upto
        while self._kept > RING:
            self._kept -= len(self._ring.popleft().events)
        return page.more
