"""Which older archives go when a new one is there."""

from __future__ import annotations

import re
from pathlib import Path

from agent.keeping.archive import manifest_of
from agent.keeping.errors import ArchiveError

_MOMENT = re.compile(r"\d{6,}")
"""What differs in the names of archives that belong together: dates and times."""


def has_moment(path: Path) -> bool:
    """Whether the name tells archives of different moments apart."""
    return _MOMENT.search(path.name) is not None


def siblings(path: Path) -> list[Path]:
    """Archives beside this one whose names differ in nothing but dates and times, the newest first.

    Only what is an archive of the same estate is one: other files of such a name are left alone.
    """
    pattern = re.compile(r"\d{6,}".join(re.escape(part) for part in _MOMENT.split(path.name)))
    found: list[tuple[float, Path]] = []
    estate = _stamp(path)[1]
    for other in path.parent.iterdir():
        if pattern.fullmatch(other.name) and other.is_file() and not other.is_symlink():
            try:
                created, name = _stamp(other)
            except (ArchiveError, OSError):
                continue
            if name == estate or not name:
                found.append((created, other))
    return [other for _created, other in sorted(found, reverse=True)]


def remove_older(path: Path, keep: int) -> list[Path]:
    """Remove all but the newest `keep` of the archives that belong to this one; it itself always stays."""
    gone = [other for other in siblings(path)[keep:] if other != path]
    for other in gone:
        other.unlink()
    return gone


def _stamp(path: Path) -> tuple[float, str]:
    manifest = manifest_of(path)
    return manifest.created, manifest.estate.name if manifest.estate is not None else ""
