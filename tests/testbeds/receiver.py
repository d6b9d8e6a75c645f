"""A webhook receiver on loopback: verifies every request with the library of Standard Webhooks, answers as scripted."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from testbeds.canned import http

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrsc"

Answer = bytes | Callable[["Receiver", socket.socket], None]
"""The bytes of an answer, or what is done with the connection instead."""


def ok(receiver: Receiver, client: socket.socket) -> None:
    client.sendall(http(204))


def hang(receiver: Receiver, client: socket.socket) -> None:
    """Take the request and say nothing, until the test is over."""
    receiver.over.wait(60)


def drip(receiver: Receiver, client: socket.socket) -> None:
    """A head that never ends, an octet at a time."""
    client.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not receiver.over.wait(0.02):
        client.sendall(b"x")


def reset(receiver: Receiver, client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@dataclass(frozen=True)
class Received:
    """One request. `verified`: which of the receiver's secrets its signatures fit."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    verified: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def sequence(self) -> int:
        return int(self.event["sequence"])


@dataclass
class Receiver:
    """Answers each request by the next entry of `script`, and by `always` when there is none."""

    secrets: tuple[str, ...] = (SECRET,)
    always: Answer = ok
    script: list[Answer] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    port: int = 0
    got: list[Received] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/hooks/in?key=opaque"

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.got]

    @property
    def sequences(self) -> list[int]:
        return [one.sequence for one in self.got]

    def close(self) -> None:
        """Stop listening and let go of everybody who still waits."""
        self.over.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(60)
            if self.tls is not None:
                client = self.tls.wrap_socket(client, server_side=True)
            with client:
                received = self._read(client)
                if received is None:
                    return
                with self._lock:
                    self.got.append(received)
                    answer = self.script.pop(0) if self.script else self.always
                if isinstance(answer, bytes):
                    client.sendall(answer)
                else:
                    answer(self, client)

    def _read(self, client: socket.socket) -> Received | None:
        got = b""
        while b"\r\n\r\n" not in got:
            part = client.recv(65_536)
            if not part:
                return None
            got += part
        head, _, body = got.partition(b"\r\n\r\n")
        first, *lines = head.decode("ascii").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", "0")):
            body += client.recv(65_536)
        method, path, _ = first.split(" ")
        return Received(method, path, headers, body, tuple(s for s in self.secrets if _fits(s, body, headers)))


def _fits(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True
