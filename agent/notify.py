"""Telling systemd how the agent is: sd_notify(3), spoken over its datagram socket.

The watchdog is fed only while the scheduler makes progress, never by a timer of its own: an agent whose loop lives but
that probes nothing is to be restarted.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping


class Notifier:
    """Sends state to the service manager; without one every call does nothing. Never raises, never waits."""

    def __init__(
        self,
        address: str | None,
        watchdog: float | None,
        monotonic: Callable[[], float],
        microseconds: Callable[[], int],
    ) -> None:
        """`address`: path, or `@name` for an abstract socket. `watchdog`: seconds after which systemd loses patience.

        `monotonic` gives seconds; `microseconds` CLOCK_MONOTONIC in microseconds, which systemd compares with its own.
        """
        self._address = address
        self._watchdog = watchdog
        self._monotonic = monotonic
        self._microseconds = microseconds
        self._progress: float | None = None
        self._fed = -float("inf")

    @classmethod
    def from_environment(
        cls,
        environ: Mapping[str, str],
        monotonic: Callable[[], float],
        microseconds: Callable[[], int],
        pid: int | None = None,
    ) -> Notifier:
        """From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, as systemd sets them for the process it started."""
        mine = environ.get("WATCHDOG_PID") in (None, str(os.getpid() if pid is None else pid))
        usec = environ.get("WATCHDOG_USEC", "")
        watchdog = int(usec) / 1e6 if mine and usec.isascii() and usec.isdigit() and int(usec) else None
        return cls(environ.get("NOTIFY_SOCKET") or None, watchdog, monotonic, microseconds)

    @property
    def watchdog(self) -> float | None:
        """Seconds between two signs of life that systemd allows, or None when it does not watch."""
        return self._watchdog

    def ready(self, status: str) -> bool:
        """The estate is loaded and the sockets listen; also the end of a reload."""
        return self._send("READY=1", _status(status))

    def status(self, status: str) -> bool:
        """One line for `systemctl status`, for example `212 checks, 2 problems`."""
        return self._send(_status(status))

    def reloading(self) -> bool:
        """A reload begins; `ready` ends it. The time stamp is what `Type=notify-reload` waits for."""
        return self._send("RELOADING=1", f"MONOTONIC_USEC={self._microseconds()}")

    def stopping(self) -> bool:
        return self._send("STOPPING=1")

    def progress(self, stamp: float) -> bool:
        """Feed the watchdog if the scheduler has moved on since it was last fed; true when it was fed.

        `stamp` is anything that grows with the scheduler's work: its count of slots handed out, or when it last did so.
        Call it every second or so; systemd hears of it at most four times per allowed interval.
        """
        if self._watchdog is None or stamp == self._progress:
            return False
        now = self._monotonic()
        if now - self._fed < self._watchdog / 4:
            return False
        if not self._send("WATCHDOG=1"):
            return False
        self._progress, self._fed = stamp, now
        return True

    def _send(self, *lines: str) -> bool:
        if self._address is None:
            return False
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.setblocking(False)
                out.sendto("\n".join(lines).encode(), address)
        except OSError:
            return False  # a service manager that does not listen must not stop the agent
        return True


def _status(text: str) -> str:
    return "STATUS=" + " ".join(text.split())[:200]
