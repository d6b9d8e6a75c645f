"""Plug-ins of every character: honest ones, and ones that hang, fork, eat, print and kill."""

from __future__ import annotations

import textwrap
from pathlib import Path

SHELL, PYTHON = "#!/bin/sh\n", "#!/usr/bin/env -S python3 -I -S\n"


def install(folder: Path, name: str, body: str, first: str = SHELL) -> Path:
    """An executable plug-in of this name in the folder, which nobody else can alter."""
    folder.mkdir(mode=0o755, exist_ok=True)
    path = folder / name
    path.write_text(first + textwrap.dedent(body))
    path.chmod(0o755)
    return path


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pids(path: Path) -> list[int]:
    """The process numbers that a plug-in has noted in a file, one a line."""
    if not path.exists():
        return []
    return [int(line) for line in path.read_text().split("\n")[:-1]]
