"""Figures of the ledger: `python tests/benchmarks/ledger.py [URL]`, JSON on standard output.

SQLite on the disk below the current directory unless a URL is given; a disk that lies about fsync flatters them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from agent.ledger.batch import Batch
from agent.ledger.ledger import Ledger
from agent.ledger.recorder import Recorder
from agent.records import CheckResult
from checks.contract import Assessment, Family, Finding, Reading, State
from testbeds import kept

CHECKS = 10_000
VALUES = 10
"""Findings and readings of one check, as an SNMP check of ten OIDs has them."""
_FAMILIES = [
    Family(f"ridgeway_bench_value_{n}_ratio", "A value.", unit="ratio", labels=("part",)) for n in range(VALUES)
]


def main() -> None:
    with tempfile.TemporaryDirectory(dir=".") as directory:
        location = sys.argv[1] if len(sys.argv) > 1 else str(Path(directory) / "ledger.sqlite3")
        with closing(Ledger.open(location, clock=time.time, vantage="bench")) as ledger:
            figures = {
                "durable_events_per_second_pipelined": _events(ledger, waiting=False),
                "durable_events_per_second_one_at_a_time": _events(ledger, waiting=True),
                **asyncio.run(_steady(ledger)),
            }
            begun = time.perf_counter()
            state = ledger.load(time.time())
            figures["load_seconds"] = time.perf_counter() - begun
            figures["load_checks"] = len(state.checks)
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}, indent=1))


def _events(ledger: Ledger, waiting: bool) -> float:
    """Events per second of CPU and disk together, each in a batch of its own with its incident's new state."""
    count = 500 if waiting else 10_000
    name = "RWY-one" if waiting else "RWY-many"
    cause = replace(kept.CAUSE, subject=name)
    ledger.writer.submit(Batch(incident_changes=(kept.opening(name, cause),))).result(60)
    batches = [Batch(incident_changes=(replace(kept.opening(name, cause), wishes=()),)) for _ in range(count)]
    begun = time.perf_counter()
    futures = []
    for batch in batches:
        futures.append(ledger.writer.submit(batch))
        if waiting:
            futures[-1].result(60)
    futures[-1].result(60)
    return count / (time.perf_counter() - begun)


async def _steady(ledger: Ledger) -> dict[str, float]:
    """What 10,000 checks a minute cost when nothing changes."""
    clock = _Clock()
    recorder = Recorder(ledger.writer, run=ledger.run, vantage="bench", clock=clock)
    templates = [kept.result(f"router-{number}/snmp", clock.now) for number in range(CHECKS)]
    first = [_result(template, clock.now, 0) for template in templates]
    begun = time.perf_counter()
    for result in first:
        recorder.take(result, State.OK)
    start = time.perf_counter() - begun
    await ledger.writer.ask(lambda _connection: None)

    takes = []
    for minute in range(1, 13):
        clock.now += 60
        results = [_result(template, clock.now, minute) for template in templates]
        begun = time.thread_time()
        for result in results:
            recorder.take(result, State.OK)
        takes.append((time.thread_time() - begun) / CHECKS * 1e6)
        if minute % 2 == 0:
            # By now no value exceeds the day's extremes any more, as on most of a real day.
            cpu, wall = await _write_all(recorder, ledger, clock.now + 75)
    for result in [_result(template, clock.now + 61, minute) for template in templates]:
        recorder.take(result, State.OK)
    held = _Held()
    watching = asyncio.create_task(held.watch())
    await _write_all(recorder, ledger, clock.now + 200)
    watching.cancel()
    late = sorted(held.late)
    return {
        "first_results_seconds": start,
        "take_us_per_check": median(takes),
        "write_us_per_check": cpu / CHECKS * 1e6,
        "write_10000_seconds": wall,
        "write_10000_loop_held_ms_worst": late[-1] * 1e3,
        "write_10000_loop_held_ms_p99": late[int(len(late) * 0.99)] * 1e3,
    }


async def _write_all(recorder: Recorder, ledger: Ledger, now: float) -> tuple[float, float]:
    """Let everything be written that waits; CPU and wall seconds."""
    cpu, begun = time.process_time(), time.perf_counter()
    while recorder.waiting:
        recorder.tick(now)
        await asyncio.sleep(0.01)
    await ledger.writer.ask(lambda _connection: None)
    return time.process_time() - cpu, time.perf_counter() - begun


class _Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class _Held:
    """How much later than asked the loop comes back."""

    def __init__(self) -> None:
        self.late: list[float] = []

    async def watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            self.late.append(time.perf_counter() - before - 0.001)


def _result(template: CheckResult, started: float, minute: int) -> CheckResult:
    base = hash(template.subject.name) % 1_000 / 1_000
    findings = tuple(
        Finding(f"snmp/value-{n}", State.OK, f"Value {n} is {base + minute / 100:.2f}.", {"value": f"{base:.2f}"})
        for n in range(VALUES)
    )
    readings = tuple(Reading(family, base + (minute * 37 % 11) / 10, ("cpu",)) for family in _FAMILIES)
    found = Assessment(findings, readings, frozenset(finding.key for finding in findings))
    return replace(template, started=started, due=started, assessment=found)


if __name__ == "__main__":
    main()
