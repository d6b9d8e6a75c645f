"""One reader of Server-Sent Events: from its cursor to what happens now, until it or the agent goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agent.ledger.cursor import Cursor
from agent.ledger.errors import LedgerError
from agent.ledger.read import FeedPage, Gone, Reader
from exporters.feed.hub import PAGE, Full, Hub, Seat
from exporters.feed.refusals import full
from exporters.feed.render import frames, opening, sign_of_life
from exporters.web.principal import LOCAL, Principal

BEAT = 15.0
"""Seconds after which a silent stream says that it is still there: proxies end what is silent for a minute."""
LONGEST = 3_600.0
"""Seconds after which a stream is ended, so that who is no longer let in leaves."""
_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold frames back
]


def seat_name(who: Principal) -> str:
    """Whose share of the places is taken; nobody's, where nobody is asked for a name."""
    return "" if who is LOCAL else who.name


class Stream(Response):
    """The answer; `first` is the page after the cursor of `who`, of their councils. 503 when nobody more can follow."""

    def __init__(self, hub: Hub, reader: Reader, first: FeedPage, who: Principal) -> None:
        super().__init__()
        self._hub = hub
        self._reader = reader
        self._first = first
        self._who = who
        self._councils = who.councils

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._hub.seat(seat_name(self._who)) as seat:
                await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
                if scope["method"] != "HEAD":
                    out = _Outlet(send)
                    async with watched(receive, lambda: self._left(out, seat)):
                        await self._tell(out, seat)
                await send({"type": "http.response.body", "body": b""})
        except Full:
            await full()(scope, receive, send)

    def _left(self, out: _Outlet, seat: Seat) -> None:
        self._hub.dropped += out.waiting
        seat.end()

    async def _tell(self, out: _Outlet, seat: Seat) -> None:
        page = self._first
        await out.put(opening(page.position.cursor(page.after)) + self._page(page))
        position = page.upto
        until = out.now() + LONGEST
        while not seat.ended and out.now() < until:
            seat.about_to_look()
            batches = self._hub.since(position)
            if batches is None:
                try:
                    found = await asyncio.to_thread(self._reader.feed, Cursor(position), PAGE, self._councils)
                except LedgerError:
                    return  # the reader comes back by its cursor, and is told why if it lasts
                if isinstance(found, Gone):
                    return
                await out.put(self._page(found))
                position = found.upto
                continue
            for batch in batches:  # one at a time: what a reader has not taken yet is kept in memory
                await out.put(batch.frames(self._councils, position))
                position = batch.upto
            if not batches:
                if out.silent_for() >= BEAT:
                    await out.put(sign_of_life(self._hub.position.cursor(position)))
                await seat.woken()

    def _page(self, page: FeedPage) -> bytes:
        return frames(page.events, page.position, self._hub.estate, self._councils)


class _Outlet:
    """The way to one reader. `put` waits while its socket is full; the connection's protocol bounds for how long."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.now = asyncio.get_running_loop().time
        self.waiting = False
        """Whether the reader has not taken what was sent."""
        self._last = self.now()

    async def put(self, body: bytes) -> None:
        if body:
            self.waiting = True
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
            self.waiting = False
            self._last = self.now()

    def silent_for(self) -> float:
        return self.now() - self._last


@contextlib.asynccontextmanager
async def watched(receive: Receive, left: Callable[[], None]) -> AsyncIterator[None]:
    """Calls `left` as soon as the other side has gone."""

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        left()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
