"""Damage to a repository of a real tool, and what finds it: the list, the cheap check, or reading everything again.

The list is Ridgeway's own reading of the product. Restores find damage too: see the restore drills.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks.transports import Transports
from testbeds.by_backup import BackupWatch
from testbeds.planted import Planter


@dataclass
class Tool:
    """A repository of one tool, with a backup in it."""

    name: str
    product: dict[str, Any]
    object: str
    largest: Path
    """A file of the repository with data in it."""
    check: Callable[[], bool]
    """Whether the cheap check finds something."""
    again: Callable[[], bool]
    """Whether reading everything again finds something."""


@contextmanager
def octet(file: Path) -> Iterator[None]:
    """One octet in the middle of the data is another."""
    whole, mode = file.read_bytes(), file.stat().st_mode
    file.chmod(0o600)
    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    file.chmod(mode)
    try:
        yield
    finally:
        file.chmod(0o600)
        file.write_bytes(whole)
        file.chmod(mode)


@contextmanager
def cut(file: Path) -> Iterator[None]:
    """A file with data ends in its midst."""
    whole, mode = file.read_bytes(), file.stat().st_mode
    file.chmod(0o600)
    file.write_bytes(whole[: len(whole) // 2])
    file.chmod(mode)
    try:
        yield
    finally:
        file.chmod(0o600)
        file.write_bytes(whole)
        file.chmod(mode)


@contextmanager
def gone(file: Path) -> Iterator[None]:
    """A file with data is not there."""
    away = file.with_name(f"{file.name}.away")
    outside = file.parents[2] / away.name
    file.rename(outside)
    try:
        yield
    finally:
        outside.rename(file)


async def found_by(tool: Tool, transports: Transports, planted: Planter) -> None:
    """Do each damage in turn, and have what finds it be what the table says. Nothing finds anything before."""
    by = [{"product": "it", "object": tool.object}]
    options = {"products": {"it": tool.product}, "objects": {"ledger": {"owner": "Finance", "rpo": "26h", "by": by}}}
    watched = BackupWatch(transports, options, time.time())

    assert (await watched.run()).bad == {}
    assert not tool.check() and not tool.again()
    for damage, fault in DAMAGES.items():
        with damage(tool.largest):
            planted(fault, tool.name).seen(await watched.run())
            planted(fault, tool.name).found_by(*_looked(tool))
    assert (await watched.run()).bad == {}


def _looked(tool: Tool) -> list[str]:
    return [name for name, finds in (("check", tool.check), ("verification", tool.again)) if finds()]


DAMAGES = {
    octet: "an octet in the data is another",
    gone: "a file of data is gone",
    cut: "a file of data is cut short",
}


def largest(directory: Path, pattern: str = "*") -> Path:
    return max((one for one in directory.rglob(pattern) if one.is_file()), key=lambda one: one.stat().st_size)


def fails(*command: str | Path, **environment: str) -> bool:
    return subprocess.run(
        list(command), capture_output=True, timeout=120, check=False, env=os.environ | environment
    ).returncode != 0  # fmt: skip
