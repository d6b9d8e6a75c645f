"""Runs allowed programs through the launcher: one order, one answer, nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import checks.launcher
from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.process import programs, slice

PLACES = 32
"""Programs at once: each takes two processes."""
KEPT = 65_536
"""Octets of standard output, and of standard error, that are kept."""
MOST = 16 * 1024 * 1024
"""Octets after which a program that prints is ended."""
FILE = 64 * 1024 * 1024
"""Octets of the largest file that a program may write."""
_ENDING, _ENDING_LEAST = 0.1, 0.5
"""Share of the time, and seconds at least, that are kept for ending what does not end by itself."""
_ANSWER_PER_OCTET = 16
"""Octets of an answer for each that is kept: both streams, written as JSON."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HOME = Path(checks.launcher.__file__).parents[2]
_BEGIN = "import sys; sys.path.append(sys.argv[2]); from checks.launcher.main import main; main(int(sys.argv[1]))"
"""Isolated from the environment and from site-packages, but for our own packages."""


class Outcome(StrEnum):
    """How a run ended."""

    EXITED = "exited"
    KILLED = "killed"
    """By a signal that we did not send."""
    TIMEOUT = "timeout"
    OUTPUT = "output"
    """It printed more than `MOST`."""
    PROCESSES = "processes"
    """It started more processes than it may."""
    REFUSED = "refused"
    """The system would not execute it."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: a plain name (`programs.find`), its arguments, and what it may use."""

    name: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Beside the few variables that every program gets. This is the place for secrets, hence not in `repr`."""
    memory: int = 512 * 1024 * 1024
    """Octets, of all its processes together in a slice, else of each one's address space."""
    processes: int = 32
    keep: int = KEPT
    """Octets of its output that are wanted."""
    directories: tuple[Path, ...] | None = None
    """Where it is looked for; without them, where plug-ins are."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a run. Texts are as they were printed, at most `keep` octets each, with bad UTF-8 replaced."""

    outcome: Outcome
    status: int | None
    """The exit status, when it exited."""
    signal: int | None
    stdout: str
    stderr: str
    printed: int
    """Octets that it printed in all."""
    left_behind: int
    """Processes that were still there when the program had ended by itself, and were then ended too."""
    out_of_memory: bool
    why: str
    """Why it was not executed."""
    seconds: float
    cpu_seconds: float
    """Of all its processes."""


