"""A TCP relay on loopback between a client and a desk; it mistreats new tickets, and only those, in four ways."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum


class Fault(StrEnum):
    LOSE_REQUEST = "the request never arrives"
    LOSE_REPLY = "the desk does it, the answer is lost"
    BAD_GATEWAY = "the desk does it, the answer is 502"
    GHOST = "the client is told goodbye, and later the desk does it"


class Relay:
    """`share` of the creates meet a fault chosen at random; `struck` counts which."""

    def __init__(self, port: int, faults: Sequence[Fault], share: float, path: str, ghost_after: float) -> None:
        self._desk = port
        self._faults, self._share, self._path, self._ghost_after = tuple(faults), share, path, ghost_after
        self._chance = random.Random(20)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.struck: dict[Fault, int] = dict.fromkeys(faults, 0)
        self.under_way = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with self._lock:
            self.under_way += 1
        try:
            with client, contextlib.suppress(OSError):
                request = _request(client)
                fault = self._choose(request)
                if fault is Fault.LOSE_REQUEST:
                    return
                if fault is Fault.GHOST:
                    client.close()
                    time.sleep(self._ghost_after)
                with socket.create_connection(("127.0.0.1", self._desk)) as desk:
                    desk.sendall(request)
                    reply = _all(desk)
                if fault is Fault.BAD_GATEWAY:
                    reply = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                if fault in (None, Fault.BAD_GATEWAY):
                    client.sendall(reply)
        finally:
            with self._lock:
                self.under_way -= 1

    def _choose(self, request: bytes) -> Fault | None:
        with self._lock:
            if not request.startswith(b"POST " + self._path.encode() + b" ") or self._chance.random() >= self._share:
                return None
            fault = self._chance.choice(self._faults)
            self.struck[fault] += 1
            return fault


@contextmanager
def relay(
    port: int, faults: Sequence[Fault], *, share: float = 0.5, path: str = "/REST/2.0/ticket", ghost_after: float = 1.0
) -> Iterator[Relay]:
    """A relay to the desk on this port of loopback for as long as the block lasts."""
    running = Relay(port, faults, share, path, ghost_after)
    try:
        yield running
    finally:
        running.close()


def _request(client: socket.socket) -> bytes:
    """Head and body, the body by its Content-Length."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = client.recv(65_536)
        if not part:
            raise ConnectionError
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += client.recv(65_536)
    return head + b"\r\n\r\n" + body


def _all(desk: socket.socket) -> bytes:
    reply = b""
    receive: Callable[[int], bytes] = desk.recv
    while part := receive(65_536):
        reply += part
    return reply
