"""The line to a site with 5,000 targets dies: how many incidents and tickets come of it, and does the agent stay awake.

The agent, the line and the far side are real: two network namespaces and a cable between them. When every target has
answered once, the far side falls silent, router included.
"""

from __future__ import annotations

import contextlib
import http.client
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.benchmarks import desk, estates, world
from tests.benchmarks.figures import Figure, Void, at_most, not_measured
from tests.benchmarks.meter import MeasuredAgent, agent, quantile, settle

TARGETS = 5_000
EVERY = 30.0
MOST_HELD = 250.0
"""Milliseconds: what the scheduler may be late is also what a person's question may wait."""
_LATENESS = "ridgeway_scheduler_lateness_seconds"


def measure(quick: bool) -> Iterable[Figure]:
    targets, every = (100, 1.0) if quick else (TARGETS, EVERY)
    silent = 4 * every + 5.0
    name = f"line to {targets:,} targets dies"
    if not world.own_network():
        yield not_measured(name, "incidents", "= 1", "needs root, or user namespaces, to cut a real line")
        return
    environment = {"RIDGEWAY_BENCHMARK_TOKEN": desk.TOKEN}
    with (
        world.other_side() as other,
        desk.running() as (url, book),
        agent(estates.beyond_a_line(targets, every, url), environment) as one,
    ):
        settle(one, "icmp", targets + 2)
        _wait_until_all_is_well(one, 3 * every)
        before = one.samples(f"{_LATENESS}_bucket")
        with _asked_all_the_time(one) as waits:
            other.silence()
            time.sleep(silent)
        late = quantile(before, one.samples(f"{_LATENESS}_bucket"), _LATENESS, 0.99) * 1e3
        tickets = len(book.all())
        hidden, subjects, opened, wishes = _kept(one.home / "ledger.sqlite3")
    yield _exactly(f"{name}: incidents", len(subjects), 1, f"of {', '.join(sorted(set(subjects))[:5])}")
    yield _exactly(f"{name}: tickets", tickets, 1, f"counted in the desk; {wishes} wishes for one in the outbox")
    yield _exactly(f"{name}: children listed inside", hidden, targets, "")
    if opened is not None:
        note = f"every target, the line too, is asked every {every:.0f} s; no bound is set"
        yield Figure(f"{name}: first failed probe to incident", opened, "s", note=note)
    yield at_most(
        f"{name}: slowest answer of the loop", max(waits) * 1e3, "ms", MOST_HELD,
        note=f"{len(waits)} requests for /-/healthy, one every 25 ms, over {silent:.0f} s; "
             f"median {sorted(waits)[len(waits) // 2] * 1e3:.1f} ms",
    )  # fmt: skip
    yield at_most(f"{name}: lateness p99", late, "ms", MOST_HELD)


def _exactly(name: str, value: int, wanted: int, note: str) -> Figure:
    return Figure(name, value, "", f"= {wanted}", met=value == wanted, note=note)


def _wait_until_all_is_well(one: MeasuredAgent, seconds: float) -> None:
    end = time.monotonic() + seconds
    while one.incidents():
        if time.monotonic() > end:
            raise Void(f"there are incidents before the line is cut: {one.incidents()[:3]}")
        time.sleep(1.0)


@contextlib.contextmanager
def _asked_all_the_time(one: MeasuredAgent) -> Iterator[list[float]]:
    """Ask /-/healthy over and over; the list fills with the seconds each answer took."""
    waits: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(0.025):
            begun = time.monotonic()
            # A connection each: on a kept one the answer may wait 40 ms for this side's delayed acknowledgement.
            link = http.client.HTTPConnection("127.0.0.1", one.port, timeout=30)
            link.request("GET", "/-/healthy")
            link.getresponse().read()
            link.close()
            waits.append(time.monotonic() - begun)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield waits
    finally:
        stop.set()
        thread.join(30)


def _kept(ledger: Path) -> tuple[int, list[str], float | None, int]:
    """From the ledger: children inside incidents, the subjects of all incidents ever, seconds from the first failed
    probe to the opening, wishes for a ticket."""
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as kept:
        children = kept.execute("SELECT count(*) FROM children").fetchone()[0]
        subjects = [row[0] for row in kept.execute("SELECT subject FROM incidents WHERE state != 'cancelled'")]
        first = kept.execute("SELECT min(first_bad) FROM alerts").fetchone()[0]
        opened = kept.execute("SELECT min(opened_at) FROM incidents").fetchone()[0]
        wishes = kept.execute("SELECT count(*) FROM outbox WHERE kind = 'ensure-ticket'").fetchone()[0]
    return children, subjects, opened - first if opened and first else None, wishes
