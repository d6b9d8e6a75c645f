"""What 200 readers of the feed cost at ten events a second, and how many events a second the ledger makes durable.

The readers are real sockets in this process; the process that is measured has the ledger, its writer and the feed, and
writes the events as the agent does. Every reader must have got every event, else nothing is reported.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from agent.ledger.ledger import Ledger
from exporters.feed.hub import COALESCE
from testbeds.peers import free_port
from tests.benchmarks import ledger
from tests.benchmarks.figures import Figure, Void, at_most
from tests.benchmarks.meter import cpu_of

READERS = 200
RATE = 10
LEAST = 2_000
"""Events a second."""
_ASKED = f"≥ {LEAST} /s"
_TESTS = Path(__file__).parents[1]


def measure(quick: bool) -> Iterable[Figure]:
    """Readers by CPU of a core; durable appends by the second."""
    with tempfile.TemporaryDirectory(dir=".") as directory:
        readers, seconds = (20, 3.0) if quick else (READERS, 30.0)
        alone = asyncio.run(_followed(Path(directory), 0, seconds))
        cost = asyncio.run(_followed(Path(directory), readers, seconds))
        note = f"{cost.events / cost.seconds:.1f} events a second over {cost.seconds:.0f} s; the same without readers: "
        yield at_most(
            f"CPU of the agent with {readers} SSE readers, {RATE} events a second",
            100 * cost.cpu / cost.seconds, "% of a core", 10, note=f"{note}{100 * alone.cpu / alone.seconds:.2g} %",
        )  # fmt: skip
        with closing(Ledger.open(Path(directory) / "appends.sqlite3", clock=time.time, vantage="bench")) as opened:
            grouped = ledger._events(opened, waiting=False)
            single = ledger._events(opened, waiting=True)
        where = f"SQLite, synchronous FULL; one at a time, each waited for: {single:.0f} /s"
        yield Figure(
            "durable events, submitted as the agent does", grouped, "/s", _ASKED, met=grouped >= LEAST, note=where
        )


class _Cost:
    def __init__(self, cpu: float, seconds: float, events: int) -> None:
        self.cpu = cpu
        self.seconds = seconds
        self.events = events


async def _followed(directory: Path, readers: int, seconds: float) -> _Cost:
    """Run a writing agent, followed by so many readers, and measure it for so many seconds."""
    port = free_port()
    command = [sys.executable, "-m", "testbeds.feed_agent", str(directory / f"{readers}.sqlite3"), str(port)]
    environment = {**os.environ, "PYTHONPATH": f"{_TESTS}{os.pathsep}{_TESTS.parent}"}
    with subprocess.Popen(
        [*command, str(RATE), str(COALESCE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as agent:
        assert agent.stdout is not None and agent.stdin is not None
        try:
            if not any(line == "ready\n" for line in agent.stdout):
                raise Void("the agent did not start")
            counts = [0] * max(1, readers)
            following = [asyncio.create_task(_follow(port, counts, place)) for place in range(readers)]
            await asyncio.sleep(2)
            began, cpu, before = time.monotonic(), cpu_of(agent.pid), list(counts)
            await asyncio.sleep(seconds)
            took, spent = time.monotonic() - began, cpu_of(agent.pid) - cpu
            got = [now - then for now, then in zip(counts, before, strict=True)]
            agent.stdin.write("stop\n")
            agent.stdin.flush()
            agent.stdout.readline()
            await asyncio.sleep(1)
            if readers and (len(set(counts)) > 1 or not counts[0]):
                raise Void(f"readers got between {min(counts)} and {max(counts)} events")
            for one in following:
                one.cancel()
            await asyncio.gather(*following, return_exceptions=True)
            return _Cost(spent, took, min(got))
        finally:
            agent.kill()


async def _follow(port: int, counts: list[int], place: int) -> None:
    """Count the events of a stream that begins at the first of all."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/v1/events/stream?after=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    while data := await reader.read(65_536):
        counts[place] += data.count(b"\ndata: ")
    writer.close()
