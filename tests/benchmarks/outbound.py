"""What webhooks cost: events told one after the other, each kept before the next, and subscriptions without news."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from testbeds.receiver import SECRET, Receiver
from testbeds.telling import Telling, opened, telling, until, webhook, write
from tests.benchmarks.figures import Figure

_SUBSCRIPTIONS = 20


def measure(quick: bool) -> Iterable[Figure]:
    events, seconds = (50, 1.0) if quick else (2_000, 20.0)
    os.environ["HOOK"] = SECRET
    with tempfile.TemporaryDirectory() as folder, _receiver() as url:
        yield from asyncio.run(_told(Path(folder), url, events))
        yield asyncio.run(_idle(Path(folder), url, seconds))


async def _told(folder: Path, url: str, events: int) -> list[Figure]:
    with closing(opened(folder / "ledger.sqlite3")) as ledger:
        async with telling(ledger, webhook(url)):
            pass
        last = write(ledger, *(f"RWY-{number}" for number in range(events)))[-1]
        began, used = time.monotonic(), time.process_time()
        async with telling(ledger, webhook(url)) as told:
            await until(lambda: told.place().sequence == last, "all is told", 600)
        took, used = time.monotonic() - began, time.process_time() - used
    note = f"{events} events to one receiver on loopback, each acknowledged on SQLite before the next"
    return [
        Figure("webhooks: events told to one subscription", events / took, "/s", note=note),
        Figure("webhooks: CPU for an event", used / events * 1000, "ms", note="signing, sending, keeping; all threads"),
    ]


async def _idle(folder: Path, url: str, seconds: float) -> Figure:
    with closing(opened(folder / "idle.sqlite3")) as ledger:
        async with telling(ledger, settled=False) as none:
            alone = await _share(seconds, none)
        specs = [webhook(url, f"hub-{number}") for number in range(_SUBSCRIPTIONS)]
        async with telling(ledger, *specs) as told:
            share = await _share(seconds, told)
    note = f"{_SUBSCRIPTIONS} subscriptions, nothing to tell; the feed's hub, {alone:.2f} % by itself, taken off"
    return Figure("webhooks: CPU without news", max(0.0, share - alone), "% of a core", note=note)


async def _share(seconds: float, _: Telling) -> float:
    used = time.process_time()
    await asyncio.sleep(seconds)
    return (time.process_time() - used) / seconds * 100


@contextmanager
def _receiver() -> Iterator[str]:
    """In a process of its own, so that its work is not counted as ours."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.kill()
        process.join(10)


def _serve(there: Connection) -> None:
    receiver = Receiver(secrets=())
    there.send(receiver.url)
    receiver.over.wait()
