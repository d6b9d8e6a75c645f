"""Sample files of a restore point: drawn among small and large ones, and compared with what they must be."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import stat
from collections.abc import Iterable
from pathlib import Path

from agent.restore_drills.products import Point, Product, StoredFile
from agent.restore_drills.scratch import Room, opened
from agent.restore_drills.verdict import Failed

MOST_LISTED = 200_000
"""Files among which samples are drawn; of more, so many at random."""
_CHUNK = 1024 * 1024
_CLOSE = 0.002
"""Seconds by which two tellings of one file's time may differ: not every list has nanoseconds."""
_PATTERNS = frozenset("*?[]\\")


def drawn(listed: Iterable[StoredFile], count: int, most: int, chance: random.Random) -> tuple[list[StoredFile], int]:
    """One file out of each of `count` groups by size, and how many were too large.

    None has more than `most` bytes, and all together no more than twice that. Empty files prove nothing, and names that
    mean something to a tool's patterns are left out.
    """
    kept: list[StoredFile] = []
    seen = too_large = 0
    for one in listed:
        if one.size == 0 or _PATTERNS & set(one.path) or not one.path.isprintable():
            continue
        if one.size > most:
            too_large += 1
            continue
        seen += 1
        if len(kept) < MOST_LISTED:
            kept.append(one)
        elif (at := chance.randrange(seen)) < MOST_LISTED:
            kept[at] = one
    kept.sort(key=lambda one: one.size)
    groups = min(count, len(kept))
    bounds = [len(kept) * at // groups for at in range(groups + 1)] if groups else []
    chosen = [chance.choice(kept[begin:end]) for begin, end in itertools.pairwise(bounds)]
    while sum(one.size for one in chosen) > 2 * most:
        chosen.pop()
        too_large += 1
    return chosen, too_large


def compared(one: StoredFile, room: Room, product: Product, point: Point, live: bool) -> bool:
    """Whether the restored file was compared with its original, True, or with a second reading. Raises Failed."""
    try:
        size, digest = _digest(opened(room.restored, one.path))
    except OSError as error:
        raise Failed(f"a file did not come back: {error.strerror}", one.path) from error
    if size != one.size:
        raise Failed(f"a file came back with {size} bytes instead of {one.size}", one.path)
    settled = not one.whole_seconds or one.mtime < point.at - 1  # else it may have changed within that second
    original = _original(one) if live and settled else None
    if original is not None:
        if original != digest:
            raise Failed("a file differs from its original, which has the same size and time", one.path)
        return True
    again = product.read_again(point, one.path)
    try:
        second = os.open(again, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Failed(f"a file did not come back a second time: {error.strerror}", one.path) from error
    if _digest(second) != (size, digest):
        raise Failed("a file came back in two different ways", one.path)
    again.unlink()
    return False


def _original(one: StoredFile) -> str | None:
    """The original's SHA-256 where it is as it was when it was backed up, before and after it was read."""
    try:
        if os.path.realpath(one.path) != one.path:
            return None
        handle = os.open(one.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if not _unchanged(one, os.fstat(handle)):
        os.close(handle)
        return None
    _, digest = _digest(handle)
    return digest if _unchanged(one, Path(one.path).lstat()) else None


def _unchanged(one: StoredFile, seen: os.stat_result) -> bool:
    mtime = int(seen.st_mtime) if one.whole_seconds else seen.st_mtime
    return stat.S_ISREG(seen.st_mode) and seen.st_size == one.size and abs(mtime - one.mtime) < _CLOSE


def _digest(handle: int) -> tuple[int, str]:
    """Size and SHA-256 of an open file, which is closed."""
    size, digest = 0, hashlib.sha256()
    with os.fdopen(handle, "rb") as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            digest.update(chunk)
    return size, digest.hexdigest()
