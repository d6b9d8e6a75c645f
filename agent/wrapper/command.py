"""The backup itself: its output goes through as it is, signals reach it, and its status is what a shell would say."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import IO

NOT_FOUND, NOT_RUN = 127, 126
"""What a shell answers for a command that is not there, or that cannot be run."""
SIGNALLED = 128
_KEPT = 16 * 1024
"""Octets of output that are remembered: more than are told, so that a secret at the edge is seen whole."""
_LINGER = 1.0
"""Seconds that something the command left behind may still hold its output open."""
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_BY_TERMINAL = (signal.SIGINT, signal.SIGQUIT)


class Ring:
    """The end of what was printed, whichever of the two ways."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._octets = bytearray()

    def add(self, octets: bytes) -> None:
        with self._lock:
            self._octets += octets
            del self._octets[:-_KEPT]

    def end(self) -> bytes:
        with self._lock:
            return bytes(self._octets)


def run(command: Sequence[str], ring: Ring | None, say: Callable[[str], None]) -> int:
    """Run it to its end; its exit status, 128 and more where a signal ended it. In the main thread only.

    Without `ring` it has our own output and nothing of it is looked at.
    """
    signals = _Signals()
    with signals:
        piped = subprocess.PIPE if ring is not None else None
        try:
            process = subprocess.Popen(command, stdout=piped, stderr=piped, bufsize=0)
        except FileNotFoundError:
            say(f"{command[0]}: there is no such command")
            return NOT_FOUND
        except (OSError, ValueError) as error:
            say(f"{command[0]}: cannot be run: {error}")
            return NOT_RUN
        signals.to(process)
        pumps = []
        if ring is not None:
            pumps = [_pump(process.stdout, 1, ring), _pump(process.stderr, 2, ring)]
        status = process.wait()
        until = time.monotonic() + _LINGER
        for pump in pumps:
            pump.join(max(0.0, until - time.monotonic()))
    return status if status >= 0 else SIGNALLED - status


def _pump(source: IO[bytes] | None, to: int, ring: Ring) -> threading.Thread:
    assert source is not None  # piped
    thread = threading.Thread(target=_copy, args=(source.fileno(), to, ring), name=f"output {to}", daemon=True)
    thread.start()
    return thread


def _copy(source: int, to: int, ring: Ring) -> None:
    """Until its end. Where nobody takes it any more the command must not notice: it is read all the same."""
    taken = True
    while octets := os.read(source, 65_536):
        ring.add(octets)
        taken = taken and _written(to, octets)


def _written(to: int, octets: bytes) -> bool:
    rest = memoryview(octets)
    while rest:
        try:
            rest = rest[os.write(to, rest) :]
        except BlockingIOError:  # somebody made our output so
            select.select([], [to], [])
        except OSError:
            return False
    return True


class _Signals:
    """Hands signals on while it is in force. One that comes before there is a command reaches it when there is."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._taken: list[signal.Signals] = []

    def __enter__(self) -> None:
        for number in _FORWARDED:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves it
                signal.signal(number, self._came)
                self._taken.append(number)

    def __exit__(self, *_: object) -> None:
        for number in self._taken:
            signal.signal(number, signal.SIG_IGN)  # the end is still to be told

    def to(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        for number in self._early:
            process.send_signal(number)

    def _came(self, number: int, _frame: FrameType | None) -> None:
        if self._process is None:
            self._early.append(number)
        elif not (number in _BY_TERMINAL and _at_terminal()):
            self._process.send_signal(number)


def _at_terminal() -> bool:
    """Whether a terminal has told the command already, as it tells everybody in the foreground."""
    with contextlib.suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False
