"""The end of a process of ours, waited for without holding the event loop."""

from __future__ import annotations

import asyncio
import os
import subprocess


async def gone(child: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for its end; what does not end is killed."""
    loop = asyncio.get_running_loop()
    number = os.pidfd_open(child.pid)
    future: asyncio.Future[None] = loop.create_future()
    loop.add_reader(number, _settle, future)
    try:
        async with asyncio.timeout(seconds):
            await future
    except TimeoutError:
        child.kill()
    except asyncio.CancelledError:
        child.kill()
        child.wait()
        raise
    finally:
        loop.remove_reader(number)
        os.close(number)
    child.wait()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
