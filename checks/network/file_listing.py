"""A remote directory, brought down to what matters of it: how many files match, and which is the newest. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from checks.transports.ssh import RemoteFile

CLOCK_SLACK = 120.0
"""Seconds that a file may be younger than the agent's clock allows before the clocks are said to differ."""
MANIFEST = ".sha256"


class Checksum(StrEnum):
    """What comparing the newest file with its manifest came to."""

    NOT_ASKED = "not-asked"
    MATCH = "match"
    MISMATCH = "mismatch"
    NO_MANIFEST = "no-manifest"
    BAD_MANIFEST = "bad-manifest"
    TOO_LARGE = "too-large"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file as the server lists it; what it did not tell is None."""

    name: str
    size: int | None
    mtime: int | None


@dataclass(frozen=True, slots=True)
class FileAnswers:
    """What was seen at `at` (Unix seconds, the agent's clock)."""

    at: float
    there: bool
    """The directory exists."""
    complete: bool = True
    """Every entry was listed."""
    entries: int = 0
    count: int = 0
    """Files that match."""
    links: int = 0
    """Links and other things that match and are no regular files: how old and large a link is says nothing."""
    undated: int = 0
    """Of these, files whose time the server does not tell."""
    ahead: int = 0
    """Of these, files that are changed in the future."""
    furthest: FileSeen | None = None
    """The one that is furthest in the future."""
    newest: FileSeen | None = None
    """The newest that is not in the future."""
    checksum: Checksum = Checksum.NOT_ASKED


def seen(entries: Sequence[RemoteFile], complete: bool, pattern: str, manifests: bool, at: float) -> FileAnswers:
    """What of a listing matters; with `manifests` the files that hold checksums are not counted among the others."""
    matching = [
        entry
        for entry in entries
        if not entry.is_directory
        and fnmatchcase(entry.name, pattern)
        and not (manifests and entry.name.endswith(MANIFEST))
    ]
    files = [FileSeen(entry.name, entry.size, entry.mtime) for entry in matching if entry.is_file]
    dated = [(file.mtime, file.name, file) for file in files if file.mtime is not None]
    ahead = [item for item in dated if item[0] > at + CLOCK_SLACK]
    past = [item for item in dated if item[0] <= at + CLOCK_SLACK]
    return FileAnswers(
        at=at,
        there=True,
        complete=complete,
        entries=len(entries),
        count=len(files),
        links=len(matching) - len(files),
        undated=len(files) - len(dated),
        ahead=len(ahead),
        furthest=max(ahead, key=_order)[2] if ahead else None,
        newest=max(past, key=_order)[2] if past else (files[0] if len(files) == 1 and not dated else None),
    )


def _order(dated: tuple[int, str, FileSeen]) -> tuple[int, str]:
    """By time, then by name, so that of two files of one second it is always the same one."""
    return dated[:2]
