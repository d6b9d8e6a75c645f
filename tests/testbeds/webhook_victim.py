"""A process that tells one webhook until it is killed: by itself, the so-many-th time it comes to a step."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from multiprocessing.connection import Connection

from exporters.feed import hub
from exporters.webhooks import schedule
from exporters.webhooks.worker import Step
from testbeds.telling import opened, telling, webhook


def tell(pipe: Connection, location: str, url: str, step: str, times: int, environment: Mapping[str, str]) -> None:
    """For `testbeds.forked`. The webhook's secret is in HOOK. The step `none` lets it live."""
    os.environ.clear()
    os.environ.update(environment)
    asyncio.run(_tell(pipe, location, url, step, times))


async def _tell(pipe: Connection, location: str, url: str, step: str, times: int) -> None:
    left = times

    def strike(reached: Step) -> None:
        nonlocal left
        if reached == step:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    schedule.PAUSES = (0.02,) * len(schedule.PAUSES)
    hub.POLL = 0.02
    ledger = opened(location, exclusive=False)
    async with telling(ledger, webhook(url), probe=strike):
        pipe.send("ready")
        await asyncio.Event().wait()
