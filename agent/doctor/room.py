"""Room on the disks that the agent writes to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.diagnosis import Line, broken, ok, unknown, warning

_LOW, _LAST = 0.10, 0.02
_LOW_BYTES, _LAST_BYTES = 512 * 1024**2, 64 * 1024**2
_DAY = 86_400.0
_MEND = "make room; never delete files of the state directory by hand (docs/operating.md, Full disk)"


@dataclass(frozen=True, slots=True)
class Room:
    """A file system, bytes and inodes; 0 inodes: it has no limit of them."""

    size: int
    free: int
    inodes: int
    inodes_free: int


def look(place: Path) -> Room | str:
    """The file system at this place, or why it cannot be read."""
    try:
        found = os.statvfs(place)
    except OSError as error:
        return error.strerror or str(error)
    return Room(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, found.f_files, found.f_favail)


def room_lines(place: Path, room: Room | str, grown: tuple[int, float] | None) -> Iterator[Line]:
    """`grown`: bytes of the ledger that lies there, and in how many seconds it grew to them."""
    where = str(place)
    if isinstance(room, str):
        yield unknown("disk", f"cannot be read: {room}", "ask as root (sudo)", where)
        return
    share = room.free / room.size if room.size else 0.0
    text = f"{room.free / 1e9:,.1f} GB free ({share:.0%}){_until_full(room, grown)}"
    if share < _LAST or room.free < _LAST_BYTES:
        yield broken("disk", text, _MEND, where)
    elif share < _LOW or room.free < _LOW_BYTES:
        yield warning("disk", text, _MEND, where)
    else:
        yield ok("disk", text, where)
    if room.inodes:
        left = room.inodes_free / room.inodes
        text = f"{room.inodes_free:,} inodes free ({left:.0%})"
        if left < _LAST:
            yield broken("inodes", text, "remove directories full of small files", where)
        elif left < _LOW:
            yield warning("inodes", text, "remove directories full of small files", where)
        else:
            yield ok("inodes", text, where)


def _until_full(room: Room, grown: tuple[int, float] | None) -> str:
    if grown is None or grown[1] < _DAY or grown[0] <= 0:
        return ""
    days = room.free / (grown[0] / (grown[1] / _DAY))
    return f"; at the ledger's own pace full in {min(days, 36_500):,.0f} days"
