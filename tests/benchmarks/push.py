"""Pings of backup jobs: 10,000 a minute over a connection each, as curl sends them, each on the disk before its answer.

Beside them, at the same rate, the endpoint that one would write in an afternoon: Starlette, and a commit to SQLite for
each request. Pings are sent when they are due, whether those before them are answered or not, and a ping's time runs
from that moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbeds.peers import free_port, wait_until
from testbeds.pushing import estate
from tests.benchmarks.figures import Figure, Void, at_most
from tests.benchmarks.meter import MeasuredAgent

_JOBS = 1000
_A_MINUTE = 10_000
_BOUND = 50.0
_WITHIN = 30.0
_PEER = """
import sqlite3, sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

ledger = sqlite3.connect(sys.argv[2], isolation_level=None)
ledger.execute("PRAGMA journal_mode=WAL")
ledger.execute("PRAGMA synchronous=FULL")
ledger.execute("CREATE TABLE pings (id INTEGER PRIMARY KEY, key TEXT, at REAL DEFAULT (julianday()))")

async def ping(request):
    ledger.execute("INSERT INTO pings (key) VALUES (?)", (request.path_params["key"],))
    return PlainTextResponse("OK")

uvicorn.run(Starlette(routes=[Route("/ping/{key}", ping)]), port=int(sys.argv[1]), log_level="warning")
"""


@dataclass(frozen=True, slots=True)
class _Sent:
    milliseconds: Sequence[float]
    """Of those that were answered 200, sorted."""
    refused: int

    def at(self, share: float) -> float:
        return self.milliseconds[min(len(self.milliseconds) - 1, int(share * len(self.milliseconds)))]


@dataclass
class _Agent(MeasuredAgent):
    def command(self) -> list[str]:
        return [*super().command(), *self.options]


def measure(quick: bool) -> Iterable[Figure]:
    seconds = 3.0 if quick else 60.0
    with tempfile.TemporaryDirectory() as folder:
        theirs = _peer(Path(folder) / "peer.sqlite3", seconds)
        ours, cpu, kept = _ours(Path(folder), seconds)
    if kept < len(ours.milliseconds):
        raise Void(f"{len(ours.milliseconds)} pings were answered, and {kept} are on the disk after a kill")
    note = (
        f"{len(ours.milliseconds)} pings of {_JOBS} jobs in {seconds:g} s, all on the disk after a kill; median "
        f"{ours.at(0.5):.1f} ms, longest {ours.milliseconds[-1]:.0f} ms, {ours.refused} refused"
    )
    peer = "Starlette, a commit for each"
    ratio = ours.at(0.99) / theirs.at(0.99)
    yield at_most(
        "push: ping on the disk and answered, p99", ours.at(0.99), "ms", _BOUND, peer=peer, peer_value=theirs.at(0.99),
        ratio=ratio, note=note,
    )  # fmt: skip
    rate = len(ours.milliseconds) / seconds * 60
    yield Figure(
        "push: pings taken", rate, "/min", f"≥ {_A_MINUTE}", met=rate >= 0.999 * _A_MINUTE and ours.refused == 0
    )
    yield Figure("push: CPU for a ping", cpu / len(ours.milliseconds) * 1000, "ms", note="the whole agent's")


def _ours(folder: Path, seconds: float) -> tuple[_Sent, float, int]:
    """What was answered, the agent's CPU seconds, and how many pings stand in its ledger after a kill."""
    port = free_port()
    keys = [f"benchmark-key-{number:05d}" for number in range(_JOBS)]
    environment = {f"KEY_{number}": key for number, key in enumerate(keys)}
    agent = _Agent(folder, environment, options=("--push.listen-address", f"127.0.0.1:{port}"))
    agent.write(estate({f"job-{number}": {"key": f"env:KEY_{number}"} for number in range(_JOBS)}, every="5m"))
    agent.start()
    try:
        wait_until(lambda: agent.runs("backup") > 0, "the first round is judged", 60)
        before = agent.cpu()
        sent = asyncio.run(_send(port, keys, seconds))
        cpu = agent.cpu() - before
    finally:
        agent.kill()
    with contextlib.closing(sqlite3.connect(folder / "ledger.sqlite3")) as ledger:
        kept: int = ledger.execute("SELECT count(*) FROM pings").fetchone()[0]
    return sent, cpu, kept


def _peer(ledger: Path, seconds: float) -> _Sent:
    with _running(ledger) as port:
        return asyncio.run(_send(port, ["peer-key-0000000"], seconds))


@contextlib.contextmanager
def _running(ledger: Path) -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", _PEER, str(port), str(ledger)])
    try:
        wait_until(lambda: _answers(port), "the peer answers", 30)
        yield port
    finally:
        process.kill()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        return asyncio.run(_ping(port, "peer-key-0000000", "first"))
    except OSError:
        return False


async def _send(port: int, keys: Sequence[str], seconds: float) -> _Sent:
    """Send at an even pace, in an open loop."""
    count = round(_A_MINUTE * seconds / 60)
    took: list[float] = []
    refused = 0
    began = time.perf_counter()

    async def one(number: int, due: float) -> None:
        nonlocal refused
        if await _ping(port, keys[number % len(keys)], f"r{number}"):
            took.append((time.perf_counter() - due) * 1000)
        else:
            refused += 1

    async with asyncio.TaskGroup() as sending:
        for number in range(count):
            due = began + number * seconds / count
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sending.create_task(one(number, due))
    return _Sent(sorted(took), refused)


async def _ping(port: int, key: str, rid: str) -> bool:
    async with asyncio.timeout(_WITHIN):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /ping/{key}?rid={rid} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
    return answer.startswith(b"HTTP/1.1 200")
