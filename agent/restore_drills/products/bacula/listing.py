"""What the catalogue has of a backup's files, by directory (bvfs). Names that the console cannot say are left out.

A row is PathId, FilenameId, FileId, JobId, LStat and the name, with tabs between. LStat is what lstat(2) said of the
file, in Bacula's own base 64. Source: Bacula's "Bvfs API" and base64.c.
"""

from __future__ import annotations

import random
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.restore_drills.products.bacula.console import Console, quoted

_PAGE = 5_000
_MOST_DIRECTORIES = 2_000
"""Of more, so many at random."""
_AT_ONCE = 25
_ROW = re.compile(r"[0-9]+\t[0-9]+\t([0-9]+)\t([0-9]+)\t([A-Za-z0-9+/ -]+)\t(.+)")
_DIGITS = {letter: value for value, letter in enumerate(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}  # fmt: skip
_MODE, _SIZE, _MTIME = 2, 7, 11
_CHANCE = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a directory of a backup."""

    path: str
    id: str
    """FileId: this version of it."""
    mode: int
    size: int
    mtime: float

    @property
    def regular(self) -> bool:
        return stat.S_ISREG(self.mode)


class Listing:
    """Of a backup, with all the jobs that it is made of."""

    def __init__(self, console: Console, jobs: Sequence[str]) -> None:
        self._console = console
        self._jobs = ",".join(jobs)
        # The cache by which directories are found: made once for each job, which takes its time.
        console.ask("has the catalogue's directories read", f".bvfs_update jobid={self._jobs}", most=None)

    def below(self, under: str) -> Iterator[Entry]:
        """Files below a directory, in no order. Raises Unproven."""
        waiting = [("lsdirs", f"{under.rstrip('/')}/", 0), ("lsfiles", f"{under.rstrip('/')}/", 0)]
        directories = 0
        while waiting:
            _CHANCE.shuffle(waiting)
            asked, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
            for (kind, directory, offset), found in zip(asked, self._pages(asked), strict=True):
                if len(found) >= _PAGE:
                    waiting.append((kind, directory, offset + _PAGE))
                if kind == "lsfiles":
                    yield from found
                    continue
                for one in found:
                    if one.path.endswith("/") and quoted(one.path) and directories < _MOST_DIRECTORIES:
                        directories += 1
                        waiting += [("lsdirs", one.path, 0), ("lsfiles", one.path, 0)]

    def named(self, paths: Sequence[str]) -> list[Entry | None]:
        """The entries of these paths; None where the backup does not have one. Raises Unproven."""
        found: dict[str, Entry] = {}
        waiting = [
            ("lsfiles", directory, 0) for directory in dict.fromkeys(map(_directory, paths)) if quoted(directory)
        ]
        while waiting:
            asked, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
            for (kind, directory, offset), page in zip(asked, self._pages(asked), strict=True):
                found |= {one.path: one for one in page if one.path in paths}
                if len(page) >= _PAGE:
                    waiting.append((kind, directory, offset + _PAGE))
        return [found.get(path) for path in paths]

    def _pages(self, asked: Sequence[tuple[str, str, int]]) -> Iterator[list[Entry]]:
        commands = [
            f".bvfs_{kind} jobid={self._jobs} path={quoted(directory)} limit={_PAGE} offset={offset}"
            for kind, directory, offset in asked
        ]
        answers = self._console.ask("lists files", *commands)
        for (_, directory, _), answer in zip(asked, answers, strict=True):
            yield list(_entries(directory, answer))


def number(said: str) -> int:
    """A number in Bacula's base 64. Raises KeyError for what is none."""
    value = 0
    for letter in said.removeprefix("-"):
        value = value * 64 + _DIGITS[letter]
    return -value if said.startswith("-") else value


def _entries(directory: str, answer: str) -> Iterator[Entry]:
    for line in answer.splitlines():
        match = _ROW.fullmatch(line)
        fields = match[3].split() if match else []
        if match is None or match[4] in (".", "..") or len(fields) <= _MTIME:
            continue
        try:
            mode, size, mtime = (number(fields[at]) for at in (_MODE, _SIZE, _MTIME))
        except KeyError:
            continue
        yield Entry(directory + match[4], match[1], mode, size, float(mtime))


def _directory(path: str) -> str:
    return path.rpartition("/")[0] + "/"
