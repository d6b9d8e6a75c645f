"""The page of 100,000 series: ours beside prometheus-client, in the same process and run.

Also what one finished check costs in the steady state, and how long a whole scrape over a socket holds the event loop.
Run it alone with `python -m tests.benchmarks.exposition`; it prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from agent.records import CheckResult
from checks.contract import Family, Finding, Reading, State
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics
from exporters.web.app import Site
from exporters.web.guard import Hosts
from exporters.web.runbook_pages import Runbooks, shipped
from exporters.web.server import WebServer, listen
from testbeds.pages import NOW, MemoryView, result, subject

CHECKS = 5_000
FAMILIES = [Family(f"ridgeway_bench_{letter}_ratio", "A reading.", unit="ratio") for letter in "abcdefghij"]
ROUNDS = 5


def best(action: Callable[[], object]) -> float:
    """Shortest of a few runs, seconds."""

    def once() -> Iterator[float]:
        for _ in range(ROUNDS):
            start = time.perf_counter()
            action()
            yield time.perf_counter() - start

    return min(once())


def ran(names: list[str], at: float, chance: random.Random) -> list[CheckResult]:
    """A run of every check, each value other than last time."""
    fine = tuple(Finding(f"bench/{number}", State.OK, "Fine.") for number in range(5))
    return [
        result(subjects[name], [Reading(family, chance.random()) for family in FAMILIES], at=at, findings=fine)
        for name in names
    ]


subjects = {name: subject(name) for name in (f"dacorum-firewall-{number:05d}" for number in range(CHECKS))}


def peer() -> CollectorRegistry:
    """The same 100,000 samples in prometheus-client: 20 families of 5,000 series with three labels."""
    registry = CollectorRegistry()
    for number in range(20):
        gauge = Gauge(f"bench_{number}_ratio", "A reading.", ("target", "council", "vantage"), registry=registry)
        for name in subjects:
            gauge.labels(name, "dacorum", "forum").set(random.random())
    return registry


async def scrape(exposition: Exposition, own: OwnMetrics) -> tuple[float, float]:
    """Seconds a whole scrape over loopback takes, and the longest the loop was held meanwhile."""
    site = Site(MemoryView(), exposition, own, Runbooks(shipped()), "0", lambda: NOW)
    server = WebServer(site.app(Hosts.of([])), listen(["127.0.0.1:0"]))
    await server.start()
    longest = 0.0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not done.is_set():
            before = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - before)

    port = server.addresses[0][1]
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CLIENT, str(port), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert client.stdout is not None
    await client.stdout.readline()  # it has started
    watching = asyncio.create_task(watch())
    assert client.stdin is not None
    client.stdin.write(b"go\n")
    taken = float(await client.stdout.readline())
    done.set()
    await watching
    await client.wait()
    await server.stop()
    return taken, longest


_CLIENT = """
import sys, time, urllib.request
print("started", flush=True)
sys.stdin.readline()
start = time.perf_counter()
urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/metrics").read()
print(time.perf_counter() - start, flush=True)
"""


def measure() -> dict[str, float | int]:
    """Figures in the units of their names."""
    chance = random.Random(4)
    exposition = Exposition(FAMILIES)
    own = OwnMetrics("0", "0", exposition.counts, exposition.checks_stale)
    names = list(subjects)
    exposition.configure(subjects.values(), "forum", NOW)
    for one in ran(names, NOW, chance):
        exposition.update(one, State.OK)
    costs = []
    for number in range(1, ROUNDS + 1):
        results = ran(names, NOW + number, chance)
        start = time.perf_counter()
        for one in results:
            exposition.update(one, State.OK)
        costs.append((time.perf_counter() - start) / CHECKS)
    registry = peer()
    text = b"".join(exposition.page(openmetrics=False, now=NOW + ROUNDS))
    scrapes = [asyncio.run(scrape(exposition, own)) for _ in range(ROUNDS)]
    return {
        "series": sum(1 for line in text.splitlines() if not line.startswith(b"#")),
        "page_megabytes": round(len(text) / 1e6, 1),
        "page_ms": 1e3 * best(lambda: b"".join(exposition.page(openmetrics=False, now=NOW + ROUNDS))),
        "page_openmetrics_ms": 1e3 * best(lambda: b"".join(exposition.page(openmetrics=True, now=NOW + ROUNDS))),
        "prometheus_client_ms": 1e3 * best(lambda: generate_latest(registry)),
        "update_microseconds_per_check_of_10_readings": 1e6 * min(costs),
        "scrape_over_loopback_ms": 1e3 * min(taken for taken, _ in scrapes),
        "longest_loop_hold_ms": 1e3 * min(held for _, held in scrapes),
    }


if __name__ == "__main__":
    print(json.dumps({name: round(value, 2) for name, value in measure().items()}, indent=2))
