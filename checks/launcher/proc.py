"""Processes as /proc shows them (proc(5)), and what is done to many of them. Standard library only."""

# pathlib would make every keeper a tenth larger.
# ruff: noqa: PTH116, PTH123, PTH208

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
from collections.abc import Iterator

PDEATHSIG, NAME, SUBREAPER = 1, 15, 36
_PROC = "/proc"
_LIBC = ctypes.CDLL(None)


def processes() -> Iterator[tuple[int, int]]:
    """Every process that can be seen, with its parent."""
    for entry in os.listdir(_PROC):
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"{_PROC}/{entry}/stat", "rb") as file:
                # The name in parentheses may hold anything, parentheses and spaces included.
                yield int(entry), int(file.read(1024).rpartition(b")")[2].split()[1])


def descendants(ancestor: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in processes():
        children.setdefault(parent, []).append(pid)
    open_ends = [ancestor]
    while open_ends:
        found = children.get(open_ends.pop(), [])
        open_ends += found
        yield from found


def signal_all(pids: set[int] | list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def tasks_of(user: int) -> int:
    """Threads of all processes of a user, which is what RLIMIT_NPROC is compared with."""
    count = 0
    for entry in os.listdir(_PROC):
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                if os.stat(f"{_PROC}/{entry}").st_uid == user:
                    with open(f"{_PROC}/{entry}/stat", "rb") as file:
                        count += int(file.read(1024).rpartition(b")")[2].split()[17])
    return count


def prctl(option: int, value: int | bytes) -> None:
    _LIBC.prctl(option, value, 0, 0, 0)


def be_first_to_go() -> None:
    """Be killed before the agent when memory runs out, with all that is started here."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("700")


def ready_of(*numbers: int, wait: float | None) -> list[int]:
    poll = select.poll()
    for number in numbers:
        poll.register(number, select.POLLIN)
    return [number for number, _ in poll.poll(None if wait is None else wait * 1000 + 1)]
