"""Standard error, kept readable: the panics of a native library are counted instead of filling the journal.

gufo-snmp panics on malformed replies. That is caught, but before it can be, Rust's panic hook has written two lines
(a page with RUST_BACKTRACE) to descriptor 2, for each reply of a device gone mad. Nothing in Python can replace that
hook, so the daemon puts a pipe in the place of descriptor 2 and passes on every line but these. The first panic of a
minute is passed on whole, the others are counted and told of at its end.

What the agent itself has to say does not go through the pipe: `sys.stderr` and faulthandler keep the real descriptor.
"""

from __future__ import annotations

import faulthandler
import io
import os
import re
import select
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

_PANIC = re.compile(rb"^thread '.*' (?:\(\d+\) )?panicked at ")
_AFTER = re.compile(rb"^(stack backtrace:|note: .*(RUST_BACKTRACE|backtrace)|\s+\d+: |\s+at )")
_LONGEST_LINE = 8_192
_QUIET_SECONDS = 60.0


class PanicSieve:
    """Decides line by line what passes: no threads, no descriptors, the clock is passed in."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told = float("-inf")
        self._in_panic = False
        self._expects_message = False
        self._passing = False
        self._blank = False
        self.panics = 0
        """All panics since the start, told of or not."""
        self.hidden = 0
        """Panics not told of since the last one that was."""

    def line(self, line: bytes) -> bytes:
        """What to write for one line (with its end): itself, nothing, or a line about what was hidden before it."""
        if _PANIC.match(line):
            return self._panic(line)
        if self._in_panic and (self._expects_message or _AFTER.match(line)):
            self._expects_message = False
            return line if self._passing else b""
        self._in_panic = False
        # Rust writes an empty line before a panic: it is held until the next line shows what it belongs to.
        held, self._blank = (b"\n" if self._blank else b""), line == b"\n"
        return held if self._blank else held + line

    def rest(self) -> bytes:
        """What is held back, and the count of what was hidden; for the end of the quiet time and for the end."""
        held, self._blank = (b"\n" if self._blank else b""), False
        return held + self._summary()

    @property
    def due(self) -> float:
        """When, by the clock, hidden panics should be told of; infinity if there are none."""
        return self._told + _QUIET_SECONDS if self.hidden else float("inf")

    def _panic(self, line: bytes) -> bytes:
        self.panics += 1
        self._in_panic = self._expects_message = True
        self._blank = False
        now = self._clock()
        self._passing = now >= self._told + _QUIET_SECONDS
        if not self._passing:
            self.hidden += 1
            return b""
        before = self._summary()
        self._told = now
        return before + line

    def _summary(self) -> bytes:
        if not self.hidden:
            return b""
        told = (
            f"ridgeway: {self.hidden} more panics of a native library were caught; malformed SNMP replies cause them\n"
        )
        self.hidden = 0
        self._told = self._clock()
        return told.encode()


class StderrFilter:
    """Puts the sieve in front of descriptor 2 for as long as it is entered. One per process, entered by the daemon.

    Writing never blocks: while the pipe is full, what native code writes is lost, not waited for, since a panic may
    hold the interpreter's lock. Child processes started meanwhile write into the pipe, too.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.sieve = PanicSieve(clock)
        self._clock = clock
        self._real = -1
        self._read_end = -1
        self._thread: threading.Thread | None = None
        self._stream: TextIO | None = None
        self._python_stderr: TextIO | None = None

    def __enter__(self) -> StderrFilter:
        # A backtrace costs Rust a millisecond of symbol search; it is read at the first panic.
        os.environ["RUST_BACKTRACE"] = "0"
        sys.stderr.flush()
        self._real = os.dup(2)
        self._read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        os.dup2(write_end, 2)
        os.close(write_end)
        self._python_stderr = sys.stderr
        if self._writes_to_descriptor(sys.stderr):
            self._stream = os.fdopen(os.dup(self._real), "w", buffering=1, errors="backslashreplace")
            sys.stderr = self._stream
        if faulthandler.is_enabled():
            faulthandler.enable(self._real)
        self._thread = threading.Thread(target=self._pass_on, name="stderr-filter", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._thread is not None  # entered
        if self._stream is not None and self._python_stderr is not None:
            sys.stderr = self._python_stderr
            self._stream.close()
            self._stream = None
        # Descriptor 2 was the last writer, so the thread reads to the end and stops.
        os.dup2(self._real, 2)
        if faulthandler.is_enabled():
            faulthandler.enable(2)
        self._thread.join(5.0)
        os.close(self._read_end)
        os.close(self._real)

    @staticmethod
    def _writes_to_descriptor(stream: TextIO) -> bool:
        try:
            return stream.fileno() == 2
        except (OSError, io.UnsupportedOperation, AttributeError):
            return False

    def _pass_on(self) -> None:
        pending = b""
        readable = select.poll()
        readable.register(self._read_end, select.POLLIN)
        while True:
            wait = self.sieve.due - self._clock()
            if not readable.poll(None if wait == float("inf") else max(0.0, wait) * 1000):
                self._write(self.sieve.rest())
                continue
            data = os.read(self._read_end, 65_536)
            if not data:
                self._write((self.sieve.line(pending) if pending else b"") + self.sieve.rest())
                return
            *lines, pending = (pending + data).split(b"\n")
            if len(pending) > _LONGEST_LINE:
                lines.append(pending)
                pending = b""
            self._write(b"".join(self.sieve.line(line + b"\n") for line in lines))

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._real, data) :]
            except OSError:
                return  # nobody reads our standard error any more; there is nowhere left to say so
