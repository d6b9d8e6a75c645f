"""A page of 100,000 series over HTTP: how long it takes, and how long it holds the loop that also runs the checks.

The server is the agent's own, in this process's loop; the client is another process, which takes the answer as fast as
it comes and does nothing with it. What is bounded is the whole scrape, from the request to the last octet.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Iterable

from prometheus_client import generate_latest

from checks.contract import State
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics
from exporters.web.app import Site
from exporters.web.guard import Hosts
from exporters.web.runbook_pages import Runbooks, shipped
from exporters.web.server import WebServer, listen
from testbeds.pages import NOW, MemoryView
from tests.benchmarks import exposition as kit
from tests.benchmarks.figures import Figure, at_most

MOST_MILLISECONDS = 25.0
MOST_HELD = 10.0
_CLIENT = """
import socket, sys, time
room = bytearray(1 << 20)
for line in sys.stdin:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as link:
        begun = time.perf_counter()
        link.sendall(b"GET /metrics HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n")
        octets = 0
        while got := link.recv_into(room):
            octets += got
        print(time.perf_counter() - begun, octets, flush=True)
"""


def measure(quick: bool) -> Iterable[Figure]:
    rounds = 3 if quick else 25
    page = Exposition(kit.FAMILIES)
    own = OwnMetrics("0", "0", page.counts, page.checks_stale)
    page.configure(kit.subjects.values(), "forum", NOW)
    for one in kit.ran(list(kit.subjects), NOW, random.Random(4)):
        page.update(one, State.OK)
    text = b"".join(page.page(openmetrics=False, now=NOW))
    series = sum(1 for line in text.splitlines() if not line.startswith(b"#"))
    taken, held, cpu = asyncio.run(_scrapes(page, own, rounds, len(text)))
    registry = kit.peer()
    begun = time.perf_counter()
    generate_latest(registry)
    peer = (time.perf_counter() - begun) * 1e3
    yield at_most(
        f"/metrics with {series:,} series over HTTP", statistics.median(taken), "ms", MOST_MILLISECONDS,
        peer="prometheus-client, rendering alone", peer_value=peer, ratio=statistics.median(taken) / peer,
        note=f"{len(text) / 1e6:.1f} MB, median of {rounds} scrapes, best {min(taken):.1f} ms; "
             f"{statistics.median(cpu):.1f} ms of CPU in the server's thread, this ticker's included",
    )  # fmt: skip
    yield at_most(
        "event loop held by that scrape", statistics.median(held), "ms", MOST_HELD,
        peer="prometheus-client, rendering alone", peer_value=peer, ratio=statistics.median(held) / peer,
        note=f"median of the longest hold of each scrape, worst {max(held):.1f} ms",
    )  # fmt: skip


async def _scrapes(
    page: Exposition, own: OwnMetrics, rounds: int, least: int
) -> tuple[list[float], list[float], list[float]]:
    """For each scrape, in milliseconds: how long it took, the longest hold of the loop, CPU of the server's thread."""
    site = Site(MemoryView(), page, own, Runbooks(shipped()), "0", lambda: NOW)
    server = WebServer(site.app(Hosts.of([])), listen(["127.0.0.1:0"]))
    await server.start()
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CLIENT, str(server.addresses[0][1]),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert client.stdin is not None and client.stdout is not None
    taken, held, cpu = [], [], []
    for _ in range(rounds):
        ticking = asyncio.create_task(_longest_hold())
        spent = time.thread_time()
        client.stdin.write(b"\n")
        seconds, octets = (await client.stdout.readline()).split()
        spent = time.thread_time() - spent
        ticking.cancel()
        assert int(octets) > least, "the page was cut short"
        taken.append(float(seconds) * 1e3)
        held.append(await ticking * 1e3)
        cpu.append(spent * 1e3)
    client.stdin.close()
    await client.wait()
    await server.stop()
    return taken, held, cpu


async def _longest_hold() -> float:
    """Seconds between two turns of the loop at most, until cancelled."""
    longest, before = 0.0, time.perf_counter()
    try:
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, before = max(longest, now - before), now
    except asyncio.CancelledError:
        return longest
