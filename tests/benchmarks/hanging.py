"""200 devices take a connection and then say nothing: are the checks of all the others as punctual as before.

The same agent is measured twice: while everything answers, and while the 200 hang, each in a thread of its own for its
whole time-out, and again as soon as it may. Lateness is that of all checks together, hanging ones included.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator

from testbeds.agent import Service
from tests.benchmarks import estates
from tests.benchmarks.figures import Figure, Void
from tests.benchmarks.meter import MeasuredAgent, agent, quantile, settle

HANGING = 200
OTHERS = 2_000
_LATENESS = "ridgeway_scheduler_lateness_seconds"
_CLOCK_TICK = 5.0
"""Milliseconds: the histogram's finest bucket, below which two quantiles cannot be told apart."""
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def measure(quick: bool) -> Iterable[Figure]:
    hanging, others, every, seconds = (10, 50, 1.0, 4.0) if quick else (HANGING, OTHERS, 5.0, 60.0)
    name = f"{hanging} devices hang, {others:,} others every {every:.0f} s"
    with (
        _device() as device,
        contextlib.closing(Service("0.0.0.0")) as well,
        agent(estates.hanging(hanging, others, every, device.port, well.port)) as one,
    ):
        settle(one, "tcp", others)
        before = _late(one, seconds)
        failed = one.failed()
        device.hang()
        _wait_until_they_hang(one, hanging, 60.0)
        after = _late(one, seconds)
        good = one.failed() - failed
        resident = one.resident()
    if good < hanging:
        raise Void(f"only {good:.0f} runs failed while {hanging} devices hung; the figure is void")
    yield Figure(
        f"{name}: lateness p99", after, "ms", "as before", "nothing hangs", before, after / before if before else None,
        after <= max(before, _CLOCK_TICK) * 1.25, "unchanged: within a quarter, or within the finest bucket of 5 ms",
    )  # fmt: skip
    yield Figure(f"{name}: resident", resident, "MiB", note="no bound is set")


def _late(one: MeasuredAgent, seconds: float) -> float:
    before = one.samples(f"{_LATENESS}_bucket")
    time.sleep(seconds)
    return quantile(before, one.samples(f"{_LATENESS}_bucket"), _LATENESS, 0.99) * 1e3


def _wait_until_they_hang(one: MeasuredAgent, count: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while one.samples("ridgeway_check_runs_under_way").get("ridgeway_check_runs_under_way", 0.0) < 0.8 * count:
        if time.monotonic() > end:
            raise Void(f"fewer than {count} checks hang after {seconds:.0f} s")
        time.sleep(0.2)


class _Device:
    """One listener that plays them all: it answers each request at once, until it is told to hang."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("0.0.0.0", 0), backlog=4096)
        self.port: int = self._listening.getsockname()[1]
        self._hanging = threading.Event()
        self._held: deque[socket.socket] = deque(maxlen=3 * HANGING)  # what falls out was given up by its agent
        threading.Thread(target=self._serve, daemon=True).start()

    def hang(self) -> None:
        """From now on every connection is taken, and nothing is said on it."""
        self._hanging.set()

    def close(self) -> None:
        self._listening.close()
        for held in self._held:
            held.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self._hanging.is_set():
                self._held.append(client)
                continue
            with contextlib.suppress(OSError), client:
                client.settimeout(1.0)
                client.recv(4096)
                client.sendall(_ANSWER)


@contextlib.contextmanager
def _device() -> Iterator[_Device]:
    device = _Device()
    try:
        yield device
    finally:
        device.close()
