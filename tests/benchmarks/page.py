"""A page of 100,000 series over HTTP: how long it takes, and how long it holds the loop that also runs the checks."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Iterable

from prometheus_client import generate_latest

from checks.contract import State
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics
from testbeds.pages import NOW
from tests.benchmarks import exposition as kit
from tests.benchmarks.figures import Figure, at_most

MOST_MILLISECONDS = 25.0
MOST_HELD = 10.0


def measure(quick: bool) -> Iterable[Figure]:
    rounds = 3 if quick else 15
    page = Exposition(kit.FAMILIES)
    own = OwnMetrics("0", "0", page.counts, page.checks_stale)
    page.configure(kit.subjects.values(), "forum", NOW)
    for one in kit.ran(list(kit.subjects), NOW, random.Random(4)):
        page.update(one, State.OK)
    text = b"".join(page.page(openmetrics=False, now=NOW))
    series = sum(1 for line in text.splitlines() if not line.startswith(b"#"))
    registry = kit.peer()
    taken, held, theirs = [], [], []
    for _ in range(rounds):
        seconds, longest = asyncio.run(kit.scrape(page, own))
        taken.append(seconds * 1e3)
        held.append(longest * 1e3)
        begun = time.perf_counter()
        generate_latest(registry)
        theirs.append((time.perf_counter() - begun) * 1e3)
    ours, peer = statistics.median(taken), statistics.median(theirs)
    yield at_most(
        f"/metrics with {series:,} series over HTTP", ours, "ms", MOST_MILLISECONDS,
        peer="prometheus-client, rendering alone", peer_value=peer, ratio=ours / peer,
        note=f"{len(text) / 1e6:.1f} MB, median of {rounds} scrapes, best {min(taken):.1f} ms",
    )  # fmt: skip
    yield at_most(
        "event loop held by that scrape", statistics.median(held), "ms", MOST_HELD,
        peer="prometheus-client, rendering alone", peer_value=peer, ratio=statistics.median(held) / peer,
        note=f"median of the longest hold of each scrape, best {min(held):.1f} ms",
    )  # fmt: skip
