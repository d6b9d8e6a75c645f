"""One connection from its making to its closing, cut by its tether at any moment of its life.

The socket is tethered before it connects, so that connecting, the handshake, and every read and write end at the
deadline. What is read is counted: no peer can make us read more than was allowed, whatever it calls it.
"""

from __future__ import annotations

import contextlib
import errno
import io
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.socket_fault import socket_fault

if TYPE_CHECKING:
    from checks.transports.aside import Tether
    from checks.transports.names import Address


class Wire:
    """A socket that belongs to one request. Use it in a `with`: it is closed whatever happens."""

    def __init__(self, tether: Tether) -> None:
        self._tether = tether
        self._lock = threading.Lock()
        self._opened: socket.socket | None = None
        tether.on_cut(self._cut)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    @property
    def cut(self) -> bool:
        """Whether the deadline has ended it: then an end of the data is no end of the answer."""
        return self._tether.cut

    @property
    def opened(self) -> socket.socket:
        """The connected socket, of TLS once that is spoken."""
        if self._opened is None:
            raise OSError(errno.ENOTCONN, "the connection is not open")
        return self._opened

    def connect(self, address: Address, port: int) -> float:
        """Connect; the seconds it took. Raises TransportFault: REFUSED, NO_ANSWER, UNREACHABLE, LOCAL."""
        where = f"{address.ip} port {port}"
        try:
            self._take(socket.socket(address.family, socket.SOCK_STREAM))
        except OSError as error:
            raise socket_fault(error, where) from error
        begun = time.monotonic()
        self.opened.settimeout(self._tether.left)
        try:
            self.opened.connect(address.at(port))
        except OSError as error:
            if self.cut or isinstance(error, TimeoutError):
                raise TransportFault(Reason.NO_ANSWER, f"{where}: no answer to the connection request") from error
            raise socket_fault(error, where) from error
        if self.cut:  # cut before it began: such a socket can still look connected
            raise TransportFault(Reason.NO_ANSWER, f"{where}: no time was left to connect")
        self.opened.settimeout(None)  # from here on the tether alone ends a wait: no poll before each read
        self.opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return time.monotonic() - begun

    def encrypt(self, context: ssl.SSLContext, server_name: str) -> ssl.SSLSocket:
        """Speak TLS from here on. Raises OSError (SSLError included); `cut` tells whether the deadline did it."""
        with self._lock:  # wrapping takes the descriptor from one object to the other: not to be cut in between
            plain = self.opened
            opened = context.wrap_socket(plain, server_hostname=server_name, do_handshake_on_connect=False)
            self._opened = opened
        if self.cut:
            self._cut()
        opened.do_handshake()
        return opened

    def _take(self, opened: socket.socket) -> None:
        with self._lock:
            self._opened = opened
        if self.cut:
            self._cut()

    def _cut(self) -> None:
        with self._lock, contextlib.suppress(OSError):  # not connected yet, or closed already
            if self._opened is not None:
                # Not SSLSocket.shutdown: that also takes TLS away under the thread that still reads.
                socket.socket.shutdown(self._opened, socket.SHUT_RDWR)


class Meter(io.RawIOBase):
    """Reads from a socket, counts, and refuses to read beyond what is allowed."""

    def __init__(self, opened: socket.socket, allowed: int, what: str) -> None:
        self._receive = opened.recv_into
        self._allowed = allowed
        self._what = what
        self.count = 0
        self.first: float | None = None
        """When the first octet came, monotonic."""

    def allow(self, more: int, what: str) -> None:
        """So many octets from here on; `what` is said of a peer that sends more."""
        self._allowed, self._what = self.count + more, what

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any buffer that can be written
        got = self._receive(buffer)
        if self.first is None:
            self.first = time.monotonic()
        self.count += got
        if self.count > self._allowed:
            raise TransportFault(Reason.LIMIT, self._what)
        return got
