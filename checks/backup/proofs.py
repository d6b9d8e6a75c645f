"""What drills and verifications of ours leave for the check: one JSON file for each object, in a directory.

They are written by a process of another user, which may be wrong or in wrong hands: a file is bounded, is no link, and
counts whole or not at all. One that cannot be understood is told; it is never taken for a restore that went well, nor
for one that went wrong.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter, ValidationError

from checks.backup.model import Proof, Verification
from checks.printable import printable
from config.schema.words import read_name

SUFFIX = ".json"
LARGEST = 256 * 1024
"""Octets of a file: some 60 restores with their words take 30 KiB."""
LOG_SUFFIX = ".log"
LARGEST_LOG = 8 * 1024 * 1024
"""Octets of a log that is read. Of one of half of that the newest 2 MiB stay: four drills a day for three years."""
_MOST_FILES = 2000
_AHEAD = 300.0
"""Seconds by which the drill's clock may be before ours."""

Name = Annotated[str, PlainValidator(read_name)]
Words = Annotated[str, Field(max_length=500)]
Time = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, le=1e18, allow_inf_nan=False)]


class ProofsError(ValueError):
    """A file, or the directory, cannot be used; the message says why."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RestoreRecord(_Row):
    """One restore that was tried, and what came of it."""

    at: Time
    by: Annotated[str, Field(min_length=1, max_length=120)]
    """What was restored, and by which drill: `canary benefits`. A failure is over when the same went well."""
    outcome: Literal["passed", "failed", "unproven", "withdrawn"]
    """Withdrawn: nobody will try this again, and a person says why its failure is over."""
    message: Words = ""
    rehearsal: bool = False
    """It failed because it was meant to."""
    seconds: Amount | None = None
    """Of the restore alone."""
    bytes: Annotated[int, Field(ge=0, le=10**18)] | None = None
    point: Time | None = None
    point_id: Annotated[str, Field(max_length=200)] = ""
    change: Annotated[str, Field(max_length=300)] = ""
    tool: Annotated[str, Field(max_length=100)] = ""
    host: Annotated[str, Field(max_length=255)] = ""
    cleaned: bool | None = None
    """Whether the scratch place was seen to be empty afterwards; None: nothing was put there."""


class VerificationRecord(_Row):
    """What reading the data again says as a whole, after this part of it."""

    at: Time
    sound: bool | None
    product: Annotated[str, Field(max_length=50)]
    repository: Annotated[str, Field(max_length=200)]
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    message: Words = ""


class PartRead(_Row):
    """One part of a repository's data, and how it was when it was last read."""

    at: Time
    sound: bool


class DrillState(_Row):
    """What a drill must know next time."""

    runs: Annotated[int, Field(ge=0)] = 0
    nonce: Annotated[str, Field(max_length=64)] = ""
    """Of the newest canary that was restored."""
    planted: Time = 0.0
    retry: Annotated[str, Field(max_length=200)] = ""
    """The old point of which a restore failed; it is tried again until it goes well or is no longer there."""
    parts: Annotated[int, Field(ge=0, le=1000)] = 0
    read: Annotated[dict[str, PartRead], Field(max_length=1000)] = Field(default_factory=dict)


class ObjectRecords(_Row):
    """A file."""

    version: Literal[1]
    object: Name
    written: Time
    restores: Annotated[list[RestoreRecord], Field(max_length=200)] = Field(default_factory=list)
    verifications: Annotated[list[VerificationRecord], Field(max_length=50)] = Field(default_factory=list)
    drills: Annotated[dict[Name, DrillState], Field(max_length=50)] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proofs:
    """What the directory holds."""

    restores: tuple[Proof, ...] = ()
    """Their `object` is the estate's name of it."""
    verifications: tuple[tuple[str, Verification], ...] = ()
    """Each with its product."""
    unread: dict[str, str] = field(default_factory=dict)
    """By file, or `.` for the directory: why it does not count."""
    undeclared: tuple[str, ...] = ()
    """Objects that the estate does not have."""


