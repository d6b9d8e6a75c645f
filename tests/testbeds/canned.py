"""A server on loopback that answers every request with the same prepared bytes, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class CannedServer:
    """`requests` holds the raw requests. With `drip`, the answer's bytes come one every `drip` seconds, for ever."""

    def __init__(self, answer: bytes, drip: float = 0.0) -> None:
        self.answer, self.drip = answer, drip
        self.requests: list[bytes] = []
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                self.requests.append(_request(client))
                if not self.drip:
                    client.sendall(self.answer.replace(b"{request}", self.requests[-1].replace(b"\r\n", b" ")))
                    continue
                client.sendall(self.answer)
                while not self._ended.wait(self.drip):
                    client.sendall(b" ")


@contextmanager
def canned(answer: bytes, drip: float = 0.0) -> Iterator[CannedServer]:
    """A server that gives this answer, for as long as the block lasts."""
    server = CannedServer(answer, drip)
    try:
        yield server
    finally:
        server.close()


def http(status: int, body: bytes = b"", *headers: bytes) -> bytes:
    """A whole answer; the connection ends with it. `{request}` in the body becomes the request's own text."""
    return b"\r\n".join((f"HTTP/1.1 {status} Whatever".encode(), *headers, b"Connection: close", b"", body))


def _request(client: socket.socket) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got:
        part = client.recv(65_536)
        if not part:
            return got
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += client.recv(65_536)
    return head + b"\r\n\r\n" + body
