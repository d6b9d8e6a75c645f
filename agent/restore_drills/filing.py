"""Files what came of drills and verifications where the agent reads it: whole or not at all, and on the disk.

Beside the file of an object, which holds what counts now, everything is added to a log for the evidence of a quarter.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from agent.keeping.durable import sync_directory
from checks.backup.proofs import (
    LARGEST_LOG,
    LOG_SUFFIX,
    SUFFIX,
    DrillState,
    ObjectRecords,
    ProofsError,
    RestoreRecord,
    VerificationRecord,
    read_records,
)

_NEWEST = 40
"""Restores that are kept, beside the last of each outcome by each hand."""
_VERIFICATIONS = 10
_DRILLS = 40


class FilingError(Exception):
    """Nothing was filed: the agent does not learn of the drill. The message says how to mend that."""


def filed(directory: Path, object: str, now: float, change: Callable[[ObjectRecords], ObjectRecords]) -> ObjectRecords:
    """Change an object's file, alone; a file that is damaged is kept beside and begun anew. Raises FilingError."""
    path = directory / (object + SUFFIX)
    try:
        with _held(directory):
            before = _present(path, object, now)
            made = change(before)
            _write(path, made.model_copy(update={"written": now}))
            new = [one for one in made.restores if one not in before.restores]
            read = [one for one in made.verifications if one not in before.verifications]
            logged(directory / (object + LOG_SUFFIX), (*new, *read))
    except OSError as error:
        raise FilingError(
            f"{path} cannot be written: {error.strerror}; give its directory to the drill's user"
        ) from error
    return made


def logged(path: Path, rows: Sequence[RestoreRecord | VerificationRecord]) -> None:
    """Add to a log; of one that has grown too long the older half goes. Raises OSError."""
    if path.exists() and path.stat().st_size > LARGEST_LOG // 2:
        lines = path.read_bytes()[-LARGEST_LOG // 4 :].split(b"\n", 1)[-1]
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(lines)
        partial.chmod(0o640)
        partial.replace(path)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    with os.fdopen(handle, "a+b") as file:
        os.fchmod(file.fileno(), 0o640)
        torn = file.tell() and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n"  # by a machine that went down
        file.write((b"\n" if torn else b"") + b"".join(row.model_dump_json().encode() + b"\n" for row in rows))
        file.flush()
        os.fsync(file.fileno())


def recalled(directory: Path, object: str, now: float) -> ObjectRecords:
    """What stands in an object's file; nothing where there is none, or a damaged one."""
    try:
        return read_records(directory / (object + SUFFIX), now)
    except ProofsError:
        return ObjectRecords(version=1, object=object, written=0.0)


def with_restores(
    records: ObjectRecords, drill: str, state: DrillState, restores: Sequence[RestoreRecord]
) -> ObjectRecords:
    """With further restores, and what the drill must know next time."""
    ordered = sorted([*records.restores, *restores], key=lambda row: row.at)
    last = {(row.by, row.outcome, row.rehearsal): row for row in ordered}
    kept = [row for row in ordered if row in ordered[-_NEWEST:] or last[(row.by, row.outcome, row.rehearsal)] is row]
    return _with_state(records, drill, state).model_copy(update={"restores": kept[-2 * _NEWEST :]})


def with_verification(
    records: ObjectRecords, drill: str, state: DrillState, verification: VerificationRecord
) -> ObjectRecords:
    """With a further verification."""
    rows = [*records.verifications, verification][-_VERIFICATIONS:]
    return _with_state(records, drill, state).model_copy(update={"verifications": rows})


def withdrawn(records: ObjectRecords, drill: str, at: float, reason: str) -> ObjectRecords:
    """With an end for each failure of a drill that will not be run again: renamed, or no longer of this object."""
    last = {row.by: row for row in records.restores if row.by.endswith(f" {drill}") and row.outcome != "unproven"}
    ends = [
        RestoreRecord(at=at, by=by, outcome="withdrawn", message=reason[:500])
        for by, row in last.items()
        if row.outcome == "failed"
    ]
    return records.model_copy(update={"restores": [*records.restores, *ends]})


def _with_state(records: ObjectRecords, drill: str, state: DrillState) -> ObjectRecords:
    others = {name: one for name, one in records.drills.items() if name != drill}
    return records.model_copy(update={"drills": {**dict(list(others.items())[-_DRILLS:]), drill: state}})


def _present(path: Path, object: str, now: float) -> ObjectRecords:
    try:
        return read_records(path, now)
    except ProofsError:
        if path.exists():
            path.replace(path.with_suffix(".damaged"))
        return ObjectRecords(version=1, object=object, written=now)


@contextlib.contextmanager
def _held(directory: Path) -> Iterator[None]:
    handle = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(path: Path, records: ObjectRecords) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with contextlib.suppress(FileNotFoundError):
        partial.unlink()
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(records.model_dump_json(indent=1) + "\n")
        file.flush()
        os.fchmod(file.fileno(), 0o640)
        os.fsync(file.fileno())
    partial.replace(path)
    sync_directory(path.parent)
