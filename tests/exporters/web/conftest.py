"""A real server on a free loopback port, over a view in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics
from exporters.web.app import Site
from exporters.web.guard import Hosts
from exporters.web.runbook_pages import Runbooks
from exporters.web.server import WebServer, listen
from testbeds.pages import FAMILIES, NOW, MemoryView, bad_morning, drills_of_the_pages


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Browser:
    """Speaks HTTP/1.1 by hand, so that a test can also say what no library would."""

    port: int
    view: MemoryView
    exposition: Exposition
    server: WebServer
    site: Site

    async def raw(self, request: str) -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request.encode())
            await writer.drain()
            text = (await asyncio.wait_for(reader.read(), 20)).decode("utf-8", "replace")
        finally:
            writer.close()
        head, _, body = text.partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return Answer(int(first.split()[1]), headers, body)

    async def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        fields = {"Host": f"127.0.0.1:{self.port}", "Connection": "close"}
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return await self.raw(f"{method} {path} HTTP/1.1\r\n{lines}\r\n")


Serve = Callable[[MemoryView], Awaitable[Browser]]


@asynccontextmanager
async def serving(view: MemoryView, runbooks: Path) -> AsyncIterator[Browser]:
    exposition = Exposition(FAMILIES)
    own = OwnMetrics("0.1.0", "abcdef", exposition.counts, exposition.checks_stale)
    site = Site(view, drills_of_the_pages(), exposition, own, Runbooks(runbooks), "0.1.0", lambda: NOW)
    server = WebServer(site.app(Hosts.of(["ridgeway.example"])), listen(["127.0.0.1:0"]))
    await server.start()
    try:
        yield Browser(server.addresses[0][1], view, exposition, server, site)
    finally:
        await server.stop()


@pytest.fixture
def runbooks(tmp_path: Path) -> Path:
    directory = tmp_path / "runbooks"
    directory.mkdir()
    (directory / "README.md").write_text("# Runbooks\n")
    (directory / "snmp-no-answer.md").write_text(
        "# SNMP is silent\n\n<script>alert(1)</script>\n\n[bad](javascript:alert(1)) [good](https://example.org/)\n"
    )
    (directory / "snmp.md").write_text("# SNMP\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    return directory


@pytest.fixture
async def browser(runbooks: Path) -> AsyncIterator[Browser]:
    async with serving(bad_morning(), runbooks) as found:
        yield found
