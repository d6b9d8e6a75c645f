"""What it costs to ask who asks: for each request, and for the event loop while somebody guesses passwords.

The first two are the control's own time, measured around an application that does nothing; the third is the loop of a
whole server while eight clients log in with wrong passwords, one after the other, at bcrypt's usual cost of 12.
"""

from __future__ import annotations

import asyncio
import base64
import os
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import bcrypt
from starlette.types import Message, Receive, Scope, Send

from config.estate import Access, Rights, Token
from config.secrets import SecretReference
from exporters.web.access import AccessControl
from testbeds.front import Counts, front, hashed
from tests.benchmarks.figures import Figure, at_most

MOST_MICROSECONDS = 50.0
MOST_HELD = 50.0
_TOKENS = 100


def measure(quick: bool) -> Iterable[Figure]:
    requests = 200 if quick else 20_000
    seconds = 1.0 if quick else 10.0
    once = _reckoned_once()
    with tempfile.TemporaryDirectory() as folder:
        password, token = asyncio.run(_added(Path(folder), requests))
        quiet, held, tried = asyncio.run(_guessed(Path(folder), seconds))
    peer = {"peer": "bcrypt at cost 12, each time", "peer_value": once * 1e6}
    yield at_most(
        "a request with a password that was right before", password * 1e6, "µs", MOST_MICROSECONDS,
        **peer, ratio=password / once, note=f"median of {requests} requests, the control alone",
    )  # fmt: skip
    yield at_most(
        f"a request with one of {_TOKENS} tokens", token * 1e6, "µs", MOST_MICROSECONDS,
        **peer, ratio=token / once, note=f"median of {requests} requests, the control alone",
    )  # fmt: skip
    usual, guessed = statistics.median(quiet), statistics.median(held)
    yield at_most(
        "event loop held while passwords are guessed", guessed * 1e3, "ms", MOST_HELD,
        peer="the same without guesses", peer_value=usual * 1e3, ratio=guessed / usual,
        note=f"median of the longest hold of each half second in {seconds:g} s, worst {max(held) * 1e3:.1f} ms; "
             f"8 clients guess without a pause, {tried} guesses were answered",
    )  # fmt: skip


def _reckoned_once() -> float:
    known = bcrypt.hashpw(b"right", bcrypt.gensalt(12))
    begun = time.perf_counter()
    bcrypt.checkpw(b"wrong", known)
    return time.perf_counter() - begun


async def _added(folder: Path, requests: int) -> tuple[float, float]:
    """Median seconds that a request with a password, and one with a token, spends in the control."""
    (folder / "web-config.yml").write_text(f"basic_auth_users: {{ann: {hashed('right')}}}\n")
    os.environ.update({f"TOKEN_{number}": f"{number:064}" for number in range(_TOKENS)})
    tokens = {
        f"t{number}": Token(f"t{number}", SecretReference("env", f"TOKEN_{number}"), Rights(None))
        for number in range(_TOKENS)
    }
    control = AccessControl(Access(tokens), folder / "web-config.yml", Counts(), time.time)
    await control.start()
    app = control.before(_nothing)
    pair = base64.b64encode(b"ann:right")
    found = [
        await _median(app, [(b"host", b"localhost"), (b"authorization", value)], requests)
        for value in (b"Basic " + pair, b"Bearer " + f"{_TOKENS - 1:064}".encode())
    ]
    await control.stop()
    return found[0], found[1]


async def _median(app, headers: list[tuple[bytes, bytes]], requests: int) -> float:  # type: ignore[no-untyped-def]
    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(_message: Message) -> None:
        raise AssertionError("it was refused")

    taken = []
    for _ in range(requests):
        scope = {"type": "http", "path": "/", "headers": headers, "client": ("127.0.0.1", 1), "state": {}}
        begun = time.perf_counter()
        await app(scope, receive, send)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


async def _nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    return


async def _guessed(folder: Path, seconds: float) -> tuple[list[float], list[float], int]:
    """Seconds of the longest hold in each half second, without and with guesses, and how many were answered."""
    tried = 0

    async def guess(port: int) -> None:
        nonlocal tried
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            pair = base64.b64encode(f"ann:guess {tried}".encode())
            writer.write(b"GET /who HTTP/1.0\r\nHost: localhost\r\nAuthorization: Basic " + pair + b"\r\n\r\n")
            await reader.read()
            writer.close()
            tried += 1

    async with front(folder, f"basic_auth_users: {{ann: {hashed('right', 12)}}}\n") as door:
        quiet = await _holds(seconds)
        guessing = [asyncio.create_task(guess(door.port)) for _ in range(8)]
        held = await _holds(seconds)
        for task in guessing:
            task.cancel()
        await asyncio.gather(*guessing, return_exceptions=True)
    return quiet, held, tried


async def _holds(seconds: float) -> list[float]:
    found = []
    before = time.perf_counter()
    for _ in range(int(seconds / 0.5)):
        end, longest = before + 0.5, 0.0
        while before < end:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, before = max(longest, now - before), now
        found.append(longest)
    return found
