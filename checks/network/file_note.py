"""What a check of the kind `sftp_file` remembers from one run to the next: the newest file, and when it changed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from checks.contract import Memory
from checks.network.file_listing import FileSeen

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Note:
    """What is remembered of the newest file, by the agent's clock."""

    name: str
    size: int | None
    mtime: int | None
    first: float
    """When a file of this name was first seen as the newest."""
    changed: float
    """When it was last seen to have changed."""
    rests: bool
    """It was the same in two runs."""


def noted(memory: Memory | None, file: FileSeen, at: float) -> Note:
    """The note after a look at `at`. The name, the size or the time of the newest file is what changes."""
    before = unpacked(memory)
    if before is None or before.name != file.name or before.changed > at:
        known = at if file.mtime is None else min(at, float(file.mtime))
        return Note(file.name, file.size, file.mtime, at, known if before is None else at, rests=False)
    if (before.size, before.mtime) == (file.size, file.mtime):
        return Note(file.name, file.size, file.mtime, before.first, before.changed, rests=True)
    first = at if before.rests else before.first
    return Note(file.name, file.size, file.mtime, first, at, rests=False)


def packed(note: Note | None, memory: Memory | None) -> Memory | None:
    """The note as it is kept; None when the old one says the same."""
    if note is None:
        return None
    text = json.dumps(asdict(note), separators=(",", ":"))
    return None if memory == Memory(_VERSION, text) else Memory(_VERSION, text)


def unpacked(memory: Memory | None) -> Note | None:
    """The note in a memory; one of another version, or a damaged one, is none."""
    if memory is None or memory.version != _VERSION:
        return None
    try:
        kept = json.loads(memory.text)
        return Note(
            str(kept["name"]), kept["size"], kept["mtime"], float(kept["first"]), float(kept["changed"]),
            bool(kept["rests"]),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError):
        return None
