"""Peers on an SSH port that are no SSH servers: they say exactly what a test has them say."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator

VERSION = b"SSH-2.0-Ancient_1.0\r\n"
MODERN = {
    "key_exchange": "curve25519-sha256@libssh.org,ecdh-sha2-nistp256",
    "host_keys": "ssh-ed25519,rsa-sha2-512",
    "ciphers": "aes128-ctr",
    "signatures": "hmac-sha2-256",
}


def packet(payload: bytes) -> bytes:
    """A packet in clear (RFC 4253, section 6)."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def kexinit(**lists: str) -> bytes:
    """The KEXINIT packet of a server that offers what `MODERN` says, or other lists."""
    offer = MODERN | lists
    names = [
        offer["key_exchange"], offer["host_keys"], offer["ciphers"], offer["ciphers"], offer["signatures"],
        offer["signatures"], "none", "none", "", "",
    ]  # fmt: skip
    body = b"".join(struct.pack(">I", len(name)) + name.encode() for name in names)
    return packet(b"\x14" + os.urandom(16) + body + b"\x00" + bytes(4))


class Speaker:
    """Listens on a free port and lets `speak` do the talking on each connection. `heard` is all that came."""

    def __init__(self, speak: Callable[[socket.socket], None]) -> None:
        self._speak = speak
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heard = bytearray()
        self.sent = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._listen, name="speaker", daemon=True).start()

    def close(self) -> None:
        for opened in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connected, _ = self._listener.accept()
                self._open.append(connected)
                threading.Thread(target=self._serve, args=(connected,), name="speaker", daemon=True).start()

    def _serve(self, connected: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._speak(connected)
            while octets := connected.recv(65536):
                self.heard += octets
        connected.close()

    def pour(self, connected: socket.socket, octets: bytes, total: int) -> None:
        """Send these octets again and again until so many were sent; `sent` counts what the peer's machine took."""
        while self.sent < total:
            connected.sendall(octets)
            self.sent += len(octets)


@contextlib.contextmanager
def speaking(*said: bytes) -> Iterator[Speaker]:
    """A peer that says this and then listens."""
    with spoken(lambda connected: connected.sendall(b"".join(said))) as speaker:
        yield speaker


@contextlib.contextmanager
def spoken(speak: Callable[[socket.socket], None]) -> Iterator[Speaker]:
    speaker = Speaker(speak)
    try:
        yield speaker
    finally:
        speaker.close()
