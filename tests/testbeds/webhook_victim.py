"""A process that tells one webhook until it is killed: by itself, the so-many-th time it comes to a step.

Run as `python -m testbeds.webhook_victim LOCATION URL STEP TIMES`. Its secret is in HOOK. STEP `none` lets it live.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from exporters.feed import hub
from exporters.webhooks import schedule
from exporters.webhooks.worker import Step
from testbeds.telling import opened, telling, webhook


async def main(location: str, url: str, step: str, times: int) -> None:
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
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
