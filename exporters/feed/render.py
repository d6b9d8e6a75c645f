"""An event as its readers get it: what each may see, as JSON and as a frame of Server-Sent Events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agent.ledger.jsontext import dumps
from agent.ledger.lineage import Cursor, Lineage
from agent.ledger.read import KeptEvent
from exporters.feed.cloudevents import cloud_event, kind_of

Councils = frozenset[str] | None
"""The councils whose events somebody sees; None: all."""
RETRY = 3_000
"""Milliseconds after which a reader whose stream ended comes back."""


def seen_by(kept: KeptEvent, councils: Councils) -> bool:
    """Whether this event is for a reader of these councils."""
    return councils is None or kept.council in councils


def shown(kept: KeptEvent, lineage: Lineage, estate: str, councils: Councils) -> Mapping[str, Any]:
    """The CloudEvent as a reader of these councils gets it. Every form of the feed is made from this."""
    assert seen_by(kept, councils), "asked for the reader's own events only"
    return cloud_event(kept, lineage.epoch_of(kept.sequence), estate)


def frames(events: Iterable[KeptEvent], lineage: Lineage, estate: str, councils: Councils) -> bytes:
    """The events that such a reader sees, as frames (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    return b"".join(_frame(kept, lineage, estate, councils) for kept in events if seen_by(kept, councils))


def _frame(kept: KeptEvent, lineage: Lineage, estate: str, councils: Councils) -> bytes:
    event = shown(kept, lineage, estate, councils)
    return f"id: {event['id']}\nevent: {kind_of(kept.event.kind)}\ndata: {dumps(event)}\n\n".encode()


def opening(cursor: Cursor) -> bytes:
    """The first frame: it gives a reader its cursor before anything has happened, so that it can already come back."""
    return f"retry: {RETRY}\nid: {cursor}\n\n".encode()


def sign_of_life(cursor: Cursor) -> bytes:
    """A comment, and how far the reader is: what it may not see moves its cursor too."""
    return f": still here\nid: {cursor}\n\n".encode()
