"""Whether the clock is right: the kernel knows, whichever program keeps it (adjtimex(2), read only)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

from agent.diagnosis import Line, ok, unknown, warning

_UNSYNCHRONISED = 0x40  # STA_UNSYNC
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
_MEND = "install chrony (apt-get install chrony) or enable systemd-timesyncd, and look at: timedatectl"
_SLACK = 5.0


class _Timex(ctypes.Structure):
    """struct timex of Linux, where long has the machine's width."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in ("offset", "freq", "maxerror", "esterror")),
        ("status", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("constant", "precision", "tolerance", "seconds", "micros", "tick")),
        ("rest", ctypes.c_char * 128),
    )


def ask() -> _Timex | None:
    """The kernel's clock, whose status is what is of interest; None when it may not be asked (some containers)."""
    timex = _Timex(modes=0)
    try:
        answered = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except AttributeError:
        return None
    return timex if answered >= 0 else None


def synchronised() -> bool | None:
    """Whether somebody keeps the clock right; None when that cannot be told."""
    found = ask()
    if found is not None:
        return not found.status & _UNSYNCHRONISED
    return True if os.access(_TIMESYNCD, os.F_OK) else None


def clock_lines(right: bool | None, now: float, newest: float | None) -> Iterator[Line]:
    """`newest`: the latest moment that the ledger has written down, Unix seconds."""
    if right is None:
        yield unknown("clock", "whether the clock is synchronised cannot be asked here", "look at: timedatectl")
    elif right:
        yield ok("clock", "the kernel says that the clock is synchronised")
    else:
        yield warning("clock", "the clock is not synchronised: nobody keeps it right", _MEND)
    if newest is not None and newest > now + _SLACK:
        text = f"the ledger was written {newest - now:.0f} s in the future: the clock was set back"
        yield warning("clock", text, "put the clock right; what is older than the ledger's last moment looks fresh")
