"""Blocking calls aside from the loop."""

import asyncio
import socket
import subprocess
import sys
import threading

import pytest

from checks.transports.aside import Aside, Crowded, Overdue, StillHanging, Tether


async def test_results_and_errors_come_back():
    aside = Aside()

    assert await aside.run("sum", lambda: 1 + 1) == 2
    with pytest.raises(ZeroDivisionError):
        await aside.run("division", lambda: 1 / 0)


async def test_a_call_that_outlives_its_deadline_keeps_its_place_until_it_has_ended():
    aside, release = Aside(limit=2), threading.Event()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await aside.run("statvfs of /mnt", release.wait)
    with pytest.raises(StillHanging, match="the previous statvfs of /mnt is still hanging"):
        await aside.run("statvfs of /mnt", release.wait)
    release.set()
    while "statvfs of /mnt" in aside._since:
        await asyncio.sleep(0.01)

    assert await aside.run("statvfs of /mnt", lambda: "back") == "back"


async def test_no_more_threads_than_allowed_are_started():
    aside, release = Aside(limit=2), threading.Event()
    hanging = [asyncio.ensure_future(aside.run(name, release.wait)) for name in ("a", "b")]
    await asyncio.sleep(0)

    with pytest.raises(Crowded):
        await aside.run("c", release.wait)

    release.set()
    assert await asyncio.gather(*hanging) == [True, True]


def test_a_call_that_never_returns_does_not_keep_the_process_alive():
    code = """
import asyncio, threading
from checks.transports.aside import Aside
async def main():
    try:
        async with asyncio.timeout(0.1):
            await Aside().run("forever", threading.Event().wait)
    except TimeoutError:
        print("gave up")
asyncio.run(main())
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)

    assert (done.stdout, done.stderr) == ("gave up\n", "")


async def test_a_call_that_waits_on_a_socket_is_cut_at_its_deadline():
    aside = Aside()
    ours, theirs = socket.socketpair()

    def read(tether: Tether) -> bytes:
        tether.hold(ours)
        return ours.recv(1)

    with ours, theirs:
        said = await aside.ask("fw1", read, asyncio.get_running_loop().time() + 0.05)

    assert said == b""
    assert (aside.busy, aside.hanging) == (0, 0)


async def test_a_call_that_ignores_the_cut_is_overdue_and_its_place_refused_until_it_has_ended():
    aside, release = Aside(), threading.Event()

    with pytest.raises(Overdue, match="call to fw1 did not end by its deadline"):
        await aside.ask("fw1", lambda _tether: release.wait(), asyncio.get_running_loop().time() + 0.05)
    assert (aside.busy, aside.hanging) == (1, 1)
    with pytest.raises(StillHanging, match="the previous call to fw1 is still hanging"):
        await aside.ask("fw1", lambda _tether: None, asyncio.get_running_loop().time() + 5)
    assert await aside.ask("fw2", lambda _tether: "answers", asyncio.get_running_loop().time() + 5) == "answers"
    release.set()
    while aside.hanging:
        await asyncio.sleep(0.01)

    assert await aside.ask("fw1", lambda _tether: "back", asyncio.get_running_loop().time() + 5) == "back"


async def test_a_call_nobody_waits_for_any_more_is_cut_at_once():
    aside = Aside()
    ours, theirs = socket.socketpair()
    reading = threading.Event()

    def read(tether: Tether) -> bytes:
        tether.hold(ours)
        reading.set()
        return ours.recv(1)

    with ours, theirs:
        asking = asyncio.ensure_future(aside.ask("fw1", read, asyncio.get_running_loop().time() + 600))
        while not reading.is_set():
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        while aside.busy:
            await asyncio.sleep(0.01)

    assert aside.hanging == 0


async def test_a_socket_opened_after_the_deadline_is_shut_at_once():
    tether = Tether(deadline=0.0)
    ours, theirs = socket.socketpair()
    tether.sever()

    with ours, theirs:
        tether.hold(ours)

        assert theirs.recv(1) == b""
        assert tether.left == 0.001


async def test_what_a_call_raises_by_itself_comes_through_also_a_time_out():
    aside = Aside()

    def late(_tether: Tether) -> None:
        raise TimeoutError("the library's own")

    with pytest.raises(TimeoutError, match="the library's own"):
        await aside.ask("fw1", late, asyncio.get_running_loop().time() + 5)
    assert aside.hanging == 0


async def test_threads_are_used_again():
    aside = Aside()

    names = {await aside.run("name", lambda: threading.get_ident()) for _ in range(50)}

    assert len(names) < 10  # a thread may be a moment late to say that it is free
