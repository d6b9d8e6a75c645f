"""Blocking calls made aside from the event loop, in threads that nobody ever has to wait for.

The standard thread pools join their threads when the interpreter ends, so that one `statvfs` on a dead NFS server
keeps a stopped agent alive for ever. Here threads are daemons, and a call that hangs keeps its place (so that it is
not asked again and again) until it has really ended.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class StillHanging(Exception):
    """The previous call of this name has not come back; asking again later can help."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"the previous {name} is still hanging after {seconds:.0f} s")
        self.seconds = seconds


class Crowded(Exception):
    """As many calls as allowed are under way; asking again later can help."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} blocking calls are under way already, no more are started")


class Aside:
    """Runs blocking calls, at most `limit` at once and at most one of each name."""

    def __init__(self, limit: int = 16) -> None:
        self._limit = limit
        self._since: dict[str, float] = {}

    async def run(self, name: str, call: Callable[[], T]) -> T:
        """The result of `call()`, or what it raised; cancelling the wait leaves the call to end by itself.

        Raises StillHanging or Crowded without starting anything.
        """
        loop = asyncio.get_running_loop()
        since = self._since.get(name)
        if since is not None:
            raise StillHanging(name, loop.time() - since)
        if len(self._since) >= self._limit:
            raise Crowded(self._limit)
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            result: T | None = None
            error: BaseException | None = None
            try:
                result = call()
            except BaseException as caught:  # noqa: BLE001 - handed to the one who waits, whatever it is
                error = caught
            try:
                loop.call_soon_threadsafe(self._end, name, future, result, error)
            except RuntimeError:
                self._since.pop(name, None)  # the loop was closed meanwhile: nobody waits any more

        self._since[name] = loop.time()
        threading.Thread(target=work, name=f"aside: {name}", daemon=True).start()
        return await future

    def _end(self, name: str, future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
        self._since.pop(name, None)
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