class ProcessTransport:
    """Runs programs, at most `places` at once. Starts its launcher when first needed, and again should it die."""

    def __init__(self, directories: Sequence[Path] | None = None, places: int = PLACES) -> None:
        """Without `directories`, those of the environment variable `RIDGEWAY_PLUGINS` or the usual ones."""
        if directories is None:
            directories = programs.directories(os.environ.get(programs.VARIABLE))
        self.directories = tuple(directories)
        self._places = asyncio.Semaphore(places)
        self._limit = places
        self._launcher: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._slice: Path | None = None
        self._closed = False

    @property
    def sliced(self) -> bool:
        """Whether every run has a cgroup of its own; known once a program was run."""
        return self._slice is not None

    async def run(self, program: Program, deadline: float) -> Ended:
        """Run it to its end, or end it and all it started shortly before `deadline` (loop time).

        Raises TransportFault: LOCAL (not allowed, not there, no place, no process to be had), HANGING when even the
        end of it did not come in time. Cancelling ends the program.
        """
        loop = asyncio.get_running_loop()
        path = programs.find(program.name, program.directories or self.directories)
        half = (loop.time() + deadline) / 2
        try:
            # A run that gets its place late would be killed for the time that it waited.
            async with asyncio.timeout_at(half):
                await self._places.acquire()
        except TimeoutError as error:
            message = f"{program.name}: no place in time, {self._limit} plug-ins run already; see which of them hang"
            raise TransportFault(Reason.LOCAL, message) from error
        try:
            async with asyncio.timeout_at(deadline):
                return await self._run(loop, program, path, _time_to_run(deadline - loop.time()))
        except TimeoutError as error:
            message = (
                f"{program.name}: still there although killed; it hangs in the kernel, or the machine is overloaded"
            )
            raise TransportFault(Reason.HANGING, message) from error
        finally:
            self._places.release()

    async def close(self) -> None:
        """End the launcher, and with it all that still runs; safe to call twice."""
        self._closed = True
        launcher, self._launcher = self._launcher, None
        self._drop_control()
        if launcher is not None:
            await _gone(launcher, 6.0)

    async def _run(self, loop: asyncio.AbstractEventLoop, program: Program, path: Path, seconds: float) -> Ended:
        ours, theirs = socket.socketpair()
        with ours:
            ours.setblocking(False)
            with theirs:
                await self._hand_over(theirs)
            order = json.dumps(self._order(program, path, seconds)).encode()
            answer = b""
            with contextlib.suppress(ConnectionError):  # it has answered already, or it is gone: told apart below
                await loop.sock_sendall(ours, struct.pack("!I", len(order)) + order)
            with contextlib.suppress(ConnectionError):
                while (more := await loop.sock_recv(ours, KEPT)) and len(answer) <= _ANSWER_PER_OCTET * program.keep:
                    answer += more
        return _ended(program, answer)

    def _order(self, program: Program, path: Path, seconds: float) -> dict[str, Any]:
        return {
            "path": str(path),
            "arguments": [str(path), *program.arguments],
            "environment": {"PATH": _PATH, "LC_ALL": "C", "LANG": "C", "HOME": "/", **program.environment},
            "seconds": max(0.01, seconds),
            "memory": program.memory,
            "processes": program.processes,
            "file": FILE,
            "keep": program.keep,
            "most": MOST,
            "slice": None if self._slice is None else str(self._slice),
        }

    async def _hand_over(self, run: socket.socket) -> None:
        """Give the launcher one end of a run's socket pair."""
        for attempt in (1, 2):
            control = self._control or self._start()
            try:
                socket.send_fds(control, [b"r"], [run.fileno()])
                return
            except OSError as error:
                self._drop_control()
                launcher, self._launcher = self._launcher, None
                if launcher is not None:
                    await _gone(launcher, 1.0)
                if attempt == 2:
                    raise TransportFault(Reason.LOCAL, f"plug-ins cannot be started ({error.strerror})") from error

    def _start(self) -> socket.socket:
        if self._closed:
            raise TransportFault(Reason.LOCAL, "the agent is ending, no plug-in is started any more")
        self._slice = slice.prepare()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._launcher = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _BEGIN, str(theirs.fileno()), str(_HOME)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                    env={},
                    cwd="/",
                )
            except OSError as error:
                ours.close()
                raise TransportFault(Reason.LOCAL, f"plug-ins cannot be started ({error.strerror})") from error
        self._control = ours
        return ours

    def _drop_control(self) -> None:
        control, self._control = self._control, None
        if control is not None:
            control.close()


def _time_to_run(seconds: float) -> float:
    return seconds - min(seconds / 2, max(seconds * _ENDING, _ENDING_LEAST))


async def _gone(launcher: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for the launcher's end; what does not end is killed."""
    loop = asyncio.get_running_loop()
    number = os.pidfd_open(launcher.pid)
    future: asyncio.Future[None] = loop.create_future()
    loop.add_reader(number, _settle, future)
    try:
        async with asyncio.timeout(seconds):
            await future
    except TimeoutError:
        launcher.kill()
    finally:
        loop.remove_reader(number)
        os.close(number)
    launcher.wait()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _ended(program: Program, answer: bytes) -> Ended:
    try:
        told = json.loads(answer)
    except ValueError as error:
        message = f"{program.name}: the process that kept it was ended from outside; look at the kernel's log"
        raise TransportFault(Reason.LOCAL, message) from error
    outcome = told["outcome"]
    if outcome == "local":
        message = f"{program.name}: no process could be started ({told['why']}); look at TasksMax and memory"
        raise TransportFault(Reason.LOCAL, message)
    if outcome == "aborted":
        raise TransportFault(Reason.LOCAL, f"{program.name}: it was ended because the agent's launcher was stopped")
    if outcome == "ended":
        outcome = Outcome.EXITED if told["signal"] is None else Outcome.KILLED
    return Ended(
        outcome=Outcome(outcome),
        status=told["exit"],
        signal=told["signal"],
        stdout=told["stdout"],
        stderr=told["stderr"],
        printed=told["printed"],
        left_behind=told["left"],
        out_of_memory=told["starved"],
        why=told["why"],
        seconds=told["seconds"],
        cpu_seconds=told["cpu"],
    )
