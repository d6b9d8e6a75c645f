"""The canary: a small file that is planted before every backup, and says itself when that was.

    ridgeway canary 1
    nonce: 3f1c…          32 hexadecimal digits, new each time
    at: 2026-11-30T02:00:00Z
    sha256: …             of the three lines above

An old canary can be restored for ever from a job that died long ago; so its own date counts beside its digest. Pure,
but for `plant`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agent.restore_drills.verdict import Failed

LARGEST = 4096
OF_NOTHING = hashlib.sha256(b"").hexdigest()
"""What a failed restore, piped into sha256sum, looks like."""
_AHEAD = 300.0
"""Seconds by which clocks may differ."""
_FORM = re.compile(rb"(ridgeway canary 1\nnonce: ([0-9a-f]{32})\nat: ([0-9TZ:-]{20})\n)sha256: ([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True)
class Canary:
    """One that is whole."""

    nonce: str
    at: float


class PlantError(Exception):
    """No canary was planted; what was there is as it was."""


def written(nonce: str, now: float) -> bytes:
    """The file's content."""
    at = datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = f"ridgeway canary 1\nnonce: {nonce}\nat: {at}\n".encode()
    return said + f"sha256: {hashlib.sha256(said).hexdigest()}\n".encode()


def understood(octets: bytes, *, rehearsal: bool = False) -> Canary:
    """The canary in what was restored. In a rehearsal a wrong digest is expected of it. Raises Failed."""
    if hashlib.sha256(octets).hexdigest() == OF_NOTHING:
        raise Failed("the canary came back empty")
    match = _FORM.fullmatch(octets)
    if match is None:
        raise Failed("what came back is no canary, or a damaged one")
    expected = "0" * 64 if rehearsal else match[4].decode()
    if hashlib.sha256(match[1]).hexdigest() != expected:
        raise Failed("the canary's SHA-256 is wrong" + (", as this rehearsal meant it to be" if rehearsal else ""))
    try:
        at = datetime.strptime(match[3].decode(), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Failed("the canary's date is none") from error
    return Canary(match[2].decode(), at.timestamp())


def check_age(canary: Canary, max_age: float, point: float, now: float | None) -> None:
    """That it was planted shortly before its backup and, for the newest point (`now`), shortly ago. Raises Failed."""
    if canary.at > point + _AHEAD:
        raise Failed("the canary is younger than the restore point that it comes from")
    if point - canary.at > max_age:
        raise Failed(f"the canary was {_hours(point - canary.at)} old when it was backed up: nobody plants it any more")
    if now is not None and now - canary.at > max_age:
        raise Failed(f"the canary is {_hours(now - canary.at)} old: the job is dead, or nobody plants it any more")


def plant(file: Path, now: float) -> str:
    """Write a new canary in the place of the one before, and return its nonce. Raises PlantError.

    What is no canary is never overwritten.
    """
    nonce = secrets.token_hex(16)
    beside = file.with_name(f".{file.name}.{nonce[:8]}")
    try:
        if file.is_symlink():
            raise PlantError(f"{file} is a symbolic link; plant the canary in a file of its own")
        if file.exists() and (not file.is_file() or not _ours(file)):
            raise PlantError(f"{file} is no canary, and is not overwritten; name a file of its own")
        try:
            _write(beside, written(nonce, now))
            beside.replace(file)
        finally:
            with contextlib.suppress(FileNotFoundError):
                beside.unlink()
    except OSError as error:
        raise PlantError(f"{file} cannot be written: {error.strerror}") from error
    return nonce


def _ours(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(LARGEST).startswith(b"ridgeway canary ")


def _write(file: Path, octets: bytes) -> None:
    with file.open("xb") as opened:
        opened.write(octets)
        opened.flush()
        os.fsync(opened.fileno())
    file.chmod(0o644)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h"
