"""The thread in which the demo's SIP endpoints live."""

from __future__ import annotations

import asyncio
import threading

import pytest

from agent.demo.aside import aside


async def test_what_is_run_aside_runs_in_a_thread_of_its_own_that_ends_with_the_block() -> None:
    where: list[threading.Thread] = []

    async def look() -> None:
        where.append(threading.current_thread())

    with aside("a test") as thread:
        await thread.run(look())
        await thread.call(lambda: where.append(threading.current_thread()))
        alive = where[0].is_alive()

    assert where[0] is where[1] is not threading.current_thread()
    assert (alive, where[0].is_alive()) == (True, False)


async def test_what_it_raises_is_raised_here() -> None:
    async def fail() -> None:
        raise OSError("taken")

    with aside("a test") as thread, pytest.raises(OSError, match="taken"):
        await thread.run(fail())


async def test_what_still_runs_at_the_end_is_cancelled() -> None:
    ended = threading.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    tasks: list[asyncio.Task[None]] = []

    async def begin() -> None:
        tasks.append(asyncio.create_task(wait()))
        await asyncio.sleep(0)

    with aside("a test") as thread:
        await thread.run(begin())

    assert ended.is_set() and tasks[0].cancelled()
