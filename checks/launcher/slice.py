"""The run's own cgroup, where the agent has been delegated one. Standard library only."""

# pathlib would make every keeper a tenth larger.
# ruff: noqa: PTH102, PTH106, PTH123

from __future__ import annotations

import contextlib
import errno
import os
import time


class Slice:
    """The run's own cgroup (v2), if the agent has been delegated one: memory, processes, and an end to all at once."""

    def __init__(self, folder: str | None, memory: int, processes: int) -> None:
        self._place: str | None = None
        self.counts = self.weighs = self.starved = False
        if folder is None:
            return
        place = f"{folder}/run-{os.getpid()}"
        try:
            os.mkdir(place)
        except FileExistsError:
            pass  # left by a keeper of this number that was killed
        except OSError:
            return
        self._place = place
        self.weighs = self._write("memory.max", str(memory))
        self._write("memory.swap.max", "0")
        self.counts = self._write("pids.max", str(processes))

    def enter(self) -> None:
        """Be in it, so that what is started now is born there."""
        if self._place is not None:
            self._write("cgroup.procs", "0")

    def leave(self) -> None:
        """Go where the agent is, so that ending the run does not end its keeper."""
        if self._place is not None:
            self._write("../../agent/cgroup.procs", "0")

    def kill(self) -> None:
        if self._place is not None:
            self._write("cgroup.kill", "1")

    def close(self) -> None:
        """Note whether memory ran out, and remove the cgroup; one that is not empty yet is tried again for a moment."""
        if self._place is None:
            return
        with contextlib.suppress(OSError, ValueError), open(f"{self._place}/memory.events") as events:
            self.starved = any(line.startswith("oom_kill ") and int(line.split()[1]) for line in events)
        end = time.monotonic() + 1.0
        while True:
            try:
                os.rmdir(self._place)
                return
            except OSError as error:
                if error.errno != errno.EBUSY or time.monotonic() > end:
                    return
            time.sleep(0.005)

    def _write(self, name: str, text: str) -> bool:
        try:
            with open(f"{self._place}/{name}", "w") as file:
                file.write(text)
        except OSError:
            return False
        return True
