"""One program from its start to the end of all it started. Standard library only."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
from typing import Any

from checks.launcher.proc import descendants, ready_of, signal_all
from checks.launcher.slice import Slice

_CHUNK = 65_536
_KILLING = 3.0
"""Seconds in which killed processes must have gone; one that hangs in the kernel cannot be waited for."""
_NICE = 5
"""Plug-ins run behind the agent and their keepers, which must be able to end them in time."""
_DYING = 0.1
"""Seconds that a killed process group has to go before the search for the rest of the run begins."""
_COUNT_FIRST, _COUNT_MOST = 0.1, 2.0
_HEADROOM = 256
"""Threads that the agent may start between two counts without a plug-in feeling it."""
_ALL_SIGNALS = tuple(number for number in signal.valid_signals() if number not in (signal.SIGKILL, signal.SIGSTOP))


class Stopped(Exception):
    """The launcher has died: end the run and go."""


class Run:
    """One program from its start to the end of all it started."""

    def __init__(self, order: dict[str, Any], run: int, tasks: int) -> None:
        self._order = order
        self._socket = run
        self._tasks = tasks
        self._begun = time.monotonic()
        self._ends = self._begun + order["seconds"]
        self._slice = Slice(order["slice"], order["memory"], order["processes"])
        self._kept: dict[int, bytearray] = {}
        self._printed = 0

    def go(self) -> dict[str, Any]:
        """What came of it, as `checks.transports.process` reads it."""
        output, errors = os.pipe(), os.pipe()
        self._kept = {output[0]: bytearray(), errors[0]: bytearray()}
        for number in self._kept:
            os.set_blocking(number, False)
        why, status, main = "", None, None
        try:
            try:
                main = self._spawn(output[1], errors[1])
            except OSError as error:
                outcome, why = "refused", os.strerror(error.errno or 0)
            else:
                outcome = self._watch(main)
                if outcome == "ended":
                    status, main = os.waitpid(main, 0)[1], None
        except Stopped:
            outcome = "aborted"
        seconds = time.monotonic() - self._begun
        left = self._end_all(main)
        for number in self._kept:
            self._read(number)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "outcome": outcome,
            "why": why,
            "exit": os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None,
            "stdout": self._kept[output[0]].decode("utf-8", "replace"),
            "stderr": self._kept[errors[0]].decode("utf-8", "replace"),
            "printed": self._printed,
            "left": left if outcome == "ended" else 0,
            "starved": self._slice.starved,
            "seconds": seconds,
            "cpu": used.ru_utime + used.ru_stime,
        }

    def _spawn(self, output: int, errors: int) -> int:
        """Start the program in a session of its own. Raises OSError when the system refuses.

        Limits and cgroup are taken on by the keeper and inherited: posix_spawn(3) shares memory until the program is
        executed, and so costs a third of a fork that would set them in the child.
        """
        order = self._order
        _limit(order, self._tasks, self._slice)
        self._slice.enter()
        try:
            main = os.posix_spawn(
                order["path"],
                order["arguments"],
                order["environment"],
                file_actions=(
                    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, output, 1),
                    (os.POSIX_SPAWN_DUP2, errors, 2),
                ),
                setsid=True,
                setsigmask=(),
                setsigdef=_ALL_SIGNALS,
            )
        finally:
            self._slice.leave()
            os.close(output)
            os.close(errors)
        with contextlib.suppress(OSError):  # a sandbox may forbid it, or the program may be root's: it is a courtesy
            os.setpriority(os.PRIO_PGRP, main, _NICE)
        return main

    def _watch(self, main: int) -> str:
        """Wait for the program's end, reading meanwhile."""
        ended = os.pidfd_open(main)
        open_ends = set(self._kept)
        pause = _COUNT_FIRST
        # Nothing bounds the processes of root but a cgroup, so they are counted now and then.
        counting = os.geteuid() == 0 and not self._slice.counts
        count_at = self._begun + pause if counting else self._ends
        while (now := time.monotonic()) < self._ends:
            ready = ready_of(ended, self._socket, *open_ends, wait=max(0.0, min(self._ends, count_at) - now))
            if self._socket in ready:
                return "aborted"  # only its end can be read from this socket
            open_ends -= {number for number in open_ends & set(ready) if not self._read(number, 1)}
            if self._printed > self._order["most"]:
                return "output"
            if ended in ready:
                return "ended"
            if counting and time.monotonic() >= count_at:
                if sum(1 for _ in descendants(os.getpid())) > self._order["processes"]:
                    return "processes"
                pause = min(pause * 2, _COUNT_MOST)
                count_at = time.monotonic() + pause
        return "timeout"

    def _read(self, number: int, times: int = 64) -> bool:
        """Take what can be read; False at the end. What is beyond the bound is counted and dropped."""
        kept = self._kept[number]
        for _ in range(times):
            try:
                more = os.read(number, _CHUNK)
            except BlockingIOError:
                return True
            if not more:
                return False
            self._printed += len(more)
            kept += more[: self._order["keep"] - len(kept)]
        return True

    def _end_all(self, main: int | None) -> int:
        """End what is left, and say how much it was; `main` is the program, if it has not ended yet.

        What stayed in the program's process group goes at once. Only for what has left it is /proc searched, which
        costs milliseconds, and a hundred keepers may do it in the same moment.
        """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # to be stopped in the midst of this would leave the rest alive
        left = 0
        end = time.monotonic() + _KILLING
        if main is not None:
            # Its number cannot be another's yet, for nobody has taken its status.
            self._slice.kill()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(main, signal.SIGKILL)
            soon = time.monotonic() + _DYING
            while _collect() and time.monotonic() < soon:
                _wait_a_moment()
        while _collect() and time.monotonic() < end:
            self._slice.kill()
            # Stopped first, so that what forks faster than we look does not get away, and killed when no more come.
            seen: set[int] = set()
            while fresh := {pid for pid in descendants(os.getpid()) if pid not in seen}:
                signal_all(fresh, signal.SIGSTOP)
                seen |= fresh
            signal_all(seen, signal.SIGKILL)
            left = max(left, len(seen))
            _wait_a_moment()
        self._slice.close()
        return left


def _limit(order: dict[str, Any], tasks: int, group: Slice) -> None:
    """Limits of setrlimit(2). Without a cgroup that weighs memory, the address space of each process is bounded."""
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: order["file"],
        resource.RLIMIT_NOFILE: 1024,
        resource.RLIMIT_CPU: max(1, int(order["seconds"] + 1)),
    }
    if not group.counts:
        limits[resource.RLIMIT_NPROC] = tasks + order["processes"] + _HEADROOM
    if not group.weighs:
        limits[resource.RLIMIT_AS] = order["memory"]
    for what, limit in limits.items():
        hard = resource.getrlimit(what)[1]
        bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (bound, bound))


def _collect() -> bool:
    """Take the status of every child that has ended; False when there is no child at all any more."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _wait_a_moment() -> None:
    """Until a child has ended, at most a twentieth of a second."""
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        if os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(0.002)
