"""The pages in a real browser: the script runs under our own Content-Security-Policy, and keeps the page fresh."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from testbeds.peers import need

pytestmark = pytest.mark.acceptance


async def dom(address: str, profile: Path, virtual_milliseconds: int) -> str:
    """The page's DOM after so much of the browser's own time."""
    process = await asyncio.create_subprocess_exec(
        need("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        f"--user-data-dir={profile}", f"--virtual-time-budget={virtual_milliseconds}", "--dump-dom", address,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(90):
        out, _ = await process.communicate()
    return out.decode()


def bar(page: str) -> str:
    """What the line about updates says, as text."""
    found = re.search(r'<div class="refresh[^"]*" id="refresh">(.*?)</div>', page, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]*>", " ", found[1]).split())


async def test_the_script_runs_and_offers_a_pause(browser, tmp_path: Path) -> None:
    page = await dom(f"http://127.0.0.1:{browser.port}/", tmp_path, 1_000)

    assert '<button type="button" id="refresh-pause">Pause updates</button>' in page
    assert bar(page).startswith("As of Wed 18 Nov 2026, 11:06:40 GMT")


async def test_after_half_a_minute_the_page_is_fetched_again_and_says_so(browser, tmp_path: Path) -> None:
    page = await dom(f"http://127.0.0.1:{browser.port}/", tmp_path, 40_000)

    assert bar(page).startswith("Updated ")
    assert "<h1>3 problems need attention</h1>" in page
