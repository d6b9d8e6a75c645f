"""The incident feed as the demo's console reads it: the agent's own Server-Sent Events, as any program gets them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

_CONNECT, _SILENCE = 5.0, 60.0
"""Seconds; while nothing happens the agent sends a comment every 15."""
_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a stream; without data it only says where the reader is."""

    id: str
    data: str


async def follow(pages: str) -> AsyncIterator[Mapping[str, Any]]:
    """Every event from the first on, as a CloudEvent, and then each as it comes; goes on when it is cut off."""
    came: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    over = threading.Event()
    loop = asyncio.get_running_loop()

    def take(event: Mapping[str, Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever would read this
            loop.call_soon_threadsafe(came.put_nowait, event)

    reading = threading.Thread(target=_read, args=(f"{pages}/api/v1/events/stream", take, over), daemon=True)
    reading.start()
    try:
        while True:
            yield await came.get()
    finally:
        over.set()


def _read(address: str, take: Callable[[Mapping[str, Any]], None], over: threading.Event) -> None:
    cursor = "0"
    with requests.Session() as session:
        session.trust_env = False  # no proxy stands between an agent and its own console
        while not over.is_set():
            with contextlib.suppress(requests.RequestException):
                headers = {"Accept": "text/event-stream", "Last-Event-ID": cursor}
                with session.get(address, headers=headers, stream=True, timeout=(_CONNECT, _SILENCE)) as answer:
                    answer.raise_for_status()
                    answer.encoding = "utf-8"
                    for frame in frames(answer.iter_lines(chunk_size=None, decode_unicode=True)):
                        cursor = frame.id or cursor
                        if frame.data:
                            take(json.loads(frame.data))
            over.wait(_PAUSE)


def frames(lines: Iterable[str]) -> Iterator[Frame]:
    """The frames of a stream (WHATWG HTML, section 9.2.6); one that is cut in the middle is none."""
    fields: dict[str, list[str]] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
        elif fields:
            yield Frame("".join(fields.get("id", [])[-1:]), "\n".join(fields.get("data", [])))
            fields = {}
