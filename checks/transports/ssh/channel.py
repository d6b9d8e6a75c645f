"""Channels on a kept connection: opened with patience, read without being held. Blocking."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import paramiko

from checks.contract import Reason
from checks.transports.aside import Tether
from checks.transports.fault import TransportFault
from checks.transports.ssh.connect import WINDOW, Connection
from checks.transports.ssh.faults import NotOpened
from checks.transports.ssh.text import one_line

LAST = 0.1
"""Seconds before its deadline at which a question gives up by itself, so that the connection need not be cut."""
_SHORTEST_PATIENCE = 2.0
_CHUNK = 65536
_OUT_OF_PATIENCE = "Timeout opening channel."
"""What paramiko says when nothing was answered."""


def open_session(connection: Connection, tether: Tether) -> paramiko.Channel:
    """A channel on which nothing was asked yet. Raises NotOpened: whatever was wanted has not been done.

    A connection that was used before may be dead without our knowing, so that it gets only part of the time.
    """
    tether.on_cut(connection.wire.sever)
    fresh = connection.opened == 0
    left = tether.left - LAST
    patience = left if fresh else min(left, max(_SHORTEST_PATIENCE, left / 3))
    connection.opened += 1
    try:
        return connection.transport.open_session(window_size=WINDOW, timeout=max(0.0, patience))
    except Exception as error:
        if tether.cut or (isinstance(error, paramiko.SSHException) and str(error) == _OUT_OF_PATIENCE):
            connection.broken = True
            raise NotOpened(
                Reason.NO_ANSWER, f"{connection.where}: no answer on the connection that was kept"
            ) from error
        if not connection.transport.is_active():
            connection.broken = True
            raise NotOpened(Reason.PROTOCOL, f"{connection.where}: the connection was cut") from error
        # Not always a ChannelException: of two that are refused at once, one thread may find the other's error taken.
        why = one_line(error.text) if isinstance(error, paramiko.ChannelException) else "refused"
        raise NotOpened(
            Reason.FORBIDDEN, f"{connection.where}: it opens no session ({why[:100]}); it may have none free"
        ) from error


def lost(connection: Connection, tether: Tether, asked: float, what: str, error: Exception) -> TransportFault:
    """The fault of a question that broke off, at loop time `asked` or later. Raises what is no fault but our defect.

    paramiko hands on whatever its thread met in a hostile packet, but its connection has ended then.
    """
    if isinstance(error, TransportFault):
        return error
    if connection.alive and not (tether.cut or isinstance(error, (paramiko.SSHException, OSError, EOFError))):
        raise error
    connection.broken = True
    if connection.wire.flooded:
        return TransportFault(Reason.LIMIT, f"{connection.where}: {what} brought far more than was asked for; cut off")
    if tether.cut or isinstance(error, TimeoutError):
        return overdue(connection, asked, what)
    return TransportFault(Reason.PROTOCOL, f"{connection.where}: the connection was cut during {what}")


def overdue(connection: Connection, asked: float, what: str) -> TransportFault:
    """The fault of a question that did not end by its deadline: did the device say anything at all since?"""
    if connection.wire.heard < asked:
        connection.broken = True
        return TransportFault(Reason.NO_ANSWER, f"{connection.where}: no answer to {what} until the deadline")
    return TransportFault(Reason.LIMIT, f"{connection.where}: {what} did not end by its deadline; it was broken off")


class Reader:
    """Reads both streams of a channel as they come.

    paramiko's own way to wait for both (`Channel.fileno`) makes a pipe whose ends it may write to after they were
    closed, so that an event is rung here instead; it is cleared before the streams are drained, never after.
    """

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._bell = _Bell()
        channel.in_buffer.set_event(self._bell)
        channel.in_stderr_buffer.set_event(self._bell)

    def read(self, take: Callable[[bytes, bool], bool], until: float) -> bool:
        """Hand what comes to `take(octets, is_stderr)` until it says False or the streams end, then True.

        False when `until` (loop time) came first.
        """
        while True:
            left = until - time.monotonic()
            if left <= 0 or not self._bell.wait(left):
                return False
            self._bell.begin()
            ended = self._channel.eof_received or self._channel.closed
            if not self._drain(take) or ended:
                self._bell.set()  # there may be more, or nothing will ever ring again
                return True

    def _drain(self, take: Callable[[bytes, bool], bool]) -> bool:
        while self._channel.recv_ready():
            if not take(self._channel.recv(_CHUNK), False):
                return False
        while self._channel.recv_stderr_ready():
            if not take(self._channel.recv_stderr(_CHUNK), True):
                return False
        return True


class _Bell:
    """What paramiko's buffers ring. They also clear it when one of them is empty, which must not hush the other."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def clear(self) -> None:
        """Not heeded."""

    def begin(self) -> None:
        self._event.clear()

    def wait(self, seconds: float) -> bool:
        return self._event.wait(seconds)
