"""A changed estate put in force while 10,000 checks run: how long in all, and how long the event loop was held.

The agent runs in this process, so that a ticker in its own loop can measure; what its checks connect to does not.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterable
from pathlib import Path

from agent.cli.estate import kinds
from agent.daemon import Daemon, Settings
from agent.daemon.core import running
from agent.daemon.life import spare_the_collector
from agent.daemon.loading import Loader
from agent.redaction import Redactor
from config.estate import Estate
from config.load import load_estate
from testbeds.peers import free_port
from tests.benchmarks import estates
from tests.benchmarks.figures import Figure, Void, at_most

TARGETS = 2_500
EACH = 4
CHANGED = 10
MOST_SECONDS = 2.0
MOST_HELD = 50.0
TICK = 0.005
Hold = tuple[float, float]
"""Seconds that the loop did not come round, and for how many of them its thread computed."""
_LISTEN = "import socket\ns = socket.create_server(('127.0.0.1', {0}), backlog=1024)\nwhile True: s.accept()[0].close()"


def measure(quick: bool) -> Iterable[Figure]:
    targets, rounds = (50, 2) if quick else (TARGETS, 5)
    with tempfile.TemporaryDirectory() as directory:
        ports = [free_port() for _ in range(EACH)]
        peers = [subprocess.Popen([sys.executable, "-c", _LISTEN.format(port)]) for port in ports]
        try:
            every = 10 if quick else 60
            seconds, holds, calm = asyncio.run(_rounds(Path(directory), ports, targets, every, rounds))
        finally:
            for peer in peers:
                peer.kill()
                peer.wait()
    name = f"reload of {targets * EACH:,} checks, {CHANGED} of them changed"
    note = (
        f"median of {rounds}; {min(seconds):.2f} to {max(seconds):.2f} s; the first starts a reader: {seconds[0]:.2f} s"
    )
    yield at_most(name, statistics.median(seconds), "s", MOST_SECONDS, note=note)
    yield at_most(
        f"{name}: loop held", max(holds)[0] * 1e3, "ms", MOST_HELD,
        note=f"the longest of {rounds}; in it the loop's thread computed for {max(holds)[1] * 1e3:.0f} ms, the rest it "
        f"waited for the processor; without a reload {calm[0] * 1e3:.0f} ms in as long",
    )  # fmt: skip


async def _rounds(
    home: Path, ports: list[int], targets: int, every: int, rounds: int
) -> tuple[list[float], list[Hold], Hold]:
    path = home / "estate.yaml"
    path.write_text(_estate(ports, targets, every, 0))
    checks, desks = kinds()
    estate = load_estate(path, checks, desks)
    settings = Settings.make(
        estate,
        ledger_url=str(home / "ledger.sqlite3"),
        control_socket=home / "control.socket",
        listen=[f"127.0.0.1:{free_port()}"],
    )
    os.environ.update(estates.ENVIRONMENT)
    redactor = Redactor()
    seconds, holds = [], []
    async with running(estate, settings, checks, desks, load=Loader(path), learn=redactor.learn_estate) as daemon:
        spare_the_collector()
        await _settle(daemon, estate)
        calm = await _longest(asyncio.sleep(1.5))
        for number in range(1, rounds + 1):
            path.write_text(_estate(ports, targets, every, number))
            begun = time.monotonic()
            holds.append(await _longest(_reload(daemon)))
            seconds.append(time.monotonic() - begun)
    return seconds, holds, calm


async def _settle(daemon: Daemon, estate: Estate) -> None:
    """Until every check has run once."""
    wanted = sum(len(target.checks) for target in estate.targets.values())
    async with asyncio.timeout(180):
        while len(daemon.pipeline.last) < wanted:
            await asyncio.sleep(0.2)


async def _reload(daemon: Daemon) -> None:
    assert daemon.reloader is not None  # it was started with a loader
    text = (await daemon.reloader.reload("benchmark")).text
    if f"checks: {CHANGED} changed" not in text:
        raise Void(f"the reload: {text[:500]}")


async def _longest(work: Awaitable[object]) -> Hold:
    """The longest time that the loop did not come round while this was done."""
    longest = (0.0, 0.0)

    async def tick() -> None:
        nonlocal longest
        before, computed = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(TICK)
            now, then = time.perf_counter(), time.thread_time()
            longest = max(longest, (now - before - TICK, then - computed))
            before, computed = now, then

    ticker = asyncio.create_task(tick())
    await asyncio.sleep(0)
    await work
    await asyncio.sleep(2 * TICK)
    ticker.cancel()
    return longest


def _estate(ports: list[int], targets: int, every: int, number: int) -> str:
    """The first check of `CHANGED` targets has another time-out each time."""
    hosts = []
    for host in range(targets):
        timeout = 400 + number if host % (targets // CHANGED) == 0 and host < targets // CHANGED * CHANGED else 400
        first = f"{{kind: tcp, name: c0, port: {ports[0]}, every: {every}s, timeout: {timeout}ms}}"
        others = [
            f"{{kind: tcp, name: c{check}, port: {ports[check]}, every: {every}s, timeout: 400ms}}"
            for check in range(1, EACH)
        ]
        hosts.append(f"  host-{host:05d}: {{address: 127.0.0.1, site: forum, checks: [{', '.join([first, *others])}]}}")
    return estates.alone(hosts)