def read_proofs(directory: str, declared: Collection[str], now: float) -> Proofs:
    """Everything that lies in the directory. What cannot be read stands in `unread`; blocks."""
    unread: dict[str, str] = {}
    found: list[ObjectRecords] = []
    try:
        names = list(islice(_names(directory), _MOST_FILES + 1))
    except OSError as error:
        return Proofs(unread={".": f"{directory} cannot be read: {error.strerror}"})
    if len(names) > _MOST_FILES:
        unread["."] = f"{directory} holds more than {_MOST_FILES} files"
    for name in sorted(names)[:_MOST_FILES]:
        try:
            found.append(read_records(Path(directory, name), now))
        except ProofsError as error:
            unread[printable(name)[:100]] = str(error)
    known = [one for one in found if one.object in declared]
    return Proofs(
        tuple(_proof(one.object, row) for one in known for row in one.restores),
        tuple(
            (row.product, Verification(row.at, row.sound, row.repository, one.object, "", row.share, row.message))
            for one in known
            for row in one.verifications
        ),
        unread,
        tuple(one.object for one in found if one.object not in declared),
    )


def read_records(path: Path, now: float) -> ObjectRecords:
    """The file of an object. Raises ProofsError."""
    try:
        records = ObjectRecords.model_validate_json(_octets(path))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ProofsError(f"is not what a drill writes: {f'{where}: ' if where else ''}{first['msg']}"[:200]) from error
    except OSError as error:
        raise ProofsError(f"cannot be read: {error.strerror}") from error
    if path.name != records.object + SUFFIX:
        raise ProofsError(f"is about {records.object}, which its name is not")
    times = [records.written, *(row.at for row in records.restores), *(row.at for row in records.verifications)]
    if max(times) > now + _AHEAD:
        raise ProofsError("speaks of what is yet to come: set both clocks by NTP")
    return records


_LINE: TypeAdapter[RestoreRecord | VerificationRecord] = TypeAdapter(RestoreRecord | VerificationRecord)


@dataclass(frozen=True, slots=True)
class Logged:
    """What a log has of a time."""

    restores: tuple[RestoreRecord, ...] = ()
    verifications: tuple[VerificationRecord, ...] = ()
    unread: str = ""
    """Why some of it, or all, does not count."""


def read_log(path: Path, start: float, end: float, now: float) -> Logged:
    """What was tried in [start, end), the oldest first, of a log and the file beside it; blocks.

    A line that cannot be understood does not count, and is told; the others do. Without either file: nothing was tried.
    """
    unread: list[str] = []
    restores: list[RestoreRecord] = []
    verifications: list[VerificationRecord] = []
    try:
        lines = _octets(path, LARGEST_LOG).split(b"\n")
    except FileNotFoundError:
        lines = []
    except (OSError, ProofsError) as error:
        lines, unread = [], [f"{path.name}: {error}"]
    wrong = 0
    for line in lines:
        try:
            row = _LINE.validate_json(line) if line else None
        except ValidationError:
            wrong += 1
            continue
        if isinstance(row, RestoreRecord):
            restores.append(row)
        elif row is not None:
            verifications.append(row)
    if wrong:
        unread.append(f"{path.name}: {wrong} lines are not what a drill writes")
    try:
        present = read_records(path.with_suffix(SUFFIX), now)
        restores += present.restores  # of before there was a log
        verifications += present.verifications
    except ProofsError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            unread.append(f"{path.stem}{SUFFIX}: {error}")
    return Logged(
        tuple(sorted({one for one in restores if start <= one.at < end}, key=lambda one: (one.at, one.by))),
        tuple(sorted({one for one in verifications if start <= one.at < end}, key=lambda one: one.at)),
        "; ".join(unread),
    )


def _names(directory: str) -> Iterator[str]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX) and not entry.name.startswith("."):
                yield entry.name


def _octets(path: Path, largest: int = LARGEST) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ProofsError("is no file")
        octets = file.read(largest + 1)
    if len(octets) > largest:
        raise ProofsError(f"is larger than {largest // 1024} KiB")
    return octets


def _proof(object: str, row: RestoreRecord) -> Proof:
    return Proof(
        at=row.at,
        object=object,
        passed={"passed": True, "failed": False}.get(row.outcome),
        by=printable(row.by),
        seconds=row.seconds,
        bytes=row.bytes,
        point=row.point,
        message=printable(row.message),
        rehearsal=row.rehearsal,
        withdrawn=row.outcome == "withdrawn",
    )
