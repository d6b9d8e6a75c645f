"""A thread with an event loop of its own, for what cannot wait for the agent's: sound is as late as the loop is."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any


class Aside:
    """Made by `aside`; everything that is run here belongs to this thread from then on."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Have a coroutine run there, and wait for its end; it raises what that raises."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def call(self, work: Callable[[], None]) -> None:
        """The same for a function."""

        async def called() -> None:
            work()

        await self.run(called())


@contextlib.contextmanager
def aside(name: str) -> Iterator[Aside]:
    """The thread, which ends with the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=name, daemon=True)
    thread.start()
    try:
        yield Aside(loop)
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end() -> None:
    """Cancel what still runs here."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
