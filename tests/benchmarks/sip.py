"""What SIP OPTIONS over UDP cost: the whole agent beside one process of sipsak for each question, and 1,000 trunks.

Whoever answers is a process of its own, which repeats what it must of a request and no more. Agent and peer ask it at
the same rate at the same time. A process of sipsak costs its own CPU, and what it takes to start and to bury it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from testbeds.peers import find, free_port
from tests.benchmarks import estates
from tests.benchmarks.cost import CALM, Pace, scraped
from tests.benchmarks.figures import Figure, Void, at_most, not_measured
from tests.benchmarks.meter import MeasuredAgent, agent, settle
from tests.benchmarks.world import own_network

KIND = "sip_options"
CHEAPER, STRETCH = 10.0, 20.0
TRUNKS, EVERY, SHARE = 1_000, 30.0, 2.0
_QUICK = Pace(30, 1.0, 2, 3.0)
_BESIDE = Pace(TRUNKS, CALM, 5, 8.0)
_TRUNKS = Pace(TRUNKS, EVERY, 1, 2 * EVERY)
_ANSWERER = Path(__file__).with_name("sip_answerer.py")


def measure(quick: bool) -> Iterable[Figure]:
    """The cost of a question at the pace of the other benchmarks, and the share of a core that 1,000 trunks take."""
    with answering() as port:
        yield _beside_sipsak(_QUICK if quick else _BESIDE, port)
        yield _many(_QUICK if quick else _TRUNKS, port)


def _beside_sipsak(pace: Pace, port: int) -> Figure:
    name, asked_for = f"CPU per SIP OPTIONS over UDP, {pace.rate:,.0f} a second", f"≤ 1/{CHEAPER:g} × peer"
    program = find("sipsak")
    if program is None:
        return not_measured(name, "µs", asked_for, "sipsak is missing; on Debian: apt-get install sipsak")
    with agent(estates.sip(pace.targets, pace.every, port)) as one, Sipsak(program, port, pace) as peer:
        settle(one, KIND, pace.targets)
        ours, theirs, ran = _windows(one, peer, pace)
    ratios = [mine / spent.each for mine, spent in zip(ours, theirs, strict=True)]
    ratio, seconds = statistics.median(ratios), pace.windows * pace.seconds
    cheaper = [1 / one for one in ratios]
    total = sum(theirs, Spent())
    starting = total.starting / total.processes * 1e6
    note = (
        f"{statistics.median(cheaper):.1f} × cheaper ({min(cheaper):.1f} to {max(cheaper):.1f} over {len(ratios)} "
        f"windows), stretch {STRETCH:g}; of sipsak {starting:.0f} µs for starting it; "
        f"{ran / seconds:.0f} and {total.processes / seconds:.0f} probes/s"
    )
    return Figure(
        name, statistics.median(ours), "µs", asked_for, "sipsak", total.each, ratio, ratio <= 1 / CHEAPER, note
    )  # fmt: skip


def _windows(one: MeasuredAgent, peer: Sipsak, pace: Pace) -> tuple[list[float], list[Spent], float]:
    """Microseconds per question of the agent and what the peer spent, in each window; the agent's questions in all."""
    ours: list[float] = []
    theirs: list[Spent] = []
    ran, failed = 0.0, one.failed()
    with scraped(one):
        for _ in range(pace.windows):
            runs, cpu, spent = one.runs(KIND), one.cpu(), peer.so_far()
            time.sleep(pace.seconds)
            runs, cpu = one.runs(KIND) - runs, one.cpu() - cpu
            theirs.append(peer.so_far().since(spent))
            ours.append(cpu / runs * 1e6)
            ran += runs
    _all_well(one, failed, ran)
    return ours, theirs, ran


def _many(pace: Pace, port: int) -> Figure:
    with agent(estates.sip(pace.targets, pace.every, port)) as one, scraped(one):
        settle(one, KIND, pace.targets)
        runs, cpu, failed, began = one.runs(KIND), one.cpu(), one.failed(), time.monotonic()
        time.sleep(pace.seconds)
        share = (one.cpu() - cpu) / (time.monotonic() - began) * 100
        _all_well(one, failed, one.runs(KIND) - runs)
    name = f"{pace.targets:,} trunks asked by OPTIONS every {pace.every:g} s"
    return at_most(name, share, "% of a core", SHARE, note="the agent's whole CPU, its idle share included")


def _all_well(one: MeasuredAgent, failed: float, ran: float) -> None:
    up = [value for head, value in one.samples("ridgeway_sip_up").items() if head]
    if one.failed() - failed > 0.01 * ran or not up or min(up) < 1:
        raise Void("some endpoints did not answer the agent; the figure is void")


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds of processes that have ended, and of starting them and taking their end."""

    processes: int = 0
    own: float = 0.0
    starting: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.processes + other.processes, self.own + other.own, self.starting + other.starting)

    @property
    def each(self) -> float:
        """Microseconds for one."""
        return (self.own + self.starting) / self.processes * 1e6

    def since(self, before: Spent) -> Spent:
        return Spent(self.processes - before.processes, self.own - before.own, self.starting - before.starting)


class Sipsak:
    """Starts one process for each question, at a steady rate from some threads; the kernel counts their CPU."""

    _THREADS = 8

    def __init__(self, program: Path, port: int, pace: Pace) -> None:
        self._command = [str(program), "-s", f"sip:127.0.0.1:{port}"]
        self._between = self._THREADS / pace.rate
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._counted, self._failed = Spent(), 0
        self._threads = [threading.Thread(target=self._ask, args=(at,), daemon=True) for at in range(self._THREADS)]

    def __enter__(self) -> Sipsak:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(15)

    def so_far(self) -> Spent:
        """What has been spent so far. Raises Void when the processes fail: failing is cheap."""
        with self._lock:
            if self._failed > 0.01 * self._counted.processes + 3:
                raise Void("sipsak gets no answer; the figure is void")
            return self._counted

    def _ask(self, at: int) -> None:
        due = time.monotonic() + self._between * at / self._THREADS
        quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            begun = time.thread_time()
            process = os.posix_spawn(self._command[0], self._command, os.environ, file_actions=quiet)
            _, status, used = os.wait4(process, 0)
            starting = time.thread_time() - begun
            with self._lock:
                self._counted += Spent(1, used.ru_utime + used.ru_stime, starting)
                self._failed += os.waitstatus_to_exitcode(status) != 0
            due += self._between


@contextlib.contextmanager
def answering() -> Iterator[int]:
    """Whoever answers, on every address of loopback where the network is ours; gives the port."""
    port = free_port(socket.SOCK_DGRAM)
    where = "0.0.0.0" if own_network() else "127.0.0.1"
    process = subprocess.Popen([sys.executable, str(_ANSWERER), where, str(port)])
    try:
        time.sleep(1.0)
        yield port
    finally:
        process.terminate()
        process.wait(10)
