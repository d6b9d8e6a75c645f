"""The incident feed as the demo's console reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from agent.ledger.database import database_at
from agent.ledger.read import Reader
from exporters.feed.cloudevents import cloud_event

_PAUSE = 0.2
_AT_ONCE = 100


async def follow(ledger_url: str, estate: str) -> AsyncIterator[Mapping[str, Any]]:
    """Every event of the log from its beginning, as CloudEvents, and then each as it is written; never ends."""
    reader = Reader(database_at(ledger_url))
    try:
        epoch = (await asyncio.to_thread(reader.feed_position)).epoch
        cursor = 0
        while True:
            found = await asyncio.to_thread(reader.events, cursor, _AT_ONCE)
            for kept in found:
                cursor = kept.sequence
                yield cloud_event(kept, epoch, estate)
            if not found:
                await asyncio.sleep(_PAUSE)
    finally:
        reader.close()
