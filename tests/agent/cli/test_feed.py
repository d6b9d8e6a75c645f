"""How the demo's console reads the feed: frames of Server-Sent Events, and going on after a cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from agent.cli.feed import Frame, follow, frames
from exporters.web.server import WebServer, listen


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("id: E:1\nevent: x\ndata: {}\n\n", [Frame("E:1", "{}")]),
        ("retry: 3000\nid: E:1\n\n", [Frame("E:1", "")]),
        (": still here\n\nid: E:2\ndata: a\ndata:b\n\n", [Frame("", ""), Frame("E:2", "a\nb")]),
        ("id: E:1\ndata: {}\n", []),
        ("\n\n", []),
    ],
)
def test_a_stream_is_read_as_the_specification_says(text: str, found: list[Frame]) -> None:
    assert list(frames(text.splitlines())) == found


class Cutting:
    """Sends one event at a time and hangs up; `asked` are the cursors that it was asked from."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def stream(self, request: Request) -> Response:
        cursor = request.headers["last-event-id"]
        self.asked.append(cursor)
        number = int(cursor.rpartition(":")[2]) + 1

        async def one() -> AsyncIterator[str]:
            yield f"id: E:{number}\ndata: {json.dumps({'number': number})}\n\n"

        return StreamingResponse(one(), media_type="text/event-stream")


async def test_it_goes_on_where_it_was_cut_off() -> None:
    cutting = Cutting()
    server = WebServer(Starlette(routes=[Route("/api/v1/events/stream", cutting.stream)]), listen(["127.0.0.1:0"]))
    await server.start()
    host, port = server.addresses[0]
    events = follow(f"http://{host}:{port}")

    async with asyncio.timeout(20):
        numbers = [(await anext(events))["number"] for _ in range(3)]

    assert numbers == [1, 2, 3]
    assert cutting.asked[:3] == ["0", "E:1", "E:2"]
    await events.aclose()
    await server.stop()
