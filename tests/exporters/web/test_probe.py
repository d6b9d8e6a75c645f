"""`/probe` over a real socket: who may ask, what may be asked, and how much at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from config.secrets import Secret
from exporters.web import probe
from exporters.web.probe import Probe
from exporters.web.server import WebServer, listen

TOKEN = "the-token-of-the-prober"
GOOD = {"Authorization": f"Bearer {TOKEN}"}
ANSWER = {"asked": "digest", "observation": {"target": "web"}}


class Stand:
    """A prober that knows one check, and somebody who asks."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.statuses: list[int] = []
        self.go = asyncio.Event()
        self.go.set()
        self.port = 0

    async def probing(self, target: str, check: str) -> Mapping[str, Any] | None:
        self.asked.append((target, check))
        await self.go.wait()
        return ANSWER if (target, check) == ("web", "tcp") else None

    async def say(self, request: bytes) -> tuple[int, str, bytes]:
        """Status, head and body of the answer to these octets."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            text = await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()
        head, _, body = text.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode().lower(), body

    async def ask(
        self, path: str = "/probe?target=web&check=tcp", method: str = "GET", body: bytes = b"", **headers: str
    ) -> tuple[int, str, bytes]:
        fields = {"Host": "prober", "Connection": "close", **headers}
        if body or method == "POST":
            fields.setdefault("Content-Length", str(len(body)))
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        return await self.say(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    made = Stand()
    async with _serving(made):
        yield made


@asynccontextmanager
async def _serving(made: Stand) -> AsyncIterator[None]:
    app = Probe(made.probing, Secret(TOKEN), "Ridgeway-Within", made.statuses.append).app()
    server = WebServer(app, listen(["127.0.0.1:0"]))
    await server.start()
    made.port = server.addresses[0][1]
    try:
        yield
    finally:
        made.go.set()
        await server.stop()


async def test_whoever_has_the_token_is_answered(stand: Stand) -> None:
    status, head, body = await stand.ask(**GOOD)

    assert (status, json.loads(body)) == (200, ANSWER)
    assert "cache-control: no-store" in head
    assert stand.asked == [("web", "tcp")]


async def test_the_question_may_stand_in_a_body(stand: Stand) -> None:
    status, _, body = await stand.ask("/probe", "POST", b'{"target": "web", "check": "tcp"}', **GOOD)

    assert (status, json.loads(body)) == (200, ANSWER)


@pytest.mark.parametrize(
    "header",
    [
        "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN,
        "Bearer \xff",
    ],
)  # fmt: skip
async def test_without_the_token_everything_is_refused_alike_and_nothing_is_looked_at(
    stand: Stand, header: str
) -> None:
    headers = {"Authorization": header} if header else {}

    known = await stand.ask(**headers)
    unknown = await stand.ask("/probe?target=nowhere&check=tcp", **headers)
    senseless = await stand.ask("/probe", "POST", b"x" * 100_000, **headers)
    elsewhere = await stand.ask("/metrics", **headers)

    assert known[0] == 401
    assert len({(status, body) for status, _, body in (known, unknown, senseless, elsewhere)}) == 1
    assert stand.asked == []


async def test_only_checks_of_the_estate_are_made(stand: Stand) -> None:
    assert (await stand.ask("/probe?target=web&check=ssh", **GOOD))[0] == 404
    assert (await stand.ask("/probe?target=192.0.2.1&check=tcp", **GOOD))[0] == 404


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/probe/", "/api/v1/sd", "//probe"])
async def test_there_is_nothing_else_on_this_listener(stand: Stand, path: str) -> None:
    assert (await stand.ask(path, **GOOD))[0] == 404


@pytest.mark.parametrize(
    "query",
    ["", "?target=web", "?target=web&check=tcp&address=192.0.2.1", f"?target={'x' * 300}&check=tcp", "?target=&check="],
)
async def test_what_is_no_question_is_refused(stand: Stand, query: str) -> None:
    assert (await stand.ask(f"/probe{query}", **GOOD))[0] == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"target": 1, "check": "tcp"}', b"[" * 4000, b"\xff\xfe"])
async def test_a_body_that_is_no_question_is_refused(stand: Stand, body: bytes) -> None:
    assert (await stand.ask("/probe", "POST", body, **GOOD))[0] == 400


async def test_a_large_body_is_not_read(stand: Stand) -> None:
    status, _, _ = await stand.ask("/probe", "POST", b"x" * 5000, **GOOD)

    assert status == 413


@pytest.mark.parametrize("within", ["0", "-1", "nan", "inf", "soon", "99999"])
async def test_a_time_to_wait_that_is_none_is_refused(stand: Stand, within: str) -> None:
    assert (await stand.ask(Ridgeway_Within=within, **GOOD))[0] == 400


async def test_whoever_waits_no_longer_is_let_go(stand: Stand) -> None:
    stand.go.clear()

    assert (await stand.ask(Ridgeway_Within="0.1", **GOOD))[0] == 504


async def test_too_many_questions_at_once_are_put_off(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "MOST", 3)
    stand.go.clear()
    waiting = [asyncio.create_task(stand.ask(**GOOD)) for _ in range(3)]
    async with asyncio.timeout(10):
        while len(stand.asked) < 3:
            await asyncio.sleep(0.01)

    status, head, _ = await stand.ask(**GOOD)
    stand.go.set()

    assert (status, "retry-after" in head) == (503, True)
    assert [each[0] for each in await asyncio.gather(*waiting)] == [200] * 3
    assert (await stand.ask(**GOOD))[0] == 200
    assert sorted(stand.statuses) == [200, 200, 200, 200, 503]
