"""A process with a real ledger and the real feed, that writes events until it is told to stop, or killed.

Run as `python -m testbeds.feed_agent LOCATION PORT RATE [COALESCE]`: about so many events a second, of two councils,
each with a text that no other event has. Prints `ready`; a line on standard input ends the writing, and is answered
with `written` once all is on disk. `Authorization: Bearer COUNCIL` restricts a reader to one council.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from concurrent.futures import Future, wait

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.ledger.batch import Batch
from agent.ledger.ledger import Ledger
from agent.records import Cause, Event, EventKind
from exporters.feed.feed import Feed
from exporters.feed.hub import MOST_SEATS, Hub
from exporters.web.guard import Guard, Hosts
from exporters.web.principal import Principal, let_in
from exporters.web.server import WebServer, listen
from testbeds import kept

COUNCILS = ("dacorum", "aylesbury-vale")


def by_bearer(app: ASGIApp) -> ASGIApp:
    """An access control that believes whatever council is named."""

    async def control(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            token = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
            let_in(scope, Principal(token or "all", frozenset({token}) if token else None))
        await app(scope, receive, send)

    return control


def application(feed: Feed) -> ASGIApp:
    return Guard(by_bearer(Starlette(routes=feed.routes())), Hosts.of([]))


class Incidents:
    """One live incident for each council, and events in their lives."""

    def __init__(self, ledger: Ledger) -> None:
        self._writer = ledger.writer
        for council in COUNCILS:
            opening = kept.opening(f"RWY-{council}", Cause(council, "router", "target/unreachable"))
            self._writer.submit(Batch(incident_changes=(opening,))).result(30)

    def event(self, council: str, text: str) -> Future[tuple[int, ...]]:
        event = Event(f"RWY-{council}", time.time(), EventKind.TICKET, "desk:ict", text)
        return self._writer.submit(Batch(events=(event,)))


async def main(location: str, port: int, rate: float, coalesce: float = 0.05) -> None:
    ledger = await asyncio.to_thread(Ledger.open, location, clock=time.time, vantage="hemel")
    incidents = await asyncio.to_thread(Incidents, ledger)
    hub = Hub(ledger.reader, "test", coalesce=coalesce)
    await hub.start()
    feed = Feed(ledger.reader, hub, time.time)
    server = WebServer(application(feed), listen([f"127.0.0.1:{port}"]), streams=MOST_SEATS)
    await server.start()
    print("ready", flush=True)
    told = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    chance = random.Random(ledger.run)
    futures: list[Future[tuple[int, ...]]] = []
    while not told.done():
        for _ in range(chance.randrange(1, 4)):
            futures.append(incidents.event(chance.choice(COUNCILS), f"{ledger.run} {len(futures)}"))
            futures[-1].add_done_callback(lambda _done: hub.wake())
        await asyncio.sleep(2 / rate)
    await asyncio.to_thread(wait, futures)
    print("written", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await hub.stop()
    await server.stop()
    await asyncio.to_thread(ledger.close)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:])))
