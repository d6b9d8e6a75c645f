"""`/api/v1/events` and its stream, `/api/v1/feed.atom`, `/api/v1/feed.json`: four views of one log.

Each answer is made for the councils of whoever asks. How a reader uses them: docs/feed.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from agent.ledger.cursor import Cursor, CursorError
from agent.ledger.errors import LedgerError
from agent.ledger.jsontext import dumps
from agent.ledger.read import FeedPage, Gone, Reader
from agent.records import Councils, Incident
from config.estate import Estate
from exporters.feed.answers import EventQuery, Events, StreamQuery
from exporters.feed.atom import ATOM, atom
from exporters.feed.cloudevents import BATCH
from exporters.feed.conditional import conditional
from exporters.feed.entries import Digest, digest_of
from exporters.feed.hub import Full, Hub, Seat
from exporters.feed.jsonfeed import JSON_FEED, json_feed
from exporters.feed.refusals import away, full, gone
from exporters.feed.render import page_of, seen_by
from exporters.feed.scoped import incident_for
from exporters.feed.stream import Stream, seat_name, watched
from exporters.web.api.operation import Operation, routes_of
from exporters.web.principal import principal_of

MOST = 1_000
USUAL = 100
"""Events of one page."""
LONGEST_WAIT = 60
"""Seconds for which a poll may wait for something new."""
MOST_INCIDENTS = 100
"""Incidents of the Atom and of the JSON feed."""
_ANSWER = {"Cache-Control": "no-store", "Vary": "Accept"}


class Feed:
    """The endpoints. Who follows has a seat at the hub, which is started and stopped by its owner."""

    def __init__(self, reader: Reader, hub: Hub, clock: Callable[[], float]) -> None:
        self.hub = hub
        self._reader = reader
        self._clock = clock
        self._begun = clock()

    def routes(self) -> Sequence[BaseRoute]:
        return routes_of(self, OPERATIONS)

    def use(self, estate: Estate) -> None:
        """Another estate is in force: events carry its name, and streams end, so that their readers are let in anew."""
        self.hub.rename(estate.name)

    async def events(self, request: Request) -> Response:
        """A page of the log after a cursor, as an object, as a batch of CloudEvents, or as the stream."""
        accepted = request.headers.get("accept", "")
        if "text/event-stream" in accepted:
            return await self.stream(request)
        _only(request, "after", "limit", "wait")
        cursor = _cursor(request.query_params.get("after"))
        limit = _number(request, "limit", USUAL, 1, MOST)
        councils = principal_of(request).councils
        try:
            found = await self._waited(request, cursor, limit, councils)
        except LedgerError as error:
            return away(error)
        except Full:
            return full()
        if isinstance(found, Gone):
            return gone(found, cursor)
        body = await asyncio.to_thread(self._page, found, councils, bare=BATCH in accepted)
        link = f'</api/v1/events?after={found.next}&limit={limit}>; rel="next"'
        return Response(body, 200, {**_ANSWER, "Link": link}, BATCH if BATCH in accepted else "application/json")

    async def stream(self, request: Request) -> Response:
        """Server-Sent Events after a cursor, which the header of a reader that comes back names; else from now on."""
        _only(request, "after")
        came_back = request.headers.get("last-event-id") or None
        cursor = _cursor(came_back or request.query_params.get("after"))
        who = principal_of(request)
        try:
            if cursor is None:
                position = await asyncio.to_thread(self._reader.feed_position)
                cursor = Cursor(position.newest)
            first = await asyncio.to_thread(self._reader.feed, cursor, USUAL, who.councils)
        except LedgerError as error:
            return away(error)
        return gone(first, cursor) if isinstance(first, Gone) else Stream(self.hub, self._reader, first, who)

    async def atom(self, request: Request) -> Response:
        """RFC 4287: an entry for each incident that was opened lately."""
        return await self._digest(request, atom, ATOM)

    async def json_feed(self, request: Request) -> Response:
        """JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/) of the same entries."""
        return await self._digest(request, json_feed, JSON_FEED)

    async def _digest(self, request: Request, write: Callable[[Digest], bytes], media_type: str) -> Response:
        councils = principal_of(request).councils
        base = str(request.base_url).rstrip("/")
        try:
            incidents = await asyncio.to_thread(self._reader.told_incidents, MOST_INCIDENTS, councils)
        except LedgerError as error:
            return away(error)
        digest = digest_of(
            [_told(incident, councils) for incident in incidents],
            self.hub.estate,
            base,
            f"{base}{request.url.path}",
            self._begun,
        )
        body = await asyncio.to_thread(write, digest)
        return conditional(request, body, media_type, digest.updated, self._clock())

    async def _waited(self, request: Request, cursor: Cursor | None, limit: int, councils: Councils) -> FeedPage | Gone:
        """A page; an empty one only after waiting for as long as the reader says."""
        wait = _number(request, "wait", 0, 0, LONGEST_WAIT)
        page = await asyncio.to_thread(self._reader.feed, cursor, limit, councils)
        if not wait or isinstance(page, Gone) or page.events:
            return page
        with self.hub.seat(seat_name(principal_of(request))) as seat:
            async with watched(request.receive, seat.end):
                try:
                    async with asyncio.timeout(wait):
                        await self._something(seat, page.upto, councils)
                except TimeoutError:
                    pass
        return await asyncio.to_thread(self._reader.feed, page.next, limit, councils)

    async def _something(self, seat: Seat, position: int, councils: Councils) -> None:
        """Until there is an event after `position` for these councils, or the seat has ended."""
        while not seat.ended:
            seat.about_to_look()
            batches = self.hub.since(position)
            news = batches is None or [kept for batch in batches for kept in batch.events if seen_by(kept, councils)]
            if news:
                return
            position = batches[-1].upto if batches else position
            await seat.woken()

    def _page(self, page: FeedPage, councils: Councils, *, bare: bool) -> bytes:
        whole = page_of(page, self.hub.estate, councils)
        return dumps(whole["events"] if bare else whole).encode()


def _told(incident: Incident, councils: Councils) -> Incident:
    """As these readers may see it; how much lies behind it, of theirs and of others, stands on its page."""
    return incident_for(incident, councils, 0)


def _only(request: Request, *names: str) -> None:
    unknown = sorted(set(request.query_params) - set(names))
    if unknown:
        raise HTTPException(400, f"ask by {', '.join(names)} and nothing else")


def _cursor(text: str | None) -> Cursor | None:
    if text is None:
        return None
    try:
        return Cursor.of(text)
    except CursorError as error:
        raise HTTPException(400, f"after, or Last-Event-ID: {error}") from error


def _number(request: Request, name: str, usual: int, least: int, most: int) -> int:
    text = request.query_params.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise HTTPException(400, f"{name} is a whole number from {least} to {most}")
    return int(text)


_READING = {410: "Events after this cursor are lost; the answer says how to go on.", 503: "The ledger does not answer."}
OPERATIONS = (
    Operation(
        "GET", "/api/v1/events", Feed.events, "What happened to incidents, after a cursor", Events, "feed",
        query=EventQuery, refusals=_READING, forms=(BATCH, "text/event-stream"), conditional=False,
    ),
    Operation(
        "GET", "/api/v1/events/stream", Feed.stream, "The same as it happens, by Server-Sent Events",
        "text/event-stream", "feed", query=StreamQuery, refusals=_READING,
        description="A reader that comes back says where it was by the header `Last-Event-ID`.",
    ),
    Operation(
        "GET", "/api/v1/feed.atom", Feed.atom, "Incidents that opened lately, as Atom", ATOM.partition(";")[0], "feed"
    ),
    Operation(
        "GET", "/api/v1/feed.json", Feed.json_feed, "The same as JSON Feed 1.1", JSON_FEED.partition(";")[0], "feed"
    ),
)  # fmt: skip
