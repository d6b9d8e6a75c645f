"""The listener for pings in front of hostile, mistaken and too many requests; over a real connection."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest

from agent.push.keeping import NotKept
from checks.transports.inbox import Ping, Sign
from exporters.web import pings as site
from exporters.web.pings import PingSite
from exporters.web.server import WebServer, listen

KEY, OTHER_KEY = "0123456789abcdefPUSH", "fedcba9876543210PUSH"
NOW = 1_790_000_000.0


@dataclass
class Listener:
    """The listener with one job; what it kept, and how it counted."""

    kept: list[Ping] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    full: bool = False
    now: float = 0.0
    port: int = 0

    async def keep(self, ping: Ping) -> None:
        if self.full:
            raise NotKept
        self.kept.append(ping)

    async def raw(self, octets: bytes) -> bytes:
        """The whole answer to these octets."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(20):
                writer.write(octets)
                await writer.drain()
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()

    async def ask(self, path: str, method: str = "GET", body: bytes = b"") -> tuple[int, bytes]:
        """Status and body."""
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        answer = await self.raw(head.encode() + body)
        return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    made = Listener()
    app = PingSite(
        {KEY: "backups/ben", OTHER_KEY: "backups/planning"}.get,
        made.keep,
        made.counted.append,
        lambda: NOW,
        lambda: made.now,
    )
    server = WebServer(app, listen(["127.0.0.1:0"]))
    await server.start()
    made.port = server.addresses[0][1]
    try:
        yield made
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("said", "sign", "code"),
    [
        ("", Sign.SUCCESS, None),
        ("/", Sign.SUCCESS, None),
        ("/start", Sign.START, None),
        ("/fail", Sign.FAIL, None),
        ("/log", Sign.LOG, None),
        ("/0", Sign.EXIT, 0),
        ("/255", Sign.EXIT, 255),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_every_way_to_say_it_is_taken(said: str, sign: Sign, code: int | None, method: str) -> None:
    async with listening() as listener:
        status, _ = await listener.ask(f"/ping/{KEY}{said}", method)

    assert status == 200
    assert [(ping.job, ping.sign, ping.code, ping.at) for ping in listener.kept] == [("backups/ben", sign, code, NOW)]


async def test_all_that_can_be_told_of_a_run_is_kept() -> None:
    async with listening() as listener:
        asked = f"/ping/{KEY}/3?rid=r-1&bytes=1000000000000&files=7&errors=2&seconds=61.5&ago=90"
        _, body = await listener.ask(asked, "POST", b"one\r\ntwo \x1b[31m password=hunter2\n")

    (ping,) = listener.kept
    assert body == b"OK\n"
    assert (ping.rid, ping.bytes, ping.files, ping.errors, ping.seconds) == ("r-1", 10**12, 7, 2, 61.5)
    assert (ping.at, ping.received) == (NOW - 90, NOW)
    assert ping.log.splitlines()[-1] == "two  [31m password=[secret]"


async def test_no_key_of_any_job_stays_in_a_log() -> None:
    async with listening() as listener:
        await listener.ask(f"/ping/{KEY}", "POST", f"{KEY} x/{OTHER_KEY}/y key:{KEY}, unknown-but-long-word".encode())

    assert listener.kept[0].log == "[secret] x/[secret]/y key:[secret], unknown-but-long-word"


@pytest.mark.parametrize(
    "query",
    ["bytes=many", "bytes=-1", "bytes=1e9", "files=\u0665", "seconds=inf", "ago=99999999", "rid=a b", f"rid={KEY}",
     "errors=99999999999999999", "&".join(f"a{n}=1" for n in range(30)), "x=" + "y" * 2000],
)  # fmt: skip
async def test_what_cannot_be_read_is_left_out_and_said_and_the_signal_counts(query: str) -> None:
    async with listening() as listener:
        status, body = await listener.ask(f"/ping/{KEY}?{quote(query, safe='&=')}")

    (ping,) = listener.kept
    assert (status, ping.sign, ping.at, ping.rid, ping.bytes) == (200, Sign.SUCCESS, NOW, "", None)
    assert body.startswith(b"OK, without ")
    assert KEY.encode() not in body


STRANGE = [
    f"/ping/{KEY[:-1]}", f"/ping/{KEY}x", f"/ping/{KEY}/256", f"/ping/{KEY}/-1", f"/ping/{KEY}/stop",
    f"/ping/{KEY}/start/x", f"/{KEY}", f"/ping//{KEY}", "/ping/", "/ping", "/", "/metrics", "/-/ready",
    "/api/v1/targets", f"/ping/..%2f{KEY}", "/ping/%00", f"/PING/{KEY}", "/ping/" + "a" * 8000,
]  # fmt: skip


async def test_every_other_path_has_one_and_the_same_answer() -> None:
    async with listening() as listener:
        answers = {await listener.ask(path, method) for path in STRANGE for method in ("GET", "POST", "DELETE")}

    assert answers == {(404, b"not found\n")}
    assert listener.kept == []
    assert set(listener.counted) == {"unknown"}


async def test_another_method_is_refused_with_a_key_only() -> None:
    async with listening() as listener:
        assert (await listener.ask(f"/ping/{KEY}", "PUT"))[0] == 405
        assert (await listener.ask("/ping/unknown", "PUT"))[0] == 404

    assert listener.kept == []


async def test_a_body_that_is_too_large_is_refused_and_the_largest_is_taken() -> None:
    async with listening() as listener:
        large = await listener.ask(f"/ping/{KEY}", "POST", b"a b\n" * (site.LARGEST_BODY // 4))
        declared = await listener.raw(
            f"POST /ping/{KEY} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            + b"8000\r\n" + b"a" * 0x8000 + b"\r\n" + b"8001\r\n" + b"a" * 0x8001 + b"\r\n"
        )  # fmt: skip

    assert large[0] == 200
    assert b" 413 " in declared.partition(b"\r\n")[0]
    assert [len(ping.log) <= 4096 for ping in listener.kept] == [True]


async def test_a_body_that_comes_too_slowly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "BODY_WITHIN", 0.2)
    async with listening() as listener:
        answer = await listener.raw(f"POST /ping/{KEY} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc".encode())

    assert b" 408 " in answer.partition(b"\r\n")[0]
    assert listener.kept == []
    assert listener.counted == ["unfit"]


async def test_a_body_that_breaks_off_is_no_ping() -> None:
    async with listening() as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(f"POST /ping/{KEY} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc".encode())
        await writer.drain()
        writer.write_eof()
        await reader.read()
        writer.close()

    assert listener.kept == []


async def test_what_cannot_be_kept_is_to_be_sent_again() -> None:
    async with listening() as listener:
        listener.full = True
        answer = await listener.raw(f"GET /ping/{KEY} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert b" 503 " in answer.partition(b"\r\n")[0]
    assert b"retry-after: 30" in answer.lower()
    assert listener.counted == ["not_kept"]


async def test_a_job_that_pings_too_often_is_slowed_down_and_heard_again_later() -> None:
    async with listening() as listener:
        statuses = [(await listener.ask(f"/ping/{KEY}/log"))[0] for _ in range(62)]
        listener.now += 5
        later = (await listener.ask(f"/ping/{KEY}/log"))[0]

    assert [status for status, _ in itertools.groupby(statuses)] == [200, 429]
    assert statuses.count(200) == 60
    assert later == 200


async def test_an_address_that_floods_is_turned_away_before_anything_is_looked_at() -> None:
    async with listening() as listener:
        app_limits = [(await listener.ask("/ping/unknown"))[0] for _ in range(1010)]

    assert app_limits.count(404) == 1000
    assert app_limits[-1] == 429
