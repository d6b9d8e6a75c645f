"""The feed of a real ledger behind a real socket, and a reader that speaks HTTP by hand."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agent.ledger.ledger import Ledger
from exporters.feed.feed import Feed
from exporters.feed.hub import Hub
from exporters.web.server import WebServer, listen
from testbeds.feed_agent import Incidents, application

PATIENCE = 20.0
"""Seconds within which a test must have got what it waits for."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Line:
    """One request and its answer, read piece by piece."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    got: str = ""

    async def head(self) -> Line:
        text = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode()
        first, *lines = text.strip().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return self

    async def more(self) -> bool:
        """One chunk of the body; whether there was one."""
        size = int(await asyncio.wait_for(self.reader.readline(), PATIENCE) or b"0", 16)
        self.got += (await self.reader.readexactly(size + 2))[:size].decode()
        return size > 0

    async def until(self, pattern: str) -> str:
        """Read on until this is in what came, and return all that came."""
        while re.search(pattern, self.got) is None:
            assert await self.more(), f"the stream ended without {pattern}: {self.got[-300:]}"
        return self.got

    @property
    def texts(self) -> list[str]:
        """The events' texts so far, in order."""
        return [json.loads(data)["data"]["text"] for data in re.findall(r"^data: (.*)$", self.got, re.MULTILINE)]


@dataclass
class Served:
    ledger: Ledger
    hub: Hub
    feed: Feed
    server: WebServer
    incidents: Incidents
    lines: list[Line] = field(default_factory=list)

    def tell(self, council: str, *texts: str, wake: bool = True) -> None:
        """Events on disk, and the hub woken as by the agent."""
        for done in [self.incidents.event(council, text) for text in texts]:
            done.result(PATIENCE)
        if wake:
            self.hub.wake()

    async def open(self, path: str, method: str = "GET", **headers: str) -> Line:
        reader, writer = await asyncio.open_connection(*self.server.addresses[0], limit=2**24)
        fields = {"Host": "127.0.0.1", **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode())
        self.lines.append(Line(reader, writer))
        return self.lines[-1]

    async def stream(self, path: str = "/api/v1/events/stream", **headers: str) -> Line:
        line = await (await self.open(path, **headers)).head()
        assert (line.status, line.headers["content-type"]) == (200, "text/event-stream")
        return line

    async def get(self, path: str, **headers: str) -> Answer:
        line = await (await self.open(path, **headers)).head()
        length = int(line.headers.get("content-length", "0"))
        return Answer(line.status, line.headers, await asyncio.wait_for(line.reader.readexactly(length), PATIENCE))


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    ledger = Ledger.open(tmp_path / "ledger.sqlite3", clock=time.time, vantage="hemel")
    incidents = Incidents(ledger)
    hub = Hub(ledger.reader, "test", coalesce=0.01, most=5)
    await hub.start()
    feed = Feed(ledger.reader, hub, time.time)
    server = WebServer(application(feed), listen(["127.0.0.1:0"]))
    await server.start()
    found = Served(ledger, hub, feed, server, incidents)
    yield found
    for line in found.lines:
        line.writer.close()
    await hub.stop()
    await server.stop()
    await asyncio.to_thread(ledger.close)
