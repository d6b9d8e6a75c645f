"""The socket under an SSH connection, with an allowance: a peer that sends more than was asked for is cut off.

paramiko takes any object with `send`, `recv`, `close` and `settimeout` for a socket. It bounds neither the lines before
the version nor a packet's length (RFC 4253, sections 4.2 and 6.1), and it wakes ten times a second to see whether
it was closed. Here reading waits without waking until something comes, the allowance is used up, or `sever`.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time

_CHUNK = 65536
RESERVE = 4 * 1024 * 1024
"""Octets that may come while nothing is asked: what was under way of an output that was cut off, new keys."""
BEFORE_LOGIN = 256 * 1024
"""Octets that may come until somebody is logged in: greeting lines, key exchange, banner."""


class Wire:
    """One connected socket. Read by one thread, written and severed by any."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._allowance = BEFORE_LOGIN
        self._lock = threading.Lock()
        self._buffer = b""
        self._closed = False
        self.flooded = False
        """More came than was allowed, and it was cut for that."""
        self.heard = time.monotonic()
        """When the last octets came."""
        self.hello: bytearray | None = bytearray()
        """What came in clear at first, until `forget_hello`: whom we speak to, and what it offers."""

    def allow(self, octets: int) -> None:
        """That much more may come, for a question that is about to be asked."""
        with self._lock:
            self._allowance += octets

    def settle(self) -> None:
        """Nothing is asked any more."""
        with self._lock:
            self._allowance = RESERVE

    def forget_hello(self) -> None:
        """The connection is made; the clear beginning is of no interest any more."""
        with self._lock:
            self.hello = None

    def recv(self, octets: int) -> bytes:
        """Up to so many octets; b"" at the end, when it was severed, and when the allowance is used up."""
        if not self._buffer:
            self._buffer = self._socket.recv(_CHUNK)
            self._account(len(self._buffer))
            if self.flooded:
                self._buffer = b""
        given, self._buffer = self._buffer[:octets], self._buffer[octets:]
        return given

    def _account(self, octets: int) -> None:
        if octets:
            self.heard = time.monotonic()
        with self._lock:
            if self.hello is not None:
                self.hello += self._buffer
            self._allowance -= octets
            if self._allowance < 0:
                self.flooded = True

    def send(self, octets: bytes) -> int:
        return self._socket.send(octets)

    def settimeout(self, seconds: float | None) -> None:
        """Not heeded: a wait ends by `sever`, not by waking up to look."""

    def sever(self) -> None:
        """End whatever waits on the socket, in any thread. Does not wait."""
        with contextlib.suppress(OSError):  # closed already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Sever and release the socket; safe to call twice."""
        self.sever()
        self._closed = True
        self._socket.close()
