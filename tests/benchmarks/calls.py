"""20 test calls of 10 s at once, again and again, while the agent runs 10,000 checks a minute.

How late their packets leave, beside a process that does nothing but sleep, as often as they are sent: what it is late
by is the machine's own, and nothing that sends could be more punctual.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import call_kind, estates, peer
from tests.benchmarks.figures import Figure, Void, at_most, not_measured
from tests.benchmarks.meter import MeasuredAgent, agent, settle

CALLS = 20
MOST_LATE = 5.0
MOST_CPU = 30.0
_CHECKS = 10
_ROOT = Path(__file__).parents[2]
_ECHO = """
import socket
opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
opened.bind(("127.0.0.1", 0))
print(opened.getsockname()[1], flush=True)
while True:
    octets, place = opened.recvfrom(2048)
    opened.sendto(octets, place)
"""
_SLEEPER = """
import sys, time
late, due, every, wanted = [], time.monotonic(), float(sys.argv[1]), int(sys.argv[2])
while True:
    due += every
    time.sleep(max(0.0, due - time.monotonic()))
    late.append(time.monotonic() - due)
    if len(late) == wanted:
        print(sorted(late)[int(0.99 * wanted)], flush=True)
        late.clear()
"""


@dataclass(frozen=True, slots=True)
class _Round:
    """20 calls of one run: the p99 of each in ms, CPU in seconds, packets."""

    late: list[float]
    cpu: float
    sent: int
    lost: int


def measure(quick: bool) -> Iterable[Figure]:
    targets, calls, seconds, rounds = (20, 4, 2.0, 1) if quick else (1_000, CALLS, 10.0, 5)
    every = 60.0 if targets == 1_000 else 2.0
    name = f"{calls} calls of {seconds:.0f} s while {targets * _CHECKS * 60 / every:,.0f} checks run a minute"
    asked = f"≤ {MOST_LATE:g} ms"
    try:
        with tempfile.TemporaryDirectory() as directory, peer.snmpd() as port, _echo() as to:
            estates.profiles(Path(directory), _CHECKS)
            file = Path(directory) / "calls.jsonl"
            estate = _with_calls(estates.snmp(targets, _CHECKS, every, port), calls, seconds, to, file)
            with agent(estate, _plugin(Path(directory)), profiles=Path(directory)) as one:
                settle(one, "snmp", targets * _CHECKS)
                file.unlink(missing_ok=True)
                with _sleeper(50 * calls, seconds) as sleeper:
                    runs, begun = one.runs("snmp"), time.monotonic()
                    found = list(_rounds(one, file, rounds, 3 * seconds))
                    rate = (one.runs("snmp") - runs) / (time.monotonic() - begun)
                theirs = sleeper
    except peer.PeerMissing as error:
        yield not_measured(f"{name}: lateness p99", "ms", asked, str(error))
        return
    if sum(one.lost for one in found) > 0.01 * sum(one.sent for one in found):
        raise Void("packets were lost on loopback; the figure is void")
    ours = statistics.median(statistics.median(one.late) for one in found)
    worst = statistics.median(max(one.late) for one in found)
    beside = 1e3 * statistics.median(theirs) if theirs else None
    yield Figure(
        f"{name}: lateness p99", ours, "ms", asked, "a process that only sleeps", beside,
        ours / beside if beside else None, ours <= MOST_LATE,
        f"the median call of each round, median of {len(found)} rounds; the worst call {worst:.2f} ms; "
        f"{rate * 60:,.0f} checks a minute were run",
    )  # fmt: skip
    cpu = statistics.median(100 * one.cpu / seconds for one in found)
    yield at_most(f"{name}: CPU", cpu, "% of a core", MOST_CPU, note="the media process, its start included")


def _rounds(one: MeasuredAgent, file: Path, rounds: int, longest: float) -> Iterator[_Round]:
    end = time.monotonic() + longest * (rounds + 1)
    for number in range(rounds):
        while not file.exists() or len(file.read_text(encoding="utf-8").splitlines()) <= number:
            if time.monotonic() > end:
                raise Void(f"{number} of {rounds} rounds of calls; the log ends: {one.log.read_text()[-1500:]}")
            time.sleep(0.2)
        rows = json.loads(file.read_text(encoding="utf-8").splitlines()[number])
        yield _Round(
            [1e3 * row["p99"] for row in rows], max(row["cpu"] for row in rows), sum(row["sent"] for row in rows),
            sum(row["lost"] for row in rows),
        )  # fmt: skip


def _with_calls(estate: str, calls: int, seconds: float, to: int, file: Path) -> str:
    options = f"calls: {calls}, seconds: {seconds}, to: {to}, file: {file}"
    timing = f"every: {2000 * seconds:.0f}ms, timeout: {1800 * seconds:.0f}ms"
    return f"{estate}  calls: {{address: 127.0.0.1, site: forum, checks: [{{bench_calls: {{{options}, {timing}}}}}]}}\n"


def _plugin(directory: Path) -> dict[str, str]:
    """The environment in which an agent finds the kind, by an entry point as any plug-in has one."""
    info = directory / "plugin" / "ridgeway_benchmark_calls-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(call_kind.METADATA, encoding="utf-8")
    (info / "entry_points.txt").write_text(call_kind.ENTRY_POINTS, encoding="utf-8")
    return {"PYTHONPATH": f"{info.parent}:{_ROOT}:{_ROOT / 'tests'}"}


@contextlib.contextmanager
def _echo() -> Iterator[int]:
    """A port that sends everything back, in a process of its own."""
    with subprocess.Popen([sys.executable, "-c", _ECHO], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextlib.contextmanager
def _sleeper(rate: int, seconds: float) -> Iterator[list[float]]:
    """How late a process wakes that does nothing else, so often a second: p99 of a call's length each, in seconds."""
    found: list[float] = []
    command = [sys.executable, "-c", _SLEEPER, str(1 / rate), str(int(rate * seconds))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield found
        finally:
            process.kill()
            found += [float(line) for line in process.stdout]
