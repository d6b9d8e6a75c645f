"""Blocking calls aside from the loop."""

import asyncio
import subprocess
import sys
import threading

import pytest

from checks.transports.aside import Aside, Crowded, StillHanging


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
