"""Who is hung up on, and who is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from exporters.web import patience
from exporters.web.server import WebServer, listen

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
ASKED = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
async def connect(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[], Line]]:
    """Makes connections to a server that answers, after 0.6 s, and is impatient after 0.3 s."""
    monkeypatch.setattr(patience, "LONGEST_HEAD", 0.3)

    async def page(_request: Request) -> PlainTextResponse:
        await asyncio.sleep(0.6)
        return PlainTextResponse("fine")

    server = WebServer(Starlette(routes=[Route("/", page)]), listen(["127.0.0.1:0"]), most=5)
    await server.start()
    made: list[asyncio.StreamWriter] = []

    async def new() -> Line:
        line = await asyncio.open_connection(*server.addresses[0])
        made.append(line[1])
        return line

    yield new  # type: ignore[misc]
    for writer in made:
        writer.close()
    await server.stop()


async def _answer(line: Line) -> bytes:
    """One whole answer, or nothing when the server hangs up."""
    try:
        head = await asyncio.wait_for(line[0].readuntil(b"\r\n\r\n"), 10)
        return head + await asyncio.wait_for(line[0].readexactly(4), 10)
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return b""


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nX-Slow: "])
async def test_a_request_that_does_not_become_whole_is_hung_up_on(connect: Callable[[], Line], said: bytes) -> None:
    line = await connect()  # type: ignore[misc]
    line[1].write(said)

    assert await _answer(line) == b""


async def test_a_drop_now_and_then_buys_no_time(connect: Callable[[], Line]) -> None:
    reader, writer = await connect()  # type: ignore[misc]
    writer.write(ASKED[:-4] + b"\r\nX-Slow: ")

    for _ in range(100):
        if reader.at_eof() or reader.exception():
            break
        writer.write(b"z")
        await asyncio.sleep(0.05)

    assert await _answer((reader, writer)) == b""


async def test_a_slow_answer_and_a_rest_between_two_requests_are_waited_for(connect: Callable[[], Line]) -> None:
    line = await connect()  # type: ignore[misc]

    line[1].write(ASKED)
    first = await _answer(line)
    await asyncio.sleep(0.6)
    line[1].write(ASKED)
    second = await _answer(line)

    assert (first[-4:], second[-4:]) == (b"fine", b"fine")


async def test_who_has_waited_longest_makes_room_and_who_is_being_answered_never_does(
    connect: Callable[[], Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LONGEST_HEAD", 30)
    asking = await connect()  # type: ignore[misc]
    asking[1].write(ASKED)
    idle = [await connect() for _ in range(5)]  # type: ignore[misc]

    late = await connect()  # type: ignore[misc]
    late[1].write(ASKED)

    assert (await _answer(asking))[-4:] == b"fine"
    assert (await _answer(late))[-4:] == b"fine"
    assert await _answer(idle[0]) == b""
    idle[-1][1].write(ASKED)
    assert (await _answer(idle[-1]))[-4:] == b"fine"
