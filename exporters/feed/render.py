"""An event as its readers get it: what each may see, as JSON and as a frame of Server-Sent Events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agent.ledger.cursor import Cursor, FeedPosition
from agent.ledger.jsontext import dumps
from agent.ledger.read import FeedPage, KeptEvent
from agent.records import Councils, sees
from exporters.feed.cloudevents import cloud_event, kind_of
from exporters.feed.scoped import scoped

RETRY = 3_000
"""Milliseconds after which a reader whose stream ended comes back."""


def seen_by(kept: KeptEvent, councils: Councils) -> bool:
    """Whether this event is for a reader of these councils."""
    return sees(councils, kept.council)


def shown(kept: KeptEvent, log: FeedPosition, estate: str, councils: Councils) -> Mapping[str, Any]:
    """The CloudEvent as a reader of these councils gets it. Every form of the feed is made from this."""
    return cloud_event(scoped(kept, councils), log.epoch_of(kept.sequence), estate)


def page_of(page: FeedPage, estate: str, councils: Councils) -> dict[str, Any]:
    """A page as its reader gets it: the events, and where to go on."""
    events = [shown(kept, page.position, estate, councils) for kept in page.events]
    return {"epoch": page.position.epoch, "events": events, "next": str(page.next), "more": page.more}


def frames(events: Iterable[KeptEvent], log: FeedPosition, estate: str, councils: Councils) -> bytes:
    """The events that such a reader sees, as frames (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    return b"".join(_frame(kept, log, estate, councils) for kept in events if seen_by(kept, councils))


def _frame(kept: KeptEvent, log: FeedPosition, estate: str, councils: Councils) -> bytes:
    event = shown(kept, log, estate, councils)
    return f"id: {event['id']}\nevent: {kind_of(kept.event.kind)}\ndata: {dumps(event)}\n\n".encode()


def opening(cursor: Cursor) -> bytes:
    """The first frame: it gives a reader its cursor before anything has happened, so that it can already come back."""
    return f"retry: {RETRY}\nid: {cursor}\n\n".encode()


def sign_of_life(cursor: Cursor) -> bytes:
    """A comment, and how far the reader is: what it may not see moves its cursor too."""
    return f": still here\nid: {cursor}\n\n".encode()
