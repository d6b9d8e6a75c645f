"""When the agent may say that it lives: only while its scheduler moves and its ledger is kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from agent.daemon.outbound import STALLED_AFTER, UNKEPT_AFTER, Outbound
from agent.ledger.ledger import Ledger
from agent.ledger.read import Reader
from agent.ledger.writer import LedgerHealth
from agent.schedule import Scheduler
from checks.network.tcp import CHECK
from config.estate import HeartbeatSpec
from config.secrets import Secret
from exporters.feed.hub import Hub
from exporters.prometheus.own import OwnMetrics
from testbeds import single
from testbeds.receiver import Receiver
from testbeds.telling import opened, until

NOW = 1_790_000_000.0


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    kept = opened(tmp_path / "ledger.sqlite3")
    yield kept
    kept.close()


@pytest.fixture
def outside() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


async def outbound(
    ledger: object,
    reader: Reader,
    scheduler: object,
    monotonic: Callable[[], float],
    clock: Callable[[], float] = lambda: NOW,
) -> Outbound:
    own = OwnMetrics("", "", dict, lambda: 0)
    hub = Hub(reader, "test")
    await hub.start()
    return Outbound(
        single.estate(), cast("Ledger", ledger), hub, cast("Scheduler", scheduler), own.outbound, clock, monotonic
    )


@pytest.mark.parametrize(
    ("idle", "health", "trouble"),
    [
        (0.0, LedgerHealth(), ""),
        (STALLED_AFTER - 1, LedgerHealth(), ""),
        (STALLED_AFTER, LedgerHealth(), "the scheduler starts no checks"),
        (0.0, LedgerHealth(ok=False, since=NOW - UNKEPT_AFTER + 1), ""),
        (0.0, LedgerHealth(ok=False, since=NOW - UNKEPT_AFTER), "the ledger cannot be written"),
        (0.0, LedgerHealth(ok=True, since=NOW - 9_999), ""),
    ],
)
async def test_the_agent_works_while_its_scheduler_moves_and_its_ledger_is_kept(
    ledger: Ledger, idle: float, health: LedgerHealth, trouble: str
) -> None:
    kept = SimpleNamespace(reader=ledger.reader, writer=ledger.writer, health=health)

    made = await outbound(kept, ledger.reader, SimpleNamespace(last_progress=1_000.0), lambda: 1_000.0 + idle)

    assert made.trouble().startswith(trouble)
    assert bool(made.trouble()) == bool(trouble)
    await made.stop()


@asynccontextmanager
async def scheduling(monotonic: Callable[[], float]) -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(lambda *_: None, clock=lambda: time.time() + monotonic() - time.monotonic(),
                          monotonic=monotonic)  # fmt: skip
    options = CHECK.options.model_validate({"port": 9})
    scheduler.load([single.check("tcp", options)])
    scheduler.start()
    try:
        yield scheduler
    finally:
        await scheduler.stop()


async def test_a_scheduler_that_is_stuck_ends_the_pings_of_an_agent_that_lives(
    ledger: Ledger, outside: Receiver
) -> None:
    later = 0.0

    def monotonic() -> float:
        return time.monotonic() + later

    beat = HeartbeatSpec("outside", Secret(outside.url), every=0.02, timeout=5.0)
    async with scheduling(monotonic) as scheduler:
        made = await outbound(ledger, ledger.reader, scheduler, monotonic, time.time)
        made.use(replace(single.estate(), heartbeats={"outside": beat}))
        made.start()
        try:
            await until(lambda: len(outside.got) >= 3, "the agent says that it lives")
            scheduler._engine.pause()  # its slots are never handed out again, and it does not know
            scheduler._look_timer.cancel()  # type: ignore[union-attr]
            later = STALLED_AFTER
            before = len(outside.got)
            for _ in range(10):  # as many as it would have pinged
                await asyncio.sleep(0.02)

            assert len(outside.got) <= before + 1, "one may have been under way"
            assert made.trouble() == "the scheduler starts no checks"
        finally:
            await made.stop()
