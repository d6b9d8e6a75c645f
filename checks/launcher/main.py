"""The launcher: forks a keeper for every run, and ends what a killed keeper leaves. Standard library only."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import time

from checks.launcher.keeper import keep
from checks.launcher.proc import NAME, SUBREAPER, be_first_to_go, prctl, processes, ready_of, signal_all, tasks_of

_COUNT_KEPT = 5.0
_LEAVING = 5.0


def main(number: int) -> None:
    """Fork a keeper for every descriptor that comes over the socket `number`; return when the agent has gone."""
    control = socket.socket(fileno=number)
    os.set_inheritable(number, False)
    prctl(SUBREAPER, 1)
    prctl(NAME, b"ridgeway-launch")
    be_first_to_go()
    gc.freeze()  # what is here already is never looked at again, so a fork does not copy it
    Launcher(control).serve()


class Launcher:
    """Who was forked, and how many tasks this user has."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._keepers: set[int] = set()
        self._orphaned = False
        self._counted = (0.0, 0)
        self._wake, wakes = os.pipe()
        for end in (self._wake, wakes):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes)

    def serve(self) -> None:
        while True:
            for ready in ready_of(self._control.fileno(), self._wake, wait=0.1 if self._orphaned else None):
                if ready == self._wake:
                    self._awake()
                elif not self._take():
                    self._leave()
                    return
            self._reap()

    def _take(self) -> bool:
        try:
            said, numbers, _, _ = socket.recv_fds(self._control, 1, 1)
        except OSError:
            return False
        for number in numbers:
            os.set_inheritable(number, False)  # what comes over a socket is inherited unless this is said
            self._fork(socket.socket(fileno=number))
        return bool(said)

    def _fork(self, run: socket.socket) -> None:
        parent = os.getpid()
        tasks = self._tasks()
        try:
            child = os.fork()
        except OSError as error:
            with run, contextlib.suppress(OSError):
                run.sendall(json.dumps({"outcome": "local", "why": os.strerror(error.errno or 0)}).encode())
            return
        if child:
            self._keepers.add(child)
            run.close()
            return
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._control.close()
        keep(run, parent, tasks)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self._orphaned |= ended[0] in self._keepers and os.WIFSIGNALED(ended[1])
                self._keepers.discard(ended[0])
        if self._orphaned:
            # A keeper was killed: its run has become ours, and is ended here.
            lost = [pid for pid, parent in processes() if parent == os.getpid() and pid not in self._keepers]
            signal_all(lost, signal.SIGKILL)
            self._orphaned = bool(lost)

    def _leave(self) -> None:
        """The agent is gone; so are, in a moment, the runs, for their sockets have closed too."""
        end = time.monotonic() + _LEAVING
        while self._keepers and time.monotonic() < end:
            if ready_of(self._wake, wait=0.1):
                self._awake()
            self._reap()

    def _awake(self) -> None:
        """Take what the signals wrote, so that the next wait is one."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 512)

    def _tasks(self) -> int:
        at, count = self._counted
        if os.geteuid() == 0:
            return 0  # no limit of this kind holds for root
        if not at or time.monotonic() > at + _COUNT_KEPT:
            count = tasks_of(os.getuid())
            self._counted = (time.monotonic(), count)
        return count
